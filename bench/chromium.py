"""The system's own Chromium without a window, driven by Playwright: one browser for a whole row,
and a fresh context for each try.
"""

import contextlib
import shlex
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.transfers import SkippedError

# Playwright is imported only when it is needed, because the other rows do not use it.
if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

PATIENCE_MS: Final = 30_000.0
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
_OPTIONS: Final = (
    # Chromium refuses its sandbox to root, and the bench may run as root.
    "--no-sandbox",
    # By default, tabs hide their addresses behind `.local` names. Two tabs can resolve these only
    # by multicast, which not every machine has.
    "--disable-features=WebRtcHideLocalIpsWithMdns",
)


@contextlib.asynccontextmanager
async def chromium(
    downloads: Path | None = None, before: Sequence[str] = ()
) -> "AsyncIterator[Browser]":
    """Start a browser that saves to this folder; raise SkippedError where there is none.

    `before` are words that go before its command line.
    """
    try:
        from playwright.async_api import async_playwright
    except ImportError:
        raise SkippedError("playwright is not installed (requirements-dev.txt)") from None
    program = next((path for path in map(shutil.which, _NAMES) if path is not None), None)
    if program is None:
        raise SkippedError("no Chromium is installed")
    async with async_playwright() as playwright:
        with tempfile.TemporaryDirectory() as folder:
            # Playwright starts one file, and this one starts the browser with what goes before it.
            script = Path(folder) / "chromium"
            script.write_text(f'#!/bin/sh\nexec {shlex.join([*before, program])} "$@"\n')
            script.chmod(0o700)
            browser = await playwright.chromium.launch(
                executable_path=script if before else program,
                args=list(_OPTIONS),
                downloads_path=downloads,
            )
        try:
            yield browser
        finally:
            await browser.close()


@contextlib.asynccontextmanager
async def tab(browser: "Browser") -> "AsyncIterator[Page]":
    """Open a tab with its own storage, cache and connections."""
    context = await browser.new_context(accept_downloads=True)
    try:
        page = await context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        yield page
    finally:
        await context.close()
