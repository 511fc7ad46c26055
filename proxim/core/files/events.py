"""Everything that can happen to transfers: the disk's answers, and what a person wants done with
files.

An event is immutable and describes what happened, not what to do.
"""

from dataclasses import dataclass, field

from proxim.core import events as ev
from proxim.core.errors import Reason
from proxim.core.files import messages as file_msg
from proxim.core.files.manifest import (
    Direction,
    Entry,
    FailedFile,
    LeftOutFile,
    Partial,
    Position,
    RenamedFile,
    Span,
    TransferID,
)
from proxim.core.link.features import PeerLink


class FileTimer(ev.TimerKind):
    """The timers of transfers."""

    # Limits how long a transfer stands still on a lane, or is kept back.
    STALL = "stall"


@dataclass(frozen=True, slots=True)
class TransferTimer(ev.Timer):
    """A timer of a transfer."""

    scope: TransferID = field(repr=False)


# --- files on this machine's disk -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SourcesListed(ev.FeatureEvent):
    """The files and folders under the paths to be sent.

    `left_out` holds what cannot be sent.
    """

    transfer: TransferID = field(repr=False)
    entries: tuple[Entry, ...]
    left_out: tuple[LeftOutFile, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class SourcesFailed(ev.FeatureEvent):
    """Nothing of the transfer can be sent."""

    transfer: TransferID = field(repr=False)
    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class SinkReady(ev.FeatureEvent):
    """The disk is ready for a transfer.

    An earlier attempt left the `skip` files complete and the `partial` ones in part.
    """

    transfer: TransferID = field(repr=False)
    skip: tuple[Span, ...] = ()
    partial: tuple[Partial, ...] = ()


@dataclass(frozen=True, slots=True)
class SinkFailed(ev.FeatureEvent):
    """The disk cannot store the transfer, or cannot store more of it."""

    transfer: TransferID = field(repr=False)
    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class SinkWrote(ev.FeatureEvent):
    """So many bytes of files are written that arrived in this generation.

    Writes are merged: about ten events a second.
    """

    transfer: TransferID = field(repr=False)
    generation: int
    written: int


@dataclass(frozen=True, slots=True)
class SinkPaused(ev.FeatureEvent):
    """All that arrived is written; the next generation must begin at `position`."""

    transfer: TransferID = field(repr=False)
    position: Position


@dataclass(frozen=True, slots=True)
class SinkFinished(ev.FeatureEvent):
    """Every file has ended; those that did not fail are verified and have their names."""

    transfer: TransferID = field(repr=False)
    failed: tuple[FailedFile, ...]
    # The only file or folder, or the folder that contains them if there are several.
    path: str
    # The digest of the only file, in hexadecimal.
    sha256: str | None
    renamed: tuple[RenamedFile, ...] = ()


@dataclass(frozen=True, slots=True)
class SendingFailed(ev.FeatureEvent):
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
class TransfersFound(ev.FeatureEvent):
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
class SendPaths(ev.LinkIntent):
    """Send files and folders over a link."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AcceptTransfer(ev.FeatureIntent):
    """Accept an announced transfer."""

    transfer: TransferID = field(repr=False)
    # Places in the manifest of the entries that are not wanted.
    declined: tuple[int, ...] = ()
    # None means the folder that files are usually saved to.
    directory: str | None = None
    # Whether to accept everything else that this link announces.
    always: bool = False


@dataclass(frozen=True, slots=True)
class CancelTransfer(ev.FeatureIntent):
    """Decline an announced transfer, or end one that is under way, in either direction.

    `unattended` says of a declined one that nobody can answer here.
    """

    transfer: TransferID = field(repr=False)
    unattended: bool = False


@dataclass(frozen=True, slots=True)
class RetryTransfer(ev.FeatureIntent):
    """Send once more what failed of a transfer."""

    transfer: TransferID = field(repr=False)


FileIntent = SendPaths | AcceptTransfer | CancelTransfer | RetryTransfer


@dataclass(frozen=True, slots=True)
class AcceptPolicy:
    """How announced files are treated.

    `directory` None means the folder that files are usually saved to.
    """

    without_asking: bool = False
    directory: str | None = None
    # Whether somebody is asked about the files of known devices, too, whatever was chosen for them.
    ask_always: bool = False


@dataclass(frozen=True, slots=True)
class LinkUp:
    """The peer is linked again; the transfer continues over this link."""

    peer_link: PeerLink


@dataclass(frozen=True, slots=True)
class LinkDown:
    """The link that carries the transfer is closed."""


@dataclass(frozen=True, slots=True)
class SenderGone:
    """The sender will never continue the transfer: its session is over."""


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
    | SenderGone
    | LaneChanged
)
