import shutil
import subprocess
import tkinter

import pytest

from proxim.ui.clipboard import copied_files, copied_text, file_paths, from_bytes
from tests.rows import each_row
from tests.ui.tk_support import Bench


def copy_elsewhere(target: str, data: bytes) -> None:
    """Another program has this on the clipboard now."""
    program = shutil.which("xclip")
    if program is None:
        pytest.skip("needs xclip")
    subprocess.run(
        [program, "-selection", "clipboard", "-t", target, "-i"],
        input=data,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
        timeout=10,
    )


@pytest.mark.parametrize(
    ("target", "data"),
    [
        ("text/uri-list", b"file:///tmp/a%20b.txt\r\nfile:///tmp/%C3%BC\r\n"),
        ("x-special/gnome-copied-files", b"copy\nfile:///tmp/a%20b.txt\nfile:///tmp/%C3%BC"),
    ],
)
def test_files_copied_in_a_file_manager(bench: Bench, target: str, data: bytes) -> None:
    copy_elsewhere(target, data)
    assert copied_files(bench.root) == ("/tmp/a b.txt", "/tmp/ü")


def test_text_is_no_files(bench: Bench) -> None:
    copy_elsewhere("UTF8_STRING", "grüße\nfile:///tmp/a".encode())
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
        ("file:///a\nhttp://example.com/b", ()),  # a link that was copied, not files
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
