"""Tests of proxim.core.base64url."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxim.core.base64url import from_base64url, to_base64url
from tests.rows import each_row


@given(st.binary(max_size=70))
def test_base64url_comes_back_in_its_only_spelling(raw: bytes) -> None:
    text = to_base64url(raw)
    assert text == base64.urlsafe_b64encode(raw).decode().rstrip("=")
    assert from_base64url(text, len(raw)) == raw
    with pytest.raises(ValueError, match="base64url"):
        from_base64url(text, len(raw) + 1)


@each_row(
    "text",
    [
        None,
        "",
        "A",
        "AAA",
        "AAAA",
        "AAAAAA",
        "AAA=",
        "AA==",
        # One of the unused bits is set.
        "AB",
        "A A",
        "A\nA",
        " AA",
        "AA\n",
        "+A",
        "/A",
        "é",
        "ÄA",
        "\ud800",
        "A" * 1000,
    ],
)
def test_any_other_spelling_of_one_byte_is_refused(text: str | None) -> None:
    assert from_base64url("AA", 1) == b"\0"
    with pytest.raises(ValueError, match=r"^not 1 bytes in base64url$"):
        from_base64url(text, 1)


def test_no_text_is_no_bytes_either() -> None:
    with pytest.raises(ValueError, match="base64url"):
        from_base64url(None, 0)
