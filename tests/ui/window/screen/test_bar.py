"""Tests of the bar above a shown screen: what it says, where it is, and whether it is seen."""

import tkinter

import pytest

from proxim.core.errors import Reason
from proxim.core.screen import events as screen_ev
from proxim.core.screen.messages import Monitor
from proxim.core.screen.status import PanicChord, PanicKeys, ScreenStage
from proxim.ui.window.screen.bar import CHECK_MS, HIDDEN_CHECKS, ScreenBar, home_of
from tests.ui.tk_support import LONG_NAME, Bench
from tests.ui.window.screen.screen_support import LINK, screen_link, screens_of, share

WHOLE = (Monitor(0, "screen", 0, 0, 1600, 1400),)


def shown(
    bench: Bench,
    stage: ScreenStage = ScreenStage.CONTROLLED,
    monitors: tuple[Monitor, ...] = WHOLE,
    name: str = "Grace's laptop",
) -> ScreenBar:
    """Show the screen, and return the bar."""
    bench.window.show(screen_link(name=name))
    bench.window.show(share(stage, shows=True, monitors=monitors))
    bar = screens_of(bench).bars[LINK]
    bench.pump(bar.window.winfo_viewable, "the bar is there")
    bench.settle()
    return bar


def check(bench: Bench, times: int = 1) -> None:
    """Let the bar be looked at."""
    for _ in range(times):
        bench.clock.now += CHECK_MS / 1000
        bench.settle()


def stops(bench: Bench) -> list[screen_ev.StopControl]:
    return [one for one in bench.posted if isinstance(one, screen_ev.StopControl)]


def last(bench: Bench) -> object:
    """Return the newest intent."""
    return bench.posted[-1]


def test_it_is_at_the_top_of_the_shown_monitor(bench: Bench) -> None:
    bar = shown(bench, monitors=(Monitor(3, "DP-1", 200, 100, 1000, 800),))
    window = bar.window
    assert window.winfo_rooty() == 100
    assert abs(window.winfo_rootx() + window.winfo_width() // 2 - 700) <= 1
    assert bar.can_be_seen


def test_it_says_who_does_what(bench: Bench) -> None:
    bar = shown(bench, ScreenStage.VIEWED)
    assert str(bar._state.cget("text")) == "sees this screen"
    assert bar.pause.winfo_ismapped()
    assert not bar.stop_control.winfo_ismapped()
    bench.window.show(share(ScreenStage.CONTROLLED, shows=True, monitors=WHOLE))
    bench.settle()
    assert str(bar._state.cget("text")) == "controls this device"
    bar.stop_control.invoke()
    assert last(bench) == screen_ev.StopControl(LINK)
    bar.pause.invoke()
    assert last(bench) == screen_ev.PauseScreen(LINK)
    bench.window.show(share(ScreenStage.PAUSED, shows=True, monitors=WHOLE))
    bench.settle()
    assert not bar.pause.winfo_ismapped()
    bar.go_on.invoke()
    assert last(bench) == screen_ev.GoOnShowing(LINK)
    bar.stop.invoke()
    assert last(bench) == screen_ev.StopScreen(LINK, shows=True)
    bench.window.show(share(ScreenStage.ENDED, shows=True))
    assert not bar.window.winfo_exists()


@pytest.mark.parametrize(
    ("chord", "words"),
    [
        (PanicChord.CTRL_ALT_ESCAPE, "Ctrl+Alt+Esc stops all"),
        (PanicChord.CTRL_ALT_SHIFT_ESCAPE, "Ctrl+Alt+Shift+Esc stops all"),
        (None, ""),
    ],
)
def test_it_shows_the_keys_that_stop_everything(
    bench: Bench, chord: PanicChord | None, words: str
) -> None:
    bar = shown(bench)
    bench.window.show(PanicKeys(chord))
    assert str(bar._hint.cget("text")) == words


def test_it_is_moved_sideways_and_stays_on_its_monitor(bench: Bench) -> None:
    bar = shown(bench)
    before = bar.window.winfo_rootx()
    bar._who.event_generate("<ButtonPress-1>", x=5, y=5, rootx=before + 5, rooty=5)
    bar._who.event_generate("<B1-Motion>", x=5, y=5, rootx=before + 105, rooty=90)
    bench.settle()
    assert (bar.window.winfo_rootx(), bar.window.winfo_rooty()) == (before + 100, 0)
    bar._who.event_generate("<B1-Motion>", x=5, y=5, rootx=before + 9000, rooty=5)
    bench.settle()
    assert bar.window.winfo_rootx() + bar.window.winfo_width() == 1600


@pytest.mark.parametrize("across", [1600, 700, 500])
def test_it_fits_on_its_monitor_with_all_buttons(bench: Bench, across: int) -> None:
    bar = shown(bench, monitors=(Monitor(0, "DP-1", 0, 0, across, 700),), name=LONG_NAME)
    bench.window.show(PanicKeys(PanicChord.CTRL_ALT_SHIFT_ESCAPE))
    bench.settle()
    assert bar.window.winfo_width() <= across
    for button in (bar.stop_control, bar.pause, bar.stop):
        assert button.winfo_ismapped()
        assert button.winfo_x() + button.winfo_width() <= bar.window.winfo_width()


def cover(bench: Bench) -> tkinter.Toplevel:
    """Put another window over the upper edge, which no raising gets under."""
    lid = tkinter.Toplevel(bench.root, class_="ProximScreen")
    lid.overrideredirect(True)
    lid.geometry("1600x200+0+0")
    lid.bind("<Visibility>", lambda _event: lid.lift())
    bench.settle()
    return lid


def test_control_ends_when_the_bar_cannot_be_seen(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bar = shown(bench)
    check(bench, HIDDEN_CHECKS)
    assert stops(bench) == []
    # Raising it does not help.
    monkeypatch.setattr(bar.window, "lift", lambda: None)
    lid = cover(bench)
    bench.pump(lambda: not bar.can_be_seen, "it is covered")
    check(bench, HIDDEN_CHECKS - 1)
    assert stops(bench) == []
    check(bench)
    assert stops(bench) == [screen_ev.StopControl(LINK, Reason.BAR_HIDDEN)]
    lid.destroy()


def test_a_bar_that_is_covered_comes_back(bench: Bench) -> None:
    bar = shown(bench)
    lid = tkinter.Toplevel(bench.root, class_="ProximScreen")
    lid.overrideredirect(True)
    lid.geometry("1600x200+0+0")
    bench.pump(lid.winfo_viewable)
    lid.lift()
    check(bench, 2 * HIDDEN_CHECKS)
    assert bar.can_be_seen
    assert stops(bench) == []


def test_a_bar_that_was_unmapped_comes_back(bench: Bench) -> None:
    bar = shown(bench)
    bar.window.withdraw()
    bench.settle()
    assert not bar.can_be_seen
    check(bench, 2)
    bench.pump(lambda: bar.can_be_seen)
    assert stops(bench) == []


def test_without_control_nothing_ends(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bar = shown(bench, ScreenStage.VIEWED)
    monkeypatch.setattr(bar.window, "lift", lambda: None)
    cover(bench)
    check(bench, 3 * HIDDEN_CHECKS)
    assert stops(bench) == []


def test_all_monitors_together_have_the_bar_on_the_first() -> None:
    left, right = Monitor(1, "A", 0, 0, 800, 600), Monitor(2, "B", 800, 0, 800, 600)
    together = Monitor(0, "all", 0, 0, 1600, 600)
    assert home_of(0, (together, left, right)) is left
    assert home_of(2, (together, left, right)) is right
    assert home_of(9, (left,)) is None
