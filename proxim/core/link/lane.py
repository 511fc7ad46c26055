"""Decides when a link's lane is opened, waited for and given up. A lane is a second WebSocket for
bulk bytes (docs/protocol.md, Lane).

The host offers a lane when the first transfer is announced, and the guest dials it. If WebRTC finds
no way, a guest that proved itself dials a lane whose key both sides know from the proof, and this
lane carries the whole link.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core.link import commands as link_do
from proxim.core.link import messages as link_msg
from proxim.core.pairing.proof import ProofKeys

# The time from the approval on. ICE takes under 1 s on a LAN and about 5 s with loss; people who
# wait longer think that it has failed.
FALLBACK_SECONDS: Final = 6.0
# The time for the dial, its handshake and the proof of the key; a LAN needs milliseconds. Meanwhile
# the data channel carries the files.
LANE_OPEN_SECONDS: Final = 5.0
# The time that a guest's transfer waits for the host's offer before it uses a data channel.
WAIT_SECONDS: Final = 2.0
# The pause after a lane broke; a Wi-Fi device that changes its access point is back by then.
RETRY_SECONDS: Final = 1.0
# Lanes offered on one link; if lanes break that often, the data channel is the better way.
MAX_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class LaneSecret:
    """The secret of one lane: a token that is shown once, and the key that seals the frames."""

    token: bytes = field(repr=False)
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class LaneTerms:
    """What a link needs to open lanes.

    `url` is the address that the guest dials; None at the host, which offers lanes.
    """

    url: str | None = None
    # From the proof, for a lane that carries the link; None without a proof.
    secret: LaneSecret | None = None


def proved_secret(keys: ProofKeys | None) -> LaneSecret | None:
    """Return the secret of a lane that both sides of a proof can open without any further
    message.
    """
    if keys is None:
        return None
    return LaneSecret(
        keys.key("lane token")[: link_msg.LANE_TOKEN_BYTES],
        keys.key("lane key")[: link_msg.LANE_KEY_BYTES],
    )


class LanePolicy:
    """Decides when a link's lane is opened and when it is given up.

    `open`: bytes can be sent over the lane.

    `pending`: the lane may open in a moment, so it is worth waiting for.

    `carrier`: at the host, a lane that could carry the whole link is open, but the guest has sent
    no message on it yet. The guest may have found WebRTC since it dialled, and then it closes the
    lane. So the guest decides, and both ends do the same.
    """

    def __init__(
        self,
        link: ev.LinkID,
        terms: LaneTerms,
        token_bytes: Callable[[int], bytes],
        send: Callable[[link_msg.OfferLane], do.Command],
    ) -> None:
        self.open = False
        self.pending = False
        self.carrier = False
        self._link = link
        self._terms = terms
        self._token_bytes = token_bytes
        # What sends the host's offer of a lane to the guest.
        self._send = send
        self._dialled_for_link = False
        # The secret from the proof opens only one lane.
        self._proof_secret_used = False
        self._tries = 0

    # --- a lane for the whole link ----------------------------------------------------------------

    def prepare(self) -> list[do.Command]:
        """Prepare a lane that carries the link if WebRTC finds no way."""
        if self._terms.secret is None:
            return []
        if self._terms.url is not None:
            return [do.SetTimer(self.timer, FALLBACK_SECONDS)]
        return [link_do.ExpectLane(self._link, self._terms.secret.token, self._terms.secret.key)]

    @property
    def can_carry_link(self) -> bool:
        """Whether a lane can still carry the link."""
        return self._terms.secret is not None and not self._proof_secret_used

    def dial_for_link(self) -> list[do.Command]:
        """WebRTC finds no way: a guest dials, once; a host keeps expecting the guest's lane."""
        if self._terms.secret is None or self._terms.url is None or self._dialled_for_link:
            return []
        self._dialled_for_link = True
        secret = self._terms.secret
        dial = link_do.DialLane(
            self._link, self._terms.url, secret.token, secret.key, carries_link=True
        )
        return [do.CancelTimer(self.timer), dial]

    def carrier_opened(self, *, still_wanted: bool) -> bool:
        """Return whether the lane carries the link now.

        At a guest it does if the link still wants it; a host waits for the guest's first message.
        """
        self.carrier = self._terms.url is None
        return still_wanted and not self.carrier

    def carrier_lost(self) -> None:
        """Note that the lane for the link is lost; there is no second one."""
        self.carrier, self._proof_secret_used = False, True

    def not_needed(self) -> list[do.Command]:
        """WebRTC found a way, so a lane that was dialled for the link is closed."""
        hang_up: list[do.Command] = (
            [link_do.CloseLane(self._link)] if self._dialled_for_link else []
        )
        return [do.CancelTimer(self.timer), *hang_up]

    # --- a lane beside the link -------------------------------------------------------------------

    def want(self) -> list[do.Command]:
        """Prepare a lane, because bytes are going to move."""
        if self.open or self.pending or self._tries >= MAX_TRIES:
            return []
        self.pending = True
        if self._terms.url is not None:
            # The guest waits, because the host offers the lane.
            return [do.SetTimer(self.timer, WAIT_SECONDS)]
        return self._expect()

    def _expect(self) -> list[do.Command]:
        self._tries += 1
        offer = link_msg.OfferLane(
            self._token_bytes(link_msg.LANE_TOKEN_BYTES), self._token_bytes(link_msg.LANE_KEY_BYTES)
        )
        expect = link_do.ExpectLane(self._link, offer.token, offer.key)
        # The host must expect the lane before the guest learns of it.
        return [expect, do.SetTimer(self.timer, LANE_OPEN_SECONDS), self._send(offer)]

    def offered(self, offer: link_msg.OfferLane) -> list[do.Command] | None:
        """Dial the lane that the host offers; None if the host may not offer one."""
        if self._terms.url is None or self._tries >= MAX_TRIES:
            return None
        if self.open:
            # The host does not know yet that the lane is open.
            return []
        self._tries += 1
        self.pending = True
        dial = link_do.DialLane(self._link, self._terms.url, offer.token, offer.key)
        return [dial, do.SetTimer(self.timer, LANE_OPEN_SECONDS)]

    def drop(self) -> list[do.Command]:
        """Close an open lane on which nothing moves any more; its loss is reported then."""
        return [link_do.CloseLane(self._link)] if self.open else []

    # --- what becomes of it -----------------------------------------------------------------------

    def opened(self) -> list[do.Command]:
        """Note that the lane is open."""
        self.open, self.pending, self.carrier = True, False, False
        return [do.CancelTimer(self.timer)]

    def lost(self) -> list[do.Command]:
        """Note that the lane broke or could not be opened; a host offers another one in a
        moment.
        """
        self.open = self.pending = False
        again = self._terms.url is None and 0 < self._tries < MAX_TRIES
        return [do.SetTimer(self.timer, RETRY_SECONDS) if again else do.CancelTimer(self.timer)]

    def timer_fired(self) -> list[do.Command]:
        """Handle the lane's timer: give up a lane that did not open, or offer one again after a
        break.
        """
        if self.open:
            return []
        if self.pending:
            # Whatever still arrives on the lane is ignored.
            self.pending = self.carrier = False
            again = self._terms.url is None and self._tries < MAX_TRIES
            retry: list[do.Command] = [do.SetTimer(self.timer, RETRY_SECONDS)] if again else []
            return [link_do.CloseLane(self._link), *retry]
        return self.want() if self._terms.url is None else []

    def close(self) -> list[do.Command]:
        """Close the lane, because the link is closed."""
        if not (self._tries or self.pending or self._terms.secret):
            # There was never a lane.
            return []
        self.open = self.pending = self.carrier = False
        return [do.CancelTimer(self.timer), link_do.CloseLane(self._link)]

    @property
    def timer(self) -> ev.Timer:
        """The lane's only timer."""
        return ev.LinkTimer(ev.TimerName.LANE, self._link)
