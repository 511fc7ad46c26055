import math
from dataclasses import replace

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import SENTENCES, Reason
from tests.rows import each_row
from tests.ui.tk_support import Bench, link


def sentence(bench: Bench) -> str:
    return str(bench.window.steps._sentence.cget("text"))


def drawn(bench: Bench, kind: str, option: str) -> list[str]:
    """Return the value of an option for each item of a kind on the canvas."""
    canvas = bench.window.steps._canvas
    items = [item for item in canvas.find_all() if str(canvas.type(item)) == kind]
    return [str((canvas.itemconfigure(item) or {})[option][-1]) for item in items]


def steps(bench: Bench) -> list[str]:
    return drawn(bench, "text", "text")


def dots(bench: Bench) -> list[str]:
    """Return the fill colours of the five dots."""
    return drawn(bench, "oval", "fill")


def test_the_steps_are_those_of_the_role(bench: Bench) -> None:
    assert steps(bench)[0] == "Waiting"
    bench.window.show(link("Ada", st.Stage.DIALING, "guest-1"))
    assert steps(bench)[0] == "Looking"


def test_every_step_can_be_read_inside_the_window(bench: Bench) -> None:
    canvas = bench.window.steps._canvas
    for item in canvas.find_all():
        left, _, right, bottom = canvas.bbox(item)
        assert left >= -1
        assert right <= canvas.winfo_width() + 1
        assert bottom <= canvas.winfo_height()


@each_row(
    "stage, reached",
    [(st.Stage.DIALING, 1), (st.Stage.ASKING, 2), (st.Stage.APPROVED, 3), (st.Stage.CONNECTING, 4)],
)
def test_the_dots_up_to_now_are_filled(bench: Bench, stage: st.Stage, reached: int) -> None:
    look = bench.window.theme.palette
    bench.window.show(link("Ada", stage, "guest-1"))
    assert dots(bench) == [look.accent] * reached + [look.background] * (5 - reached)


def test_it_is_green_at_the_top_and_red_where_it_failed(bench: Bench) -> None:
    look = bench.window.theme.palette
    bench.window.show(link("Ada", st.Stage.ASKING, "guest-1"))
    bench.window.show(replace(link("Ada", st.Stage.CLOSED, "guest-1"), reason=Reason.DECLINED))
    assert dots(bench)[:3] == [look.accent, look.red.foreground, look.background]
    assert sentence(bench) == SENTENCES[Reason.DECLINED]
    bench.window.show(link("Ada"))
    assert set(dots(bench)) == {look.green.foreground}


def test_the_countdown_of_a_question(bench: Bench) -> None:
    asking = replace(link("Ada", st.Stage.ASKING, "guest-1"), deadline=bench.clock.now + 40)
    bench.window.show(asking)
    assert sentence(bench).endswith("40 s left.")
    bench.clock.now += 39.5
    bench.pump(lambda: sentence(bench).endswith(" 1 s left."))
    bench.clock.now += 10
    bench.pump(lambda: sentence(bench).endswith(" 0 s left."))


def test_an_attempt_can_be_cancelled_and_its_failure_put_away(bench: Bench) -> None:
    button = bench.window.steps._button
    assert not button.winfo_viewable()
    bench.window.show(link("Ada", st.Stage.DIALING, "guest-1"))
    bench.settle()
    assert button.winfo_viewable()
    assert button.cget("text") == "Cancel"
    button.invoke()
    assert bench.posted == [ev.Disconnect(ev.LinkID("guest-1"))]
    bench.window.show(replace(link("Ada", st.Stage.CLOSED, "guest-1"), reason=Reason.NO_ANSWER))
    assert button.cget("text") == "OK"
    button.invoke()
    bench.settle()
    assert not button.winfo_viewable()
    assert "Waiting" in sentence(bench)


def test_a_long_sentence_is_not_clipped(bench: Bench) -> None:
    width = bench.root.winfo_width()
    bench.window.show(link("Ada", st.Stage.CONNECTING, "guest-1"))
    bench.window.show(replace(link("Ada", st.Stage.CLOSED, "guest-1"), reason=Reason.ICE_FAILED))
    label = bench.window.steps._sentence
    font = bench.window.theme.body

    def height() -> int:
        lines = math.ceil(
            font.measure(SENTENCES[Reason.ICE_FAILED]) / int(str(label.cget("wraplength")))
        )
        return lines * font.metrics("linespace")

    bench.pump(
        lambda: (
            label.winfo_width() > 1 and label.winfo_height() >= label.winfo_reqheight() >= height()
        )
    )
    assert height() > font.metrics("linespace")
    assert bench.root.winfo_width() == width
    bottom = label.winfo_rooty() + label.winfo_height()
    assert bottom <= bench.root.winfo_rooty() + bench.root.winfo_height()
