"""Keeps a picture of the current invitation's QR code in a file, for `proxim host --qr-file`."""

import contextlib
import os
from pathlib import Path

from proxim.core import status as st
from proxim.core.errors import Problem, Reason
from proxim.ui.qr import png_image, qr_matrix


class QRFile:
    """A file with a picture of the QR code, which each new code replaces.

    The picture goes when nobody can join by its code any more.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # What the picture shows.
        self._url: str | None = None

    def follow(self, status: st.Status) -> st.Trouble | None:
        """Write the picture of a new invitation, or remove it. Return what went wrong, if anything
        did.
        """
        match status:
            case st.Invitation(url=url) if url != self._url:
                self._url = url
                return self._write(png_image(qr_matrix(url)))
            case st.NoInvitation() | st.Stopped() if self._url is not None:
                self._url = None
                with contextlib.suppress(OSError):
                    self._path.unlink()
        return None

    def _write(self, picture: bytes) -> st.Trouble | None:
        """Put a new file into place, so that nobody reads half a picture, and that a file or link
        which somebody else has put there is replaced. Whoever reads the picture may ask to join,
        so the file is for this user alone.
        """
        temporary = self._path.with_name(f".proxim-{os.urandom(8).hex()}.tmp")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        try:
            with open(os.open(temporary, flags, 0o600), "wb") as file:
                file.write(picture)
            os.replace(temporary, self._path)
        except OSError as error:
            with contextlib.suppress(OSError):
                temporary.unlink()
            return st.Trouble(Problem(Reason.QR_FILE_UNWRITABLE, error.strerror or ""))
        return None
