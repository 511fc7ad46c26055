"""Keeps a picture of the newest invitation's QR code in a file, for `proxim host --qr-file`."""

import os
from pathlib import Path

from proxim.core import status as st
from proxim.core.errors import Problem, Reason
from proxim.ui.qr import png_image, qr_matrix


class QRFile:
    """A file with a picture of the QR code; each new code replaces the picture."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._url: str | None = None

    def follow(self, status: st.Status) -> st.Trouble | None:
        """Write the picture of a new invitation. Return what went wrong, if anything did."""
        if not isinstance(status, st.Invitation) or status.url == self._url:
            return None
        self._url = status.url
        picture = png_image(qr_matrix(status.url))
        try:
            # Whoever reads the picture may ask to join, so it is for this user alone.
            descriptor = os.open(
                self._path,
                os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0),
                0o600,
            )
            with open(descriptor, "wb") as file:
                file.write(picture)
        except OSError as error:
            return st.Trouble(Problem(Reason.QR_FILE_UNWRITABLE, error.strerror or ""))
        return None
