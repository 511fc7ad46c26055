"""A known device as the host that a guest wants to join: where it has been tried, and the proof."""

from collections.abc import Callable
from typing import Final

from proxim.core.base64url import to_base64url
from proxim.core.known import keys
from proxim.core.known.devices import Endpoint, KnownDevice
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.devices import DeviceInfo
from proxim.core.pairing.proof import (
    GuestProof,
    ProofKeys,
    Prover,
    start_known_proof,
    tag_matches,
)

# What a request says of the device that asks: nothing. Only the other device may know who it is.
BLANK_NAME: Final = "Proxim"
BLANK_ID_BYTES: Final = 16
# mDNS asks at once and after 1 s, and a device that sleeps answers late.
SEARCH_SECONDS: Final = 5.0


class KnownHost:
    """The known device that one attempt to join looks for."""

    def __init__(
        self,
        device: KnownDevice,
        own_uuid: str,
        places: Callable[[], tuple[Endpoint, ...]],
        *,
        search: bool,
    ) -> None:
        """`places` returns where it may be now, best first; with `search`, others may come."""
        self.id = device.id
        self.name = device.name
        self.search = search
        self._places = places
        self._tried: set[tuple[str, int]] = set()
        # Where nobody answered in time, and which of these were dialled once more.
        self._silent: set[tuple[str, int]] = set()
        self._again: set[tuple[str, int]] = set()
        self._secret = keys.proof_secret(device.key, guest=own_uuid, host=device.uuid)
        self._name_key = keys.name_key(device.key, own_uuid)
        self._tombstone_key = keys.tombstone_key(device.key, device.uuid)

    def next(self) -> Endpoint | None:
        """Where to dial next; None if all places were tried."""
        place = self._first()
        if place is not None:
            self._tried.add((place.address, place.port))
        return place

    def was_silent(self, address: str, port: int) -> None:
        """Note that nobody answered there in time, which a device that is busy may need."""
        self._silent.add((address, port))

    def again(self, *, late: bool) -> Endpoint | None:
        """Where to dial once more, with more patience, when all places were tried; `late` says that
        nothing more will be found, and then one such try is enough.
        """
        left = self._silent - self._again
        place = next((one for one in self._places() if (one.address, one.port) in left), None)
        if place is None or (late and self._again):
            return None
        self._again.add((place.address, place.port))
        return place

    def better(self, address: str, port: int) -> bool:
        """Whether the device was found at a better place than this one, where nobody has answered.

        Then that one is tried next, and this one again after it.
        """
        first = self._first()
        places = [(one.address, one.port) for one in self._places()]
        if first is None or (
            (address, port) in places
            and places.index((address, port)) < places.index((first.address, first.port))
        ):
            return False
        self._tried.discard((address, port))
        return True

    def _first(self) -> Endpoint | None:
        return next(
            (one for one in self._places() if (one.address, one.port) not in self._tried), None
        )

    def start_proof(self, device: DeviceInfo, prover: Prover) -> GuestProof:
        """Start to prove who we are to whoever answers."""
        return start_known_proof(
            self._secret,
            lambda share: keys.asking_name(self._name_key, share),
            device,
            prover,
        )

    def has_forgotten(self, proof: ProofKeys, auth: pair_msg.Auth | None) -> bool:
        """Whether a rejection was sent by this device because it has forgotten us."""
        expected = keys.forgotten_tag(self._tombstone_key, proof.transcript)
        return auth is not None and tag_matches(expected, auth.t)


def blank_device(token_bytes: Callable[[int], bytes]) -> DeviceInfo:
    """Return what a request by a known device says of it."""
    return DeviceInfo(BLANK_NAME, to_base64url(token_bytes(BLANK_ID_BYTES)))
