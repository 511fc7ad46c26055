"""The page finds the same addresses in a text as the window does (core/link/web_links.py)."""

import json
import random
from pathlib import Path

from proxim.core.link.web_links import MAX_WEB_LINK_CHARACTERS, find_web_links
from tests.paths import ROOT
from tests.web.node import run_node

VECTORS = ROOT / "tests/vectors/web_links.json"
# Each of these has a rule of its own.
PIECES = (
    *("http://", "https://", "HtTpS://", "a.example", "[::1]", ":80", "(b)", "http\u017f://"),
    *"/@?#:.,;!'*()[]{}|\\^`\"<> \n\u00e4\u00ad\u200b\u202e\u3002\uff01\ufe0f\ue000\U0001f600x-1",
)


def test_the_page_finds_what_python_finds(tmp_path: Path) -> None:
    cases = json.loads(VECTORS.read_text(encoding="utf-8"))["cases"]
    longest = "https://example.com/".ljust(MAX_WEB_LINK_CHARACTERS - 1, "a") + "\U0001f600"
    chance = random.Random(29)
    texts = [longest, longest + "a"]
    # What a peer may send in one text; reading it must not take a time that grows with its square.
    texts += ["xhttp://" * 120_000, ("http://" + ")" * 2_040 + " ") * 500]
    for length in range(5_000):
        ending = "".join(chance.choices(PIECES, k=length % 12))
        texts += [ending, f"{chance.choice(PIECES)}https://a.example{ending}"]
    cases += [{"text": one, "links": [link.url for link in find_web_links(one)]} for one in texts]
    assert sum(len(case["links"]) for case in cases) > 500
    written = tmp_path / "cases.json"
    written.write_text(json.dumps(cases))
    assert run_node("web_links.mjs", str(written)) == len(cases)
