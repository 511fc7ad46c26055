import re
import time
import tkinter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tkinter import filedialog

import pytest

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import SENTENCES, Reason
from proxim.core.files import events as file_ev
from proxim.core.i18n import tr
from proxim.ui.window import clipboard
from proxim.ui.window.clipboard import CopiedPicture
from proxim.ui.window.link.panel import LinkPanel
from tests.ui.tk_support import PATIENCE, Bench, copied_elsewhere, link

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


WAYS = {
    "button": lambda panel: panel.bar.clipboard.invoke(),
    "field": lambda panel: panel.entry.event_generate("<Control-v>"),
    "elsewhere": lambda panel: panel.bar.files.event_generate("<Control-v>"),
}


@pytest.mark.parametrize("way", WAYS)
def test_copied_files_go_out_as_files(bench: Bench, panel: LinkPanel, way: str) -> None:
    bench.focus(panel.entry if way == "field" else panel.bar.files)
    with copied_elsewhere(bench, "text/uri-list", b"file:///a\r\nfile:///b%20c\r\n"):
        WAYS[way](panel)
        bench.settle()
    assert bench.posted == [file_ev.SendPaths(LINK, ("/a", "/b c"))]


@pytest.mark.parametrize("way", WAYS)
def test_a_copied_picture_goes_out_as_a_file(bench: Bench, panel: LinkPanel, way: str) -> None:
    bench.focus(panel.entry if way == "field" else panel.bar.files)
    # A property of this size is what Tk itself gives up on.
    picture = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 3000
    with copied_elsewhere(bench, "image/png", picture):
        WAYS[way](panel)
        bench.settle()
        WAYS[way](panel)
        bench.settle()
    first, second = bench.posted
    assert isinstance(first, file_ev.SendPaths)
    assert isinstance(second, file_ev.SendPaths)
    path = Path(first.paths[0])
    assert re.fullmatch(r"Clipboard \d{4}-\d\d-\d\d \d\d\.\d\d\.\d\d( \(2\))?\.png", path.name)
    assert path.read_bytes() == picture
    assert second.paths != first.paths
    assert path.parent.stat().st_mode & 0o077 == 0
    assert panel.entry.get("1.0", "end-1c") == ""
    bench.root.destroy()
    assert not path.parent.exists()


@pytest.mark.parametrize("way", WAYS)
def test_what_cannot_be_sent_is_named(bench: Bench, panel: LinkPanel, way: str) -> None:
    bench.focus(panel.entry if way == "field" else panel.bar.files)
    with copied_elsewhere(bench, "audio/x-wav", b"RIFF"):
        WAYS[way](panel)
        bench.settle()
    assert bench.posted == []
    assert "audio/x-wav" in str(panel._note.cget("text"))


@pytest.mark.parametrize("then", [*WAYS, "files", "written"])
def test_a_notice_goes_when_something_else_is_sent(
    bench: Bench, panel: LinkPanel, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    bench.focus(panel.bar.files)
    with copied_elsewhere(bench, "audio/x-wav", b"RIFF"):
        panel.bar.clipboard.invoke()
        bench.settle()
    assert panel._note.winfo_viewable()
    if then == "files":
        choose(monkeypatch, "askopenfilenames", ("/a",))
        panel.bar.files.invoke()
    elif then == "written":
        panel.entry.insert("1.0", "hello")
        panel.send_written()
    else:
        bench.focus(panel.entry if then == "field" else panel.bar.files)
        with copied_elsewhere(bench, "UTF8_STRING", b"hello"):
            WAYS[then](panel)
            bench.settle()
    bench.settle()
    assert not panel._note.winfo_viewable()


def test_what_the_line_says_about_the_link_stays(bench: Bench, panel: LinkPanel) -> None:
    bench.window.show(replace(link(), features=("files",)))
    panel.bar._send(("/a",))
    bench.settle()
    assert panel._note.cget("text") == tr("link.notReady")
    assert panel._note.winfo_viewable()


def test_a_device_that_takes_no_files_gets_no_picture(bench: Bench, panel: LinkPanel) -> None:
    bench.window.show(replace(link(), features=("text",)))
    with copied_elsewhere(bench, "image/png", b"\x89PNG"):
        panel.bar.clipboard.invoke()
        bench.settle()
    assert bench.posted == []
    assert panel._note.cget("text") == SENTENCES[Reason.FILES_UNSUPPORTED]


def test_a_full_disk_is_told(
    bench: Bench, panel: LinkPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_path: Path, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    panel.bar.send_copied(CopiedPicture(".png", b"\x89PNG"))
    assert bench.posted == []
    assert "disk" in str(panel._note.cget("text"))


@pytest.mark.parametrize("text", ["line of text\n" * 80_000, "x" * 1_000_000, "word " * 200_000])
def test_a_megabyte_of_text_can_be_pasted_and_sent(
    bench: Bench, panel: LinkPanel, text: str
) -> None:
    bench.focus(panel.entry)
    before = time.monotonic()
    with copied_elsewhere(bench, "UTF8_STRING", text.encode()):
        bench.key(panel.entry, "<Control-v>")
    # Tk alone needs 45 seconds to show a megabyte in one line.
    assert time.monotonic() - before < PATIENCE
    assert ("1,000,000" in str(panel._note.cget("text"))) is ("\n" not in text)
    bench.key(panel.entry, "<Return>")
    assert bench.posted == [ev.SendText(LINK, text)]
    assert bool(panel.entry.cget("undo"))


def test_the_clipboard_is_read_only_when_the_person_asks(
    bench: Bench, panel: LinkPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[tkinter.Misc] = []

    def offered(widget: tkinter.Misc) -> tuple[str, ...]:
        reads.append(widget)
        return ()

    monkeypatch.setattr(clipboard, "_offered", offered)
    bench.focus(panel.entry)
    bench.window.show(st.TextReceived(LINK, "hello"))
    panel.entry.event_generate("<<ContextMenu>>")
    bench.settle()
    bench.clock.now += 1.0
    bench.settle()
    assert reads == []
    panel.bar.clipboard.invoke()
    assert len(reads) == 1


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
