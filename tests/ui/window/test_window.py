import pytest

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import SENTENCES, Problem, Reason
from proxim.core.pairing.devices import Verified
from proxim.ui.window.theme import DARK, RECHECK_SECONDS
from tests.paths import ARTIFACTS
from tests.ui.asking import asking
from tests.ui.tk_support import URL, WIFI, Bench, MakeBench, link
from tests.ui.window.pairing.test_join import CODE


def trouble(bench: Bench) -> str:
    return str(bench.window.trouble._label.cget("text"))


def test_shortcuts_on_the_invite_tab(bench: Bench) -> None:
    bench.focus(bench.root)
    bench.root.event_generate("<Control-c>")
    assert bench.clipboard() == "02501-WK381"
    bench.root.event_generate("<Control-n>")
    assert bench.posted == [ev.Invite(ev.SessionType.ONE_TIME)]
    bench.root.event_generate("<Control-j>")
    bench.wait_for_focus(bench.window.join.entry)
    bench.focus(bench.root)
    bench.root.event_generate("<F2>")
    assert bench.window.device_bar._entry is not None


def test_a_new_code_is_not_made_unseen(bench: Bench) -> None:
    bench.window.show(link())
    panel = bench.window.pages.links[ev.LinkID("host-1")]
    bench.focus(panel.entry)
    bench.key(panel.entry, "<Control-n>")
    assert bench.posted == []
    bench.key(panel.entry, "<Control-j>")
    assert bench.window.pages.at_home


def test_control_c_in_the_join_field_is_its_own(bench: Bench) -> None:
    entry = bench.window.join.entry
    bench.focus(entry)
    entry.insert(0, "02501")
    entry.selection_range(0, "end")
    bench.key(entry, "<Control-c>")
    assert bench.clipboard() == "02501"


def test_tab_reaches_everything_in_the_order_it_is_read(bench: Bench) -> None:
    window = bench.window
    order = [
        window.device_bar.button,
        window.invite.code,
        window.invite.copy_code,
        window.invite.copy_link,
        window.invite.kind,
        window.invite.new_code,
        window.invite.refuse,
        window.join.entry,
        window.join.button,
    ]
    bench.focus(order[0])
    for before, after in zip(order, [*order[1:], order[0]], strict=True):
        bench.key(before, "<Tab>")
        bench.wait_for_focus(after)


def test_the_whole_way_of_a_host(bench: Bench) -> None:
    bench.window.show(asking(bench.prompt(verified=Verified.CODE)))
    dialog = bench.window._dialogs["session-1"]
    bench.clock.now += 1
    bench.pump(lambda: dialog.approve_button.instate(["!disabled"]))
    dialog.approve_button.invoke()
    bench.window.show(st.PairOutcome("session-1", approved=True))
    bench.window.show(st.NoInvitation(None))
    for stage in (st.Stage.APPROVED, st.Stage.CONNECTING, st.Stage.CONNECTED):
        bench.window.show(link(stage=stage))
    panel = bench.window.pages.links[ev.LinkID("host-1")]
    panel.entry.insert("1.0", "hello")
    panel.send_button.invoke()
    assert bench.posted == [
        ev.Decide("session-1", approved=True, number=11),
        ev.SendText(ev.LinkID("host-1"), "hello"),
    ]


def test_a_failing_callback_is_shown_and_logged_without_its_words(
    bench: Bench, logged_errors: list[str]
) -> None:
    def fail() -> None:
        raise ValueError("the code is 02501-WK381")

    bench.root.after(1, fail)
    bench.pump(lambda: trouble(bench) == SENTENCES[Reason.INTERNAL])
    assert len(logged_errors) == 1
    assert "ValueError" in logged_errors[0]
    assert "in fail" in logged_errors[0]
    assert "02501" not in logged_errors[0].replace(
        'raise ValueError("the code is 02501-WK381")', ""
    )
    logged_errors.clear()


def test_a_failure_to_tell_a_failure_ends_there(
    bench: Bench, logged_errors: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_sentence: str) -> None:
        bench.window.callback_failed(KeyError, KeyError(), None)

    monkeypatch.setattr(bench.window.trouble, "show", fail)
    bench.window.callback_failed(ValueError, ValueError(), None)
    assert len(logged_errors) == 2
    logged_errors.clear()


def test_closing_tells_the_app_and_takes_the_dialogs_along(bench: Bench) -> None:
    closed: list[bool] = []
    bench.window.on_close = lambda: closed.append(True)
    bench.window.show(asking(bench.prompt()))
    bench.root.tk.eval(str(bench.root.protocol("WM_DELETE_WINDOW")))
    assert closed == [True]
    assert bench.window._dialogs == {}
    bench.window.show(st.Stopped())
    assert not bench.window.trouble.winfo_viewable()


def test_a_network_side_that_broke_is_told(bench: Bench) -> None:
    bench.window.show(asking(bench.prompt()))
    bench.window.show(st.Stopped())
    bench.settle()
    assert bench.window._dialogs == {}
    assert trouble(bench) == SENTENCES[Reason.INTERNAL]
    assert not bench.window.invite._qr.winfo_viewable()


def test_trouble_of_a_link_names_its_peer(bench: Bench) -> None:
    bench.window.show(link())
    bench.window.show(st.Trouble(Problem(Reason.UNSUPPORTED), ev.LinkID("host-1")))
    assert trouble(bench) == f"Grace's phone: {SENTENCES[Reason.UNSUPPORTED]}"
    bench.window.show(st.Trouble(Problem(Reason.FILE_GONE, "/no/such.txt"), ev.LinkID("host-1")))
    assert trouble(bench) == f"Grace's phone: /no/such.txt: {SENTENCES[Reason.FILE_GONE]}"
    # This link has no tab any more.
    bench.window.show(st.Trouble(Problem(Reason.NOT_CONNECTED), ev.LinkID("host-9")))
    assert trouble(bench) == SENTENCES[Reason.NOT_CONNECTED]


def test_everything_follows_the_system_into_the_dark(
    make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    dark: list[bool] = []
    monkeypatch.setattr("proxim.ui.window.appearance.Appearance.is_dark", lambda _: bool(dark))
    bench = make_bench("system")
    bench.window.show(link())
    bench.window.show(asking(bench.prompt()))
    dialog = bench.window._dialogs["session-1"]
    dark.append(True)
    bench.clock.now += RECHECK_SECONDS
    bench.focus(bench.window.pages.links[ev.LinkID("host-1")].entry)
    bench.pump(lambda: bench.window.theme.is_dark)
    panel = bench.window.pages.links[ev.LinkID("host-1")]
    grounds = {
        str(widget.cget("background"))
        for widget in (bench.root, dialog.window, bench.window.steps._canvas)
    }
    assert grounds == {DARK.background}
    assert {str(text.cget("background")) for text in (panel.entry, panel.history.text)} == {
        DARK.field
    }
    assert str(bench.window.invite.code.cget("readonlybackground")) == DARK.background


def test_joining_by_keyboard_alone(bench: Bench) -> None:
    bench.focus(bench.root)
    bench.root.event_generate("<Control-j>")
    entry = bench.window.join.entry
    bench.wait_for_focus(entry)
    bench.key(entry, *CODE.replace("-", "").lower(), "<Return>")
    assert [type(intent) for intent in bench.posted] == [ev.Join]


def test_what_it_begins_with_is_what_it_was_told(bench: Bench) -> None:
    assert bench.window.invite._secret(link=True) == URL
    assert bench.window.join.networks == (WIFI,)


def test_pictures_are_kept_where_people_look_for_them(bench: Bench) -> None:
    path = bench.picture("home-light-100")
    assert path is None or path.parent == ARTIFACTS
