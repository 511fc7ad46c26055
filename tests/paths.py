"""Where things stand that tests read."""

from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).resolve().parent
ROOT: Final = TESTS.parent
# Inputs that somebody hostile would send (its README)
HOSTILE: Final = TESTS / "hostile"
# Pictures for people to look at
ARTIFACTS: Final = ROOT / "artifacts"
