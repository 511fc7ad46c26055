"""The words for a known device: where it is, when it was seen, and how it was verified."""

import datetime
from typing import Final

from proxim.core.i18n import tr
from proxim.core.known.status import KnownEntry, Presence
from proxim.core.pairing.devices import Verified

# Nobody has to tell colours apart: each presence has a sign of its own, and words beside it.
SIGNS: Final = {
    Presence.REACHABLE: "●",
    Presence.LINKED: "✓",
    Presence.AWAY: "○",
    Presence.UNKNOWN: "○",
}
_PRESENCES: Final = {
    Presence.REACHABLE: "known.reachable",
    Presence.LINKED: "known.linked",
    Presence.AWAY: "known.away",
}
_VERIFIED_BY: Final = {
    Verified.CODE: "known.byCode",
    Verified.QR: "known.byQR",
    Verified.KNOWN: "known.byKey",
}


def presence_words(entry: KnownEntry, now: float) -> str:
    """Return where a device is; `now` is in Unix seconds, as its moments are."""
    key = _PRESENCES.get(entry.presence)
    return tr(key) if key is not None else tr("known.seen", day=day_words(entry.last_seen, now))


def last_seen_words(entry: KnownEntry, now: float) -> str:
    """Return when a device was seen, and where it is if that is known."""
    seen = tr("known.lastSeen", day=day_words(entry.last_seen, now))
    key = _PRESENCES.get(entry.presence)
    return seen if key is None else f"{seen} · {tr(key)}"


def day_words(moment: float, now: float) -> str:
    """Return the day of a moment in this device's time: today, yesterday, or its date."""
    day, today = (datetime.datetime.fromtimestamp(at).date() for at in (moment, now))
    if day == today:
        return tr("known.today")
    if day == today - datetime.timedelta(days=1):
        return tr("known.yesterday")
    return date_words(moment)


def date_words(moment: float) -> str:
    """Return the date of a moment in this device's time, as this language writes it."""
    day = datetime.datetime.fromtimestamp(moment).date()
    return tr("known.date", year=f"{day.year:04}", month=f"{day.month:02}", day=f"{day.day:02}")


def verified_words(entry: KnownEntry) -> str:
    """Return since when a device is known, and how it was verified then."""
    return tr("known.since", date=date_words(entry.since), how=tr(_VERIFIED_BY[entry.verified]))


def forget_means(*, linked: bool) -> str:
    """Return what becomes of a device that is forgotten, and of its link if it has one."""
    means = tr("known.forgetMeans")
    return f"{means} {tr('known.forgetLeavesOpen')}" if linked else means
