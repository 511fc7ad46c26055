"""Everything that is published to people.

A status is immutable, holds the whole truth about one thing, and replaces the earlier status of the
same thing. Statuses are all that crosses the bridge towards a face (window, terminal, JSON lines).
A face shows the newest status of each thing and keeps no truth of its own. A moment (`expires`,
`deadline`) is in seconds of the monotonic clock that the machines receive as `now`.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from proxim.core import events as ev
from proxim.core.errors import Problem, Reason, sentence_for
from proxim.core.pairing import opening
from proxim.core.pairing.devices import DeviceInfo, KnownID, Verified

# The words of the features that the faces know. Those of a feature's own module would be imported
# before there is a guest.
TEXT: Final = "text"
FILES: Final = "files"
KNOWN: Final = "known"
SCREEN: Final = "screen"

# Seconds. A click, key or typed answer does not count for this long after its question appeared,
# because it may have been meant for what was there before. Every face keeps to it.
ANSWER_DELAY_SECONDS: Final = 0.8

# What a host shows in its first moments.
ThisDevice = opening.ThisDevice
ProofPolicy = opening.ProofPolicy
Networks = opening.Networks
Invitation = opening.Invitation
NoInvitation = opening.NoInvitation


@dataclass(frozen=True, slots=True)
class LostLink:
    """A lost link whose guest is still waited for, while another request for its place is shown."""

    link: ev.LinkID
    # Cleaned for display; None if it was never known.
    peer_name: str | None


@dataclass(frozen=True, slots=True)
class Prompt:
    """Somebody asks to join.

    It is published once for each request, and a PairOutcome of the same session ends it. `Prompts`
    says whether a person is asked about it now.
    """

    session_id: str = field(repr=False)
    # The name is cleaned by display_name.
    device: DeviceInfo
    peer_address: str
    verified: Verified | None
    deadline: float
    # The number of this request in its session, which the answer repeats.
    number: int | None = None
    # The link that an approval gives up. Names and ids can be copied, so nothing shows whether the
    # same device asks.
    replaces: LostLink | None = None
    # The known device that asks, whose name here is `device.name`; None for any other.
    known: KnownID | None = None

    def end_sentence(self, reason: Reason) -> str:
        """Why it is over, and what to do next, for the person who was asked."""
        return sentence_for(reason, host=True, known=self.known is not None)


@dataclass(frozen=True, slots=True)
class Prompts:
    """All requests that wait for an answer, in the order in which a person is asked about them."""

    # A person is asked about these now, if the face can ask several questions at once.
    shown: tuple[Prompt, ...] = ()
    # A person is asked about these after those that are shown.
    queued: tuple[Prompt, ...] = ()


@dataclass(frozen=True, slots=True)
class PairOutcome:
    """The answer to a request.

    At the host its prompt is over; at the guest the attempt goes on or ends.
    """

    session_id: str = field(repr=False)
    approved: bool
    reason: Reason | None = None
    # Whether the host declined the request by itself, because it was one unverified request too
    # many; no person was asked about it.
    surplus: bool = False


class Stage(StrEnum):
    """The stages of a link, as people see them."""

    # Guest only: the guest looks for the host.
    DIALING = "dialing"
    # Guest only: the host was found, and its answer is awaited.
    ASKING = "asking"
    APPROVED = "approved"
    # The descriptions are exchanged.
    CONNECTING = "connecting"
    CONNECTED = "connected"
    # The link was lost; the same devices resume it by themselves until `deadline`.
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
    # Whether this device is the link's guest; otherwise it is the host.
    as_guest: bool = field(default=False, kw_only=True)
    # Cleaned for display; None until it is known.
    peer_name: str | None = None
    peer_address: str = ""
    verified: Verified | None = None
    # For the stages ASKING and WAITING.
    deadline: float | None = None
    # The features that both sides support and that can be used now, by their words in `hello`.
    features: tuple[str, ...] = ()
    # For the stage CLOSED.
    reason: Reason | None = None
    was_connected: bool = False
    via: Via = Via.WEBRTC
    # The lost link that this link replaces; people see the two as one link, and no status of the
    # lost one follows.
    resumes: ev.LinkID | None = None
    # The lost link whose place a person gave to this one. Nothing of it is inherited, and the end
    # of the lost one is published after this.
    replaces: ev.LinkID | None = None
    # The known device at the other end, whose name here is `peer_name`; None for any other.
    known: KnownID | None = None
    # Whether it was let in without a question, by a stored yes of this host's person.
    let_in: bool = False
    # Whether two persons compared digits on this link that were not the same, so that somebody may
    # stand between the two devices, whatever was proved.
    digits_differed: bool = False

    @property
    def end_sentence(self) -> str:
        """Why it has ended, and what to do next, for the person here."""
        return sentence_for(
            self.reason or Reason.INTERNAL, host=not self.as_guest, known=self.known is not None
        )


@dataclass(frozen=True, slots=True)
class FeatureStatus:
    """What a feature of a link publishes about itself. A face shows those that it knows."""


@dataclass(frozen=True, slots=True)
class TextReceived(FeatureStatus):
    """The peer sent text."""

    link: ev.LinkID
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TextSent(FeatureStatus):
    """A text of ours was sent."""

    link: ev.LinkID
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A failure that no other status reports."""

    problem: Problem
    # The link that it concerns; None if it concerns no single link.
    link: ev.LinkID | None = None


@dataclass(frozen=True, slots=True)
class Stopped:
    """The network side has ended; no status follows."""


Status = (
    ThisDevice
    | ProofPolicy
    | Networks
    | Invitation
    | NoInvitation
    | Prompt
    | Prompts
    | PairOutcome
    | LinkStatus
    | FeatureStatus
    | Trouble
    | Stopped
)
