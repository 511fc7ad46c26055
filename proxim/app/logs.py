"""Sets up the log. Nothing secret is ever logged, so nothing is filtered here."""

import errno
import logging
import os
import sys
from pathlib import Path
from typing import Final

from proxim.app.host_options import LogOptions
from proxim.core.i18n import tr

# This is enough for weeks of use. One older file is kept beside it.
MAX_LOG_BYTES: Final = 1024 * 1024
_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
# At DEBUG these print whole frames and descriptions with session ids and ICE passwords, which must
# never happen.
_TALKATIVE: Final = ("websockets", "aiortc", "aioice", "asyncio", "PIL")


def set_up_logging(options: LogOptions, *, window: bool) -> None:
    """Log to options.file, else to standard error.

    A window without a file logs to one in the user's log folder.
    """
    handler = _handler(options.file, window)
    handler.setFormatter(logging.Formatter(_FORMAT))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("proxim").setLevel(logging.DEBUG if options.verbose else logging.WARNING)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def _handler(file: Path | None, window: bool) -> logging.Handler:
    if file is None and not window:
        return logging.StreamHandler(sys.stderr)
    return _LazyFile(file)


class _LazyFile(logging.Handler):
    """Opens its file with the first record.

    Most windows never write one, and none should wait for a disk.
    """

    def __init__(self, file: Path | None) -> None:
        super().__init__()
        self._file = file
        self._target: logging.Handler | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        if self._target is None:
            self._target = self._open()
            self._target.setFormatter(self.formatter)
        self._target.emit(record)

    def close(self) -> None:
        """Close the file."""
        if self._target is not None:
            self._target.close()
        super().close()

    def _open(self) -> logging.Handler:
        # Imported late, because with sockets and pickle it takes milliseconds.
        from logging.handlers import RotatingFileHandler

        try:
            file = self._file or _default_file()
            if file is None:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            file.parent.mkdir(parents=True, exist_ok=True)
            return RotatingFileHandler(
                file, maxBytes=MAX_LOG_BYTES, backupCount=1, encoding="utf-8"
            )
        except OSError as error:
            # pythonw.exe and a windowed executable have no standard error, so nothing can be
            # reported anywhere.
            if sys.stderr is None:
                return logging.NullHandler()
            sys.stderr.write(tr("usage.noLogFile", why=error.strerror) + "\n")
            return logging.StreamHandler(sys.stderr)


def _default_file() -> Path | None:
    from proxim.io.system.user_folders import log_folder

    folder = log_folder()
    return None if folder is None else folder / "proxim.log"
