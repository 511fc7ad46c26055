"""What is kept of a device that this one knows, and of one that it has forgotten."""

from dataclasses import dataclass, field

from proxim.core.pairing.devices import KnownID, Verified


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a host of a known device listened."""

    # An IP literal; a link-local IPv6 address includes its zone.
    address: str
    port: int
    # The subnet of our own address then, such as "192.168.1.0/24". Elsewhere the same address may
    # be somebody else's, so it is dialled only from there.
    seen_from: str


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """A device that both persons agreed to remember. Moments are in Unix seconds."""

    id: KnownID
    # The secret that only the two devices have (keys.py).
    key: bytes = field(repr=False)
    # The other installation's id.
    uuid: str = field(repr=False)
    # The name that this device's person chose, at first the one that the other device gave itself.
    name: str
    # How the link was verified on which the two were made known to each other.
    verified: Verified
    since: float
    last_seen: float
    # The newest first.
    endpoints: tuple[Endpoint, ...] = ()
    # A stored yes: it is let in without a question.
    let_in: bool = False
    # The folder to which its files are accepted without a question; None means that they are asked
    # about.
    files_to: str | None = None
    # Whether we have not heard yet that the other side has stored it, too. It counts for a proof,
    # and the first one ends it; until then nobody sees it.
    pending: bool = False


@dataclass(frozen=True, slots=True)
class ForgottenDevice:
    """What is kept of a device that was forgotten, so that it can be told so truthfully.

    The keys are made from the pair's, which cannot be made from them (keys.py).
    """

    # Recognises the name under which it asks.
    name_key: bytes = field(repr=False)
    # Proves to it that the answer is ours.
    tombstone_key: bytes = field(repr=False)
    since: float


@dataclass(frozen=True, slots=True)
class KnownFile:
    """Everything that is kept in the file of known devices."""

    devices: tuple[KnownDevice, ...] = ()
    forgotten: tuple[ForgottenDevice, ...] = ()
    # Whether this device may look for the others by multicast, and be found by them.
    discovery: bool = True
