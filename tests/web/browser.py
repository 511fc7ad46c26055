"""A real Chromium at a real host's page, for the tests in this folder.

Whatever the browser complains about fails the test.
"""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    sync_playwright,
)

from tests.gate import Gate
from tests.loopback import free_port
from tests.programs.program import JSON, SOURCE, Program

PATIENCE_MS: Final = 30_000
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
# The same browser without windows around its pages: each new tab takes half as much processor time.
_SHELLS: Final = ("chromium-headless-shell", "chrome-headless-shell")
# Chromium loads two pages for the suggestions below its address bar into every new window, which
# takes longer than our own page. It obeys only the last list of features, so this one repeats what
# Playwright turns off by itself on this system.
_FEATURES_OFF: Final = (
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup", "AimEnabled"),
    *("AvoidUnnecessaryBeforeUnloadCheckSync", "AvoidCorsURLLoaderRestartOnRedirect"),
    *("DestroyProfileOnBrowserClose", "HttpsUpgrades", "HttpsFirstBalancedModeAutoEnable"),
    *("LensOverlay", "MediaRouter", "NetworkTimeServiceQuerying", "OptimizationHints"),
    *("PaintHolding", "PreconnectToSearch", "ThirdPartyStoragePartitioning"),
)
# Chromium refuses its sandbox to root, and tests may run as root.
OPTIONS: Final = ("--no-sandbox", f"--disable-features={','.join(_FEATURES_OFF)}")
# This runs before the page's own scripts and remembers every violation of the page's policy.
_WATCH_POLICY: Final = """
window.violations = [];
addEventListener("securitypolicyviolation", ({violatedDirective, blockedURI}) =>
  violations.push(`${violatedDirective} ${blockedURI}`));
"""
# This runs before the page's own scripts. The page reads so many bytes of the files that it sends,
# and then waits until the gate is opened. (tests/gate.py limits what the host sends.)
READING_GATE: Final = """
(() => {
  const {arrayBuffer} = Blob.prototype;
  const waiting = [];
  let left = %d;
  Blob.prototype.arrayBuffer = async function () {
    left -= this.size;
    if (left < 0) await new Promise((go) => waiting.push(go));
    return arrayBuffer.call(this);
  };
  globalThis.openGate = () => {
    left = Infinity;
    for (const go of waiting.splice(0)) go();
  };
})();
"""
# This resolves once so many pieces of an arriving file are stored for the next page
# (files/store.mjs).
_PIECES_KEPT: Final = """(least) => new Promise((done, failed) => {
  const opening = indexedDB.open("proxim-kept", 1);
  opening.onerror = failed;
  opening.onsuccess = () => look();
  const look = () => {
    const store = opening.result.transaction("proxim-kept").objectStore("proxim-kept");
    const reading = store.getAllKeys();
    reading.onsuccess = () => {
      if (reading.result.filter((key) => key.length > 2).length < least) setTimeout(look, 20);
      else opening.result.close(), done();
    };
  };
})"""


class Phone:
    """One tab, with everything that it requested and complained about."""

    def __init__(self, context: BrowserContext) -> None:
        self.page: Page = context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.add_init_script(_WATCH_POLICY)
        self.complaints: list[str] = []
        self.requested: list[str] = []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "request", lambda request: self.requested.append(request.url.partition("#")[0])
        )

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def is_content(self, origin: str) -> None:
        """Check that nothing was complained about and nothing was requested from other origins."""
        assert self.complaints == []
        assert self.page.evaluate("violations") == []
        assert {
            url for url in self.requested if not url.startswith((origin, "blob:" + origin))
        } == set()

    # --- what a person does and sees --------------------------------------------------------------

    def sees(self, words: str, patience: float = PATIENCE_MS / 1000) -> None:
        """Wait until these words are visible."""
        self.page.get_by_text(words).first.wait_for(state="visible", timeout=patience * 1000)

    def is_at(self, step: str) -> None:
        """Wait until the steps show this one: a key of the languages' `page`."""
        self.page.wait_for_function(
            "step => document.querySelector(`#steps [data-t=${step}]`).matches('.now, .done')",
            arg=step,
        )

    def joined(self, host: Program) -> None:
        """Approve the page at the host, and wait until both are linked."""
        prompt = host.event("pair_prompt")
        host.say(
            type="pair_response",
            sessionID=prompt["sessionID"],
            approved=True,
            request=prompt["request"],
        )
        host.event("link", state="connected")
        self.is_linked()

    def is_linked(self) -> None:
        self.page.locator("#linked").wait_for(state="visible")

    def reads_at_most(self, count: int) -> None:
        """From the next page on, read only so much of what it sends until the gate is opened."""
        self.page.add_init_script(READING_GATE % count)

    def opens_gate(self) -> None:
        self.page.evaluate("openGate()")

    def has_kept(self, pieces: int) -> None:
        """Wait until so many pieces are stored, so that a reloaded page would find them."""
        self.page.evaluate(_PIECES_KEPT, pieces)

    def sends_text(self, text: str) -> None:
        self.page.fill("#text", text)
        self.page.click("#say button")

    def downloads(self) -> Path:
        """Answer the visible question with yes, and return the file that the browser saves."""
        with self.page.expect_download() as saved:
            self.page.click(".question .main")
        return Path(saved.value.path())


def chromium_program(*, windows: bool = False) -> str:
    """Return the path of the system's Chromium; skip the test where there is none.

    Unless the test needs the whole browser `windows`, it is the one without windows, if there is
    one.
    """
    names = _NAMES if windows else (*_SHELLS, *_NAMES)
    program = next((path for path in map(shutil.which, names) if path is not None), None)
    if program is None:
        pytest.skip("no Chromium is installed")
    return program


class Shared:
    """The browsers that all tests of this folder share.

    They end before a test of another folder begins (conftest.py), because Playwright's loop
    occupies this thread, and other tests need a loop there. pytest has no such scope for a folder
    that is no package.
    """

    def __init__(self) -> None:
        self._running = ExitStack()
        self._playwright: Playwright | None = None
        self._browsers: dict[str, Browser] = {}

    @property
    def playwright(self) -> Playwright:
        if self._playwright is None:
            self._playwright = self._running.enter_context(sync_playwright())
        return self._playwright

    def chromium(self, program: str) -> Browser:
        """Return this Chromium; the first test that wants it starts it."""
        if program not in self._browsers:
            started = self.playwright.chromium.launch(executable_path=program, args=OPTIONS)
            self._running.callback(started.close)
            self._browsers[program] = started
        return self._browsers[program]

    def end(self) -> None:
        self._playwright = None
        self._browsers.clear()
        self._running.close()


SHARED: Final = Shared()


@pytest.fixture
def playwright() -> Playwright:
    return SHARED.playwright


@pytest.fixture
def chromium() -> Browser:
    """A headless Chromium, in which each test has tabs with storage of their own."""
    return SHARED.chromium(chromium_program())


@contextmanager
def phone(
    chromium: Browser,
    *,
    width: int = 390,
    height: int = 844,
    language: str = "en-US",
    dark: bool = False,
    touch: bool = False,
) -> Iterator[Phone]:
    """A tab with its own storage; `touch` makes it a phone that has fingers and fine pixels."""
    context = chromium.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=3 if touch else 1,
        has_touch=touch,
        is_mobile=touch,
        locale=language,
        color_scheme="dark" if dark else "light",
        accept_downloads=True,
    )
    try:
        yield Phone(context)
    finally:
        context.close()


@contextmanager
def hosting(
    address: str,
    home: Path,
    *options: str,
    gate: Gate | None = None,
    display: str | None = None,
) -> Iterator[tuple[Program, JSON]]:
    """A host driven by JSON lines, and its session; `gate` limits what the host sends, and
    `display` is the X display that it has.
    """
    proxim = SOURCE if gate is None else gate.command
    where = ["--address", address, "--port", str(free_port())]
    command = [*proxim, "host", "--json", "--name", "Ana's PC", *where, *options]
    with Program(command, home, display=display, forked=True) as host:
        yield host, host.event("session")


def moving(host: Program, direction: str, least: int = 1) -> JSON:
    """Wait until a transfer in this direction has moved so many bytes, and return its event."""
    while True:
        event = host.event("transfer", state="active", direction=direction)
        if event["bytes"] >= least:
            return event


def origin_of(url: str) -> str:
    """Return the origin that serves the page of that link."""
    return f"http://{urlsplit(url).netloc}"


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
