"""What is known of a device: what it is called, and how it proved itself."""

from dataclasses import dataclass
from enum import StrEnum


class Verified(StrEnum):
    """How a guest proved that it knows the code."""

    CODE = "code"
    QR = "qr"


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """Who asks: a name for people (as sent, not yet fit to show) and the installation's id."""

    name: str
    id: str
