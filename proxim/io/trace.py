"""The log of --verbose: each step of hosting and joining is one line."""

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxim.core.commands import Command
    from proxim.core.program import ProgramEvent

_log = logging.getLogger(__name__)


def log_step(step: "ProgramEvent | Command") -> None:
    """Log an event or a command.

    This costs next to nothing unless --verbose was given.
    """
    if not _log.isEnabledFor(logging.INFO):
        return
    # Imported late, because it imports every event and command, and the first code is shown before
    # those are loaded.
    from proxim.io.trace_words import step_words

    if (words := step_words(step)) is not None:
        _log.info("%s", words)
