"""What people are told of a transfer."""

from dataclasses import dataclass, field
from enum import StrEnum

from proxim.core.errors import Reason
from proxim.core.events import LinkID
from proxim.core.files.manifest import Direction, Entry, FailedFile, TransferID
from proxim.core.status import Via


class TransferState(StrEnum):
    """Where a transfer is, as people are shown it."""

    ANNOUNCED = "announced"  # incoming: the person is asked; outgoing: the other person is
    ACTIVE = "active"
    WAITING = "waiting"  # the link was lost; it goes on when the same devices are linked again
    DONE = "done"  # some files may have failed: `failed`
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class TransferStatus:
    """One transfer, from its announcement to its end; some ten a second while bytes move."""

    transfer: TransferID = field(repr=False)
    direction: Direction
    state: TransferState
    entries: tuple[Entry, ...] = field(repr=False)
    size: int  # bytes, of all that is wanted
    link: LinkID | None = None  # None: waiting for the other device
    peer_name: str | None = None
    moved: int = 0  # bytes written at the receiver
    speed: float | None = None  # bytes/s, over the last seconds; None: not known yet
    via: Via | None = None
    failed: tuple[FailedFile, ...] = ()
    # Incoming, done: the file or folder; where there are several, the folder they are in
    path: str | None = None
    sha256: str | None = None  # done, of a single file
    reason: Reason | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in (TransferState.DONE, TransferState.FAILED, TransferState.CANCELLED)
