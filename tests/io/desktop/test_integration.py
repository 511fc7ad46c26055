"""Tests of "Send with Proxim" in the file managers: what is written, run as they would run it, and
removed.
"""

import os
import plistlib
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from proxim.io.desktop.integration import (
    MARK,
    Done,
    Piece,
    Result,
    Words,
    exec_words,
    own_command,
    pieces,
    remove,
    write,
)
from tests.programs.file_programs import until
from tests.rows import each_row

WORDS = Words("Send with Proxim", "Connect two devices")
# Names of files as people have them, and as nobody should.
NAMES = [
    "a b.txt",
    "100 %u %% %F.txt",
    "Übung.txt",
    "-dash",
    "line\nbreak",
    "\"quote\" 'it' $HOME `x` \\",
]

posix = pytest.mark.skipif(sys.platform == "win32", reason="shells and modes of Linux and macOS")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Return a program, in a folder with an odd name, that writes down its arguments."""
    folder = tmp_path / "my $odd `folder` \"100%\" \\ 'x'"
    folder.mkdir()
    program = folder / "proxim"
    told = tmp_path / "told"
    program.write_text(
        f"#!{sys.executable}\n"
        "import os, sys\n"
        f"with open({str(told)!r} + '.new', 'wb') as file:\n"
        "    file.write(b'\\0'.join(os.fsencode(word) for word in sys.argv[1:]))\n"
        f"os.replace({str(told)!r} + '.new', {str(told)!r})\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    return program


def told(tmp_path: Path) -> list[str]:
    return [os.fsdecode(word) for word in (tmp_path / "told").read_bytes().split(b"\0")]


def written(tmp_path: Path, command: list[str], platform: str = "linux") -> tuple[Piece, ...]:
    found = pieces(
        platform,
        {"XDG_DATA_HOME": str(tmp_path / "data"), "XDG_CONFIG_HOME": str(tmp_path / "config")},
        tmp_path / "home",
        command,
        WORDS,
        b"icon",
    )
    for piece in found:
        assert write(piece) == Result(Done.WRITTEN, piece.path)
    return found


# --- the command ----------------------------------------------------------------------------------


def test_the_command_is_how_proxim_runs_now(tmp_path: Path) -> None:
    launcher = tmp_path / "proxim.py"
    python = str(tmp_path / "bin" / "python")
    assert own_command("/x/proxim", frozen=True, launcher=launcher) == ["/x/proxim"]
    installed = own_command(python, frozen=False, launcher=launcher, platform="linux")
    assert installed == [python, "-m", "proxim"]
    launcher.touch()
    sources = own_command(python, frozen=False, launcher=launcher, platform="linux")
    assert sources == [python, str(launcher)]
    # On Windows without a console, where there is such a Python.
    assert own_command(python, frozen=False, launcher=launcher, platform="win32")[0] == python
    (tmp_path / "bin").mkdir()
    windowed = tmp_path / "bin" / "pythonw.exe"
    windowed.touch()
    assert own_command(python, frozen=False, launcher=launcher, platform="win32")[0] == str(
        windowed
    )


@each_row(
    "word, shown",
    [
        ("/usr/bin/proxim", "/usr/bin/proxim"),
        ("/a b", '"/a b"'),
        ("100%", '"100%%"'),
        ("$x", '"\\\\$x"'),
        ("\\", '"\\\\\\\\"'),
        ("a\nb", '"a\\nb"'),
    ],
)
def test_words_of_a_command_are_quoted(word: str, shown: str) -> None:
    assert exec_words([word]) == shown


# --- Linux ----------------------------------------------------------------------------------------


def test_the_files_of_linux(tmp_path: Path) -> None:
    found = {str(piece.path.relative_to(tmp_path)): piece for piece in written(tmp_path, ["/p"])}
    assert sorted(found) == [
        "config/caja/scripts/Send with Proxim",
        "data/Thunar/sendto/proxim.desktop",
        "data/applications/proxim.desktop",
        "data/kio/servicemenus/proxim.desktop",
        "data/nautilus/scripts/Send with Proxim",
        "data/nemo/scripts/Send with Proxim",
        "data/proxim/proxim.png",
    ]
    if sys.platform != "win32":
        run = {path for path, piece in found.items() if os.access(piece.path, os.X_OK)}
        assert run == {path for path in found if "scripts" in path or "servicemenus" in path}


def test_without_folders_of_its_own_linux_has_the_usual_ones(tmp_path: Path) -> None:
    found = pieces("linux", {"XDG_DATA_HOME": "relative"}, tmp_path, ["/p"], WORDS)
    tops = {piece.path.relative_to(tmp_path).parts[0] for piece in found}
    assert tops == {".local", ".config"}


@posix
@pytest.mark.skipif(
    shutil.which("desktop-file-validate") is None, reason="desktop-file-utils is not installed"
)
def test_the_desktop_files_are_valid(tmp_path: Path, program: Path) -> None:
    entries = [
        piece.path for piece in written(tmp_path, [str(program)]) if piece.path.suffix == ".desktop"
    ]
    assert len(entries) == 3
    for entry in entries:
        done = subprocess.run(
            ["desktop-file-validate", entry], capture_output=True, text=True, check=False
        )
        # KDE's own type of its menus is unknown to the tool.
        complaints = [line for line in done.stdout.splitlines() if '"Service"' not in line]
        assert complaints == [], entry
        assert done.returncode == ("kio" in entry.parts), entry


def run_entry(line: str, files: list[str]) -> None:
    """Run the command of a key Exec as the Desktop Entry Specification says."""
    # First the escapes of a string, then the quotes of the arguments, then the codes.
    chars = {"n": "\n", "t": "\t", "r": "\r", "s": " ", "\\": "\\"}
    text = re.sub(r"\\(.)", lambda found: chars[found[1]], line.partition("=")[2])
    words: list[str] = []
    for quoted, plain in re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', text):
        word = plain or re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
        words += files if word == "%F" else [word.replace("%%", "%")]
    subprocess.run(words, check=True)


@posix
@pytest.mark.parametrize("part", ["applications", "Thunar", "kio"])
def test_the_entries_give_all_names_as_they_are(tmp_path: Path, program: Path, part: str) -> None:
    files = [str(tmp_path / name) for name in NAMES]
    (piece,) = [
        piece
        for piece in written(tmp_path, [str(program)])
        if part in piece.path.parts and piece.path.suffix == ".desktop"
    ]
    lines = piece.path.read_text(encoding="utf-8").splitlines()
    (command,) = [line for line in lines if line.startswith("Exec=")]
    run_entry(command, files)
    assert told(tmp_path) == ["send", *files]


@posix
def test_the_script_gives_all_names_as_they_are(tmp_path: Path, program: Path) -> None:
    (script,) = [
        piece.path for piece in written(tmp_path, [str(program)]) if "nautilus" in piece.path.parts
    ]
    # Nautilus runs it in the folder of the files, with their names alone.
    subprocess.run([script, *NAMES], check=True, cwd=tmp_path)
    assert told(tmp_path) == ["send", "--", *NAMES]


@posix
@pytest.mark.skipif(shutil.which("gio") is None, reason="gio is not installed")
def test_glib_reads_the_entry_in_the_same_way(tmp_path: Path, program: Path) -> None:
    # GLib does not find a program with % in its own path, whatever the entry says.
    simpler = tmp_path / "my $odd `folder` \\ 'x'"
    program.parent.rename(simpler)
    (entry,) = [
        piece.path
        for piece in written(tmp_path, [str(simpler / "proxim")])
        if "applications" in piece.path.parts
    ]
    files = [tmp_path / name for name in NAMES if "\n" not in name]
    for file in files:
        file.touch()
    subprocess.run(["gio", "launch", entry, *files], check=True, timeout=30)
    # It has only started the program.
    until((tmp_path / "told").exists)
    assert told(tmp_path) == ["send", *map(str, files)]


# --- once more, and away --------------------------------------------------------------------------


def test_writing_again_replaces_and_removing_leaves_nothing(tmp_path: Path) -> None:
    written(tmp_path, ["/old"])
    found = written(tmp_path, ["/new"])
    (entry,) = [piece.path for piece in found if "applications" in piece.path.parts]
    assert "Exec=/new send %F" in entry.read_text(encoding="utf-8")
    assert [remove(piece) for piece in found] == [
        Result(Done.REMOVED, piece.path) for piece in found
    ]
    assert [path for path in tmp_path.rglob("*") if not path.is_dir()] == []
    assert [remove(piece) for piece in found] == [None] * len(found)


def test_what_somebody_else_made_stays(tmp_path: Path) -> None:
    found = pieces("linux", {}, tmp_path, ["/p"], WORDS)
    (script,) = [piece for piece in found if "nautilus" in piece.path.parts]
    (entry,) = [piece for piece in found if "applications" in piece.path.parts]
    script.path.parent.mkdir(parents=True)
    script.path.write_text("mine", encoding="utf-8")
    entry.path.mkdir(parents=True)
    for piece in (script, entry):
        assert write(piece) == Result(Done.FOREIGN, piece.path)
        assert remove(piece) == Result(Done.FOREIGN, piece.path)
    assert script.path.read_text(encoding="utf-8") == "mine"


@posix
def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (script, *_) = [
        one for one in pieces("linux", {}, tmp_path, ["/p"], WORDS) if "nautilus" in one.path.parts
    ]
    script.path.parent.mkdir(parents=True)
    other = tmp_path / "other"
    other.write_text(MARK, encoding="utf-8")
    script.path.symlink_to(other)
    assert write(script) == Result(Done.FOREIGN, script.path)
    assert other.read_text(encoding="utf-8") == MARK


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / ".local").touch()
    piece = next(one for one in pieces("linux", {}, tmp_path, ["/p"], WORDS) if one.executable)
    result = write(piece)
    assert (result.done, result.path) == (Done.FAILED, piece.path)
    assert result.why


# --- Windows --------------------------------------------------------------------------------------


def test_the_shortcut_of_windows(tmp_path: Path) -> None:
    environment = {"APPDATA": str(tmp_path)}
    command = ["C:\\My Python\\pythonw.exe", "C:\\100% $x\\proxim.py"]
    (piece,) = pieces("win32", environment, tmp_path, command, WORDS)
    assert piece.path == tmp_path / "Microsoft/Windows/SendTo/Send with Proxim.lnk"
    made: list[dict[str, Any]] = []

    def run(command: list[str], **options: Any) -> None:
        made.append({"command": command} | options)
        piece.path.write_bytes(b"L\0" + MARK.encode("utf-16-le"))

    for _ in range(2):
        assert write(piece, run) == Result(Done.WRITTEN, piece.path)
    assert made[0]["command"][0] == "powershell.exe"
    told = made[0]["env"]
    assert told["PROXIM_TARGET"] == command[0]
    assert told["PROXIM_ARGUMENTS"] == '"C:\\100% $x\\proxim.py" send --'
    assert told["PROXIM_LINK"] == str(piece.path)
    # No path stands in the script, where it could be read as one.
    assert "100%" not in " ".join(made[0]["command"])
    assert remove(piece) == Result(Done.REMOVED, piece.path)
    piece.path.write_bytes(b"another program's")
    assert write(piece, run) == Result(Done.FOREIGN, piece.path)


def test_a_shortcut_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (piece,) = pieces("win32", {"APPDATA": str(tmp_path)}, tmp_path, ["C:\\p"], WORDS)

    def run(command: list[str], **options: Any) -> None:
        raise subprocess.CalledProcessError(1, command)

    assert write(piece, run) == Result(Done.FAILED, piece.path, "CalledProcessError")


def test_a_user_of_windows_without_a_folder(tmp_path: Path) -> None:
    assert pieces("win32", {}, tmp_path, ["C:\\p"], WORDS) == ()


# --- macOS ----------------------------------------------------------------------------------------


def test_the_quick_action_of_macos(tmp_path: Path, program: Path) -> None:
    found = written(tmp_path, [str(program)], "darwin")
    bundle = tmp_path / "home/Library/Services/Send with Proxim.workflow"
    about = plistlib.loads((bundle / "Contents/Info.plist").read_bytes())
    assert about["NSServices"][0]["NSMenuItem"] == {"default": "Send with Proxim"}
    workflow = plistlib.loads((bundle / "Contents/document.wflow").read_bytes())
    parameters = workflow["actions"][0]["action"]["ActionParameters"]
    assert (parameters["shell"], parameters["inputMethod"]) == ("/bin/sh", 1)
    if sys.platform != "win32":
        files = [str(tmp_path / name) for name in NAMES]
        command = [parameters["shell"], "-c", parameters["COMMAND_STRING"] + "wait", "x", *files]
        subprocess.run(command, check=True)
        assert told(tmp_path) == ["send", "--", *files]
    assert [remove(piece) for piece in found] == [
        Result(Done.REMOVED, piece.path) for piece in found
    ]
    assert not bundle.exists()
