from pathlib import Path

import pytest

from tests.gate import Gate
from tests.web.browser import chromium, playwright

__all__ = ["chromium", "playwright"]


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    """Return an open gate; a test that closes it passes it to the host."""
    return Gate(tmp_path / "gate")
