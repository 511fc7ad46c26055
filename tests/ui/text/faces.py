"""The faces of a terminal as tests use them: with a clock that a test moves, with what was written,
and with the intents that were posted.
"""

import io
import json
import time
from collections.abc import Mapping
from typing import Any

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.pairing.devices import Verified
from proxim.ui.text.jsonlines import JsonLinesFace
from proxim.ui.text.model import FaceOptions
from proxim.ui.text.terminal import TerminalFace

# Where every clock stands until a test moves it.
START = 1000.0
# Unix seconds of a noon in UTC, as JSON lines write it, and in whatever time zone the tests run.
NOON = 1_748_779_200.0
LOCAL_NOON = time.mktime((2025, 6, 1, 12, 0, 0, 0, 0, -1))

LINK = ev.LinkID("host-1")

Event = dict[str, Any]


def linked(*features: str) -> st.LinkStatus:
    """Return the status of an open link with a verified device that has these features."""
    return st.LinkStatus(
        LINK,
        "s1",
        st.Stage.CONNECTED,
        peer_name="Ana",
        verified=Verified.CODE,
        features=features,
        was_connected=True,
    )


def taken(out: io.StringIO) -> str:
    """Return what was written since the last call."""
    text = out.getvalue()
    out.seek(0)
    out.truncate()
    return text


class TerminalBench:
    """The face that a person reads and types into."""

    def __init__(
        self,
        options: FaceOptions,
        out: io.StringIO | None = None,
        environ: Mapping[str, str] | None = None,
        columns: int = 80,
    ) -> None:
        self.now = START
        self.out = out or io.StringIO()
        self.posted: list[ev.Intent] = []
        self.face = TerminalFace(
            options,
            self.posted.append,
            self.out,
            lambda: self.now,
            lambda: LOCAL_NOON,
            environ=environ or {},
            columns=lambda: columns,
        )

    def start(self) -> str:
        self.face.start()
        return self.written()

    def show(self, *statuses: st.Status) -> str:
        for status in statuses:
            self.face.show(status)
        return self.written()

    def ask(self, *statuses: st.Status) -> str:
        """Show statuses and let the time pass in which a question accepts no yes."""
        shown = self.show(*statuses)
        self.now += st.ANSWER_DELAY_SECONDS
        return shown

    def read(self, *lines: str) -> str:
        for line in lines:
            self.face.line(line)
        return self.written()

    def written(self) -> str:
        return taken(self.out)


class JsonLinesBench:
    """The face that a script reads and writes."""

    def __init__(self, options: FaceOptions, out: io.TextIOBase | None = None) -> None:
        self.now = START
        self.out = out or io.StringIO()
        self.posted: list[ev.Intent] = []
        self.face = JsonLinesFace(
            options,
            self.posted.append,
            self.out,  # type: ignore[arg-type]
            lambda: self.now,
            lambda: NOON,
        )

    def show(self, *statuses: st.Status) -> list[Event]:
        for status in statuses:
            self.face.show(status)
        return self.events()

    def later(self, seconds: float) -> list[Event]:
        """Let this many seconds pass while nothing happens; return the events that are written."""
        self.now += seconds
        self.face.catch_up()
        return self.events()

    def read(self, *lines: str | Event) -> list[Event]:
        for line in lines:
            self.face.line(line if isinstance(line, str) else json.dumps(line))
        return self.events()

    def command(self, kind: str, **fields: object) -> list[Event]:
        return self.read({"type": kind, **fields})

    def events(self) -> list[Event]:
        """Return the events written since the last call, one from each line."""
        assert isinstance(self.out, io.StringIO)
        text = taken(self.out)
        assert text == "" or text.endswith("\n")
        lines = text.split("\n")[:-1]
        # No line contains a character that another reader takes for the end of a line.
        assert text.splitlines() == lines
        events = [json.loads(line) for line in lines]
        assert all(isinstance(event.get("event"), str) for event in events)
        return events
