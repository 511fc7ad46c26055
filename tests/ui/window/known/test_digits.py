"""Tests of the digits that two persons compare, and of what a link's page says about it."""

from dataclasses import replace

import pytest

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import SENTENCES, Reason
from proxim.core.known import events as known_ev
from proxim.core.known.status import RememberStage
from proxim.core.pairing.devices import Verified
from proxim.core.screen import events as screen_ev
from proxim.core.screen.status import ScreenStage
from proxim.ui.window.known.link_known import LinkKnown
from proxim.ui.window.known.remember import DigitsDialog
from proxim.ui.window.link.panel import LinkPanel
from tests.ui.tk_support import LONG_NAME, Bench, link
from tests.ui.window.known.known_support import (
    LINK,
    app_link,
    entry,
    known,
    known_link,
    known_of,
    remembering,
)
from tests.ui.window.screen.screen_support import share

YES = known_ev.AnswerRemember(LINK, same=True, digits="482913")
NO = known_ev.AnswerRemember(LINK, same=False, digits="482913")


@pytest.fixture
def panel(bench: Bench) -> LinkPanel:
    """Return the page of a link with a program."""
    bench.window.show(app_link())
    panel = bench.window.pages.links[LINK]
    bench.pump(panel.entry.winfo_viewable)
    return panel


def part(panel: LinkPanel) -> LinkKnown:
    assert panel._known is not None
    return panel._known


def line(panel: LinkPanel) -> str:
    bar = part(panel).remember_line
    return bar.words if bar.winfo_viewable() else ""


def compare(bench: Bench, *, ours: bool = True, name: str = "Ada's PC") -> DigitsDialog:
    bench.window.show(remembering(bench, RememberStage.COMPARE, ours=ours, name=name))
    dialog = known_of(bench).digits[LINK]
    bench.pump(dialog.window.winfo_viewable)
    bench.settle()
    return dialog


def after_delay(bench: Bench) -> None:
    bench.clock.now += st.ANSWER_DELAY_SECONDS
    bench.settle()


# --- who can be remembered ------------------------------------------------------------------------


@pytest.mark.parametrize("verified", [Verified.CODE, Verified.QR])
def test_a_verified_program_can_be_remembered(
    bench: Bench, panel: LinkPanel, verified: Verified
) -> None:
    bench.window.show(app_link(verified=verified))
    bench.settle()
    button = part(panel).button
    assert button.winfo_viewable()
    assert button.cget("text") == "Remember this device"
    button.invoke()
    assert bench.posted == [known_ev.RememberDevice(LINK)]


def test_nobody_else_can(bench: Bench, panel: LinkPanel) -> None:
    bench.window.show(app_link(verified=None))
    bench.settle()
    assert not part(panel).button.winfo_viewable()
    bench.window.show(app_link())
    bench.window.show(app_link(stage=st.Stage.WAITING))
    bench.settle()
    assert not part(panel).button.winfo_viewable()


def test_a_page_in_a_browser_sees_nothing_of_it(bench: Bench) -> None:
    bench.window.show(link(verified=Verified.QR))
    assert bench.window.pages.links[LINK]._known is None


def test_a_known_device_has_its_settings_there(bench: Bench) -> None:
    bench.window.show(known(entry(0, link=LINK)))
    bench.window.show(known_link(0))
    panel = bench.window.pages.links[LINK]
    bench.pump(part(panel).button.winfo_viewable)
    assert part(panel).button.cget("text") == "Known device…"
    assert panel._badge.cget("text") == "Known device"
    assert str(panel._badge.cget("style")).startswith("Green")
    part(panel).button.invoke()
    assert entry(0).id in known_of(bench).settings
    # A device that is forgotten while it is linked can be remembered again.
    bench.window.show(known())
    assert known_of(bench).settings == {}
    assert part(panel).button.cget("text") == "Remember this device"


# --- the dialog -----------------------------------------------------------------------------------


def test_it_shows_six_digits_and_whose_they_are(bench: Bench, panel: LinkPanel) -> None:
    dialog = compare(bench)
    assert [str(one.cget("text")) for one in dialog._digits] == list("482913")
    first, third, fourth, last = (dialog._digits[at].winfo_rootx() for at in (0, 2, 3, 5))
    assert fourth - third > (last - first) / 5
    assert "Ada's PC" in str(dialog._what.cget("text"))
    assert dialog._countdown.cget("text") == "60 s left to confirm"
    bench.picture("known-digits")
    bench.clock.now += 10
    bench.settle()
    assert dialog._countdown.cget("text") == "50 s left to confirm"


def test_differ_has_the_focus_and_no_answer_counts_at_first(bench: Bench, panel: LinkPanel) -> None:
    dialog = compare(bench)
    bench.wait_for_focus(dialog.differ_button)
    bench.key(dialog.differ_button, "<Return>", "<space>", "<Alt-s>", "<Alt-d>")
    dialog.same()
    dialog.differ()
    assert bench.posted == []
    after_delay(bench)
    bench.key(dialog.differ_button, "<Return>")
    assert bench.posted == [NO]
    assert not dialog.is_open


def test_same_is_answered_once_and_the_digits_stay_for_the_other(
    bench: Bench, panel: LinkPanel
) -> None:
    dialog = compare(bench)
    after_delay(bench)
    bench.key(dialog.differ_button, "<Alt-s>")
    dialog.same()
    assert bench.posted == [YES]
    bench.window.show(remembering(bench, RememberStage.WAITING))
    bench.settle()
    assert dialog.is_open
    assert not dialog.same_button.winfo_viewable()
    assert "Confirmed here" in str(dialog._what.cget("text"))
    assert "Confirmed here" in line(panel)
    bench.picture("known-digits-waiting")
    dialog.differ_button.invoke()
    assert bench.posted == [YES, NO]


def test_too_late_is_no_answer(bench: Bench, panel: LinkPanel) -> None:
    dialog = compare(bench)
    bench.clock.now += 60
    bench.settle()
    assert dialog._countdown.cget("text") == "Too late: the time is over"
    dialog.same()
    dialog.differ()
    assert bench.posted == []


def test_closing_it_is_no_answer_and_the_page_opens_it_again(
    bench: Bench, panel: LinkPanel
) -> None:
    dialog = compare(bench)
    after_delay(bench)
    bench.key(dialog.differ_button, "<Escape>")
    assert not dialog.is_open
    assert bench.posted == []
    bench.clock.now += 5 - st.ANSWER_DELAY_SECONDS
    bench.settle()
    assert line(panel) == "Compare the six digits with those of Ada's PC (55 s)."
    part(panel).remember_line.buttons[0].invoke()
    again = known_of(bench).digits[LINK]
    bench.pump(again.window.winfo_viewable)
    # It does not open by itself for the same digits.
    again.close()
    bench.window.show(remembering(bench, RememberStage.COMPARE))
    assert not known_of(bench).digits[LINK].is_open


def test_other_digits_are_another_question(bench: Bench, panel: LinkPanel) -> None:
    before = compare(bench)
    after_delay(bench)
    bench.window.show(remembering(bench, RememberStage.COMPARE, digits="000001"))
    now = known_of(bench).digits[LINK]
    assert not before.is_open
    assert now.is_open
    now.same()
    assert bench.posted == []
    after_delay(bench)
    now.same()
    assert bench.posted == [known_ev.AnswerRemember(LINK, same=True, digits="000001")]


def test_the_title_asks_for_it_also_on_another_page(bench: Bench, panel: LinkPanel) -> None:
    bench.window.pages.select("")
    compare(bench, ours=False, name=LONG_NAME)
    assert bench.root.title() == "Compare six digits - Proxim"
    bench.picture("known-digits-theirs")
    bench.window.show(remembering(bench, RememberStage.FAILED, reason=Reason.TIMEOUT))
    assert bench.root.title() == "Proxim"


def test_it_goes_with_its_link(bench: Bench, panel: LinkPanel) -> None:
    dialog = compare(bench)
    bench.window.show(app_link(stage=st.Stage.CLOSED))
    bench.settle()
    assert not dialog.is_open
    assert line(panel) == ""
    assert bench.root.title() == "Proxim"


def test_nobody_controls_this_screen_while_digits_are_compared(
    bench: Bench, panel: LinkPanel
) -> None:
    bench.window.show(share(ScreenStage.CONTROLLED, shows=True))
    bench.settle()
    dialog = compare(bench)
    shields = [one.up for one in bench.posted if isinstance(one, screen_ev.Shield)]
    assert shields == [True]
    dialog.close()
    bench.pump(lambda: bench.posted[-1] == screen_ev.Shield(up=False))


# --- what the page says ---------------------------------------------------------------------------


def test_each_stage_is_said_in_a_line(bench: Bench, panel: LinkPanel) -> None:
    bench.window.show(remembering(bench, RememberStage.PREPARING))
    bench.settle()
    assert line(panel) == "The six digits to compare with Ada's PC are being prepared."
    assert part(panel).button.instate(["disabled"])
    compare(bench)
    after_delay(bench)
    known_of(bench).digits[LINK].same()
    bench.window.show(remembering(bench, RememberStage.WAITING))
    bench.window.show(known(entry(0, link=LINK)))
    bench.window.show(remembering(bench, RememberStage.KEPT))
    bench.settle()
    assert line(panel).startswith("Ada's PC and this device know each other now.")
    assert str(part(panel).remember_line.cget("style")) == "Green.TFrame"
    assert part(panel).button.cget("text") == "Known device…"
    bench.picture("known-kept")
    part(panel).remember_line.buttons[0].invoke()
    bench.settle()
    assert line(panel) == ""


@pytest.mark.parametrize(
    ("reason", "words", "style"),
    [
        (Reason.DIGITS_DIFFER, SENTENCES[Reason.DIGITS_DIFFER], "Red.TFrame"),
        (Reason.REMEMBER_UNSUPPORTED, SENTENCES[Reason.REMEMBER_UNSUPPORTED], "Amber.TFrame"),
        (Reason.TIMEOUT, "not confirmed on both screens in time", "Amber.TFrame"),
        (Reason.DECLINED, "did not want that", "Amber.TFrame"),
        (Reason.BUSY, "Another device is being remembered", "Amber.TFrame"),
        (None, SENTENCES[Reason.INTERNAL], "Amber.TFrame"),
    ],
)
def test_why_nothing_was_remembered(
    bench: Bench, panel: LinkPanel, reason: Reason | None, words: str, style: str
) -> None:
    compare(bench)
    bench.window.show(remembering(bench, RememberStage.FAILED, reason=reason))
    bench.settle()
    assert words in line(panel)
    assert str(part(panel).remember_line.cget("style")) == style
    assert not known_of(bench).digits
    # It can be tried again at once.
    part(panel).button.invoke()
    assert bench.posted[-1] == known_ev.RememberDevice(LINK)


def test_the_end_of_the_window_closes_them(bench: Bench, panel: LinkPanel) -> None:
    dialog = compare(bench)
    bench.window.on_close = lambda: None
    bench.window.close()
    assert not dialog.is_open


def test_digits_of_a_link_whose_tab_is_closed(bench: Bench) -> None:
    bench.window.show(remembering(bench, RememberStage.COMPARE))
    dialog = known_of(bench).digits[LINK]
    after_delay(bench)
    dialog.same()
    assert bench.posted == [YES]
    known_of(bench).show_digits(ev.LinkID("host-2"))
    assert list(known_of(bench).digits) == [LINK]


@pytest.mark.parametrize("reason", [Reason.PEER_LEFT, Reason.PEER_VANISHED, Reason.TAMPERED])
def test_who_confirmed_reads_that_the_end_of_the_link_left_nothing(
    bench: Bench, panel: LinkPanel, reason: Reason
) -> None:
    bench.window.show(remembering(bench, RememberStage.WAITING))
    bench.window.show(remembering(bench, RememberStage.FAILED, reason=reason))
    bench.window.show(replace(app_link(stage=st.Stage.CLOSED), reason=reason))
    bench.pump(lambda: "nothing was remembered" in line(panel))
    bench.picture(f"known-link-ended-{reason}")
    # Nothing is left to disconnect.
    (ok,) = part(panel).remember_line.buttons
    ok.invoke()
    bench.settle()
    assert line(panel) == ""


def test_a_link_that_came_back_still_says_that_nothing_was_remembered(
    bench: Bench, panel: LinkPanel
) -> None:
    reason = Reason.PEER_VANISHED
    bench.window.show(remembering(bench, RememberStage.FAILED, reason=reason))
    again = ev.LinkID("host-9")
    bench.window.show(replace(app_link(link_id=again), resumes=LINK))
    bench.pump(lambda: "nothing was remembered" in line(panel))
    # A new link of the same page has nothing to do with it.
    bench.window.show(replace(app_link(link_id="host-10"), resumes=None))
    other = bench.window.pages.links[ev.LinkID("host-10")]
    assert line(other) == ""


def test_whose_place_it_would_take_is_read_before_the_digits(bench: Bench) -> None:
    bench.window.show(app_link())
    compared = replace(remembering(bench, RememberStage.COMPARE), known_as="Anna PC")
    bench.window.show(compared)
    dialog = known_of(bench).digits[LINK]
    bench.pump(dialog.window.winfo_viewable)
    label = dialog._earlier
    assert label is not None
    assert str(label.cget("text")).startswith("It says that it is Anna PC, which this device knows")
    assert label.winfo_rooty() < dialog._digits[0].winfo_rooty()
    bench.picture("known-digits-known-as")
