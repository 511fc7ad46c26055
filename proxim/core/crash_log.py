"""What the log says about an exception that nobody expected."""

import traceback

from proxim.core.errors import MachineMisuseError


def describe_crash(error: BaseException) -> str:
    """Return the type of an error, its causes first, and the lines of code that it passed through.

    Its message is left out, because it may quote a file's name, a code or what a peer sent. Only
    MachineMisuseError's is kept, which names nothing but types and states.
    """
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    causes = "" if before is None else describe_crash(before)
    message = f": {error}" if isinstance(error, MachineMisuseError) else ""
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"{causes}{type(error).__name__}{message}\n{frames}"
