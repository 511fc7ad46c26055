"""Commands of transfers to the disk, and for streams of bytes over a link."""

from dataclasses import dataclass, field

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.files.manifest import START, Entry, Partial, Position, Span, TransferID


@dataclass(frozen=True, slots=True)
class ListSources:
    """List what is to be sent; answered by SourcesListed or SourcesFailed.

    `only` limits the list to these entries; None means all.
    """

    transfer: TransferID = field(repr=False)
    paths: tuple[str, ...]
    only: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class KeepSources:
    """Remember what is being sent, so that it continues after a restart."""

    transfer: TransferID = field(repr=False)
    peer_name: str | None


@dataclass(frozen=True, slots=True)
class StartSending:
    """Send what is wanted of a transfer from `position` on, as stream `generation`.

    An earlier stream of the transfer stops.
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
    """The receiver has written so many bytes of this generation, so as many more may be sent."""

    transfer: TransferID = field(repr=False)
    generation: int
    written: int


@dataclass(frozen=True, slots=True)
class StopSending:
    """Stop the stream; the transfer may continue later unless `forget` says that it is over."""

    transfer: TransferID = field(repr=False)
    forget: bool = False


@dataclass(frozen=True, slots=True)
class OpenSink:
    """Prepare to receive, and look for what an earlier attempt left.

    Answered by SinkReady or SinkFailed.
    """

    transfer: TransferID = field(repr=False)
    entries: tuple[Entry, ...]
    declined: tuple[int, ...] = ()
    directory: str | None = None
    peer_name: str | None = None
    # Whether the sender forgets the transfer when its session ends.
    session_only: bool = False


@dataclass(frozen=True, slots=True)
class ReceiveStream:
    """Pass what arrives on this data channel, or on the link's lane (LANE_CHANNEL), to the sink.

    It counts as this generation.
    """

    transfer: TransferID = field(repr=False)
    link: ev.LinkID
    channel: int
    generation: int


@dataclass(frozen=True, slots=True)
class PauseSink:
    """Accept nothing more of the current generation and write what has arrived.

    Answered by SinkPaused.
    """

    transfer: TransferID = field(repr=False)


@dataclass(frozen=True, slots=True)
class CloseSink:
    """Stop receiving.

    `keep` what has arrived of unfinished files for a later attempt, or else remove it.
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
