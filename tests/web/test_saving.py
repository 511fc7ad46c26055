"""How the page saves what it receives: each file arrives complete in the browser's downloads,
however many there are.
"""

import json
import os
import re
import time
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Download

from proxim.io.pairing.page import languages
from tests.gate import Gate
from tests.programs.program import Program
from tests.web.browser import Phone, hosting, origin_of, phone, sha256_of
from tests.web.remote import PATIENCE
from tests.web.remote_chromium import remote_chromium

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

WORDS = languages()["en"]["page"]
# Chromium's number for a setting of a site that is blocked
BLOCK = 2
# Over http Chromium holds files of most types back until the person says "Keep", each by itself and
# archives too. No person is here, so this origin counts as secure; the block of several stays.
KEEPS = "--unsafely-treat-insecure-origin-as-secure={}"
# The button that gives the browser each file by itself; the main one makes a ZIP file.
ONE_BY_ONE = ".question .each"
# Chromium drops downloads if a page saves more than ten a second.
MANY = 30
# So many tiny files, at so many milliseconds each, take at least 6 s. A page that is silent for
# 4.5 s counts as gone (docs/protocol.md, Link).
TINY = [(500, 12), pytest.param(2_000, 3, marks=pytest.mark.nightly)]
# The page stores at least so much at once (files/incoming.mjs).
PIECE_BYTES = 4 * 1024 * 1024
# The page stores a piece no more often than this.
KEPT_EVERY_MS = 1_000

# This imitates a slow phone: putting a file together blocks everything else for so long.
SLOW = """milliseconds => {
  globalThis.Blob = class extends Blob {
    constructor(...given) {
      super(...given);
      const until = performance.now() + milliseconds;
      while (performance.now() < until);
    }
  };
}"""
# The page waits so long between two files that it passes to the browser (view/transfers.mjs), and
# tells the host that a transfer is finished once the browser has all of them.
SAVED_EVERY_MS = 150
# Without this pause Chromium drops downloads, but a test that looks at none need not wait for it.
NO_PAUSE = """pause => {
  const {setTimeout} = globalThis;
  globalThis.setTimeout = (act, ms, ...rest) => setTimeout(act, ms === pause ? 0 : ms, ...rest);
}"""
# This runs before the page's own scripts. The page's clock can be set forward, so that the page
# stores the next piece.
CLOCK = """
globalThis.ahead = 0;
const now = performance.now.bind(performance);
performance.now = () => now() + ahead;
"""
# This removes the first stored piece, as if the disk had been full for a moment.
LOSE_A_PIECE = """() => new Promise((done, failed) => {
  const opening = indexedDB.open("proxim-kept", 1);
  opening.onerror = failed;
  opening.onsuccess = () => {
    const store = opening.result.transaction("proxim-kept", "readwrite").objectStore("proxim-kept");
    const reading = store.getAllKeys();
    reading.onsuccess = () => {
      store.delete(reading.result.find((key) => key.length > 2 && key.at(-1) === 0));
      store.transaction.oncomplete = () => done();
    };
  };
})"""


# This shows a transfer whose file was passed to the browser, then forgets it, and returns which of
# the addresses that were made for its files were given back.
FORGOTTEN = """async () => {
  const {TransfersView} = await import("/view/transfers.mjs");
  const {Words} = await import("/view/words.mjs");
  const words = new Words(await (await fetch("/texts.json")).json());
  const view = new TransfersView(words);
  const made = [], revoked = [];
  const {createObjectURL} = URL;
  URL.createObjectURL = (blob) => (made.push(createObjectURL(blob)), made.at(-1));
  URL.revokeObjectURL = (url) => revoked.push(url);
  const all = new Map([["first"], ["second"]]);
  const shown = (id) => new Promise((done) => {
    const saved = [{name: `${id}.txt`, blob: new Blob([id]), done}];
    const nothing = {size: 1, moved: 1, failed: [], renamed: [], leftOut: []};
    const entries = [{path: id, size: 1}];
    view.show({id, saved, entries, ...nothing, state: "done", over: true, owner: {all}}, "host");
  });
  await shown("first");
  all.delete("first");
  await shown("second");
  return [made, revoked];
}"""


def offered(host: Program, guest: Phone, path: Path) -> None:
    """Send a file, and wait until the page asks whether to accept it."""
    host.say(type="send", paths=[str(path)])
    guest.page.locator(".question .main").wait_for()


def many_files(tmp_path: Path) -> Path:
    folder = tmp_path / "many"
    folder.mkdir()
    for index in range(MANY):
        (folder / f"{index}.bin").write_bytes(os.urandom(1000 + index))
    return folder


def downloads_of(guest: Phone) -> list[Download]:
    """Return a list to which each download is added from now on."""
    saved: list[Download] = []
    # Playwright sets an attribute on the handler, so it needs a lambda.
    guest.page.on("download", lambda one: saved.append(one))  # noqa: PLW0108
    return saved


def test_each_of_many_files_is_saved(chromium: Browser, own_address: str, tmp_path: Path) -> None:
    folder = many_files(tmp_path)
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        saved = downloads_of(guest)
        guest.page.goto(session["url"])
        guest.joined(host)
        offered(host, guest, folder)
        guest.page.click(ONE_BY_ONE)
        guest.sees(WORDS["allSaved"])
        while len(saved) < MANY:
            guest.page.wait_for_event("download")
        got = {one.suggested_filename: sha256_of(Path(one.path())) for one in saved}
        assert got == {one.name: sha256_of(one) for one in folder.iterdir()}
        guest.is_content(origin_of(session["url"]))


def test_several_files_are_one_archive(chromium: Browser, own_address: str, tmp_path: Path) -> None:
    """A browser that blocks a page's second download saves all of them."""
    folder = many_files(tmp_path)
    (folder / "empty").mkdir()
    (folder / "sub").mkdir()
    (folder / "sub" / "a:b.txt").write_text("colon")
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        saved = downloads_of(guest)
        guest.page.goto(session["url"])
        guest.joined(host)
        offered(host, guest, folder)
        archive = guest.downloads()
        guest.sees(WORDS["allSaved"])
        guest.sees("many/sub/a:b.txt is called a_b.txt here")
        done = host.event("transfer", state="done")
        assert done["renamed"] == [{"path": "many/sub/a:b.txt", "name": "a_b.txt"}]
        assert [one.suggested_filename for one in saved] == ["many.zip"]
        unpacked = tmp_path / "unpacked"
        with zipfile.ZipFile(archive) as read:
            assert read.testzip() is None
            read.extractall(unpacked)
        for one in folder.glob("*.bin"):
            assert sha256_of(unpacked / "many" / one.name) == sha256_of(one)
        assert (unpacked / "many/sub/a_b.txt").read_text() == "colon"
        assert (unpacked / "many/empty").is_dir()
        guest.is_content(origin_of(session["url"]))


def test_where_several_downloads_are_blocked_all_five_are_saved(
    own_address: str, tmp_path: Path
) -> None:
    downloads, profile = tmp_path / "downloads", tmp_path / "profile" / "Default"
    downloads.mkdir()
    profile.mkdir(parents=True)
    settings = {
        "profile": {"default_content_setting_values": {"automatic_downloads": BLOCK}},
        "download": {"default_directory": str(downloads), "prompt_for_download": False},
    }
    (profile / "Preferences").write_text(json.dumps(settings))
    files = [tmp_path / f"{index}.bin" for index in range(5)]
    for file in files:
        file.write_bytes(os.urandom(1000))
    with (
        hosting(own_address, tmp_path / "home") as (host, session),
        remote_chromium(tmp_path, KEEPS.format(origin_of(session["url"]))) as browser,
    ):
        browser.open(session["url"])
        prompt = host.event("pair_prompt")
        host.say(
            type="pair_response",
            sessionID=prompt["sessionID"],
            approved=True,
            request=prompt["request"],
        )
        host.event("link", state="connected")
        host.say(type="send", paths=[str(file) for file in files])
        browser.wait("document.querySelector('.question')?.inert === false")
        browser.run("document.querySelector('.question .main').click()")
        host.event("transfer", state="done")
        archive = downloads / "Proxim.zip"
        deadline = time.monotonic() + PATIENCE
        # Chromium makes an empty file of this name first, and renames the whole one to it.
        while not zipfile.is_zipfile(archive):
            assert time.monotonic() < deadline, list(downloads.iterdir())
            browser.run("1")
        with zipfile.ZipFile(archive) as read:
            assert {one: read.read(one) for one in read.namelist()} == {
                one.name: one.read_bytes() for one in files
            }


def test_an_archive_goes_on_after_the_page_was_loaded_again(
    chromium: Browser, own_address: str, tmp_path: Path, gate: Gate
) -> None:
    folder = tmp_path / "large"
    folder.mkdir()
    for name in ("first.bin", "second.bin", "third.bin"):
        (folder / name).write_bytes(os.urandom(PIECE_BYTES))
    gate.close_after(PIECE_BYTES * 3 // 2)
    with (
        hosting(own_address, tmp_path / "home", gate=gate) as (host, session),
        phone(chromium) as guest,
    ):
        guest.page.goto(session["url"])
        guest.joined(host)
        offered(host, guest, folder)
        guest.page.click(".question .main")
        guest.has_kept(1)
        with guest.page.expect_download(timeout=60_000) as saved:
            guest.page.reload()
            gate.open()
            host.event("link", state="waiting")
            host.event("link", state="connected")
            again = host.event("transfer", state="active", direction="out")
        assert again["bytes"] >= PIECE_BYTES, "what had come was thrown away"
        with zipfile.ZipFile(Path(saved.value.path())) as read:
            assert read.testzip() is None
            for one in folder.iterdir():
                assert read.read(f"large/{one.name}") == one.read_bytes()
        host.event("transfer", state="done")


def test_a_question_stays_while_the_page_cannot_load_what_makes_archives(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    folder = many_files(tmp_path)
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        guest.page.goto(session["url"])
        guest.joined(host)
        offered(host, guest, folder)
        guest.page.route("**/archive.mjs", lambda route: route.abort())
        guest.page.click(".question .main")
        guest.sees(WORDS["loadFailed"])
        guest.page.unroute("**/archive.mjs")
        with zipfile.ZipFile(guest.downloads()) as read:
            assert len(read.namelist()) == MANY + 1
        host.event("transfer", state="done")
        assert guest.page.locator("#problem").is_hidden()


def test_an_archive_waits_until_the_page_can_load_what_makes_it(
    chromium: Browser, own_address: str, tmp_path: Path, gate: Gate
) -> None:
    """The page is loaded again, and one of its parts does not come at first."""
    folder = tmp_path / "large"
    folder.mkdir()
    for name in ("first.bin", "second.bin", "third.bin"):
        (folder / name).write_bytes(os.urandom(PIECE_BYTES))
    gate.close_after(PIECE_BYTES * 3 // 2)
    with (
        hosting(own_address, tmp_path / "home", gate=gate) as (host, session),
        phone(chromium) as guest,
    ):
        guest.page.goto(session["url"])
        guest.joined(host)
        offered(host, guest, folder)
        guest.page.click(".question .main")
        guest.has_kept(1)
        guest.page.route("**/archive.mjs", lambda route: route.abort())
        with guest.page.expect_download(timeout=60_000) as saved:
            guest.page.reload()
            gate.open()
            # Playwright aborts what is loaded while it waits for the page.
            guest.is_linked()
            guest.sees(WORDS["paused"])
            guest.page.unroute("**/archive.mjs")
            host.event("link", state="waiting")
            host.event("link", state="connected")
            again = host.event("transfer", state="active", direction="out")
        assert again["bytes"] >= PIECE_BYTES, "what had come was thrown away"
        with zipfile.ZipFile(Path(saved.value.path())) as read:
            assert read.testzip() is None
            for one in folder.iterdir():
                assert read.read(f"large/{one.name}") == one.read_bytes()
        host.event("transfer", state="done")


def test_a_forgotten_row_keeps_no_file_in_memory(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    with hosting(own_address, tmp_path / "home") as (_, session), phone(chromium) as guest:
        guest.page.goto(origin_of(session["url"]))
        guest.sees(WORDS["scan"])
        made, revoked = guest.page.evaluate(FORGOTTEN)
        assert [len(made), revoked] == [2, made[:1]]


def test_names_stay_as_they_were_sent_or_both_ends_say_so(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    folder = tmp_path / "names"
    folder.mkdir()
    changed = {"a\\b:c.txt": "a_b_c.txt", "é" * 120 + ".jpg": "é" * 98 + ".jpg"}
    kept = ("می\u200cخواهم.txt", "\U0001f469\u200d\U0001f4bb.png")
    names = (*changed, *kept)
    for name in names:
        (folder / name).write_bytes(name.encode())
    (folder / "link").symlink_to("/dev/null")
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        saved = downloads_of(guest)
        guest.page.goto(session["url"])
        guest.joined(host)
        offered(host, guest, folder)
        guest.sees("names/link was left out: it is no file")
        guest.page.click(ONE_BY_ONE)
        guest.sees(WORDS["allSaved"])
        guest.sees("names/a\\b:c.txt is called a_b_c.txt here")
        while len(saved) < len(names):
            guest.page.wait_for_event("download")
        # Chromium itself replaces the joiners.
        wanted = {changed.get(name, re.sub("[\u200c\u200d]", "_", name)) for name in names}
        assert {one.suggested_filename for one in saved} == wanted
        given = guest.page.locator("a[download]")
        asked = given.evaluate_all("links => links.map((link) => link.download)")
        assert set(asked) == {*changed.values(), *kept}
        told = host.event("transfer", state="done")["renamed"]
        assert {one["path"]: one["name"] for one in told} == {
            f"names/{name}": new for name, new in changed.items()
        }
        # In the other direction the host's disk decides.
        hidden = tmp_path / ".env"
        hidden.write_bytes(b"1")
        guest.page.set_input_files("#files", hidden)
        announced = host.event("transfer", state="announced")
        host.say(type="accept", transferID=announced["transferID"])
        guest.sees(".env is saved as env")
        guest.is_content(origin_of(session["url"]))


def test_files_that_the_browser_did_not_get_yet_are_sent_again(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    """The page is loaded again when all files have arrived, but the browser has half of them."""
    folder = many_files(tmp_path)
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        saved = downloads_of(guest)
        guest.page.goto(session["url"])
        guest.joined(host)
        offered(host, guest, folder)
        guest.page.click(ONE_BY_ONE)
        # The page shows only some of these numbers.
        guest.page.get_by_text(re.compile(r"\b1\d to go")).first.wait_for()
        guest.page.reload()
        assert len(saved) < MANY, "the page was loaded again too late, and the test says nothing"
        guest.sees(WORDS["allSaved"])
        host.event("transfer", state="done")
        wanted = {one.name: sha256_of(one) for one in folder.iterdir()}
        while {one.suggested_filename for one in saved} != {*wanted}:
            guest.page.wait_for_event("download")
        # What was being passed on may be there twice, but not everything.
        assert len(saved) < MANY + 10
        assert {one.suggested_filename: sha256_of(Path(one.path())) for one in saved} == wanted
        guest.is_content(origin_of(session["url"]))


@pytest.mark.parametrize(("count", "slow_ms"), TINY)
def test_many_tiny_files_do_not_cost_the_link(
    chromium: Browser, own_address: str, tmp_path: Path, count: int, slow_ms: int
) -> None:
    folder = tmp_path / "tiny"
    folder.mkdir()
    for index in range(count):
        (folder / f"{index}.txt").write_bytes(b"%d" % index)
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        guest.page.goto(session["url"])
        guest.joined(host)
        offered(host, guest, folder)
        guest.page.evaluate(SLOW, slow_ms)
        guest.page.evaluate(NO_PAUSE, SAVED_EVERY_MS)
        guest.page.click(ONE_BY_ONE)
        host.event("transfer", patience=90, state="done")
        states = [one["state"] for one in host.seen if one["event"] == "link"]
        assert states == ["connecting", "connected"]
        guest.sends_text("still here")
        assert host.event("text")["text"] == "still here"


def test_a_piece_that_was_not_kept_is_asked_for_again(
    chromium: Browser, own_address: str, tmp_path: Path, gate: Gate
) -> None:
    down = tmp_path / "down.bin"
    down.write_bytes(os.urandom(4 * PIECE_BYTES))
    gate.close_after(PIECE_BYTES * 3 // 2)
    with (
        hosting(own_address, tmp_path / "home", gate=gate) as (host, session),
        phone(chromium) as guest,
    ):
        guest.page.add_init_script(CLOCK)
        guest.page.goto(session["url"])
        guest.joined(host)
        offered(host, guest, down)
        guest.page.click(".question .main")
        guest.has_kept(1)
        guest.page.evaluate("delay => { ahead = delay; }", KEPT_EVERY_MS)
        gate.close_after(3 * PIECE_BYTES)
        guest.has_kept(2)
        guest.page.evaluate(LOSE_A_PIECE)
        with guest.page.expect_download(timeout=60_000) as saved:
            guest.page.reload()
            gate.open()
            host.event("link", state="waiting")
            host.event("link", state="connected")
        assert sha256_of(Path(saved.value.path())) == sha256_of(down)
        assert host.event("transfer", state="done")["name"] == "down.bin"
