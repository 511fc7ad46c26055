"""A device's name and id, and how a guest proved itself."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

# A known device's name on this device: for scripts and faces. It is never sent.
KnownID = NewType("KnownID", str)


class Verified(StrEnum):
    """How a guest proved that it knows the code."""

    CODE = "code"
    QR = "qr"
    # By the key that two devices share since they were made known to each other.
    KNOWN = "known"

    @property
    def by_programs(self) -> bool:
        """Whether both ends are surely programs: no page that may have been altered took part."""
        return self is not Verified.QR


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """A device: its name as sent, which is not yet safe to show, and its installation's id."""

    name: str
    id: str
