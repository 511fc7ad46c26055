"""What every face says about a transfer: sizes, speeds, how long it takes, what it is called, where
it stands.
"""

import math
from typing import Final

from proxim.core.errors import SENTENCES, Reason
from proxim.core.files import status as file_st
from proxim.core.files.manifest import Direction, chosen, title
from proxim.core.i18n import decimal, tr
from proxim.core.sanitize import display_id

# Characters of a file's name; the middle of a longer one is left out
NAME_SHOWN_MAX: Final = 60
# Of a shortened name, so that its ending (.jpg, .exe) is always seen
_END_SHOWN: Final = 16
# As disks are sold and as phones and macOS count; Windows counts by 1024 and calls it the same
_KILO: Final = 1000
_UNITS: Final = ("kB", "MB", "GB", "TB", "PB")
# From here on, tenths say nothing: "100 MB"
_WHOLE: Final = 99.95
_MINUTE: Final = 60
_DAY: Final = 86400


def size_words(size: int) -> str:
    """How much it is: "1 byte", "840 bytes", "8.4 MB", "120 GB"."""
    if size < _KILO:
        return tr("sizes.bytes", count=size)
    value = float(size)
    unit = ""
    for unit in _UNITS:  # noqa: B007 - the last one that fits
        value /= _KILO
        # What would be rounded to 1000 is 1.0 of the next
        if value < _KILO - 0.5:
            break
    return f"{decimal(value, 1 if value < _WHOLE else 0)} {unit}"


def speed_words(speed: float) -> str:
    """How fast it goes: "12.5 MB/s"."""
    return tr("sizes.perSecond", size=size_words(max(0, round(speed))))


def time_left_words(seconds: float) -> str:
    """How long it still takes, no finer than a guess can be: "8 s left", "3 min left", "2 h 10 min
    left".
    """
    whole = max(0, math.ceil(seconds))
    if whole < _MINUTE:
        return tr("times.secondsLeft", seconds=whole)
    hours, minutes = divmod(round(whole / _MINUTE), 60)
    if hours == 0:
        return tr("times.minutesLeft", minutes=minutes)
    if whole < _DAY:
        if minutes:
            return tr("times.hoursMinutesLeft", hours=hours, minutes=minutes)
        return tr("times.hoursLeft", hours=hours)
    return tr("times.overADayLeft")


def seconds_left(status: file_st.TransferStatus) -> float | None:
    """How long it still takes at the speed of the last seconds; None while nobody can tell."""
    if status.state is not file_st.TransferState.ACTIVE or not status.speed or status.speed <= 0:
        return None
    return max(0, status.size - status.moved) / status.speed


def percent(status: file_st.TransferStatus) -> int:
    """How much of it is done; 100 only when it is."""
    if status.state is file_st.TransferState.DONE:
        return 100
    return min(99, max(0, status.moved) * 100 // status.size) if status.size > 0 else 0


def name_words(name: str) -> str:
    """A file's or folder's name or path, whole, on one line, with nothing invisible in it."""
    return display_id(name) or tr("transfers.unnamedFile")


def short_name(name: str, most: int = NAME_SHOWN_MAX) -> str:
    """A name as name_words makes it, at most `most` characters long; its ending stays."""
    shown = name_words(name)
    if len(shown) <= most:
        return shown
    end = min(_END_SHOWN, most // 2)
    return f"{shown[: most - end - 1].rstrip()}…{shown[-end:].lstrip()}"


def transfer_title(status: file_st.TransferStatus) -> str:
    """What it is called: its first file or folder, "and 2 more" behind it where the person chose
    several.
    """
    return short_name(title(status.entries)) + others_words(status)


def others_words(status: file_st.TransferStatus) -> str:
    """What stands in its title behind the first file or folder: " and 2 more", or nothing."""
    others = chosen(status.entries) - 1
    return f" {tr('transfers.more', count=others)}" if others > 0 else ""


def file_count(status: file_st.TransferStatus) -> int:
    """How many files it has, without folders."""
    return sum(1 for entry in status.entries if not entry.directory)


def count_words(count: int) -> str:
    """So many files."""
    return tr("sizes.files", count=count)


def progress_words(status: file_st.TransferStatus) -> str:
    """How far it is: "840 kB of 8.4 MB"."""
    return tr("sizes.progress", moved=size_words(status.moved), size=size_words(status.size))


def state_words(status: file_st.TransferStatus) -> str:
    """Where it stands, in one sentence."""
    peer = status.peer_name or tr("device.other")
    incoming = status.direction is Direction.IN
    match status.state:
        case file_st.TransferState.ANNOUNCED:
            return (
                tr("transfers.answerAwaited")
                if incoming
                else tr("transfers.acceptAwaited", name=peer)
            )
        case file_st.TransferState.ACTIVE:
            if incoming:
                return tr(
                    "transfers.receivingFrom", name=status.peer_name or tr("device.otherWith")
                )
            return tr("transfers.sendingTo", name=peer)
        case file_st.TransferState.WAITING:
            return tr("transfers.resumeAwaited", name=peer)
        case file_st.TransferState.DONE if status.failed:
            return tr("transfers.someFailed", count=len(status.failed))
        case file_st.TransferState.DONE:
            return tr("transfers.received") if incoming else tr("transfers.sent")
        case file_st.TransferState.FAILED:
            return tr("transfers.failed") if status.reason is None else SENTENCES[status.reason]
        case file_st.TransferState.CANCELLED if incoming and status.reason is Reason.DECLINED:
            return tr("transfers.declined")
        case file_st.TransferState.CANCELLED:
            return tr("transfers.cancelled") if status.reason is None else SENTENCES[status.reason]
