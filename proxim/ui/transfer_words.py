"""What every face says about a transfer: sizes, speeds, how long it takes, what it is called, where it stands.

Must never be here: a sentence that core/errors.py has, what is done about a transfer, how it looks.
"""

import math
from typing import Final

from proxim.core.errors import SENTENCES, Reason
from proxim.core.manifest import Direction, chosen, title
from proxim.core.status import TransferState, TransferStatus
from proxim.core.texts import display_id

UNNAMED_FILE: Final = "Unnamed file"
NAME_SHOWN_MAX: Final = 60  # characters of a file's name; the middle of a longer one is left out
_END_SHOWN: Final = 16  # of a shortened name, so that its ending (.jpg, .exe) is always seen
_KILO: Final = 1000  # as disks are sold and as phones and macOS count; Windows counts by 1024 and calls it the same
_UNITS: Final = ("kB", "MB", "GB", "TB", "PB")
_WHOLE: Final = 99.95  # from here on, tenths say nothing: "100 MB"
_MINUTE: Final = 60
_DAY: Final = 86400


def size_words(size: int) -> str:
    """How much it is: "1 byte", "840 bytes", "8.4 MB", "120 GB"."""
    if size < _KILO:
        return f"{size} byte{'' if size == 1 else 's'}"
    value = float(size)
    unit = ""
    for unit in _UNITS:  # noqa: B007 - the last one that fits
        value /= _KILO
        if value < _KILO - 0.5:  # what would be rounded to 1000 is 1.0 of the next
            break
    return f"{value:.1f} {unit}" if value < _WHOLE else f"{value:.0f} {unit}"


def speed_words(speed: float) -> str:
    """How fast it goes: "12.5 MB/s"."""
    return f"{size_words(max(0, round(speed)))}/s"


def time_left_words(seconds: float) -> str:
    """How long it still takes, no finer than a guess can be: "8 s left", "3 min left", "2 h 10 min left"."""
    whole = max(0, math.ceil(seconds))
    if whole < _MINUTE:
        return f"{whole} s left"
    hours, minutes = divmod(round(whole / _MINUTE), 60)
    if hours == 0:
        return f"{minutes} min left"
    if whole < _DAY:
        return f"{hours} h {minutes} min left" if minutes else f"{hours} h left"
    return "more than a day left"


def seconds_left(status: TransferStatus) -> float | None:
    """How long it still takes at the speed of the last seconds; None while nobody can tell."""
    if status.state is not TransferState.ACTIVE or not status.speed or status.speed <= 0:
        return None
    return max(0, status.size - status.moved) / status.speed


def percent(status: TransferStatus) -> int:
    """How much of it is done; 100 only when it is."""
    if status.state is TransferState.DONE:
        return 100
    return min(99, max(0, status.moved) * 100 // status.size) if status.size > 0 else 0


def name_words(name: str) -> str:
    """A file's or folder's name or path, whole, on one line, with nothing invisible in it."""
    return display_id(name) or UNNAMED_FILE


def short_name(name: str, most: int = NAME_SHOWN_MAX) -> str:
    """A name as name_words makes it, at most `most` characters long; its ending stays."""
    shown = name_words(name)
    if len(shown) <= most:
        return shown
    end = min(_END_SHOWN, most // 2)
    return f"{shown[: most - end - 1].rstrip()}…{shown[-end:].lstrip()}"


def transfer_title(status: TransferStatus) -> str:
    """What it is called: its first file or folder, "and 2 more" behind it where the person chose several."""
    name = short_name(title(status.entries))
    others = chosen(status.entries) - 1
    return f"{name} and {others:,} more" if others > 0 else name


def file_count(status: TransferStatus) -> int:
    """How many files it has, without folders."""
    return sum(1 for entry in status.entries if not entry.directory)


def count_words(count: int) -> str:
    """So many files."""
    return f"{count:,} file{'' if count == 1 else 's'}"


def progress_words(status: TransferStatus) -> str:
    """How far it is: "840 kB of 8.4 MB"."""
    return f"{size_words(status.moved)} of {size_words(status.size)}"


def state_words(status: TransferStatus) -> str:
    """Where it stands, in one sentence."""
    peer = status.peer_name or "the other device"
    incoming = status.direction is Direction.IN
    match status.state:
        case TransferState.ANNOUNCED:
            return "Waiting for your answer." if incoming else f"Waiting for {peer} to accept."
        case TransferState.ACTIVE:
            return f"Receiving from {peer}." if incoming else f"Sending to {peer}."
        case TransferState.WAITING:
            return f"Waiting to resume; it goes on when {peer} is connected again."
        case TransferState.DONE if status.failed:
            return f"Finished, but {count_words(len(status.failed))} did not arrive."
        case TransferState.DONE:
            return "Received and verified." if incoming else "Sent and verified."
        case TransferState.FAILED:
            return "It failed." if status.reason is None else SENTENCES[status.reason]
        case TransferState.CANCELLED if incoming and status.reason is Reason.DECLINED:
            return "You declined."
        case TransferState.CANCELLED:
            return "Cancelled." if status.reason is None else SENTENCES[status.reason]
