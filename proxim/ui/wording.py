"""The words that every face uses for a transfer: sizes, speeds, time left, title, progress and
state.
"""

import math
from collections.abc import Callable
from typing import Final

from proxim.core.errors import FILE_REASONS, SENTENCES, Problem, Reason
from proxim.core.files import status as file_st
from proxim.core.files.manifest import Direction, RenamedFile, chosen, title
from proxim.core.i18n import decimal, tr
from proxim.core.sanitize import display_id, visible_name

# Characters of a file's name; a longer one is cut in the middle.
NAME_SHOWN_MAX: Final = 60
# This many characters at the end of a cut name are kept, so that its type (.jpg, .exe) is always
# visible.
_END_SHOWN: Final = 16
# Disks are sold with this unit, and phones and macOS count by it; Windows counts by 1024 under the
# same name.
_KILO: Final = 1000
_UNITS: Final = ("kB", "MB", "GB", "TB", "PB")
# From this value on, tenths are of no use: "100 MB".
_WHOLE: Final = 99.95
_MINUTE: Final = 60
_DAY: Final = 86400


def size_words(size: int) -> str:
    """Return a size in words: "1 byte", "840 bytes", "8.4 MB", "120 GB"."""
    if size < _KILO:
        return tr("sizes.bytes", count=size)
    value = float(size)
    unit = ""
    for unit in _UNITS:  # noqa: B007 - the last one that fits
        value /= _KILO
        # A value that would be rounded to 1000 becomes 1.0 of the next unit.
        if value < _KILO - 0.5:
            break
    return f"{decimal(value, 1 if value < _WHOLE else 0)} {unit}"


def speed_words(speed: float) -> str:
    """Return a speed in words: "12.5 MB/s"."""
    return tr("sizes.perSecond", size=size_words(max(0, round(speed))))


def time_left_words(seconds: float) -> str:
    """Return the time left, no finer than an estimate can be: "8 s left", "3 min left", "2 h 10 min
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
    """Return the seconds left at the speed of the last seconds, or None while that is unknown."""
    if status.state is not file_st.TransferState.ACTIVE or not status.speed or status.speed <= 0:
        return None
    return max(0, status.size - status.moved) / status.speed


def percent(status: file_st.TransferStatus) -> int:
    """Return how much of a transfer is done; 100 only when all of it is."""
    if status.state is file_st.TransferState.DONE:
        return 100
    return min(99, max(0, status.moved) * 100 // status.size) if status.size > 0 else 0


def name_words(name: str) -> str:
    """Return the whole name or path of a file or folder on one line, with no invisible
    characters; this is only how it is shown, and the file keeps its name.
    """
    folders, slash, last = name.rpartition("/")
    if not slash:
        return visible_name(name) or _unnamed()
    # Marks at the beginning of a part would stand on the slash before it. A part of dots or dashes
    # can be read beside the others.
    parts = [*folders.split("/"), last]
    return "/".join(part and (display_id(part) or _unnamed()) for part in parts)


def _unnamed() -> str:
    return tr("transfers.unnamedFile")


def renamed_words(one: RenamedFile, shown: Callable[[str], str] = name_words) -> str:
    """Return that a file has another name than announced; `shown` shows a name or path.

    Where the two would look the same, this says so, or shows the part that differs.
    """
    before = one.path.rpartition("/")[2]
    if shown(before) != shown(one.name):
        return tr("transfers.renamed", path=shown(one.path), name=shown(one.name))
    if name_words(before) == name_words(one.name):
        return tr("transfers.renamedUnseen", path=shown(one.path))
    old, new = _difference(name_words(before), name_words(one.name))
    return tr("transfers.renamedWithin", path=shown(one.path), old=old, new=new)


def _difference(old: str, new: str) -> tuple[str, str]:
    """Return the parts of two names that begin shortly before they differ."""
    common = next(
        (at for at, (one, other) in enumerate(zip(old, new, strict=False)) if one != other),
        min(len(old), len(new)),
    )
    start = max(0, common - _END_SHOWN)
    return _from(old, start), _from(new, start)


def _from(name: str, start: int) -> str:
    """Return at most NAME_SHOWN_MAX characters of a name from there on."""
    end = start + NAME_SHOWN_MAX - 2
    return f"{'…' if start else ''}{name[start:end]}{'…' if end < len(name) else ''}"


def outcome_lines(
    status: file_st.TransferStatus, most: int, shown: Callable[[str], str] = name_words
) -> list[str]:
    """Return what became of single files: those that failed, those that have other names now, and
    what the sender left out.

    Of each kind at most `most` are named, each by `shown`; the others are counted.
    """
    failed = [
        f"{shown(status.entries[one.index].path)}: {SENTENCES[one.reason]}"
        for one in status.failed
        if one.index < len(status.entries)
    ]
    renamed = [renamed_words(one, shown) for one in status.renamed]
    left_out = [
        tr("transfers.leftOut", path=shown(one.path))
        if one.reason is Reason.NOT_A_FILE
        else f"{shown(one.path)}: {SENTENCES[one.reason]}"
        for one in status.left_out
    ]
    lines: list[str] = []
    for kind in (failed, renamed, left_out):
        lines += kind[:most]
        if len(kind) > most:
            lines.append(tr("transfers.more", count=len(kind) - most))
    return lines


def problem_words(problem: Problem, shown: Callable[[str], str] = name_words) -> str:
    """Return the sentence of a failure; of one about a file it begins with its path."""
    if problem.reason in FILE_REASONS and problem.detail:
        return f"{shown(problem.detail)}: {problem.sentence}"
    return problem.sentence


def short_name(name: str, most: int = NAME_SHOWN_MAX) -> str:
    """Return a name as name_words does, cut to at most `most` characters; its end is kept."""
    shown = name_words(name)
    if len(shown) <= most:
        return shown
    end = min(_END_SHOWN, most // 2)
    return f"{shown[: most - end - 1].rstrip()}…{shown[-end:].lstrip()}"


def transfer_title(status: file_st.TransferStatus) -> str:
    """Return a title: the first file or folder, followed by "and 2 more" if the person chose
    several.
    """
    return short_name(title(status.entries)) + others_words(status)


def others_words(status: file_st.TransferStatus) -> str:
    """Return the end of a title, behind the first file or folder: " and 2 more", or nothing."""
    others = chosen(status.entries) - 1
    return f" {tr('transfers.more', count=others)}" if others > 0 else ""


def count_words(count: int) -> str:
    """Return a number of files in words."""
    return tr("sizes.files", count=count)


def progress_words(status: file_st.TransferStatus) -> str:
    """Return the progress in words: "840 kB of 8.4 MB"."""
    return tr("sizes.progress", moved=size_words(status.moved), size=size_words(status.size))


def state_words(status: file_st.TransferStatus) -> str:
    """Return the state of a transfer in one sentence."""
    peer = status.peer_name or tr("device.other")
    incoming = status.direction is Direction.IN
    match status.state:
        case file_st.TransferState.ANNOUNCED if status.needs_answer:
            return tr("transfers.answerAwaited")
        case file_st.TransferState.ANNOUNCED if not incoming:
            return tr("transfers.acceptAwaited", name=peer)
        case file_st.TransferState.ANNOUNCED | file_st.TransferState.ACTIVE:
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
        case file_st.TransferState.CANCELLED if incoming and status.reason is Reason.UNATTENDED:
            return tr("transfers.unattended")
        case file_st.TransferState.CANCELLED:
            return tr("transfers.cancelled") if status.reason is None else SENTENCES[status.reason]
