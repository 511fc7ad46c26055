"""The outcome of a transfer whose files have all ended, and the speed of one that moves; sender and
receiver use the same rules.
"""

from collections import deque
from typing import Final

from proxim.core.errors import Reason
from proxim.core.files import status as file_st
from proxim.core.files.manifest import Entry, FailedFile

# This is long enough to be calm, and short enough to follow a Wi-Fi that changes.
WINDOW_SECONDS: Final = 5.0
# Before this, a figure would be a guess.
SETTLED_SECONDS: Final = 0.5
# Values closer together than this count as one, because a peer may send its progress as often as it
# likes.
STEP_SECONDS: Final = 0.05


def outcome(
    wanted: int, failed: tuple[FailedFile, ...]
) -> tuple[file_st.TransferState, Reason | None]:
    """Return the final state and its reason, where `wanted` files were to arrive."""
    if not failed:
        return file_st.TransferState.DONE, None
    if len(failed) < wanted:
        return file_st.TransferState.DONE, Reason.SOME_FILES_FAILED
    reason = failed[0].reason if wanted == 1 else Reason.SOME_FILES_FAILED
    return file_st.TransferState.FAILED, reason


def lost_bytes(entries: tuple[Entry, ...], failed: tuple[FailedFile, ...]) -> int:
    """The bytes of the files that failed."""
    return sum(entries[one.index].size for one in failed)


class RateMeter:
    """Measures bytes per second over the last WINDOW_SECONDS."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def restart(self) -> None:
        """Forget the values so far after a stop; they do not predict the next ones."""
        self._seen.clear()

    def note(self, moved: int, now: float) -> None:
        """Record that `moved` bytes in all had moved at `now`, in seconds of a monotonic clock."""
        if len(self._seen) > 1 and now - self._seen[-2][0] < STEP_SECONDS:
            self._seen.pop()
        self._seen.append((now, moved))
        while len(self._seen) > 2 and now - self._seen[1][0] >= WINDOW_SECONDS:
            self._seen.popleft()

    @property
    def speed(self) -> float | None:
        """Bytes per second; None while there are too few values."""
        if not self._seen or self._seen[-1][0] - self._seen[0][0] < SETTLED_SECONDS:
            return None
        (since, before), (now, after) = self._seen[0], self._seen[-1]
        return (after - before) / (now - since)
