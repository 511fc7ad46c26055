"""Tests of notifications on Windows, on a stand-in for its calls."""

import ctypes
import queue
from typing import Any

import pytest

from proxim.io.desktop.notifications import Notification, ThreadedNotifier
from proxim.io.desktop.windows_notices import (
    NIM_ADD,
    NIM_DELETE,
    NIM_MODIFY,
    NIN_BALLOONTIMEOUT,
    NIN_BALLOONUSERCLICK,
    NOTIFYICONDATA,
    WM_APP,
    WNDCLASS,
    WindowsService,
    put_text,
)

PATIENCE = 30.0
QUESTION = Notification("question", "Laptop", "Answer in Proxim.", 40.0, urgent=True)
ICON_MESSAGE = WM_APP + 1


@pytest.mark.skipif(ctypes.sizeof(ctypes.c_void_p) != 8, reason="the layouts of 64 bits")
def test_layouts() -> None:
    # NOTIFYICONDATAW_V4 of the Windows SDK.
    assert ctypes.sizeof(NOTIFYICONDATA) == 976
    assert (NOTIFYICONDATA.szTip.offset, NOTIFYICONDATA.szInfo.offset) == (40, 304)
    assert (NOTIFYICONDATA.szInfoTitle.offset, NOTIFYICONDATA.hBalloonIcon.offset) == (820, 968)
    assert (ctypes.sizeof(WNDCLASS), WNDCLASS.lpszClassName.offset) == (72, 64)


def test_texts_are_cut_at_a_whole_character() -> None:
    field: Any = (ctypes.c_uint16 * 4)(*[7] * 4)
    for text, units in (
        ("ab", [97, 98, 0]),
        ("abcdef", [97, 98, 99, 0]),
        ("ab🙂", [97, 98, 0]),
        ("", [0]),
    ):
        put_text(field, text)
        assert list(field)[: len(units)] == units, text


class FakeShell:
    """The calls, without Windows."""

    def __init__(self) -> None:
        self.calls: queue.SimpleQueue[tuple[int, int, str, str]] = queue.SimpleQueue()
        self.messages: queue.SimpleQueue[tuple[int, int, int]] = queue.SimpleQueue()
        self.takes_icons = True
        self.destroyed = False
        self._procedure: Any = None

    def make_window(self, procedure: Any) -> int:
        self._procedure = procedure
        # Windows tells a window of its own making.
        assert procedure(7, 0x81, 0, 0) == 1
        return 7

    def notify_icon(self, what: int, data: NOTIFYICONDATA) -> bool:
        assert (data.cbSize, data.hWnd) == (ctypes.sizeof(NOTIFYICONDATA), 7)
        title, body = (
            bytes(field).decode("utf-16-le").partition("\0")[0]
            for field in (data.szInfoTitle, data.szInfo)
        )
        self.calls.put((what, data.uID, title, body))
        return self.takes_icons

    def icon(self) -> int | None:
        return 99

    def message(self) -> int:
        message, wide, long = self.messages.get(timeout=PATIENCE)
        self._procedure(7, message, wide, long)
        return message

    def post(self, window: int, message: int) -> None:
        self.messages.put((message, 0, 0))

    def default(self, window: int, message: int, wide: int, long: int) -> int:
        return 1

    def destroy(self, window: int) -> None:
        self.destroyed = True


def test_an_icon_of_each_place_shows_its_newest() -> None:
    shell, clicks = FakeShell(), queue.SimpleQueue[str]()
    notifier = ThreadedNotifier(
        lambda clicked: WindowsService(clicked, lambda: shell), lambda: clicks.put("click")
    )
    notifier.show(QUESTION)
    assert shell.calls.get(timeout=PATIENCE) == (NIM_ADD, 1, "Laptop", "Answer in Proxim.")
    notifier.show(QUESTION)
    assert shell.calls.get(timeout=PATIENCE)[:2] == (NIM_MODIFY, 1)
    notifier.show(Notification("news", "Arrived", ""))
    assert shell.calls.get(timeout=PATIENCE) == (NIM_ADD, 2, "Arrived", "")
    # A click opens the window and removes the icon, and so does time, without opening anything.
    shell.messages.put((ICON_MESSAGE, 1, NIN_BALLOONUSERCLICK))
    assert clicks.get(timeout=PATIENCE) == "click"
    assert shell.calls.get(timeout=PATIENCE)[:2] == (NIM_DELETE, 1)
    shell.messages.put((ICON_MESSAGE, 2, NIN_BALLOONTIMEOUT))
    assert shell.calls.get(timeout=PATIENCE)[:2] == (NIM_DELETE, 2)
    notifier.show(QUESTION)
    assert shell.calls.get(timeout=PATIENCE)[:2] == (NIM_ADD, 1)
    notifier.withdraw("question")
    assert shell.calls.get(timeout=PATIENCE)[:2] == (NIM_DELETE, 1)
    notifier.show(QUESTION)
    assert shell.calls.get(timeout=PATIENCE)[:2] == (NIM_ADD, 1)
    notifier.close()
    assert shell.calls.get(timeout=PATIENCE)[:2] == (NIM_DELETE, 1)
    assert shell.destroyed
    assert clicks.empty()


def test_without_a_notification_area_nothing_happens() -> None:
    shell = FakeShell()
    shell.takes_icons = False
    service = WindowsService(None, lambda: shell)
    with pytest.raises(OSError, match="no icon"):
        service.show(QUESTION)
    service.withdraw("question")
    service.close()
    assert shell.calls.get(timeout=PATIENCE)[0] == NIM_ADD
    assert shell.calls.empty()


def test_a_windows_without_these_calls_shows_nothing() -> None:
    def lacking() -> FakeShell:
        raise AttributeError("Shell_NotifyIconW")

    with pytest.raises(OSError, match="Shell_NotifyIconW"):
        WindowsService(None, lacking)
