"""Fake links for the transfers' tests: each side's end, and the messages between them."""

import json
from collections import deque
from dataclasses import dataclass, field, replace

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.files import messages as file_msg
from proxim.core.link import commands as link_do
from proxim.core.link.messages import LinkMessage


@dataclass
class FakePeerLink:
    """One side's end of a link."""

    id: ev.LinkID
    peer_name: str | None = "the other"
    lane_open: bool = False
    lane_is_optional: bool = True
    lane_pending: bool = False
    lanes_wanted: int = 0
    resumes: ev.LinkID | None = None
    proved: bool = True

    @property
    def status(self) -> st.LinkStatus:
        return st.LinkStatus(self.id, "session", st.Stage.CONNECTED)

    @property
    def binding(self) -> bytes:
        return self.id.encode() if self.proved else b""

    def send(self, message: LinkMessage) -> do.Command:
        return link_do.SendOnChannel(self.id, 0, json.dumps(message.fields()))

    def publish(self, *, digits_differed: bool) -> do.Command:
        return do.Publish(replace(self.status, digits_differed=digits_differed))

    def drop_lane(self) -> list[do.Command]:
        return [link_do.CloseLane(self.id)] if self.lane_open else []

    def want_lane(self) -> list[do.Command]:
        self.lanes_wanted += 1
        return []


def heard(text: str) -> file_msg.FileMessage:
    fields = json.loads(text)
    message = file_msg.FILE_READERS[fields["type"]](fields)
    assert isinstance(message, file_msg.FileMessage)
    return message


@dataclass
class FakeLink:
    """A link between two sides. `control` holds the messages that wait for each side, by its name,
    and `lane` is the number of the present lane.
    """

    id: ev.LinkID
    control: dict[str, deque[str]]
    broken: bool = False
    lane: int | None = None
    # Each side knows of this lane.
    lanes: dict[str, int | None] = field(default_factory=dict)
