"""Finds the known device that a person or a script means by what they typed."""

from collections.abc import Iterable

from proxim.core.errors import ProximError, Reason
from proxim.core.known.status import KnownEntry
from proxim.core.sanitize import display_id


def chosen_device(devices: Iterable[KnownEntry], typed: str) -> KnownEntry:
    """Return the device with this id, or else the only one with this name.

    Raises ProximError: DEVICE_UNKNOWN, or DEVICE_SEVERAL with the names and ids of all that it
    could be.
    """
    found = list(devices)
    wanted = typed.strip()
    named = [one for one in found if one.id == wanted]
    if not named:
        named = [one for one in found if _alike(one.name) == _alike(wanted)]
    if not named:
        raise ProximError(Reason.DEVICE_UNKNOWN)
    if len(named) > 1:
        listed = ", ".join(f"{one.name} ({one.id})" for one in named)
        raise ProximError(Reason.DEVICE_SEVERAL, listed)
    return named[0]


def _alike(name: str) -> str:
    """Return a name without what people do not see or mean: case, spacing, ways to compose, marks
    that a copied name brings along.
    """
    return display_id(name).casefold()
