import tkinter
from tkinter import ttk

import pytest

from proxim.ui.window.widgets import (
    Choice,
    CopyButton,
    PlainText,
    WrapLabel,
    bind_letters,
    countdown,
    in_lines,
    set_text,
    shortened,
    shortened_middle,
)
from tests.rows import each_row
from tests.ui.tk_support import LONG_NAME, Bench


def test_a_short_text_stays_and_a_long_one_is_cut_to_fit(bench: Bench) -> None:
    font = bench.window.theme.body
    assert shortened("Ada", font, 500) == "Ada"
    width = font.measure(LONG_NAME) // 2
    cut = shortened(LONG_NAME, font, width)
    assert cut.endswith("…")
    assert LONG_NAME.startswith(cut[:-1])
    assert font.measure(cut) <= width
    # The name is not cut more than necessary.
    assert font.measure(LONG_NAME[: len(cut)] + "…") > width
    assert shortened(LONG_NAME, font, 0) == "…"


def test_a_label_breaks_its_lines_at_its_width(bench: Bench) -> None:
    window = tkinter.Toplevel(bench.root)
    label = WrapLabel(window, "word " * 40, wraplength=2000)
    label.pack(fill="x")
    window.geometry("300x300")
    bench.pump(lambda: 290 <= int(str(label.cget("wraplength"))) < 300)
    bench.pump(lambda: label.winfo_reqwidth() <= 300)


def test_the_lines_of_a_label_leave_room_for_its_padding(bench: Bench) -> None:
    window = tkinter.Toplevel(bench.root)
    label = WrapLabel(window, "word " * 40, "Red.Line.TLabel", wraplength=2000)
    label.pack(fill="x")
    window.geometry("300x300")
    padding = bench.window.theme.px(8)
    bench.pump(lambda: int(str(label.cget("wraplength"))) <= 300 - 2 * padding)


def test_lines_break_between_words(bench: Bench) -> None:
    font = bench.window.theme.body
    assert in_lines("one two three", font, 1000) == "one two three"
    assert in_lines("one two three", font, font.measure("one two")) == "one two\nthree"
    assert in_lines("one two three", font, font.measure("one two") - 1) == "one\ntwo\nthree"
    # A word is never broken.
    assert in_lines("one two three", font, 0) == "one\ntwo\nthree"
    assert in_lines("", font, 0) == ""


def test_a_text_is_set_only_where_it_differs(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    label = ttk.Label(bench.root, text="one")
    set_text(label, "two")
    assert label.cget("text") == "two"
    monkeypatch.setattr(label, "configure", pytest.fail)
    set_text(label, "two")


def test_a_copy_button_says_what_it_did_and_forgets_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxim.ui.window.widgets.COPIED_SHOWN_MS", 1)
    button = CopyButton(bench.root, "Copy", lambda: "text")
    button.invoke()
    assert "Copied" in str(button.cget("text"))
    assert bench.clipboard() == "text"
    bench.pump(lambda: button.cget("text") == "Copy")


def test_nothing_to_copy_leaves_the_clipboard_alone(bench: Bench) -> None:
    bench.root.clipboard_clear()
    bench.root.clipboard_append("mine")
    button = CopyButton(bench.root, "Copy", lambda: None)
    button.invoke()
    assert bench.clipboard() == "mine"
    assert button.cget("text") == "Copy"


def test_a_copy_button_may_go_while_it_says_copied(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxim.ui.window.widgets.COPIED_SHOWN_MS", 1)
    button = CopyButton(bench.root, "Copy", lambda: "text")
    button.invoke()
    button.destroy()
    ticked: list[bool] = []
    bench.root.after(20, lambda: ticked.append(True))
    # A timer that was not cancelled would have raised an error by now.
    bench.pump(lambda: ticked)


def test_a_letter_presses_what_can_be_seen(bench: Bench) -> None:
    if bench.root.tk.call("tk", "windowingsystem") == "aqua":
        pytest.skip("macOS has no such letters")
    window = tkinter.Toplevel(bench.root)
    pressed: list[str] = []
    shown = ttk.Button(window, text="Go", underline=0, command=lambda: pressed.append("go"))
    hidden = ttk.Button(window, text="Hide", underline=0, command=lambda: pressed.append("hide"))
    dead = ttk.Button(
        window, text="Dead", underline=0, command=lambda: pressed.append("dead"), state="disabled"
    )
    shown.pack()
    dead.pack()
    bind_letters(window, [shown, hidden, dead])
    bench.focus(shown)
    for letter in "ghd":
        window.event_generate(f"<Alt-{letter}>")
    assert pressed == ["go"]
    assert window.focus_get() is shown


def test_plain_text_can_be_read_and_selected_but_not_changed(bench: Bench) -> None:
    text = PlainText(bench.root, bench.window.theme)
    text.grid()
    text.put("one")
    text.put("two")
    bench.focus(text)
    bench.key(text, "x")
    assert text.get() == "two"
    text.selection_range(0, "end")
    assert text.selection_present()
    text.event_generate("<<Copy>>")
    assert bench.clipboard() == "two"


def test_what_tab_selected_is_let_go_with_the_focus(bench: Bench) -> None:
    code = bench.window.invite.code
    bench.focus(bench.window.device_bar.button)
    bench.key(bench.window.device_bar.button, "<Tab>")
    bench.wait_for_focus(code)
    bench.pump(code.selection_present)
    bench.key(code, "<Tab>")
    bench.pump(lambda: not code.selection_present())


def test_a_choice_reports_and_waits_to_be_told(bench: Bench) -> None:
    chosen: list[str] = []
    choice = Choice(bench.root, bench.window.theme, chosen.append)
    choice.offer((("One", "1"), ("Two", "2")), "1")
    choice._fill()
    choice._menu.invoke(1)
    assert chosen == ["2"]
    assert choice._value.get() == "1"
    choice.offer((("Three", "3"),), None)
    choice._fill()
    assert choice._menu.index("end") == 0


def test_a_files_name_is_cut_before_its_end(bench: Bench) -> None:
    font = bench.window.theme.body
    assert shortened_middle("a.txt", font, 500) == "a.txt"
    name = "x" * 200 + ".jpg.exe"
    cut = shortened_middle(name, font, 200)
    assert cut.endswith(".jpg.exe")
    assert "…" in cut
    assert font.measure(cut) <= 200


@each_row("seconds, words", [(-1, "0 s"), (39.2, "40 s"), (60, "1:00"), (107.5, "1:48")])
def test_a_countdown(seconds: float, words: str) -> None:
    assert countdown(seconds) == words
