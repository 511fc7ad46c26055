"""What a transfer is told by the link that it goes over, and what it can say there."""

from dataclasses import dataclass
from typing import Protocol

from proxim.core.commands import Command
from proxim.core.events import LinkID, TimerFired
from proxim.core.files.events import (
    AcceptTransfer,
    CancelTransfer,
    SendingFailed,
    SinkFailed,
    SinkFinished,
    SinkHeld,
    SinkReady,
    SinkWrote,
    SourcesFailed,
    SourcesListed,
)
from proxim.core.files.messages import (
    Accept,
    Announce,
    Cancel,
    Continue,
    FileMessage,
    Finished,
    Progress,
)


class Speaker(Protocol):
    """A link with a peer that understands files."""

    @property
    def id(self) -> LinkID:
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

    def say(self, message: FileMessage) -> Command:
        """The command that says it on the link's control channel."""

    def want_lane(self) -> list[Command]:
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

    speaker: Speaker


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
    | Accept
    | Continue
    | Progress
    | Finished
    | Cancel
    | SendingFailed
    | LinkUp
    | LinkDown
    | LaneChanged
    | Turn
    | CancelTransfer
    | TimerFired
)

IncomingInput = (
    Announce
    | Cancel
    | Continue
    | AcceptTransfer
    | CancelTransfer
    | SinkReady
    | SinkFailed
    | SinkWrote
    | SinkHeld
    | SinkFinished
    | StreamOpened
    | LinkDown
    | LaneChanged
)
