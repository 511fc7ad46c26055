"""The one table of everything that can go wrong: its reasons, and through them its sentences for
people.

Every face (window, terminal, JSON lines, the wire's `message` field) takes its sentences from here.
The sentences are in the language in use, in its sections `reasons` and `hostReasons`, and in
`knownReasons` and `knownHostReasons` for links between known devices.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

from proxim.core.i18n import tr


class Reason(StrEnum):
    """Why something ended or was refused; the value is used on the wire and in JSON lines."""

    # The `reason` of pair_result and session_ended (docs/protocol.md).
    DECLINED = "declined"
    TIMEOUT = "timeout"
    EXPIRED = "expired"
    BUSY = "busy"
    UNKNOWN_SESSION = "unknown_session"
    NOT_VERIFIED = "not_verified"
    CLOSED = "closed"
    TOO_MANY_TRIES = "too_many_tries"
    TAMPERED = "tampered"
    # Nobody can answer at the device that was asked, so its program did; it is no person's no.
    UNATTENDED = "unattended"
    # The `code` of the wire's error message.
    BAD_JSON = "bad_json"
    BAD_MESSAGE = "bad_message"
    UNKNOWN_TYPE = "unknown_type"
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"
    NOT_ALLOWED = "not_allowed"
    # Problems with a code or an address that a person typed.
    CODE_TYPO = "code_typo"
    CODE_INCOMPLETE = "code_incomplete"
    CODE_SYMBOL = "code_symbol"
    CODE_TOO_LONG = "code_too_long"
    CODE_UNKNOWN = "code_unknown"
    CODE_MISSING = "code_missing"
    LINK_UNREADABLE = "link_unreadable"
    LINK_INCOMPLETE = "link_incomplete"
    SEVERAL_LINKS = "several_links"
    NO_SECRET = "no_secret"
    # The code or link is that of the program or installation that it was given to.
    OWN_CODE = "own_code"
    # Problems on the way to the host.
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
    # Problems with a guest, seen from the host.
    GUEST_LEFT = "guest_left"
    GUEST_RETURNED = "guest_returned"
    PROMPT_GONE = "prompt_gone"
    CODE_CLOSED = "code_closed"
    # Problems of a link.
    ICE_FAILED = "ice_failed"
    LINK_TIMEOUT = "link_timeout"
    NO_OFFER = "no_offer"
    NO_DESCRIPTION = "no_description"
    # The page says so of a browser without WebRTC, and when it leaves the host to another browser.
    NO_WEBRTC = "no_webrtc"
    LINK_COPIED = "link_copied"
    BAD_DESCRIPTION = "bad_description"
    PEER_VANISHED = "peer_vanished"
    REPLACED = "replaced"
    PEER_LEFT = "peer_left"
    PEER_ERROR = "peer_error"
    DISCONNECTED = "disconnected"
    UNSUPPORTED = "unsupported"
    TEXT_TOO_LONG = "text_too_long"
    NOT_CONNECTED = "not_connected"
    # Problems with files.
    CANCELLED = "cancelled"
    FILE_GONE = "file_gone"
    FILE_UNREADABLE = "file_unreadable"
    NOT_A_FILE = "not_a_file"
    FILE_CHANGED = "file_changed"
    FILE_DAMAGED = "file_damaged"
    NOTHING_TO_SEND = "nothing_to_send"
    TOO_MANY_FILES = "too_many_files"
    TOO_MANY_TRANSFERS = "too_many_transfers"
    # It goes to a pipe there, and no person has declined.
    ONE_FILE_ONLY = "one_file_only"
    NAME_REFUSED = "name_refused"
    DISK_FULL = "disk_full"
    FILE_TOO_LARGE = "file_too_large"
    FOLDER_READ_ONLY = "folder_read_only"
    FOLDER_GONE = "folder_gone"
    TRANSFER_FAILED = "transfer_failed"
    TRANSFER_GONE = "transfer_gone"
    SOME_FILES_FAILED = "some_files_failed"
    FILES_UNSUPPORTED = "files_unsupported"
    # Problems with shared screens.
    SCREEN_SEEN = "screen_seen"
    NO_SCREEN = "no_screen"
    # A browser shows a page that came over http no picture of its own screen.
    PAGE_SCREEN = "page_screen"
    SCREEN_UNSUPPORTED = "screen_unsupported"
    SCREEN_FORBIDDEN = "screen_forbidden"
    SCREEN_LOST = "screen_lost"
    # What a system needs before its screen can be shown or controlled.
    SCREEN_PERMISSION = "screen_permission"
    SCREEN_REVOKED = "screen_revoked"
    NO_PORTAL = "no_portal"
    NO_GSTREAMER = "no_gstreamer"
    CONTROL_PERMISSION = "control_permission"
    CONTROL_FORBIDDEN = "control_forbidden"
    CONTROL_BLOCKED = "control_blocked"
    CONTROL_UNSUPPORTED = "control_unsupported"
    CONTROL_UNVERIFIED = "control_unverified"
    # The other device's Proxim is too old, or it is a client of its own.
    SCREENS_UNKNOWN = "screens_unknown"
    SCREEN_IDLE = "screen_idle"
    BAR_HIDDEN = "bar_hidden"
    MONITOR_GONE = "monitor_gone"
    OWN_WINDOW = "own_window"
    QUESTION_OPEN = "question_open"
    NOTHING_COPIED = "nothing_copied"
    COPIED_TOO_LONG = "copied_too_long"
    CLIPBOARD_UNSUPPORTED = "clipboard_unsupported"
    # Problems with known devices.
    NOT_RECOGNISED = "not_recognised"
    FORGOTTEN = "forgotten"
    # The person here, perhaps in another program, has forgotten the device meanwhile.
    FORGOTTEN_HERE = "forgotten_here"
    DEVICE_NOT_FOUND = "device_not_found"
    DEVICE_UNKNOWN = "device_unknown"
    DEVICE_LINKED = "device_linked"
    # The Problem's detail is the names and ids of those that it could be.
    DEVICE_SEVERAL = "device_several"
    DIGITS_DIFFER = "digits_differ"
    REMEMBER_UNVERIFIED = "remember_unverified"
    REMEMBER_UNSUPPORTED = "remember_unsupported"
    # The Problem's detail is the name under which the file is kept, here and with KNOWN_FOREIGN.
    KNOWN_BROKEN = "known_broken"
    # The Problem's detail is the file, with the reason or the owner.
    KNOWN_UNREADABLE = "known_unreadable"
    # The Problem's detail is the names of those entries, and where they are kept.
    KNOWN_DAMAGED = "known_damaged"
    # The file was there, and is not any more.
    KNOWN_LOST = "known_lost"
    # The file belongs to another installation, or was copied from it.
    KNOWN_FOREIGN = "known_foreign"
    KNOWN_UNWRITABLE = "known_unwritable"
    NO_MULTICAST = "no_multicast"
    # Problems of this machine.
    NO_NETWORK = "no_network"
    NETWORK_CHANGED = "network_changed"
    ADDRESS_GONE = "address_gone"
    NOT_OUR_ADDRESS = "not_our_address"
    PORT_TAKEN = "port_taken"
    PORT_REFUSED = "port_refused"
    SETTINGS_BROKEN = "settings_broken"
    SETTINGS_UNWRITABLE = "settings_unwritable"
    # The Problem's detail is the file and its owner.
    SETTINGS_FOREIGN = "settings_foreign"
    QR_FILE_UNWRITABLE = "qr_file_unwritable"
    NAME_UNUSABLE = "name_unusable"
    NO_DISPLAY = "no_display"
    BAD_COMMAND = "bad_command"
    LINE_CUT = "line_cut"
    INTERNAL = "internal"


_Otherwise = TypeVar("_Otherwise", bound=Reason | None)


def reason_of(
    word: str | None, known: Iterable[Reason], otherwise: _Otherwise
) -> Reason | _Otherwise:
    """Return the Reason that a peer's word stands for.

    `known` are those that the peer may give there; any other word, perhaps of a newer version, and
    no word become `otherwise`.
    """
    return next((reason for reason in known if reason.value == word), otherwise)


# Reasons for one file among those to be sent. The Problem's detail is then the file's path, which
# is shown to its person and never logged.
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

# Reasons whose sentence ends with the Problem's detail.
_ENDING_IN_DETAIL: Final = frozenset(
    {
        Reason.SETTINGS_BROKEN,
        Reason.SETTINGS_FOREIGN,
        Reason.DEVICE_SEVERAL,
        Reason.KNOWN_BROKEN,
        Reason.KNOWN_UNREADABLE,
        Reason.KNOWN_DAMAGED,
        Reason.KNOWN_FOREIGN,
    }
)


class _Sentences(Mapping[Reason, str]):
    """One section of the language in use."""

    def __init__(self, section: str, reasons: tuple[Reason, ...]) -> None:
        self._section = section
        self._reasons = reasons

    def __getitem__(self, reason: Reason) -> str:
        if reason not in self._reasons:
            raise KeyError(reason)
        return tr(f"{self._section}.{reason}")

    def __iter__(self) -> Iterator[Reason]:
        return iter(self._reasons)

    def __len__(self) -> int:
        return len(self._reasons)


SENTENCES: Final[Mapping[Reason, str]] = _Sentences("reasons", tuple(Reason))

# Reasons that both sides see, and that have another sentence at the host.
HOST_SENTENCES: Final[Mapping[Reason, str]] = _Sentences(
    "hostReasons",
    (
        Reason.DECLINED,
        Reason.TIMEOUT,
        Reason.UNATTENDED,
        Reason.BUSY,
        Reason.EXPIRED,
        Reason.CLOSED,
        Reason.PEER_LEFT,
        Reason.DISCONNECTED,
    ),
)


# Known devices have no code, so reasons whose sentences name one have others between them: at both
# ends, and at the host.
KNOWN_SENTENCES: Final[Mapping[Reason, str]] = _Sentences(
    "knownReasons",
    (
        Reason.EXPIRED,
        Reason.BUSY,
        Reason.UNKNOWN_SESSION,
        Reason.NOT_VERIFIED,
        Reason.CLOSED,
        Reason.TOO_MANY_TRIES,
        Reason.TAMPERED,
        Reason.REFUSED,
        Reason.NOT_PROXIM,
        Reason.HOST_UNPROVEN,
        Reason.GUEST_RETURNED,
        Reason.REPLACED,
        Reason.DISCONNECTED,
    ),
)
KNOWN_HOST_SENTENCES: Final[Mapping[Reason, str]] = _Sentences(
    "knownHostReasons",
    (
        Reason.BUSY,
        Reason.EXPIRED,
        Reason.CLOSED,
        Reason.PEER_LEFT,
        Reason.DISCONNECTED,
    ),
)


def sentence_for(reason: Reason, *, host: bool, known: bool) -> str:
    """Return what happened and what to do next, for the person at the host or at the guest.

    `known` says whether it is about a link, or a request, by which one known device came to another
    without a code.
    """
    tables = (
        KNOWN_HOST_SENTENCES if known and host else {},
        KNOWN_SENTENCES if known else {},
        HOST_SENTENCES if host else {},
    )
    return next((table[reason] for table in tables if reason in table), SENTENCES[reason])


# Of a transfer each side reads what it can do itself: the sender of a fault of the receiver's disk,
# and the receiver of one of the sender's files.
SENDING_SENTENCES: Final[Mapping[Reason, str]] = _Sentences(
    "sendingReasons",
    (
        Reason.DISK_FULL,
        Reason.FILE_TOO_LARGE,
        Reason.FOLDER_READ_ONLY,
        Reason.FOLDER_GONE,
    ),
)
RECEIVING_SENTENCES: Final[Mapping[Reason, str]] = _Sentences(
    "receivingReasons",
    (
        Reason.DECLINED,
        Reason.UNATTENDED,
        Reason.FILE_GONE,
        Reason.FILE_UNREADABLE,
        Reason.NOT_A_FILE,
        Reason.FILE_CHANGED,
        Reason.FILE_DAMAGED,
        Reason.TOO_MANY_FILES,
        Reason.TOO_MANY_TRANSFERS,
        Reason.NAME_REFUSED,
        Reason.DISK_FULL,
        Reason.FILE_TOO_LARGE,
        Reason.FOLDER_READ_ONLY,
        Reason.FOLDER_GONE,
        Reason.TRANSFER_FAILED,
        Reason.SOME_FILES_FAILED,
        Reason.CANCELLED,
        Reason.ONE_FILE_ONLY,
    ),
)


def transfer_sentence(reason: Reason, *, incoming: bool) -> str:
    """Return what happened to files, and what to do next, for who receives or sends them."""
    own = RECEIVING_SENTENCES if incoming else SENDING_SENTENCES
    return own[reason] if reason in own else SENTENCES[reason]


@dataclass(frozen=True, slots=True)
class Problem:
    """A reason with a detail for developers; `detail` never contains a secret."""

    reason: Reason
    detail: str = ""
    # As in sentence_for.
    known: bool = False

    @property
    def sentence(self) -> str:
        """What happened and what to do next, in one sentence for people."""
        sentence = sentence_for(self.reason, host=False, known=self.known)
        if self.reason in _ENDING_IN_DETAIL and self.detail:
            return f"{sentence.removesuffix('.')}: {self.detail}."
        return sentence


class ProximError(Exception):
    """A failure that has a sentence for people.

    Among its subclasses are CodeError (a typed code or URL cannot be used, host_code.py),
    MessageError (a peer's message is wrong, json_text.py), ProofError (proof.py) and FilenameError
    (filenames.py).
    """

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(reason.value, detail)
        self.problem = Problem(reason, detail)

    @property
    def reason(self) -> Reason:
        """The reason of the failure."""
        return self.problem.reason


class MachineMisuseError(Exception):
    """Our own code gave a machine an event that its table does not contain.

    It is always a bug of ours, never the peer's fault.
    """
