"""Everything that can happen to known devices: what people want, and what `io` answers."""

from dataclasses import dataclass, field

from proxim.core import events as ev
from proxim.core.errors import Reason
from proxim.core.known.announcement import hide_tag
from proxim.core.known.devices import KnownFile
from proxim.core.pairing.devices import KnownID


class KnownTimer(ev.TimerKind):
    """The timer of two devices that are made known to each other; it is a LinkTimer."""

    # Limits each step.
    REMEMBER = "remember"


# --- what people want -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RememberDevice(ev.LinkIntent):
    """Ask the other side to know each other from now on; both persons then compare six digits."""


@dataclass(frozen=True, slots=True)
class AnswerRemember(ev.LinkIntent):
    """A person has compared the digits. `same` False ends it: nothing is remembered.

    With `digits`, the answer counts for these alone: others may have come while they were read.
    `unattended` says of a no that nobody can compare them here.
    """

    same: bool
    digits: str | None = field(default=None, repr=False)
    unattended: bool = False


@dataclass(frozen=True, slots=True)
class KnownIntent(ev.FeatureIntent):
    """What a person wants of one known device."""

    device: KnownID


@dataclass(frozen=True, slots=True)
class JoinKnown(KnownIntent):
    """Become the guest of a known device: find it, dial it, and prove the pair's key."""


@dataclass(frozen=True, slots=True)
class ForgetDevice(KnownIntent):
    """Forget a device at once. A link with it stays open; it can no longer be resumed."""


@dataclass(frozen=True, slots=True)
class DisconnectDevice(KnownIntent):
    """End every link of this program with a known device."""


@dataclass(frozen=True, slots=True)
class RenameKnown(KnownIntent):
    """Give a known device another name on this device."""

    name: str


@dataclass(frozen=True, slots=True)
class SetLetIn(KnownIntent):
    """Choose whether a known device is let in without a question."""

    let_in: bool


@dataclass(frozen=True, slots=True)
class SetFilesTo(KnownIntent):
    """Choose the folder to which a known device's files are accepted without a question."""

    # None means that the person is asked.
    folder: str | None


@dataclass(frozen=True, slots=True)
class LookForDevices(ev.FeatureIntent):
    """Look for known devices from now on, since a person looks at the list of them, or no more."""

    looking: bool


@dataclass(frozen=True, slots=True)
class SetDiscovery(ev.FeatureIntent):
    """Choose whether this device may look for known devices by multicast, and be found by them."""

    on: bool


# --- what io answers ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KnownAnswer(ev.FeatureEvent):
    """What comes from the file, or from the network."""


@dataclass(frozen=True, slots=True)
class KnownLoaded(KnownAnswer):
    """The file of known devices was read: soon after the start, and whenever another program has
    changed it. All that this program changed is in it then.
    """

    file: KnownFile = field(repr=False)


@dataclass(frozen=True, slots=True)
class SlotBegan(KnownAnswer):
    """Another 15 minutes have begun (keys.py), or announcing or looking has. `slot` is their number
    since 1970.
    """

    slot: int


@dataclass(frozen=True, slots=True)
class ServiceSeen(KnownAnswer):
    """Somebody announces a Proxim host, or announces another thing about it now."""

    # What tells it from the others while it is seen: the random name of its announcement.
    service: str
    # (address, port, the subnet of our own address that reaches it), best first.
    endpoints: tuple[tuple[str, int, str], ...]
    # Its tags, hidden with `service` (announcement.py).
    hidden_tags: frozenset[bytes] = field(repr=False)

    def has(self, tag: bytes) -> bool:
        """Whether this announcement has a tag."""
        return hide_tag(tag, self.service) in self.hidden_tags


@dataclass(frozen=True, slots=True)
class ServiceGone(KnownAnswer):
    """A host is no longer announced."""

    service: str


@dataclass(frozen=True, slots=True)
class DiscoveryFailed(KnownAnswer):
    """Multicast does not work here; the last addresses and all codes do."""

    reason: Reason
