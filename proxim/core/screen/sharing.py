"""Shared screens as a feature of links: who may see this device's screen and control it, and whose
this device sees.

Each link has one `Shower`, for this device's screen, and one `Viewer`, for the other's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, get_args

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.link.features import LinkFeature, PeerLink, Session, session_of
from proxim.core.link.messages import LinkMessage, Reader
from proxim.core.screen import events as screen_ev
from proxim.core.screen import messages as screen_msg
from proxim.core.screen.shower import Kept, Shower
from proxim.core.screen.viewer import Viewer
from proxim.core.transitions import Kind

# The label prefix of the pictures' channels.
PICTURES: Final = "screen"
# These are the Viewer's; everything else that names a link is the Shower's.
_VIEWERS: Final = (
    screen_ev.AskScreen | screen_ev.LookAt | screen_ev.UseScreen | screen_ev.PicturesRefused
)


@dataclass(frozen=True, slots=True)
class _Both:
    """Both directions of one link."""

    session: Session = field(repr=False)
    shower: Shower
    viewer: Viewer


class ScreenSharing(LinkFeature):
    """Passes each event to the machine of its link and direction."""

    word = st.SCREEN
    channel_prefix = PICTURES
    readers: Mapping[str, Reader] = screen_msg.READERS
    events: frozenset[Kind] = frozenset(
        {
            *get_args(screen_ev.ScreenIntent),
            *get_args(screen_ev.ScreenAnswer),
            *screen_ev.ScreenTimer,
        }
    )

    def __init__(
        self,
        token_bytes: Callable[[int], bytes],
        beforehand: screen_ev.Grant = screen_ev.Grant.NOTHING,
    ) -> None:
        """`beforehand` is what each verified peer may without a question (`--share-screen`)."""
        self._token_bytes = token_bytes
        self._beforehand = beforehand
        self._links: dict[ev.LinkID, _Both] = {}
        self._shields = 0
        # What is kept of each session's last link for the one that takes it up again; it is not
        # kept by links, since attempts at that may fail in between.
        self._kept: dict[Session, Kept] = {}

    @property
    def watchers(self) -> frozenset[ev.LinkID]:
        """The links whose peers see this device's screen, or may at any moment."""
        return frozenset(link for link, both in self._links.items() if both.shower.seen)

    def link_up(self, link: PeerLink, now: float) -> list[do.Command]:
        """Allow questions about screens on a link from now on."""
        shower = Shower(link, self._token_bytes, lambda: self._shields > 0, self._beforehand)
        kept = self._kept.pop(session_of(link), None)
        if kept is not None and link.resumes is not None:
            shower.take_up(kept)
        self._links[link.id] = _Both(session_of(link), shower, Viewer(link))
        return []

    def link_down(self, link: ev.LinkID, reason: Reason, now: float) -> list[do.Command]:
        """End what is shown and seen."""
        both = self._links.pop(link)
        self._kept[both.session] = both.shower.kept
        return [*both.shower.link_down(now), *both.viewer.link_down(now)]

    def message(self, link: PeerLink, message: LinkMessage, now: float) -> list[do.Command]:
        """Handle what the peer asks, allows or looks at."""
        both = self._links[link.id]
        if isinstance(message, screen_msg.ScreenState | screen_msg.ScreenClipboard):
            return both.viewer.handle(message, now)
        return both.shower.handle(message, now)

    def channel_opened(
        self, link: ev.LinkID, channel: int, label: str, now: float
    ) -> list[do.Command] | None:
        """Show what arrives on a pictures' channel."""
        share = screen_msg.share_of(PICTURES, label)
        if share is None:
            return None
        return self._links[link].viewer.channel_opened(channel, share, now)

    def input_opened(self, link: ev.LinkID, channel: int, share: str) -> list[do.Command] | None:
        """Receive the input that arrives on this channel; None if it belongs to no share."""
        both = self._links.get(link)
        return None if both is None else both.shower.input_opened(channel, share)

    def lane_changed(self, link: ev.LinkID, now: float) -> list[do.Command]:
        """Send pictures over the lane while it is open."""
        return self._links[link].shower.lane_changed()

    def handle(self, event: object, now: float) -> list[do.Command]:
        """Handle what people want, what the screen answers, or the end of a timer."""
        match event:
            case screen_ev.Shield(up):
                return self._shield(up)
            case screen_ev.LocalInput():
                return [
                    command
                    for both in self._links.values()
                    for command in both.shower.handle(event, now)
                ]
            case screen_ev.PanicKeysPressed():
                return [
                    command
                    for link, both in self._links.items()
                    for command in both.shower.handle(screen_ev.StopScreen(link), now)
                ]
            case screen_ev.StopScreen(link, shows):
                both = self._links.get(link)
                if both is None:
                    return []
                return [
                    *(both.shower.handle(event, now) if shows is not False else []),
                    *(both.viewer.handle(event, now) if shows is not True else []),
                ]
            case ev.TimerFired(ev.LinkTimer(name, link)):
                both = self._links.get(link)
                asking = name is screen_ev.ScreenTimer.ASKING
            case _:
                # `events` lists no others, and each of these names its link.
                assert isinstance(event, screen_ev.ScreenIntent | screen_ev.ScreenAnswer)
                assert not isinstance(
                    event, screen_ev.Shield | screen_ev.LocalInput | screen_ev.PanicKeysPressed
                )
                both = self._links.get(event.link)
                asking = isinstance(event, _VIEWERS)
        if both is None:
            return self._unsupported(event)
        return both.viewer.handle(event, now) if asking else both.shower.handle(event, now)

    def _unsupported(self, event: object) -> list[do.Command]:
        if isinstance(event, ev.LinkIntent):
            return [do.publish_trouble(Reason.SCREENS_UNKNOWN, event.link)]
        # The link ended while the screen answered.
        return []

    def _shield(self, up: bool) -> list[do.Command]:
        self._shields += 1 if up else -1
        if self._shields != (1 if up else 0):
            # Another question is open as well.
            return []
        return [command for both in self._links.values() for command in both.shower.shield(up)]
