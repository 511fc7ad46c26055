"""Links for the transfers' tests: each side's end, and what is on its way between them."""

import json
from collections import deque
from dataclasses import dataclass, field

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core.files import messages as file_msg
from proxim.core.link import commands as link_do


@dataclass
class FakePeerLink:
    """One side's end of a link."""

    id: ev.LinkID
    peer_name: str | None = "the other"
    lane_open: bool = False
    lane_is_optional: bool = True
    lane_pending: bool = False
    lanes_wanted: int = 0
    proved: bool = True

    @property
    def binding(self) -> bytes:
        return self.id.encode() if self.proved else b""

    def send(self, message: file_msg.FileMessage) -> do.Command:
        return link_do.SendOnChannel(self.id, 0, json.dumps(file_msg.file_fields(message)))

    def want_lane(self) -> list[do.Command]:
        self.lanes_wanted += 1
        return []


def heard(text: str) -> file_msg.FileMessage:
    fields = json.loads(text)
    return file_msg.FILE_READERS[fields["type"]](fields)


@dataclass
class FakeLink:
    """One link: its control queues by who hears them, and the lane that there is now."""

    id: ev.LinkID
    control: dict[str, deque[str]]
    broken: bool = False
    lane: int | None = None
    # Which one each side knows
    lanes: dict[str, int | None] = field(default_factory=dict)
