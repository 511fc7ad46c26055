"""Tests of sending a text or files to all linked devices with one action."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tkinter import filedialog

import pytest

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.files import events as file_ev
from proxim.ui.window.clipboard import CopiedFiles, CopiedPicture, CopiedText
from proxim.ui.window.link.panel import LinkPanel
from proxim.ui.window.link.recipients import Recipients
from tests.ui.tk_support import Bench, link

ADA, GRACE, NAS = (ev.LinkID(f"host-{number}") for number in (1, 2, 3))


def texts_only(name: str = "NAS", link_id: str = NAS) -> st.LinkStatus:
    return replace(link(name, link_id=link_id), features=(st.TEXT,))


@pytest.fixture
def panel(bench: Bench) -> LinkPanel:
    """Return the page of the first of three links; the third takes no files."""
    bench.window.show(link("Ada's PC"))
    bench.window.show(link("Grace's phone", link_id=GRACE))
    bench.window.show(texts_only())
    bench.window.pages.select(ADA)
    panel = bench.window.pages.links[ADA]
    bench.pump(panel.bar.all.winfo_viewable)
    return panel


def who(panel: LinkPanel) -> str:
    label = panel.bar._who
    return str(label.cget("text")) if label.winfo_viewable() else ""


def note(panel: LinkPanel) -> str:
    return str(panel._note.cget("text")) if panel._note.winfo_viewable() else ""


def test_one_link_alone_offers_nothing(bench: Bench) -> None:
    bench.window.show(link())
    panel = bench.window.pages.links[ADA]
    bench.pump(panel.bar.files.winfo_viewable)
    assert not panel.bar.all.winfo_viewable()
    bench.window.show(link("Grace's phone", st.Stage.CONNECTING, GRACE))
    bench.settle()
    assert not panel.bar.all.winfo_viewable()


def test_at_first_only_the_device_of_the_page_gets_it(bench: Bench, panel: LinkPanel) -> None:
    assert who(panel) == ""
    assert panel.bar.all.cget("text") == "To all 3"
    panel.entry.insert("1.0", "hi")
    panel.send_written()
    assert bench.posted == [ev.SendText(ADA, "hi")]


def test_who_gets_it_is_said_before(bench: Bench, panel: LinkPanel) -> None:
    panel.bar.all.invoke()
    bench.settle()
    assert who(panel) == "Goes to Ada's PC, Grace's phone. Takes texts only: NAS."
    assert panel.send_button.cget("text") == "Send to all"
    bench.picture("link-to-all")
    panel.bar.all.invoke()
    bench.settle()
    assert who(panel) == ""
    assert panel.send_button.cget("text") == "Send"


def test_a_text_goes_to_all_that_take_texts(bench: Bench, panel: LinkPanel) -> None:
    panel.bar.all.invoke()
    bench.focus(panel.entry)
    bench.key(panel.entry, "h", "i", "<Return>")
    assert bench.posted == [ev.SendText(one, "hi") for one in (ADA, GRACE, NAS)]
    bench.window.show(st.TextSent(ADA, "hi"))
    bench.window.show(st.TextSent(GRACE, "hi"))
    assert "hi" in bench.window.pages.links[GRACE].history.text.get("1.0", "end")


Sending = Callable[[Bench, LinkPanel], None]


def pick(_bench: Bench, panel: LinkPanel) -> None:
    panel.bar.files.invoke()


def drop(bench: Bench, _panel: LinkPanel) -> None:
    bench.window._dropped(("/a",))


def paste(_bench: Bench, panel: LinkPanel) -> None:
    panel.bar.send_copied(CopiedFiles(("/a",)))


@pytest.mark.parametrize("send", [pick, drop, paste])
def test_files_go_to_all_that_take_files(
    bench: Bench, panel: LinkPanel, monkeypatch: pytest.MonkeyPatch, send: Sending
) -> None:
    monkeypatch.setattr(filedialog, "askopenfilenames", lambda **_options: ("/a",))
    panel.bar.all.invoke()
    send(bench, panel)
    assert bench.posted == [file_ev.SendPaths(one, ("/a",)) for one in (ADA, GRACE)]


def test_what_was_copied_goes_to_all(bench: Bench, panel: LinkPanel) -> None:
    panel.bar.all.invoke()
    panel.bar.send_copied(CopiedText("copied"))
    assert bench.posted == [ev.SendText(one, "copied") for one in (ADA, GRACE, NAS)]
    bench.posted.clear()
    panel.bar.send_copied(CopiedPicture(".png", b"png"))
    assert [type(one) for one in bench.posted] == [file_ev.SendPaths] * 2
    (paths,) = {one.paths for one in bench.posted if isinstance(one, file_ev.SendPaths)}
    assert Path(paths[0]).read_bytes() == b"png"


def test_a_drop_says_so(bench: Bench, panel: LinkPanel) -> None:
    assert bench.window._offer_drop() == (True, "Drop to send to Ada's PC")
    panel.bar.all.invoke()
    assert bench.window._offer_drop() == (True, "Drop to send to all 2 devices")


def test_a_page_that_takes_no_files_sends_them_to_the_others(
    bench: Bench, panel: LinkPanel
) -> None:
    bench.window.pages.select(NAS)
    page = bench.window.pages.links[NAS]
    assert page.bar.files.instate(["disabled"])
    page.bar.all.invoke()
    assert page.bar.files.instate(["!disabled"])
    page.send_paths(("/a",))
    assert bench.posted == [file_ev.SendPaths(one, ("/a",)) for one in (ADA, GRACE)]
    page.bar.all.invoke()
    assert page.bar.files.instate(["disabled"])


def test_who_comes_later_gets_nothing_unseen(bench: Bench, panel: LinkPanel) -> None:
    panel.bar.all.invoke()
    bench.window.show(link("Stranger", link_id="host-4"))
    bench.window.pages.select(ADA)
    bench.settle()
    assert not panel.bar.to_all
    assert who(panel) == ""
    assert "Another device has connected" in note(panel)
    panel.entry.insert("1.0", "secret")
    panel.send_written()
    assert bench.posted == [ev.SendText(ADA, "secret")]


def test_who_leaves_is_no_longer_named(bench: Bench, panel: LinkPanel) -> None:
    panel.bar.all.invoke()
    bench.window.show(link("Grace's phone", st.Stage.CLOSED, GRACE))
    bench.settle()
    assert panel.bar.to_all
    assert who(panel) == "Goes to Ada's PC. Takes texts only: NAS."
    bench.window.show(link("NAS", st.Stage.CLOSED, NAS))
    bench.settle()
    assert not panel.bar.to_all
    assert not panel.bar.all.winfo_viewable()
    assert panel.send_button.cget("text") == "Send"


def test_a_link_that_is_taken_up_again_is_no_newcomer(bench: Bench, panel: LinkPanel) -> None:
    panel.bar.all.invoke()
    again = replace(link("Grace's phone", link_id="host-5"), resumes=GRACE)
    bench.window.show(again)
    assert panel.bar.to_all
    panel.bar.send_copied(CopiedText("x"))
    assert ev.SendText(ev.LinkID("host-5"), "x") in bench.posted


def test_the_page_of_a_lost_link_sends_to_nobody(bench: Bench, panel: LinkPanel) -> None:
    panel.bar.all.invoke()
    bench.window.show(link("Ada's PC", st.Stage.WAITING))
    bench.settle()
    assert not panel.bar.all.winfo_viewable()
    assert panel.bar.files.instate(["disabled"])
    assert str(panel.entry.cget("state")) == "disabled"


def test_each_kind_of_device_is_named() -> None:
    unready = replace(link("Old", link_id="host-6"), features=())
    files_only = replace(link("Camera", link_id="host-7"), features=(st.FILES,))
    found = Recipients((link("Ada's PC"), texts_only(), files_only, unready))
    assert found.words == (
        "Goes to Ada's PC. Takes texts only: NAS. Takes files only: Camera. "
        "Gets nothing, as it takes neither: Old."
    )
    assert found.able(st.FILES) == (ADA, "host-7")
    assert found.able(st.TEXT) == (ADA, NAS)
