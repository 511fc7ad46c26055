"""A test whose cases are rows of a table runs as one test, which names every row that is wrong.

    @each_row("typed, shown", [("0250 1wk381", "02501-WK381"), ("02501", "02501")])
    def test_grouping(typed: str, shown: str) -> None:
        assert grouped(typed) == shown

It reads like `pytest.mark.parametrize` and is meant for the many small cases of a parser, because
pytest needs at least a millisecond for each case of its own. Fixtures are made once and shared by
all rows. Scenarios that need a fresh fixture, or that should run alone, use pytest's parametrize.
"""

import inspect
import reprlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import pytest

# A wrong row is named by its values, so values of many kilobytes are shortened.
_BRIEF: Final = reprlib.Repr()
_BRIEF.maxstring = _BRIEF.maxother = _BRIEF.maxlong = 120
_BRIEF.maxlist = _BRIEF.maxtuple = _BRIEF.maxdict = 8

Test = Callable[..., None]


class RowsError(AssertionError):
    """The rows that are wrong, one per line."""


def each_row(
    names: str,
    rows: Iterable[Any],
    *,
    ids: Sequence[str] = (),
    name_of: Callable[..., object] | None = None,
) -> Callable[[Test], Test]:
    """Call the test for each row, with the row's values as the arguments of these names.

    With one name a row is the value itself, with several a tuple. A wrong row is named by its
    values or, if these are too long, by `ids` or by the result of `name_of`. If two tables stand
    above one test, it runs for each combination.
    """
    arguments = [name.strip() for name in names.split(",")]
    table = [row if len(arguments) > 1 else (row,) for row in rows]
    assert table, "a table without rows tests nothing"

    def named(number: int, row: tuple[Any, ...]) -> object:
        if ids:
            return ids[number]
        if name_of is not None:
            return name_of(*row)
        return ", ".join(
            f"{name}={_BRIEF.repr(value)}" for name, value in zip(arguments, row, strict=True)
        )

    def decorate(test: Test) -> Test:
        def run(**fixtures: Any) -> None:
            wrong: list[str] = []
            first: BaseException | None = None
            for number, row in enumerate(table):
                values = dict(zip(arguments, row, strict=True))
                try:
                    test(**values, **fixtures)
                # "Did not raise" of pytest.raises is not a subclass of Exception.
                except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001
                    wrong.append(f"{named(number, row)}: {_said(error)}")
                    first = first or error
            if wrong:
                head = f"{len(wrong)} of {len(table)} rows are wrong"
                raise RowsError("\n".join([head, *wrong])) from first

        signature = inspect.signature(test)
        fixtures = [one for name, one in signature.parameters.items() if name not in arguments]
        run.__name__, run.__qualname__ = test.__name__, test.__qualname__
        run.__module__, run.__doc__ = test.__module__, test.__doc__
        # pytest reads from the signature which fixtures the test wants.
        run.__dict__.update(test.__dict__)
        run.__signature__ = signature.replace(parameters=fixtures)  # type: ignore[attr-defined]
        return run

    return decorate


def _said(error: BaseException) -> str:
    lines = str(error).splitlines() or [""]
    if isinstance(error, RowsError):
        # Another table is nested in this one, so its lines are indented.
        return "\n    ".join(lines)
    return f"{type(error).__name__}: {lines[0]}"
