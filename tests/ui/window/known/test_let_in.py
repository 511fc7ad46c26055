"""Tests of what the window says of a device that was let in without a question."""

from dataclasses import replace

import pytest

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.known import events as known_ev
from proxim.core.pairing.devices import KnownID
from proxim.ui.window.pages import HOME
from tests.ui.tk_support import Bench, link
from tests.ui.window.known.known_support import (
    LINK,
    entry,
    known,
    known_link,
    list_of,
)

TITLE = "Ada's PC was let in without asking - Proxim"


@pytest.fixture
def let_in(bench: Bench) -> Bench:
    """Return a window in which a device was let in."""
    bench.window.show(known(entry(0, let_in=True, link=LINK)))
    bench.window.show(known_link(0, let_in=True))
    bench.settle()
    return bench


def test_it_is_said_on_the_home_page_and_ended_there(let_in: Bench) -> None:
    row = list_of(let_in).rows[KnownID("device-0")]
    assert row._words.cget("text") == "let in without asking"
    assert "let in without asking" in str(let_in.window.steps._sentence.cget("text"))
    let_in.picture("known-let-in-home")
    row.buttons[1].invoke()
    assert let_in.posted[-1] == known_ev.DisconnectDevice(KnownID("device-0"))


def test_it_is_said_on_its_page_beside_the_button_that_ends_it(let_in: Bench) -> None:
    let_in.window.pages.select(LINK)
    panel = let_in.window.pages.links[LINK]
    assert panel._known is not None
    bar = panel._known.let_in_line
    let_in.pump(bar.winfo_viewable)
    assert bar.words == "Let in without asking, as you chose for this device."
    let_in.picture("known-let-in-page")
    bar.buttons[0].invoke()
    assert known_ev.SetLetIn(KnownID("device-0"), let_in=False) in let_in.posted
    let_in.window.show(known(entry(0, link=LINK)))
    assert bar.words == "Let in without asking. From the next time on you are asked."
    assert bar.buttons == []
    panel.end_button.invoke()
    assert let_in.posted[-1] == ev.Disconnect(LINK)


def test_its_page_says_it_after_it_has_left_and_beside_its_return(let_in: Bench) -> None:
    window = let_in.window
    window.pages.select(LINK)
    panel = window.pages.links[LINK]
    assert panel._known is not None
    bar = panel._known.let_in_line
    window.show(st.TextReceived(LINK, "I was here"))
    window.show(known_link(0, st.Stage.CLOSED, let_in=True))
    window.show(known(entry(0, let_in=True)))
    let_in.pump(bar.winfo_viewable)
    assert bar.words == "It was here without asking, as you chose for this device."
    let_in.picture("known-let-in-left")
    bar.buttons[0].invoke()
    assert let_in.posted[-1] == known_ev.SetLetIn(KnownID("device-0"), let_in=False)
    window.show(known(entry(0)))
    assert bar.words == "It was here without asking. From the next time on you are asked."
    again = ev.LinkID("host-7")
    window.show(known(entry(0, let_in=True, link=again)))
    window.show(known_link(0, link_id=again, let_in=True))
    shown = window.pages.links[again].history.text.get("1.0", "end")
    assert shown.rstrip().endswith(", let in without asking")
    assert bar.words == "Let in without asking, as you chose for this device."


def test_nobody_s_typing_goes_to_it(bench: Bench) -> None:
    bench.window.show(known(entry(0, let_in=True)))
    bench.window.show(link("Grace's phone", link_id="host-2"))
    assert bench.window.pages.open == "host-2"
    bench.window.show(known_link(0, let_in=True))
    assert bench.window.pages.open == "host-2"
    assert bench.window.pages.tabs is not None
    assert bench.window.pages.tabs._unread == {LINK}


def test_the_title_says_it_on_every_page_until_it_has_left(let_in: Bench) -> None:
    assert let_in.root.title().endswith(TITLE)
    let_in.window.show(link("Grace's phone", link_id="host-2"))
    assert let_in.root.title().endswith(TITLE)
    let_in.window.show(st.Prompts((let_in.prompt(session="session-3"),)))
    assert let_in.root.title().endswith("Somebody asks to join - Proxim")
    let_in.window.show(st.Prompts())
    let_in.window.show(known_link(1, link_id="host-3", let_in=True))
    assert let_in.root.title().endswith("2 devices were let in without asking - Proxim")
    let_in.window.show(known_link(1, st.Stage.CLOSED, "host-3", let_in=True))
    assert let_in.root.title().endswith(TITLE)
    let_in.window.show(known_link(0, st.Stage.CLOSED, let_in=True))
    assert let_in.root.title().endswith("Proxim")
    assert "asking" not in let_in.root.title()


def test_a_resumed_link_is_the_same_guest(let_in: Bench) -> None:
    again = replace(known_link(0, link_id="host-2", let_in=True), resumes=LINK)
    let_in.window.show(again)
    assert let_in.root.title().endswith(TITLE)
    assert list(let_in.window.pages.links) == ["host-2"]
    assert let_in.window.pages.open == HOME
