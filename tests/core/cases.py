"""One test that goes through many cases, and names every case that went wrong.

`for_each` is written like `pytest.mark.parametrize`, but all its cases are one test: for families
of cheap cases, where a test for each would cost more than what it tests. One run shows everything
that is wrong, each with its own traceback. A test that takes a fixture cannot be looped, because
its cases would share what the fixture made.
"""

import functools
import inspect
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence

import pytest

Test = Callable[..., None]
Cases = Mapping[str, Mapping[str, object]]
"""The arguments of each case, by what it is called."""

_looped: dict[Test, tuple[Test, list[Cases]]] = {}


def for_each(
    names: str | Sequence[str], values: Iterable[object], *, ids: Sequence[str] = ()
) -> Callable[[Test], Test]:
    """Run the test with each of these values, and with each combination where it stands twice.

    `names` is one name, or several where each value is a tuple; `ids` are what to call the values.
    """
    cases: dict[str, Mapping[str, object]] = {}
    for number, value in enumerate(values):
        case = {names: value} if isinstance(names, str) else _by_name(names, value)
        shown = ids[number] if ids else ", ".join(f"{key}={one!r:.80}" for key, one in case.items())
        cases[shown if shown not in cases else f"{shown} ({number})"] = case
    assert cases, "no case at all"

    def decorate(test: Test) -> Test:
        body, others = _looped.get(test, (test, []))
        every = [cases, *others]

        @functools.wraps(body)
        def run() -> None:
            _run(body, every)

        # Without this pytest would look for fixtures of the names that the cases give.
        run.__signature__ = inspect.Signature()  # type: ignore[attr-defined]
        _looped[run] = body, every
        return run

    return decorate


def _by_name(names: Sequence[str], value: object) -> Mapping[str, object]:
    assert isinstance(value, tuple)
    return dict(zip(names, value, strict=True))


def _run(body: Test, every: list[Cases]) -> None:
    wrong: dict[str, BaseException] = {}
    combinations = list(itertools.product(*(cases.items() for cases in every)))
    for combination in combinations:
        name = "; ".join(shown for shown, _ in combination)
        arguments = {key: value for _, case in combination for key, value in case.items()}
        try:
            body(**arguments)
        except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001  # all are shown below
            error.add_note(f"in the case {name}")
            wrong[name] = error
    if wrong:
        title = f"{len(wrong)} of {len(combinations)} cases: {' | '.join(wrong)}"
        raise BaseExceptionGroup(title, list(wrong.values()))
