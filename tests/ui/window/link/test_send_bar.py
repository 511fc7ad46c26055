from collections.abc import Callable
from dataclasses import replace
from tkinter import filedialog

import pytest

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import SENTENCES, Reason
from proxim.core.files import events as file_ev
from proxim.ui.window.link.panel import LinkPanel
from tests.ui.tk_support import Bench, link

LINK = ev.LinkID("host-1")


@pytest.fixture
def panel(bench: Bench) -> LinkPanel:
    """Return the panel of a link that carries text and files."""
    bench.window.show(link())
    panel = bench.window.pages.links[LINK]
    bench.pump(panel.bar.files.winfo_viewable)
    return panel


def choose(monkeypatch: pytest.MonkeyPatch, what: str, answer: object) -> None:
    monkeypatch.setattr(filedialog, what, lambda **_options: answer)


def test_several_files_are_one_transfer(
    bench: Bench, panel: LinkPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(monkeypatch, "askopenfilenames", ("/a", "/b c"))
    panel.bar.files.invoke()
    assert bench.posted == [file_ev.SendPaths(LINK, ("/a", "/b c"))]


def test_a_folder(bench: Bench, panel: LinkPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    choose(monkeypatch, "askdirectory", "/photos")
    bench.focus(panel.entry)
    bench.key(panel.entry, "<Alt-o>")
    assert bench.posted == [file_ev.SendPaths(LINK, ("/photos",))]


@pytest.mark.parametrize("nothing", ["", ()])
def test_who_chooses_nothing_sends_nothing(
    bench: Bench, panel: LinkPanel, monkeypatch: pytest.MonkeyPatch, nothing: object
) -> None:
    choose(monkeypatch, "askopenfilenames", nothing)
    choose(monkeypatch, "askdirectory", nothing)
    panel.bar.files.invoke()
    panel.bar.folder.invoke()
    assert bench.posted == []


def test_a_link_that_went_while_one_chose(
    bench: Bench, panel: LinkPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(**_options: object) -> tuple[str, ...]:
        bench.window.show(link(stage=st.Stage.CLOSED))
        return ("/a",)

    monkeypatch.setattr(filedialog, "askopenfilenames", gone)
    panel.bar.files.invoke()
    assert bench.posted == []


def test_a_link_that_carries_no_files_says_why(bench: Bench, panel: LinkPanel) -> None:
    bench.window.show(replace(link(), features=("text",)))
    assert panel.bar.files.instate(["disabled"])
    assert panel.bar.folder.instate(["disabled"])
    assert panel._hint.cget("text") == SENTENCES[Reason.FILES_UNSUPPORTED]
    bench.window.show(link())
    assert panel.bar.files.instate(["!disabled"])
    assert "Enter" in str(panel._hint.cget("text"))


@pytest.mark.parametrize("how", ["button", "letter", "paste"])
def test_the_clipboards_text_goes_out_at_once(bench: Bench, panel: LinkPanel, how: str) -> None:
    bench.root.clipboard_clear()
    bench.root.clipboard_append("a note")
    press: dict[str, Callable[[], None]] = {
        "button": panel.bar.clipboard.invoke,
        "letter": lambda: panel.bar.clipboard.event_generate("<Alt-b>"),
        "paste": lambda: panel.bar.files.event_generate("<Control-v>"),
    }
    bench.focus(panel.bar.files)
    press[how]()
    bench.settle()
    assert bench.posted == [ev.SendText(LINK, "a note")]


def test_control_v_in_the_field_is_the_fields_own(bench: Bench, panel: LinkPanel) -> None:
    bench.root.clipboard_clear()
    bench.root.clipboard_append("a note")
    bench.focus(panel.entry)
    bench.key(panel.entry, "<Control-v>")
    assert bench.posted == []
    assert panel.entry.get("1.0", "end-1c") == "a note"


def test_copied_files_go_out_as_files(
    bench: Bench, panel: LinkPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxim.ui.window.link.send_bar.copied_files", lambda _widget: ("/a", "/b"))
    panel.bar.clipboard.invoke()
    assert bench.posted == [file_ev.SendPaths(LINK, ("/a", "/b"))]


def test_an_empty_clipboard_is_told(bench: Bench, panel: LinkPanel) -> None:
    bench.root.clipboard_clear()
    panel.bar.clipboard.invoke()
    bench.settle()
    assert bench.posted == []
    assert "clipboard" in str(panel._note.cget("text"))
    assert panel._note.winfo_viewable()


def test_without_a_link_there_is_nothing_to_paste_to(bench: Bench) -> None:
    bench.root.event_generate("<Control-v>")
    assert bench.posted == []
