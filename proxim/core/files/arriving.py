"""An announcement that comes in pieces: joined, kept within its limits, and passed over where it
was refused midway.
"""

from typing import Final

from proxim.core.errors import Reason
from proxim.core.events import LinkID
from proxim.core.files.manifest import MAX_ENTRIES, Entry
from proxim.core.files.messages import Announce

MAX_MANIFEST_BYTES: Final = 4 * 1024 * 1024  # of all paths; 20,000 of 200 bytes


class Arriving:
    """See the module."""

    def __init__(self) -> None:
        self._pieces: list[Entry] = []
        self._bytes = 0
        self._refused_on: LinkID | None = None

    def begin(self) -> None:
        """Another announcement begins."""
        self._pieces.clear()
        self._bytes = 0

    def take(self, piece: Announce) -> tuple[Entry, ...] | Reason | None:
        """The whole list, or why it is refused; None while there is more to come."""
        self._pieces += piece.entries
        self._bytes += sum(len(entry.path.encode()) for entry in piece.entries)
        if len(self._pieces) > MAX_ENTRIES or self._bytes > MAX_MANIFEST_BYTES:
            self.begin()
            return Reason.TOO_MANY_FILES
        if piece.more:
            return None
        entries = tuple(self._pieces)
        self.begin()
        return entries or Reason.NOTHING_TO_SEND

    def refuse_rest(self, link: LinkID) -> None:
        """More of it is on its way, and without its beginning it would be another list."""
        self.begin()
        self._refused_on = link

    @property
    def is_refusing(self) -> bool:
        """Whether more may come of one that was refused."""
        return self._refused_on is not None

    def passes_over(self, link: LinkID, piece: Announce) -> bool:
        """Whether this belongs to one that was refused."""
        if self._refused_on != link:
            return False
        if not piece.more:
            self._refused_on = None
        return True
