"""`--send -` and `--save-to -` between real programs: the bytes, the statuses, what is said where,
and that nothing is left behind.
"""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO

import pytest

from tests.gate import Gate
from tests.loopback import free_port
from tests.paths import ROOT
from tests.programs.file_programs import end, moving, until
from tests.programs.program import PATIENCE, SOURCE, Program
from tests.rows import each_row

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("own_address")]

# Windows has other terminals, signals and folders of users.
UNIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has none of this")
# Every byte, line ends of all systems, and Ctrl+Z, at which Windows' C library ends a text.
BINARY = bytes(range(256)) * 4000 + b"\r\n\n\r\x1a\0" * 1000


def environment(home: Path) -> dict[str, str]:
    own = {name: str(home) for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME")}
    return {**os.environ, **own, "XDG_DOWNLOAD_DIR": str(home / "downloads")}


def left(home: Path) -> list[str]:
    """Return what is left of transfers in a program's home."""
    folder = home / "proxim" / "transfers"
    return sorted(str(one.relative_to(folder)) for one in folder.rglob("*"))


class Piped:
    """A program with pipes of bytes, and with a terminal of its own if it is to have one."""

    def __init__(
        self,
        home: Path,
        *arguments: str,
        terminal: bool = False,
        proxim: Sequence[str] = SOURCE,
    ) -> None:
        self.home = home
        home.mkdir(exist_ok=True)
        self.terminal: int | None = None
        inner: int | None = None
        if terminal and sys.platform != "win32":
            self.terminal, inner = os.openpty()
        self.process = subprocess.Popen(
            [*proxim, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env=environment(home),
            # A session of its own has no terminal until it takes one.
            start_new_session=True,
            preexec_fn=partial(begin, inner) if os.name == "posix" else None,  # noqa: PLW1509
            pass_fds=() if inner is None else (inner,),
        )
        if inner is not None:
            os.close(inner)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.stdin: IO[bytes] = self.process.stdin
        self.stdout: IO[bytes] = self.process.stdout
        self.stderr: IO[bytes] = self.process.stderr

    def said(self, part: str, stream: IO[bytes]) -> str:
        """Return the next line with this part; a question has no line end."""
        line = b""
        while piece := stream.read(1):
            line = b"" if line.endswith(b"\n") else line
            line += piece
            if part.encode() in line:
                return line.decode()
        raise AssertionError(f"{part!r} was not said; at last: {line.decode()!r}")

    def type(self, line: str) -> None:
        assert self.terminal is not None
        os.write(self.terminal, f"{line}\n".encode())

    def __enter__(self) -> "Piped":
        return self

    def __exit__(self, *failure: object) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.stdin, self.stdout, self.stderr):
            stream.close()
        if self.terminal is not None:
            os.close(self.terminal)


def begin(terminal: int | None) -> None:
    """Prepare a new program: SIGINT reaches it even where the tests run in the background, and the
    terminal, if there is one, becomes the one of its session (tty_ioctl(4)).
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.platform != "win32" and terminal is not None:
        import fcntl
        import termios

        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


@contextmanager
def hosting(
    tmp_path: Path, *arguments: str, proxim: Sequence[str] = SOURCE
) -> Iterator[tuple[Program, str]]:
    """Run a host for scripts; yield it with its link."""
    command = [*proxim, "host", "--json", "--port", str(free_port()), *arguments]
    with Program(command, tmp_path / "host", forked=True) as host:
        yield host, host.event("session")["url"]


def approve(host: Program) -> None:
    prompt = host.event("pair_prompt")
    host.say(type="pair_response", sessionID=prompt["sessionID"], approved=True)


def test_a_pipe_into_a_link_and_out_of_it(tmp_path: Path) -> None:
    """A host sends what comes from a program; a guest hands it to another."""
    saved = tmp_path / "saved"
    saved.mkdir()
    with hosting(tmp_path, "--save-to", str(saved)) as (host, url):
        arguments = ("join", url, "--yes", "--send", "-", "--send-name", "a b.bin")
        with Piped(tmp_path / "guest", *arguments) as guest:
            spooled = guest.said("is removed when this program ends", guest.stderr)
            guest.stdin.write(BINARY)
            guest.stdin.flush()
            if sys.platform != "win32":
                # Nobody else can read what waits here.
                (folder,) = (tmp_path / "guest/proxim/transfers/piped").glob("*[!k]")
                assert str(folder) in spooled
                until((folder / "a b.bin").exists)
                assert (folder / "a b.bin").stat().st_mode & 0o777 == 0o600
                assert folder.stat().st_mode & 0o777 == 0o700
            guest.stdin.close()
            approve(host)
            assert end(host)["state"] == "done"
            assert guest.process.wait(PATIENCE) == 0
            assert left(guest.home) == []
    assert (saved / "a b.bin").read_bytes() == BINARY


def test_standard_output_gets_the_file_and_nothing_else(tmp_path: Path) -> None:
    source = tmp_path / "source.bin"
    source.write_bytes(BINARY)
    with (
        hosting(tmp_path, "--send", str(source), "--once") as (host, url),
        Piped(tmp_path / "guest", "join", url, "--yes", "--save-to", "-") as guest,
    ):
        approve(host)
        assert guest.stdout.read() == BINARY
        assert guest.process.wait(PATIENCE) == 0
        told = guest.stderr.read().decode()
        assert "The file is kept in " in told
        assert "verified" in told
        assert left(guest.home) == []
        assert host.ended() == 0


@UNIX
def test_questions_of_a_host_are_answered_at_its_terminal(tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    saved.mkdir()
    arguments = ("host", "--port", str(free_port()), "--send", "-")
    with Piped(tmp_path / "host", *arguments, terminal=True) as host:
        host.stdin.write(BINARY)
        host.stdin.close()
        url = host.said("#", host.stdout).split()[-1]
        url += host.said("\n", host.stdout).strip()
        command = [*SOURCE, "join", "--json", "--yes", url, "--save-to", str(saved), "--once"]
        with Program(command, tmp_path / "guest", forked=True) as guest:
            host.said("Allow? [y/N]", host.stdout)
            # A yes that came too soon is asked for again.
            host.type("y")
            host.said("Allow? [y/N]", host.stdout)
            until(lambda: accepted(host, guest))
            assert end(guest)["state"] == "done"
            assert guest.ended() == 0
        assert host.process.wait(PATIENCE) == 0
        assert left(host.home) == []
    assert (saved / "stdin").read_bytes() == BINARY


def accepted(host: Piped, guest: Program) -> bool:
    """Type a yes, and say whether it counted."""
    host.type("y")
    return "Approved" in host.said(".", host.stdout)


REFUSED = [
    (["host", "--send", "-"], "questions are asked at the terminal, and there is none"),
    (["host", "--send", "-", "--save-to", "-"], "--send - and --save-to - do not go together"),
]


@each_row("arguments, sentence", REFUSED)
def test_what_cannot_be_asked_is_refused_before_anything_is_read(
    arguments: list[str], sentence: str, tmp_path: Path
) -> None:
    with Piped(tmp_path / "host", *arguments) as host:
        assert sentence in host.stderr.read().decode()
        assert host.process.wait(PATIENCE) == 2
        assert left(host.home) == []


def test_a_code_cannot_be_asked_for_either(tmp_path: Path) -> None:
    with Piped(tmp_path / "guest", "join", "--send", "-") as guest:
        guest.stdin.close()
        assert "No code was given" in guest.stdout.read().decode()
        assert guest.process.wait(PATIENCE) == 2
        assert left(guest.home) == []


@UNIX
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_standard_input_is_read_leaves_nothing(
    number: signal.Signals, tmp_path: Path
) -> None:
    with Piped(tmp_path / "guest", "join", "02501-WK381", "--send", "-") as guest:
        guest.said("is removed", guest.stderr)
        guest.stdin.write(b"some")
        guest.stdin.flush()
        guest.process.send_signal(number)
        assert guest.process.wait(PATIENCE) == 128 + number
        assert left(guest.home) == []


@UNIX
def test_a_signal_while_nobody_answers_leaves_nothing(tmp_path: Path) -> None:
    with (
        hosting(tmp_path) as (host, url),
        Piped(tmp_path / "guest", "join", url, "--yes", "--send", "-") as guest,
    ):
        guest.stdin.close()
        host.event("pair_prompt")
        guest.process.send_signal(signal.SIGINT)
        assert guest.process.wait(PATIENCE) == 1
        assert left(guest.home) == []


@UNIX
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_bytes_move_leaves_nothing_to_resume(
    number: signal.Signals, tmp_path: Path
) -> None:
    gate = Gate(tmp_path / "gate")
    gate.close_after(300_000)
    saved = tmp_path / "saved"
    saved.mkdir()
    arguments = ("--yes", "--send", "-")
    with (
        hosting(tmp_path, "--save-to", str(saved)) as (host, url),
        Piped(tmp_path / "guest", "join", url, *arguments, proxim=gate.command) as guest,
    ):
        guest.stdin.write(BINARY)
        guest.stdin.close()
        approve(host)
        moving(host)
        guest.process.send_signal(number)
        assert guest.process.wait(PATIENCE) == 1
        assert end(host)["state"] == "cancelled"
        assert left(guest.home) == []


@UNIX
def test_a_signal_while_bytes_come_leaves_nothing_to_resume(tmp_path: Path) -> None:
    gate = Gate(tmp_path / "gate")
    gate.close_after(300_000)
    source = tmp_path / "source.bin"
    source.write_bytes(BINARY)
    with (
        hosting(tmp_path, "--send", str(source), proxim=gate.command) as (host, url),
        Piped(tmp_path / "guest", "join", url, "--yes", "--save-to", "-") as guest,
    ):
        approve(host)
        moving(host)
        guest.process.send_signal(signal.SIGTERM)
        assert guest.process.wait(PATIENCE) == 1
        # Nothing of what was not verified went on.
        assert guest.stdout.read() == b""
        assert end(host)["state"] == "cancelled"
        assert left(guest.home) == []


@UNIX
def test_what_a_killed_program_left_goes_with_the_next_or_the_doctor(tmp_path: Path) -> None:
    arguments = ("join", "02501-WK381", "--send", "-")
    home = tmp_path / "guest"
    for _ in range(2):
        with Piped(home, *arguments) as guest:
            guest.said("is removed", guest.stderr)
            # Those of the program before are gone.
            assert len(list((home / "proxim/transfers/piped").glob("*.lock"))) == 1
            guest.process.kill()
            guest.process.wait(PATIENCE)
    assert left(home) != []
    with Program([*SOURCE, "doctor", "--clean", "--json"], home) as doctor:
        assert doctor.ended() == 0
    assert left(home) == []


def test_a_receiver_that_does_not_want_it_is_a_failure(tmp_path: Path) -> None:
    with (
        hosting(tmp_path) as (host, url),
        Piped(tmp_path / "guest", "join", url, "--yes", "--send", "-") as guest,
    ):
        guest.stdin.close()
        approve(host)
        transfer = host.event("transfer", state="announced")
        host.say(type="decline", transferID=transfer["transferID"])
        assert guest.process.wait(PATIENCE) == 1
        assert left(guest.home) == []


def test_exactly_one_file_goes_to_standard_output(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    with (
        hosting(tmp_path) as (host, url),
        Piped(tmp_path / "guest", "join", url, "--yes", "--save-to", "-") as guest,
    ):
        approve(host)
        host.event("link", state="connected")
        for paths in ([folder], [tmp_path / "a", tmp_path / "b"]):
            host.say(type="send", paths=[str(path) for path in paths])
            guest.said("xactly one file goes to standard output", guest.stderr)
            # Nobody declined it, and the sender reads why it is not taken.
            over = end(host)
            assert (over["state"], over["reason"]) == ("cancelled", "one_file_only")
        host.say(type="send", paths=[str(tmp_path / "a")])
        assert guest.stdout.read() == b"a"
        assert guest.process.wait(PATIENCE) == 0


def test_a_reader_that_has_gone_away_and_a_full_disk_are_failures(tmp_path: Path) -> None:
    source = tmp_path / "source.bin"
    source.write_bytes(BINARY)
    with (
        hosting(tmp_path, "--send", str(source)) as (host, url),
        Piped(tmp_path / "guest", "join", url, "--yes", "--save-to", "-") as guest,
    ):
        guest.stdout.close()
        approve(host)
        assert guest.process.wait(PATIENCE) == 1
        told = guest.stderr.read().decode()
        assert "The program that was to read the file has gone away" in told
        assert "Traceback" not in told
        assert left(guest.home) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
def test_a_file_that_finds_no_room_is_a_failure(tmp_path: Path) -> None:
    source = tmp_path / "source.bin"
    source.write_bytes(BINARY)
    home = tmp_path / "guest"
    home.mkdir()
    with (
        hosting(tmp_path, "--send", str(source)) as (host, url),
        Path("/dev/full").open("wb") as full,
    ):
        guest = subprocess.Popen(
            [*SOURCE, "join", url, "--yes", "--save-to", "-"],
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env=environment(home),
        )
        approve(host)
        _, told = guest.communicate(timeout=PATIENCE)
        assert guest.returncode == 1
        assert "There is no room where standard output goes" in told.decode()
        assert os.strerror(errno.ENOSPC) not in told.decode()
        assert left(home) == []
