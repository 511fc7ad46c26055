"""What people are told: immutable, each the whole truth about one thing, replacing what was told of
it before.

Statuses are all that crosses the bridge towards a face (window, terminal, JSON lines); a face shows
the newest of each thing and keeps no truth of its own. A moment (`expires`, `deadline`) is in
seconds of the monotonic clock that the machines are given as `now`.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Union

from proxim.core import events as ev
from proxim.core.errors import Problem, Reason
from proxim.core.pairing.devices import DeviceInfo, Verified

if TYPE_CHECKING:
    from proxim.core.files.status import TransferStatus


@dataclass(frozen=True, slots=True)
class ThisDevice:
    """This installation."""

    device: DeviceInfo


@dataclass(frozen=True, slots=True)
class ProofPolicy:
    """Whether guests that cannot prove that they know the code are refused; until it is told, they
    are not.
    """

    required: bool


@dataclass(frozen=True, slots=True)
class Networks:
    """This machine's addresses, best first, and the one that the server listens on; None while
    there is none.
    """

    networks: tuple[ev.Network, ...]
    chosen: str | None


@dataclass(frozen=True, slots=True)
class Invitation:
    """The session whose code is shown.

    Replaces the one before; sent again when its code changes.
    """

    session_id: str = field(repr=False)
    uuid: str
    # Grouped; None on an IPv6 address, which has no short code, or once closed
    code: str | None = field(repr=False)
    url: str = field(repr=False)
    type: ev.SessionType
    # None: until the host ends it
    expires: float | None
    # Too many wrong codes were tried: only the URL still leads here
    code_closed: bool = False


@dataclass(frozen=True, slots=True)
class NoInvitation:
    """No code is shown: somebody joined by it, or there is no network (`reason`)."""

    reason: Reason | None


@dataclass(frozen=True, slots=True)
class Prompt:
    """Somebody asks to join; goes away with a PairOutcome of the same session."""

    session_id: str = field(repr=False)
    # The name as display_name makes it
    device: DeviceInfo
    peer_address: str
    verified: Verified | None
    deadline: float
    # Of this request in its session, for the answer
    number: int | None = None


@dataclass(frozen=True, slots=True)
class PairOutcome:
    """The answer to a request: at the host its prompt is over, at the guest the attempt goes on or
    ends.
    """

    session_id: str = field(repr=False)
    approved: bool
    reason: Reason | None = None


class Stage(StrEnum):
    """The steps that a link goes through, as people are shown them."""

    # Guest only: looking for the host
    DIALING = "dialing"
    # Guest only: the host was found and its answer is awaited
    ASKING = "asking"
    APPROVED = "approved"
    # Descriptions are exchanged
    CONNECTING = "connecting"
    CONNECTED = "connected"
    # The link was lost; the same devices take it up again by themselves until `deadline`
    WAITING = "waiting"
    CLOSED = "closed"


class Via(StrEnum):
    """What carries a link."""

    WEBRTC = "webrtc"
    LANE = "lane"


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """One link, or the attempt at one, from the first dial or the approval to its end."""

    link: ev.LinkID
    session_id: str = field(repr=False)
    stage: Stage
    # Fit to show; None: not told yet
    peer_name: str | None = None
    peer_address: str = ""
    verified: Verified | None = None
    # Of stages ASKING and WAITING
    deadline: float | None = None
    can_text: bool = False
    can_send_files: bool = False
    # Of stage CLOSED
    reason: Reason | None = None
    was_connected: bool = False
    via: Via = Via.WEBRTC
    # It goes on for that link, which waited and is told of no more: one link to people
    resumes: ev.LinkID | None = None


@dataclass(frozen=True, slots=True)
class TextReceived:
    """The peer sent text."""

    link: ev.LinkID
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TextSent:
    """A text of ours went out."""

    link: ev.LinkID
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something failed that no other status tells."""

    problem: Problem
    # Where it concerns one link
    link: ev.LinkID | None = None


@dataclass(frozen=True, slots=True)
class Stopped:
    """The network side has ended; nothing follows."""


# Transfers are told of with the first guest at the earliest, and so named here, not imported.
Status = Union[
    ThisDevice,
    ProofPolicy,
    Networks,
    Invitation,
    NoInvitation,
    Prompt,
    PairOutcome,
    LinkStatus,
    TextReceived,
    TextSent,
    "TransferStatus",
    Trouble,
    Stopped,
]
