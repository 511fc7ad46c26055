"""Everything that known devices ask of the disk and of the network."""

from dataclasses import dataclass, field

from proxim.core.known.devices import KnownFile


@dataclass(frozen=True, slots=True)
class SaveKnown:
    """Replace the file of known devices. A Trouble is published if that fails."""

    file: KnownFile = field(repr=False)


@dataclass(frozen=True, slots=True)
class Announce:
    """Announce this host with these tags (at most as many as announcement.py has room for), as
    long as its server listens; replaces the tags of before. SlotBegan follows when they are old.
    """

    tags: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class StopAnnouncing:
    """Announce nothing any more."""


@dataclass(frozen=True, slots=True)
class LookForServices:
    """Report ServiceSeen and ServiceGone from now on."""


@dataclass(frozen=True, slots=True)
class StopLooking:
    """Report no services any more."""


KnownCommand = SaveKnown | Announce | StopAnnouncing | LookForServices | StopLooking
