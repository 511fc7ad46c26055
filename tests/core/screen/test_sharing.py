"""Who may see a screen and control it, as scripts of both ends, and for any order of events."""

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.control.messages import (
    Input,
    KeyInput,
    PointerInput,
    ReleaseAll,
    TextInput,
    input_fields,
)
from proxim.core.errors import Reason
from proxim.core.json_text import write_object
from proxim.core.link import commands as link_do
from proxim.core.link.features import PeerLink
from proxim.core.link.messages import dump_link_message, read_link_message
from proxim.core.pairing.devices import Verified
from proxim.core.screen import commands as screen_do
from proxim.core.screen import events as screen_ev
from proxim.core.screen import messages as screen_msg
from proxim.core.screen import status as screen_st
from proxim.core.screen.events import Grant
from proxim.core.screen.sharing import ScreenSharing
from proxim.core.screen.shower import ANSWER_SECONDS, ASK_AGAIN_SECONDS, LOCAL_SECONDS
from proxim.core.screen.status import ScreenStage
from tests.core.handed_in import counting_bytes
from tests.rows import each_row

LINK = ev.LinkID("host-1")
LEFT = screen_msg.Monitor(0, "DP-1", 0, 0, 1920, 1080)
RIGHT = screen_msg.Monitor(1, "DP-2", 1920, 0, 2560, 1440, 1.5)
PICTURES = 3


@dataclass
class FakeLink:
    """A link as a feature sees it."""

    status: st.LinkStatus
    id: ev.LinkID = LINK
    resumes: ev.LinkID | None = None
    peer_name: str | None = "Phone"
    binding: bytes = b"binding"
    lane_open: bool = False
    lane_is_optional: bool = True
    lane_pending: bool = False

    def send(self, message: Any) -> do.Command:
        return link_do.SendOnChannel(self.id, 1, dump_link_message(message))

    def want_lane(self) -> list[do.Command]:
        return []

    def drop_lane(self) -> list[do.Command]:
        return []


@dataclass
class Side:
    """One end: its feature, and all that came out of it."""

    verified: Verified | None
    name: str
    feature: ScreenSharing = field(default_factory=lambda: ScreenSharing(counting_bytes()))
    commands: list[do.Command] = field(default_factory=list)
    timers: dict[ev.Timer, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.link: PeerLink = FakeLink(
            st.LinkStatus(LINK, "session", st.Stage.CONNECTED, verified=self.verified)
        )
        self.feature.link_up(self.link, 0.0)

    def of(self, kind: type[Any]) -> list[Any]:
        published = [one.status for one in self.commands if isinstance(one, do.Publish)]
        return [one for one in (*self.commands, *published) if isinstance(one, kind)]

    def last(self, kind: type[Any]) -> Any:
        return self.of(kind)[-1]


class Both:
    """A device that shows, one that sees, and honest delivery between them."""

    def __init__(self, verified: Verified | None = Verified.CODE) -> None:
        self.now = 1000.0
        # The monitors of the device that shows; none means that it has no screen.
        self.monitors: tuple[screen_msg.Monitor, ...] = (LEFT, RIGHT)
        self.shows = Side(verified, "shows")
        self.sees = Side(Verified.CODE, "sees")

    def tell(self, side: Side, event: object) -> None:
        self.carry_out(side, side.feature.handle(event, self.now))

    def carry_out(self, side: Side, commands: list[do.Command]) -> None:
        other = self.sees if side is self.shows else self.shows
        for command in commands:
            side.commands.append(command)
            match command:
                case link_do.SendOnChannel(_, _, text):
                    kind, fields = read_link_message(text)
                    message = screen_msg.READERS[kind](fields)
                    self.carry_out(other, other.feature.message(other.link, message, self.now))
                case screen_do.FindScreens():
                    self.found()
                case do.SetTimer(timer, seconds):
                    side.timers[timer] = self.now + seconds
                case do.CancelTimer(timer):
                    side.timers.pop(timer, None)
                case screen_do.SendPictures(_, share) if not any(
                    isinstance(one, screen_do.ShowPictures) for one in other.commands
                ):
                    opened = other.feature.channel_opened(
                        LINK, PICTURES, f"screen/{share}", self.now
                    )
                    self.carry_out(other, opened or [])

    def found(self) -> None:
        answer: object = screen_ev.ScreensFound(LINK, self.monitors)
        if not self.monitors:
            answer = screen_ev.ScreenFailed(LINK, Reason.UNSUPPORTED)
        self.tell(self.shows, answer)

    def wait(self, seconds: float) -> None:
        end = self.now + seconds
        for side in (self.shows, self.sees):
            for timer, when in sorted(side.timers.items(), key=lambda one: one[1]):
                if when <= end and side.timers.pop(timer, None) is not None:
                    self.now = max(self.now, when)
                    self.tell(side, ev.TimerFired(timer))
        self.now = end

    # --- what people do ---------------------------------------------------------------------------

    def ask(self, *, control: bool = False) -> None:
        self.tell(self.sees, screen_ev.AskScreen(LINK, control))

    def answer(self, grant: Grant, *, knowing: bool = False) -> None:
        number = self.shows.last(screen_st.ScreenQuestion).number
        self.tell(self.shows, screen_ev.AnswerScreen(LINK, number, grant, knowing))

    def look(self, monitor: int = 0) -> None:
        self.tell(self.sees, screen_ev.LookAt(LINK, monitor, 390, 844, 3.0))

    def input(self, what: Input, share: str | None = None) -> None:
        message = write_object(input_fields(what)).encode()
        self.tell(self.shows, screen_ev.InputReceived(LINK, share or self.share, message))

    def viewed(self, grant: Grant = Grant.VIEW) -> "Both":
        self.ask(control=True)
        self.answer(grant, knowing=True)
        self.look()
        return self

    @property
    def share(self) -> str:
        return next(iter(self.sees.feature._links.values())).viewer.share

    def stages(self) -> tuple[ScreenStage, ScreenStage]:
        shown, seen = (side.last(screen_st.ScreenShare).stage for side in (self.shows, self.sees))
        return shown, seen


BUTTON = PointerInput(0.5, 0.5, 1)
