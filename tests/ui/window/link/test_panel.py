from dataclasses import replace

import pytest

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import SENTENCES, Problem, Reason
from proxim.core.pairing.devices import Verified
from proxim.ui.window.link.panel import LinkPanel
from tests.core.link.whiteboard import Drawn
from tests.ui.tk_support import LONG_NAME, Bench, link

LINK = ev.LinkID("host-1")


@pytest.fixture
def panel(bench: Bench) -> LinkPanel:
    """Return the panel of a link that has just opened."""
    bench.window.show(link())
    panel = bench.window.pages.links[LINK]
    bench.pump(panel.entry.winfo_viewable)
    return panel


def note(panel: LinkPanel) -> str:
    return str(panel._note.cget("text")) if panel._note.winfo_viewable() else ""


def test_it_says_who_is_there_and_how_they_proved_themselves(
    bench: Bench, panel: LinkPanel
) -> None:
    assert panel._peer.cget("text") == "Grace's phone"
    assert panel._badge.cget("text") == "Verified"
    assert panel._where.cget("text") == "Connected · 192.168.178.42 · direct link"
    bench.window.show(replace(link(LONG_NAME, verified=None), via=st.Via.LANE))
    assert panel._badge.cget("text") == "Not verified"
    assert str(panel._where.cget("text")).endswith("without WebRTC: UDP seems blocked")
    assert str(panel._peer.cget("text")).endswith("…")
    bench.window.show(link(verified=Verified.QR))
    assert panel._badge.cget("text") == "Scanned your QR"


def test_text_goes_out_with_return_and_stands_there_once_it_is_sent(
    bench: Bench, panel: LinkPanel
) -> None:
    bench.focus(panel.entry)
    bench.key(panel.entry, "h", "i", "<Shift-Return>", "y", "o", "u", "<Return>")
    assert bench.posted == [ev.SendText(LINK, "hi\nyou")]
    assert panel.entry.get("1.0", "end-1c") == ""
    assert panel.history.text.get("1.0", "end-1c") == ""
    bench.window.show(st.TextSent(LINK, "hi\nyou"))
    assert panel.history.text.get("1.0", "end-1c").splitlines() == ["You   Copy", "hi", "you"]


def test_blank_text_is_not_sent(bench: Bench, panel: LinkPanel) -> None:
    panel.entry.insert("1.0", "  \n ")
    panel.send_button.invoke()
    assert bench.posted == []


def test_a_text_that_failed_comes_back(bench: Bench, panel: LinkPanel) -> None:
    panel.entry.insert("1.0", "precious")
    panel.send_button.invoke()
    bench.window.show(st.Trouble(Problem(Reason.TEXT_TOO_LONG), LINK))
    assert panel.entry.get("1.0", "end-1c") == "precious"
    assert SENTENCES[Reason.TEXT_TOO_LONG] in str(bench.window.trouble._label.cget("text"))
    assert "Grace's phone" in str(bench.window.trouble._label.cget("text"))


def test_a_text_that_failed_does_not_mix_with_a_newer_one(bench: Bench, panel: LinkPanel) -> None:
    panel.entry.insert("1.0", "old")
    panel.send_button.invoke()
    panel.entry.insert("1.0", "new")
    bench.window.show(st.Trouble(Problem(Reason.TEXT_TOO_LONG), LINK))
    assert panel.entry.get("1.0", "end-1c") == "new"


def test_what_was_sent_well_does_not_come_back(bench: Bench, panel: LinkPanel) -> None:
    panel.entry.insert("1.0", "sent")
    panel.send_button.invoke()
    bench.window.show(st.TextSent(LINK, "sent"))
    bench.window.show(st.Trouble(Problem(Reason.PEER_ERROR), LINK))
    assert panel.entry.get("1.0", "end-1c") == ""


def test_the_newest_received_text_is_copied_by_key(bench: Bench, panel: LinkPanel) -> None:
    assert panel.copy_last.instate(["disabled"])
    bench.window.show(st.TextReceived(LINK, "first"))
    bench.window.show(st.TextReceived(LINK, "second"))
    bench.focus(panel.entry)
    bench.key(panel.entry, "<Control-Shift-C>")
    assert bench.clipboard() == "second"


def test_tab_leaves_the_entry_both_ways(bench: Bench, panel: LinkPanel) -> None:
    bench.focus(panel.entry)
    bench.key(panel.entry, "<Tab>")
    bench.wait_for_focus(panel.send_button)
    bench.key(panel.send_button, "<Shift-Tab>")
    bench.wait_for_focus(panel.entry)
    bench.key(panel.entry, "<Shift-Tab>")
    bench.wait_for_focus(panel.history.text)
    assert panel.entry.get("1.0", "end-1c") == ""


def test_disconnect_asks_and_a_closed_link_stays_readable(bench: Bench, panel: LinkPanel) -> None:
    bench.window.show(st.TextReceived(LINK, "read me"))
    panel.end_button.invoke()
    assert bench.posted == [ev.Disconnect(LINK)]
    closed = replace(link(stage=st.Stage.CLOSED), was_connected=True, reason=Reason.PEER_VANISHED)
    bench.window.show(closed)
    bench.settle()
    assert note(panel) == SENTENCES[Reason.PEER_VANISHED]
    assert "read me" in panel.history.text.get("1.0", "end")
    assert str(panel.entry.cget("state")) == "disabled"
    assert panel.send_button.instate(["disabled"])
    panel.send_written()
    assert len(bench.posted) == 1
    # The button closes the tab.
    panel.end_button.invoke()
    assert LINK not in bench.window.pages.links
    assert bench.window.pages.at_home
    # A text that arrives too late must not raise an error.
    bench.window.show(st.TextReceived(LINK, "late"))
    assert len(bench.posted) == 1


def test_a_link_without_text_says_so(bench: Bench, panel: LinkPanel) -> None:
    bench.window.show(replace(link(), features=()))
    bench.settle()
    assert note(panel)
    assert str(panel.entry.cget("state")) == "disabled"
    bench.window.show(link())
    bench.settle()
    assert note(panel) == ""
    assert str(panel.entry.cget("state")) == "normal"


def test_another_can_be_invited_from_here(bench: Bench, panel: LinkPanel) -> None:
    panel.invite_button.invoke()
    assert bench.posted == [ev.Invite(ev.SessionType.ONE_TIME)]
    assert bench.window.pages.at_home


@pytest.mark.parametrize(
    ("link_id", "words"), [("host-1", "Scanned your QR"), ("guest-1", "Verified by its link")]
)
def test_a_qr_is_the_guests_proof_at_the_host_and_the_hosts_at_the_guest(
    bench: Bench, link_id: str, words: str
) -> None:
    bench.window.show(link(link_id=link_id, verified=Verified.QR))
    assert bench.window.pages.links[ev.LinkID(link_id)]._badge.cget("text") == words


def test_a_lost_link_counts_down_and_can_be_ended(bench: Bench, panel: LinkPanel) -> None:
    waiting = replace(
        link(stage=st.Stage.WAITING), deadline=bench.clock.now + 108, was_connected=True
    )
    bench.window.show(waiting)
    bench.settle()
    assert note(panel) == "The link was lost. Waiting for Grace's phone to come back (1:48)."
    assert "Amber" not in str(panel._note.cget("style"))
    assert panel.bar.files.instate(["disabled"])
    assert str(panel.entry.cget("state")) == "disabled"
    bench.clock.now += 60
    bench.pump(lambda: "(48 s)" in note(panel))
    panel.end_button.invoke()
    assert bench.posted == [ev.Disconnect(LINK)]
    bench.window.show(link())
    bench.settle()
    assert note(panel) == ""


def test_a_feature_that_the_window_does_not_know_is_left_out(
    bench: Bench, panel: LinkPanel
) -> None:
    bench.window.show(replace(link(), features=(*link().features, "whiteboard")))
    bench.window.show(Drawn(LINK, 5))
    bench.settle()
    assert note(panel) == ""
    assert str(panel.entry.cget("state")) == "normal"
