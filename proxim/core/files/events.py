"""Everything that can happen to transfers: what the disk answers, and what a person wants done with
files.

An event is immutable and says what happened, not what to do.
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
    """What stands under the paths to be sent; `refused`: what of it cannot be, by its path."""

    transfer: TransferID = field(repr=False)
    entries: tuple[Entry, ...]
    refused: tuple[tuple[str, Reason], ...] = ()


@dataclass(frozen=True, slots=True)
class SourcesFailed:
    """Nothing of it can be sent."""

    transfer: TransferID = field(repr=False)
    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class SinkReady:
    """The disk can take a transfer; of an earlier attempt there is `skip` whole and `partial` in
    part.
    """

    transfer: TransferID = field(repr=False)
    skip: tuple[Span, ...] = ()
    partial: tuple[Partial, ...] = ()


@dataclass(frozen=True, slots=True)
class SinkFailed:
    """The disk cannot take the transfer, or takes no more of it."""

    transfer: TransferID = field(repr=False)
    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class SinkWrote:
    """So many bytes of files that came in this generation are written.

    Merged: some ten a second.
    """

    transfer: TransferID = field(repr=False)
    generation: int
    written: int


@dataclass(frozen=True, slots=True)
class SinkPaused:
    """All that came is written, and what follows must begin at `position`, in a new generation."""

    transfer: TransferID = field(repr=False)
    position: Position


@dataclass(frozen=True, slots=True)
class SinkFinished:
    """Every file has come to its end; those that did not fail are verified and have their names."""

    transfer: TransferID = field(repr=False)
    failed: tuple[FailedFile, ...]
    # Of the only file or folder; the folder that they are in, where there are several
    path: str
    # In hexadecimal, of the only file
    sha256: str | None


@dataclass(frozen=True, slots=True)
class SendingFailed:
    """A stream broke off: by a fault of ours, or the receiver closed its channel; its files are
    still there.
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
    """What the disk remembers of earlier runs. Sent at start, if there is anything."""

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
    """Take what was announced."""

    transfer: TransferID = field(repr=False)
    # Places in the manifest of what is not wanted
    declined: tuple[int, ...] = ()
    # None: where files are always saved to
    directory: str | None = None
    # And whatever else this link announces
    always: bool = False


@dataclass(frozen=True, slots=True)
class CancelTransfer:
    """Decline what was announced, or end what goes on, in either direction."""

    transfer: TransferID = field(repr=False)


@dataclass(frozen=True, slots=True)
class RetryTransfer:
    """Send once more what failed of a transfer."""

    transfer: TransferID = field(repr=False)


FileIntent = SendPaths | AcceptTransfer | CancelTransfer | RetryTransfer
AnyIntent = ev.Intent | FileIntent


class PeerLink(Protocol):
    """A link with a peer that understands files."""

    @property
    def id(self) -> ev.LinkID:
        """Which link it is."""

    @property
    def peer_name(self) -> str | None:
        """The peer's name, fit to show."""

    @property
    def binding(self) -> bytes:
        """What both ends of this link know and no other link has; empty where nothing was
        proved.
        """

    @property
    def lane_open(self) -> bool:
        """Whether bytes can take the lane."""

    @property
    def lane_beside(self) -> bool:
        """Whether the link would go on without its lane."""

    @property
    def lane_pending(self) -> bool:
        """Whether the lane may open in a moment."""

    def say(self, message: file_msg.FileMessage) -> do.Command:
        """The command that says it on the link's control channel."""

    def want_lane(self) -> list[do.Command]:
        """Open the lane, if it is not open yet and the peer knows of lanes."""


@dataclass(frozen=True, slots=True)
class AcceptPolicy:
    """What becomes of files that are announced: `directory` None is where files are always saved
    to.
    """

    without_asking: bool = False
    directory: str | None = None


@dataclass(frozen=True, slots=True)
class LinkUp:
    """The peer is linked again; the transfer goes on over this link."""

    peer_link: PeerLink


@dataclass(frozen=True, slots=True)
class LinkDown:
    """The link that the transfer goes over is closed."""


@dataclass(frozen=True, slots=True)
class LaneChanged:
    """The link's lane opened, broke, or is given up."""


@dataclass(frozen=True, slots=True)
class StreamOpened:
    """The sender opened a data channel for this generation."""

    channel: int
    generation: int


@dataclass(frozen=True, slots=True)
class Turn:
    """There is room for one more transfer: this one may begin to move."""


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
