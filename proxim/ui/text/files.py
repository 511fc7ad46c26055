"""Transfers in the terminal: their progress, their end, a list of them, and the words of the
questions.

A terminal that can redraw shows one line of progress for all active transfers. Others get a new
line from time to time.
"""

from collections.abc import Callable, Sequence
from typing import Final

from proxim.core.files import status as file_st
from proxim.core.files.manifest import Direction, Entry, TransferID, count_files
from proxim.core.i18n import after_colon, tr
from proxim.ui.text.console import Lines, columns_of
from proxim.ui.text.terminal_words import duration
from proxim.ui.wording import (
    count_words,
    name_words,
    outcome_lines,
    percent,
    progress_words,
    seconds_left,
    size_words,
    speed_words,
    state_words,
    time_left_words,
    transfer_title,
)

# A longer list would push the beginning of the question off the screen.
NAMES_SHOWN: Final = 10
# Who looks for a file that has another name now finds it in this list.
OUTCOMES_SHOWN: Final = 300
# Redrawing this often, in seconds, is calm to look at and still shows movement.
REDRAW_SECONDS: Final = 0.2
# Where nothing is redrawn, both of these lie between two progress lines of a transfer: seconds and
# percent.
LINE_SECONDS: Final = 5.0
LINE_PERCENT: Final = 10
# Columns.
_BAR: Final = 20
# The name gets at least this many columns; with less space the bar is left out.
_NAME_LEAST: Final = 12
_PARTLY: Final = frozenset({file_st.TransferState.ACTIVE, file_st.TransferState.WAITING})


class _Shown:
    """What was last shown of a transfer's progress."""

    def __init__(self, now: float, done: int) -> None:
        self.since = now
        self.line_at = now
        self.line_percent = done


class TransferReport:
    """Reports transfers in the terminal.

    `clock` is monotonic.
    """

    def __init__(
        self, lines: Lines, clock: Callable[[], float], *, shows_places: bool = True
    ) -> None:
        self._lines = lines
        self._clock = clock
        # Whether it is said where a file is. What is kept for a pipe alone is gone in a moment.
        self._shows_places = shows_places
        self._moving: dict[TransferID, file_st.TransferStatus] = {}
        self._shown: dict[TransferID, _Shown] = {}
        self._drawn_at: float | None = None
        # These are the statuses that the line of progress shows.
        self._drawn: tuple[file_st.TransferStatus, ...] = ()
        # These are only counted in the summary.
        self._ended: list[file_st.TransferStatus] = []

    # --- one transfer -----------------------------------------------------------------------------

    def show(self, status: file_st.TransferStatus, before: file_st.TransferStatus | None) -> None:
        """Show what is new about a transfer; FileQuestions asks about incoming ones."""
        was = None if before is None else before.state
        if status.state is file_st.TransferState.ACTIVE:
            self._moving[status.transfer] = status
            if was is not file_st.TransferState.ACTIVE:
                self._begin(status)
            self._progress(status)
            return
        self._moving.pop(status.transfer, None)
        if status.state is was:
            return
        match status.state:
            case file_st.TransferState.ANNOUNCED if status.direction is Direction.OUT:
                self._lines.say(tr("terminal.asking", name=_to(status), what=described(status)))
            case file_st.TransferState.WAITING:
                self._lines.say(f"{transfer_title(status)}: {after_colon(state_words(status))}")
            case (
                file_st.TransferState.DONE
                | file_st.TransferState.FAILED
                | file_st.TransferState.CANCELLED
            ):
                self._end(status)

    def _begin(self, status: file_st.TransferStatus) -> None:
        done = percent(status)
        shown = self._shown.setdefault(status.transfer, _Shown(self._clock(), done))
        shown.line_at, shown.line_percent = self._clock(), done
        incoming = status.direction is Direction.IN
        if status.moved > 0:
            # Of a large file there may be much before it is one percent.
            far = f"{done} %" if done else size_words(status.moved)
            key = "terminal.receivingGoesOn" if incoming else "terminal.sendingGoesOn"
            self._lines.say(tr(key, title=transfer_title(status), far=far))
        elif incoming:
            self._lines.say(tr("terminal.receiving", what=described(status), name=_from(status)))
        else:
            self._lines.say(tr("terminal.sending", what=described(status), name=_to(status)))

    def _end(self, status: file_st.TransferStatus) -> None:
        title = transfer_title(status) if status.entries else tr("terminal.notFound")
        if status.state is not file_st.TransferState.DONE or status.failed:
            self._lines.say(f"{title}: {after_colon(state_words(status))}")
        else:
            shown = self._shown.get(status.transfer)
            took = (
                ""
                if shown is None
                else tr("terminal.took", time=duration(self._clock() - shown.since))
            )
            key = "terminal.received" if status.direction is Direction.IN else "terminal.sent"
            named = status.path is not None and self._shows_places
            where = f": {name_words(status.path or '')}" if named else ""
            self._lines.say(tr(key, what=described(status), took=took, where=where))
        for line in outcome_lines(status, OUTCOMES_SHOWN):
            self._lines.say(line, "  ")
        self._shown.pop(status.transfer, None)
        # What was not found was never sent.
        if status.entries:
            self._ended.append(status)

    # --- progress ---------------------------------------------------------------------------------

    def catch_up(self) -> None:
        """Show progress that was left out because it came too soon after the last."""
        if self._lines.console.redraws:
            moving = tuple(self._moving.values())
            if moving and (moving != self._drawn or not self._lines.shows_progress):
                self._redraw()
            return
        for status in self._moving.values():
            self._progress(status)

    def _progress(self, status: file_st.TransferStatus) -> None:
        if self._lines.console.redraws:
            self._redraw()
            return
        now = self._clock()
        shown = self._shown[status.transfer]
        done = percent(status)
        if (
            done >= shown.line_percent + LINE_PERCENT
            and now >= shown.line_at + LINE_SECONDS
            and not self._lines.asked
        ):
            shown.line_at, shown.line_percent = now, done
            self._lines.say(
                f"{transfer_title(status)}: {done} %, "
                f"{progress_words(status)}{_pace(status.speed, status)}"
            )

    def _redraw(self) -> None:
        # The line of progress is never drawn over a question.
        if self._lines.asked:
            return
        now, moving = self._clock(), tuple(self._moving.values())
        if self._drawn_at is None or now >= self._drawn_at + REDRAW_SECONDS:
            self._drawn_at, self._drawn = now, moving
            self._lines.progress(self._line(moving))

    def _line(self, moving: Sequence[file_st.TransferStatus]) -> str:
        """Return one line of this terminal's width for all active transfers, whose figures are
        added up.
        """
        console = self._lines.console
        size, moved = sum(one.size for one in moving), sum(one.moved for one in moving)
        done = min(99, moved * 100 // size) if size else 0
        speed = sum(one.speed or 0.0 for one in moving)
        pace = (
            f"  {speed_words(speed)}  {time_left_words(max(0, size - moved) / speed)}"
            if speed > 0
            else ""
        )
        figures = f"  {done:>2} %{pace}"
        name = _name_of(moving)
        room = console.width - 1 - columns_of(figures)
        full, empty = ("█", "░") if console.shades else ("#", "-")
        filled = _BAR * done // 100
        bar = (
            f"  {full * filled}{empty * (_BAR - filled)}" if room - _BAR - 2 >= _NAME_LEAST else ""
        )
        return f"{console.clipped(name, max(0, room - len(bar)))}{bar}{figures}"

    # --- lists ------------------------------------------------------------------------------------

    def list(self, transfers: Sequence[file_st.TransferStatus]) -> None:
        """Write a numbered list of all transfers."""
        if not transfers:
            self._lines.say(tr("terminal.noTransfers"))
        for number, status in enumerate(transfers, 1):
            incoming = status.direction is Direction.IN
            key = "terminal.listedFrom" if incoming else "terminal.listedTo"
            name = _from(status) if incoming else _to(status)
            far = (
                f" {percent(status)} %, {progress_words(status)}."
                if status.state in _PARTLY
                else ""
            )
            line = tr(key, what=described(status), name=name, far=far, state=state_words(status))
            self._lines.say(line, f"  {number}  ")

    def summary(self) -> None:
        """Write what became of all transfers, if there were at least two."""
        if len(self._ended) < 2:
            return
        complete = [
            one for one in self._ended if one.state is file_st.TransferState.DONE and not one.failed
        ]
        parts = []
        for direction, key in (
            (Direction.IN, "terminal.allReceived"),
            (Direction.OUT, "terminal.allSent"),
        ):
            these = [one for one in complete if one.direction is direction]
            if these:
                files = count_words(sum(count_files(one.entries) for one in these))
                parts.append(
                    tr(key, what=f"{files} ({size_words(sum(one.size for one in these))})")
                )
        declined = sum(one.reason in file_st.REFUSALS for one in self._ended)
        if declined:
            parts.append(tr("terminal.declinedSome", count=declined))
        incomplete = len(self._ended) - len(complete) - declined
        if incomplete:
            parts.append(tr("terminal.incomplete", count=incomplete))
        self._lines.say(tr("terminal.altogether", parts="; ".join(parts)))


def described(status: file_st.TransferStatus) -> str:
    """Return a title with its size: "film.mkv (8.4 MB)", "trip and 2 more (1,204 files, 3.1
    GB)".
    """
    files = count_files(status.entries)
    many = f"{count_words(files)}, " if files != 1 else ""
    return f"{transfer_title(status)} ({many}{size_words(status.size)})"


def listed(entries: tuple[Entry, ...]) -> list[tuple[int, Entry]]:
    """Return the entries of a manifest that a person sees, each with its index there.

    These are the files, and the folders that have nothing in them.
    """
    within = {entry.path.rpartition("/")[0] for entry in entries}
    return [
        (place, one)
        for place, one in enumerate(entries)
        if not one.directory or one.path not in within
    ]


def entry_words(entry: Entry) -> str:
    """Return one line of such a list."""
    name = name_words(entry.path)
    return f"{name}/" if entry.directory else f"{name} ({size_words(entry.size)})"


def _name_of(moving: Sequence[file_st.TransferStatus]) -> str:
    if len(moving) != 1:
        return tr("terminal.moving", count=len(moving))
    key = "terminal.receivingOne" if moving[0].direction is Direction.IN else "terminal.sendingOne"
    return tr(key, title=transfer_title(moving[0]))


def _pace(speed: float | None, status: file_st.TransferStatus) -> str:
    left = seconds_left(status)
    return (
        "" if speed is None or left is None else f", {speed_words(speed)}, {time_left_words(left)}"
    )


def _from(status: file_st.TransferStatus) -> str:
    return status.peer_name or tr("device.otherWith")


def _to(status: file_st.TransferStatus) -> str:
    return status.peer_name or tr("device.other")
