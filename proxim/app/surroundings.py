"""Joins the window with its desktop: what a person hears of, and what other programs hand over."""

import time
from collections.abc import Callable

from proxim.app.bridge import Bridge
from proxim.app.hearing import Hearing
from proxim.core import status as st
from proxim.core.handover import Handover, HandoverAnswer, HandoverRequest
from proxim.io.desktop.notifications import open_notifier
from proxim.ui.window.window import Window


class Surroundings:
    """Follows every status beside the window. It is made after the first paint."""

    def __init__(
        self,
        window: Window,
        bridge: Bridge,
        *,
        quiet: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._window = window
        self._handover = Handover(bridge.post)
        self._hearing = None if quiet else Hearing(open_notifier(bridge.want_window), clock)
        if self._hearing is not None:
            window.attention.when_looked(self._hearing.seen)

    def follow(self, status: st.Status, *, in_front: bool) -> None:
        """Take in a status; `in_front` says whether the person looks at Proxim."""
        if self._hearing is not None:
            self._hearing.follow(status, in_front=in_front)
        if self._handover.note(status):
            self._show()

    def hand(self, request: HandoverRequest) -> HandoverAnswer:
        """Carry out what another program of the same person wants."""
        answer = self._handover.hand(request)
        if request.asks_linked:
            # Nobody at the window needs to see that.
            return answer
        self._show()
        self._window.come_to_front()
        return answer

    def close(self) -> None:
        """Take notices back, as the program ends."""
        if self._hearing is not None:
            self._hearing.close()

    def _show(self) -> None:
        self._window.show_handover(self._handover, self._show)
