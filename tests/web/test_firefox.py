"""The page in Firefox, driven by WebDriver BiDi: it opens the link, pairs, and exchanges text and
files; what depends on a browser's own ways with files is tried here as well as in Chromium.
"""

import os
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxim.io.pairing.page import languages
from tests.web.browser import READING_GATE, hosting, moving, sha256_of
from tests.web.firefox import Firefox, started
from tests.web.remote import PATIENCE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

FILE_BYTES = 3_000_001
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
