"""Tests of keys, pasting and the menu in every kind of field."""

import tkinter
from collections.abc import Callable
from tkinter import ttk

import pytest

from proxim.ui.window.fields import LINE_SHOWN_MAX, Fields, insert_text
from tests.rows import each_row
from tests.ui.tk_support import Bench, copied_elsewhere

Field = tkinter.Text | tkinter.Entry | tkinter.Spinbox

KINDS: dict[str, Callable[[tkinter.Misc], Field]] = {
    "Text": tkinter.Text,
    "Entry": tkinter.Entry,
    "Spinbox": tkinter.Spinbox,
    "TEntry": ttk.Entry,
    "TCombobox": ttk.Combobox,
    "TSpinbox": ttk.Spinbox,
}


def make(bench: Bench, kind: str, text: str = "one two") -> Field:
    """Return a field of a kind that shows a text, with the cursor behind its second letter. It
    takes the place of the field that a row before it made.
    """
    bench.window.home.grid_remove()
    for before in bench.root.grid_slaves(row=1, column=0):
        before.destroy()
    field = KINDS[kind](bench.root)
    field.grid(row=1, column=0)
    field.insert("1.0" if kind == "Text" else 0, text)
    bench.root.tk.call(
        field,
        "mark" if kind == "Text" else "icursor",
        *(("set", "insert", "1.2") if kind == "Text" else (2,)),
    )
    bench.focus(field)
    return field


def written(field: Field) -> str:
    return field.get("1.0", "end-1c") if isinstance(field, tkinter.Text) else field.get()


def set_state(field: Field, state: str) -> None:
    # Each class has its own type of states.
    field.tk.call(field, "configure", "-state", state)


def cursor(field: Field) -> str:
    return str(field.index("insert")).removeprefix("1.")


def entries(bench: Bench) -> dict[str, str]:
    """Return the entries of the menu, each with its state."""
    menu = fields(bench).menu
    return {
        str(menu.entrycget(at, "label")): str(menu.entrycget(at, "state"))
        for at in range(int(menu.index("end") or 0) + 1)
        if menu.type(at) == "command"
    }


def fields(bench: Bench) -> Fields:
    assert bench.window.fields is not None
    return bench.window.fields


def open_menu(bench: Bench, field: tkinter.Misc, sequence: str = "<Button-3>") -> dict[str, str]:
    """Open the menu, and return its entries."""
    field.event_generate(sequence, x=5, y=5)
    bench.pump(fields(bench).menu.winfo_viewable, "the menu is open")
    found = entries(bench)
    bench.root.tk.call("tk::MenuUnpost", fields(bench).menu)
    bench.settle()
    return found


@pytest.mark.parametrize("kind", KINDS)
@each_row("key", ["<Control-a>", "<Control-Lock-A>"])
def test_control_a_selects_all(bench: Bench, kind: str, key: str) -> None:
    field = make(bench, kind)
    bench.key(field, key, "Q")
    assert written(field) == "Q"


@pytest.mark.parametrize("kind", KINDS)
@each_row("key", [*(f"<Control-{letter}>" for letter in "dhiotkbefnpw"), "<Meta-d>", "<Insert>"])
def test_emacs_keys_do_nothing(bench: Bench, kind: str, key: str) -> None:
    field = make(bench, kind)
    before = cursor(field)
    bench.key(field, key)
    assert (written(field), cursor(field)) == ("one two", before)


@pytest.mark.parametrize("kind", KINDS)
@each_row("key", ["<Control-v>", "<Shift-Insert>"])
def test_pasting_replaces_what_is_selected(bench: Bench, kind: str, key: str) -> None:
    field = make(bench, kind)
    bench.root.clipboard_clear()
    bench.root.clipboard_append("new")
    bench.key(field, "<Control-a>", key)
    assert written(field) == "new"


@pytest.mark.parametrize("kind", KINDS)
def test_cut_and_copy(bench: Bench, kind: str) -> None:
    field = make(bench, kind)
    bench.key(field, "<Control-a>", "<Control-Insert>")
    assert bench.clipboard() == "one two"
    bench.root.clipboard_clear()
    bench.key(field, "<Shift-Delete>")
    assert bench.clipboard() == "one two"
    assert written(field) == ""


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_pasted_nowhere(bench: Bench, kind: str) -> None:
    field = make(bench, kind)
    with copied_elsewhere(bench, "image/png", b"\x89PNG\r\n"):
        bench.key(field, "<Control-v>")
    assert written(field) == "one two"


def test_redo(bench: Bench) -> None:
    text = make(bench, "Text")
    assert isinstance(text, tkinter.Text)
    text.configure(undo=True)
    bench.key(text, "x", "<Control-z>")
    assert written(text) == "one two"
    bench.key(text, "<Control-y>")
    assert written(text) == "onxe two"


@pytest.mark.parametrize("kind", KINDS)
@each_row("sequence", ["<Button-3>", "<Shift-F10>", "<Menu>"])
def test_the_menu_offers_what_is_possible(bench: Bench, kind: str, sequence: str) -> None:
    field = make(bench, kind)
    assert open_menu(bench, field, sequence) == {
        "Cut": "disabled",
        "Copy": "disabled",
        "Paste": "normal",
        "Select all": "normal",
    }
    bench.key(field, "<Control-a>")
    assert set(open_menu(bench, field, sequence).values()) == {"normal"}
    set_state(field, "disabled" if kind == "Text" else "readonly")
    assert open_menu(bench, field, sequence) == {
        "Cut": "disabled",
        "Copy": "normal",
        "Paste": "disabled",
        "Select all": "normal",
    }


@pytest.mark.parametrize("kind", KINDS)
def test_the_menu_does_what_it_says(bench: Bench, kind: str) -> None:
    field = make(bench, kind)
    for label, after in (("Select all", "one two"), ("Cut", ""), ("Paste", "one two")):
        open_menu(bench, field)
        fields(bench).menu.invoke(label)
        bench.settle()
        assert written(field) == after
    open_menu(bench, field)
    fields(bench).menu.invoke("Select all")
    bench.root.clipboard_clear()
    open_menu(bench, field)
    fields(bench).menu.invoke("Copy")
    assert bench.clipboard() == "one two"


def test_every_field_of_the_window_has_the_menu(bench: Bench) -> None:
    window = bench.window
    for field in (window.join.entry, window.invite.code):
        bench.focus(field)
        assert open_menu(bench, field)["Select all"] == (
            "normal" if field is window.invite.code else "disabled"
        )


def test_a_field_that_cannot_be_written_takes_no_paste(bench: Bench) -> None:
    entry = make(bench, "TEntry")
    set_state(entry, "readonly")
    bench.root.clipboard_clear()
    bench.root.clipboard_append("new")
    entry.event_generate("<<Paste>>")
    bench.settle()
    assert written(entry) == "one two"


def test_only_long_lines_are_folded(bench: Bench) -> None:
    text = make(bench, "Text", "")
    assert isinstance(text, tkinter.Text)
    short, long = "s" * LINE_SHOWN_MAX, "l" * (LINE_SHOWN_MAX + 1)
    assert not insert_text(bench.root, str(text), short)
    assert insert_text(bench.root, str(text), f"\n{long}\nmiddle\n{long}")
    assert written(text) == f"{short}\n{long}\nmiddle\n{long}"
    assert len(text.tag_ranges("folded")) == 4
