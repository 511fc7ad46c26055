"""Runs `--send -` and `--save-to -`: one file from standard input, or one to standard output.

What comes from standard input is kept in a file first, because a transfer announces its size. What
goes to standard output is kept until it is verified, because nobody can take bytes back from a
program that has read them. Both are kept in a private folder that goes with this program.
"""

import contextlib
import errno
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import BinaryIO, Final, TextIO

from proxim.app.host_options import HostOptions
from proxim.app.options import JoinOptions
from proxim.core.errors import Reason
from proxim.core.i18n import tr
from proxim.io.files.piped import SOURCE_REASONS, PipedFolder, copy_out
from proxim.io.system.disk_errors import FileError
from proxim.io.system.user_folders import transfers_folder
from proxim.ui.text.model import ExitStatus

# Shells report this status and more for a program that a signal ended.
_SIGNALLED: Final = 128
# Where questions are answered while standard input is a file's.
_TERMINAL: Final = "CONIN$" if sys.platform == "win32" else "/dev/tty"
# A reader that goes away is EPIPE; on Windows it is EINVAL, too.
_GONE: Final = frozenset({errno.EPIPE, errno.EINVAL})
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True, slots=True)
class Streams:
    """The streams of a face, where they are not standard input and output."""

    # What people type; None if nobody can.
    person: TextIO | None
    out: TextIO
    # Where the one file is saved that goes to standard output.
    save_folder: str | None = None


Run = Callable[[HostOptions | JoinOptions, Streams], int]


def run_piped(options: HostOptions | JoinOptions, run: Run) -> int:
    """Run a program whose standard input or output is a file's. Returns the exit status."""
    assert options.pipe is not None
    # The parent process has closed it, so nothing can be said.
    if sys.stderr is None:
        return ExitStatus.FAILED
    with _ending_at_once():
        if options.pipe.send_name is None:
            return _save(options, run)
        return _send(options, options.pipe.send_name, run)


def _send(options: HostOptions | JoinOptions, name: str, run: Run) -> int:
    if sys.stdin is None:
        return _refuse(tr("usage.stdinClosed"))
    if sys.stdout is None:
        return ExitStatus.FAILED
    terminal = open_terminal()
    # A host whose known devices all have to be asked about says so itself when one comes.
    if terminal is None and isinstance(options, HostOptions) and not options.known:
        return _refuse(tr("usage.stdinPerson"))
    with _folder() as folder:
        if folder is None:
            return ExitStatus.FAILED
        _say(tr("pipes.spooling", path=folder.path))
        try:
            path = folder.keep(_binary(sys.stdin), name)
        except FileError as error:
            # The folder itself goes with this program.
            _say(_kept_badly(error, folder.path.parent))
            return ExitStatus.FAILED
        return run(replace(options, send=(str(path),)), Streams(terminal, sys.stdout))


def _save(options: HostOptions | JoinOptions, run: Run) -> int:
    if sys.stdout is None:
        return ExitStatus.FAILED
    if sys.stdout.isatty():
        return _refuse(tr("usage.stdoutTerminal"))
    with _folder() as folder:
        if folder is None:
            return ExitStatus.FAILED
        _say(tr("pipes.keptHere", folder=folder.path))
        streams = Streams(sys.stdin, sys.stderr, save_folder=str(folder.path))
        status = run(options, streams)
        if status != ExitStatus.DONE:
            return status
        path = folder.only_file
        if path is None:
            _say(tr("pipes.nothingCame"))
            return ExitStatus.FAILED
        try:
            # The program that ran has handlers of its own, which wait for its loop.
            with _ending_at_once():
                copy_out(path, _binary(sys.stdout))
        except OSError as error:
            _say(_written_badly(error))
            _drop_output()
            return ExitStatus.FAILED
        return ExitStatus.DONE


def open_terminal() -> TextIO | None:
    """Open the terminal of this program for reading; None if there is none."""
    try:
        return open(_TERMINAL, encoding=sys.stdin.encoding, errors="surrogateescape")
    except OSError:
        return None


@contextlib.contextmanager
def _folder() -> Iterator[PipedFolder | None]:
    """Make the private folder, and remove it afterwards; None if it cannot be made."""
    parent = transfers_folder()
    with contextlib.ExitStack() as stack:
        if parent is None:
            import tempfile

            # A user without a home has no folder for transfers.
            own = tempfile.TemporaryDirectory(prefix="proxim-", ignore_cleanup_errors=True)
            parent = Path(stack.enter_context(own))
        try:
            folder = PipedFolder.make(parent)
        except FileError as error:
            _say(_kept_badly(error, parent))
            yield None
            return
        stack.callback(folder.remove)
        yield folder


def _kept_badly(error: FileError, folder: Path) -> str:
    """Return the sentence of what went wrong while standard input was kept in a file."""
    if error.reason in SOURCE_REASONS:
        return tr("pipes.cannotRead", why=error.detail)
    if error.reason in (Reason.DISK_FULL, Reason.FILE_TOO_LARGE):
        return tr("pipes.noRoom", folder=folder)
    return tr("pipes.cannotKeep", folder=folder, why=error.detail)


def _written_badly(error: OSError) -> str:
    """Return the sentence of what went wrong while the file went to standard output."""
    if error.errno in _GONE:
        return tr("pipes.outGone")
    if error.errno in _FULL:
        return tr("pipes.outFull")
    return tr("pipes.outFailed", why=error.strerror or type(error).__name__)


@contextlib.contextmanager
def _ending_at_once() -> Iterator[None]:
    """Let Ctrl-C and its like end this program at once, but not before its folder is removed."""

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(_SIGNALLED + number)

    numbers = (signal.SIGINT, signal.SIGTERM, *filter(None, [getattr(signal, "SIGHUP", None)]))
    # What was ignored when this program was started stays ignored.
    before = {
        number: signal.signal(number, end)
        for number in numbers
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _binary(stream: TextIO) -> BinaryIO:
    """Return the bytes below a standard stream."""
    if sys.platform == "win32":
        import msvcrt

        # Otherwise Windows' C library may change line ends, and end at Ctrl+Z.
        msvcrt.setmode(stream.fileno(), os.O_BINARY)
    return stream.buffer


def _drop_output() -> None:
    """Keep Python from writing once more, at its end, what standard output did not take."""
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _refuse(sentence: str) -> int:
    _say(f"proxim: {sentence}")
    return ExitStatus.USAGE


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()
