import pytest

from proxim.core.crash_log import describe_crash
from proxim.core.errors import MachineMisuseError

PRIVATE = "/home/somebody/private.txt"


def _fail(error: Exception) -> None:
    raise error


def test_the_type_and_the_lines_are_told_and_the_message_is_not() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        _fail(ZeroDivisionError(PRIVATE))
    words = describe_crash(caught.value)
    assert words.startswith("ZeroDivisionError\n")
    assert "in _fail\n    raise error" in words
    assert words.endswith("\n")
    assert PRIVATE not in words


def test_an_error_that_was_never_raised_is_its_type() -> None:
    assert describe_crash(KeyError(PRIVATE)) == "KeyError\n"


def test_the_state_in_which_a_machine_was_misused_is_told() -> None:
    assert (
        describe_crash(MachineMisuseError("Ask in LINKED")) == "MachineMisuseError: Ask in LINKED\n"
    )


def test_causes_come_first_and_without_their_messages() -> None:
    error = OSError(PRIVATE)
    error.__context__ = KeyError(PRIVATE)
    assert describe_crash(error) == "KeyError\nOSError\n"
    # `raise .. from` sets this attribute.
    error.__cause__ = LookupError(PRIVATE)
    assert describe_crash(error) == "LookupError\nOSError\n"
    error.__cause__ = None
    assert describe_crash(error) == "OSError\n", "`from None`"
