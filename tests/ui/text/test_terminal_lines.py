"""The paper: where a line stands, and that only the line of progress is ever overwritten."""

import io

from hypothesis import given
from hypothesis import strategies as st

from proxim.ui.text.console import Console, columns_of
from proxim.ui.text.terminal_lines import Lines


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def paper(columns: int = 40) -> tuple[Lines, Terminal]:
    out = Terminal()

    def write(text: str) -> None:
        out.write(text)

    return Lines(Console(out, {"NO_COLOR": "1"}, lambda: columns), write), out


def screen(written: str) -> list[str]:
    """What a terminal of unlimited width shows of it."""
    rows: list[list[str]] = [[]]
    place = 0
    for char in written:
        if char == "\n":
            rows.append([])
            place = 0
        elif char == "\r":
            place = 0
        else:
            rows[-1][place : place + 1] = [char]
            place += 1
    return ["".join(row).rstrip() for row in rows]


def test_progress_is_redrawn_in_its_line_and_gives_way() -> None:
    lines, out = paper()
    lines.progress("a long line of progress")
    lines.progress("short")
    assert screen(out.getvalue()) == ["short"]
    lines.say("Said.")
    lines.progress("more")
    lines.free()
    assert screen(out.getvalue()) == ["Said.", ""]


def test_nothing_is_drawn_over_a_question() -> None:
    lines, out = paper()
    lines.progress("some progress")
    lines.ask("Take it? ")
    lines.progress("more progress")
    lines.ask("Take it? ")
    assert screen(out.getvalue()) == ["Take it?"]
    lines.say("Said.")
    assert screen(out.getvalue()) == ["Take it?", "Said.", ""]
    assert not lines.asked


def test_after_enter_the_line_stays() -> None:
    lines, out = paper()
    lines.progress("half")
    # The person's
    out.write("\n")
    lines.entered()
    lines.progress("whole")
    assert screen(out.getvalue()) == ["half", "whole"]


@given(st.text(alphabet="a漢😀e\u0301 \t\n\x1b", max_size=80), st.integers(20, 60))
def test_progress_never_fills_the_last_column(text: str, columns: int) -> None:
    lines, out = paper(columns)
    lines.progress(text)
    shown = out.getvalue().removeprefix("\r")
    assert columns_of(shown) < columns
    assert not {"\n", "\t", "\x1b", "\r"} & set(shown)
