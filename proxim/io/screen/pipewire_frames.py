"""Whole pictures of one PipeWire node, by the system's own GStreamer.

A small program of GStreamer (gst-launch-1.0) runs beside Proxim: it reads the node and writes its
pictures into a pipe. A binding to PipeWire would be large, and has to fit the system's version; a
desktop that shows its screen by PipeWire usually has both.

Each picture is a part of a multipart message, which says how long it is but not how wide; its size
stands in what gst-launch-1.0 says on its standard output.
"""

import contextlib
import fcntl
import logging
import os
import re
import shutil
import subprocess
import sys
from typing import Final

from proxim.core.errors import Reason
from proxim.core.screen.updates import MAX_PIXELS
from proxim.io.screen.capture import CaptureError
from proxim.io.screen.comparing import Frame
from proxim.io.screen.pixels import PIXEL_BYTES
from proxim.io.system.subprocesses import tool_environment

_log = logging.getLogger(__name__)

LAUNCHER: Final = "gst-launch-1.0"
INSPECTOR: Final = "gst-inspect-1.0"
# The parts of GStreamer that are needed, each from another package of most systems.
ELEMENTS: Final = ("pipewiresrc", "videoconvert", "multipartmux", "queue", "fdsink")
INSPECT_SECONDS: Final = 10.0
END_SECONDS: Final = 2.0
# A picture of 1920x1080 has 8 MB; a pipe of 64 KiB would wake both programs 130 times for each.
_PIPE_BYTES: Final = 1 << 20
_BOUNDARY: Final = b"proxim"
# No header of a part is longer.
_MAX_HEADER_BYTES: Final = 1024
_LENGTH: Final = re.compile(rb"\r\nContent-Length: (\d{1,10})\r\n")
_CAPS: Final = re.compile(
    rb"MultipartMux:\S+ caps = video/x-raw,.* width=\(int\)(\d{1,5}), height=\(int\)(\d{1,5})"
)
# A line of what gst-inspect-1.0 lists: the plugin, the element, and what it is.
_LISTED: Final = re.compile(rb"^[^\s:]+: +([^\s:]+): ", re.MULTILINE)
# Of gst-launch-1.0's words only whole lines are read, and no line that matters is longer.
_MAX_WORDS: Final = 64 * 1024


class BrokenFramesError(Exception):
    """What came is no multipart message of pictures."""


class Frames:
    """Puts pictures together from the bytes of a multipart message."""

    def __init__(self) -> None:
        self._header = bytearray()
        self._missing = 0
        self._pieces: list[bytes] = []

    @property
    def wanted(self) -> int:
        """How many bytes to read next at most."""
        return max(self._missing, _MAX_HEADER_BYTES)

    def feed(self, received: bytes) -> list[bytes]:
        """Return the pictures that are whole now. Raises BrokenFramesError."""
        whole: list[bytes] = []
        while received:
            if self._missing:
                piece, received = received[: self._missing], received[self._missing :]
                self._pieces.append(piece)
                self._missing -= len(piece)
            else:
                received = self._read_header(received)
                if not self._missing:
                    continue
            if not self._missing:
                whole.append(b"".join(self._pieces))
                self._pieces.clear()
        return whole

    def _read_header(self, received: bytes) -> bytes:
        """Read up to the end of a header, and return what follows it."""
        self._header += received
        end = self._header.find(b"\r\n\r\n")
        if end < 0:
            if len(self._header) > _MAX_HEADER_BYTES:
                raise BrokenFramesError("header")
            return b""
        header = bytes(self._header[: end + 2])
        rest = bytes(self._header[end + 4 :])
        self._header.clear()
        # After a picture comes an empty line.
        found = _LENGTH.search(header)
        if not header.lstrip(b"\r\n").startswith(b"--" + _BOUNDARY) or found is None:
            raise BrokenFramesError("header")
        self._missing = int(found[1])
        if not 0 < self._missing <= MAX_PIXELS * PIXEL_BYTES:
            raise BrokenFramesError("length")
        return rest


def size_in(line: bytes) -> tuple[int, int] | None:
    """Return the size of the pictures, if this line of gst-launch-1.0 says it."""
    found = _CAPS.search(line)
    return None if found is None else (int(found[1]), int(found[2]))


def command(launcher: str, remote: int, node: int, pictures: int) -> list[str]:
    """Return the command that writes a node's pictures into a file."""
    pipeline = (
        # Its buffers go back at once: the desktop has few, and shows nothing without.
        f"pipewiresrc fd={remote} path={node} do-timestamp=true always-copy=true"
        # Pictures that nobody has read yet are replaced by the newest.
        " ! queue leaky=downstream max-size-buffers=1 max-size-bytes=0 max-size-time=0"
        f" ! videoconvert ! video/x-raw,format=BGRx ! multipartmux boundary={_BOUNDARY.decode()}"
        f" ! fdsink fd={pictures} sync=false"
    )
    return [launcher, "-v", *pipeline.split()]


def missing_elements() -> list[str]:
    """Return what of GStreamer is missing: one of the programs, or some of ELEMENTS."""
    inspector = shutil.which(INSPECTOR)
    if shutil.which(LAUNCHER) is None or inspector is None:
        return [LAUNCHER]
    try:
        listed = subprocess.run(
            [inspector],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            timeout=INSPECT_SECONDS,
            check=False,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return [inspector]
    there = {name.decode(errors="replace") for name in _LISTED.findall(listed)}
    return [element for element in ELEMENTS if element not in there]


def _environment() -> dict[str, str]:
    return tool_environment(os.environ, frozen=bool(getattr(sys, "frozen", False)))


def _never_wait(file: int) -> None:
    # The type checker knows that Windows has no such files.
    if sys.platform != "win32":
        os.set_blocking(file, False)


class NodeFrames:
    """Reads the pictures of one node. `remote` is the file of PipeWire that shows it."""

    def __init__(self, remote: int, node: int) -> None:
        launcher = shutil.which(LAUNCHER)
        if launcher is None:
            raise CaptureError(Reason.NO_GSTREAMER, LAUNCHER)
        self._pictures, theirs = os.pipe()
        try:
            self._child = subprocess.Popen(
                command(launcher, remote, node, theirs),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_environment(),
                pass_fds=(remote, theirs),
            )
        except OSError as error:
            os.close(self._pictures)
            raise CaptureError(Reason.NO_GSTREAMER, type(error).__name__) from None
        finally:
            os.close(theirs)
        assert self._child.stdout is not None
        self._words = self._child.stdout.fileno()
        if sys.platform == "linux":
            with contextlib.suppress(OSError):
                # An unprivileged program may be allowed less.
                fcntl.fcntl(self._pictures, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        _never_wait(self._pictures)
        _never_wait(self._words)
        self._frames = Frames()
        self._line = b""
        self._size: tuple[int, int] | None = None
        self._newest: bytes | None = None

    def files(self) -> tuple[int, int]:
        """Return what can be read when there is something new."""
        return self._pictures, self._words

    def read(self) -> Frame | None:
        """Return the newest picture that has come since the last call; None if none has.

        Raises CaptureError if the program has ended.
        """
        resized = self._read_words()
        newest = self._read_pictures()
        if newest is not None:
            self._newest = newest
        # The size and the picture come on two ways, and either may be first.
        if self._newest is None or (newest is None and not resized) or self._size is None:
            return None
        width, height = self._size
        if len(self._newest) != width * height * PIXEL_BYTES:
            return None
        return Frame(width, height, self._newest)

    def close(self) -> None:
        """End the program."""
        os.close(self._pictures)
        self._child.kill()
        self._child.wait(END_SECONDS)
        assert self._child.stdout is not None
        self._child.stdout.close()

    def _read_words(self) -> bool:
        """Read what the program says; return whether the size is another."""
        before = self._size
        while received := self._read(self._words, _MAX_WORDS):
            *lines, self._line = (self._line + received).split(b"\n")
            self._line = self._line[-_MAX_WORDS:]
            for line in lines:
                self._size = size_in(line) or self._size
        return self._size != before

    def _read_pictures(self) -> bytes | None:
        newest = None
        # Not for ever, if pictures come as quickly as they are read.
        while newest is None and (received := self._read(self._pictures, self._frames.wanted)):
            try:
                whole = self._frames.feed(received)
            except BrokenFramesError as error:
                raise CaptureError(Reason.SCREEN_LOST, f"GStreamer: {error}") from None
            newest = whole[-1] if whole else None
        return newest

    def _read(self, file: int, size: int) -> bytes:
        try:
            received = os.read(file, size)
        except BlockingIOError:
            return b""
        if not received:
            self._ended()
        return received

    def _ended(self) -> None:
        # A node that is gone ends it; so does a part of GStreamer that is missing.
        status = self._child.poll()
        raise CaptureError(Reason.SCREEN_LOST, f"{LAUNCHER} ended with {status}")
