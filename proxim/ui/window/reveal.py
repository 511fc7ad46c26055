"""Shows a received file in the system's file manager, by a program of the system that is started
and not waited for.
"""

import logging
import os
import subprocess
import sys
from typing import Final

_log = logging.getLogger(__name__)

# Kept until they ended, so that none stays behind as a zombie
_started: Final[list[subprocess.Popen[bytes]]] = []


def reveal(path: str) -> bool:
    """Open the folder that `path` is in; False where the system has nothing to do that with."""
    _started[:] = [process for process in _started if process.poll() is None]
    try:
        # Not subprocess.run: a file manager may take seconds, and the window's thread has none.
        process = subprocess.Popen(
            command(path),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except OSError as error:
        _log.warning("no file manager: %s", type(error).__name__)
        return False
    _started.append(process)
    return True


def command(path: str) -> list[str] | str:
    """What is run.

    Windows and macOS select the file; elsewhere a folder is all that can be asked for.
    """
    if sys.platform == "win32":
        # As one string: Explorer reads its command line in its own way, and no Windows path holds a
        # quotation mark.
        explorer = os.path.join(os.environ.get("SYSTEMROOT", r"C:\Windows"), "explorer.exe")
        return f'"{explorer}" /select,"{path}"'
    if sys.platform == "darwin":
        # Without -R a folder called "Harmless.app" would be run
        return ["open", "-R", path]
    folder = path if os.path.isdir(path) else os.path.dirname(path)
    # Absolute: no folder's name is taken for an option
    return [
        "xdg-open",
        os.path.abspath(folder),
    ]
