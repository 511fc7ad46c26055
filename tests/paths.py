"""Paths of the files and folders that tests use."""

from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).resolve().parent
ROOT: Final = TESTS.parent
# These are inputs that an attacker could send; the folder's README describes them.
HOSTILE: Final = TESTS / "hostile"
# Tests leave pictures here for people to look at.
ARTIFACTS: Final = ROOT / "artifacts"
# These are the files of the page that browsers load.
PAGE_FILES: Final = sorted(
    file
    for file in (ROOT / "proxim" / "web").rglob("*")
    if file.suffix in {".html", ".js", ".mjs", ".css", ".svg"}
)
