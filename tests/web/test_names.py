"""The page saves files under the names that Proxim itself would give them on any disk, and shows
names as Proxim shows them.
"""

import json
import random
from pathlib import Path

from proxim.core.files.filenames import clean_name
from proxim.core.sanitize import visible_name
from tests.paths import HOSTILE, TESTS
from tests.web.node import run_node

# Each of these characters has a rule of its own.
CHARACTERS = (
    '..//\\: ~$()*?"<>|'
    "\0\n\x7f\x85\u200b\u200c\u200d\u202e\u0301\u0600\ufe0f\u3000\ud800\uf03a\ufdd0\uffff"
    "aAeEßıİſKNULCOM1¹é😀"
)

# Marks that need no place of their own, marks that do, and one that encloses.
MARKS = "\u0301\u0316\u0334\u05b0\u0651\u0e48\u0951\u093e\u0940\u102f\u20dd"


def test_names_are_cleaned_as_python_cleans_them(tmp_path: Path) -> None:
    corpus = json.loads((HOSTILE / "filenames.json").read_text(encoding="utf-8"))
    texts = [entry["text"] for entry in corpus]
    chance = random.Random(13)
    for length in (*range(1, 40), 190, 199, 200, 201, 250):
        texts += ["".join(chance.choices(CHARACTERS, k=length)) for _ in range(50)]
        texts += [f"{'é' * length}.{'x' * kind}" for kind in (0, 3, 22, 23, 24)]
    names = tmp_path / "names.json"
    saved = [(one, clean_name(one.rpartition("/")[2])) for one in texts]
    names.write_text(json.dumps({"saved": saved, "seen": []}))
    assert run_node("names.mjs", str(names)) == len(texts) > 2_000


def test_names_are_shown_as_python_shows_them(tmp_path: Path) -> None:
    vectors = json.loads((TESTS / "vectors" / "names.json").read_text(encoding="utf-8"))
    seen = [(entry["text"], entry["shown"]) for entry in vectors]
    chance = random.Random(22)
    # Characters of all vectors, in any order, with more marks than chance would put together.
    characters = "".join(entry["text"] for entry in vectors) + CHARACTERS + MARKS * 5
    for length in range(1, 40):
        for _ in range(60):
            text = "".join(chance.choices(characters, k=length))
            seen.append((text, visible_name(text)))
    names = tmp_path / "names.json"
    names.write_text(json.dumps({"saved": [], "seen": seen}))
    assert run_node("names.mjs", str(names)) == len(seen) > 2_000
