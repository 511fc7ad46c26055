"""The folders of this user on each system: for settings, unfinished transfers, logs and downloads.

A service or a container may run as a user without a home. Then there are no such folders, and
nothing may be written into a folder named "~" instead.
"""

from collections.abc import Callable
from pathlib import Path


def config_folder() -> Path | None:
    """Return the folder for settings; None without a home."""
    # These functions import late, because it takes 10 ms.
    from platformdirs import user_config_path

    return _absolute(lambda: user_config_path("proxim", appauthor=False))


def transfers_folder() -> Path | None:
    """Return the folder for what is kept of unfinished transfers."""
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


def _absolute(find: Callable[[], Path]) -> Path | None:
    try:
        path = find()
    except (KeyError, RuntimeError, OSError):
        # Python and platformdirs say in different ways that there is no home.
        return None
    return path if path.is_absolute() else None
