"""Tests of commands about files: which paths and which transfer a line means."""

import io
import os
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxim.core import events as ev
from proxim.core.errors import SENTENCES, Reason
from proxim.core.files import events as file_ev
from proxim.core.files import status as file_st
from proxim.core.files.manifest import Direction, Entry, FailedFile, TransferID
from proxim.ui.text.commands import FileCommands, split_paths
from proxim.ui.text.console import Console, Lines
from proxim.ui.text.files import TransferReport
from tests.rows import each_row

MOVING = file_st.TransferStatus(
    TransferID("t1"),
    Direction.OUT,
    file_st.TransferState.ACTIVE,
    (Entry("a", 5),),
    5,
    peer_name="Ana",
)
WAITING = replace(MOVING, transfer=TransferID("t2"), state=file_st.TransferState.WAITING)
DONE = replace(MOVING, transfer=TransferID("t3"), state=file_st.TransferState.DONE)
FAILED = replace(MOVING, transfer=TransferID("t4"), state=file_st.TransferState.FAILED)
PARTLY = replace(DONE, transfer=TransferID("t5"), failed=(FailedFile(0, Reason.FILE_GONE),))
RECEIVED = replace(FAILED, transfer=TransferID("t6"), direction=Direction.IN)


def writer(out: io.StringIO) -> Callable[[str], None]:
    def write(text: str) -> None:
        out.write(text)

    return write


class Commands:
    """The commands, with what they wrote, sent and posted."""

    def __init__(self, reason: Reason | None = None) -> None:
        out = io.StringIO()
        lines = Lines(Console(out, {}, lambda: 80), writer(out))
        self.posted: list[ev.Intent] = []
        self.sent: list[tuple[str, ...]] = []
        self._out = out

        def send(paths: tuple[str, ...]) -> Reason | None:
            self.sent.append(paths)
            return reason

        self.it = FileCommands(lines, TransferReport(lines, lambda: 0.0), self.posted.append, send)

    def handle(self, typed: str, *transfers: file_st.TransferStatus) -> str:
        assert self.it.handle(typed, transfers)
        text = self._out.getvalue()
        self._out.seek(0)
        self._out.truncate()
        return text


def test_other_lines_are_others() -> None:
    commands = Commands()
    assert not any(
        commands.it.handle(line, ())
        for line in ("/quit", "/sending a", "/", "/files2", "/cancelall")
    )


def test_paths_become_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ana")
    monkeypatch.setenv("USERPROFILE", "/home/ana")
    commands = Commands()
    assert commands.handle("/send a '/b c' ~/d") == ""
    assert commands.sent == [
        (os.path.abspath("a"), os.path.abspath("/b c"), os.path.abspath("/home/ana/d"))
    ]


def test_paths_that_cannot_be_meant() -> None:
    commands = Commands(Reason.NOT_CONNECTED)
    assert commands.handle("/send").startswith("Type /send and a path")
    assert commands.handle("/send   ").startswith("Type /send and a path")
    assert commands.handle("/send 'a b").startswith("A quotation mark is missing")
    assert commands.sent == []
    assert commands.handle("/send a") == SENTENCES[Reason.NOT_CONNECTED] + "\n"


SPLIT = [
    ("a b", ["a", "b"], ["a", "b"]),
    (r"a\ b", ["a b"], ["a\\", "b"]),
    ('"a b" c', ["a b", "c"], ["a b", "c"]),
    (r'"C:\My photos\x" D:\y', None, [r"C:\My photos\x", r"D:\y"]),
    ("Ana's", ValueError, ["Ana's"]),
    ("#1 a;b&c", ["#1", "a;b&c"], ["#1", "a;b&c"]),
    ("漢字.txt", ["漢字.txt"], ["漢字.txt"]),
]


@each_row("typed, posix, windows", SPLIT)
def test_lines_split_as_in_the_systems_shell(
    typed: str, posix: list[str] | type[ValueError] | None, windows: list[str]
) -> None:
    assert split_paths(typed, backslash_escapes=False) == windows
    if posix is ValueError:
        with pytest.raises(ValueError, match="quot"):
            split_paths(typed, backslash_escapes=True)
    elif posix is not None:
        assert split_paths(typed, backslash_escapes=True) == posix


@given(st.text(), st.booleans())
def test_any_line_is_split_or_refused(typed: str, escapes: bool) -> None:
    Commands().handle(f"/send {typed}")
    try:
        paths: Sequence[str] = split_paths(typed, backslash_escapes=escapes)
    except ValueError:
        return
    assert all(paths)


def test_files_lists_them() -> None:
    assert "1  a (5 bytes) to Ana: " in Commands().handle("/files", MOVING)


CANCELLED = [
    ("/cancel", [DONE, MOVING], [MOVING]),
    ("/Cancel", [WAITING], [WAITING]),
    ("/cancel 2", [DONE, MOVING, WAITING], [MOVING]),
    ("/cancel all", [MOVING, DONE, WAITING], [MOVING, WAITING]),
]


@each_row("typed, transfers, cancelled", CANCELLED)
def test_cancel(
    typed: str, transfers: list[file_st.TransferStatus], cancelled: list[file_st.TransferStatus]
) -> None:
    commands = Commands()
    assert commands.handle(typed, *transfers) == ""
    assert commands.posted == [file_ev.CancelTransfer(one.transfer) for one in cancelled]


@each_row(
    "typed, transfers, said",
    [
        ("/cancel", [DONE], "Nothing is moving now"),
        (
            "/cancel",
            [MOVING, WAITING],
            "Which one? /cancel N, with its number in the list; /cancel all.",
        ),
        ("/cancel 1", [DONE, MOVING], "There is no such transfer"),
        ("/cancel 3", [DONE, MOVING], "There is no such transfer"),
        ("/cancel ²", [MOVING, WAITING], "There is no such transfer"),
        ("/cancel 99999999", [MOVING, WAITING], "There is no such transfer"),
        ("/retry", [DONE, RECEIVED, MOVING], "Nothing that was sent from here has failed."),
    ],
)
def test_a_command_that_means_none(
    typed: str, transfers: list[file_st.TransferStatus], said: str
) -> None:
    commands = Commands()
    assert said in commands.handle(typed, *transfers)
    assert commands.posted == []


def test_retry() -> None:
    commands = Commands()
    commands.handle("/retry all", DONE, FAILED, PARTLY, RECEIVED)
    assert commands.posted == [
        file_ev.RetryTransfer(FAILED.transfer),
        file_ev.RetryTransfer(PARTLY.transfer),
    ]
