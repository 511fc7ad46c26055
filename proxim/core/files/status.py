"""What people are told of a transfer."""

from dataclasses import dataclass, field
from enum import StrEnum

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.files.manifest import Direction, Entry, FailedFile, TransferID


class TransferState(StrEnum):
    """Where a transfer is, as people are shown it."""

    # Incoming: the person is asked; outgoing: the other person is
    ANNOUNCED = "announced"
    ACTIVE = "active"
    # The link was lost; it goes on when the same devices are linked again
    WAITING = "waiting"
    # Some files may have failed: `failed`
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class TransferStatus:
    """One transfer, from its announcement to its end; some ten a second while bytes move."""

    transfer: TransferID = field(repr=False)
    direction: Direction
    state: TransferState
    entries: tuple[Entry, ...] = field(repr=False)
    # Bytes, of all that is wanted
    size: int
    # None: waiting for the other device
    link: ev.LinkID | None = None
    peer_name: str | None = None
    # Bytes written at the receiver
    moved: int = 0
    # bytes/s, over the last seconds; None: not known yet
    speed: float | None = None
    via: st.Via | None = None
    failed: tuple[FailedFile, ...] = ()
    # Incoming, done: the file or folder; where there are several, the folder they are in
    path: str | None = None
    # Done, of a single file
    sha256: str | None = None
    reason: Reason | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in (TransferState.DONE, TransferState.FAILED, TransferState.CANCELLED)
