"""How a transfer ended whose files have all come to their end; sender and receiver say the same."""

from collections import deque
from typing import Final

from proxim.core.errors import Reason
from proxim.core.files import status as file_st
from proxim.core.files.manifest import Entry, FailedFile


def outcome(
    wanted: int, failed: tuple[FailedFile, ...]
) -> tuple[file_st.TransferState, Reason | None]:
    """What to tell people, where `wanted` files were to arrive."""
    if not failed:
        return file_st.TransferState.DONE, None
    if len(failed) < wanted:
        return file_st.TransferState.DONE, Reason.SOME_FILES_FAILED
    return file_st.TransferState.FAILED, failed[
        0
    ].reason if wanted == 1 else Reason.SOME_FILES_FAILED


def lost_bytes(entries: tuple[Entry, ...], failed: tuple[FailedFile, ...]) -> int:
    """Bytes of the files that failed."""
    return sum(entries[one.index].size for one in failed)


def count_files(entries: tuple[Entry, ...]) -> int:
    """Files, without folders."""
    return sum(1 for one in entries if not one.directory)


# Long enough to be calm, short enough to follow a Wi-Fi that changes
WINDOW_SECONDS: Final = 5.0
# Before that, a figure would be a guess
SETTLED_SECONDS: Final = 0.5
# What comes closer together counts as one: a peer may tell its progress as often as it likes
STEP_SECONDS: Final = 0.05


class RateMeter:
    """Bytes a second over the last WINDOW_SECONDS."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def restart(self) -> None:
        """Movement stopped; what was before says nothing about what comes."""
        self._seen.clear()

    def note(self, moved: int, now: float) -> None:
        """`moved` bytes in all at `now`, in seconds of a monotonic clock."""
        if len(self._seen) > 1 and now - self._seen[-2][0] < STEP_SECONDS:
            self._seen.pop()
        self._seen.append((now, moved))
        while len(self._seen) > 2 and now - self._seen[1][0] >= WINDOW_SECONDS:
            self._seen.popleft()

    @property
    def speed(self) -> float | None:
        """Bytes a second; None while there is too little to tell."""
        if not self._seen or self._seen[-1][0] - self._seen[0][0] < SETTLED_SECONDS:
            return None
        (since, before), (now, after) = self._seen[0], self._seen[-1]
        return (after - before) / (now - since)
