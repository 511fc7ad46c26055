"""What the page shows where there is much of it, or little: a text after many files, names that
differ in what cannot be seen, empty folders, the keyboard's place.
"""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from proxim.io.pairing.page import languages
from tests.web.browser import hosting, origin_of, phone

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

WORDS, REASONS = languages()["en"]["page"], languages()["en"]["reasons"]
MARKS = "\u0301\u0302\u0303"
RLO = "\u202e"
MANY = 42
# The page waits so long between two files that it passes to the browser (view/transfers.mjs).
SAVED_EVERY_MS = 150
NO_PAUSE = """pause => {
  const {setTimeout} = globalThis;
  globalThis.setTimeout = (act, ms, ...rest) => setTimeout(act, ms === pause ? 0 : ms, ...rest);
}"""


def test_a_text_after_many_files_can_be_seen(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for index in range(MANY):
        (folder / f"{index}.jpg").write_bytes(os.urandom(10))
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        guest.page.goto(session["url"])
        guest.joined(host)
        guest.page.evaluate(NO_PAUSE, SAVED_EVERY_MS)
        host.say(type="send", paths=[str(folder)])
        guest.page.click(".question .each")
        host.event("transfer", state="done")
        host.say(type="text", text="did you get it?")
        guest.sees("did you get it?")
        top = "document.querySelector('#texts li').getBoundingClientRect().top + scrollY"
        assert guest.page.evaluate(top) < guest.page.evaluate("innerHeight")
        # All the buttons are there, within a few lines.
        assert guest.page.locator("#transfers a").count() == MANY
        assert guest.page.evaluate("document.documentElement.scrollHeight") < 2 * 844
        # Nor do many texts hide the files.
        for index in range(30):
            host.say(type="text", text=f"text {index}\n" * 9)
        guest.sees("text 29")
        assert guest.page.evaluate("document.documentElement.scrollHeight") < 3 * 844


def test_names_that_show_nothing_within_a_path_and_changes_that_cannot_be_seen(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    folder = tmp_path / "multi"
    folder.mkdir()
    long = "n" * 60
    for name in (MARKS, f"a{RLO}b.txt", f"{long}:{long}.txt"):
        (folder / name).write_bytes(b"1")
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        guest.page.goto(session["url"])
        guest.joined(host)
        host.say(type="send", paths=[str(folder)])
        names = guest.page.locator(".question .names li").all_inner_texts
        guest.page.locator(".question .main").wait_for()
        assert any(one.startswith("multi/Unnamed file · ") for one in names())
        guest.page.click(".question .main")
        guest.sees(WORDS["allSaved"])
        note = WORDS["renamedUnseen"].replace("{path}", "multi/ab.txt")
        guest.sees(note)
        notes = guest.page.locator("#transfers .notes li").all_inner_texts()
        assert not any("is called ab.txt here" in one for one in notes)
        guest.is_content(origin_of(session["url"]))


def test_an_empty_folder_is_no_files(chromium: Browser, own_address: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "two" / "inner").mkdir(parents=True)
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        guest.page.goto(session["url"])
        guest.joined(host)
        for name, count in (("empty", "1 empty folder"), ("two", "2 empty folders")):
            host.say(type="send", paths=[str(tmp_path / name)])
            guest.sees(f"Ana's PC wants to send you {count}.")
            guest.page.click(".question .no")
            host.event("transfer", state="cancelled")


@pytest.mark.parametrize("name", [MARKS, "...", "\u200b"])
def test_a_name_that_shows_nothing_is_refused(
    chromium: Browser, own_address: str, tmp_path: Path, name: str
) -> None:
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        guest.page.goto(session["url"])
        host.event("pair_prompt")
        guest.page.fill("#name", name)
        guest.page.click("#rename button")
        guest.sees(REASONS["name_unusable"])
        assert guest.page.input_value("#name") == name
        # Nobody was asked again meanwhile.
        guest.page.fill("#name", "Zoë")
        guest.page.click("#rename button")
        assert host.event("pair_prompt")["deviceInfo"]["name"] == "Zoë"
        assert guest.page.locator("#renamed").inner_text() == ""


def test_what_was_said_of_a_choice_says_nothing_of_the_next(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        guest.page.goto(session["url"])
        guest.joined(host)
        guest.page.evaluate("document.querySelector('#folder').dispatchEvent(new Event('change'))")
        guest.sees(WORDS["emptyFolder"])
        guest.page.evaluate("document.querySelector('#folder').dispatchEvent(new Event('cancel'))")
        guest.sees(WORDS["noFolder"])
        assert guest.page.locator("#problem").is_hidden()
        with guest.page.expect_file_chooser():
            guest.page.click("label:has(#folder)")
        assert guest.page.locator("#emptyFolders").inner_text() == WORDS["emptyFolders"]


def test_the_keyboard_stays_where_a_row_becomes_a_question(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    with hosting(own_address, tmp_path / "home") as (_, session), phone(chromium) as guest:
        guest.page.goto(origin_of(session["url"]))
        guest.sees(WORDS["scan"])
        guest.page.evaluate(
            """async () => {
              const {TransfersView} = await import("/view/transfers.mjs");
              const {Incoming} = await import("/files/incoming.mjs");
              const {Words} = await import("/view/words.mjs");
              const view = new TransfersView(new Words(await (await fetch("/texts.json")).json()));
              const owner = {all: new Map([["one"]])};
              const one = new Incoming("one", owner, "waiting");
              one.entries = [{path: "a", size: 1}];
              document.querySelector("#linked").hidden = false;
              view.show(one, "host");
              document.querySelector("#transfers li").focus();
              one.state = "asked";
              view.show(one, "host");
            }"""
        )
        guest.page.wait_for_function("() => document.activeElement.matches('.question')")


def test_a_text_stays_while_the_link_closes(
    chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        guest.page.add_init_script(
            "const {get} = "
            "Object.getOwnPropertyDescriptor(RTCDataChannel.prototype, 'readyState');"
            "Object.defineProperty(RTCDataChannel.prototype, 'readyState',"
            " {get() { return globalThis.closing ? 'closing' : get.call(this); }});"
        )
        guest.page.goto(session["url"])
        guest.joined(host)
        guest.page.evaluate("() => { globalThis.closing = true; }")
        guest.sends_text("keep me")
        guest.sees(WORDS["textKept"])
        assert guest.page.input_value("#text") == "keep me"
        assert guest.page.locator("#texts > li").count() == 0
        guest.page.evaluate("() => { globalThis.closing = false; }")
        guest.page.click("#say button")
        assert host.event("text")["text"] == "keep me"
        assert guest.page.input_value("#text") == ""
