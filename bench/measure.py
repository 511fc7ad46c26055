"""Figures: measures the two sides of a row in turn, compares them with their target and prints them
as a table.
"""

import gc
import statistics
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

_HEADINGS: Final = ("what", "ours", "against", "ratio", "reach", "")


@dataclass(frozen=True, slots=True)
class Options:
    """The options that the command line may change."""

    # Each side of a compared row is measured so many times.
    rounds: int
    # An idle program is watched for so many seconds.
    seconds: float


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table."""

    what: str
    ours: str
    reach: str = "-"
    # None means that the figure is only reported and has no target.
    reached: bool | None = None
    against: str = "-"
    ratio: str = "-"
    # This text below the table says how the figure was measured.
    how: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """The values of both sides of a row, round by round."""

    ours: Sequence[float]
    other: Sequence[float]

    @property
    def ratio(self) -> float:
        """Return the ratio of the medians: unlike a mean, a median ignores one slow round on a
        shared machine.
        """
        return statistics.median(self.ours) / statistics.median(self.other)

    def figure(
        self,
        what: str,
        unit: str,
        against: str,
        how: str,
        *,
        at_most: float | None = None,
        at_least: float | None = None,
    ) -> Figure:
        """Return the row, judged by one of the two limits of its ratio, or by none."""
        reach, reached = "-", None
        if at_most is not None:
            reach, reached = f"<= {at_most:g} x", self.ratio <= at_most
        elif at_least is not None:
            reach, reached = f">= {at_least:g} x", self.ratio >= at_least
        return Figure(
            what,
            with_spread(self.ours, unit),
            reach,
            reached,
            f"{with_spread(self.other, unit)} {against}",
            f"{self.ratio:.2f} x",
            how,
        )


Take = Callable[[], Awaitable[float]]


async def alternate(ours: Take, other: Take, rounds: int, *, unmeasured: int = 1) -> Pair:
    """Measure both sides in turn, and discard a first round of each."""
    return Pair(*await in_turn((ours, other), rounds, unmeasured=unmeasured))


async def in_turn(sides: Sequence[Take], rounds: int, *, unmeasured: int = 1) -> list[list[float]]:
    """Measure all sides in turn, so that other work of the machine affects all of them; discard the
    first rounds.
    """
    taken: list[list[float]] = [[] for _ in sides]
    for number in range(rounds + unmeasured):
        for side, values in zip(sides, taken, strict=True):
            gc.collect()
            value = await side()
            if number >= unmeasured:
                values.append(value)
        progress("." if number >= unmeasured else "", end="")
    progress("")
    return taken


def with_spread(values: Sequence[float], unit: str) -> str:
    """Return the median with the extremes around it."""
    digits = 0 if statistics.median(values) >= 10 else 2
    middle, low, high = (
        f"{value:.{digits}f}" for value in (statistics.median(values), min(values), max(values))
    )
    return f"{middle} {unit} ({low}-{high})"


def progress(text: str, end: str = "\n") -> None:
    """Write progress to standard error; only the table goes to standard output."""
    print(text, end=end, file=sys.stderr, flush=True)


def table(figures: Sequence[Figure]) -> str:
    """Return all lines, aligned, and below them how each was measured."""
    verdicts = {True: "reached", False: "MISSED", None: ""}
    lines = [(f.what, f.ours, f.against, f.ratio, f.reach, verdicts[f.reached]) for f in figures]
    widths = [max(map(len, column)) for column in zip(_HEADINGS, *lines, strict=True)]
    ruler = tuple("-" * width for width in widths)
    rows = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in (_HEADINGS, ruler, *lines)
    ]
    notes = [f"{figure.what}: {figure.how}" for figure in figures if figure.how]
    return "\n".join([*rows, "", *notes])
