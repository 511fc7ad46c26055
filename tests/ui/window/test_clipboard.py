import ctypes
import json
import signal
import subprocess
import sys
import tkinter
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageGrab

from proxim.core.i18n import tr
from proxim.ui.window import clipboard, x11_clipboard
from proxim.ui.window.clipboard import (
    Copied,
    CopiedFiles,
    CopiedPicture,
    CopiedText,
    NotCopied,
    PictureFolder,
    copied,
    copied_text,
    file_paths,
)
from proxim.ui.window.x11_clipboard import X11Clipboard
from tests.rows import each_row
from tests.ui.tk_support import Bench, copied_elsewhere

BYTES = bytes(range(256))
# xclip gives up to 4 MB in one property, and more by INCR.
LARGE = BYTES * (6 * 1024 * 4)


def sentence(found: Copied) -> str:
    assert isinstance(found, NotCopied)
    return found.sentence


@each_row(
    "target, data, what",
    [
        (
            "text/uri-list",
            b"file:///tmp/a%20b.txt\r\nfile:///tmp/%C3%BC\r\n",
            CopiedFiles(("/tmp/a b.txt", "/tmp/ü")),
        ),
        (
            "x-special/gnome-copied-files",
            b"copy\nfile:///tmp/a%20b.txt\nfile:///tmp/%C3%BC",
            CopiedFiles(("/tmp/a b.txt", "/tmp/ü")),
        ),
        ("UTF8_STRING", "grüße\nfile:///tmp/a".encode(), CopiedText("grüße\nfile:///tmp/a")),
        ("STRING", "grüße".encode("latin-1"), CopiedText("grüße")),
        ("text/plain", "grüße".encode(), CopiedText("grüße")),
        ("text/plain;charset=utf-8", "grüße\0".encode(), CopiedText("grüße")),
        ("UTF8_STRING", b"0x89 0x50", CopiedText("0x89 0x50")),
        ("UTF8_STRING", b"line\n" * 200_000, CopiedText("line\n" * 200_000)),
        ("UTF8_STRING", b"line\n" * 2_000_000, CopiedText("line\n" * 2_000_000)),
        ("image/png", BYTES, CopiedPicture(".png", BYTES)),
        ("image/png", LARGE, CopiedPicture(".png", LARGE)),
        ("image/jpeg", BYTES, CopiedPicture(".jpg", BYTES)),
        ("image/webp", BYTES, CopiedPicture(".webp", BYTES)),
        ("image/gif", BYTES, CopiedPicture(".gif", BYTES)),
    ],
)
def test_what_other_programs_copy(bench: Bench, target: str, data: bytes, what: Copied) -> None:
    with copied_elsewhere(bench, target, data):
        assert copied(bench.root) == what
        assert copied_text(bench.root) == (what.text if isinstance(what, CopiedText) else None)


@pytest.mark.parametrize("target", ["audio/x-wav", "image/tiff", "application/x-own"])
def test_anything_else_is_refused_by_its_name(bench: Bench, target: str) -> None:
    with copied_elsewhere(bench, target, BYTES):
        assert target in sentence(copied(bench.root))


@pytest.mark.parametrize("target", ["image/png", "image/jpeg"])
def test_an_empty_picture_is_not_called_impossible(bench: Bench, target: str) -> None:
    with copied_elsewhere(bench, target, b""):
        assert copied(bench.root) == NotCopied(tr("link.copiedEmpty"))


@pytest.mark.parametrize("target", ["UTF8_STRING", "STRING", "TEXT", "text/plain;charset=utf-8"])
def test_an_empty_text_is_nothing(bench: Bench, target: str) -> None:
    with copied_elsewhere(bench, target, b""):
        assert copied(bench.root) == NotCopied(tr("link.nothingCopied"))


def test_too_much_is_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(x11_clipboard, "MAX_BYTES", 5 * 1024 * 1024)
    with copied_elsewhere(bench, "image/png", LARGE):
        assert "64 MB" in sentence(copied(bench.root))
    monkeypatch.setattr(x11_clipboard, "MAX_BYTES", 1024)
    with copied_elsewhere(bench, "image/png", BYTES * 20):
        assert "64 MB" in sentence(copied(bench.root))


def test_an_owner_that_does_not_answer_is_not_waited_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sys.platform == "win32":
        pytest.skip("SIGSTOP is POSIX")
    # Tk waits long for the types, so they are known before the owner stops.
    monkeypatch.setattr(clipboard, "_offered", lambda _widget: ("image/png",))
    monkeypatch.setattr(x11_clipboard, "ANSWER_SECONDS", 0.05)
    with copied_elsewhere(bench, "image/png", BYTES) as owner:
        owner.send_signal(signal.SIGSTOP)
        assert "does not answer" in sentence(copied(bench.root))
        owner.send_signal(signal.SIGCONT)


def test_an_owner_that_stops_between_two_pieces_is_not_waited_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sys.platform == "win32":
        pytest.skip("SIGSTOP is POSIX")
    take = X11Clipboard._take_property
    with copied_elsewhere(bench, "image/png", LARGE) as owner:

        def stop_and_take(reader: X11Clipboard) -> tuple[int, bytes]:
            # The next piece is made only when this one is taken, so none follows.
            owner.send_signal(signal.SIGSTOP)
            monkeypatch.setattr(x11_clipboard, "ANSWER_SECONDS", 0.05)
            return take(reader)

        monkeypatch.setattr(X11Clipboard, "_take_property", stop_and_take)
        assert "does not answer" in sentence(copied(bench.root))
        owner.send_signal(signal.SIGCONT)


def test_without_libx11_it_is_named(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_name: str) -> ctypes.CDLL:
        raise OSError

    monkeypatch.setattr(ctypes, "CDLL", missing)
    with copied_elsewhere(bench, "image/png", BYTES):
        assert "libX11" in sentence(copied(bench.root))


def test_an_empty_clipboard(bench: Bench) -> None:
    bench.root.clipboard_clear()
    assert "Nothing" in sentence(copied(bench.root))
    assert copied_text(bench.root) is None


def test_our_own_text(bench: Bench) -> None:
    bench.root.clipboard_clear()
    bench.root.clipboard_append("mine")
    assert copied(bench.root) == CopiedText("mine")
    assert copied_text(bench.root) == "mine"


def test_a_window_with_several_types_gives_text_before_a_picture(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered = ("TARGETS", "image/png", "UTF8_STRING")
    monkeypatch.setattr(clipboard, "_offered", lambda _widget: offered)
    given: dict[str, bytes] = {"image/png": BYTES, "UTF8_STRING": b"cells"}
    monkeypatch.setattr(clipboard, "_read", lambda _widget, target: given[target])
    assert copied(bench.root) == CopiedText("cells")


@each_row(
    "listed, paths",
    [
        ("", ()),
        ("# a comment\nfile:///a\n\nfile://localhost/b\n", ("/a", "/b")),
        # A link was copied, not only files.
        ("file:///a\nhttp://example.com/b", ()),
        ("file://elsewhere/a", ()),
        ("file:a", ()),
        ("file:///a%00b", ()),
        ("file://[::1", ()),
        ("cut\nfile:///a\0", ("/a",)),
    ],
)
def test_lists_of_uris(listed: str, paths: tuple[str, ...]) -> None:
    assert file_paths(listed) == paths


# --- Windows and macOS, on any system -------------------------------------------------------------


@pytest.fixture
def not_x11(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Return a bench on which the clipboard is read as on Windows."""
    monkeypatch.setattr(clipboard, "_system", lambda _widget: "win32")
    bench.root.clipboard_clear()
    return bench


@each_row(
    "grabbed, what",
    [
        (["C:\\a.txt", "C:\\b"], CopiedFiles(("C:\\a.txt", "C:\\b"))),
        (None, None),
        (OSError("the clipboard is held"), None),
    ],
)
def test_pillow_finds_files(
    not_x11: Bench, monkeypatch: pytest.MonkeyPatch, grabbed: Any, what: Copied | None
) -> None:
    def grab() -> Any:
        if isinstance(grabbed, OSError):
            raise grabbed
        return grabbed

    monkeypatch.setattr(ImageGrab, "grabclipboard", grab)
    found = copied(not_x11.root)
    assert found == what or (what is None and isinstance(found, NotCopied))


def test_pillow_finds_a_picture(not_x11: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageGrab, "grabclipboard", lambda: Image.new("RGB", (3, 2), "red"))
    found = copied(not_x11.root)
    assert isinstance(found, CopiedPicture)
    assert found.suffix == ".png"
    assert found.data.startswith(b"\x89PNG")


def test_files_come_before_their_names_as_text(
    not_x11: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageGrab, "grabclipboard", lambda: ["C:\\a.txt"])
    not_x11.root.clipboard_append("C:\\a.txt")
    assert copied(not_x11.root) == CopiedFiles(("C:\\a.txt",))


def test_text_needs_no_pillow(not_x11: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert "Pillow" in sentence(copied(not_x11.root))
    not_x11.root.clipboard_append("a note")
    assert copied(not_x11.root) == CopiedText("a note")
    assert copied_text(not_x11.root) == "a note"


@each_row(
    "answer, paths",
    [
        (json.dumps(["/Users/ada/a b.txt"]).encode(), ("/Users/ada/a b.txt",)),
        (b"[]\n", ()),
        (b"no JSON", ()),
        (None, ()),
    ],
)
def test_finders_files(
    monkeypatch: pytest.MonkeyPatch, answer: bytes | None, paths: tuple[str, ...]
) -> None:
    def run(command: list[str], **_options: object) -> subprocess.CompletedProcess[bytes]:
        assert command[:3] == ["osascript", "-l", "JavaScript"]
        if answer is None:
            raise FileNotFoundError
        return subprocess.CompletedProcess(command, 0, stdout=answer)

    monkeypatch.setattr(subprocess, "run", run)
    assert clipboard._macos_files() == paths


def test_pictures_get_names_of_their_own_and_go() -> None:
    folder = PictureFolder()
    folder.remove()
    picture = CopiedPicture(".png", b"one")
    paths = [Path(folder.save(picture, "2026-01-02 03.04.05")) for _ in range(3)]
    assert [path.name for path in paths] == [
        "Clipboard 2026-01-02 03.04.05.png",
        "Clipboard 2026-01-02 03.04.05 (2).png",
        "Clipboard 2026-01-02 03.04.05 (3).png",
    ]
    folder.remove()
    assert not paths[0].parent.exists()


def test_an_owner_that_gives_nonsense_is_nobody(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_options: str) -> str:
        raise tkinter.TclError("CLIPBOARD selection doesn't exist")

    monkeypatch.setattr(bench.root, "clipboard_get", fail)
    assert copied_text(bench.root) is None
