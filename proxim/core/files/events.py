"""Everything that can happen to transfers: the disk's answers, and what a person wants done with
files.

An event is immutable and describes what happened, not what to do.
"""

from dataclasses import dataclass, field
from typing import Protocol

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core.errors import Reason
from proxim.core.files import messages as file_msg
from proxim.core.files.manifest import (
    Direction,
    Entry,
    FailedFile,
    Partial,
    Position,
    Span,
    TransferID,
)

# --- files on this machine's disk -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SourcesListed:
    """The files and folders under the paths to be sent.

    `refused` holds the paths that cannot be sent, each with its reason.
    """

    transfer: TransferID = field(repr=False)
    entries: tuple[Entry, ...]
    refused: tuple[tuple[str, Reason], ...] = ()


@dataclass(frozen=True, slots=True)
class SourcesFailed:
    """Nothing of the transfer can be sent."""

    transfer: TransferID = field(repr=False)
    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class SinkReady:
    """The disk is ready for a transfer.

    An earlier attempt left the `skip` files complete and the `partial` ones in part.
    """

    transfer: TransferID = field(repr=False)
    skip: tuple[Span, ...] = ()
    partial: tuple[Partial, ...] = ()


@dataclass(frozen=True, slots=True)
class SinkFailed:
    """The disk cannot store the transfer, or cannot store more of it."""

    transfer: TransferID = field(repr=False)
    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class SinkWrote:
    """So many bytes of files are written that arrived in this generation.

    Writes are merged: about ten events a second.
    """

    transfer: TransferID = field(repr=False)
    generation: int
    written: int


@dataclass(frozen=True, slots=True)
class SinkPaused:
    """All that arrived is written; the next generation must begin at `position`."""

    transfer: TransferID = field(repr=False)
    position: Position


@dataclass(frozen=True, slots=True)
class SinkFinished:
    """Every file has ended; those that did not fail are verified and have their names."""

    transfer: TransferID = field(repr=False)
    failed: tuple[FailedFile, ...]
    # The only file or folder, or the folder that contains them if there are several.
    path: str
    # The digest of the only file, in hexadecimal.
    sha256: str | None


@dataclass(frozen=True, slots=True)
class SendingFailed:
    """A stream broke off, while its files are still there.

    The fault was ours, or the receiver closed its channel.
    """

    transfer: TransferID = field(repr=False)
    generation: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class StoredTransfer:
    """A transfer that an earlier run of the program did not finish."""

    transfer: TransferID = field(repr=False)
    direction: Direction
    entries: tuple[Entry, ...]
    peer_name: str | None


@dataclass(frozen=True, slots=True)
class TransfersFound:
    """The transfers that the disk keeps from earlier runs; sent at start if there are any."""

    transfers: tuple[StoredTransfer, ...]


DiskEvent = (
    SourcesListed
    | SourcesFailed
    | SinkReady
    | SinkFailed
    | SinkWrote
    | SinkPaused
    | SinkFinished
    | SendingFailed
    | TransfersFound
)

# --- what a person (or a script) wants ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SendPaths:
    """Send files and folders over a link."""

    link: ev.LinkID
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AcceptTransfer:
    """Accept an announced transfer."""

    transfer: TransferID = field(repr=False)
    # Places in the manifest of the entries that are not wanted.
    declined: tuple[int, ...] = ()
    # None means the folder that files are usually saved to.
    directory: str | None = None
    # Whether to accept everything else that this link announces.
    always: bool = False


@dataclass(frozen=True, slots=True)
class CancelTransfer:
    """Decline an announced transfer, or end one that is under way, in either direction."""

    transfer: TransferID = field(repr=False)


@dataclass(frozen=True, slots=True)
class RetryTransfer:
    """Send once more what failed of a transfer."""

    transfer: TransferID = field(repr=False)


FileIntent = SendPaths | AcceptTransfer | CancelTransfer | RetryTransfer
AnyIntent = ev.Intent | FileIntent


class PeerLink(Protocol):
    """A link with a peer that supports files, as transfers see it."""

    @property
    def id(self) -> ev.LinkID:
        """The link's identity."""

    @property
    def peer_name(self) -> str | None:
        """The peer's name, cleaned for display."""

    @property
    def binding(self) -> bytes:
        """Bytes that both ends of this link know and no other link has; empty without a proof."""

    @property
    def lane_open(self) -> bool:
        """Whether bytes can be sent over the lane."""

    @property
    def lane_is_optional(self) -> bool:
        """Whether the link would go on without its lane."""

    @property
    def lane_pending(self) -> bool:
        """Whether the lane may open in a moment."""

    def send(self, message: file_msg.FileMessage) -> do.Command:
        """Return the command that sends this message on the link's control channel."""

    def want_lane(self) -> list[do.Command]:
        """Open the lane, if it is not open yet and the peer supports lanes."""


@dataclass(frozen=True, slots=True)
class AcceptPolicy:
    """How announced files are treated.

    `directory` None means the folder that files are usually saved to.
    """

    without_asking: bool = False
    directory: str | None = None


@dataclass(frozen=True, slots=True)
class LinkUp:
    """The peer is linked again; the transfer continues over this link."""

    peer_link: PeerLink


@dataclass(frozen=True, slots=True)
class LinkDown:
    """The link that carries the transfer is closed."""


@dataclass(frozen=True, slots=True)
class LaneChanged:
    """The link's lane opened, broke, or was given up."""


@dataclass(frozen=True, slots=True)
class StreamOpened:
    """The sender opened a data channel for this generation."""

    channel: int
    generation: int


@dataclass(frozen=True, slots=True)
class Turn:
    """There is room for one more transfer, so this one may begin to move."""


OutgoingInput = (
    SourcesListed
    | SourcesFailed
    | file_msg.Accept
    | file_msg.Continue
    | file_msg.Progress
    | file_msg.Finished
    | file_msg.Cancel
    | SendingFailed
    | LinkUp
    | LinkDown
    | LaneChanged
    | Turn
    | CancelTransfer
    | ev.TimerFired
)

IncomingInput = (
    file_msg.Announce
    | file_msg.Cancel
    | file_msg.Continue
    | AcceptTransfer
    | CancelTransfer
    | SinkReady
    | SinkFailed
    | SinkWrote
    | SinkPaused
    | SinkFinished
    | StreamOpened
    | LinkDown
    | LaneChanged
)
