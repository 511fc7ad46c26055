from pathlib import Path

import pytest

from tests.gate import Gate
from tests.web.browser import chromium

__all__ = ["chromium"]


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    """Open; whoever closes it gives it to the host."""
    return Gate(tmp_path / "gate")
