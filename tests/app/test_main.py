"""Tests of the entry point: exit statuses, which face starts, and what goes to which stream.

Pairing itself is tested in test_pairing.py.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import pytest

from proxim import __version__
from proxim.app.bridge import Bridge, Interrupted
from proxim.app.main import INTERRUPTED, USAGE_STATUS, _drive, _goodbye_on_signals, main
from proxim.core import status as st
from proxim.core.files.manifest import Entry, TransferID
from proxim.io.files.part_files import part_name
from proxim.io.files.store import Store, StoredIncoming
from proxim.ui.qr import png_image, qr_matrix
from proxim.ui.text.model import FaceModel, FaceOptions, Role
from tests.paths import ROOT
from tests.programs.file_programs import until
from tests.programs.program import PATIENCE, SOURCE, Program
from tests.rows import each_row


def run(*command: str) -> str:
    """Return the output of a program that ends by itself."""
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=True
    ).stdout


class EndingFace:
    """A face whose model has finished successfully after `end`."""

    def __init__(self) -> None:
        self.model = FaceModel(FaceOptions(Role.HOST), lambda intent: None, time.monotonic)

    def end(self) -> None:
        self.model.close()
        self.model.follow_up(st.Stopped())


class PrintingFace(EndingFace):
    """A face during which a library prints, as uvloop does when it cannot send a packet."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self.stream = stream

    def start(self) -> None:
        self.stream.write("a line of the face\n")
        sys.stdout.write("[Errno 101] Network is unreachable\n")
        self.end()


def test_what_a_library_prints_is_no_line_of_the_face(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    face: Any = PrintingFace(sys.stdout)
    assert _drive(face, Bridge(), lambda: False) == 0
    said = capsys.readouterr()
    assert said.out == "a line of the face\n"
    assert "Network is unreachable" in said.err


class WaitingFace(EndingFace):
    """A face that ends when it has caught up three times while nothing happened."""

    def __init__(self) -> None:
        super().__init__()
        self.caught_up = 0

    def start(self) -> None:
        pass

    def catch_up(self) -> None:
        self.caught_up += 1
        if self.caught_up == 3:
            self.end()


def test_a_face_catches_up_while_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    monkeypatch.setattr("proxim.app.main.POLL_SECONDS", 0.001)
    face: Any = WaitingFace()
    assert _drive(face, Bridge(), lambda: False) == 0
    assert face.caught_up == 3


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"proxim {__version__}\n"


@each_row(
    "arguments",
    [
        ["dance"],
        ["host", "--port", "0"],
        ["join", "02501-WK380"],
        ["host", "--lifetime", "1y"],
        ["--no-such-option"],
    ],
)
def test_a_wrong_command_line_is_one_sentence(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == USAGE_STATUS
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "WK380" not in said


def test_the_module_and_the_launcher_are_the_same_program() -> None:
    for command in (SOURCE, (sys.executable, "-m", "proxim")):
        assert run(*command, "--version") == f"proxim {__version__}\n"


def test_nothing_heavy_is_imported_for_a_look_at_the_help() -> None:
    program = (
        "import sys, proxim.app.main\n"
        "heavy = {'asyncio', 'tkinter', 'websockets', 'aiortc', 'qrcode', 'PIL', 'ifaddr', 'ssl'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert run(sys.executable, "-c", program) == "[]\n"


@pytest.fixture
def own_signals() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, *filter(None, [getattr(signal, "SIGHUP", None)]))
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        # Shells start background jobs with SIGINT ignored, and `nohup` ignores SIGHUP.
        signal.signal(number, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(("number", "cancels"), [(signal.SIGINT, True), (signal.SIGTERM, False)])
@pytest.mark.usefixtures("own_signals")
def test_ctrl_c_cancels_what_moves_and_another_end_does_not(
    number: signal.Signals, cancels: bool
) -> None:
    bridge = Bridge()
    cancelled = _goodbye_on_signals(bridge)
    assert not cancelled()
    signal.raise_signal(number)
    assert cancelled() is cancels
    assert list(bridge.drain(5)) == [Interrupted()]
    with pytest.raises(SystemExit) as ended:
        signal.raise_signal(signal.SIGINT)
    assert ended.value.code == INTERRUPTED


@pytest.mark.slow
def test_a_script_that_closes_its_end_still_gets_its_goodbyes(
    tmp_path: Path, own_address: str
) -> None:
    with Program([*SOURCE, "host", "--json"], tmp_path) as host:
        host.event("session")
        host.say(type="close")
        assert host.process.stdin is not None
        host.process.stdin.close()
        assert host.ended() == 0


@pytest.mark.slow
def test_the_end_of_input_is_not_the_end(tmp_path: Path, own_address: str) -> None:
    with Program([*SOURCE, "host", "--json"], tmp_path) as host:
        assert host.process.stdin is not None
        host.process.stdin.close()
        host.event("session")
        host.process.terminate()
        assert host.ended() == 0


@pytest.mark.slow
def test_bytes_that_are_no_text_are_a_bad_command(tmp_path: Path, own_address: str) -> None:
    with Program([*SOURCE, "host", "--json"], tmp_path, forked=True) as host:
        host.event("session")
        assert host.process.stdin is not None
        os.write(host.process.stdin.fileno(), b'{"type":"text","text":"\xff\xfe"}\n')
        assert host.event("error")["code"] == "bad_command"


@pytest.mark.slow
def test_a_broken_settings_file_is_told_and_kept(tmp_path: Path, own_address: str) -> None:
    folder = tmp_path / "proxim"
    folder.mkdir()
    (folder / "settings.json").write_text("{ broken")
    with Program([*SOURCE, "host", "--json"], tmp_path, forked=True) as host:
        assert host.event("error")["code"] == "settings_broken"
        host.event("session")
        assert (folder / "settings.broken.json").read_text() == "{ broken"


def test_a_picture_of_the_code_is_there_when_the_session_is_told(tmp_path: Path) -> None:
    path = tmp_path / "qr.png"
    with Program([*SOURCE, "host", "--json", "--qr-file", str(path)], tmp_path) as host:
        url = host.event("session")["url"]
        assert path.read_bytes() == png_image(qr_matrix(url))


def test_doctor_removes_what_is_kept_of_unfinished_transfers(tmp_path: Path) -> None:
    part = tmp_path / part_name("0123456789abcdef", 0)
    part.write_bytes(b"half")
    entries = (Entry("photo", 8),)
    kept = StoredIncoming(
        TransferID("abcdefghijklmnopqrstuv"), entries, str(tmp_path), "0123456789abcdef", (), None
    )
    Store(tmp_path / "proxim" / "transfers").save(kept).close()
    with Program([*SOURCE, "host", "--json"], tmp_path, forked=True) as host:
        host.event("session")
        # It may go on with what it has found.
        until(Store(tmp_path / "proxim" / "transfers").in_use)
        with Program([*SOURCE, "doctor", "--clean", "--json"], tmp_path, forked=True) as doctor:
            assert json.loads(doctor.line())["level"] == "failure"
            assert doctor.ended() == 1
        assert part.exists()
    for expected in ("1 unfinished transfer ", "0 unfinished transfers "):
        with Program([*SOURCE, "doctor", "--clean", "--json"], tmp_path, forked=True) as doctor:
            (finding,) = [json.loads(doctor.line())]
            assert doctor.ended() == 0
        assert (finding["check"], finding["level"]) == ("kept", "ok")
        assert expected in finding["message"]
        assert not part.exists()


@pytest.mark.slow
def test_doctor_tells_findings_as_json_lines(tmp_path: Path) -> None:
    with Program([*SOURCE, "doctor", "--json"], tmp_path) as doctor:
        findings = [json.loads(doctor.line())]
        status = doctor.ended()
    assert findings[0]["event"] == "finding"
    assert status in (0, 1)
    assert doctor.errors == []
