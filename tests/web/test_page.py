"""The page in Debian's Chromium against a real host: everything from the URL to files, and what
must not happen on the way.
"""

import os
from contextlib import closing
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, Route

from proxim.io.pairing.page import languages
from tests.web.browser import SHARED, chromium_program, hosting, origin_of, phone, sha256_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

WORDS, REASONS = languages()["en"]["page"], languages()["en"]["reasons"]
WIDTHS = (320, 390, 1280)
# As in first.js.
SHOW_ANYWAY_MS = 2000
# This runs before the page's own scripts. Timers of so many milliseconds never fire.
NO_TIMER = """{
  const {setTimeout} = globalThis;
  globalThis.setTimeout = (act, ms, ...rest) => ms === %d ? 0 : setTimeout(act, ms, ...rest);
}"""
FORM_IS_STYLED = "getComputedStyle(document.querySelector('form')).borderRadius === '12px'"
HOSTILE = "<img src=x onerror=alert(1)>"
# The file needs several messages and several windows of reports, and its size is no round number.
FILE_BYTES = 3_000_001


@pytest.fixture
def chromium() -> Browser:
    """The whole browser, as people have it."""
    return SHARED.chromium(chromium_program(windows=True))


def some_file(folder: Path, name: str, size: int) -> Path:
    path = folder / name
    path.write_bytes(os.urandom(size))
    return path


def check_fits(page: Page) -> None:
    """Check that nothing has to be scrolled sideways, however wide the screen is."""
    asked = page.viewport_size
    assert asked is not None
    wrong = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": asked["height"]})
        if not page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
            wrong.append(f"at {width} it scrolls sideways")
    page.set_viewport_size(asked)
    assert wrong == []


@pytest.mark.parametrize(
    "width", [320, *(pytest.param(width, marks=pytest.mark.nightly) for width in (390, 1280))]
)
def test_from_the_link_to_files_both_ways(
    chromium: Browser, own_address: str, tmp_path: Path, width: int
) -> None:
    saved_to = tmp_path / "saved"
    saved_to.mkdir()
    with (
        hosting(own_address, tmp_path / "home") as (host, session),
        phone(chromium, width=width) as guest,
    ):
        page = guest.page
        page.goto(session["url"])
        prompt = host.event("pair_prompt")
        assert prompt["deviceInfo"]["name"] == "Chrome on Linux"
        assert prompt["verified"] == "qr"
        guest.is_at("asked")
        guest.sees("Look at the other screen")
        check_fits(page)
        host.say(type="pair_response", sessionID=prompt["sessionID"], approved=True)
        guest.is_linked()
        assert "#" not in page.url, "the secret stays in the address bar"
        guest.sees("Connected with Ana's PC.")

        text = f"Grüße, 你好, 🙂 {HOSTILE}\n" + "x" * 50_000
        guest.sends_text(text)
        assert host.event("text")["text"] == text
        host.say(type="text", text=f"from the host {HOSTILE}")
        guest.sees(f"from the host {HOSTILE}")

        up = some_file(tmp_path, "up.bin", FILE_BYTES)
        empty = some_file(tmp_path, "empty.txt", 0)
        page.set_input_files("#files", [up, empty])
        announced = host.event("transfer", state="announced")
        assert [one["path"] for one in announced["files"]] == ["up.bin", "empty.txt"]
        host.say(type="accept", transferID=announced["transferID"], directory=str(saved_to))
        host.event("transfer", state="done")
        guest.sees("Done. Everything arrived unharmed.")
        assert sha256_of(saved_to / "up.bin") == sha256_of(up)
        assert (saved_to / "empty.txt").read_bytes() == b""

        down = some_file(tmp_path, "down.bin", FILE_BYTES)
        host.say(type="send", paths=[str(down)])
        guest.sees("Ana's PC wants to send you 1 file")
        assert sha256_of(guest.downloads()) == sha256_of(down)
        host.event("transfer", state="done")
        guest.sees("Save down.bin")

        check_fits(page)
        page.click("#leave")
        assert host.event("link", state="closed")["reason"] == "peer_left"
        guest.is_content(origin_of(session["url"]))


def test_hostile_names_are_text(chromium: Browser, own_address: str, tmp_path: Path) -> None:
    with (
        hosting(own_address, tmp_path / "home", "--name", HOSTILE) as (host, session),
        phone(chromium) as guest,
    ):
        guest.page.goto(session["url"])
        guest.joined(host)
        guest.sees(HOSTILE)
        evil = some_file(tmp_path, "<svg onload=alert(2)>\u202egpj.exe", 10)
        host.say(type="send", paths=[str(evil)])
        # The page removes the control character that would reverse the name.
        guest.sees("<svg onload=alert(2)>gpj.exe")
        with guest.page.expect_download() as saved:
            guest.page.click(".question .main")
        assert saved.value.suggested_filename.endswith("gpj.exe")
        guest.sees(WORDS["allSaved"])
        assert guest.page.locator("main img, main svg, main script").count() == 0
        guest.is_content(origin_of(session["url"]))


def test_a_declined_file_and_a_cancelled_one(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        guest.page.goto(session["url"])
        guest.joined(host)
        file = some_file(tmp_path, "one.bin", 1000)
        host.say(type="send", paths=[str(file)])
        guest.page.get_by_role("button", name="Decline").click()
        assert host.event("transfer", state="cancelled")["reason"] == "declined"
        guest.sees("You declined.")
        guest.page.set_input_files("#files", [file])
        announced = host.event("transfer", state="announced", direction="in")
        guest.page.get_by_role("button", name="Cancel").click()
        assert host.event("transfer", state="cancelled")["transferID"] == announced["transferID"]
        guest.is_content(origin_of(session["url"]))


def test_a_refusal_is_named_in_the_programs_words(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        guest.page.goto(session["url"])
        prompt = host.event("pair_prompt")
        host.say(type="pair_response", sessionID=prompt["sessionID"], approved=False)
        guest.sees(languages()["en"]["reasons"]["declined"])
        guest.page.get_by_role("button", name="Ask again").click()
        guest.joined(host)


def test_another_name_is_asked_with(chromium: Browser, own_address: str, tmp_path: Path) -> None:
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        guest.page.goto(session["url"])
        host.event("pair_prompt")
        guest.sees("Look at the other screen")
        guest.page.fill("#name", "Ana's phone")
        guest.page.click("#rename button")
        assert host.event("pair_prompt")["deviceInfo"]["name"] == "Ana's phone"


def test_without_an_invitation_it_says_what_to_do(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    with hosting(own_address, tmp_path / "home") as (_, session), phone(chromium) as guest:
        guest.page.goto(origin_of(session["url"]))
        guest.sees(languages()["en"]["page"]["scan"])
        guest.is_content(origin_of(session["url"]))


@pytest.mark.parametrize(
    "script",
    [
        "delete globalThis.RTCPeerConnection",
        "globalThis.RTCPeerConnection = class { constructor() { throw new Error('no'); } }",
    ],
    ids=["removed", "throws"],
)
def test_a_browser_without_webrtc_asks_nobody(
    chromium: Browser, own_address: str, tmp_path: Path, script: str
) -> None:
    """Policies and Lockdown Mode take WebRTC away, and extensions replace it by what throws; the
    code is still good for another browser.
    """
    with (
        hosting(own_address, tmp_path / "home") as (host, session),
        phone(chromium) as guest,
        phone(chromium) as other,
    ):
        guest.page.add_init_script(script)
        guest.page.goto(session["url"])
        guest.sees(REASONS["no_webrtc"])
        other.page.goto(session["url"])
        other.joined(host)
        assert sum(one["event"] == "pair_prompt" for one in host.seen) == 1


def test_links_in_a_text_can_be_opened(chromium: Browser, own_address: str, tmp_path: Path) -> None:
    text = "See https://example.com/a_(b), not javascript:alert(1)\n<b>http://a.example</b>"
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        guest.page.goto(session["url"])
        guest.joined(host)
        host.say(type="text", text=text)
        links = guest.page.locator("#texts a")
        links.nth(1).wait_for()
        assert links.evaluate_all("all => all.map((one) => [one.href, one.textContent])") == [
            ["https://example.com/a_(b)", "https://example.com/a_(b)"],
            ["http://a.example/", "http://a.example"],
        ]
        assert (
            links.evaluate_all("all => all.map((one) => [one.rel, one.target])")
            == [["noopener noreferrer", "_blank"]] * 2
        )
        assert guest.page.locator("#texts .text").text_content() == text
        # One click opens a tab, which knows nothing of this one. Nobody has to be at the other end.
        guest.page.context.route(
            "https://example.com/**", lambda route: route.fulfill(body="there")
        )
        with guest.page.context.expect_page() as opened:
            links.first.click()
        assert opened.value.url == "https://example.com/a_(b)"
        assert opened.value.evaluate("[opener, document.referrer]") == [None, ""]
        guest.sends_text("still here")
        assert host.event("text")["text"] == "still here"


def test_a_link_that_lost_its_end_asks_nobody(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        guest.page.goto(session["url"][:-1])
        # The page has no field for a code, and was loaded well.
        guest.sees(WORDS["incomplete"])
        marks = "all => all.map((one) => one.className)"
        steps = guest.page.locator("#steps li").evaluate_all(marks)
        assert steps == ["done", "", "", "", ""]
        assert "#" not in guest.page.url
        check_fits(guest.page)
        # The whole link works in the same tab, also in what a writer put around it.
        where, _, fragment = session["url"].partition("#")
        guest.page.evaluate("url => { location.href = url; }", f'{where}#"{fragment}"&amp;')
        guest.joined(host)
        assert [one["event"] for one in host.seen].count("pair_prompt") == 1
        guest.is_content(origin_of(session["url"]))


def test_a_link_without_a_secret_is_asked_about_first(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        where, _, fragment = session["url"].partition("#")
        guest.page.goto(f"{where}#.{fragment.partition('.')[2]}")
        guest.sees(languages()["en"]["page"]["provesNothing"])
        assert guest.page.locator("#leave").is_hidden()
        assert guest.page.locator("#copyLink").is_hidden()
        check_fits(guest.page)
        guest.page.get_by_role("button", name="Ask anyway").click()
        guest.joined(host)
        prompts = [one for one in host.seen if one["event"] == "pair_prompt"]
        assert [one["verified"] for one in prompts] == [None]
        guest.is_content(origin_of(session["url"]))


def test_the_link_can_be_copied_to_another_browser_while_it_asks(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    """A mail app's own browser passes on the address, and its person may prefer another one."""
    with (
        hosting(own_address, tmp_path / "home") as (host, session),
        phone(chromium) as guest,
        phone(chromium) as other,
    ):
        guest.page.goto(session["url"])
        host.event("pair_prompt")
        guest.sees("Look at the other screen")
        assert guest.page.url == session["url"]
        # Where nothing can be copied, the link is shown and selected.
        guest.page.evaluate("() => { document.execCommand = () => false; }")
        guest.page.locator("#copyLink").click()
        guest.sees(WORDS["copyByHand"])
        assert guest.page.evaluate("getSelection().toString()") == session["url"]
        check_fits(guest.page)
        guest.page.evaluate("() => { delete document.execCommand; }")
        # A page that went on asking would keep the code from the other browser.
        guest.page.locator("#copyLink").click()
        guest.sees(REASONS["link_copied"])
        assert host.event("pair_result")["reason"] == "guest_left"
        for hidden in ("#copyLink", "#link"):
            assert guest.page.locator(hidden).is_hidden()
        assert "#" not in guest.page.url
        check_fits(guest.page)
        # What is copied is pasted.
        guest.page.fill("#name", "")
        guest.page.focus("#name")
        guest.page.locator("#name").evaluate("field => field.removeAttribute('maxlength')")
        guest.page.keyboard.press("Control+V")
        assert guest.page.input_value("#name") == session["url"]
        # The person changes their mind twice.
        guest.page.click("#again")
        host.event("pair_prompt")
        guest.page.locator("#copyLink").click()
        host.event("pair_result")
        other.page.goto(session["url"])
        other.joined(host)
        assert "#" not in other.page.url
        other.is_content(origin_of(session["url"]))
        guest.is_content(origin_of(session["url"]))


def test_a_linked_page_that_gets_its_link_again_goes_on(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        guest.page.goto(session["url"])
        guest.joined(host)
        guest.page.evaluate("url => { location.href = url; }", session["url"])
        host.event("link", state="waiting")
        host.event("link", state="connected")
        guest.is_linked()
        assert "#" not in guest.page.url
        assert [one["event"] for one in host.seen].count("pair_prompt") == 1


def test_on_a_phone_it_says_why_there_is_no_button_for_folders(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    hint = languages()["en"]["page"]["filesOnly"]
    for system, has_folders in (("Linux; Android 15", False), ("X11; Linux x86_64", True)):
        with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
            guest.page.add_init_script(
                "Object.defineProperty(navigator, 'userAgent', "
                f"{{value: 'Mozilla/5.0 ({system}) Chrome/150.0'}})"
            )
            guest.page.goto(session["url"])
            guest.joined(host)
            assert guest.page.get_by_text(hint).is_visible() is not has_folders
            assert guest.page.get_by_text("Send a folder").is_visible() is has_folders


def test_the_request_waits_for_no_style_and_nobody_sees_the_page_without_it(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        guest.page.route("**/style.css", hold)
        # The page's own limit shall not show it here.
        guest.page.add_init_script(NO_TIMER % SHOW_ANYWAY_MS)
        guest.page.goto(session["url"], wait_until="commit")
        host.event("pair_prompt")
        words = guest.page.get_by_text("Look at the other screen")
        words.wait_for(state="attached")
        assert held
        assert not words.is_visible()
        held[0].continue_()
        words.wait_for(state="visible")
        assert guest.page.evaluate(FORM_IS_STYLED)
        guest.is_content(origin_of(session["url"]))


@pytest.mark.parametrize("style", ["fails", "never comes"])
def test_a_page_whose_style_does_not_come_is_shown_without_it(
    chromium: Browser, own_address: str, tmp_path: Path, style: str
) -> None:
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        if style == "fails":
            guest.page.add_init_script(NO_TIMER % SHOW_ANYWAY_MS)
        guest.page.route("**/style.css", lambda route: route.abort() if style == "fails" else None)
        guest.page.goto(session["url"], wait_until="commit")
        host.event("pair_prompt")
        guest.sees("Look at the other screen")
        assert not guest.page.evaluate(FORM_IS_STYLED)


def test_without_scripts_the_page_says_what_to_do(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    context = chromium.new_context(java_script_enabled=False)
    with hosting(own_address, tmp_path / "home") as (_, session), closing(context):
        page = context.new_page()
        page.goto(session["url"])
        # Playwright's own search leaves this element out.
        assert "Without JavaScript, start Proxim here" in page.inner_text("body")
        assert page.evaluate(FORM_IS_STYLED)


def test_a_browser_that_is_too_old_is_told(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    with hosting(own_address, tmp_path / "home") as (_, session), phone(chromium) as guest:
        # A browser that does not know the newer parts of JavaScript fails in the same way.
        guest.page.route(
            "**/pairing/ask.mjs",
            lambda route: route.fulfill(body="of the future", content_type="text/javascript"),
        )
        with guest.page.expect_event("pageerror"):
            guest.page.goto(session["url"])
        guest.sees("If nothing follows, update this browser.")
        (complaint,) = guest.complaints
        assert "Unexpected" in complaint


def test_a_module_that_does_not_arrive_is_fetched_again_with_the_whole_page(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    """Not in the page that waits to be loaded again, which would ask and then be gone."""
    asked: list[str] = []

    def lose_the_first(route: Route) -> None:
        asked.append("module")
        if asked.count("module") == 1:
            route.abort()
        else:
            route.continue_()

    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        guest.page.route("**/pairing/session.mjs", lose_the_first)
        guest.page.on(
            "request",
            lambda one: asked.append("page") if one.resource_type == "document" else None,
        )
        guest.page.goto(session["url"])
        # Playwright answers a route only while it waits for the page.
        guest.sees(WORDS["asked"])
        guest.joined(host)
        assert asked == ["page", "module", "page", "module"]
        guest.sends_text("I am here")
        assert host.event("text")["text"] == "I am here"
        assert all("session.mjs" in one or "ERR_FAILED" in one for one in guest.complaints)


def test_a_false_secret_is_refused(chromium: Browser, own_address: str, tmp_path: Path) -> None:
    with hosting(own_address, tmp_path / "home") as (_, session), phone(chromium) as guest:
        where, _, fragment = session["url"].partition("#")
        secret, _, rest = fragment.partition(".")
        guest.page.goto(f"{where}#{'A' * len(secret)}.{rest}")
        guest.sees(languages()["en"]["reasons"]["not_verified"])


def test_it_speaks_german(chromium: Browser, own_address: str, tmp_path: Path) -> None:
    words = languages()["de"]
    with (
        hosting(own_address, tmp_path / "home") as (host, session),
        phone(chromium, language="de-AT") as guest,
    ):
        guest.page.goto(session["url"])
        prompt = host.event("pair_prompt")
        guest.sees(words["page"]["asked"])
        host.say(type="pair_response", sessionID=prompt["sessionID"], approved=False)
        guest.sees(words["reasons"]["declined"])
        assert guest.page.evaluate("document.documentElement.lang") == "de"


def test_large_text_still_fits(chromium: Browser, own_address: str, tmp_path: Path) -> None:
    with (
        hosting(own_address, tmp_path / "home") as (host, session),
        phone(chromium, width=320) as guest,
    ):
        guest.page.goto(session["url"])
        guest.joined(host)
        guest.page.evaluate("document.documentElement.style.fontSize = '200%'")
        heights = (
            "[...document.querySelectorAll('button, .button')].map((one) => "
            "one.offsetHeight).filter(Boolean)"
        )
        wrong = []
        schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
        for scheme in schemes:
            guest.page.emulate_media(color_scheme=scheme)
            if not guest.page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
                wrong.append(f"{scheme}: it scrolls sideways")
            if min(guest.page.evaluate(heights)) < 44:
                wrong.append(f"{scheme}: a target is too small for a thumb")
        assert wrong == []


def test_a_browser_that_tells_no_address_links_all_the_same(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    """The page sends no candidates, as on iPhones without permission to use the camera; the host
    learns the address from the phone's own checks.
    """
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        guest.page.add_init_script(
            "Object.defineProperty(RTCPeerConnection.prototype, 'onicecandidate', {set() {}})"
        )
        guest.page.goto(session["url"])
        guest.joined(host)


def test_copying_needs_no_clipboard_api(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        guest.page.goto(session["url"])
        guest.joined(host)
        host.say(type="text", text="line one\nGrüße")
        guest.page.get_by_role("button", name="Copy").press("Enter")
        guest.sees("Copied")
        assert guest.page.evaluate("document.activeElement.textContent") == "Copied", (
            "the keyboard is somewhere else"
        )
        assert guest.page.evaluate("navigator.clipboard") is None, (
            "the page is a secure context, and the test says nothing"
        )
        guest.page.focus("#text")
        guest.page.keyboard.press("Control+V")
        assert guest.page.input_value("#text") == "line one\nGrüße"


def test_by_keyboard_alone(chromium: Browser, own_address: str, tmp_path: Path) -> None:
    with (
        hosting(own_address, tmp_path / "home") as (host, session),
        phone(chromium, width=1280) as guest,
    ):
        guest.page.goto(session["url"])
        guest.joined(host)
        order = ["files", "camera", "text", "Send text", "name", "Rename", "leave"]
        seen = []
        for _ in range(12):
            guest.page.keyboard.press("Tab")
            seen.append(
                guest.page.evaluate(
                    "document.activeElement.id || document.activeElement.textContent"
                )
            )
        assert [one for one in seen if one in order][: len(order)] == order


def test_a_page_that_is_loaded_again_while_it_asks_asks_again(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        guest.page.goto(session["url"])
        host.event("pair_prompt")
        guest.page.reload()
        guest.joined(host)
        guest.is_content(origin_of(session["url"]))


def test_many_files_at_once_and_a_folder(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    saved_to, folder = tmp_path / "saved", tmp_path / "Pictures"
    (folder / "inner").mkdir(parents=True)
    saved_to.mkdir()
    for index in range(300):
        (folder / ("inner" if index % 2 else ".") / f"{index}.bin").write_bytes(
            os.urandom(index * 7)
        )
    home = tmp_path / "home"
    with (
        hosting(own_address, home, "--save-to", str(saved_to)) as (host, session),
        phone(chromium, width=1280) as guest,
    ):
        guest.page.goto(session["url"])
        guest.joined(host)
        guest.page.set_input_files("#folder", folder)
        host.event("transfer", state="done")
        sent = {
            one.relative_to(folder).as_posix(): one.read_bytes() for one in folder.rglob("*.bin")
        }
        got = saved_to / "Pictures"
        assert {
            one.relative_to(got).as_posix(): one.read_bytes() for one in got.rglob("*.bin")
        } == sent
        guest.is_content(origin_of(session["url"]))
