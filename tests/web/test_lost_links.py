"""The page while networks and tabs come and go: a cable cut and mended, a tab frozen, a page loaded
again.

Gates stop the last part of each file, the host's (tests/gate.py) and the page's
(browser.READING_GATE), so that no file has arrived before the link is lost.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright

from tests.gate import Gate
from tests.lossy_link import LossyLink, lossy_link, missing
from tests.programs.program import SOURCE, Program
from tests.web.browser import (
    OPTIONS,
    chromium_program,
    hosting,
    moving,
    origin_of,
    phone,
    sha256_of,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

FILE_BYTES = 11_000_000
# The file is small because the cable loses every fiftieth packet.
SMALL_FILE_BYTES = 500_000
# The page stores at least so much at once (files/incoming.mjs).
PIECE_BYTES = 4 * 1024 * 1024
# So many bytes must have moved before something happens to the link.
BEGUN = 2_000_000
# No more bytes pass the gates before that.
ALLOWED = 9_000_000
# A lost link can be resumed for so many seconds (pairing/session.mjs).
RESUMED = 120


@pytest.fixture
def cable() -> Iterator[LossyLink]:
    if (why := missing()) is not None:
        pytest.skip(why)
    with lossy_link(delay=0.04, loss=0.0) as link:
        yield link


@pytest.fixture
def far_chromium(cable: LossyLink, playwright: Playwright, tmp_path: Path) -> Iterator[Browser]:
    """A Chromium at the other end of the cable."""
    starter = tmp_path / "chromium"
    starter.write_text(f'#!/bin/sh\nexec {" ".join(cable.command(1, chromium_program()))} "$@"\n')
    starter.chmod(0o700)
    browser = playwright.chromium.launch(executable_path=starter, args=OPTIONS)
    yield browser
    browser.close()


def two_files(folder: Path) -> tuple[Path, Path]:
    up, down = folder / "up.bin", folder / "down.bin"
    for file in (up, down):
        file.write_bytes(os.urandom(FILE_BYTES))
    return up, down


@pytest.mark.parametrize(
    "seconds", [0, pytest.param(30, marks=pytest.mark.nightly)], ids=["for a moment", "for long"]
)
def test_a_cut_cable(
    cable: LossyLink, far_chromium: Browser, tmp_path: Path, gate: Gate, seconds: int
) -> None:
    """The cable stays cut for so long after both ends have noticed."""
    up, down = two_files(tmp_path)
    saved_to = tmp_path / "saved"
    saved_to.mkdir()
    command = [
        *gate.command,
        "host",
        "--json",
        "--address",
        cable.addresses[0],
        "--save-to",
        str(saved_to),
    ]
    gate.close_after(ALLOWED)
    with (
        Program(command, tmp_path / "home", before=cable.command(0)) as host,
        phone(far_chromium) as guest,
    ):
        guest.reads_at_most(ALLOWED)
        guest.page.goto(host.event("session")["url"])
        guest.joined(host)
        host.say(type="send", paths=[str(down)])
        with guest.page.expect_download(timeout=90_000) as saved:
            guest.page.click(".question .main")
            guest.page.set_input_files("#files", up)
            moving(host, "in", BEGUN)
            cable.cut = True
            host.event("link", state="waiting")
            if seconds:
                # The page's own countdown shows how much time has passed.
                guest.sees(f"for {RESUMED - seconds} s more", patience=seconds + 15)
            else:
                guest.sees("Reconnecting by itself")
            cable.cut = False
            gate.open()
            guest.opens_gate()
            host.event("link", state="connected")
            guest.is_linked()
        done = {host.event("transfer", state="done")["name"] for _ in range(2)}
        assert done == {"up.bin", "down.bin"}
        assert sha256_of(saved_to / "up.bin") == sha256_of(up)
        assert sha256_of(Path(saved.value.path())) == sha256_of(down)
        guest.sends_text("still here")
        assert host.event("text")["text"] == "still here"


def test_a_poor_network(cable: LossyLink, far_chromium: Browser, tmp_path: Path) -> None:
    up, down = tmp_path / "up.bin", tmp_path / "down.bin"
    for file in (up, down):
        file.write_bytes(os.urandom(SMALL_FILE_BYTES))
    cable.loss = 0.02
    command = [
        *SOURCE,
        "host",
        "--json",
        "--address",
        cable.addresses[0],
        "--save-to",
        str(tmp_path / "saved"),
    ]
    (tmp_path / "saved").mkdir()
    with (
        Program(command, tmp_path / "home", before=cable.command(0)) as host,
        phone(far_chromium) as guest,
    ):
        guest.page.goto(host.event("session")["url"])
        guest.joined(host)
        guest.sends_text("through the rain")
        assert host.event("text")["text"] == "through the rain"
        guest.page.set_input_files("#files", up)
        host.event("transfer", state="done", patience=90)
        host.say(type="send", paths=[str(down)])
        assert sha256_of(guest.downloads()) == sha256_of(down)
        assert sha256_of(tmp_path / "saved" / "up.bin") == sha256_of(up)


def test_a_goodbye_of_the_host_is_said(chromium: Browser, own_address: str, tmp_path: Path) -> None:
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        guest.page.goto(session["url"])
        guest.joined(host)
        host.say(type="close")
        guest.sees("The link is closed.")


def test_a_frozen_tab_goes_on_when_it_thaws(
    chromium: Browser, own_address: str, tmp_path: Path, gate: Gate
) -> None:
    _, down = two_files(tmp_path)
    gate.close_after(ALLOWED)
    with (
        hosting(own_address, tmp_path / "home", gate=gate) as (host, session),
        phone(chromium) as guest,
    ):
        guest.page.goto(session["url"])
        guest.joined(host)
        host.say(type="send", paths=[str(down)])
        devtools = guest.page.context.new_cdp_session(guest.page)
        with guest.page.expect_download(timeout=90_000) as saved:
            guest.page.click(".question .main")
            moving(host, "out", 1)
            # The page's scripts stop, as on a phone that is locked. (Page.setWebLifecycleState
            # "frozen" changes nothing in a headless Chromium 156: timers and channels of a page
            # with a peer connection continue.)
            devtools.send("Debugger.enable")
            devtools.send("Debugger.pause")
            host.event("link", state="waiting")
            gate.open()
            devtools.send("Debugger.resume")
            devtools.send("Debugger.disable")
            host.event("link", state="connected")
        assert sha256_of(Path(saved.value.path())) == sha256_of(down)
        guest.is_content(origin_of(session["url"]))


def test_a_page_that_is_loaded_again_goes_on(
    chromium: Browser, own_address: str, tmp_path: Path, gate: Gate
) -> None:
    up, down = two_files(tmp_path)
    saved_to = tmp_path / "saved"
    saved_to.mkdir()
    options = ("--save-to", str(saved_to))
    gate.close_after(ALLOWED)
    with (
        hosting(own_address, tmp_path / "home", *options, gate=gate) as (host, session),
        phone(chromium) as guest,
    ):
        guest.reads_at_most(ALLOWED)
        guest.page.goto(session["url"])
        guest.joined(host)
        host.say(type="send", paths=[str(down)])
        guest.page.click(".question .main")
        guest.has_kept(1)
        guest.page.set_input_files("#files", up)
        moving(host, "in", BEGUN)
        with guest.page.expect_download(timeout=60_000) as saved:
            guest.page.reload()
            gate.open()
            host.event("link", state="connected")
            again = host.event("transfer", state="active", direction="out")
        assert again["bytes"] >= PIECE_BYTES, "what had come was thrown away"
        assert sha256_of(Path(saved.value.path())) == sha256_of(down)
        guest.sees("Choose the same files again")
        guest.opens_gate()
        guest.page.set_input_files("#files", up)
        host.event("transfer", state="done", direction="in")
        assert sha256_of(saved_to / "up.bin") == sha256_of(up)
        guest.is_content(origin_of(session["url"]))


@pytest.mark.parametrize(
    "kind", [pytest.param("one-time", marks=pytest.mark.nightly), "persistent"]
)
def test_a_tab_that_was_closed_comes_back_by_its_link(
    chromium: Browser, own_address: str, tmp_path: Path, kind: str
) -> None:
    """The new tab knows nothing of the old one, so the person at the host is asked."""
    with hosting(own_address, tmp_path / "home", "--type", kind) as (host, session):
        with phone(chromium) as guest:
            guest.page.goto(session["url"])
            guest.joined(host)
        host.event("link", state="waiting")
        with phone(chromium) as guest:
            guest.page.goto(session["url"])
            guest.joined(host)
            prompts = [one for one in host.seen if one["event"] == "pair_prompt"]
            assert [one.get("replaces") for one in prompts] == [None, "host-1"]
            guest.sends_text("here again")
            assert host.event("text")["text"] == "here again"
            guest.is_content(origin_of(session["url"]))
