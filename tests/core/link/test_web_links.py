import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from proxim.core.link.web_links import MAX_WEB_LINK_CHARACTERS, find_web_links
from tests.paths import ROOT

VECTORS = json.loads((ROOT / "tests/vectors/web_links.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: repr(case["text"]))
def test_the_vectors(case: dict[str, object]) -> None:
    found = find_web_links(str(case["text"]))
    assert [link.url for link in found] == case["links"]


def test_an_address_that_no_system_opens_is_none() -> None:
    longest = "https://example.com/".ljust(MAX_WEB_LINK_CHARACTERS, "a")
    assert [link.url for link in find_web_links(longest)] == [longest]
    assert find_web_links(longest + "a") == []


PIECES = ("http://", "https://", "a.example", *"/@:8()[] .\u202e")
TEXTS = some.text() | some.lists(some.sampled_from(PIECES)).map("".join)


@given(TEXTS)
def test_what_is_opened_is_what_stands_there(text: str) -> None:
    at = 0
    for link in find_web_links(text):
        assert text[link.start : link.end] == link.url
        assert at <= link.start < link.end
        assert link.url.lower().startswith(("http://", "https://"))
        assert not any(char.isspace() for char in link.url)
        authority = link.url.split("://", 1)[1].split("/")[0].split("?")[0].split("#")[0]
        assert authority.isascii()
        assert "@" not in authority
        at = link.end
