"""The face of `proxim doctor`: it writes findings as lines for people or as JSON lines."""

from collections.abc import Callable, Mapping
from typing import Final, TextIO

from proxim.core.doctor import Finding, Level, exit_status
from proxim.core.i18n import tr
from proxim.core.json_text import write_object
from proxim.ui.text.console import Colour, Console

_MARKS: Final = {
    Level.OK: "doctor.ok",
    Level.NOTE: "doctor.note",
    Level.WARNING: "doctor.warning",
    Level.FAILURE: "doctor.failure",
}
_COLOURS: Final = {
    Level.OK: Colour.GREEN,
    Level.NOTE: Colour.BLUE,
    Level.WARNING: Colour.AMBER,
    Level.FAILURE: Colour.BOLD,
}
# These spaces stand between a mark and its sentence.
_GAP: Final = "  "


class DoctorFace:
    """Shows findings as they arrive; read `exit_status` after the last one."""

    def __init__(
        self,
        out: TextIO,
        environ: Mapping[str, str],
        *,
        json: bool,
        columns: Callable[[], int] = lambda: 80,
    ) -> None:
        self._out = out
        self._console = Console(out, environ, columns)
        self._json = json
        self._findings: list[Finding] = []

    def show(self, finding: Finding) -> None:
        """Show one finding."""
        self._findings.append(finding)
        self._out.write(f"{self._as_json(finding) if self._json else self._as_text(finding)}\n")
        self._out.flush()

    @property
    def exit_status(self) -> int:
        """Return 0 if no finding certainly keeps other devices out."""
        return exit_status(self._findings)

    def _as_json(self, finding: Finding) -> str:
        return write_object(dict(finding.to_fields()))

    def _as_text(self, finding: Finding) -> str:
        width = max(len(tr(mark)) for mark in _MARKS.values())
        margin = " " * width + _GAP
        mark = self._console.painted(
            tr(_MARKS[finding.level]).ljust(width), _COLOURS[finding.level]
        )
        # Colour sequences have no width, so only the visible width of the mark is cut off.
        lines = [mark + self._console.wrapped(finding.message, margin)[width:]]
        if finding.next is not None:
            lines.append(self._console.wrapped(finding.next, margin))
        return "\n".join(lines)
