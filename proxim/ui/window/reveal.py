"""Opens what the system has other programs for, without waiting for them to end: the folder of a
received file, and a web address.
"""

import logging
import os
import subprocess
import sys
from typing import Final

_log = logging.getLogger(__name__)

# Processes are kept here until they have ended, so that none stays behind as a zombie.
_started: Final[list[subprocess.Popen[bytes]]] = []


def reveal(path: str) -> bool:
    """Open the folder that `path` is in; return False if no file manager could be started."""
    return _start(command(path))


def open_web_link(url: str) -> bool:
    """Open an address that find_web_links found; return False if no browser could be started."""
    if sys.platform == "win32":
        try:
            os.startfile(url)
        except OSError as error:
            _log.warning("no browser: %s", type(error).__name__)
            return False
        return True
    # It begins with its scheme, so it cannot be mistaken for an option.
    return _start(["open" if sys.platform == "darwin" else "xdg-open", url])


def _start(command: list[str] | str) -> bool:
    _started[:] = [process for process in _started if process.poll() is None]
    try:
        # A program may take seconds to start, and subprocess.run would block the window's
        # thread.
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except OSError as error:
        _log.warning("no program to open it: %s", type(error).__name__)
        return False
    _started.append(process)
    return True


def command(path: str) -> list[str] | str:
    """Return the command to run.

    Windows and macOS select the file; elsewhere only its folder can be opened.
    """
    if sys.platform == "win32":
        # This is one string, because Explorer parses its command line in its own way. No Windows
        # path contains a quotation mark.
        explorer = os.path.join(os.environ.get("SYSTEMROOT", r"C:\Windows"), "explorer.exe")
        return f'"{explorer}" /select,"{path}"'
    if sys.platform == "darwin":
        # Without -R a folder called "Harmless.app" would be run.
        return ["open", "-R", path]
    folder = path if os.path.isdir(path) else os.path.dirname(path)
    # In an absolute path no name can be mistaken for an option.
    return [
        "xdg-open",
        os.path.abspath(folder),
    ]
