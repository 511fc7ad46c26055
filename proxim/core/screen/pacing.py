"""How much of a screen may be under way, and how well it is pictured, so that what is seen is never
long ago.

Nothing is queued: while too much is under way, changes gather, and the next update shows the newest
state of all of them.
"""

from dataclasses import dataclass
from typing import Final

# Updates under way: one that is drawn, one that travels, and what a loss holds up.
MOST_UPDATES: Final = 4
# What is under way is at most what was acknowledged in this time, so that an update never waits
# longer behind others.
WINDOW_SECONDS: Final = 0.06
# But always as much as a small update needs, also on a link that has been idle.
LEAST_WINDOW_BYTES: Final = 64 * 1024
# The rate is measured over at least so long, since acknowledgements come in bursts.
MEASURED_SECONDS: Final = 0.2
# Qualities of JPEG, best last. 80 cannot be told from the original in motion, and at 20 text can
# just be read.
QUALITIES: Final = (20, 30, 45, 60, 80)
# An update takes no longer than this to send: three of them a frame of film.
SEND_SECONDS: Final = 0.05
# Text that would take longer than this to send is blurred first, and sharpened when it rests.
# Otherwise what scrolls has moved on so far meanwhile that nothing of it can be copied.
TEXT_SECONDS: Final = 0.15
# A few lines are never blurred: that would save little, and they would be sent twice.
LEAST_TEXT_BYTES: Final = 24 * 1024


@dataclass(frozen=True, slots=True)
class _Sent:
    number: int
    size: int


class Pacing:
    """Counts the updates of one viewer. Moments are seconds of any one clock."""

    def __init__(self, newest: int = 0) -> None:
        """Count those after the number `newest`: none of it and before is waited for."""
        self.newest = newest
        self._under_way: list[_Sent] = []
        # Bytes a second; None until something was under way for long enough.
        self._rate: float | None = None
        # What was acknowledged in how much time. The time in which nothing was under way says
        # nothing about the network.
        self._measured = 0
        self._measured_seconds = 0.0
        self._busy_since = 0.0
        # Whether more would have been sent in that time, had it been allowed.
        self._held_up = False

    @property
    def bytes_under_way(self) -> int:
        """How many bytes were sent and not acknowledged."""
        return sum(one.size for one in self._under_way)

    @property
    def rate(self) -> float | None:
        """Bytes that were acknowledged in a second; None while that is unknown."""
        return self._rate

    @property
    def window(self) -> int:
        """How many bytes may be under way."""
        return max(LEAST_WINDOW_BYTES, int(WINDOW_SECONDS * (self._rate or 0)))

    @property
    def _is_held_up(self) -> bool:
        """Whether the network may be what more has to wait for. A few small updates say nothing
        about it: whoever sees may be slow to draw them.
        """
        return not self.may_send and self.bytes_under_way >= LEAST_WINDOW_BYTES

    @property
    def may_send(self) -> bool:
        """Whether the next update may be sent now."""
        return len(self._under_way) < MOST_UPDATES and self.bytes_under_way < self.window

    def quality(self, size_at_best: int) -> int:
        """Return the quality of JPEG for an update that would have this size at the best."""
        if self._rate is None:
            return QUALITIES[-1]
        # A quality below 80 makes a picture roughly smaller in proportion (libjpeg's tables).
        for quality in reversed(QUALITIES):
            if size_at_best * quality / QUALITIES[-1] <= self._rate * SEND_SECONDS:
                return quality
        return QUALITIES[0]

    def carries_text(self, size: int) -> bool:
        """Return whether text that has this size without loss is sent so."""
        return self._rate is None or size <= max(LEAST_TEXT_BYTES, self._rate * TEXT_SECONDS)

    def sent(self, size: int, now: float) -> int:
        """Count an update of this size, and return its number."""
        if not self._under_way:
            self._busy_since = now
        self.newest += 1
        self._under_way.append(_Sent(self.newest, size))
        self._held_up = self._held_up or self._is_held_up
        return self.newest

    def drawn(self, number: int, now: float) -> bool:
        """Count an acknowledgement; return False for one of an update that is not under way."""
        at = next((i for i, one in enumerate(self._under_way) if one.number == number), None)
        if at is None:
            return False
        # Updates are drawn in order, so this one says that those before it are drawn, too.
        self._measured += sum(one.size for one in self._under_way[: at + 1])
        del self._under_way[: at + 1]
        self._measured_seconds += now - self._busy_since
        self._busy_since = now
        if self._measured_seconds >= MEASURED_SECONDS:
            rate = self._measured / self._measured_seconds
            # A screen on which little happens does not show what the network can carry.
            if self._held_up or rate > (self._rate or rate):
                self._rate = rate
            self._measured, self._measured_seconds = 0, 0.0
            self._held_up = self._is_held_up
        return True
