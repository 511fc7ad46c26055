"""Run several cases in one test where each of them would need the same programs or browser."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def case(name: object) -> Iterator[None]:
    """Add the case's name to any exception that is raised in this block."""
    try:
        yield
    except Exception as error:
        error.add_note(f"in the case of: {name}")
        raise
