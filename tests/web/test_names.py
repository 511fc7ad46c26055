"""The page saves files under the names that Proxim itself would give them on any disk."""

import json
import random
from pathlib import Path

from proxim.core.files.filenames import clean_name
from tests.paths import HOSTILE
from tests.web.node import run_node

# Each of these characters has a rule of its own.
CHARACTERS = (
    '..//\\: ~$()*?"<>|'
    "\0\n\x7f\x85\u200b\u200c\u200d\u202e\u0301\u0600\ufe0f\u3000\ud800\uf03a\ufdd0\uffff"
    "aAeEßıİſKNULCOM1¹é😀"
)


def test_names_are_cleaned_as_python_cleans_them(tmp_path: Path) -> None:
    corpus = json.loads((HOSTILE / "filenames.json").read_text(encoding="utf-8"))
    texts = [entry["text"] for entry in corpus]
    chance = random.Random(13)
    for length in (*range(1, 40), 190, 199, 200, 201, 250):
        texts += ["".join(chance.choices(CHARACTERS, k=length)) for _ in range(50)]
        texts += [f"{'é' * length}.{'x' * kind}" for kind in (0, 3, 22, 23, 24)]
    names = tmp_path / "names.json"
    names.write_text(json.dumps([(one, clean_name(one.rpartition("/")[2])) for one in texts]))
    assert run_node("names.mjs", str(names)) == len(texts) > 2_000
