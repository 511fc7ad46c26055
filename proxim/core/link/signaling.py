"""One side's exchange of signals for one link: MACs, order, and what of the other side's may reach
aiortc.

The guest offers, the host answers, each once; candidates may stand anywhere.
"""

from typing import Final

from proxim.core.errors import Reason
from proxim.core.json_text import MessageError
from proxim.core.link.sdp_filter import PeerFilter
from proxim.core.pairing.messages import (
    UNREADABLE_CODES,
    Candidate,
    CloseCode,
    Description,
    SDPType,
    Signal,
)
from proxim.core.pairing.proof import ProofKeys, Side, SignalMacs

_OWN_TYPE: Final = {Side.GUEST: SDPType.OFFER, Side.HOST: SDPType.ANSWER}


class Signaling:
    """See the module. `keys` are those of the proof; None where there was none."""

    def __init__(self, side: Side, peer_address: str, keys: ProofKeys | None) -> None:
        self.described = False  # the other side's description has come
        self.keys = keys
        self._side = side
        self._macs = None if keys is None else SignalMacs(keys, side)
        self._filter = PeerFilter(peer_address)

    @property
    def proved(self) -> bool:
        """Whether every signal carries a MAC: then what arrives wrong was changed on its way."""
        return self._macs is not None

    def warned_by(self, code: int | None) -> bool:
        """Whether the other side left, after a proof, as what it got was not ours.

        Forged, it only ends a session.
        """
        return self.proved and (code == CloseCode.TAMPERED or code in UNREADABLE_CODES)

    def seal(self, session_id: str, description: Description) -> Signal:
        """Our own description as it goes out."""
        return Signal(
            session_id, description, None if self._macs is None else self._macs.seal(description)
        )

    def take(self, signal: Signal) -> Description | Candidate | None:
        """What aiortc may be told of the other side's signal; None where nothing.

        Raises MessageError: TAMPERED, NOT_ALLOWED for a description out of turn, BAD_DESCRIPTION
        for one without use.
        """
        payload = signal.payload
        if self._macs is not None and not self._macs.check(payload, signal.mac):
            raise MessageError(Reason.TAMPERED, "mac")
        if isinstance(payload, Candidate):
            return self._filter.candidate(payload)
        if self.described or payload.type is _OWN_TYPE[self._side]:
            # The type is not under the MAC, and no honest peer describes itself twice.
            raise MessageError(
                Reason.TAMPERED if self.proved else Reason.NOT_ALLOWED, "description"
            )
        self.described = True
        sdp = self._filter.description(payload.sdp)
        if sdp is None:
            raise MessageError(Reason.BAD_DESCRIPTION, "description")
        return Description(sdp, payload.type)
