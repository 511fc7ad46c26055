"""Tests that take pictures of the window for people to look at; each is complete, on the screen and
not too large.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Problem, Reason
from proxim.core.files import status as file_st
from proxim.core.files.manifest import Direction, FailedFile
from proxim.core.pairing.devices import DeviceInfo, Verified
from proxim.core.sanitize import display_name
from proxim.ui.window.pages import WAITING
from proxim.ui.window.theme import ThemeChoice
from tests.ui.asking import asking
from tests.ui.tk_support import DOCKER, LONG_NAME, Bench, MakeBench, camera, link, transfer

ARABIC = (
    "صور العطلة الصيفية في الجبال والبحر مع العائلة والأصدقاء سنة ألفين وستة وعشرين الجزء الأول.jpg"
)
# Far more marks over and under one letter than any language has.
MARKS = "".join(map(chr, range(0x300, 0x340)))
LONG = "Protokoll-der-ausserordentlichen-Mitgliederversammlung-vom-21-November-endgueltig2.docx"


def show_long(bench: Bench) -> None:
    bench.window.show(st.ProofPolicy(required=True))
    bench.window.show(st.ThisDevice(DeviceInfo(LONG_NAME, "id")))
    bench.window.show(
        st.Networks(
            (ev.Network("10.20.30.123", 24, "Intel Ethernet I219-V", False), DOCKER), "10.20.30.123"
        )
    )
    bench.window.show(bench.invitation("HG2K-4QWX-91ZP", ev.SessionType.PERSISTENT, None))


def show_error(bench: Bench) -> None:
    bench.window.show(link(stage=st.Stage.CONNECTING, link_id="guest-1"))
    bench.window.show(st.Trouble(Problem(Reason.NETWORK_CHANGED)))
    bench.window.join.entry.insert(0, "02501-WK382")
    bench.window.join._read()


def show_dialog(bench: Bench) -> None:
    bench.window.show(asking(bench.prompt()))
    bench.clock.now += 1
    bench.pump(lambda: bench.window._dialogs["session-1"].approve_button.instate(["!disabled"]))


def show_dialog_verified(bench: Bench) -> None:
    bench.window.show(asking(bench.prompt(verified=Verified.CODE)))
    bench.clock.now += 1
    bench.pump(lambda: bench.window._dialogs["session-1"].approve_button.instate(["!disabled"]))


def show_dialog_qr(bench: Bench) -> None:
    bench.window.show(st.ProofPolicy(required=True))
    bench.window.show(asking(bench.prompt(verified=Verified.QR)))


def show_dialog_replaces(bench: Bench) -> None:
    bench.window.show(link("Grace's phone", st.Stage.WAITING))
    replaces = st.LostLink(ev.LinkID("host-1"), "Grace's phone")
    bench.window.show(asking(replace(bench.prompt(verified=Verified.QR), replaces=replaces)))


def show_dialog_marks(bench: Bench) -> None:
    """A name with as many marks as display_name leaves on each letter."""
    name = display_name("".join(f"{letter}{MARKS}" for letter in "Grace's phone"))
    bench.window.show(asking(bench.prompt(name, verified=Verified.CODE)))


def show_dialog_unnamed(bench: Bench) -> None:
    bench.window.show(asking(bench.prompt(display_name("...", "192.168.178.42"))))


def show_names_with_marks(bench: Bench) -> None:
    name = display_name("".join(f"{letter}{MARKS}" for letter in "Grace"))
    bench.window.show(link(name))
    files = ("plan.pdf", "".join(f"{letter}{MARKS}" for letter in "plan.pdf"), "…")
    for number, file in enumerate(files):
        bench.window.show(transfer(number, file))


def show_dialog_second_step(bench: Bench) -> None:
    show_dialog(bench)
    dialog = bench.window._dialogs["session-1"]
    dialog.approve()
    bench.clock.now += 1
    bench.pump(lambda: dialog.approve_button.instate(["!disabled"]))


def show_conversation(bench: Bench) -> None:
    bench.window.show(link())
    bench.window.show(link(LONG_NAME, link_id="guest-2", verified=None))
    bench.window.pages.select(ev.LinkID("host-1"))
    for text in ("Hello!", "A longer text\nof two lines", "x" * 200):
        bench.window.show(st.TextReceived(ev.LinkID("host-1"), text))


def show_ipv6(bench: Bench) -> None:
    address = "2001:db8:85a3:1234:5678:8a2e:370:7334"
    bench.window.show(st.Networks((ev.Network(address, 64, "eth0", False),), address))
    bench.window.show(bench.invitation(code=None))


def show_no_network(bench: Bench) -> None:
    bench.window.show(st.Networks((), None))
    bench.window.show(st.NoInvitation(Reason.NO_NETWORK))


def show_no_transfers(bench: Bench) -> None:
    bench.window.show(link())


def show_transfers(bench: Bench) -> None:
    bench.window.show(link())
    bench.window.show(st.TextReceived(ev.LinkID("host-1"), "Here are the photos"))
    tell = bench.window.show
    done = transfer(
        1, "a.jpg", "b.jpg", "c.jpg", state=file_st.TransferState.DONE, direction=Direction.IN
    )
    tell(replace(done, path="/home/ada/Downloads"))
    some = transfer(2, "a.txt", "b.txt", "c.txt", state=file_st.TransferState.DONE)
    tell(replace(some, failed=(FailedFile(1, Reason.FILE_CHANGED),)))
    tell(replace(transfer(3, state=file_st.TransferState.WAITING), moved=3_100_000))
    tell(transfer(4, "Report.pdf", state=file_st.TransferState.ANNOUNCED))
    tell(replace(transfer(5, "film.mkv", size=4_000_000_000), moved=1_300_000_000, speed=52e6))


def show_finished(bench: Bench) -> None:
    bench.window.show(link())
    tell = bench.window.show
    tell(replace(transfer(1, "a.iso", state=file_st.TransferState.FAILED), reason=Reason.DISK_FULL))
    tell(
        replace(transfer(2, "b.iso", state=file_st.TransferState.CANCELLED), reason=Reason.DECLINED)
    )
    tell(transfer(3, "c.iso", state=file_st.TransferState.CANCELLED, direction=Direction.IN))


def show_long_names(bench: Bench) -> None:
    bench.window.show(link(LONG_NAME))
    for number, name in enumerate((ARABIC, LONG, "W" * 200 + ".exe")):
        status = transfer(number, name, "b", "c", size=4_000_000_000)
        bench.window.show(replace(status, moved=1_234_567_890, speed=123_456, peer_name=LONG_NAME))


def show_question(bench: Bench) -> None:
    bench.window.show(link())
    names = (ARABIC, LONG, "photo\u202egpj.exe", "notes.txt")
    bench.window.show(
        transfer(1, *names, state=file_st.TransferState.ANNOUNCED, direction=Direction.IN)
    )
    alive(bench)
    bench.settle()
    queue = bench.window._incoming
    assert queue is not None
    assert queue.question is not None
    # All names fit into the list, at any scale.
    assert len(queue.question.list.lines()) == len(names)
    assert not queue.question.list._bar.winfo_viewable()


def show_question_of_20000(bench: Bench) -> None:
    bench.window.show(link())
    bench.window.show(camera())
    alive(bench)
    bench.window._incoming.question.list.toggle(4)  # type: ignore[union-attr]


def alive(bench: Bench) -> None:
    queue = bench.window._incoming
    assert queue is not None
    bench.pump(lambda: queue.question)
    question = queue.question
    assert question is not None
    bench.clock.now += st.ANSWER_DELAY_SECONDS
    bench.pump(lambda: question.accept_button.instate(["!disabled"]))


def show_waiting_link(bench: Bench) -> None:
    bench.window.show(link())
    bench.window.show(
        replace(transfer(3, state=file_st.TransferState.WAITING, link_id=None), moved=3_100_000)
    )
    bench.window.show(replace(transfer(4), moved=3_100_000))
    bench.window.show(
        replace(link(stage=st.Stage.WAITING), deadline=bench.clock.now + 108, was_connected=True)
    )


def show_lane(bench: Bench) -> None:
    bench.window.show(replace(link(LONG_NAME), via=st.Via.LANE, features=("text",)))
    bench.window.show(st.Trouble(Problem(Reason.NOTHING_TO_SEND), ev.LinkID("host-1")))


def show_waiting_tab(bench: Bench) -> None:
    bench.window.show(
        replace(transfer(1, state=file_st.TransferState.WAITING, link_id=None), moved=3_100_000)
    )
    bench.window.pages.select(WAITING)


def show_drop(bench: Bench) -> None:
    bench.window.show(link())
    bench.window.drop.enter()


def show_drop_without_link(bench: Bench) -> None:
    bench.window.drop.enter()


SCENES_OF_FILES: dict[str, Callable[[Bench], None]] = {
    "files-none": show_no_transfers,
    "files": show_transfers,
    "files-finished": show_finished,
    "files-long-names": show_long_names,
    "files-question": show_question,
    "files-question-20000": show_question_of_20000,
    "files-link-waits": show_waiting_link,
    "files-lane": show_lane,
    "files-tab": show_waiting_tab,
    "files-drop": show_drop,
    "files-drop-nowhere": show_drop_without_link,
}
SCENES = SCENES_OF_FILES | {
    "home": lambda _bench: None,
    "long-names-several-networks": show_long,
    "error": show_error,
    "dialog": show_dialog,
    "dialog-verified": show_dialog_verified,
    "dialog-qr": show_dialog_qr,
    "dialog-replaces": show_dialog_replaces,
    "dialog-marks": show_dialog_marks,
    "dialog-unnamed": show_dialog_unnamed,
    "names-with-marks": show_names_with_marks,
    "dialog-second-step": show_dialog_second_step,
    "conversation": show_conversation,
    "ipv6": show_ipv6,
    "no-network": show_no_network,
}


@pytest.mark.parametrize("scene", SCENES)
def test_pictures_at_100_percent(scene: str, make_bench: MakeBench) -> None:
    themes: tuple[ThemeChoice, ...] = ("light", "dark")
    for theme in themes:
        bench = make_bench(theme)
        take_picture(bench, scene, f"{scene}-{theme}-100")
        bench.root.destroy()


@pytest.mark.parametrize("scene", SCENES)
def test_pictures_at_200_percent(
    scene: str, fine_screen: str, make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", fine_screen)
    bench = make_bench("light")
    assert bench.window.theme.px(100) in range(198, 203)
    take_picture(bench, scene, f"{scene}-light-200")


def take_picture(bench: Bench, scene: str, name: str) -> None:
    """Save a picture of the window in a scene, and check the window's size."""
    SCENES[scene](bench)
    bench.wait_until_whole()
    assert bench.root.winfo_width() <= bench.window.theme.px(640), name
    assert bench.root.winfo_height() <= bench.window.theme.px(680), name
    path = bench.picture(name)
    assert path is None or path.stat().st_size > 1000, name
