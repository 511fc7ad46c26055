"""What people do at the wrong moment: two taps, two tabs, a second scan, a cancel without a link,
files that change.

A gate keeps the transfer under way meanwhile: the host's (tests/gate.py) or the page's
(browser.READING_GATE).
"""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from proxim.io.pairing.page import languages
from tests.gate import Gate
from tests.programs.file_programs import until
from tests.programs.program import JSON, Program
from tests.web.browser import Phone, hosting, moving, origin_of, phone, sha256_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

WORDS, REASONS = languages()["en"]["page"], languages()["en"]["reasons"]
FILE_BYTES = 5_000_000
# No more bytes of the file pass a closed gate.
ALLOWED = 3_000_000
# A page reports its progress only now and then, and not at all while a gate stops the next bytes.
# So a test can only wait until the transfer has begun.
BEGUN = 1
# The page stores at least so much at once (files/incoming.mjs).
PIECE_BYTES = 4 * 1024 * 1024
# A lost link can be resumed for so many seconds (pairing/session.mjs).
RESUMED = 120

# This runs before the page's own scripts. Tests can then end its connections and keep its sockets
# from the host.
HOLD = """
globalThis.peers = [];
globalThis.apart = false;
const {RTCPeerConnection: Peer, WebSocket: Socket} = globalThis;
globalThis.RTCPeerConnection = class extends Peer {
  constructor(settings) { super(settings); peers.push(this); }
};
globalThis.WebSocket = class extends Socket {
  constructor(url) { super(apart ? "ws://" + location.hostname + ":1/" : url); }
};
"""
# This stores something as a tab would do that was closed later, or waits until that is gone.
OF_A_CLOSED_TAB = """(what) => new Promise((done, failed) => {
  const opening = indexedDB.open("proxim-kept", 1);
  opening.onerror = failed;
  opening.onsuccess = () => {
    const store = () =>
      opening.result.transaction("proxim-kept", "readwrite").objectStore("proxim-kept");
    const look = () => {
      store().count(["closed", "id"]).onsuccess = ({target}) => {
        if (target.result) setTimeout(look, 20);
        else opening.result.close(), done();
      };
    };
    if (what === "put") store().put({}, ["closed", "id"]).onsuccess = () => done();
    else look();
  };
})"""
# This collects the seconds that the countdown shows, and what a screen reader gets to read
# meanwhile.
LISTEN = """() => {
  globalThis.shown = new Set();
  globalThis.read = [];
  const implied = {status: "polite", alert: "assertive"};
  new MutationObserver((changes) => {
    for (const {target} of changes) {
      const element = target.closest?.("[aria-live], [role=status], [role=alert]");
      if (!element) continue;
      const live = element.getAttribute("aria-live") ?? implied[element.getAttribute("role")];
      if (live !== "off") read.push(element.textContent);
      shown.add(document.querySelector("#status").textContent);
    }
  }).observe(document.querySelector("main"), {childList: true, subtree: true});
}"""


# This makes that tab one that was hidden so many milliseconds ago.
HIDDEN_AGO = "ago => localStorage.setItem('proxim-hidden-closed', String(Date.now() - ago))"
# What a tab has kept that may be frozen stays for so long (files/store.mjs).
FROZEN_MS = 150_000


def random_file(path: Path, size: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.urandom(size))
    return path


def still_linked(host: Program, guest: Phone) -> None:
    """Check that the link has not been lost, not even for a moment."""
    guest.sends_text("still here")
    assert host.event("text")["text"] == "still here"
    assert [one["state"] for one in host.seen if one["event"] == "link"] == [
        "connecting",
        "connected",
    ]


@pytest.fixture
def saved_to(tmp_path: Path) -> Path:
    folder = tmp_path / "saved"
    folder.mkdir()
    return folder


# --- taps -----------------------------------------------------------------------------------------


def test_accept_twice(chromium: Browser, own_address: str, tmp_path: Path, gate: Gate) -> None:
    """The second tap follows the first at once; a third one comes while the file arrives."""
    down = random_file(tmp_path / "down.bin", FILE_BYTES)
    gate.close_after(ALLOWED)
    with (
        hosting(own_address, tmp_path / "home", gate=gate) as (host, session),
        phone(chromium) as guest,
    ):
        guest.page.goto(session["url"])
        guest.joined(host)
        host.say(type="send", paths=[str(down)])
        guest.page.locator(".question .main").wait_for()
        with guest.page.expect_download() as saved:
            guest.page.evaluate(
                "() => { globalThis.yes = document.querySelector('.question .main'); yes.click(); "
                "yes.click(); }"
            )
            moving(host, "out", BEGUN)
            guest.page.evaluate("yes.click()")
            gate.open()
        assert sha256_of(Path(saved.value.path())) == sha256_of(down)
        guest.sees(WORDS["allSaved"])
        assert host.event("transfer", state="done")["direction"] == "out"
        still_linked(host, guest)


def test_decline_then_accept(chromium: Browser, own_address: str, tmp_path: Path) -> None:
    down = random_file(tmp_path / "down.bin", 1000)
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        guest.page.goto(session["url"])
        guest.joined(host)
        host.say(type="send", paths=[str(down)])
        guest.page.locator(".question .main").wait_for()
        guest.page.evaluate(
            """() => {
                const [yes, no] = document.querySelectorAll('.question :is(.main, .no)');
                no.click();
                yes.click();
            }"""
        )
        assert host.event("transfer", state="cancelled")["reason"] == "declined"
        guest.sees(REASONS["in declined"])
        still_linked(host, guest)
        assert guest.page.locator("#transfers > li > p").all_inner_texts() == [
            REASONS["in declined"]
        ]


def test_after_a_goodbye_nothing_is_asked_again(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    """A one-time session ends with its link, so asking again could only fail."""
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        guest.page.goto(session["url"])
        guest.joined(host)
        guest.page.click("#leave")
        guest.sees(WORDS["youLeft"])
        for gone in ("#again", "#badge", "#steps", "#linked"):
            assert guest.page.locator(gone).is_hidden()


def test_who_leaves_cancels_what_moves(
    chromium: Browser, own_address: str, tmp_path: Path, gate: Gate
) -> None:
    """The host must not wait for bytes that cannot come, and the keyboard's focus must stay with
    the transfer.
    """
    down = random_file(tmp_path / "down.bin", FILE_BYTES)
    gate.close_after(ALLOWED)
    with (
        hosting(own_address, tmp_path / "home", gate=gate) as (host, session),
        phone(chromium) as guest,
    ):
        guest.page.goto(session["url"])
        guest.joined(host)
        host.say(type="send", paths=[str(down)])
        guest.page.locator(".question:not([inert]) .main").press("Enter")
        moving(host, "out")
        # The row has the focus and not one of its buttons, because the key may still be down.
        assert guest.page.evaluate("document.activeElement.matches('#transfers > li')")
        guest.page.click("#leave")
        assert host.event("transfer", state="cancelled", direction="out")["name"] == "down.bin"
        guest.sees(REASONS["in cancelled"])


# --- tabs and invitations -------------------------------------------------------------------------


def test_the_same_code_in_a_second_tab(
    chromium: Browser, own_address: str, tmp_path: Path, gate: Gate
) -> None:
    """The second tab learns that the code is in use. The first tab keeps what it has, and continues
    with it after a reload.
    """
    down = random_file(tmp_path / "down.bin", 3 * PIECE_BYTES)
    gate.close_after(2 * PIECE_BYTES)
    with (
        hosting(own_address, tmp_path / "home", gate=gate) as (host, session),
        phone(chromium) as guest,
    ):
        guest.page.goto(session["url"])
        guest.joined(host)
        host.say(type="send", paths=[str(down)])
        guest.page.click(".question .main")
        guest.has_kept(1)
        second = guest.page.context.new_page()
        second.goto(session["url"])
        second.get_by_text(REASONS["busy"]).wait_for()
        second.close()
        with guest.page.expect_download(timeout=60_000) as saved:
            guest.page.reload()
            gate.open()
            host.event("link", state="waiting")
            host.event("link", state="connected")
            again = host.event("transfer", state="active", direction="out")
        assert again["bytes"] >= PIECE_BYTES, "what had come was thrown away"
        assert sha256_of(Path(saved.value.path())) == sha256_of(down)


def test_a_tab_without_an_invitation_leaves_others_what_they_kept(
    chromium: Browser, own_address: str, tmp_path: Path, gate: Gate
) -> None:
    """It removes what a closed tab has kept, and nothing of an open one."""
    down = random_file(tmp_path / "down.bin", 3 * PIECE_BYTES)
    gate.close_after(2 * PIECE_BYTES)
    with (
        hosting(own_address, tmp_path / "home", gate=gate) as (host, session),
        phone(chromium) as guest,
    ):
        guest.page.goto(session["url"])
        guest.joined(host)
        host.say(type="send", paths=[str(down)])
        guest.page.click(".question .main")
        guest.has_kept(1)
        guest.page.evaluate(OF_A_CLOSED_TAB, "put")
        second = guest.page.context.new_page()
        second.goto(origin_of(session["url"]))
        second.evaluate(OF_A_CLOSED_TAB, "until it is gone")
        second.close()
        with guest.page.expect_download(timeout=60_000) as saved:
            guest.page.reload()
            gate.open()
            host.event("link", state="waiting")
            host.event("link", state="connected")
            again = host.event("transfer", state="active", direction="out")
        assert again["bytes"] >= PIECE_BYTES, "what had come was thrown away"
        assert sha256_of(Path(saved.value.path())) == sha256_of(down)


def test_a_page_that_is_loaded_again_says_so_at_once(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    """While it reads what was kept, it must not offer to ask the host without a proof."""
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        guest.page.goto(session["url"])
        guest.joined(host)
        guest.page.add_init_script("IDBFactory.prototype.open = () => ({});")
        guest.page.reload()
        guest.sees("Reconnecting by itself")
        assert guest.page.locator("#again").is_hidden()


@pytest.mark.parametrize("before", ["nothing", "another session"])
def test_a_second_invitation_in_the_same_tab(
    chromium: Browser, own_address: str, tmp_path: Path, before: str
) -> None:
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        if before == "nothing":
            guest.page.goto(origin_of(session["url"]))
            guest.sees(WORDS["scan"])
        else:
            secret, _, uuid = session["url"].partition("#")[2].split(".")
            guest.page.goto(f"{origin_of(session['url'])}/#{secret}.{'A' * 22}.{uuid}")
            guest.sees(REASONS["unknown_session"])
        guest.page.evaluate("url => { location.href = url; }", session["url"])
        guest.joined(host)
        assert "#" not in guest.page.url, "the secret stays in the address bar"
        guest.is_content(origin_of(session["url"]))


# --- files ----------------------------------------------------------------------------------------


def test_a_cancel_without_a_link_reaches_the_host(
    chromium: Browser, own_address: str, tmp_path: Path, gate: Gate
) -> None:
    down = random_file(tmp_path / "down.bin", FILE_BYTES)
    gate.close_after(ALLOWED)
    with (
        hosting(own_address, tmp_path / "home", gate=gate) as (host, session),
        phone(chromium) as guest,
    ):
        guest.page.add_init_script(HOLD)
        guest.page.goto(session["url"])
        guest.joined(host)
        host.say(type="send", paths=[str(down)])
        guest.page.click(".question .main")
        moving(host, "out")
        guest.page.evaluate("() => { apart = true; peers.at(-1).close(); }")
        guest.sees("Reconnecting by itself")
        guest.page.get_by_role("button", name="Cancel").click()
        guest.page.evaluate("() => { apart = false; }")
        guest.is_linked()
        assert host.event("transfer", state="cancelled", direction="out")["name"] == "down.bin"
        guest.sees(REASONS["in cancelled"])
        # The button is gone, and the keyboard must not be at the top of the page.
        assert guest.page.evaluate("document.activeElement.matches('#transfers > li')")


def test_a_file_dated_before_1970(
    chromium: Browser, own_address: str, tmp_path: Path, saved_to: Path
) -> None:
    old = random_file(tmp_path / "old.jpg", 1000)
    os.utime(old, (-86_400 * 400, -86_400 * 400))
    options = ("--save-to", str(saved_to))
    with (
        hosting(own_address, tmp_path / "home", *options) as (host, session),
        phone(chromium) as guest,
    ):
        guest.page.goto(session["url"])
        guest.joined(host)
        guest.page.set_input_files("#files", old)
        host.event("transfer", state="done")
        assert sha256_of(saved_to / "old.jpg") == sha256_of(old)


def test_a_path_that_no_host_takes(chromium: Browser, own_address: str, tmp_path: Path) -> None:
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        guest.page.goto(session["url"])
        guest.joined(host)
        guest.page.evaluate("""() => {
          const chosen = new DataTransfer();
          chosen.items.add(new File(["x"], "n".repeat(1025)));
          const input = document.querySelector("#files");
          input.files = chosen.files;
          input.dispatchEvent(new Event("change"));
        }""")
        guest.sees(REASONS["name_refused"])
        still_linked(host, guest)


def reloaded_while_sending(host: Program, guest: Phone, session: JSON, up: Path) -> JSON:
    """Load the page again while it sends a file, so that it lacks the file. Return the event of
    the transfer.
    """
    guest.reads_at_most(ALLOWED)
    guest.page.goto(session["url"])
    guest.joined(host)
    guest.page.set_input_files("#files", up)
    begun = moving(host, "in", BEGUN)
    guest.page.reload()
    guest.opens_gate()
    guest.sees(WORDS["chooseAgain"])
    return begun


def test_what_was_cancelled_stays_so(
    chromium: Browser, own_address: str, tmp_path: Path, saved_to: Path
) -> None:
    """The same files, chosen again after a reload and a cancel, are a transfer of their own."""
    up = random_file(tmp_path / "up.bin", FILE_BYTES)
    options = ("--save-to", str(saved_to))
    with (
        hosting(own_address, tmp_path / "home", *options) as (host, session),
        phone(chromium) as guest,
    ):
        reloaded_while_sending(host, guest, session, up)
        guest.page.get_by_role("button", name="Cancel").click()
        first = host.event("transfer", state="cancelled", direction="in")
        guest.page.set_input_files("#files", up)
        done = host.event("transfer", state="done", direction="in")
        assert done["transferID"] != first["transferID"]
        assert sha256_of(saved_to / "up.bin") == sha256_of(up)
        guest.sees(WORDS["arrived"])
        assert guest.page.locator("#transfers > li > p").all_inner_texts() == [
            WORDS["arrived"],
            REASONS["cancelled"],
        ]


@pytest.mark.parametrize("changed", [False, True], ids=["same", "other contents"])
def test_a_file_chosen_again_with_another_time(
    chromium: Browser, own_address: str, tmp_path: Path, saved_to: Path, changed: bool
) -> None:
    """Phones copy a file each time that it is chosen. The old transfer goes on with the copy; if it
    has other contents, it begins anew.
    """
    up = random_file(tmp_path / "up.bin", FILE_BYTES)
    options = ("--save-to", str(saved_to))
    with (
        hosting(own_address, tmp_path / "home", *options) as (host, session),
        phone(chromium) as guest,
    ):
        first = reloaded_while_sending(host, guest, session, up)
        if changed:
            random_file(up, FILE_BYTES)
        os.utime(up, (1_700_000_000, 1_700_000_000))
        guest.page.set_input_files("#files", up)
        done = host.event("transfer", state="done", direction="in")
        assert done["transferID"] == first["transferID"]
        assert sha256_of(saved_to / "up.bin") == sha256_of(up)
        guest.sees(WORDS["arrived"])
        assert guest.page.locator("#transfers > li").count() == 1
        assert [one.name for one in saved_to.iterdir()] == ["up.bin"]


def test_an_empty_folder_is_not_passed_over_in_silence(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    """Firefox shows an empty folder to the page as a choice of no files. In Chromium's own picker,
    which no test opens, it is the same as no choice (seen in 156).
    """
    (tmp_path / "empty").mkdir()
    full = tmp_path / "full"
    full.mkdir()
    (full / "file").touch()
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        guest.page.goto(session["url"])
        guest.joined(host)
        guest.page.set_input_files("#folder", tmp_path / "empty")
        guest.sees(WORDS["emptyFolder"])
        guest.page.evaluate("document.querySelector('#folder').dispatchEvent(new Event('cancel'))")
        guest.sees(WORDS["noFolder"])
        guest.page.set_input_files("#folder", full)
        guest.sees(WORDS["emptyFolders"])
        assert not guest.page.get_by_text(WORDS["emptyFolder"]).is_visible()


def test_nothing_of_an_upload_stays_when_its_session_is_over(
    chromium: Browser, own_address: str, tmp_path: Path, saved_to: Path
) -> None:
    """No page will go on with it, neither after a goodbye nor once the host's program has ended."""
    up = random_file(tmp_path / "up.bin", FILE_BYTES)
    options = ("--save-to", str(saved_to))
    for goodbye in (True, False):
        with (
            hosting(own_address, tmp_path / "home", *options) as (host, session),
            phone(chromium) as guest,
        ):
            guest.reads_at_most(ALLOWED)
            guest.page.goto(session["url"])
            guest.joined(host)
            guest.page.set_input_files("#files", up)
            moving(host, "in", BEGUN)
            assert len(list(saved_to.iterdir())) == 1
            if goodbye:
                host.say(type="close")
                host.ended()
                assert not list(saved_to.iterdir())
            else:
                # The page may come back, until the program is killed.
                guest.page.close()
                host.event("transfer", state="waiting", direction="in")
                assert len(list(saved_to.iterdir())) == 1
    with hosting(own_address, tmp_path / "home", *options):
        until(lambda: not list(saved_to.iterdir()))


def test_a_file_that_changes_while_it_is_sent(
    chromium: Browser, own_address: str, tmp_path: Path, saved_to: Path
) -> None:
    log = random_file(tmp_path / "log.txt", FILE_BYTES)
    options = ("--save-to", str(saved_to))
    with (
        hosting(own_address, tmp_path / "home", *options) as (host, session),
        phone(chromium) as guest,
    ):
        guest.reads_at_most(ALLOWED)
        guest.page.goto(session["url"])
        guest.joined(host)
        guest.page.set_input_files("#files", log)
        moving(host, "in", BEGUN)
        with log.open("ab") as file:
            file.write(b"one line more")
        guest.opens_gate()
        assert host.event("transfer", state="failed", direction="in")["reason"] == "file_changed"
        guest.sees(REASONS["file_changed"])
        assert list(saved_to.iterdir()) == []


# --- text -----------------------------------------------------------------------------------------


def test_too_long_a_text_and_none(chromium: Browser, own_address: str, tmp_path: Path) -> None:
    """The page says what is wrong with a text, and keeps it, until the person changes it. It shows
    no empty text of the host.
    """
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        guest.page.goto(session["url"])
        guest.joined(host)
        # The text is hidden meanwhile: a busy machine needs so long for the layout of a megabyte of
        # text that the host would consider the page gone.
        guest.page.evaluate(
            "() => { const text = document.querySelector('#text'); text.hidden = true;"
            " text.value = 'a line of text\\n'.repeat(70_000); }"
        )
        guest.page.click("#say .main")
        guest.sees(REASONS["text_too_long"])
        assert guest.page.evaluate("document.querySelector('#text').value.length") == 15 * 70_000
        guest.page.evaluate(
            "() => { const text = document.querySelector('#text'); text.value = 'short';"
            " text.hidden = false; }"
        )
        guest.page.fill("#text", "shorter")
        assert guest.page.locator("#problem").is_hidden()
        host.say(type="text", text="")
        host.say(type="text", text="something")
        guest.sees("something")
        assert guest.page.locator("#texts > li").count() == 1
        still_linked(host, guest)


def test_what_a_frozen_tab_has_kept_stays_until_it_is_of_no_use(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    with hosting(own_address, tmp_path / "home") as (_, session), phone(chromium) as guest:
        guest.page.clock.install()
        guest.page.goto(origin_of(session["url"]))
        guest.sees(WORDS["scan"])
        guest.page.evaluate(OF_A_CLOSED_TAB, "put")
        guest.page.evaluate(HIDDEN_AGO, FROZEN_MS - 10_000)
        # The page has asked all tabs before this, and looks at what they keep.
        guest.page.clock.run_for(2_000)
        count = """() => new Promise((done) => {
          indexedDB.open("proxim-kept", 1).onsuccess = ({target}) => {
            const store = target.result.transaction("proxim-kept").objectStore("proxim-kept");
            store.count(["closed", "id"]).onsuccess = (event) => done(event.target.result);
          };
        })"""
        assert guest.page.evaluate(count) == 1
        guest.page.clock.run_for(FROZEN_MS + 2_000)
        guest.page.clock.resume()
        guest.page.evaluate(OF_A_CLOSED_TAB, "gone")


# --- the host, and screen readers -----------------------------------------------------------------


def test_a_host_that_dies_under_a_link(chromium: Browser, own_address: str, tmp_path: Path) -> None:
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        guest.page.clock.install()
        guest.page.goto(session["url"])
        guest.joined(host)
        host.process.kill()
        guest.sees("Reconnecting by itself")
        guest.page.clock.fast_forward((RESUMED + 1) * 1000)
        guest.sees(REASONS["no_answer"])
        assert guest.page.locator("#linked").is_hidden()


def test_a_host_that_dies_while_it_is_asked(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        guest.page.goto(session["url"])
        host.event("pair_prompt")
        host.process.kill()
        guest.sees(REASONS["host_gone"])
        assert guest.page.locator("#again").is_visible()


def test_a_countdown_is_not_read_out(chromium: Browser, own_address: str, tmp_path: Path) -> None:
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        guest.page.clock.install()
        guest.page.goto(session["url"])
        host.event("pair_prompt")
        guest.sees("Look at the other screen")
        guest.page.evaluate(LISTEN)
        guest.page.clock.run_for(4000)
        guest.page.wait_for_function("() => shown.size >= 4")
        assert guest.page.evaluate("read") == []
