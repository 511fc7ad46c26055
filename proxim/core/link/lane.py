"""When a link's lane is opened, waited for and given up: a further WebSocket for bulk bytes
(docs/protocol.md, Lane).

The host offers a lane when the first transfer is announced, the guest dials it. Where WebRTC finds
no way, a guest that proved itself dials one whose key both know from the proof, and it carries the
whole link.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core.files import messages as file_msg
from proxim.core.link import commands as link_do
from proxim.core.pairing.proof import ProofKeys

# From the approval on. ICE takes under 1 s on a LAN, some 5 s with loss; whoever waits longer
# thinks it has failed.
FALLBACK_SECONDS: Final = 6.0
# For the dial, its handshake and the proof of the key; a LAN needs milliseconds
OPEN_SECONDS: Final = 5.0
# How long a guest's transfer waits for the host's offer before it takes a data channel
WAIT_SECONDS: Final = 2.0
# After a lane broke; a Wi-Fi that changes its access point is back by then
RETRY_SECONDS: Final = 1.0
# Lanes offered on one link; where they break that often, the data channel is the better way
MAX_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class LaneSecret:
    """What opens a lane: shown once, and the key that its frames are sealed under."""

    token: bytes = field(repr=False)
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class LaneTerms:
    """What a link may do about lanes.

    `url`: where the guest dials; None at the host, which offers.
    """

    url: str | None = None
    # Of the proof, for a lane that carries the link; None where nothing was proved
    secret: LaneSecret | None = None


def proved_secret(keys: ProofKeys | None) -> LaneSecret | None:
    """The lane that both sides of a proof can open without having said a word about it."""
    if keys is None:
        return None
    return LaneSecret(
        keys.key("lane token")[: file_msg.LANE_TOKEN_BYTES],
        keys.key("lane key")[: file_msg.LANE_KEY_BYTES],
    )


class LanePolicy:
    """Decides when a link's lane is opened and when it is given up.

    `open`: bytes can take it.

    `pending`: it may open in a moment, worth waiting for.

    `carrier`: at the host, it could carry the whole link, but the guest has not said a word on it
    yet. The guest may have found the other way since it dialled, and hangs up then: so the guest
    decides, and both ends do the same.
    """

    def __init__(
        self, link: ev.LinkID, terms: LaneTerms, token_bytes: Callable[[int], bytes]
    ) -> None:
        self.open = False
        self.pending = False
        self.carrier = False
        self._link = link
        self._terms = terms
        self._token_bytes = token_bytes
        self._dialled_for_link = False
        # What opens the lane of the proof does so once
        self._spent = False
        self._tries = 0
        self._offer: file_msg.OfferLane | None = None

    # --- a lane for the whole link ----------------------------------------------------------------

    def prepare(self) -> list[do.Command]:
        """The link begins to open; should WebRTC find no way, this lane will carry it."""
        if self._terms.secret is None:
            return []
        if self._terms.url is not None:
            return [do.SetTimer(self.timer, FALLBACK_SECONDS)]
        return [link_do.ExpectLane(self._link, self._terms.secret.token, self._terms.secret.key)]

    @property
    def can_carry_link(self) -> bool:
        """Whether there is still that way."""
        return self._terms.secret is not None and not self._spent

    def dial_for_link(self) -> list[do.Command]:
        """WebRTC finds no way: a guest dials, once; a host goes on expecting it."""
        if self._terms.secret is None or self._terms.url is None or self._dialled_for_link:
            return []
        self._dialled_for_link = True
        secret = self._terms.secret
        dial = link_do.DialLane(
            self._link, self._terms.url, secret.token, secret.key, carries_link=True
        )
        return [do.CancelTimer(self.timer), dial]

    def carrier_opened(self, *, still_wanted: bool) -> bool:
        """Whether the link takes it now: a guest that still wants it does, a host waits for the
        guest's word.
        """
        self.carrier = self._terms.url is None
        return still_wanted and not self.carrier

    def carrier_lost(self) -> None:
        """There is no second one."""
        self.carrier, self._spent = False, True

    def not_needed(self) -> list[do.Command]:
        """WebRTC found a way."""
        hang_up: list[do.Command] = (
            [link_do.CloseLane(self._link)] if self._dialled_for_link else []
        )
        return [do.CancelTimer(self.timer), *hang_up]

    # --- a lane beside the link -------------------------------------------------------------------

    def want(self) -> list[do.Command]:
        """Bytes are going to move."""
        if self.open or self.pending or self._tries >= MAX_TRIES:
            return []
        self.pending = True
        if self._terms.url is not None:
            # The host offers it
            return [do.SetTimer(self.timer, WAIT_SECONDS)]
        return self._expect()

    def offer(self) -> file_msg.OfferLane | None:
        """What to say to the guest of the lane that is expected now; None at a guest."""
        return self._offer if self.pending and self._terms.url is None else None

    def _expect(self) -> list[do.Command]:
        self._tries += 1
        self._offer = file_msg.OfferLane(
            self._token_bytes(file_msg.LANE_TOKEN_BYTES), self._token_bytes(file_msg.LANE_KEY_BYTES)
        )
        expect = link_do.ExpectLane(self._link, self._offer.token, self._offer.key)
        return [expect, do.SetTimer(self.timer, OPEN_SECONDS)]

    def offered(self, offer: file_msg.OfferLane) -> list[do.Command] | None:
        """The host offers a lane; None where it may not."""
        if self._terms.url is None or self._tries >= MAX_TRIES:
            return None
        if self.open:
            # It does not know yet
            return []
        self._tries += 1
        self.pending = True
        dial = link_do.DialLane(self._link, self._terms.url, offer.token, offer.key)
        return [dial, do.SetTimer(self.timer, OPEN_SECONDS)]

    # --- what becomes of it -----------------------------------------------------------------------

    def opened(self) -> list[do.Command]:
        """It is open."""
        self.open, self.pending, self.carrier = True, False, False
        return [do.CancelTimer(self.timer)]

    def lost(self) -> list[do.Command]:
        """It broke, or could not be opened; a host offers another in a moment."""
        self.open = self.pending = False
        again = self._terms.url is None and 0 < self._tries < MAX_TRIES
        return [do.SetTimer(self.timer, RETRY_SECONDS) if again else do.CancelTimer(self.timer)]

    def waited(self) -> list[do.Command]:
        """Its timer ran out: a lane that did not open is given up, one that broke is offered
        again.
        """
        if self.open:
            return []
        if self.pending:
            # What still comes on it is no longer heard
            self.pending = self.carrier = False
            again = self._terms.url is None and self._tries < MAX_TRIES
            retry: list[do.Command] = [do.SetTimer(self.timer, RETRY_SECONDS)] if again else []
            return [link_do.CloseLane(self._link), *retry]
        return self.want() if self._terms.url is None else []

    def close(self) -> list[do.Command]:
        """The link is closed."""
        if not (self._tries or self.pending or self._terms.secret):
            # There never was one
            return []
        self.open = self.pending = self.carrier = False
        return [do.CancelTimer(self.timer), link_do.CloseLane(self._link)]

    @property
    def timer(self) -> ev.Timer:
        """Its one timer."""
        return ev.Timer(ev.TimerName.LANE, self._link)
