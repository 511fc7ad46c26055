"""How the page shows names of files, and under which it saves them, in a real Chromium."""

import unicodedata
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from proxim.core.sanitize import MAX_MARKS
from tests.web.browser import hosting, phone

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def test_names_that_tell_nothing_or_too_much_are_shown_otherwise_and_saved_as_they_are(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    pile = "a" + "".join(map(chr, range(0x300, 0x340))) + ".txt"
    files = [tmp_path / name for name in ("---", pile)]
    for file in files:
        file.write_text("content")
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        guest.page.goto(session["url"])
        guest.joined(host)
        for file, shown in zip(files, ("Unnamed file", ".txt"), strict=True):
            host.say(type="send", paths=[str(file)])
            question = guest.page.locator(".question")
            question.wait_for(state="visible")
            item = question.locator("li").first.inner_text()
            assert shown in item
            assert sum(unicodedata.combining(char) > 0 for char in item) <= MAX_MARKS
            # A pile would make the row higher than a line.
            height = question.locator("li").first.evaluate("one => one.scrollHeight")
            assert height < 60
            with guest.page.expect_download():
                question.locator(".main").click()
            host.event("transfer", state="done")
            # Chromium itself gives some names another form, but not the page.
            link = guest.page.locator("#transfers a").first
            assert link.get_attribute("download") == unicodedata.normalize("NFC", file.name)
            assert shown in link.inner_text()
