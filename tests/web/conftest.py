from pathlib import Path

import pytest

from tests.gate import Gate
from tests.web.browser import SHARED, chromium, playwright
from tests.web.firefox import SHARED_FIREFOX, firefox

__all__ = ["chromium", "firefox", "playwright"]


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    """Return an open gate; a test that closes it passes it to the host."""
    return Gate(tmp_path / "gate")


# Last, so that what belongs to the test alone has ended before.
@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """End the shared browsers: Chromium behind the last test of this folder, and Firefox behind the
    last of its files.
    """
    if nextitem is None or "firefox" not in nextitem.path.stem:
        SHARED_FIREFOX.end()
    if nextitem is None or not nextitem.path.is_relative_to(Path(__file__).parent):
        SHARED.end()
