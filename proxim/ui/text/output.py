"""The standard output of a line face."""

from typing import TextIO

from proxim.ui.text.model import ExitStatus, FaceModel


class Output:
    """Writes to `out`, each time at once.

    If the reader is gone the program ends, as nobody would see a request.
    """

    def __init__(self, out: TextIO, model: FaceModel) -> None:
        self._out = out
        self._model = model

    def write(self, text: str) -> None:
        """Write and flush."""
        try:
            self._out.write(text)
            self._out.flush()
        except (OSError, ValueError):
            # A closed file raises ValueError.
            self._model.close(ExitStatus.FAILED)
