"""What was copied on an X11 server since a moment, and nothing else."""

import sys
import threading
from collections.abc import Iterator

import pytest
import xcffib
import xcffib.xproto

from proxim.core.errors import Reason
from proxim.core.screen.messages import MAX_COPIED_BYTES
from proxim.io.control import x11_clipboard
from proxim.io.control.injector import ControlError
from proxim.io.control.x11_clipboard import X11Clipboard
from tests.io.control.x11_support import closing

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="X11 is tried on Linux"
)


class Copier:
    """A program that people copy in."""

    def __init__(self, display: str) -> None:
        self.connection = xcffib.Connection(display=display)
        core = self.core = self.connection.core
        root = self.connection.get_setup().roots[0].root
        self.window = self.connection.generate_id()
        core.CreateWindow(0, self.window, root, 0, 0, 1, 1, 0, 0, 0, 0, [])
        self.clipboard, self.utf8, self.incremental = (
            core.InternAtom(False, len(name), name).reply().atom
            for name in ("CLIPBOARD", "UTF8_STRING", "INCR")
        )
        # What it has, by the kinds of texts; None answers nothing.
        self.texts: dict[int, bytes] | None = {}
        self.thread = threading.Thread(target=self.answer)
        self.thread.start()

    def copy(self, text: str, *, latin: bool = False) -> None:
        self.own(
            {xcffib.xproto.Atom.STRING: text.encode("latin-1")}
            if latin
            else {self.utf8: text.encode()}
        )

    def own(self, texts: dict[int, bytes] | None) -> None:
        self.texts = texts
        self.core.SetSelectionOwner(self.window, self.clipboard, 0)
        self.core.GetInputFocus().reply()

    def clear(self) -> None:
        self.core.SetSelectionOwner(0, self.clipboard, 0)
        self.core.GetInputFocus().reply()

    def answer(self) -> None:
        while not isinstance(event := self.connection.wait_for_event(), self.end):
            if isinstance(event, xcffib.xproto.SelectionRequestEvent) and self.texts is not None:
                self.send(event, self.texts.get(event.target))

    end = xcffib.xproto.ClientMessageEvent

    def send(self, asked: xcffib.xproto.SelectionRequestEvent, text: bytes | None) -> None:
        place = 0 if text is None else asked.property
        if text is not None:
            kind = asked.target if text != b"INCR" else self.incremental
            self.core.ChangeProperty(0, asked.requestor, place, kind, 8, len(text), text)
        answer = xcffib.xproto.SelectionNotifyEvent.synthetic(
            asked.time, asked.requestor, asked.selection, asked.target, place
        )
        self.core.SendEvent(False, asked.requestor, 0, answer.pack())
        self.connection.flush()

    def close(self) -> None:
        data = xcffib.xproto.ClientMessageData.synthetic([0] * 20, "B" * 20)
        message = self.end.synthetic(8, self.window, 1, data)
        self.core.SendEvent(False, self.window, 0, message.pack())
        self.connection.flush()
        self.thread.join()
        self.connection.disconnect()


@pytest.fixture(autouse=True, scope="module")
def first_client(plain_screen: str) -> Iterator[None]:
    """An X server begins anew when its last client leaves, and refuses the next for a while."""
    connection = xcffib.Connection(display=plain_screen)
    yield
    connection.disconnect()


@pytest.fixture
def copier(plain_screen: str) -> Iterator[Copier]:
    with closing(Copier(plain_screen)) as made:
        yield made


def refused(clipboard: X11Clipboard) -> Reason:
    with pytest.raises(ControlError) as caught:
        clipboard.copied_text()
    return caught.value.reason


def test_what_was_copied_before_is_nobodys(plain_screen: str, copier: Copier) -> None:
    copier.copy("a password")
    with closing(X11Clipboard(plain_screen)) as clipboard:
        assert refused(clipboard) is Reason.NOTHING_COPIED
        # A program that looks after the clipboard offers it once more.
        copier.copy("a password")
        assert refused(clipboard) is Reason.NOTHING_COPIED
        copier.copy("Grüße 🎉\n")
        assert clipboard.copied_text() == clipboard.copied_text() == "Grüße 🎉\n"
        copier.copy("café", latin=True)
        assert clipboard.copied_text() == "café"
        copier.clear()
        assert refused(clipboard) is Reason.NOTHING_COPIED


def test_an_empty_clipboard_becomes_full(plain_screen: str, copier: Copier) -> None:
    copier.clear()
    with closing(X11Clipboard(plain_screen)) as clipboard:
        assert refused(clipboard) is Reason.NOTHING_COPIED
        copier.copy("text")
        assert clipboard.copied_text() == "text"


def test_a_long_text_is_refused(plain_screen: str, copier: Copier) -> None:
    copier.clear()
    with closing(X11Clipboard(plain_screen)) as clipboard:
        copier.copy("x" * MAX_COPIED_BYTES)
        assert len(clipboard.copied_text()) == MAX_COPIED_BYTES
        for text in ("x" * (MAX_COPIED_BYTES + 1), "x" * 4 * MAX_COPIED_BYTES, "INCR"):
            copier.copy(text)
            assert refused(clipboard) is Reason.COPIED_TOO_LONG


def test_what_is_no_text_and_who_does_not_answer(
    plain_screen: str, copier: Copier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(x11_clipboard, "_OWNER_SECONDS", 0.2)
    copier.clear()
    with closing(X11Clipboard(plain_screen)) as clipboard:
        copier.own({})
        assert refused(clipboard) is Reason.NOTHING_COPIED
        copier.own(None)
        assert refused(clipboard) is Reason.NOTHING_COPIED
        # It is not UTF-8.
        copier.own({copier.utf8: b"\xff!"})
        assert clipboard.copied_text() == "\ufffd!"


def test_where_there_is_no_server_it_says_so() -> None:
    with pytest.raises(ControlError) as caught:
        X11Clipboard(":4711")
    assert caught.value.reason is Reason.CLIPBOARD_UNSUPPORTED
