"""The status of a transfer, as it is published."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.files.manifest import (
    Direction,
    Entry,
    FailedFile,
    LeftOutFile,
    RenamedFile,
    TransferID,
)


class TransferState(StrEnum):
    """The states of a transfer, as people see them."""

    # The receiving device knows of it and has not accepted it yet.
    ANNOUNCED = "announced"
    ACTIVE = "active"
    # The link was lost; the transfer continues when the same devices are linked again.
    WAITING = "waiting"
    # Some files may have failed; `failed` lists them.
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


# Why files are not taken, so that nothing has failed.
REFUSALS: Final = (Reason.DECLINED, Reason.UNATTENDED, Reason.ONE_FILE_ONLY)


@dataclass(frozen=True, slots=True)
class TransferStatus(st.FeatureStatus):
    """One transfer, from its announcement to its end; published about ten times a second while
    bytes move.
    """

    transfer: TransferID = field(repr=False)
    direction: Direction
    state: TransferState
    entries: tuple[Entry, ...] = field(repr=False)
    # The bytes of all files that are wanted.
    size: int
    # None while the transfer waits for the other device.
    link: ev.LinkID | None = None
    peer_name: str | None = None
    # The bytes that the receiver has written.
    moved: int = 0
    # Bytes per second over the last seconds; None while it is unknown.
    speed: float | None = None
    via: st.Via | None = None
    failed: tuple[FailedFile, ...] = ()
    # What the receiver gave other names than announced; known at the end.
    renamed: tuple[RenamedFile, ...] = field(default=(), repr=False)
    # What the sender left out of what was chosen.
    left_out: tuple[LeftOutFile, ...] = field(default=(), repr=False)
    # For an incoming transfer that is done: the file or folder, or the folder that contains
    # several.
    path: str | None = None
    # The digest of a single file, once it is done.
    sha256: str | None = None
    reason: Reason | None = None
    # Whether the person at this device has to accept or decline it; only while it is ANNOUNCED. A
    # transfer that is accepted without asking is ANNOUNCED for a moment, too.
    needs_answer: bool = False

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in (TransferState.DONE, TransferState.FAILED, TransferState.CANCELLED)

    @property
    def running(self) -> bool:
        """Whether the end of the program would break off what a person here wants.

        That is also so while the other device is still asked.
        """
        moving = self.state in (TransferState.ANNOUNCED, TransferState.ACTIVE)
        return moving and not self.needs_answer
