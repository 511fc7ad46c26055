"""What --verbose tells: each step of hosting and joining, as one line of the log."""

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxim.core.commands import Command
    from proxim.core.program import ProgramEvent

_log = logging.getLogger(__name__)


def log_step(step: "ProgramEvent | Command") -> None:
    """Log what happened, or what is done about it.

    Costs next to nothing unless --verbose was asked for.
    """
    if not _log.isEnabledFor(logging.INFO):
        return
    # Late: it knows every event and command, and the first code is shown before they are loaded.
    from proxim.io.trace_words import step_words

    if (words := step_words(step)) is not None:
        _log.info("%s", words)
