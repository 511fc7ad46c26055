"""The terminal's sentences that are not about failures: durations, networks, badges and how links
end.

Each function returns translated text for terminal.py to write.
"""

import math
import time
from typing import Final

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Reason, sentence_for
from proxim.core.i18n import tr
from proxim.core.pairing.devices import Verified
from proxim.ui.text.console import Colour
from proxim.ui.text.model import Role

_MINUTE: Final = 60
_UNITS: Final = (("times.days", 86400), ("times.hours", 3600), ("times.minutes", _MINUTE))
BADGES: Final = {
    Verified.CODE: ("terminal.badgeCode", Colour.GREEN),
    Verified.QR: ("terminal.badgeQR", Colour.BLUE),
    Verified.KNOWN: ("devices.badge", Colour.GREEN),
    None: ("terminal.badgeNone", Colour.AMBER),
}
# Once digits have differed, nobody is shown what was proved on that link.
DIFFERED: Final = ("devices.badgeDiffered", Colour.RED)
# What is said before a host is dialled that needs the person's consent.
CAUTIONS: Final = {
    Reason.FAR_ADDRESS: ("terminal.far", "terminal.farCaution"),
    Reason.NO_SECRET: ("join.noSecret",),
}
SCREEN_COMMANDS: Final = frozenset({"/see", "/show", "/control", "/pause", "/resume", "/hide"})
# What --share-screen allows beforehand.
SHARED: Final = {"view": "terminal.sharedView", "control": "terminal.sharedControl"}
COMMANDS: Final = {Role.HOST: "terminal.hostCommands", Role.JOIN: "terminal.joinCommands"}
_PROVED: Final = {
    (Role.HOST, Verified.CODE): "terminal.verified",
    (Role.HOST, Verified.QR): "terminal.scanned",
    (Role.JOIN, Verified.CODE): "terminal.verified",
    (Role.JOIN, Verified.QR): "terminal.verifiedByLink",
    (Role.HOST, Verified.KNOWN): "devices.proved",
    (Role.JOIN, Verified.KNOWN): "devices.proved",
}
_TYPES: Final = {
    ev.SessionType.ONE_TIME: "terminal.forOne",
    ev.SessionType.TEMPORARY: "terminal.linkEndsWithIt",
    ev.SessionType.PERSISTENT: "terminal.untilEnded",
}
# The key is: a QR is shown, a code is shown.
_WAITING: Final = {
    (False, False): "terminal.waitingLink",
    (False, True): "terminal.waitingCode",
    (True, False): "terminal.waitingQRLink",
    (True, True): "terminal.waitingQRCode",
}


def answers(key: str) -> frozenset[str]:
    """Return the words that count as this answer: those of the chosen language and the English
    ones.
    """
    return frozenset(tr(key).split())


def end_words(role: Role, reason: Reason | None, *, known: bool) -> str:
    """Return why a request ended; `known` as in sentence_for."""
    if reason is None:
        return tr("terminal.ended")
    return sentence_for(reason, host=role is Role.HOST, known=known)


def connected_words(role: Role, status: st.LinkStatus, *, anybody: bool = True) -> str:
    """Return the sentence for a link that is now open; `anybody` is false if nobody can type."""
    name = status.peer_name or tr("device.otherWith")
    if status.resumes is not None:
        return tr("terminal.connectedAgain", name=name)
    way = tr("terminal.overLane") if status.via is st.Via.LANE else ""
    proof = proved_words(role, status.verified)
    if not anybody:
        return tr("terminal.connectedOnly", name=name, proof=proof, way=way)
    return tr("terminal.connected", name=name, proof=proof, way=way, commands=tr(COMMANDS[role]))


def proved_words(role: Role, verified: Verified | None) -> str:
    """Return how the other device proved itself, to stand in brackets behind its name."""
    return tr("terminal.notVerified" if verified is None else _PROVED[role, verified])


def waiting_words(*, qr_shown: bool, code_shown: bool) -> str:
    """Return what a person can do with the QR, code or link that is shown."""
    return tr(_WAITING[qr_shown, code_shown])


def validity(invitation: st.Invitation, now: float, wall_now: float) -> str:
    """Return how long a code is valid, as a duration and as the local time of day."""
    kind = tr(_TYPES[invitation.type])
    if invitation.expires is None:
        return kind
    left = invitation.expires - now
    until = time.localtime(wall_now + left)
    clock = f"{until.tm_hour:02}:{until.tm_min:02}"
    return tr("terminal.validUntil", time=duration(left), clock=clock, kind=kind)


def network_words(networks: st.Networks) -> str:
    """Return the address that the server listens on, and others that a device may reach."""
    chosen = [network for network in networks.networks if network.address == networks.chosen]
    others = [
        network
        for network in networks.networks
        if network.address != networks.chosen and not network.virtual
    ]
    text = ", ".join(map(_named, chosen)) or tr("terminal.networkUnknown")
    if not others:
        return text
    return tr("terminal.networkOthers", networks=text, others=", ".join(map(_named, others)))


def _named(network: ev.Network) -> str:
    return f"{network.address} ({network.interface})"


def duration(seconds: float) -> str:
    """Return a duration rounded to what a person needs: "45 seconds", "90 minutes", "3 hours", "7
    days".
    """
    whole = max(0, math.ceil(seconds))
    # A unit is used from two of it on, as "90 minutes" says more than "2 hours". A single minute is
    # the exception: it is not "60 seconds".
    size, unit = next(
        ((size, unit) for unit, size in _UNITS if whole >= 2 * size or whole == size == _MINUTE),
        (1, "times.seconds"),
    )
    return tr(unit, count=round(whole / size))
