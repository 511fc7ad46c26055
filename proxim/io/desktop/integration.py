"""Puts "Send with Proxim" into the file managers of this user, and takes it out again.

Each system has folders whose files a file manager turns into entries of its menus. Every file that
is written here carries a mark, by which it is known again: a file of the same name without it is
somebody else's, and is left alone. Only Linux was tried; its files are those of the Desktop Entry
Specification, of Nautilus, Nemo and Caja (scripts), of Thunar and of Dolphin (KIO).
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

# It is in each file that we wrote, as a comment, a key or a description.
MARK: Final = "proxim-integrate"
_DESKTOP_MARK: Final = f"X-{MARK}=true"
# A file that we wrote has some hundred bytes, the icon apart.
_MAX_BYTES: Final = 256 * 1024
# PowerShell needs some seconds on an old laptop.
SHORTCUT_SECONDS: Final = 20.0
# Letters that need no quotes in a command of a desktop entry.
_PLAIN: Final = re.compile(r"[A-Za-z0-9_@+=:,./-]+")
# What a name of a file cannot have, were a translation to contain it.
_NO_NAME: Final = re.compile(r'[/\\:*?"<>|]')
# It makes a shortcut of what the environment says, so that nothing in a path is read as a script.
_SHORTCUT_SCRIPT: Final = (
    "$ErrorActionPreference = 'Stop';"
    "$link = (New-Object -ComObject WScript.Shell).CreateShortcut($env:PROXIM_LINK);"
    "$link.TargetPath = $env:PROXIM_TARGET;"
    "$link.Arguments = $env:PROXIM_ARGUMENTS;"
    "$link.Description = $env:PROXIM_MARK;"
    "$link.Save()"
)


class Done(StrEnum):
    """What became of a file."""

    WRITTEN = "written"
    REMOVED = "removed"
    # It is there and not ours.
    FOREIGN = "foreign"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one file, and why it failed."""

    done: Done
    path: Path
    why: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """What the file managers show."""

    # The entry of the menu, which is the name of some of the files.
    send: str
    about: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A file that a file manager reads."""

    path: Path
    content: bytes = field(repr=False)
    # Whether it is run as a program.
    executable: bool = False
    # Whether its folder is Proxim's own, so that it needs no mark.
    own_folder: bool = False
    # Folders that exist for it alone.
    folders: tuple[Path, ...] = ()
    # For a shortcut of Windows: its target and the arguments.
    shortcut: tuple[str, str] | None = None


def own_command(
    executable: str, *, frozen: bool, launcher: Path, platform: str = sys.platform
) -> list[str]:
    """Return the command that starts Proxim as it runs now: the executable, the sources with their
    Python, or an installed package.
    """
    if frozen:
        return [executable]
    if platform == "win32":
        # This one opens no console.
        windowed = Path(executable).with_name("pythonw.exe")
        executable = str(windowed) if windowed.exists() else executable
    return [executable, str(launcher)] if launcher.is_file() else [executable, "-m", "proxim"]


def pieces(
    platform: str,
    environment: Mapping[str, str],
    home: Path,
    command: Sequence[str],
    words: Words,
    icon: bytes = b"",
) -> tuple[Piece, ...]:
    """Return the files of this system's file managers; none if it has no folder for them."""
    name = _NO_NAME.sub("", words.send)
    if platform == "win32":
        roaming = environment.get("APPDATA", "")
        if not os.path.isabs(roaming):
            return ()
        folder = Path(roaming) / "Microsoft" / "Windows" / "SendTo"
        arguments = subprocess.list2cmdline([*command[1:], "send", "--"])
        return (Piece(folder / f"{name}.lnk", b"", shortcut=(command[0], arguments)),)
    if platform == "darwin":
        return _quick_action(home / "Library" / "Services", name, command)
    data = _data_folder(environment, home)
    config = _folder(environment, "XDG_CONFIG_HOME", home / ".config")
    picture = data / "proxim" / "proxim.png"
    script = _script(command)
    entry = _entry(command, words, picture)
    return (
        Piece(picture, icon, own_folder=True),
        Piece(data / "applications" / "proxim.desktop", entry),
        *(
            Piece(folder / name, script, executable=True)
            for folder in (
                data / "nautilus" / "scripts",
                data / "nemo" / "scripts",
                config / "caja" / "scripts",
            )
        ),
        Piece(data / "Thunar" / "sendto" / "proxim.desktop", entry),
        Piece(
            data / "kio" / "servicemenus" / "proxim.desktop",
            _service_menu(command, words, picture),
            # KDE reads no others in a person's own folder.
            executable=True,
        ),
    )


def write(piece: Piece, run: Callable[..., Any] = subprocess.run) -> Result:
    """Write a file, or replace what we wrote before."""
    try:
        if os.path.lexists(piece.path) and not _is_ours(piece):
            return Result(Done.FOREIGN, piece.path)
        piece.path.parent.mkdir(parents=True, exist_ok=True)
        if piece.shortcut is not None:
            _make_shortcut(piece.path, *piece.shortcut, run)
        else:
            _replace(piece)
    except (OSError, subprocess.SubprocessError) as error:
        return Result(Done.FAILED, piece.path, _why(error))
    return Result(Done.WRITTEN, piece.path)


def remove(piece: Piece) -> Result | None:
    """Remove a file that we wrote; None if there is none."""
    try:
        if not os.path.lexists(piece.path):
            return None
        if not _is_ours(piece):
            return Result(Done.FOREIGN, piece.path)
        piece.path.unlink()
        for folder in piece.folders:
            # Somebody may have put something else there.
            if not any(folder.iterdir()):
                folder.rmdir()
    except OSError as error:
        return Result(Done.FAILED, piece.path, _why(error))
    return Result(Done.REMOVED, piece.path)


def _is_ours(piece: Piece) -> bool:
    """Whether what is there was written by us. Raises OSError."""
    if piece.path.is_symlink() or not piece.path.is_file():
        return False
    if piece.own_folder:
        return True
    with open(piece.path, "rb") as file:
        found = file.read(_MAX_BYTES)
    return MARK.encode() in found or MARK.encode("utf-16-le") in found


def _replace(piece: Piece) -> None:
    temporary = piece.path.with_name(f".{piece.path.name}.{os.urandom(4).hex()}")
    mode = 0o755 if piece.executable else 0o644
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with open(descriptor, "wb") as file:
            file.write(piece.content)
        os.replace(temporary, piece.path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _make_shortcut(path: Path, target: str, arguments: str, run: Callable[..., Any]) -> None:
    run(
        ["powershell.exe", "-NoProfile", "-NonInteractive", "-Command", _SHORTCUT_SCRIPT],
        env={
            **os.environ,
            "PROXIM_LINK": str(path),
            "PROXIM_TARGET": target,
            "PROXIM_ARGUMENTS": arguments,
            "PROXIM_MARK": MARK,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=SHORTCUT_SECONDS,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        check=True,
    )


def _why(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or type(error).__name__


# --- Linux ----------------------------------------------------------------------------------------


def _data_folder(environment: Mapping[str, str], home: Path) -> Path:
    return _folder(environment, "XDG_DATA_HOME", home / ".local" / "share")


def _folder(environment: Mapping[str, str], name: str, otherwise: Path) -> Path:
    told = environment.get(name, "")
    return Path(told) if os.path.isabs(told) else otherwise


def exec_words(command: Sequence[str]) -> str:
    """Return a command as the key Exec of a desktop entry wants it."""
    return " ".join(_exec_word(word) for word in command)


def _exec_word(word: str) -> str:
    if _PLAIN.fullmatch(word):
        return word
    # Two rules, one after the other: those of quoted arguments, and those of the file's strings.
    quoted = re.sub(r'(["`$\\])', r"\\\1", word).replace("%", "%%")
    return f'"{_string(quoted)}"'


def _string(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")
    return escaped.replace("\r", "\\r")


def _entry(command: Sequence[str], words: Words, icon: Path) -> bytes:
    """Return the entry for menus of programs, for "Open with", and for Thunar's "Send to"."""
    return _lines(
        "[Desktop Entry]",
        "Type=Application",
        "Name=Proxim",
        f"Comment={_string(words.about)}",
        f"Exec={exec_words([*command, 'send'])} %F",
        f"Icon={_string(str(icon))}",
        "Terminal=false",
        "Categories=Network;FileTransfer;",
        "StartupWMClass=Proxim",
        _DESKTOP_MARK,
    )


def _service_menu(command: Sequence[str], words: Words, icon: Path) -> bytes:
    return _lines(
        "[Desktop Entry]",
        "Type=Service",
        "Name=Proxim",
        "X-KDE-ServiceTypes=KonqPopupMenu/Plugin",
        # Every file is of the first of these, whatever else it is.
        "MimeType=application/octet-stream;inode/directory;",
        "Actions=sendWithProxim;",
        _DESKTOP_MARK,
        "",
        "[Desktop Action sendWithProxim]",
        f"Name={_string(words.send)}",
        f"Icon={_string(str(icon))}",
        f"Exec={exec_words([*command, 'send'])} %F",
    )


def _script(command: Sequence[str]) -> bytes:
    # The names come as arguments, so that any letter may be in them.
    return _lines("#!/bin/sh", f"# {MARK}", f'exec {shlex.join(command)} send -- "$@"')


def _lines(*lines: str) -> bytes:
    return os.fsencode("\n".join([*lines, ""]))


# --- macOS ----------------------------------------------------------------------------------------


def _quick_action(services: Path, name: str, command: Sequence[str]) -> tuple[Piece, ...]:
    """Return the files of a workflow of Automator that the Finder shows as a Quick Action."""
    # It is left out of executables for other systems.
    import plistlib

    bundle = services / f"{name}.workflow"
    contents = bundle / "Contents"
    about = {
        "NSServices": [
            {
                "NSMenuItem": {"default": name},
                "NSMessage": "runWorkflowAsService",
                "NSSendFileTypes": ["public.item"],
            }
        ],
        MARK: True,
    }
    # The workflow ends at once, while the window may stay open.
    script = f'nohup {shlex.join(command)} send -- "$@" >/dev/null 2>&1 &\n'
    action = {
        "AMAccepts": {
            "Container": "List",
            "Optional": True,
            "Types": ["com.apple.cocoa.string"],
        },
        "AMActionVersion": "2.0.3",
        "AMApplication": ["Automator"],
        "AMParameterProperties": {
            key: {}
            for key in (
                "COMMAND_STRING",
                "CheckedForUserDefaultShell",
                "inputMethod",
                "shell",
                "source",
            )
        },
        "AMProvides": {"Container": "List", "Types": ["com.apple.cocoa.string"]},
        "ActionBundlePath": "/System/Library/Automator/Run Shell Script.action",
        "ActionName": "Run Shell Script",
        "ActionParameters": {
            "COMMAND_STRING": script,
            "CheckedForUserDefaultShell": True,
            # The files come as arguments.
            "inputMethod": 1,
            "shell": "/bin/sh",
            "source": "",
        },
        "BundleIdentifier": "com.apple.RunShellScript",
        "CFBundleVersion": "2.0.3",
        "Class Name": "RunShellScriptAction",
    }
    workflow = {
        "AMApplicationVersion": "2.10",
        "AMDocumentVersion": "2",
        "actions": [{"action": action, "isViewVisible": 1}],
        "connectors": {},
        "workflowMetaData": {
            "serviceInputTypeIdentifier": "com.apple.Automator.fileSystemObject",
            "serviceOutputTypeIdentifier": "com.apple.Automator.nothing",
            "serviceProcessesInput": 0,
            "workflowTypeIdentifier": "com.apple.Automator.servicesMenu",
        },
        MARK: True,
    }
    return tuple(
        Piece(contents / file, plistlib.dumps(what), folders=(contents, bundle))
        for file, what in (("document.wflow", workflow), ("Info.plist", about))
    )
