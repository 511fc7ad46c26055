"""Tests of what a stdout can show, of text made fit for it, and of the position of a line.

Only the line of progress is ever overwritten.
"""

import io
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from proxim.ui.text.console import Colour, Console, Lines, columns_of, typed_text
from tests.rows import each_row

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()))
CHECKERED = ((True, False, True, False), (False, True, False, True))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def console(
    out: io.TextIOBase, columns: int = 80, environ: dict[str, str] | None = None
) -> Console:
    return Console(out, environ or {}, lambda: columns)  # type: ignore[arg-type]


LOOKS = [
    (Terminal(), {}, True),
    (Terminal(), {"NO_COLOR": ""}, True),
    (Terminal(), {"NO_COLOR": "1"}, False),
    (Terminal(), {"TERM": "dumb"}, False),
    (io.StringIO(), {}, False),
]


@each_row("out, environ, coloured", LOOKS)
def test_colour_only_where_it_is_wanted(
    out: io.StringIO, environ: dict[str, str], coloured: bool
) -> None:
    painted = console(out, environ=environ).painted("a\x1b[2Jb", Colour.GREEN)
    assert painted == ("\x1b[32ma[2Jb\x1b[0m" if coloured else "a[2Jb")


@given(ANY_TEXT, st.sampled_from(["utf-8", "cp1252", "cp437", "ascii"]))
def test_plain_text_has_no_controls_and_can_be_written(text: str, encoding: str) -> None:
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding=encoding, newline="") as out:
        plain = console(out).plain(text)
        out.write(plain)
        out.flush()
        assert raw.getvalue().decode(encoding) == plain
    controls = {char for char in plain if unicodedata.category(char) in {"Cc", "Cs"}}
    assert controls <= {"\n", "\t"}


@given(ANY_TEXT)
def test_one_line_is_one_line(text: str) -> None:
    assert len(console(io.StringIO()).one_line(text).splitlines()) <= 1


def test_wrapped_only_on_a_terminal() -> None:
    text = "word " * 30
    assert "\n" not in console(io.StringIO(), 20).wrapped(text)
    lines = console(Terminal(), 30).wrapped(text, "  Label  ").split("\n")
    assert lines[0] == "  Label  word word word word"
    assert set(lines[1:]) == {"         word word word word", "         word word"}


def test_a_long_word_stays_whole_behind_its_label() -> None:
    assert console(Terminal(), 30).wrapped("x" * 90, "  Link  ") == "  Link  " + "x" * 90


@each_row(
    "text, columns",
    [("", 0), ("abc", 3), ("漢字", 4), ("😀", 2), ("e\u0301", 1), ("ｱ", 1), ("Ａ", 2), ("é", 1)],
)
def test_how_wide_characters_are(text: str, columns: int) -> None:
    assert columns_of(text) == columns


def test_what_is_too_long_is_cut_between_characters() -> None:
    here = console(Terminal())
    assert here.clipped("漢字漢字", 8) == "漢字漢字"
    assert here.clipped("漢字漢字", 7) == "漢字漢…"
    assert here.clipped("漢字漢字", 6) == "漢字…"
    assert here.clipped("a\tb\nc\x1b[31m", 20) == "a b c[31m"


@given(ANY_TEXT, st.integers(1, 40))
def test_what_is_cut_fits(text: str, columns: int) -> None:
    assert columns_of(console(Terminal()).clipped(text, columns)) <= columns


@each_row(
    "out, environ, redraws",
    [(Terminal(), {}, True), (Terminal(), {"TERM": "dumb"}, False), (io.StringIO(), {}, False)],
)
def test_redrawing_is_for_terminals(
    out: io.StringIO, environ: dict[str, str], redraws: bool
) -> None:
    assert console(out, environ=environ).redraws is redraws


def test_an_unknown_width_is_a_narrow_one() -> None:
    assert console(Terminal(), 0).width == 20


BLOCKS = "▄▀▄▀"


@each_row("columns, qr", [(4, BLOCKS), (3, None)])
def test_a_qr_in_half_blocks_where_it_fits(columns: int, qr: str | None) -> None:
    assert console(io.StringIO(), columns).qr(CHECKERED) == qr


@each_row("columns, qr", [(8, "  ##  ##\n##  ##  "), (7, None)])
def test_a_qr_in_ascii_where_it_fits(columns: int, qr: str | None) -> None:
    assert console(io.TextIOWrapper(io.BytesIO(), encoding="cp1252"), columns).qr(CHECKERED) == qr


def test_a_qr_for_a_light_background() -> None:
    assert console(io.StringIO(), 4).qr(CHECKERED, invert=True) == "▀▄▀▄"
    # In colours it is right on any background.
    terminal = console(Terminal())
    assert terminal.qr(CHECKERED, invert=True) == terminal.qr(CHECKERED)


def test_a_qr_in_colours_is_light_on_dark_whatever_the_theme() -> None:
    qr = console(Terminal()).qr(CHECKERED)
    assert qr is not None
    assert qr.startswith("\x1b[40;97m")
    assert qr.endswith("\x1b[0m")


@given(ANY_TEXT)
def test_a_typed_line_can_always_be_sent(line: str) -> None:
    text = typed_text(line)
    text.encode()
    assert len(text) == len(line)
    assert all(kept == typed for kept, typed in zip(text, line, strict=True) if kept != "\ufffd")


# --- lines ----------------------------------------------------------------------------------------


def lines_on_terminal(columns: int = 40) -> tuple[Lines, Terminal]:
    out = Terminal()

    def write(text: str) -> None:
        out.write(text)

    return Lines(Console(out, {"NO_COLOR": "1"}, lambda: columns), write), out


def screen(written: str) -> list[str]:
    """Return the lines that a terminal of unlimited width shows after this output."""
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
    lines, out = lines_on_terminal()
    lines.progress("a long line of progress")
    lines.progress("short")
    assert screen(out.getvalue()) == ["short"]
    lines.say("Said.")
    lines.progress("more")
    lines.free()
    assert screen(out.getvalue()) == ["Said.", ""]


def test_nothing_is_drawn_over_a_question() -> None:
    lines, out = lines_on_terminal()
    lines.progress("some progress")
    lines.ask("Take it? ")
    lines.progress("more progress")
    lines.ask("Take it? ")
    assert screen(out.getvalue()) == ["Take it?"]
    lines.say("Said.")
    assert screen(out.getvalue()) == ["Take it?", "Said.", ""]
    assert not lines.asked


def test_after_enter_the_line_stays() -> None:
    lines, out = lines_on_terminal()
    lines.progress("half")
    # The person's Enter ends the line.
    out.write("\n")
    lines.entered()
    lines.progress("whole")
    assert screen(out.getvalue()) == ["half", "whole"]


@given(st.text(alphabet="a漢😀e\u0301 \t\n\x1b", max_size=80), st.integers(20, 60))
def test_progress_never_fills_the_last_column(text: str, columns: int) -> None:
    lines, out = lines_on_terminal(columns)
    lines.progress(text)
    shown = out.getvalue().removeprefix("\r")
    assert columns_of(shown) < columns
    assert not {"\n", "\t", "\x1b", "\r"} & set(shown)
