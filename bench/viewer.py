"""Starts Proxim's own window with a hand of its own: `python -m bench.viewer`. It joins by the code
on standard input, asks to control the host's screen, and shows that in full screen.
"""

import sys
from typing import Any, Final

from proxim.app import desktop
from proxim.app.main import main
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.pairing.host_code import parse_target
from proxim.core.screen import events as screen_ev
from proxim.core.screen.sight import PicturesReady
from proxim.ui.window.window import Window

# Until then the window manager has shown the viewer.
_SHOWN_MS: Final = 500


class HandledWindow(Window):
    """The window, and what a person would do in it."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._asked = self._full = False
        self.root.after(_SHOWN_MS, self._join)

    def _join(self) -> None:
        self._post(ev.Join(parse_target(sys.stdin.readline().strip())))

    def show(self, status: st.Status) -> None:
        """Show a status, and do what follows from it."""
        super().show(status)
        match status:
            case st.LinkStatus(link) if st.SCREEN in status.features and not self._asked:
                self._asked = True
                self._have_screens()
                self._post(screen_ev.AskScreen(link, control=True))
            case PicturesReady(link) if not self._full:
                self._full = True
                viewer = self._have_screens().viewers[link].window
                self.root.after(_SHOWN_MS, lambda: viewer.event_generate("<F11>"))


if __name__ == "__main__":
    # The program makes its window by this name.
    vars(desktop)["Window"] = HandledWindow
    sys.exit(main([]))
