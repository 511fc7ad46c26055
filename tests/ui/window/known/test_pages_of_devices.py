"""Tests of the pages of known devices: one for each device, and a badge that is true."""

from dataclasses import replace

import pytest

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import SENTENCES, Reason, sentence_for
from proxim.core.known import events as known_ev
from proxim.core.known.status import RememberStage
from proxim.core.pairing.devices import KnownID, Verified
from proxim.ui.window.link.panel import LinkPanel
from tests.ui.tk_support import Bench, transfer
from tests.ui.window.known.known_support import (
    LINK,
    app_link,
    entry,
    known,
    known_link,
    known_of,
    remembering,
)
from tests.ui.window.screen.screen_support import question, screens_of

AGAIN = ev.LinkID("host-2")


def badge(panel: LinkPanel) -> tuple[str, str]:
    return str(panel._badge.cget("text")), str(panel._badge.cget("style")).partition(".")[0]


def texts(panel: LinkPanel) -> str:
    return panel.history.text.get("1.0", "end")


def ended(bench: Bench) -> LinkPanel:
    """Return the page of a known device, on which a text came, and whose link has ended."""
    bench.window.show(known(entry(0, link=LINK), entry(1)))
    bench.window.show(known_link(0))
    bench.window.show(st.TextReceived(LINK, "Have you read this?"))
    bench.window.show(known(entry(0), entry(1)))
    bench.window.show(replace(known_link(0, st.Stage.CLOSED), reason=Reason.PEER_LEFT))
    return bench.window.pages.links[LINK]


def test_the_ended_page_connects_again_unless_it_is_connected_elsewhere(bench: Bench) -> None:
    panel = ended(bench)
    bench.pump(panel.connect_button.winfo_viewable)
    bench.picture("known-page-ended")
    panel.connect_button.invoke()
    assert bench.posted[-1] == known_ev.JoinKnown(KnownID("device-0"))
    bench.window.show(known(entry(0, link=ev.LinkID("host-5")), entry(1)))
    bench.pump(lambda: not panel.connect_button.winfo_viewable())
    bench.window.show(known(entry(0), entry(1)))
    bench.pump(panel.connect_button.winfo_viewable)
    # Whoever was forgotten needs a code.
    bench.window.show(known(entry(1)))
    bench.pump(lambda: not panel.connect_button.winfo_viewable())
    bench.window.show(known(entry(0), entry(1)))
    bench.window.show(known_link(0, link_id=AGAIN))
    bench.pump(lambda: not panel._noted.winfo_viewable())
    assert not panel.connect_button.winfo_viewable()


def test_a_device_that_comes_back_goes_on_on_its_page(bench: Bench) -> None:
    panel = ended(bench)
    bench.window.show(transfer(1))
    bench.window.show(known(entry(0, link=AGAIN), entry(1)))
    bench.window.show(known_link(0, link_id=AGAIN))
    assert bench.window.pages.links == {AGAIN: panel}
    assert bench.window.pages.tabs is not None
    assert bench.window.pages.tabs.tab_keys == ["", AGAIN]
    assert bench.window.pages.open == AGAIN
    bench.window.show(st.TextReceived(AGAIN, "Now I have."))
    shown = texts(panel)
    assert shown.index("Have you read this?") < shown.index("Connected again at")
    assert shown.index("Connected again at") < shown.index("Now I have.")
    panel.entry.insert("1.0", "Good.")
    panel.send_written()
    assert bench.posted[-1] == ev.SendText(AGAIN, "Good.")


def test_what_was_not_read_stays_marked_and_open_pages_stay_open(bench: Bench) -> None:
    bench.window.show(app_link("Another", link_id="host-7"))
    ended(bench)
    bench.window.pages.select(ev.LinkID("host-7"))
    tabs = bench.window.pages.tabs
    assert tabs is not None
    tabs.mark_unread(LINK)
    bench.window.show(known_link(0, link_id=AGAIN, let_in=True))
    assert bench.window.pages.open == "host-7"
    assert tabs.tab_keys == ["", "host-7", AGAIN]
    assert str(tabs._buttons[AGAIN].cget("text")).startswith("●")


def test_the_open_page_is_not_marked_when_its_device_comes_back(bench: Bench) -> None:
    ended(bench)
    bench.window.show(known_link(0, link_id=AGAIN, let_in=True))
    tabs = bench.window.pages.tabs
    assert tabs is not None
    assert bench.window.pages.open == AGAIN
    assert str(tabs._buttons[AGAIN].cget("text")) == "Ada's PC"


def test_a_new_name_is_on_the_page_and_its_tab_at_once(bench: Bench) -> None:
    bench.window.show(known(entry(0, link=LINK)))
    bench.window.show(known_link(0))
    bench.window.show(known(entry(0, link=LINK, name="Study")))
    panel, tabs = bench.window.pages.links[LINK], bench.window.pages.tabs
    assert tabs is not None
    assert str(panel._peer.cget("text")) == "Study"
    assert str(tabs._buttons[LINK].cget("text")) == "Study"


@pytest.mark.parametrize(
    "reason", [Reason.CLOSED, Reason.PEER_LEFT, Reason.DISCONNECTED, Reason.EXPIRED]
)
def test_who_is_known_is_told_of_no_code(bench: Bench, reason: Reason) -> None:
    panel = ended(bench)
    bench.window.show(replace(known_link(0, st.Stage.CLOSED), reason=reason))
    said = str(panel._note.cget("text"))
    assert said == sentence_for(reason, host=True, known=True)
    assert "code" not in said
    # Who was forgotten needs one.
    bench.window.show(known(entry(1)))
    assert str(panel._note.cget("text")) != said
    assert badge(panel) == ("Verified", "Green")


def test_who_became_known_on_the_link_is_told_of_no_code(bench: Bench) -> None:
    bench.window.show(app_link())
    bench.window.show(known(entry(0, link=LINK)))
    bench.window.show(known(entry(0)))
    bench.window.show(replace(app_link(stage=st.Stage.CLOSED), reason=Reason.PEER_LEFT))
    panel = bench.window.pages.links[LINK]
    of_known = sentence_for(Reason.PEER_LEFT, host=True, known=True)
    assert str(panel._note.cget("text")) == of_known
    bench.window.show(known())
    assert str(panel._note.cget("text")) == sentence_for(Reason.PEER_LEFT, host=True, known=False)


def test_it_is_also_found_if_it_became_known_on_the_link_that_ended(bench: Bench) -> None:
    bench.window.show(app_link())
    panel = bench.window.pages.links[LINK]
    bench.window.show(known(entry(0, link=LINK)))
    bench.window.show(known(entry(0)))
    bench.window.show(app_link(stage=st.Stage.CLOSED))
    bench.window.show(known_link(0, link_id=AGAIN))
    assert bench.window.pages.links == {AGAIN: panel}


@pytest.mark.parametrize(
    "other",
    [
        # Another device, and one that has only the same name.
        known_link(1, link_id=AGAIN),
        app_link("Ada's PC", link_id=AGAIN),
    ],
)
def test_nobody_else_gets_the_page(bench: Bench, other: st.LinkStatus) -> None:
    panel = ended(bench)
    bench.window.show(other)
    assert bench.window.pages.links[LINK] is panel
    assert bench.window.pages.links[AGAIN] is not panel


def test_an_open_link_keeps_its_page(bench: Bench) -> None:
    bench.window.show(known(entry(0, link=LINK)))
    bench.window.show(known_link(0))
    bench.window.show(known_link(0, link_id=AGAIN))
    assert [*bench.window.pages.links] == [LINK, AGAIN]


# --- the badge ------------------------------------------------------------------------------------


def test_digits_that_differed_are_seen_as_long_as_the_link_is_open(bench: Bench) -> None:
    bench.window.show(app_link())
    panel = bench.window.pages.links[LINK]
    assert badge(panel) == ("Verified", "Green")
    bench.window.show(replace(app_link(), digits_differed=True))
    failed = remembering(bench, RememberStage.FAILED, reason=Reason.DIGITS_DIFFER)
    bench.window.show(failed)
    assert badge(panel) == ("Digits differed", "Red")
    assert panel._known is not None
    line = panel._known.remember_line
    bench.pump(line.winfo_viewable)
    bench.picture("known-digits-differed")
    # The sentence and the button have one word for it.
    assert str(panel.end_button.cget("text")).lower() in line.words
    assert [str(button.cget("text")) for button in line.buttons] == ["Disconnect", "OK"]
    line.buttons[0].invoke()
    assert bench.posted == [ev.Disconnect(LINK)]
    line.buttons[1].invoke()
    assert badge(panel) == ("Digits differed", "Red")
    # Who asks for the screen does not look trustworthy either.
    bench.window.show(question(bench, control=True))
    dialog = screens_of(bench).dialog
    assert dialog is not None
    assert dialog.asked.differed
    bench.window.show(app_link())
    assert badge(panel) == ("Verified", "Green")


def test_the_sentence_is_the_one_of_all_faces() -> None:
    assert "disconnect" in SENTENCES[Reason.DIGITS_DIFFER]


def test_a_forgotten_device_is_known_no_longer_and_its_link_is(bench: Bench) -> None:
    bench.window.show(known(entry(0, link=LINK), entry(1)))
    bench.window.show(known_link(0))
    panel = bench.window.pages.links[LINK]
    assert badge(panel) == ("Known device", "Green")
    bench.window.show(known(entry(1)))
    assert badge(panel) == ("Verified", "Green")
    # What it has proved stays true.
    assert panel.status.verified is Verified.KNOWN


def test_the_question_says_that_the_link_stays_open(bench: Bench) -> None:
    bench.window.show(known(entry(0, link=LINK), entry(1)))
    bench.window.show(known_link(0))
    stays = "stays open until"
    for number, expected in ((0, True), (1, False)):
        device = entry(number).id
        known_of(bench).ask_to_forget(device)
        asked = known_of(bench).question
        assert asked is not None
        words = " ".join(
            str(label.cget("text"))
            for label in asked._dialog.body.winfo_children()
            if label.winfo_class() == "TLabel"
        )
        assert (stays in words) is expected
        known_of(bench).set_up(device)
        settings = known_of(bench).settings[device]
        assert (stays in str(settings._means.cget("text"))) is expected
