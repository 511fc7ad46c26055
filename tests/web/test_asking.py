"""The page while it asks, and after a person has ended that: the buttons under a finger, the link
for another browser, and the page that is loaded again.
"""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from proxim.io.pairing.page import languages
from tests.programs.program import JSON, Program
from tests.web.browser import Phone, hosting, origin_of, phone

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

WORDS, REASONS = languages()["en"]["page"], languages()["en"]["reasons"]
NO_WEBRTC = "delete globalThis.RTCPeerConnection"
RED = "rgb(179, 38, 30)"


def asking(host: Program, guest: Phone, session: JSON) -> JSON:
    """Open the link, and return the host's prompt once the page shows that it asks."""
    guest.page.goto(session["url"])
    prompt = host.event("pair_prompt")
    guest.sees("Look at the other screen")
    return prompt


def declines(host: Program, guest: Phone, prompt: JSON) -> None:
    host.say(
        type="pair_response",
        sessionID=prompt["sessionID"],
        approved=False,
        request=prompt["request"],
    )
    guest.sees(REASONS["declined"])


def prompts(host: Program) -> int:
    """Return how often the host was asked; its answer to a command comes after them."""
    host.say(type="new_code")
    host.event("session")
    return [one["event"] for one in host.seen].count("pair_prompt")


def steps(guest: Phone) -> list[str]:
    marks: list[str] = guest.page.locator("#steps li").evaluate_all(
        "all => all.map((one) => one.className)"
    )
    return marks


def centre(guest: Phone, selector: str) -> tuple[float, float]:
    guest.page.wait_for_function(
        "selector => !document.querySelector(selector).inert", arg=selector
    )
    box = guest.page.locator(selector).bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


# --- two taps -------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_a_double_tap_on_copy_link_does_not_ask_again(
    chromium: Browser, own_address: str, tmp_path: Path, width: int
) -> None:
    with (
        hosting(own_address, tmp_path / "home") as (host, session),
        phone(chromium, width=width) as guest,
    ):
        asking(host, guest, session)
        at = centre(guest, "#copyLink")
        guest.page.mouse.dblclick(*at)
        guest.sees(REASONS["link_copied"])
        guest.page.mouse.click(*at)
        assert guest.page.locator("#again").is_visible()
        # A tap that means the new button is heard.
        guest.page.mouse.click(*centre(guest, "#again"))
        host.event("pair_prompt")
        guest.sees("Look at the other screen")
        assert prompts(host) == 2


def test_a_double_tap_on_ask_again_does_not_copy_the_link(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        declines(host, guest, asking(host, guest, session))
        guest.page.mouse.dblclick(*centre(guest, "#again"))
        host.event("pair_prompt")
        guest.sees("Look at the other screen")
        assert guest.page.locator("#copyLink").is_visible()


# --- what a person ended --------------------------------------------------------------------------


def test_a_copied_link_is_no_failure(chromium: Browser, own_address: str, tmp_path: Path) -> None:
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        asking(host, guest, session)
        guest.page.click("#copyLink")
        guest.sees(REASONS["link_copied"])
        assert steps(guest) == ["done", "done", "", "", ""]
        colour = "getComputedStyle(document.querySelector('#problem')).color"
        assert guest.page.evaluate(colour) != RED


def test_a_person_who_stops_asking_has_not_disconnected(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        asking(host, guest, session)
        leave = guest.page.locator("#leave")
        assert leave.text_content() == WORDS["cancel"]
        leave.click()
        guest.sees(WORDS["stopped"])
        assert steps(guest) == ["done", "done", "", "", ""]
        assert host.event("pair_result")["reason"] == "guest_left"
        guest.page.click("#again")
        guest.joined(host)
        assert leave.text_content() == WORDS["disconnect"]
        leave.click()
        guest.sees(WORDS["youLeft"])
        assert guest.page.locator("#again").is_hidden()


def test_a_decline_is_shown_where_it_happened(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        declines(host, guest, asking(host, guest, session))
        assert steps(guest) == ["done", "done", "failed", "", ""]
        colour = "getComputedStyle(document.querySelector('#problem')).color"
        assert guest.page.evaluate(colour) == RED


# --- loaded again ---------------------------------------------------------------------------------


@pytest.mark.parametrize("ended", ["copied", "declined", "cancelled"])
def test_a_page_that_a_person_ended_still_offers_to_ask(
    chromium: Browser, own_address: str, tmp_path: Path, ended: str
) -> None:
    """It asks only when its person says so: another browser may be asking now."""
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        prompt = asking(host, guest, session)
        words = {"copied": REASONS["link_copied"], "cancelled": WORDS["stopped"]}
        if ended == "declined":
            declines(host, guest, prompt)
        else:
            guest.page.click("#copyLink" if ended == "copied" else "#leave")
            host.event("pair_result")
        for _ in range(2):
            guest.page.reload()
            guest.sees(words.get(ended, REASONS["declined"]))
        guest.page.click("#again")
        host.event("pair_prompt")
        # The page that asks again is loaded again, and can still hand the link on.
        guest.page.reload()
        host.event("pair_prompt")
        guest.sees("Look at the other screen")
        guest.page.click("#copyLink")
        guest.sees(REASONS["link_copied"])
        guest.page.fill("#name", "")
        guest.page.locator("#name").evaluate("field => field.removeAttribute('maxlength')")
        guest.page.focus("#name")
        guest.page.keyboard.press("Control+V")
        assert guest.page.input_value("#name") == session["url"]
        # The link itself, opened once more, asks at once.
        guest.page.goto("about:blank")
        guest.page.goto(session["url"])
        guest.joined(host)
        assert [one["event"] for one in host.seen].count("pair_prompt") == 4
        guest.is_content(origin_of(session["url"]))


def test_a_renamed_page_that_is_loaded_again_can_hand_its_link_on(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        asking(host, guest, session)
        guest.page.fill("#name", "Zoë")
        guest.page.click("#rename button")
        host.event("pair_prompt")
        guest.page.reload()
        assert host.event("pair_prompt")["deviceInfo"]["name"] == "Zoë"
        guest.page.locator("#copyLink").wait_for()


# --- links that prove more or less ----------------------------------------------------------------


def test_a_tab_that_had_a_link_without_its_secret_takes_the_whole_one(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        where, _, fragment = session["url"].partition("#")
        guest.page.goto(f"{where}#.{fragment.partition('.')[2]}")
        guest.sees(WORDS["provesNothing"])
        guest.page.goto("about:blank")
        asking(host, guest, session)
        assert guest.page.locator("#badge").text_content() == WORDS["verified"]
        # The other way round, what the tab has kept proves more.
        guest.page.goto("about:blank")
        guest.page.goto(f"{where}#.{fragment.partition('.')[2]}")
        host.event("pair_result")
        guest.joined(host)
        assert guest.page.locator("#badge").text_content() == WORDS["verified"]


# --- without WebRTC -------------------------------------------------------------------------------


def test_a_browser_without_webrtc_hands_the_link_on(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    with hosting(own_address, tmp_path / "home") as (_, session), phone(chromium) as guest:
        guest.page.add_init_script(NO_WEBRTC)
        guest.page.goto(session["url"])
        for _ in range(2):
            guest.sees(REASONS["no_webrtc"])
            # An app's own browser passes on the address.
            assert guest.page.url == session["url"]
            assert steps(guest) == ["done", "", "", "", ""]
            assert guest.page.locator("#again").is_hidden()
            guest.page.reload()
        guest.page.click("#copyLink")
        guest.page.locator("#copyLink", has_text=WORDS["copied"]).wait_for()
        guest.sees(REASONS["no_webrtc"])
        guest.page.fill("#name", "")
        guest.page.locator("#name").evaluate("field => field.removeAttribute('maxlength')")
        guest.page.focus("#name")
        guest.page.keyboard.press("Control+V")
        assert guest.page.input_value("#name") == session["url"]
