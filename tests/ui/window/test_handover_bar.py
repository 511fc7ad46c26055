"""Tests of the line of what other programs gave to be sent."""

from dataclasses import replace
from pathlib import Path

import pytest

from proxim.core import events as ev
from proxim.core.files.events import SendPaths
from proxim.core.handover import Handover, HandoverRequest
from proxim.core.known.events import JoinKnown
from proxim.core.known.status import KnownEntry, KnownList, Presence
from proxim.core.pairing.devices import KnownID, Verified
from proxim.ui.window.handover_bar import HandoverBar
from proxim.ui.window.pages import HOME
from tests.ui import tk_support
from tests.ui.tk_support import Bench


class Desk:
    """A window with what was handed to it, as app/surroundings.py joins them."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.handover = Handover(bench.posted.append)

    def hand(self, *paths: str, to: str | None = None) -> None:
        self.handover.hand(HandoverRequest(paths, to))
        self.show()

    def link(self, number: int, name: str) -> None:
        link = replace(tk_support.link(), link=ev.LinkID(f"host-{number}"), peer_name=name)
        self.bench.window.show(link)
        if self.handover.note(link):
            self.show()

    def show(self) -> None:
        self.bench.window.show_handover(self.handover, self.show)
        self.bench.settle()

    @property
    def bar(self) -> HandoverBar:
        bar = self.bench.window.handover
        assert bar is not None
        return bar

    @property
    def sentence(self) -> str:
        return str(self.bar.label.cget("text"))


@pytest.fixture
def desk(bench: Bench) -> Desk:
    bench.begin()
    return Desk(bench)


def test_nothing_is_there_for_who_was_given_nothing(desk: Desk) -> None:
    desk.show()
    assert desk.bench.window.handover is None


def test_what_waits_is_shown_until_a_device_is_linked(desk: Desk) -> None:
    desk.hand("/a", "/b")
    assert desk.bar.winfo_ismapped()
    assert desk.sentence == (
        "2 files and folders are to be sent. Proxim does so as soon as a device is linked."
    )
    assert not desk.bar.send_to.winfo_ismapped()
    desk.bench.picture("handover-waits")
    desk.link(1, "Laptop")
    assert SendPaths(ev.LinkID("host-1"), ("/a", "/b")) in desk.bench.posted
    assert not desk.bar.winfo_ismapped()


def test_the_person_chooses_one_or_all(desk: Desk) -> None:
    for number, name in ((1, "Laptop"), (2, "Phone")):
        desk.link(number, name)
    desk.hand("/a")
    assert desk.sentence.endswith("Choose the device for this.")
    assert [label for label, _ in desk.bar.entries] == ["Laptop", "Phone", "All 2 devices"]
    desk.bench.picture("handover-choose")
    desk.bench.posted.clear()
    desk.bar._fill()
    desk.bar.menu.invoke(1)
    assert desk.bench.posted == [SendPaths(ev.LinkID("host-2"), ("/a",))]
    desk.bench.settle()
    assert not desk.bar.winfo_ismapped()
    desk.hand("/b")
    desk.bench.posted.clear()
    desk.bar.menu.invoke(2)
    assert len(desk.bench.posted) == 2


def test_devices_of_one_name_are_told_apart(desk: Desk) -> None:
    for number in (1, 2):
        desk.link(number, "Laptop")
    desk.hand("/a", to="Laptop")
    labels = [label for label, _ in desk.bar.entries]
    assert labels == ["Laptop (192.168.178.42)"] * 2 + ["All 2 devices"]


def test_it_can_be_discarded(desk: Desk) -> None:
    desk.hand("/a")
    desk.bar.discard.invoke()
    desk.bench.settle()
    assert not desk.bar.winfo_ismapped()
    assert desk.handover.waiting is None


def test_a_name_is_shown(desk: Desk) -> None:
    entry = KnownEntry(
        *(KnownID("k1"), "NAS", Verified.CODE, 0.0, 0.0, Presence.UNKNOWN),
        let_in=False,
        files_to=None,
    )
    desk.hand("/a", to="Nobody")
    desk.handover.note(KnownList((entry,), discovery=True))
    desk.show()
    assert desk.sentence.endswith("No device called Nobody is linked or known.")
    desk.bar.discard.invoke()
    desk.hand("/a", to="NAS")
    assert desk.bench.posted[-1] == JoinKnown(KnownID("k1"))
    assert desk.sentence.endswith("Proxim does so as soon as NAS is linked.")


def test_a_click_elsewhere_brings_the_window_to_the_front(desk: Desk, tmp_path: Path) -> None:
    root = desk.bench.window.root
    root.withdraw()
    desk.bench.settle()
    desk.bench.window.come_to_front()
    desk.bench.pump(root.winfo_viewable, "the window is there again")
    desk.bench.pump(lambda: desk.bench.window.attention.in_front, "it has the focus")


def test_in_a_narrow_window_the_words_stand_above_the_buttons(desk: Desk) -> None:
    desk.link(1, tk_support.LONG_NAME)
    desk.link(2, "NAS")
    desk.hand("/a")
    desk.bench.window.pages.select(HOME)
    desk.bench.settle()
    bar, root = desk.bar, desk.bench.root
    assert bar.label.winfo_y() + bar.label.winfo_height() > bar.discard.winfo_y()
    root.minsize(1, 1)
    root.geometry(f"{desk.bench.window.theme.px(340)}x{root.winfo_height()}")

    def above() -> bool:
        desk.bench.settle()
        return bar.label.winfo_y() + bar.label.winfo_height() <= bar.discard.winfo_y()

    desk.bench.pump(above, "the words are above the buttons")
    assert bar.discard.winfo_width() >= bar.discard.winfo_reqwidth()
    assert bar.discard.winfo_x() + bar.discard.winfo_width() <= bar.winfo_width()
    lines = bar.label.winfo_height() / desk.bench.window.theme.body.metrics("linespace")
    assert lines < 4
    desk.bench.picture("handover-narrow")
    root.geometry(f"{desk.bench.window.theme.px(640)}x{root.winfo_height()}")
    desk.bench.pump(lambda: not above(), "the words are beside the buttons again")


def test_a_long_name_is_shortened(desk: Desk) -> None:
    desk.handover.hand(HandoverRequest(("/a",), tk_support.LONG_NAME))
    desk.handover.note(KnownList((), discovery=True))
    desk.show()
    assert tk_support.LONG_NAME not in desk.sentence
    assert tk_support.LONG_NAME[:8] in desk.sentence
    assert "…" in desk.sentence
