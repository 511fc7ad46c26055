"""What transfers ask of the world: the disk, and streams of bytes over a link."""

from dataclasses import dataclass, field

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.files.manifest import START, Entry, Partial, Position, Span, TransferID


@dataclass(frozen=True, slots=True)
class ListSources:
    """Look at what is to be sent; answered by SourcesListed or SourcesFailed.

    `only`: these entries of it.
    """

    transfer: TransferID = field(repr=False)
    paths: tuple[str, ...]
    only: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class KeepSources:
    """Remember what is being sent, so that it goes on after a restart."""

    transfer: TransferID = field(repr=False)
    peer_name: str | None


@dataclass(frozen=True, slots=True)
class StartSending:
    """Send what is wanted of a transfer, from `position` on, as stream `generation`; an earlier one
    stops.
    """

    transfer: TransferID = field(repr=False)
    link: ev.LinkID
    generation: int
    via: st.Via
    skip: tuple[Span, ...] = ()
    partial: tuple[Partial, ...] = ()
    position: Position = START


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """The receiver has written so many bytes of this generation: as many more may be on their
    way.
    """

    transfer: TransferID = field(repr=False)
    generation: int
    written: int


@dataclass(frozen=True, slots=True)
class StopSending:
    """Stop the stream; the transfer may go on later. `forget`: it is over."""

    transfer: TransferID = field(repr=False)
    forget: bool = False


@dataclass(frozen=True, slots=True)
class OpenSink:
    """Make ready to receive; answered by SinkReady or SinkFailed.

    What an earlier attempt left is looked for.
    """

    transfer: TransferID = field(repr=False)
    entries: tuple[Entry, ...]
    declined: tuple[int, ...] = ()
    directory: str | None = None
    peer_name: str | None = None


@dataclass(frozen=True, slots=True)
class ReceiveStream:
    """What comes on this data channel, or on the link's lane (LANE_CHANNEL), as this generation
    goes to the sink.
    """

    transfer: TransferID = field(repr=False)
    link: ev.LinkID
    channel: int
    generation: int


@dataclass(frozen=True, slots=True)
class PauseSink:
    """Take nothing more of the present generation and write what has come; answered by SinkHeld."""

    transfer: TransferID = field(repr=False)


@dataclass(frozen=True, slots=True)
class CloseSink:
    """Stop receiving.

    `keep` what has come of unfinished files for a later attempt, or remove it.
    """

    transfer: TransferID = field(repr=False)
    keep: bool


FileCommand = (
    ListSources
    | KeepSources
    | StartSending
    | Acknowledge
    | StopSending
    | OpenSink
    | ReceiveStream
    | PauseSink
    | CloseSink
)
