"""Whether the desktop is in dark mode.

On Linux a program has to be asked, so the question can be asked early and answered late.
"""

import logging
import subprocess
import sys
from typing import Final

from proxim.ui.window.root import installed

_log = logging.getLogger(__name__)

# Gsettings answers in 5 to 15 ms, and a desktop that hangs must not delay the window for longer.
ANSWER_SECONDS: Final = 0.5
# Darkdetect asks only for the GTK theme. Desktops since GNOME 42 use `color-scheme` instead, so
# both are read here.
_QUESTION: Final = ("gsettings", "list-recursively", "org.gnome.desktop.interface")


class Appearance:
    """Asks the desktop whether it is dark.

    `ask` starts the question and `is_dark` waits for the answer; `is_dark` alone does both.
    """

    def __init__(self) -> None:
        self._asked: subprocess.Popen[str] | None = None

    def ask(self) -> None:
        """Start to ask, if this is Linux."""
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
        """Return the answer; False if there is none."""
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
    """Interpret the output of `gsettings list-recursively`: lines with schema, key and value."""
    values = {}
    for line in settings.splitlines():
        _schema, key, value = [*line.split(maxsplit=2), "", "", ""][:3]
        values[key] = value.strip("'\"").lower()
    scheme = values.get("color-scheme", "default")
    if scheme != "default":
        return scheme == "prefer-dark"
    return values.get("gtk-theme", "").endswith("-dark")
