"""What people see of known devices."""

from dataclasses import dataclass, field
from enum import StrEnum

from proxim.core import events as ev
from proxim.core.errors import Reason
from proxim.core.pairing.devices import KnownID, Verified
from proxim.core.status import FeatureStatus


class Presence(StrEnum):
    """What is known about where a known device is."""

    # Nobody looks, or multicast does not work here.
    UNKNOWN = "unknown"
    # It is looked for, and not found so far.
    AWAY = "away"
    # It may be joined now. Only a proof says that it is the device that it seems to be.
    REACHABLE = "reachable"
    LINKED = "linked"


@dataclass(frozen=True, slots=True)
class KnownEntry:
    """A known device, as people see it. Moments are in Unix seconds."""

    id: KnownID
    name: str
    verified: Verified
    since: float
    last_seen: float
    presence: Presence
    let_in: bool
    files_to: str | None
    # Its open link; None while there is none.
    link: ev.LinkID | None = None


@dataclass(frozen=True, slots=True)
class KnownList(FeatureStatus):
    """All known devices, by name. It is published once the file was read, and after each change."""

    devices: tuple[KnownEntry, ...]
    # Whether this device may look for the others, and be found by them.
    discovery: bool
    # Why that does not work here; None if it does, or was not tried.
    trouble: Reason | None = None


class RememberStage(StrEnum):
    """The stages of two devices that are made known to each other, the same at both ends."""

    # The digits are being agreed on.
    PREPARING = "preparing"
    # The digits are to be compared; our person has not answered.
    COMPARE = "compare"
    # Our person has; the other side's has not.
    WAITING = "waiting"
    KEPT = "kept"
    # Nothing is remembered, for `reason`.
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Remembering(FeatureStatus):
    """What becomes of the wish that the two devices of a link know each other."""

    link: ev.LinkID
    stage: RememberStage
    peer_name: str | None
    # Whether this device's person asked for it.
    ours: bool
    # Six digits, for COMPARE and WAITING.
    digits: str | None = field(default=None, repr=False)
    # For COMPARE and WAITING.
    deadline: float | None = None
    reason: Reason | None = None
    # For KEPT.
    device: KnownID | None = None
    # For COMPARE and WAITING: the name here of the known device that the other side says to be. It
    # takes that device's place and name; nothing proves yet that it is the same.
    known_as: str | None = None
