"""The folders of this user on each system: for settings, unfinished transfers, logs and downloads.

A service or a container may run as a user without a home. Then there are no such folders, and
nothing may be written into a folder named "~" instead.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path


def config_folder() -> Path | None:
    """Return the folder for settings; None without a home."""
    if sys.platform == "linux" and os.environ.get("HOME"):
        return _xdg_folder("XDG_CONFIG_HOME", ".config")
    # These functions import late, because it takes 10 ms.
    from platformdirs import user_config_path

    return _absolute(lambda: user_config_path("proxim", appauthor=False))


def transfers_folder() -> Path | None:
    """Return the folder for what is kept of unfinished transfers."""
    if sys.platform == "linux" and os.environ.get("HOME"):
        folder = _xdg_folder("XDG_DATA_HOME", ".local/share")
        return None if folder is None else folder / "transfers"
    from platformdirs import user_data_path

    return _absolute(lambda: user_data_path("proxim", appauthor=False) / "transfers")


def log_folder() -> Path | None:
    """Return the folder for logs."""
    from platformdirs import user_log_path

    return _absolute(lambda: user_log_path("proxim", appauthor=False))


def downloads_folder() -> Path | None:
    """Return the folder for received files, unless the person chooses another."""
    from platformdirs import user_downloads_path

    return _absolute(user_downloads_path)


def _xdg_folder(variable: str, in_home: str) -> Path | None:
    """Return our folder in one of the XDG Base Directory Specification, as platformdirs does for
    who has a HOME.

    Every start needs two of these, before its code can be shown, and they are a variable with a
    default; without a HOME and on the other systems there is more to it.
    """
    named = os.environ.get(variable, "")
    folder = named if os.path.isabs(named) else os.path.join(os.environ["HOME"], in_home)
    return Path(folder) / "proxim" if os.path.isabs(folder) else None


def _absolute(find: Callable[[], Path]) -> Path | None:
    try:
        path = find()
    except (KeyError, RuntimeError, OSError):
        # Python and platformdirs say in different ways that there is no home.
        return None
    return path if path.is_absolute() else None
