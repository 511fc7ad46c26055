"""The real window with a timer on its thread, and a bridge that approves every guest and accepts
every transfer.

Usage: python -m bench.window_ticks FOLDER. It prints its URL, and after one transfer the longest
gaps between two ticks.
"""

import gc
import json
import sys
import time
import tkinter
from collections.abc import Iterator
from typing import Final

from proxim.app.bridge import Bridge, QueueItem
from proxim.app.desktop import open_desktop
from proxim.app.host_options import WindowOptions
from proxim.app.language import speak
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.files import events as file_ev
from proxim.core.files import status as file_st
from proxim.core.files.manifest import Direction
from proxim.core.i18n import ENGLISH

TICK_MS: Final = 10
RESTING_SECONDS: Final = 5.0
# Shortly before and after a transfer, its dialog and its summary are measured with it.
AROUND_SECONDS: Final = 1.0


def _tell(**fields: object) -> None:
    print(json.dumps(fields), flush=True)


class Watcher(Bridge):
    """A bridge that watches the events of the network side and answers as a person would."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self._folder = folder
        self._ticks: list[float] = []
        self._accepted_at: float | None = None
        self._done_at: float | None = None

    def drain(self, most: int) -> Iterator[QueueItem]:
        """Yield the items as usual, and react to some of them."""
        for item in super().drain(most):
            yield item
            match item:
                case st.Invitation():
                    _tell(event="session", url=item.url)
                case st.Prompt():
                    self.post(ev.Decide(item.session_id, approved=True, number=item.number))
                case file_st.TransferStatus(needs_answer=True):
                    self._accepted_at = time.perf_counter()
                    self.post(file_ev.AcceptTransfer(item.transfer, directory=self._folder))
                case file_st.TransferStatus(
                    direction=Direction.IN, state=file_st.TransferState.DONE
                ) if self._done_at is None:
                    self._done_at = time.perf_counter()

    def tick(self, root: tkinter.Tk) -> None:
        """Record the time of this tick."""
        now = time.perf_counter()
        self._ticks.append(now)
        if self._done_at is not None and now > self._done_at + AROUND_SECONDS:
            self._report()
            root.destroy()
        else:
            root.after(TICK_MS, self.tick, root)

    def _report(self) -> None:
        assert self._accepted_at is not None
        begin = self._accepted_at - AROUND_SECONDS
        pairs = list(zip(self._ticks, self._ticks[1:], strict=False))
        moving = sorted(1000 * (after - before) for before, after in pairs if before >= begin)
        resting = [
            1000 * (after - before)
            for before, after in pairs
            if begin - RESTING_SECONDS <= before < begin
        ]
        late = moving[int(len(moving) * 0.99)]
        _tell(event="ticks", moving=moving[-1], resting=max(resting), late=late)


def main(folder: str) -> None:
    """Run the window until one transfer is over."""
    # The program begins in the same way (app/main.py).
    gc.disable()
    speak(ENGLISH)
    watcher = Watcher(folder)
    desktop = open_desktop(WindowOptions(), watcher)
    if desktop is None:
        sys.exit("no display")
    root = desktop._root
    root.after(TICK_MS, watcher.tick, root)
    desktop.run()


if __name__ == "__main__":
    main(sys.argv[1])
