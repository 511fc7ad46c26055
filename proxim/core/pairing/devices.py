"""A device's name and id, and how a guest proved itself."""

from dataclasses import dataclass
from enum import StrEnum


class Verified(StrEnum):
    """How a guest proved that it knows the code."""

    CODE = "code"
    QR = "qr"


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """A device: its name as sent, which is not yet safe to show, and its installation's id."""

    name: str
    id: str
