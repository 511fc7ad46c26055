import shutil
import subprocess
import tkinter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from proxim.ui.window.clipboard import copied_files, copied_text, file_paths, from_bytes
from tests.rows import each_row
from tests.ui.tk_support import Bench


@contextmanager
def copied_elsewhere(bench: Bench, target: str, data: bytes) -> Iterator[None]:
    """Let another program own the clipboard with this content."""
    program = shutil.which("xclip")
    if program is None:
        pytest.skip("needs xclip")
    # This window first takes over the clipboard, so that losing it shows that the other program has
    # it: another test may have left something of the same type there.
    bench.root.selection_own(selection="CLIPBOARD")
    # With -quiet the program stays in the foreground, so it can be ended with the test.
    command = [program, "-quiet", "-selection", "clipboard", "-t", target, "-i"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdin is not None
        process.stdin.write(data)
        process.stdin.close()
        try:
            bench.pump(
                lambda: not owns_clipboard(bench) and target in offered(bench),
                "the other program has the clipboard",
            )
            yield
        finally:
            process.terminate()


def owns_clipboard(bench: Bench) -> bool:
    """Return whether this program owns the clipboard."""
    return bool(bench.root.tk.call("selection", "own", "-selection", "CLIPBOARD"))


def offered(bench: Bench) -> list[str]:
    """Return the types in which the clipboard's content is offered."""
    try:
        given = bench.root.tk.call(
            "selection", "get", "-displayof", ".", "-selection", "CLIPBOARD", "-type", "TARGETS"
        )
        return str(given).split()
    except tkinter.TclError:
        # The clipboard is empty.
        return []


@each_row(
    "target, data",
    [
        ("text/uri-list", b"file:///tmp/a%20b.txt\r\nfile:///tmp/%C3%BC\r\n"),
        ("x-special/gnome-copied-files", b"copy\nfile:///tmp/a%20b.txt\nfile:///tmp/%C3%BC"),
    ],
)
def test_files_copied_in_a_file_manager(bench: Bench, target: str, data: bytes) -> None:
    with copied_elsewhere(bench, target, data):
        assert copied_files(bench.root) == ("/tmp/a b.txt", "/tmp/ü")


def test_text_is_no_files(bench: Bench) -> None:
    with copied_elsewhere(bench, "UTF8_STRING", "grüße\nfile:///tmp/a".encode()):
        assert copied_files(bench.root) == ()
        assert copied_text(bench.root) == "grüße\nfile:///tmp/a"


def test_an_empty_clipboard(bench: Bench) -> None:
    bench.root.clipboard_clear()
    assert copied_files(bench.root) == ()
    assert not copied_text(bench.root)


def test_our_own_text(bench: Bench) -> None:
    bench.root.clipboard_clear()
    bench.root.clipboard_append("mine")
    assert copied_text(bench.root) == "mine"


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


def test_bytes_as_tk_spells_them() -> None:
    assert from_bytes("0x66 0x69 0xffffffc3 0xffffffbc ") == "fiü"
    assert from_bytes("file:///a") == "file:///a"
    assert from_bytes("") == ""


def test_an_owner_that_gives_nonsense_is_nobody(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_options: str) -> str:
        raise tkinter.TclError("CLIPBOARD selection doesn't exist")

    monkeypatch.setattr(bench.root, "clipboard_get", fail)
    assert copied_text(bench.root) is None
