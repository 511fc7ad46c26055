"""The page in Firefox, driven by WebDriver BiDi: it opens the link, pairs, and exchanges text and
files; what depends on a browser's own ways with files is tried here as well as in Chromium.
"""

import json
import os
import shutil
import socket
import subprocess
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pytest
from websockets.sync.client import ClientConnection

from proxim.io.pairing.page import languages
from tests.programs.program import JSON, Program
from tests.web.browser import READING_GATE, hosting, moving, sha256_of
from tests.web.remote import PATIENCE, RemoteBrowser

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

FILE_BYTES = 3_000_001
# Firefox saves downloads without a question into the folder that it is given. These are its names.
PREFERENCES = {
    "browser.download.folderList": 2,
    "browser.download.useDownloadDir": True,
    "browser.download.always_ask_before_handling_new_types": False,
    "browser.helperApps.neverAsk.saveToDisk": "application/octet-stream",
}
WORDS = languages()["en"]
# This runs before the page's own scripts. It notes each time the page is hidden, or shown, and then
# how round a form's corners are.
WATCH_FIRST_SIGHT = """
  globalThis.firstSight = [];
  new MutationObserver(() => {
    const {hidden} = document.documentElement;
    if (hidden === (firstSight.at(-1) === "hidden")) return;
    const form = document.querySelector("form");
    firstSight.push(hidden ? "hidden" : form ? getComputedStyle(form).borderRadius : "no form");
  }).observe(document, {attributes: true, attributeFilter: ["hidden"], subtree: true});
"""
# The page reads at most so much of what it sends before it is loaded again, and has sent so much.
ALLOWED = 9_500_000
BEGUN = 6_500_000
LARGE_BYTES = 6_000_000


class Firefox(RemoteBrowser):
    """A Firefox in which each test has a tab with storage of its own: starting one takes longer
    than most of the tests.
    """

    # What it downloads comes here.
    downloads: Path

    def __init__(self, socket: ClientConnection) -> None:
        super().__init__(socket)
        self.log: list[str] = []
        self.tab = self._person = ""
        self._past: set[str] = set()
        self.command("session.new", {"capabilities": {}})
        self.command("session.subscribe", {"events": ["log.entryAdded"]})

    @contextmanager
    def another_person(self) -> Iterator[Self]:
        """Open a tab whose storage, cache and log begin empty, as does the folder of downloads."""
        for one in self.downloads.iterdir():
            one.unlink()
        self._person = self.command("browser.createUserContext", {})["userContext"]
        opened = {"type": "tab", "userContext": self._person}
        self.tab = self.command("browsingContext.create", opened)["context"]
        self.log = []
        yield self
        self._past.add(self.tab)
        self.command("browser.removeUserContext", {"userContext": self._person})

    def happened(self, event: dict[str, Any]) -> None:
        params = event["params"]
        if (
            event.get("method") == "log.entryAdded"
            and params["level"] in ("error", "warn")
            and params["source"].get("context") not in self._past
        ):
            self.log.append(str(params["text"]))

    def goto(self, url: str) -> None:
        self.command(
            "browsingContext.navigate", {"context": self.tab, "url": url, "wait": "complete"}
        )

    def run(self, script: str) -> Any:
        target = {"context": self.tab}
        done = self.command(
            "script.evaluate", {"expression": script, "target": target, "awaitPromise": True}
        )
        assert done["type"] == "success", done
        return done["result"].get("value")

    def before_each_page(self, script: str) -> None:
        """Run a script before the scripts of each page that is loaded from now on."""
        function = f"() => {{{script}}}"
        self.command(
            "script.addPreloadScript",
            {"functionDeclaration": function, "userContexts": [self._person]},
        )

    def reload(self) -> None:
        self.command("browsingContext.reload", {"context": self.tab, "wait": "complete"})

    def sees(self, text: str) -> None:
        """Wait until the page shows this text."""
        self.wait(f"document.querySelector('#main').innerText.includes({json.dumps(text)})")

    def joins(self, host: Program, session: JSON) -> None:
        """Open the page, and let the host approve it."""
        self.goto(session["url"])
        prompt = host.event("pair_prompt")
        host.say(type="pair_response", sessionID=prompt["sessionID"], approved=True)
        host.event("link", state="connected")
        self.wait("!document.querySelector('#linked').hidden")

    def choose(self, selector: str, *files: Path) -> None:
        """Choose files as a person does in the file picker."""
        locator = {"type": "css", "value": selector}
        found = self.command(
            "browsingContext.locateNodes", {"context": self.tab, "locator": locator}
        )
        element = {"sharedId": found["nodes"][0]["sharedId"]}
        self.command(
            "input.setFiles", {"context": self.tab, "element": element, "files": [*map(str, files)]}
        )


@contextmanager
def started(home: Path, **more_preferences: bool) -> Iterator[Firefox]:
    """A Firefox that keeps everything in this folder."""
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        pytest.skip("no Firefox is installed")
    profile, downloads = home / "profile", home / "downloads"
    profile.mkdir()
    downloads.mkdir()
    preferences = {**PREFERENCES, **more_preferences, "browser.download.dir": str(downloads)}
    lines = [
        f"user_pref({json.dumps(name)}, {json.dumps(value)});\n"
        for name, value in preferences.items()
    ]
    (profile / "user.js").write_text("".join(lines))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = [
        "--headless",
        "--no-remote",
        "--profile",
        str(profile),
        "--remote-debugging-port",
        str(port),
        "about:blank",
    ]
    environment = {**os.environ, "HOME": str(home)}
    process = subprocess.Popen(
        [program, *options], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        with Firefox.at(f"ws://127.0.0.1:{port}/session") as driver:
            driver.downloads = downloads
            yield driver
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def shared_firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    with started(tmp_path_factory.mktemp("firefox")) as firefox:
        yield firefox


@pytest.fixture
def firefox(shared_firefox: Firefox) -> Iterator[Firefox]:
    with shared_firefox.another_person():
        yield shared_firefox


@pytest.fixture
def firefox_without_webrtc(tmp_path: Path) -> Iterator[Firefox]:
    off = {"media.peerconnection.enabled": False}
    with started(tmp_path, **off) as firefox, firefox.another_person():
        yield firefox


def test_nobody_sees_the_page_without_its_style(
    firefox: Firefox, own_address: str, tmp_path: Path
) -> None:
    with hosting(own_address, tmp_path / "home") as (host, session):
        firefox.before_each_page(WATCH_FIRST_SIGHT)
        firefox.goto(session["url"])
        host.event("pair_prompt")
        firefox.wait("firstSight.length > 1")
        # Hidden before anything could be painted, then shown with its style.
        assert firefox.run("JSON.stringify(firstSight)") == '["hidden","12px"]'


def test_from_the_link_to_files_both_ways(
    firefox: Firefox, own_address: str, tmp_path: Path
) -> None:
    saved_to = tmp_path / "saved"
    saved_to.mkdir()
    up, down = tmp_path / "up.bin", tmp_path / "down.bin"
    for file in (up, down):
        file.write_bytes(os.urandom(FILE_BYTES))
    with hosting(own_address, tmp_path / "home", "--save-to", str(saved_to)) as (host, session):
        firefox.goto(session["url"])
        prompt = host.event("pair_prompt")
        assert prompt["deviceInfo"]["name"] == "Firefox on Linux"
        host.say(type="pair_response", sessionID=prompt["sessionID"], approved=True)
        host.event("link", state="connected")
        firefox.wait("!document.querySelector('#linked').hidden")

        firefox.run(
            "document.querySelector('#text').value = 'Grüße 🙂'; "
            "document.querySelector('#say').requestSubmit()"
        )
        assert host.event("text")["text"] == "Grüße 🙂"
        host.say(type="text", text="from the host")
        firefox.wait("document.querySelector('#texts').innerText.includes('from the host')")

        firefox.choose("#files", up)
        host.event("transfer", state="done")
        assert sha256_of(saved_to / "up.bin") == sha256_of(up)

        host.say(type="send", paths=[str(down)])
        firefox.wait("document.querySelector('.question .main')")
        firefox.run("document.querySelector('.question .main').click()")
        host.event("transfer", state="done", direction="out")
        got = firefox.downloads / "down.bin"
        deadline = time.monotonic() + PATIENCE
        while not (got.is_file() and got.stat().st_size == FILE_BYTES):
            assert time.monotonic() < deadline, "nothing was saved"
            firefox.run("1")
        assert sha256_of(got) == sha256_of(down)
        assert firefox.log == []


def test_several_files_are_one_archive(firefox: Firefox, own_address: str, tmp_path: Path) -> None:
    folder = tmp_path / "Bilder"
    (folder / "leer").mkdir(parents=True)
    for name in ("a:b.txt", "Größe.bin", ".hidden"):
        (folder / name).write_bytes(os.urandom(FILE_BYTES if name == "Größe.bin" else 10))
    with hosting(own_address, tmp_path / "home") as (host, session):
        firefox.joins(host, session)
        host.say(type="send", paths=[str(folder)])
        firefox.wait("document.querySelector('.question')?.inert === false")
        firefox.run("document.querySelector('.question .main').click()")
        host.event("transfer", state="done", direction="out")
        firefox.sees(WORDS["page"]["allSaved"])
        firefox.sees("Bilder/a:b.txt is called a_b.txt here")
        archive = firefox.downloads / "Bilder.zip"
        deadline = time.monotonic() + PATIENCE
        while not (archive.is_file() and zipfile.is_zipfile(archive)):
            assert time.monotonic() < deadline, "nothing was saved"
            firefox.run("1")
        with zipfile.ZipFile(archive) as read:
            assert read.testzip() is None
            assert "Bilder/leer/" in read.namelist()
            files = {one: read.read(one) for one in read.namelist() if not one.endswith("/")}
        assert files == {
            f"Bilder/{one.name.replace(':', '_')}": one.read_bytes()
            for one in folder.iterdir()
            if one.is_file()
        }
        assert firefox.log == []


@pytest.mark.parametrize("changed", [False, True], ids=["same", "other contents"])
def test_files_chosen_again_with_another_time(
    firefox: Firefox, own_address: str, tmp_path: Path, changed: bool
) -> None:
    """The first file has arrived when the page is loaded again, and half of the second."""
    saved_to = tmp_path / "saved"
    saved_to.mkdir()
    first, second = files = [tmp_path / name for name in ("first.bin", "second.bin")]
    for file in files:
        file.write_bytes(os.urandom(LARGE_BYTES))
    with hosting(own_address, tmp_path / "home", "--save-to", str(saved_to)) as (host, session):
        firefox.before_each_page(READING_GATE % ALLOWED)
        firefox.joins(host, session)
        firefox.choose("#files", *files)
        begun = moving(host, "in", BEGUN)
        firefox.reload()
        firefox.sees(WORDS["page"]["chooseAgain"])
        firefox.run("openGate()")
        before = sha256_of(first)
        if changed:
            first.write_bytes(os.urandom(LARGE_BYTES))
        for file in files:
            os.utime(file, (1_700_000_000, 1_700_000_000))
        firefox.choose("#files", *files)
        done = host.event("transfer", state="done", direction="in")
        assert done["transferID"] == begun["transferID"]
        arrived = {"first.bin": before, "second.bin": sha256_of(second)}
        if changed:
            # What had arrived stays, and what it was changed to is sent by itself.
            other = host.event("transfer", state="done", direction="in")
            assert other["transferID"] != begun["transferID"]
            arrived["first (2).bin"] = sha256_of(first)
        assert {one.name: sha256_of(one) for one in saved_to.iterdir()} == arrived
        firefox.sees(WORDS["page"]["arrived"])
        rows = firefox.run("document.querySelectorAll('#transfers > li').length")
        assert rows == (2 if changed else 1)


def test_without_webrtc_nobody_is_asked(
    firefox_without_webrtc: Firefox, own_address: str, tmp_path: Path
) -> None:
    firefox = firefox_without_webrtc
    with hosting(own_address, tmp_path / "home") as (host, session):
        firefox.goto(session["url"])
        firefox.sees(WORDS["reasons"]["no_webrtc"])
        # The host answers this after everything that the page has sent.
        host.say(type="new_code")
        host.event("session")
        assert "pair_prompt" not in [one["event"] for one in host.seen]
        assert firefox.log == []


@pytest.mark.parametrize("again", ["declined", "renamed", "copied", "first"])
def test_a_page_that_is_loaded_again_while_it_asks_asks_again(
    firefox: Firefox, own_address: str, tmp_path: Path, again: str
) -> None:
    """Firefox ends the socket of a page that is loaded again while its scripts still run."""
    with hosting(own_address, tmp_path / "home") as (host, session):
        firefox.goto(session["url"])
        prompt = host.event("pair_prompt")
        firefox.sees("Look at the other screen")
        if again == "declined":
            host.say(type="pair_response", sessionID=prompt["sessionID"], approved=False)
        elif again == "copied":
            # WebDriver's scripts are no gesture of a person, without which nothing is copied.
            firefox.run("document.execCommand = () => true; undefined")
            firefox.run("document.querySelector('#copyLink').click()")
        if again in ("declined", "copied"):
            firefox.wait("!document.querySelector('#again').hidden")
            firefox.run("document.querySelector('#again').click()")
        elif again == "renamed":
            firefox.run("document.querySelector('#name').value = 'Zoë'")
            firefox.run("document.querySelector('#rename').requestSubmit()")
        if again != "first":
            host.event("pair_prompt")
            firefox.sees("Look at the other screen")
        firefox.reload()
        prompt = host.event("pair_prompt")
        firefox.wait("!document.querySelector('#copyLink').hidden")
        request = {"sessionID": prompt["sessionID"], "request": prompt["request"]}
        host.say(type="pair_response", approved=True, **request)
        host.event("link", state="connected")
        firefox.wait("!document.querySelector('#linked').hidden")
        assert firefox.log == []
