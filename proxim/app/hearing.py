"""Lets people hear of what happens: passes what core decides (core/notices.py) to the desktop."""

from collections.abc import Callable, Iterable

from proxim.core import status as st
from proxim.core.notices import Notice, NoticeChange, Notices, NoticeSlot
from proxim.io.desktop.notifications import Notification, Notifier
from proxim.ui.notice_words import notice_words


class Hearing:
    """The notices of one program."""

    def __init__(self, notifier: Notifier, clock: Callable[[], float]) -> None:
        self._notifier = notifier
        self._clock = clock
        self._notices = Notices(clock())

    def follow(self, status: st.Status, *, in_front: bool = False) -> None:
        """Take in a status; with `in_front` the person sees it in Proxim itself."""
        self._tell(self._notices.note(status, self._clock(), in_front=in_front))

    def seen(self) -> None:
        """Take back what is shown, as the person looks at Proxim."""
        self._tell(self._notices.seen())

    def close(self) -> None:
        """Take everything back, as the program ends."""
        self._notifier.close()

    def _tell(self, changes: Iterable[NoticeChange]) -> None:
        now = self._clock()
        for change in changes:
            if not isinstance(change, Notice):
                self._notifier.withdraw(change.slot)
                continue
            words = notice_words(change, now)
            self._notifier.show(
                Notification(
                    change.slot,
                    words.title,
                    words.body,
                    None if change.deadline is None else max(0.0, change.deadline - now),
                    urgent=change.slot is NoticeSlot.QUESTION,
                    silent=change.corrects,
                )
            )
