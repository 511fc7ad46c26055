"""An attacker in between changes the host's messages: the page ends the link, says why, and reports
it to the host.
"""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from proxim.io.pairing.page import languages
from tests.cases import case
from tests.web.browser import hosting, phone

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]

REASONS = languages()["en"]["reasons"]
# This sits between the page and its socket and applies `change` to what arrives. What the page
# sends, and how it closes, pass unchanged.
BETWEEN = """
const change = %s;
globalThis.WebSocket = class extends WebSocket {
  set onmessage(heard) {
    super.onmessage = heard && (({data}) => heard({data: change(data)}));
  }
};
"""
CHANGES = {
    "another fingerprint": (
        "data => data.replace(/(fingerprint:sha-256 )(.)/, (_, a, b) => a + 'AB'[+(b === 'A')])"
    ),
    "a signal that nobody can read": 'data => data.includes(\'"signal"\') ? "{" : data',
    "no MAC": 'data => data.replace(/"mac": ?"/, \'"cam":"\')',
    "of another session": (
        'data => data.includes(\'"signal"\') ? data.replace(/"sessionID": ?"/, "$&x") : data'
    ),
}


def test_a_changed_answer(chromium: Browser, own_address: str, tmp_path: Path) -> None:
    with hosting(own_address, tmp_path / "home") as (host, session):
        url = session["url"]
        for name, change in CHANGES.items():
            with case(name), phone(chromium) as guest:
                guest.page.add_init_script(BETWEEN % change)
                guest.page.goto(url)
                prompt = host.event("pair_prompt")
                host.say(
                    type="pair_response",
                    sessionID=prompt["sessionID"],
                    approved=True,
                    request=prompt["request"],
                )
                assert host.event("link", state="closed")["reason"] == "tampered"
                guest.sees(REASONS["tampered"])
                assert guest.page.locator("#again").is_hidden()
                assert guest.page.locator("#linked").is_hidden()
            # The code was for one device, so another code follows it.
            url = host.event("session")["url"]


def test_a_result_that_is_not_the_hosts(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    """The approval lacks the host's tag, so its sender does not know the QR's secret."""
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        guest.page.add_init_script(BETWEEN % 'data => data.replace(/"t": ?"/, \'"t":"A\')')
        guest.page.goto(session["url"])
        prompt = host.event("pair_prompt")
        host.say(
            type="pair_response",
            sessionID=prompt["sessionID"],
            approved=True,
            request=prompt["request"],
        )
        assert host.event("link", state="closed")["reason"] == "tampered"
        guest.sees(REASONS["host_unproven"])
