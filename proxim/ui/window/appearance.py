"""Whether the desktop is dark.

On Linux a program has to be asked, so it can be asked early and its answer read late.
"""

import logging
import subprocess
import sys
from typing import Final

from proxim.ui.window.root import installed

_log = logging.getLogger(__name__)

# Gsettings answers in 5 to 15 ms; a desktop that hangs must not keep the window away
ANSWER_SECONDS: Final = 0.5
# Darkdetect asks for the GTK theme alone, and desktops since GNOME 42 say it by `color-scheme`, so
# both are asked here.
_QUESTION: Final = ("gsettings", "list-recursively", "org.gnome.desktop.interface")


class Appearance:
    """Asks the desktop.

    `ask` begins, `is_dark` waits for the answer; without `ask` it does both.
    """

    def __init__(self) -> None:
        self._asked: subprocess.Popen[str] | None = None

    def ask(self) -> None:
        """Begin to ask."""
        if not sys.platform.startswith("linux") or not installed(_QUESTION[0]):
            return
        try:
            self._asked = subprocess.Popen(
                _QUESTION,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        except OSError as error:
            _log.info("light or dark cannot be asked for: %s", error)

    def is_dark(self) -> bool:
        """The answer; False where there is none."""
        if sys.platform.startswith("linux"):
            if self._asked is None:
                self.ask()
            return self._read_answer()
        try:
            import darkdetect

            return bool(darkdetect.theme() == "Dark")
        except Exception as error:  # noqa: BLE001 - its two platform parts raise whatever their system does
            _log.info("light or dark cannot be found out: %s", type(error).__name__)
            return False

    def _read_answer(self) -> bool:
        asked, self._asked = self._asked, None
        if asked is None:
            return False
        try:
            answer, _ = asked.communicate(timeout=ANSWER_SECONDS)
        except subprocess.TimeoutExpired:
            asked.kill()
            asked.communicate()
            _log.info("the desktop does not say whether it is dark")
            return False
        return says_dark(answer)


def says_dark(settings: str) -> bool:
    """Read `gsettings list-recursively`: lines of schema, key and value."""
    values = {}
    for line in settings.splitlines():
        _schema, key, value = [*line.split(maxsplit=2), "", "", ""][:3]
        values[key] = value.strip("'\"").lower()
    scheme = values.get("color-scheme", "default")
    if scheme != "default":
        return scheme == "prefer-dark"
    return values.get("gtk-theme", "").endswith("-dark")
