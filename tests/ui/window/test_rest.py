"""Tests of the window at rest: it runs timers only for what a person sees changing."""

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Problem, Reason
from proxim.ui.window.window import FIT_AFTER_MS
from tests.ui.tk_support import Bench, link

SECONDS = 60
# The clock moves in such steps, which are shorter than any timer.
STEP = 0.05


def rest(bench: Bench, seconds: float = SECONDS) -> int:
    """Let time pass at a window with which nothing happens. Returns how many timers ran."""
    # What follows from the last change is over then: the window may have grown, which moves things.
    for _ in range(3):
        bench.clock.now += FIT_AFTER_MS / 1000
        bench.settle()
    before = bench.timers.runs
    for _ in range(round(seconds / STEP)):
        bench.clock.now += STEP
        bench.settle()
    return bench.timers.runs - before


def life(bench: Bench) -> str:
    return str(bench.window.invite._life.cget("text"))


def on_screen(bench: Bench) -> None:
    bench.pump(bench.root.winfo_viewable, "the window is on the screen")
    bench.settle()


def test_a_countdown_runs_once_a_second(bench: Bench) -> None:
    on_screen(bench)
    assert SECONDS - 1 <= rest(bench) <= SECONDS


def test_a_code_without_a_countdown_runs_nothing(bench: Bench) -> None:
    on_screen(bench)
    bench.window.show(bench.invitation(life=None))
    assert rest(bench) == 0


def test_a_window_that_nobody_sees_runs_nothing_and_is_right_when_it_is_seen(bench: Bench) -> None:
    on_screen(bench)
    bench.root.withdraw()
    bench.pump(lambda: not bench.root.winfo_viewable())
    # The countdown notices it when it next changes.
    rest(bench, 1)
    assert rest(bench) == 0
    hidden = life(bench)
    bench.root.deiconify()
    bench.pump(lambda: life(bench) != hidden, "the countdown goes on")
    assert rest(bench) >= SECONDS - 1


def test_the_countdown_of_a_code_shows_each_second(bench: Bench) -> None:
    on_screen(bench)
    bench.window.show(bench.invitation(life=5.0))
    seen = []
    for _ in range(round(6 / STEP)):
        words = life(bench)
        if words not in seen:
            seen.append(words)
        bench.clock.now += STEP
        bench.settle()
    assert [words[-4:] for words in seen[:5]] == ["0:05", "0:04", "0:03", "0:02", "0:01"]
    assert len(seen) == 6
    # It has expired, and nothing changes any more.
    assert rest(bench) == 0


def test_a_page_that_is_not_open_runs_nothing(bench: Bench) -> None:
    on_screen(bench)
    bench.window.show(link())
    # The link's page has no countdown, and that of the code is on another page.
    assert rest(bench) == 0
    before = life(bench)
    bench.window.pages.select("")
    assert life(bench) != before
    assert rest(bench) >= SECONDS - 1


def test_a_request_runs_its_countdown_and_stops_at_its_end(bench: Bench) -> None:
    on_screen(bench)
    bench.window.show(bench.invitation(life=None))
    prompt = bench.prompt()
    bench.window.show(prompt)
    bench.window.show(st.Prompts((prompt,)))
    (dialog,) = bench.window._dialogs.values()
    bench.clock.now += st.ANSWER_DELAY_SECONDS - 0.1
    bench.settle()
    assert str(dialog.approve_button.cget("state")) == "disabled"
    bench.clock.now += 0.1
    bench.settle()
    assert str(dialog.approve_button.cget("state")) == "normal"
    # One for the dialog and one for the sentence below the code.
    assert rest(bench, 10) <= 2 * 10
    bench.clock.now += 40
    bench.settle()
    assert str(dialog.approve_button.cget("state")) == "disabled"
    assert rest(bench, 10) == 0


def test_the_countdown_of_an_attempt_runs_once_a_second(bench: Bench) -> None:
    on_screen(bench)
    bench.window.show(bench.invitation(life=None))
    waiting = st.LinkStatus(
        ev.LinkID("guest-1"),
        "session-1",
        st.Stage.ASKING,
        "Ada",
        "192.168.178.42",
        None,
        as_guest=True,
        deadline=bench.clock.now + 300,
    )
    bench.window.show(waiting)
    assert SECONDS - 1 <= rest(bench) <= SECONDS


def test_the_window_follows_the_size_of_its_content(bench: Bench) -> None:
    on_screen(bench)
    bench.wait_until_whole()
    rest(bench, 1)
    low = bench.root.winfo_height()
    bench.window.show(st.Trouble(Problem(Reason.INTERNAL, "x")))
    bench.settle()
    bench.clock.now += FIT_AFTER_MS / 1000
    bench.pump(lambda: bench.root.winfo_height() > low, "the window grows")
    rest(bench, 1)
    bench.window.trouble.dismiss()
    # No status comes, but the page is arranged again.
    bench.settle()
    bench.clock.now += FIT_AFTER_MS / 1000
    bench.pump(lambda: bench.root.winfo_height() == low, "the window shrinks again")
