"""The executable that build.spec makes, run as people run it: alone, without this project or its
environment.

It is built once and kept in pytest's cache until anything that it is made of changes.
PROXIM_EXECUTABLE names another one to be tested instead; dist/proxim is used if it is newer than
everything it is made of.
"""

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
import urllib.request
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from PIL import Image, ImageGrab, features

from proxim import __version__
from proxim.io.pairing.page import Page
from proxim.io.system.file_lock import lock
from tests.paths import ARTIFACTS, ROOT
from tests.programs.program import PATIENCE, SOURCE, Program, exchange_text, pair
from tests.qr_reader import NoQRError, read_qr
from tests.ui.tk_support import NoScreenError, xvfb

# The build takes 25 s on two cores, and the first test waits for it.
BUILD_SECONDS = 200
pytestmark = [pytest.mark.slow, pytest.mark.timeout(BUILD_SECONDS + 40)]

LOOK_SECONDS = 0.1
NAME = "proxim.exe" if sys.platform == "win32" else "proxim"
MADE_OF = (
    "proxim.py",
    "build.spec",
    "requirements.txt",
    "proxim/**/*.py",
    "proxim/web/**/*",
    "proxim/languages/*",
    "proxim/ui/window/proxim.png",
    "assets/*",
)
# The executable has 25 MB on Linux and some more where there is no strip. A larger one contains
# something that nobody needs.
MAX_MEGABYTES = 32 if sys.platform == "linux" else 48
NOT_NEEDED = ("av", "numpy", "pytest", "hypothesis", "setuptools", "PyInstaller")
NEW_GROUP = (
    sys.executable,
    "-c",
    "import os, sys; os.setsid(); os.execv(sys.argv[1], sys.argv[1:])",
)

LOADS_DISCOVERY = "import proxim.io.known.mdns, sys; print(*sys.modules)"


@pytest.fixture(scope="module")
def executable(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    named = os.environ.get("PROXIM_EXECUTABLE")
    if named:
        return Path(named).resolve(strict=True)
    built = ROOT / "dist" / NAME
    sources = [
        file
        for pattern in MADE_OF
        for file in ROOT.glob(pattern)
        if file.is_file() and "__pycache__" not in file.parts
    ]
    if built.is_file() and built.stat().st_mtime > max(file.stat().st_mtime for file in sources):
        return built
    if pytestconfig.cache is None:
        return build(tmp_path_factory.mktemp("executable"))
    folder = pytestconfig.cache.mkdir("executable")
    kept = folder / digest(sources) / NAME
    if not kept.is_file():
        new = build(tmp_path_factory.mktemp("executable"))
        for other in set(folder.iterdir()) - {kept.parent}:
            shutil.rmtree(other)
        kept.parent.mkdir(exist_ok=True)
        # The name appears with the whole file: another run may look for it, or this one be ended.
        part = shutil.copy2(new, kept.parent / f"{os.getpid()}.part")
        os.replace(part, kept)
    return kept


def digest(sources: Iterable[Path]) -> str:
    """Return a hash of all that an executable is made of: sources, packages, this Python."""
    found = hashlib.sha256(sys.version.encode())
    for package in sorted(
        f"{one.name} {one.version}" for one in importlib.metadata.distributions()
    ):
        found.update(f"{package}\n".encode())
    for file in sorted(sources):
        content = file.read_bytes()
        found.update(f"{file.relative_to(ROOT).as_posix()} {len(content)}\n".encode() + content)
    return found.hexdigest()[:32]


def build(folder: Path) -> Path:
    """Run PyInstaller and return the executable's path."""
    if importlib.util.find_spec("PyInstaller") is None:
        pytest.skip("PyInstaller is not installed: pip install -r requirements-dev.txt")
    if sys.platform == "linux" and not sysconfig.get_config_var("Py_ENABLE_SHARED"):
        pytest.skip("PyInstaller needs a Python built with --enable-shared")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN"),
            *(
                "--distpath",
                str(folder / "dist"),
                "--workpath",
                str(folder / "work"),
                str(ROOT / "build.spec"),
            ),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=BUILD_SECONDS,
        # The assertion below shows PyInstaller's output if it fails.
        check=False,
        env={**os.environ, "PYINSTALLER_CONFIG_DIR": str(folder / "cache")},
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return folder / "dist" / NAME


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove all variables that lead to this Python or its packages."""
    monkeypatch.setenv("PATH", os.defpath)
    for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def homes(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "host", tmp_path / "guest"


@pytest.fixture
def screen() -> Iterator[str]:
    if sys.platform != "linux":
        pytest.skip("only Xvfb gives a test a screen of its own")
    if not features.check("xcb"):
        pytest.skip("this Pillow cannot take screenshots of X11")
    try:
        yield from xvfb(96)
    except NoScreenError as error:
        pytest.skip(str(error))


class Frozen(Program):
    """A running executable.

    It is two processes: the outer one, which was started, and inside it Proxim itself.
    """

    def __exit__(self, *failure: object) -> None:
        # After a failed test, killing only the outer process would leave the inner one running.
        if self.process.poll() is None:
            for inner in psutil.Process(self.process.pid).children(recursive=True):
                inner.kill()
        super().__exit__(*failure)


def run(executable: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the executable to its end, away from the sources, and return the result."""
    return subprocess.run(
        [str(executable), *arguments],
        cwd=executable.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
        env={**os.environ, "XDG_CONFIG_HOME": str(home)},
    )


def test_version_and_exit_status(executable: Path, tmp_path: Path) -> None:
    version = run(executable, tmp_path, "--version")
    assert (version.returncode, version.stdout.strip(), version.stderr) == (
        0,
        f"proxim {__version__}",
        "",
    )
    wrong = run(executable, tmp_path, "--no-such-option")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "--no-such-option" in wrong.stderr


def test_it_speaks_another_language(executable: Path, tmp_path: Path) -> None:
    told = run(executable, tmp_path, "--language", "de", "host", "--help")
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith("Aufruf: ")


def test_it_holds_what_it_needs_and_no_more(executable: Path) -> None:
    readers = pytest.importorskip("PyInstaller.archive.readers")
    archive = readers.CArchiveReader(str(executable))
    files = {name.replace("\\", "/") for name in archive.toc}
    assert {
        "proxim/web/index.html",
        "proxim/web/app.mjs",
        "proxim/web/pairing/ask.mjs",
        "proxim/web/first.js",
        "proxim/languages/de.json",
        "proxim/ui/window/proxim.png",
    } <= files
    modules = set(archive.open_embedded_archive("PYZ.pyz").toc)
    assert {
        "proxim.ui.window.window",
        "proxim.io.link.peer",
        "aiortc",
        "websockets.asyncio.server",
        # Screens are loaded late.
        "proxim.io.screen.pixels",
        "proxim.io.control.executor",
    } <= modules
    # Most of zeroconf is compiled, so its imports cannot be read by PyInstaller.
    loaded = subprocess.run(
        [sys.executable, "-c", LOADS_DISCOVERY], cwd=ROOT, stdout=subprocess.PIPE, check=True
    ).stdout.decode()
    compiled = {
        name.partition(".")[0].removesuffix("/__init__").replace("/", ".") for name in files
    }
    assert {one for one in loaded.split() if one.startswith("zeroconf")} <= modules | compiled
    there = {name.partition(".")[0] for name in modules} | {
        name.partition("/")[0] for name in files
    }
    assert there.isdisjoint(NOT_NEEDED)
    assert executable.stat().st_size < MAX_MEGABYTES * 1_000_000


@pytest.mark.usefixtures("own_address")
@pytest.mark.parametrize("role", ["host", "guest"])
def test_it_links_with_the_source_version(
    executable: Path, homes: tuple[Path, Path], role: str
) -> None:
    def start(as_role: str, *arguments: str) -> Program:
        home = homes[as_role == "guest"]
        if as_role == role:
            return Frozen([str(executable), *arguments], home)
        return Program([*SOURCE, *arguments], home)

    with start("host", "host", "--json") as host:
        session = host.event("session")
        with start("guest", "join", "--json", session["code"]) as guest:
            pair(host, guest)
            exchange_text(host, guest)
            guest.say(type="close")
            assert guest.ended() == 0
            assert guest.errors == []
        assert host.event("link", state="closed")["reason"] == "peer_left"
        host.say(type="close")
        assert host.ended() == 0
        assert host.errors == []


def test_a_refused_guest_ends_with_a_status(
    executable: Path, homes: tuple[Path, Path], own_address: str
) -> None:
    with Program([*SOURCE, "host", "--json"], homes[0]) as host:
        session = host.event("session")
        with Frozen([str(executable), "join", "--json", session["code"]], homes[1]) as guest:
            host.say(
                type="pair_response",
                sessionID=host.event("pair_prompt")["sessionID"],
                approved=False,
            )
            assert guest.event("pair_result")["reason"] == "declined"
            assert guest.ended() == 1


# Windows has no process groups that could be signaled.
if sys.platform != "win32":

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    @pytest.mark.usefixtures("own_address")
    def test_ctrl_c_reaches_both_its_processes_and_counts_once(
        executable: Path, homes: tuple[Path, Path], number: signal.Signals
    ) -> None:
        with Frozen([str(executable), "host", "--json"], homes[0], before=NEW_GROUP) as host:
            host.event("session")
            host.type("not JSON")
            # Everything before the error is done: the program waits, as it does when people
            # interrupt it.
            host.event("error")
            os.killpg(host.process.pid, number)
            assert host.ended() == 0
            assert host.errors == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks no folders")
def test_what_it_unpacked_is_held_against_cleaners(
    executable: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with Frozen([str(executable), "host", "--json"], tmp_path / "home") as program:
        program.event("session")
        (unpacked,) = tmp_path.glob("_MEI*")
        descriptor = os.open(unpacked, os.O_RDONLY)
        assert not lock(descriptor)
        os.close(descriptor)


@pytest.mark.usefixtures("own_address")
def test_doctor_links_its_own_two_peers(executable: Path, tmp_path: Path) -> None:
    lines = run(executable, tmp_path, "doctor", "--json").stdout.splitlines()
    findings = [json.loads(line) for line in lines]
    assert [finding["level"] for finding in findings if finding.get("check") == "link"] == ["ok"]


def test_its_window_shows_a_code_that_a_camera_reads(
    executable: Path, tmp_path: Path, screen: str, own_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = tmp_path / "asked"
    # This fake replaces a tool of the system that the window runs.
    gsettings = tmp_path / "bin" / "gsettings"
    gsettings.parent.mkdir()
    gsettings.write_text(f'#!/bin/sh\necho "libraries: $LD_LIBRARY_PATH" >"{asked}"\n')
    gsettings.chmod(0o755)
    monkeypatch.setenv("PATH", f"{gsettings.parent}{os.pathsep}{os.defpath}")
    with Frozen([str(executable)], tmp_path / "home", display=screen) as program:
        url, picture = wait_for_qr(screen, program)
        ARTIFACTS.mkdir(exist_ok=True)
        picture.save(ARTIFACTS / "executable-window.png")
        link = urlsplit(url)
        settings = next((tmp_path / "home" / "proxim").glob("*.json"))
        uuid = json.loads(settings.read_text(encoding="utf-8"))["uuid"]
        assert link.fragment.rpartition(".")[2] == uuid
        served = Page().get("/", "")
        assert served is not None
        with urllib.request.urlopen(f"http://{link.netloc}/", timeout=PATIENCE) as page:
            assert page.read() == served.body
        assert asked.read_text() == "libraries: \n", (
            "the system's tools must load the system's libraries"
        )
        program.process.terminate()
        assert program.ended() == 0
        assert program.errors == []


def wait_for_qr(screen: str, program: Program) -> tuple[str, Image.Image]:
    """Look at the screen until it shows a QR code; return its text and the picture."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        picture = ImageGrab.grab(xdisplay=screen)
        try:
            return read_qr(picture), picture
        except (NoQRError, ValueError, IndexError):
            # The code is not painted yet, or only half painted.
            # Looking without a pause would leave the program no time to paint.
            with contextlib.suppress(subprocess.TimeoutExpired):
                raise AssertionError(
                    f"it ended with {program.process.wait(LOOK_SECONDS)}: {program.errors}"
                ) from None
    raise AssertionError(f"no QR code on the screen within {PATIENCE} s; {program.errors}")
