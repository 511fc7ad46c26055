import tkinter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from tkinter import ttk

import pytest

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.pairing.devices import DeviceInfo, KnownID, Verified
from proxim.ui.window.pairing.approval import ApprovalDialog
from tests.rows import each_row
from tests.ui.asking import asking
from tests.ui.tk_support import LONG_NAME, Bench


def texts(widget: tkinter.Misc) -> list[str]:
    """Return all texts that can be read in a window."""
    found = []
    for child in widget.winfo_children():
        if isinstance(child, tkinter.Entry) and child.winfo_class() == "Entry":
            found.append(child.get())
        elif child.winfo_class() in {"TLabel", "TButton"}:
            found.append(str(child.cget("text")))
        found += texts(child)
    return found


def ask(bench: Bench, prompt: st.Prompt | None = None, *before: st.Prompt) -> ApprovalDialog:
    """Show a prompt, after earlier ones that still wait, and return its dialog."""
    asked = prompt or bench.prompt()
    bench.window.show(asking(*before, asked))
    dialog = bench.window._dialogs[asked.session_id]
    bench.wait_for_focus(dialog.reject_button)
    return dialog


def come_alive(bench: Bench, dialog: ApprovalDialog) -> None:
    bench.clock.now += st.ANSWER_DELAY_SECONDS
    bench.pump(lambda: dialog.approve_button.instate(["!disabled"]))


@each_row(
    "verified, badge, style",
    [
        (None, "Not verified", "Amber.Badge.TLabel"),
        (Verified.CODE, "Verified", "Green.Badge.TLabel"),
        (Verified.QR, "Scanned your QR", "Blue.Badge.TLabel"),
    ],
)
def test_it_names_who_asks_and_how_they_proved_themselves(
    bench: Bench, verified: Verified | None, badge: str, style: str
) -> None:
    dialog = ask(bench, bench.prompt(verified=verified))
    shown = texts(dialog.window)
    assert {
        "Grace's phone",
        "192.168.178.42",
        "9b2f0c5e-7a61-4c0e-8d7f-0a1b2c3d4e5f",
        badge,
    } <= set(shown)
    assert bench.window.theme.badge(verified) == (badge, style)


@each_row("name", ["Ada's phone", None])
@each_row(
    "verified, proof",
    [
        (Verified.CODE, "It proved that it knows the code of this session."),
        (Verified.QR, "It holds the secret of this session's QR code. "),
    ],
)
def test_who_asks_for_the_place_of_a_lost_device_is_not_taken_for_it(
    bench: Bench, verified: Verified, proof: str, name: str | None
) -> None:
    replaces = st.LostLink(ev.LinkID("host-1"), name)
    dialog = ask(bench, replace(bench.prompt(verified=verified), replaces=replaces))
    shown = texts(dialog.window)
    assert any(text.startswith(proof) for text in shown)
    lost = f"The device that was connected, {name or 'the other device'}, has not come back."
    (warning,) = [text for text in shown if text.startswith(lost)]
    assert "a name can be copied" in warning
    assert dialog.window.winfo_height() >= dialog.window.winfo_reqheight()


def test_reject_has_the_focus_and_return_rejects(bench: Bench) -> None:
    dialog = ask(bench)
    come_alive(bench, dialog)
    dialog.reject_button.event_generate("<Return>")
    assert bench.posted == [ev.Decide("session-1", approved=False, number=11)]


@pytest.mark.parametrize("how", ["invoke", "approve", "letter", "return"])
def test_approve_is_dead_at_first(bench: Bench, how: str) -> None:
    dialog = ask(bench, bench.prompt(verified=Verified.CODE))
    bench.clock.now += st.ANSWER_DELAY_SECONDS - 0.01

    def press() -> None:
        if how == "invoke":
            dialog.approve_button.invoke()
        elif how == "approve":
            dialog.approve()
        elif how == "letter":
            dialog.window.event_generate("<Alt-a>")
        else:
            bench.focus(dialog.approve_button)
            dialog.approve_button.event_generate("<Return>")

    press()
    assert bench.posted == []
    # The case "return" has given the focus to another button.
    if how != "return":
        bench.wait_for_focus(dialog.reject_button)
    come_alive(bench, dialog)
    press()
    assert bench.posted == [ev.Decide("session-1", approved=True, number=11)]


def test_a_device_that_proved_nothing_takes_a_second_step(bench: Bench) -> None:
    dialog = ask(bench)
    assert any("anybody on this network" in text for text in texts(dialog.window))
    come_alive(bench, dialog)
    bench.focus(dialog.approve_button)
    dialog.approve_button.invoke()
    assert bench.posted == []
    assert dialog.approve_button.cget("text") == "Approve without verification"
    assert any(
        "Nothing shows that this device has seen your code" in text for text in texts(dialog.window)
    )
    bench.wait_for_focus(dialog.reject_button)
    bench.clock.now += st.ANSWER_DELAY_SECONDS - 0.01
    dialog.approve_button.configure(state="normal")
    # A double click may do this.
    dialog.approve_button.invoke()
    assert bench.posted == []
    come_alive(bench, dialog)
    dialog.approve_button.invoke()
    assert bench.posted == [ev.Decide("session-1", approved=True, number=11)]


def test_the_second_step_can_be_rejected_and_is_all_on_the_screen(bench: Bench) -> None:
    dialog = ask(bench)
    come_alive(bench, dialog)
    dialog.window.event_generate("<Alt-a>")
    window = dialog.window
    bench.pump(lambda: window.winfo_height() >= window.winfo_reqheight())
    right = dialog.approve_button.winfo_rootx() + dialog.approve_button.winfo_width()
    assert right <= window.winfo_rootx() + window.winfo_width()
    bench.wait_for_focus(dialog.reject_button)
    dialog.reject_button.event_generate("<Return>")
    assert bench.posted == [ev.Decide("session-1", approved=False, number=11)]


@pytest.mark.parametrize("verified", Verified)
def test_a_device_that_proved_itself_takes_one_step(bench: Bench, verified: Verified) -> None:
    dialog = ask(bench, bench.prompt(verified=verified))
    come_alive(bench, dialog)
    dialog.approve_button.invoke()
    assert bench.posted == [ev.Decide("session-1", approved=True, number=11)]


def test_only_the_proved_get_the_button_that_invites(bench: Bench) -> None:
    styles = [
        str(ask(bench, bench.prompt(verified=verified)).approve_button.cget("style"))
        for verified in (None, Verified.CODE)
    ]
    assert styles == ["TButton", "Main.TButton"]


def test_a_button_that_was_enabled_too_early_still_ignores_the_click(bench: Bench) -> None:
    dialog = ask(bench)
    dialog.approve_button.configure(state="normal")
    dialog.approve_button.invoke()
    assert bench.posted == []


@pytest.mark.parametrize("how", ["escape", "close"])
def test_escape_and_closing_reject(bench: Bench, how: str) -> None:
    dialog = ask(bench)
    come_alive(bench, dialog)
    if how == "escape":
        dialog.window.event_generate("<Escape>")
    else:
        dialog.window.tk.eval(str(dialog.window.protocol("WM_DELETE_WINDOW")))
    assert bench.posted == [ev.Decide("session-1", approved=False, number=11)]
    assert not dialog.window.winfo_exists()


def test_it_counts_down_and_is_too_late_in_the_end(bench: Bench) -> None:
    dialog = ask(bench)

    def says(words: str) -> bool:
        return any(words in text for text in texts(dialog.window))

    for passed, left in ((0.0, "40 s"), (1.5, "39 s"), (37.5, "in 1 s")):
        bench.clock.now += passed
        bench.pump(partial(says, left), left)
    bench.clock.now += 1
    bench.pump(partial(says, "time is over"))
    dialog.approve()
    assert bench.posted == []
    assert dialog.approve_button.instate(["disabled"])


def open_dialogs(bench: Bench) -> list[str]:
    """Return the sessions whose requests are on the screen."""
    return [session for session, one in bench.window._dialogs.items() if one.window.winfo_exists()]


def test_it_goes_away_by_itself(bench: Bench) -> None:
    dialog = ask(bench)
    bench.window.show(st.PairOutcome("another", approved=True))
    assert dialog.window.winfo_exists()
    bench.window.show(st.PairOutcome("session-1", approved=False, reason=Reason.GUEST_LEFT))
    bench.window.show(asking())
    assert not dialog.window.winfo_exists()
    assert bench.posted == []
    assert bench.root.title() == "Proxim"


def test_two_verified_requests_have_a_dialog_each(bench: Bench) -> None:
    prompt = bench.prompt(verified=Verified.QR)
    first = ask(bench, prompt)
    second = ask(bench, bench.prompt("Joan", Verified.CODE, session="session-2"), prompt)
    assert (second.window.winfo_x(), second.window.winfo_y()) != (
        first.window.winfo_x(),
        first.window.winfo_y(),
    )
    second.reject()
    assert bench.posted == [ev.Decide("session-2", approved=False, number=12)]
    assert first.window.winfo_exists()
    assert "asks" in bench.root.title()


def test_unverified_requests_are_asked_one_after_the_other(bench: Bench) -> None:
    first, second = bench.prompt(), bench.prompt("Joan", session="session-2")
    third = bench.prompt("Mary", session="session-3")
    dialog = ask(bench, first)
    bench.window.show(asking(first, second))
    bench.window.show(asking(first, second, third))
    assert open_dialogs(bench) == ["session-1"]
    bench.window.show(asking(first, third))
    dialog.reject()
    bench.window.show(asking(third))
    assert open_dialogs(bench) == ["session-3"]
    assert "Mary" in texts(bench.window._dialogs["session-3"].window)


def test_an_answered_request_uncovers_one_that_is_dead_at_first(bench: Bench) -> None:
    first, second = bench.prompt(), bench.prompt("Joan", session="session-2")
    dialog = ask(bench, first)
    bench.window.show(asking(first, second))
    come_alive(bench, dialog)
    dialog.reject()
    bench.window.show(asking(second))
    uncovered = bench.window._dialogs["session-2"]
    uncovered.approve()
    assert uncovered._warned is False
    assert bench.posted == [ev.Decide("session-1", approved=False, number=11)]


def test_an_answered_request_is_not_asked_about_again(bench: Bench) -> None:
    """Core may publish another prompt before it has handled the answer."""
    prompt = bench.prompt()
    ask(bench, prompt).reject()
    assert "asks" not in bench.root.title()
    bench.window.show(asking(prompt, bench.prompt("Joan", session="session-2")))
    assert open_dialogs(bench) == []
    # The next request of the same session has another number.
    later = replace(prompt, number=21)
    bench.window.show(asking(later))
    assert open_dialogs(bench) == ["session-1"]
    assert "asks" in bench.root.title()


def test_a_verified_request_goes_before_an_unverified_one(bench: Bench) -> None:
    prompt = bench.prompt()
    unverified = ask(bench, prompt)
    verified = ask(bench, bench.prompt("Joan", Verified.CODE, session="session-2"), prompt)
    assert not unverified.window.winfo_exists()
    # The unverified request still waits.
    assert bench.posted == []
    verified.reject()
    bench.window.show(asking(prompt))
    assert open_dialogs(bench) == ["session-1"]
    assert bench.root.title() != "Proxim"


def test_a_request_is_shown_when_core_says_so(bench: Bench) -> None:
    bench.window.show(bench.prompt())
    assert open_dialogs(bench) == []
    bench.window.show(st.PairOutcome("session-1", approved=False, surplus=True))
    assert bench.posted == []


def test_the_same_session_never_has_two(bench: Bench) -> None:
    first = ask(bench)
    second = ask(bench, replace(bench.prompt("Joan"), number=12))
    assert not first.window.winfo_exists()
    assert "Joan" in texts(second.window)
    assert bench.posted == []


def test_nothing_pushes_the_buttons_out(bench: Bench) -> None:
    prompt = st.Prompt(
        "s",
        DeviceInfo("W" * 40, "x" * 64),
        "fe80::1234:5678:9abc:def0%wlp0s20f3",
        None,
        bench.clock.now + 40,
    )
    dialog = ask(bench, prompt)
    assert dialog.window.winfo_width() < bench.window.theme.px(640)
    assert dialog.window.winfo_height() >= dialog.window.winfo_reqheight()
    right = dialog.approve_button.winfo_rootx() + dialog.approve_button.winfo_width()
    assert right <= dialog.window.winfo_rootx() + dialog.window.winfo_width()
    assert [line.get() for line in dialog.device_id] == ["x" * 36, "x" * 28]


@each_row("id", ["x" * 64, "漢" * 21, "e" * 63 + "é", "0" * 36])
def test_all_of_an_id_is_seen(bench: Bench, id: str) -> None:
    """Two IDs may begin alike, so no line may be cut off."""
    lines = ask(
        bench, st.Prompt("s", DeviceInfo("Ada", id), "192.168.1.2", None, bench.clock.now + 40)
    ).device_id
    bench.pump(lines[-1].winfo_viewable)
    assert "".join(line.get() for line in lines) == id
    assert all(line.xview() == (0.0, 1.0) for line in lines)


def test_an_id_cannot_steer_the_text(bench: Bench) -> None:
    prompt = st.Prompt(
        "s", DeviceInfo(LONG_NAME, "ab\n\u202ecd\x00"), "192.168.1.2", None, bench.clock.now + 40
    )
    assert [line.get() for line in ask(bench, prompt).device_id] == ["ab cd"]


def test_it_shows_over_a_minimised_window(bench: Bench) -> None:
    # Nothing can be minimised without a window manager.
    bench.root.withdraw()
    dialog = ask(bench)
    assert dialog.window.winfo_viewable()


def test_a_known_device_is_named_as_here_and_green(bench: Bench) -> None:
    prompt = replace(bench.prompt("Ada's PC", verified=Verified.KNOWN), known=KnownID("device-0"))
    bench.window.show(asking(prompt))
    dialog = bench.window._dialogs["session-1"]
    bench.pump(dialog.window.winfo_viewable)
    labels = {
        str(one.cget("text")): str(one.cget("style"))
        for one in every(dialog.window)
        if isinstance(one, ttk.Label)
    }
    assert "Green" in labels["Known device: Ada's PC"]
    assert any("proved the key" in words for words in labels)
    # What a device says of its id proves nothing beside the key.
    assert dialog.device_id == []
    bench.wait_for_focus(dialog.reject_button)
    assert not dialog.approvable
    bench.clock.now += st.ANSWER_DELAY_SECONDS
    bench.settle()
    bench.picture("known-asks")
    dialog.approve()
    assert bench.posted == [ev.Decide("session-1", True, prompt.number)]


def every(widget: tkinter.Misc) -> Iterator[tkinter.Misc]:
    yield widget
    for child in widget.winfo_children():
        yield from every(child)
