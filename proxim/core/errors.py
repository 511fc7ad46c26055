"""The one table of everything that can go wrong, in words for people.

Every face (window, terminal, JSON lines, the wire's `message` field) takes its sentence from here.
Must never be here: handling of an error, or a sentence that carries a secret.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Reason(StrEnum):
    """Why something ended or was refused; the value is what stands on the wire and in JSON lines."""

    # `reason` of pair_result and session_ended (docs/protocol.md)
    DECLINED = "declined"
    TIMEOUT = "timeout"
    EXPIRED = "expired"
    BUSY = "busy"
    UNKNOWN_SESSION = "unknown_session"
    NOT_VERIFIED = "not_verified"
    CLOSED = "closed"
    TOO_MANY_TRIES = "too_many_tries"
    TAMPERED = "tampered"
    # `code` of the wire's error message
    BAD_JSON = "bad_json"
    BAD_MESSAGE = "bad_message"
    UNKNOWN_TYPE = "unknown_type"
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"
    NOT_ALLOWED = "not_allowed"
    # a code or an address that a person typed
    CODE_TYPO = "code_typo"
    CODE_INCOMPLETE = "code_incomplete"
    CODE_SYMBOL = "code_symbol"
    CODE_TOO_LONG = "code_too_long"
    CODE_UNKNOWN = "code_unknown"
    CODE_MISSING = "code_missing"
    LINK_UNREADABLE = "link_unreadable"
    # reaching the host
    NO_ANSWER = "no_answer"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    NOT_PROXIM = "not_proxim"
    HOST_FULL = "host_full"
    HOST_GONE = "host_gone"
    HOST_ERROR = "host_error"
    HOST_UNPROVEN = "host_unproven"
    FAR_ADDRESS = "far_address"
    JOIN_BUSY = "join_busy"
    # the guest, seen from the host
    GUEST_LEFT = "guest_left"
    PROMPT_GONE = "prompt_gone"
    CODE_CLOSED = "code_closed"
    # the link
    ICE_FAILED = "ice_failed"
    LINK_TIMEOUT = "link_timeout"
    NO_OFFER = "no_offer"
    NO_DESCRIPTION = "no_description"
    BAD_DESCRIPTION = "bad_description"
    PEER_VANISHED = "peer_vanished"
    PEER_LEFT = "peer_left"
    PEER_ERROR = "peer_error"
    DISCONNECTED = "disconnected"
    UNSUPPORTED = "unsupported"
    TEXT_TOO_LONG = "text_too_long"
    NOT_CONNECTED = "not_connected"
    # files
    CANCELLED = "cancelled"
    FILE_GONE = "file_gone"
    FILE_UNREADABLE = "file_unreadable"
    NOT_A_FILE = "not_a_file"
    FILE_CHANGED = "file_changed"
    FILE_DAMAGED = "file_damaged"
    NOTHING_TO_SEND = "nothing_to_send"
    TOO_MANY_FILES = "too_many_files"
    TOO_MANY_TRANSFERS = "too_many_transfers"
    NAME_REFUSED = "name_refused"
    DISK_FULL = "disk_full"
    FOLDER_READ_ONLY = "folder_read_only"
    FOLDER_GONE = "folder_gone"
    TRANSFER_FAILED = "transfer_failed"
    TRANSFER_GONE = "transfer_gone"
    SOME_FILES_FAILED = "some_files_failed"
    FILES_UNSUPPORTED = "files_unsupported"
    # this machine
    NO_NETWORK = "no_network"
    NETWORK_CHANGED = "network_changed"
    ADDRESS_GONE = "address_gone"
    NOT_OUR_ADDRESS = "not_our_address"
    PORT_TAKEN = "port_taken"
    PORT_REFUSED = "port_refused"
    SETTINGS_BROKEN = "settings_broken"
    SETTINGS_UNWRITABLE = "settings_unwritable"
    NAME_UNUSABLE = "name_unusable"
    NO_DISPLAY = "no_display"
    BAD_COMMAND = "bad_command"
    INTERNAL = "internal"


# Of one file among those that are to be sent; a Problem's detail is then its path: shown to its person, never logged.
FILE_REASONS: Final = frozenset(
    {
        Reason.FILE_GONE,
        Reason.FILE_UNREADABLE,
        Reason.NOT_A_FILE,
        Reason.NAME_REFUSED,
        Reason.TOO_MANY_FILES,
        Reason.NOTHING_TO_SEND,
    }
)

SENTENCES: Final[dict[Reason, str]] = {
    Reason.DECLINED: "The other person declined; ask them, then try again.",
    Reason.TIMEOUT: "Nobody approved within 40 seconds; ask the other person to look at their screen and try again.",
    Reason.EXPIRED: "This code has expired; use the new one that the host shows.",
    Reason.BUSY: "Another device is using this code now; try again in a moment, or ask the host to invite another.",
    Reason.UNKNOWN_SESSION: "The host no longer knows this code; use the one it shows now.",
    Reason.NOT_VERIFIED: "This device could not prove that it knows the host's code; type the one shown now.",
    Reason.CLOSED: "The host ended this session; ask for a new code.",
    Reason.TOO_MANY_TRIES: "Too many wrong codes were tried; ask the host for a new code, or scan its QR code.",
    Reason.TAMPERED: (
        "Somebody between the two devices changed what they sent each other, so the link was ended; try on another "
        "network, with a new code."
    ),
    Reason.BAD_JSON: "That message was not readable JSON; send one JSON object in each text frame.",
    Reason.BAD_MESSAGE: "That message has a missing or wrong field; compare it with docs/protocol.md.",
    Reason.UNKNOWN_TYPE: "That message has a type that this host does not know; compare it with docs/protocol.md.",
    Reason.TOO_LARGE: "That message is larger than this host accepts; send at most 64 KiB at once.",
    Reason.TOO_MANY: "Too many wrong messages came from there; connect again and follow docs/protocol.md.",
    Reason.NOT_ALLOWED: "That message is not allowed now; wait for the host's answer before the next step.",
    Reason.CODE_TYPO: "There is a typo in this code; compare it with the host's screen.",
    Reason.CODE_INCOMPLETE: "This code is not complete yet; type all of it.",
    Reason.CODE_SYMBOL: "A code has only digits and letters, and never a U; compare it with the host's screen.",
    Reason.CODE_TOO_LONG: "This code has too many symbols; compare it with the host's screen.",
    Reason.CODE_UNKNOWN: "This code comes from a newer Proxim; update Proxim on this device.",
    Reason.CODE_MISSING: "No code was given; start again with the code that the host shows.",
    Reason.LINK_UNREADABLE: "This is neither a host code nor a Proxim link; type the code that the host shows.",
    Reason.NO_ANSWER: (
        "The host does not answer: a firewall or the Wi-Fi may keep devices apart; check that both are on the same "
        "network, or let the other device host."
    ),
    Reason.REFUSED: (
        "The host's device answers, but Proxim is not open there; start Proxim on it and use the code it shows now."
    ),
    Reason.UNREACHABLE: (
        "There is no way from this network to the host's; connect both devices to the same network, then try again."
    ),
    Reason.NOT_PROXIM: "Something other than Proxim answers at that address; use the code that the host shows now.",
    Reason.HOST_FULL: (
        "The host's device closed the connection at once, perhaps because too many devices are connected to it; try "
        "again in a moment."
    ),
    Reason.HOST_GONE: "The host closed the connection; check that Proxim is still open there and try again.",
    Reason.HOST_ERROR: "The host could not understand this device; update Proxim on both devices and try again.",
    Reason.HOST_UNPROVEN: (
        "What answered there could not prove that it is the host of this code; compare the code with the host's "
        "screen, and if it is right, use another network."
    ),
    Reason.FAR_ADDRESS: (
        "This code leads outside the local network; go on only if you know that address (proxim join --yes)."
    ),
    Reason.JOIN_BUSY: "This device is already joining another; cancel that first.",
    Reason.GUEST_LEFT: "The other device left before you answered; it can ask again.",
    Reason.PROMPT_GONE: "That request is no longer there; the other device can ask again.",
    Reason.CODE_CLOSED: (
        "Too many wrong codes were tried, so the typed code is closed; make a new code, or let the other device scan "
        "the QR."
    ),
    Reason.ICE_FAILED: (
        "The devices found no direct way to each other: a firewall or VPN seems to block UDP; allow Proxim in the "
        "firewall, pause the VPN, or let the other device host."
    ),
    Reason.LINK_TIMEOUT: (
        "The link did not open within 15 seconds: a firewall or VPN may block UDP; allow Proxim in the firewall, pause "
        "the VPN, or let the other device host."
    ),
    Reason.NO_OFFER: "The other device was approved but never started the link; try again from there.",
    Reason.NO_DESCRIPTION: "This device could not prepare a link; check its network connection and try again.",
    Reason.BAD_DESCRIPTION: "The other device sent a link description that makes no sense; update Proxim there.",
    Reason.PEER_VANISHED: "The other device fell silent; check that it is awake and online, then connect again.",
    Reason.PEER_LEFT: "The other device disconnected; join again to go on.",
    Reason.PEER_ERROR: "The other device sent something this link cannot carry; update Proxim on both devices.",
    Reason.DISCONNECTED: "You disconnected; join again to go on.",
    Reason.UNSUPPORTED: "The other device cannot receive text; it linked without Proxim's control channel.",
    Reason.TEXT_TOO_LONG: "This text is longer than 1 MiB; send it in parts.",
    Reason.NOT_CONNECTED: "No device is connected; connect one first.",
    Reason.CANCELLED: "The transfer was cancelled; send the files again if they are still wanted.",
    Reason.FILE_GONE: "That file is no longer there; choose it again where it is now.",
    Reason.FILE_UNREADABLE: "This device may not read that file; check its permissions, then send it again.",
    Reason.NOT_A_FILE: "This is a link, a device or a pipe, and is not sent; choose the file or folder that is meant.",
    Reason.FILE_CHANGED: "The file changed while it was being sent; send it again when nothing writes to it any more.",
    Reason.FILE_DAMAGED: "What arrived was not what was sent, so it was thrown away; send the file again.",
    Reason.NOTHING_TO_SEND: "There is nothing to send; choose a file or a folder.",
    Reason.TOO_MANY_FILES: "These are more than 20,000 files at once; send them in parts, or pack them first.",
    Reason.TOO_MANY_TRANSFERS: "Too much is being sent at once; wait until some of it has arrived, then send the rest.",
    Reason.NAME_REFUSED: "A file's name or path cannot be used on the other device; rename it, then send it again.",
    Reason.DISK_FULL: "There is not enough room on the receiving disk; make room there, then send again.",
    Reason.FOLDER_READ_ONLY: "The folder for received files cannot be written to; choose another to save to.",
    Reason.FOLDER_GONE: "The folder for received files is no longer there; choose another to save to.",
    Reason.TRANSFER_FAILED: "The transfer could not be completed; try it again.",
    Reason.TRANSFER_GONE: "That transfer is no longer there; send the files again.",
    Reason.SOME_FILES_FAILED: "Some of the files did not arrive; see which, and send those again.",
    Reason.FILES_UNSUPPORTED: "The other device cannot take files over this link; update Proxim there.",
    Reason.NO_NETWORK: "This device is on no network; connect it to Wi-Fi or a cable, and a code will appear.",
    Reason.NETWORK_CHANGED: "The network changed; use the new code.",
    Reason.ADDRESS_GONE: "This device no longer has that network address; choose another under Network.",
    Reason.NOT_OUR_ADDRESS: "This device does not have that address; choose one of those that proxim doctor lists.",
    Reason.PORT_TAKEN: "That port is used by another program; choose another with --port.",
    Reason.PORT_REFUSED: (
        "This device does not let Proxim open that port, or a program holds it; choose another above 1024 with --port."
    ),
    Reason.SETTINGS_BROKEN: "The settings file was unreadable; it is kept beside a new one with a new identity.",
    Reason.SETTINGS_UNWRITABLE: "The settings could not be saved; this device's identity lasts until Proxim closes.",
    Reason.NAME_UNUSABLE: "A device name needs a visible character and at most 64 bytes; choose another.",
    Reason.NO_DISPLAY: "There is no screen here, so Proxim goes on in the terminal.",
    Reason.BAD_COMMAND: "That line is not a command Proxim knows; see docs/json-lines.md.",
    Reason.INTERNAL: "Something went wrong inside Proxim; please report it with the log file, then start Proxim again.",
}


# Ends that both sides see, and that read otherwise at the host.
HOST_SENTENCES: Final[dict[Reason, str]] = {
    Reason.DECLINED: "You rejected the request; the code still works for another device.",
    Reason.TIMEOUT: "Nobody here answered within 40 seconds; the other device can ask again.",
    Reason.BUSY: "Another device proved that it knows the code, so this one was turned away; it can ask again.",
    Reason.EXPIRED: "The time of this session is over; the next device needs the new code.",
    Reason.CLOSED: "You ended this session; the next device needs the new code.",
    Reason.PEER_LEFT: "The other device disconnected; it can join again with the code shown then.",
    Reason.DISCONNECTED: "You disconnected; the next device needs the new code.",
}


def sentence_for(reason: Reason, *, host: bool) -> str:
    """What happened and what to do next, for the person at the host or at the guest."""
    return HOST_SENTENCES.get(reason, SENTENCES[reason]) if host else SENTENCES[reason]


@dataclass(frozen=True, slots=True)
class Problem:
    """A reason with what a developer wants beside it; `detail` never holds a secret."""

    reason: Reason
    detail: str = ""

    @property
    def sentence(self) -> str:
        """What happened and what to do next, in one sentence for people."""
        return SENTENCES[self.reason]


class ProximError(Exception):
    """A failure with a sentence for people.

    Tree: ProximError
          +-- CodeError        a typed code or link cannot be used (host_code.py)
          +-- MessageError     a peer's message is wrong (messages.py, link_messages.py)
    """

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(reason.value, detail)
        self.problem = Problem(reason, detail)

    @property
    def reason(self) -> Reason:
        """Why."""
        return self.problem.reason


class MachineMisuseError(Exception):
    """Our own code gave a machine an event that its table does not hold: a bug of ours, never the peer's."""
