"""Tests of notifications on macOS, without a Mac: what osascript is told."""

import queue
import subprocess
from typing import Any

import pytest

from proxim.io.desktop.macos_notices import RUN_SECONDS, MacOSService
from proxim.io.desktop.notifications import Notification, ThreadedNotifier

PATIENCE = 30.0


def test_words_are_arguments_and_no_script() -> None:
    ran: queue.SimpleQueue[list[str]] = queue.SimpleQueue()

    def run(command: list[str], **options: Any) -> None:
        assert (options["timeout"], options["check"]) == (RUN_SECONDS, True)
        ran.put(command)

    notifier = ThreadedNotifier(lambda clicked: MacOSService(clicked, run), None)
    title = '" with title "x'
    notifier.show(Notification("news", title, "-e"))
    command = ran.get(timeout=PATIENCE)
    assert command[0] == "/usr/bin/osascript"
    assert command[1::2][:3] == ["-e", "-e", "-e"]
    assert command[-2:] == [title, "-e"]
    assert not any(title in line for line in command[:-2])
    notifier.withdraw("news")
    notifier.close()
    assert ran.empty()


def test_a_script_that_fails_is_no_crash() -> None:
    def run(command: list[str], **options: Any) -> None:
        raise subprocess.TimeoutExpired(command, RUN_SECONDS)

    with pytest.raises(OSError, match="TimeoutExpired"):
        MacOSService(None, run).show(Notification("news", "", ""))
