from dataclasses import replace

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import SENTENCES, Problem, Reason
from proxim.ui.qr import qr_matrix
from proxim.ui.window.pairing.invite import QR_SIDE, life_text, network_text
from tests.rows import each_row
from tests.ui.tk_support import DOCKER, URL, WIFI, Bench


@each_row(
    "expires, text",
    [
        (None, "Valid until you end it with New code"),
        (900.0, "Valid for 15:00"),
        (59.2, "Valid for 1:00"),
        (3600.0, "Valid for 1:00:00"),
        (0.4, "Valid for 0:01"),
        (0.0, "Expired; a new code is coming"),
        (-5.0, "Expired; a new code is coming"),
    ],
)
def test_how_long_a_code_lives(expires: float | None, text: str) -> None:
    assert life_text(expires, 0.0) == text


def test_virtual_networks_are_named_so() -> None:
    assert network_text(WIFI) == "192.168.178.123 · Wi-Fi"
    assert network_text(DOCKER) == "172.17.0.1 · docker0 (virtual)"


def test_every_module_of_the_qr_is_a_square_of_whole_pixels(bench: Bench) -> None:
    image = bench.window.invite._image
    assert image is not None
    matrix = qr_matrix(URL)
    zoom = image.width() // len(matrix)
    assert image.width() == image.height() == zoom * len(matrix)
    assert zoom == 5
    for row, line in enumerate(matrix):
        for column, dark in enumerate(line):
            expected = (0, 0, 0) if dark else (255, 255, 255)
            for x, y in ((0, 0), (zoom - 1, zoom - 1)):
                assert image.get(column * zoom + x, row * zoom + y) == expected


def test_the_qr_is_dark_on_white_in_the_dark_too(bench: Bench) -> None:
    assert str(bench.window.invite._qr.cget("background")) == "white"
    assert bench.window.invite._qr.winfo_width() == bench.window.theme.px(QR_SIDE)


def test_the_life_counts_down(bench: Bench) -> None:
    life = bench.window.invite._life
    assert life.cget("text") == "Valid for 15:00"
    bench.clock.now += 61
    bench.pump(lambda: life.cget("text") == "Valid for 13:59")


def test_a_code_that_is_closed_is_not_shown_and_its_banner_goes_with_it(bench: Bench) -> None:
    window, before = bench.window, bench.invitation()
    window.show(st.Trouble(Problem(Reason.CODE_CLOSED)))
    window.show(replace(before, code=None, code_closed=True))
    invite = window.invite
    bench.pump(lambda: not invite.code.winfo_viewable() and not invite.copy_code.winfo_viewable())
    assert "code is closed" in str(invite._how.cget("text"))
    assert str(invite._life.cget("text")).startswith("QR code and link: valid for")
    bench.pump(window.trouble.winfo_viewable)
    assert invite.copy_link.winfo_viewable()
    invite.new_code.invoke()
    assert bench.posted == [ev.Invite(ev.SessionType.ONE_TIME)]
    window.show(st.Trouble(Problem(Reason.INTERNAL)))
    window.show(before)
    bench.pump(invite.code.winfo_viewable)
    assert str(invite._life.cget("text")).startswith("Valid for")
    # The other message stays.
    bench.pump(window.trouble.winfo_viewable)
    window.trouble.button.invoke()
    bench.pump(lambda: not window.trouble.winfo_viewable())


def test_code_and_link_are_copied_by_click_and_by_key(bench: Bench) -> None:
    invite = bench.window.invite
    invite.copy_link.invoke()
    assert bench.clipboard() == URL
    invite.copy_code.invoke()
    assert bench.clipboard() == "02501-WK381"
    assert "Copied" in str(invite.copy_code.cget("text"))
    bench.root.clipboard_clear()
    bench.focus(invite.code)
    bench.key(invite.code, "<Control-c>")
    assert bench.clipboard() == "02501-WK381"


def test_a_part_of_the_code_can_be_copied(bench: Bench) -> None:
    code = bench.window.invite.code
    bench.focus(code)
    code.selection_range(0, 5)
    bench.key(code, "<Control-c>")
    assert bench.clipboard() == "02501"


@each_row("code", ["02501-WK381", "8G2K-4QWX-91ZP", "Z0ABCD-EFGHJK-MNPQRS"])
def test_every_length_of_code_fits_beside_the_qr(bench: Bench, code: str) -> None:
    before = bench.root.winfo_width()
    bench.window.show(bench.invitation(code))
    bench.settle()
    assert bench.window.invite.code.get() == code
    assert bench.root.winfo_width() == before


def test_without_a_short_code_the_link_remains(bench: Bench) -> None:
    invite = bench.window.invite
    bench.window.show(bench.invitation(code=None))
    bench.settle()
    assert not invite.code.winfo_viewable()
    assert not invite.copy_code.winfo_viewable()
    assert invite.copy_link.winfo_viewable()
    assert "no short code" in str(invite._how.cget("text"))
    bench.window.show(bench.invitation())
    bench.settle()
    assert invite.code.winfo_viewable()
    assert invite.copy_code.winfo_viewable()


def test_without_a_network_the_sentence_stands_in_place_of_the_qr(bench: Bench) -> None:
    invite = bench.window.invite
    bench.window.show(st.Networks((), None))
    bench.window.show(st.NoInvitation(Reason.NO_NETWORK))
    bench.settle()
    assert invite._message is not None
    assert invite._message.winfo_viewable()
    assert str(invite._message.cget("text")) == SENTENCES[Reason.NO_NETWORK]
    assert not invite._qr.winfo_viewable()
    bench.root.clipboard_clear()
    bench.root.clipboard_append("mine")
    invite.copy_code.invoke()
    assert bench.clipboard() == "mine"


def test_after_somebody_joined_another_can_be_invited(bench: Bench) -> None:
    bench.window.show(st.NoInvitation(None))
    assert str(bench.window.invite.new_code.cget("text")) == "Invite another"
    bench.window.invite.new_code.invoke()
    assert bench.posted == [ev.Invite(ev.SessionType.ONE_TIME)]


@each_row(
    "label, intent",
    [
        ("One-time", ev.Invite(ev.SessionType.ONE_TIME)),
        ("Temporary: ends after 1 hour", ev.Invite(ev.SessionType.TEMPORARY, 3600.0)),
        ("Persistent", ev.Invite(ev.SessionType.PERSISTENT)),
    ],
)
def test_a_kind_of_session_is_chosen(bench: Bench, label: str, intent: ev.Invite) -> None:
    menu = bench.window.invite.kind._menu
    bench.window.invite.kind._fill()
    last = menu.index("end")
    assert last is not None
    entry = next(at for at in range(last + 1) if str(menu.entrycget(at, "label")).startswith(label))
    bench.posted.clear()
    menu.invoke(entry)
    assert bench.posted == [intent]


def test_a_new_code_is_of_the_kind_that_is_shown(bench: Bench) -> None:
    bench.window.show(bench.invitation(kind=ev.SessionType.PERSISTENT, life=None))
    bench.window.invite.new_code.invoke()
    assert bench.posted == [ev.Invite(ev.SessionType.PERSISTENT)]
    assert str(bench.window.invite.kind.cget("text")) == "Persistent"


def test_a_network_is_chosen_only_among_several(bench: Bench) -> None:
    invite = bench.window.invite
    assert invite.network is None
    assert invite._network_label is not None
    assert "192.168.178.123" in str(invite._network_label.cget("text"))
    bench.window.show(st.Networks((WIFI, DOCKER), WIFI.address))
    bench.settle()
    network = invite.network
    assert network is not None
    assert network.winfo_viewable()
    network._fill()
    network._menu.invoke(1)
    assert bench.posted == [ev.ChooseNetwork(DOCKER.address)]
    # The choice does not change before the new status comes.
    assert network._value.get() == WIFI.address
    bench.window.show(st.Networks((WIFI, DOCKER), DOCKER.address))
    assert "172.17.0.1" in str(network.cget("text"))
    bench.window.show(st.Networks((WIFI,), WIFI.address))
    bench.settle()
    assert not network.winfo_viewable()


def test_a_long_network_name_does_not_widen_the_window(bench: Bench) -> None:
    before = bench.root.winfo_width()
    long = ev.Network(
        "2001:db8:85a3:1234:5678:8a2e:370:7334",
        64,
        "Intel(R) Ethernet Connection (17) I219-LM #2",
        False,
    )
    for networks in ((long,), (long, DOCKER)):
        bench.window.show(st.Networks(networks, long.address))
        bench.settle()
        assert bench.root.winfo_width() == before


def test_the_switch_asks_for_a_policy_and_shows_the_one_that_was_told(bench: Bench) -> None:
    switch = bench.window.invite.refuse
    assert switch.instate(["!selected", "!alternate"])
    switch.invoke()
    assert bench.posted == [ev.SetRequireProof(required=True)]
    # The new policy has not been published yet.
    assert switch.instate(["!selected"])
    bench.window.show(st.ProofPolicy(required=True))
    assert switch.instate(["selected"])
    switch.invoke()
    assert bench.posted[1:] == [ev.SetRequireProof(required=False)]
    bench.window.show(st.ProofPolicy(required=False))
    assert switch.instate(["!selected"])
