from typing import Final

import pytest

from proxim.ui.window.link import history as history_module
from proxim.ui.window.link.history import KEPT_MAX, SHOWN_MAX, History
from tests.ui.tk_support import Bench

OPENED: Final[list[str]] = []


@pytest.fixture
def history(bench: Bench) -> History:
    """Return a history that is visible."""
    OPENED.clear()
    bench.window.home.grid_remove()
    made = History(bench.root, bench.window.theme, OPENED.append)
    made.restyle()
    made.grid(row=1, column=0, sticky="nsew")
    bench.root.geometry("500x300")
    bench.pump(lambda: made.text.winfo_viewable() and made.text.winfo_height() > 100)
    return made


def shown(history: History) -> str:
    return history.text.get("1.0", "end-1c")


def test_texts_stand_below_who_wrote_them(history: History) -> None:
    history.add("Grace", "one\ntwo", received=True)
    history.add("You", "three", received=False)
    assert shown(history).splitlines() == ["Grace   Copy", "one", "two", "You   Copy", "three"]
    assert history.last_received == "one\ntwo"


def test_what_could_steer_the_text_is_taken_out(history: History) -> None:
    history.add("Grace", "a\x1b[31mb\u202ec\r\nd", received=True)
    assert "a[31mbc\nd" in shown(history)
    assert history.last_received == "a[31mbc\nd"


def test_nothing_can_be_typed_into_it(history: History, bench: Bench) -> None:
    history.add("Grace", "one", received=True)
    before = shown(history)
    bench.focus(history.text)
    bench.key(history.text, "x", "<BackSpace>", "<Return>")
    assert shown(history) == before


def test_it_is_selected_and_copied_by_keyboard(history: History, bench: Bench) -> None:
    history.add("Grace", "one", received=True)
    bench.focus(history.text)
    bench.key(history.text, "<Control-a>", "<Control-c>")
    assert bench.clipboard().splitlines() == ["Grace   Copy", "one"]


def click(history: History, bench: Bench, index: str) -> None:
    """Click on a character as a person does."""
    history.text.see(index)
    bench.settle()
    box = history.text.bbox(index)
    assert box is not None
    x, y, _width, height = box
    for event in ("<Motion>", "<ButtonPress-1>", "<ButtonRelease-1>"):
        history.text.event_generate(event, x=x + 1, y=y + height // 2)
    bench.settle()


def test_an_address_opens_with_one_click(history: History, bench: Bench) -> None:
    history.add("Grace", "look: https://example.com/a_(b), and http://b.example.", received=True)
    # "look: " is line 2; the address begins at its column 6.
    click(history, bench, "2.8")
    assert OPENED == ["https://example.com/a_(b)"]
    click(history, bench, "2.40")
    assert OPENED == ["https://example.com/a_(b)", "http://b.example"]
    click(history, bench, "2.1")
    assert len(OPENED) == 2
    assert shown(history).splitlines()[1].endswith("(b), and http://b.example.")


def test_what_was_dragged_over_is_selected_and_not_opened(history: History, bench: Bench) -> None:
    history.add("Grace", "https://example.com/a", received=True)
    bench.settle()
    history.text.tag_add("sel", "2.0", "2.5")
    box = history.text.bbox("2.3")
    assert box is not None
    history.text.event_generate("<Motion>", x=box[0] + 1, y=box[1] + 3)
    history.text.event_generate("<ButtonRelease-1>", x=box[0] + 1, y=box[1] + 3)
    bench.settle()
    assert OPENED == []


def test_an_address_that_is_cut_off_cannot_be_opened(history: History, bench: Bench) -> None:
    start = "word " * (SHOWN_MAX // 5 - 2)
    history.add("Grace", f"http://a.example {start}https://example.com/long", received=True)
    links = list(map(str, history.text.tag_ranges("link")))
    assert [history.text.get(*links[at : at + 2]) for at in range(0, len(links), 2)] == [
        "http://a.example"
    ]


def test_a_click_gives_it_the_focus(history: History, bench: Bench) -> None:
    bench.focus(bench.root)
    history.text.event_generate("<Button-1>", x=5, y=5)
    bench.pump(lambda: bench.root.focus_lastfor() is history.text)


def test_a_click_on_copy_copies_that_text(history: History, bench: Bench) -> None:
    history.add("Grace", "one", received=True)
    history.add("Grace", "two", received=True)
    bench.settle()
    start = str(history.text.tag_ranges("copy0")[0])
    box = history.text.bbox(start)
    assert box is not None
    x, y = box[0] + 2, box[1] + 2
    history.text.event_generate("<Motion>", x=x, y=y)
    history.text.event_generate("<Button-1>", x=x, y=y)
    assert bench.clipboard() == "one"
    assert shown(history).splitlines()[0] == "Grace   Copied ✓"
    # A second click copies it again.
    history.text.event_generate("<Button-1>", x=x, y=y)
    assert bench.clipboard() == "one"


def test_a_huge_text_is_shown_in_part_and_kept_whole(history: History) -> None:
    text = "x" * (SHOWN_MAX + 5)
    history.add("Grace", text, received=True)
    assert len(shown(history)) < SHOWN_MAX + 200
    assert f"{len(text):,} characters" in shown(history)
    assert history.last_received == text


def test_a_flood_drops_the_oldest(history: History) -> None:
    for number in range(KEPT_MAX + 3):
        history.add("Grace", f"<{number}>", received=True)
    assert "<2>" not in shown(history)
    assert shown(history).splitlines()[:2] == ["Grace   Copy", "<3>"]
    assert f"<{KEPT_MAX + 2}>" in shown(history)


def test_large_texts_are_dropped_by_their_size(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_module, "KEPT_CHARACTERS_MAX", 10)
    for text in ("first", "second", "the last one is kept whatever its size"):
        history.add("Grace", text, received=True)
    assert shown(history).splitlines() == ["Grace   Copy", "the last one is kept whatever its size"]


def test_it_follows_the_newest_unless_one_reads_further_up(history: History, bench: Bench) -> None:
    for number in range(60):
        history.add("Grace", f"text {number}", received=True)
    bench.settle()
    assert history.text.yview()[1] == 1.0
    assert history._bar.winfo_viewable()
    history.text.yview_moveto(0)
    bench.settle()
    history.add("Grace", "new", received=True)
    bench.settle()
    assert history.text.yview()[0] == 0.0
    history.add("You", "mine", received=False)
    bench.settle()
    assert history.text.yview()[1] == 1.0


def test_without_anything_to_scroll_there_is_no_bar(history: History, bench: Bench) -> None:
    bench.settle()
    assert not history._bar.winfo_viewable()
