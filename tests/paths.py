"""Where things stand that tests read."""

from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).resolve().parent
ROOT: Final = TESTS.parent
# Inputs that somebody hostile would send (its README)
HOSTILE: Final = TESTS / "hostile"
# Pictures for people to look at
ARTIFACTS: Final = ROOT / "artifacts"
# The page's files that browsers get
PAGE_FILES: Final = sorted(
    file
    for file in (ROOT / "proxim" / "web").rglob("*")
    if file.suffix in {".html", ".mjs", ".css", ".svg"}
)
