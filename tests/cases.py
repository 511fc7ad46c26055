"""Several cases in one test, where each would need the same programs or the same browser."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def case(name: object) -> Iterator[None]:
    """Whatever fails in here says in which case of a loop that was."""
    try:
        yield
    except Exception as error:
        error.add_note(f"in the case of: {name}")
        raise
