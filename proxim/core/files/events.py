"""Everything that can happen to transfers: what the disk answers, and what a person wants done with
files.

An event is immutable and says what happened, not what to do.
"""

from dataclasses import dataclass, field

from proxim.core.errors import Reason
from proxim.core.events import Intent, LinkID
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
class SinkHeld:
    """All that came is written, and what follows must begin at `position`, in a new generation."""

    transfer: TransferID = field(repr=False)
    position: Position


@dataclass(frozen=True, slots=True)
class SinkFinished:
    """Every file has come to its end; those that did not fail are verified and have their names."""

    transfer: TransferID = field(repr=False)
    failed: tuple[FailedFile, ...]
    path: str  # of the only file or folder; the folder that they are in, where there are several
    sha256: str | None  # in hexadecimal, of the only file


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
    | SinkHeld
    | SinkFinished
    | SendingFailed
    | TransfersFound
)

# --- what a person (or a script) wants ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SendPaths:
    """Send files and folders over a link."""

    link: LinkID
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AcceptTransfer:
    """Take what was announced."""

    transfer: TransferID = field(repr=False)
    declined: tuple[int, ...] = ()  # places in the manifest of what is not wanted
    directory: str | None = None  # None: where files are always saved to
    always: bool = False  # and whatever else this link announces


@dataclass(frozen=True, slots=True)
class CancelTransfer:
    """Decline what was announced, or end what goes on, in either direction."""

    transfer: TransferID = field(repr=False)


@dataclass(frozen=True, slots=True)
class RetryTransfer:
    """Send once more what failed of a transfer."""

    transfer: TransferID = field(repr=False)


FileIntent = SendPaths | AcceptTransfer | CancelTransfer | RetryTransfer
AnyIntent = Intent | FileIntent
