"""A third feature of a link, as somebody would add one: a word, a message, a channel, an
intent, a timer and a status.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.json_text import JSONObject, MessageError
from proxim.core.link.features import Features, LinkFeature, PeerLink, ProtocolBrokenError
from proxim.core.link.messages import LinkMessage, Reader
from tests.core.handed_in import features

DRYING_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Draw(ev.LinkIntent):
    """A person draws a stroke."""

    length: int


@dataclass(frozen=True, slots=True)
class Stroke:
    """The wire's message about a stroke."""

    length: int

    def fields(self) -> JSONObject:
        return {"type": "stroke", "length": self.length}


@dataclass(frozen=True, slots=True)
class Drawn(st.FeatureStatus):
    """The peer drew a stroke."""

    link: ev.LinkID
    length: int


class BoardTimer(ev.TimerKind):
    # What the peer drew can be smudged until then.
    DRYING = "drying"


@dataclass(frozen=True, slots=True)
class Dry(st.FeatureStatus):
    """What the peer drew is dry."""

    link: ev.LinkID


def _stroke(fields: JSONObject) -> Stroke:
    length = fields.get("length")
    if not isinstance(length, int):
        raise MessageError(Reason.BAD_MESSAGE, "length")
    return Stroke(length)


class Whiteboard(LinkFeature):
    word = "whiteboard"
    readers: Mapping[str, Reader] = {"stroke": _stroke}
    channel_prefix = "whiteboard"
    events = frozenset({Draw, BoardTimer.DRYING})

    def __init__(self) -> None:
        self.links: dict[ev.LinkID, PeerLink] = {}
        self.channels: list[tuple[ev.LinkID, int]] = []

    def handle(self, event: object, now: float) -> list[do.Command]:
        match event:
            case Draw(link, length):
                return [self.links[link].send(Stroke(length))]
            case ev.TimerFired(ev.LinkTimer(scope=link)):
                return [do.Publish(Dry(link))]
        raise AssertionError(event)

    def message(self, link: PeerLink, message: LinkMessage, now: float) -> list[do.Command]:
        assert isinstance(message, Stroke)
        if message.length < 0:
            raise ProtocolBrokenError(Reason.BAD_MESSAGE)
        if message.length == 0:
            raise MessageError(Reason.NOT_ALLOWED)
        return [
            do.Publish(Drawn(link.id, message.length)),
            do.SetTimer(ev.LinkTimer(BoardTimer.DRYING, link.id), DRYING_SECONDS),
        ]

    def link_up(self, link: PeerLink, now: float) -> list[do.Command]:
        self.links[link.id] = link
        return []

    def link_down(self, link: ev.LinkID, reason: Reason, now: float) -> list[do.Command]:
        del self.links[link]
        return []

    def channel_opened(
        self, link: ev.LinkID, channel: int, label: str, now: float
    ) -> list[do.Command] | None:
        if label != "whiteboard/1":
            return None
        self.channels.append((link, channel))
        return []


def with_whiteboard() -> tuple[Features, Whiteboard]:
    """Return all features of a program and a whiteboard, and the whiteboard."""
    whiteboard = Whiteboard()
    return Features(*features(), whiteboard), whiteboard
