"""What the terminal says about things that are no failures: how long, which network, what a badge means, how it ended.

Must never be here: a sentence that core/errors.py has, what is done about anything.
"""

import math
import time
from typing import Final

from proxim.core.errors import Reason, sentence_for
from proxim.core.events import Network, SessionType
from proxim.core.messages import Verified
from proxim.core.status import Invitation, LinkStatus, Networks, Via
from proxim.ui.console import Colour
from proxim.ui.face import Role

_MINUTE: Final = 60
_UNITS: Final = (("day", 86400), ("hour", 3600), ("minute", _MINUTE))
NOBODY_ANSWERS: Final = "Nobody can answer here, as the input has ended; the request will run out."
BADGES: Final = {
    Verified.CODE: ("Verified: it knows your code", Colour.GREEN),
    Verified.QR: ("Scanned your QR: it holds the secret in it", Colour.BLUE),
    None: ("Not verified: anybody on this network could use this name", Colour.AMBER),
}
CODE_IS_CLOSED: Final = "closed, as too many wrong ones were tried; /new makes a new one"
UNVERIFIED_CAUTION: Final = (
    "Nothing shows that this device has seen your code. Allow it only if you expect exactly this device now."
)
TOO_MANY_UNVERIFIED: Final = "Too many devices ask without proof, so one more was turned away; it can ask again."
# A "y" that was meant as text to a device already linked, or for the request that stood here before, must not approve
# another one that asked in this moment.
DEAD_SECONDS: Final = 0.8
TOO_SOON: Final = "That came too soon to be an answer; please read the question first."
COMMANDS: Final = {
    Role.HOST: "/disconnect ends the link, /new makes a new code, /quit ends Proxim",
    Role.JOIN: "/quit ends the link and Proxim",
}
FILE_COMMANDS: Final = (
    "/send PATH sends a file or folder (spaces: in quotation marks), /files lists transfers, /cancel ends one, /retry "
    "sends again what failed"
)
WHICH_TRANSFER: Final = "Which one? {command} N, with its number in the list; {command} all."
NO_SUCH_TRANSFER: Final = "There is no such transfer; /files lists them."
NOTHING_TO_CANCEL: Final = "Nothing is moving now; /files lists what was."
NOTHING_TO_RETRY: Final = "Nothing that was sent from here has failed."
SEND_USAGE: Final = 'Type /send and a path, with spaces in quotation marks: /send "my photos" notes.txt'
QUOTE_MISSING: Final = "A quotation mark is missing; put one before the path and one behind it."
_PROVED: Final = {
    (Role.HOST, Verified.CODE): "verified",
    (Role.HOST, Verified.QR): "scanned your QR",
    (Role.JOIN, Verified.CODE): "verified",
    (Role.JOIN, Verified.QR): "verified by its link",
}
_TYPES: Final = {
    SessionType.ONE_TIME: "for one device",
    SessionType.TEMPORARY: "the link ends with it",
    SessionType.PERSISTENT: "until you end it",
}


def end_words(role: Role, reason: Reason | None) -> str:
    """Why a request or a link ended."""
    if reason is None:
        return "The link has ended."
    return sentence_for(reason, host=role is Role.HOST)


def connected_words(role: Role, status: LinkStatus) -> str:
    """A link is open."""
    name = status.peer_name or "the other device"
    if status.resumes is not None:
        return f"Connected with {name} again."
    way = ", without WebRTC: UDP seems blocked" if status.via is Via.LANE else ""
    return (
        f"Connected with {name} ({proved_words(role, status.verified)}){way}. "
        f"Type a line to send it, /send PATH for files; {COMMANDS[role]}."
    )


def proved_words(role: Role, verified: Verified | None) -> str:
    """How the other device of a link proved itself, to stand in brackets behind its name."""
    return "not verified" if verified is None else _PROVED[role, verified]


def waiting_words(*, qr_shown: bool, code_shown: bool) -> str:
    """What to do with what is shown."""
    what = "the code" if code_shown else "the link"
    type_it = f"type {what} into Proxim on the other device (proxim join)"
    return f"Waiting: {'scan the QR, or ' if qr_shown else ''}{type_it}."


def validity(invitation: Invitation, now: float, wall_now: float) -> str:
    """How long a code lives, as a duration and as the time of day here."""
    words = _TYPES[invitation.type]
    if invitation.expires is None:
        return words
    left = invitation.expires - now
    until = time.localtime(wall_now + left)
    return f"{duration(left)}, until {until.tm_hour:02}:{until.tm_min:02}, {words}"


def network_words(networks: Networks) -> str:
    """The address that is listened on, and the others that another device may reach."""
    chosen = [network for network in networks.networks if network.address == networks.chosen]
    others = [network for network in networks.networks if network.address != networks.chosen and not network.virtual]
    text = ", ".join(map(_named, chosen)) or "unknown"
    return f"{text}; others for --address: {', '.join(map(_named, others))}" if others else text


def _named(network: Network) -> str:
    return f"{network.address} ({network.interface})"


def duration(seconds: float) -> str:
    """Rounded to what a person needs: "45 seconds", "90 minutes", "3 hours", "7 days"."""
    whole = max(0, math.ceil(seconds))
    # From two of a unit on: "90 minutes" says more than "2 hours". A single minute is the exception, not "60 seconds".
    size, unit = next(
        ((size, unit) for unit, size in _UNITS if whole >= 2 * size or whole == size == _MINUTE), (1, "second")
    )
    count = round(whole / size)
    return f"{count} {unit}{'' if count == 1 else 's'}"
