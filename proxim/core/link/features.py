"""What a feature of a link is, such as text or files, and the registry of the features.

A feature brings its word in `hello`, its messages, its data channels and its statuses. A link asks
the registry, so that no feature is named in link.py. core/features.py registers the features.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Protocol

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.json_text import MessageError
from proxim.core.link import events as link_ev
from proxim.core.link.messages import (
    LANE,
    OWN_READERS,
    LinkMessage,
    Reader,
    read_link_message,
)
from proxim.core.transitions import Kind, kind_of


class ProtocolBrokenError(MessageError):
    """A peer's message breaks the protocol so badly that its link ends."""


class PeerLink(Protocol):
    """A link with a peer that supports a feature, as the feature sees it."""

    @property
    def id(self) -> ev.LinkID:
        """The link's identity."""

    @property
    def resumes(self) -> ev.LinkID | None:
        """The lost link of the same two devices that this link replaces; None if it is new."""

    @property
    def status(self) -> st.LinkStatus:
        """What is published about the link: among others, how the peer proved itself."""

    @property
    def peer_name(self) -> str | None:
        """The peer's name, cleaned for display."""

    @property
    def binding(self) -> bytes:
        """Bytes that both ends of this link know and no other link has; empty without a proof."""

    @property
    def lane_open(self) -> bool:
        """Whether bytes can be sent over the lane."""

    @property
    def lane_is_optional(self) -> bool:
        """Whether the link would go on without its lane."""

    @property
    def lane_pending(self) -> bool:
        """Whether the lane may open in a moment."""

    def send(self, message: LinkMessage) -> do.Command:
        """Return the command that sends this message on the link's control channel."""

    def publish(self, *, digits_differed: bool) -> do.Command:
        """Change what a feature has found out about the link, and return the command that publishes
        it.
        """

    def want_lane(self) -> list[do.Command]:
        """Open the lane, if it is not open yet and the peer supports lanes."""

    def drop_lane(self) -> list[do.Command]:
        """Close a lane on which nothing moves any more; `lane_changed` follows."""


# What stays the same when a lost link is taken up again. A guest's sessions at several hosts may
# have the same name, so the host belongs to it.
Session = tuple[str, str]


def session_of(link: PeerLink) -> Session:
    """Return what tells the session of a link from others."""
    status = link.status
    return status.session_id, status.peer_address if status.as_guest else ""


class LinkFeature:
    """What links carry. One object serves all links of the program.

    A feature overrides what it needs: what is here fits a feature that needs nothing.
    """

    # Its word in `hello` and in LinkStatus.features.
    word: str
    # Whether it begins only when the peer's `hello` has its word, or as soon as the link can carry
    # messages.
    needs_hello: bool = True
    # How its messages are read, by their types.
    readers: Mapping[str, Reader] = MappingProxyType({})
    # The labels of its data channels are this prefix, a slash and more; None if it opens none.
    channel_prefix: str | None = None
    # The events that are its own: what people want of it, its timers, what `io` answers it.
    events: frozenset[Kind] = frozenset()

    @property
    def watchers(self) -> frozenset[ev.LinkID]:
        """The links whose peers see this device's screen, or may at any moment."""
        return frozenset()

    def handle(self, event: object, now: float) -> list[do.Command]:
        """Handle one of `events`; the link that a LinkIntent names is open."""
        raise NotImplementedError

    def message(self, link: PeerLink, message: LinkMessage, now: float) -> list[do.Command]:
        """Handle a message that one of `readers` has read.

        Raises MessageError for a message that the peer may not send, and ProtocolBrokenError if
        that must end the link.
        """
        raise NotImplementedError

    def link_up(self, link: PeerLink, now: float) -> list[do.Command]:
        """Begin on a link whose peer supports the feature."""
        return []

    def link_down(self, link: ev.LinkID, reason: Reason, now: float) -> list[do.Command]:
        """End on a link where it began; nothing can be sent on it any more.

        After PEER_VANISHED, another link may replace it; any other reason ends it for good.
        """
        return []

    def lane_changed(self, link: ev.LinkID, now: float) -> list[do.Command]:
        """Handle a link's lane that opened, broke or was given up."""
        return []

    def channel_opened(
        self, link: ev.LinkID, channel: int, label: str, now: float
    ) -> list[do.Command] | None:
        """Handle a data channel with the feature's prefix; return None to refuse it."""
        return None


class Features:
    """The registry: all features of this program's links, in the order of their words in
    `hello`.
    """

    def __init__(self, *features: LinkFeature) -> None:
        self._features = features
        self._by_type = {kind: feature for feature in features for kind in feature.readers}
        self._by_event = {kind: feature for feature in features for kind in feature.events}
        # Two features that share something would take each other's, or the link's own.
        for names in (
            [feature.word for feature in features] + [LANE],
            [feature.channel_prefix for feature in features if feature.channel_prefix]
            + [link_ev.CONTROL_LABEL],
            [kind for feature in features for kind in feature.readers] + [*OWN_READERS],
            [kind for feature in features for kind in feature.events],
        ):
            assert len({*names}) == len(names), names

    def __iter__(self) -> Iterator[LinkFeature]:
        return iter(self._features)

    @property
    def words(self) -> tuple[str, ...]:
        """The words that this program's `hello` has for its features."""
        return tuple(feature.word for feature in self._features)

    @property
    def watchers(self) -> frozenset[ev.LinkID]:
        """The links whose peers see what stands on this device's screen, such as a code."""
        return frozenset().union(*(feature.watchers for feature in self._features))

    def parse(self, text: str) -> tuple[LinkFeature | None, LinkMessage]:
        """Read one message of the control channel: a feature's, or the link's own (None).

        Raises MessageError: TOO_LARGE, BAD_JSON, BAD_MESSAGE, or UNKNOWN_TYPE with the unknown type
        as its detail.
        """
        kind, fields = read_link_message(text)
        feature = self._by_type.get(kind)
        reader = OWN_READERS.get(kind) if feature is None else feature.readers[kind]
        if reader is None:
            raise MessageError(Reason.UNKNOWN_TYPE, kind)
        return feature, reader(fields)

    def has(self, event: object) -> bool:
        """Whether the event is one of a feature's own."""
        return kind_of(event) in self._by_event

    def handle(self, event: object, now: float) -> list[do.Command]:
        """Pass an event to the feature whose own it is."""
        return self._by_event[kind_of(event)].handle(event, now)
