import pytest

from proxim.ui.window.link import history as history_module
from proxim.ui.window.link.history import KEPT_MAX, SHOWN_MAX, History
from tests.ui.tk_support import Bench


@pytest.fixture
def history(bench: Bench) -> History:
    """Return a history that is visible."""
    bench.window.home.grid_remove()
    made = History(bench.root, bench.window.theme)
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
