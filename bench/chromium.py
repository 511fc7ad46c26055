"""The system's own Chromium, without a window, driven by playwright; one for a whole row, a fresh
context for each try.
"""

import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.transfers import SkippedError

# Imported when first needed: the other rows do without
if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

PATIENCE_MS: Final = 30_000.0
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
_OPTIONS: Final = (
    # The bench may run as root
    "--no-sandbox",
    # Tabs hide their addresses behind `.local` names, which two tabs find by multicast only: not
    # every machine has it.
    "--disable-features=WebRtcHideLocalIpsWithMdns",
)


@contextlib.asynccontextmanager
async def chromium(downloads: Path | None = None) -> "AsyncIterator[Browser]":
    """A browser that saves there. Raises SkippedError where there is none."""
    try:
        from playwright.async_api import async_playwright
    except ImportError:
        raise SkippedError("playwright is not installed (requirements-dev.txt)") from None
    program = next((path for path in map(shutil.which, _NAMES) if path is not None), None)
    if program is None:
        raise SkippedError("no Chromium is installed")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program, args=list(_OPTIONS), downloads_path=downloads
        )
        try:
            yield browser
        finally:
            await browser.close()


@contextlib.asynccontextmanager
async def tab(browser: "Browser") -> "AsyncIterator[Page]":
    """A tab with storage, cache and connections of its own."""
    context = await browser.new_context(accept_downloads=True)
    try:
        page = await context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        yield page
    finally:
        await context.close()
