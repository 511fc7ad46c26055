"""The other device's screen on one link, as this device sees it.

`Viewer` is a state machine; its table `TRANSITIONS` is drawn in docs/architecture.md.
"""

from enum import Enum
from typing import Final

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core.control.messages import CopyText
from proxim.core.errors import Reason, reason_of
from proxim.core.link.features import PeerLink
from proxim.core.link.lane_channels import uses_lane
from proxim.core.screen import commands as screen_do
from proxim.core.screen import events as screen_ev
from proxim.core.screen import messages as screen_msg
from proxim.core.screen import status as screen_st
from proxim.core.screen.shower import ANSWER_SECONDS
from proxim.core.screen.status import ScreenStage
from proxim.core.transitions import TransitionTable

# The other side's answer takes as long as its person, and then the way here.
ASKING_SECONDS: Final = ANSWER_SECONDS + 5.0

# The reasons that whoever shows may give; any other reason becomes CLOSED.
_REASONS: Final = (
    Reason.DECLINED,
    Reason.UNATTENDED,
    Reason.TIMEOUT,
    Reason.TOO_MANY,
    Reason.PEER_ERROR,
    Reason.NO_SCREEN,
    Reason.PAGE_SCREEN,
    Reason.SCREEN_UNSUPPORTED,
    Reason.SCREEN_FORBIDDEN,
    Reason.SCREEN_LOST,
    Reason.SCREEN_PERMISSION,
    Reason.SCREEN_REVOKED,
    Reason.NO_PORTAL,
    Reason.NO_GSTREAMER,
    Reason.CONTROL_PERMISSION,
    Reason.CONTROL_FORBIDDEN,
    Reason.CONTROL_BLOCKED,
    Reason.CONTROL_UNSUPPORTED,
    Reason.CONTROL_UNVERIFIED,
    Reason.BAR_HIDDEN,
    Reason.MONITOR_GONE,
    Reason.OWN_WINDOW,
    Reason.QUESTION_OPEN,
    Reason.UNSUPPORTED,
    Reason.NOTHING_COPIED,
    Reason.COPIED_TOO_LONG,
    Reason.CLIPBOARD_UNSUPPORTED,
)


class ViewState(Enum):
    """The states of the other device's screen on one link."""

    OFF = "off"
    ASKING = "asking"
    # It may be seen, and nobody here looks yet.
    OFFERED = "offered"
    VIEWED = "viewed"


class Viewer:
    """Sees the screen of the peer of one link, as a state machine."""

    def __init__(self, link: PeerLink) -> None:
        self.state = ViewState.OFF
        self._link = link
        self._shown = screen_msg.ScreenState(view=False)
        # The data channel of its pictures, until there is one they may come over the lane.
        self._channel: int | None = None
        # Whether ShowPictures was the last word about pictures.
        self._showing = False
        # Whether the text that was copied there was asked for.
        self._copying = False
        # Whether our person has asked to control it since it was last asked for, or could.
        self._wants_control = False

    @property
    def share(self) -> str:
        """The id of the share that may be seen; empty if there is none."""
        return self._shown.share

    def handle(self, event: object, now: float) -> list[do.Command]:
        """Handle one event, or a message of the peer."""
        return TRANSITIONS.handle(self, event, now)

    def link_down(self, now: float) -> list[do.Command]:
        """End with the link."""
        before = self.state
        ended = [] if before is ViewState.OFF else self._end(Reason.PEER_VANISHED)
        TRANSITIONS.called(self, "link_down", before)
        return ended

    def channel_opened(self, channel: int, share: str, now: float) -> list[do.Command] | None:
        """Show what arrives on this channel; return None if it belongs to no share."""
        if self.state is not ViewState.VIEWED or share != self.share:
            return None
        self._channel = channel
        return self._show_pictures()

    # --- transitions ------------------------------------------------------------------------------

    def _ask(self, event: screen_ev.AskScreen, now: float) -> list[do.Command]:
        self.state = ViewState.ASKING
        self._wants_control = event.control
        asking = screen_st.ScreenShare(
            self._link.id, shows=False, stage=ScreenStage.ASKING, control=event.control
        )
        return [
            do.Publish(asking),
            do.SetTimer(self._timer, ASKING_SECONDS),
            self._link.send(screen_msg.ScreenAsk(event.control)),
            screen_do.PrepareScreens(self._link.id),
        ]

    def _ask_more(self, event: screen_ev.AskScreen, now: float) -> list[do.Command]:
        """Ask to control what is seen already."""
        if not event.control or self._shown.control:
            return []
        self._wants_control = True
        return [self._link.send(screen_msg.ScreenAsk(control=True))]

    def _offered(self, message: screen_msg.ScreenState, now: float) -> list[do.Command]:
        if not message.view:
            # Nothing is shown to nobody: an answer to what was withdrawn in the meantime.
            return []
        self._wants_control = False
        return self._begin(message)

    def _answered(self, message: screen_msg.ScreenState, now: float) -> list[do.Command]:
        if not message.view:
            return self._end(reason_of(message.reason, _REASONS, Reason.CLOSED))
        return [do.CancelTimer(self._timer), *self._begin(message)]

    def _begin(self, message: screen_msg.ScreenState) -> list[do.Command]:
        self.state = ViewState.OFFERED
        self._shown = message
        return [self._publish(message)]

    def _changed(self, message: screen_msg.ScreenState, now: float) -> list[do.Command]:
        if not message.view:
            return self._end(reason_of(message.reason, _REASONS, Reason.CLOSED))
        before, self._shown = self._shown, message
        if not message.control:
            # It is answered to nobody then, and a text that comes later was not asked for.
            self._copying = False
        if before.share != message.share:
            # It was stopped and begun again, and nobody here looks at the new one yet.
            self.state = ViewState.OFFERED
            return [*self._hide(), self._publish(message)]
        moved = self._showing and _monitor_of(before) != _monitor_of(message)
        return [*(self._show_pictures() if moved else []), self._publish(message)]

    def _unanswered(self, event: ev.TimerFired, now: float) -> list[do.Command]:
        return [*self._tell_stop(), *self._end(Reason.TIMEOUT)]

    def _look(self, event: screen_ev.LookAt, now: float) -> list[do.Command]:
        self.state = ViewState.VIEWED
        look = screen_msg.ScreenView(
            self.share, event.monitor, event.width, event.height, event.pixel_ratio
        )
        return [*([] if self._showing else self._show_pictures()), self._link.send(look)]

    def _use(self, event: screen_ev.UseScreen, now: float) -> list[do.Command]:
        if not self._shown.control:
            # Control ended while the person moved the mouse.
            return []
        if isinstance(event.input, CopyText):
            self._copying = True
        return [
            screen_do.SendInput(self._link.id, self.share, event.input, lane=uses_lane(self._link))
        ]

    def _copied(self, message: screen_msg.ScreenClipboard, now: float) -> list[do.Command]:
        if not self._copying or message.share != self.share:
            # Nobody here asked, and the other side puts nothing into our clipboard by itself.
            return []
        self._copying = False
        reason = reason_of(message.reason, _REASONS, Reason.NOTHING_COPIED)
        copied = screen_st.ScreenCopied(
            self._link.id, message.text, None if message.text is not None else reason
        )
        return [do.Publish(copied)]

    def _stop(self, event: screen_ev.StopScreen, now: float) -> list[do.Command]:
        return [*self._tell_stop(), *self._end(Reason.CLOSED)]

    def _refuse_pictures(self, event: screen_ev.PicturesRefused, now: float) -> list[do.Command]:
        return [*self._tell_stop(), *self._end(Reason.PEER_ERROR)]

    # --- parts ------------------------------------------------------------------------------------

    def _tell_stop(self) -> list[do.Command]:
        # Without a share it withdraws what was asked.
        return [self._link.send(screen_msg.ScreenStop(self.share))]

    def _end(self, reason: Reason) -> list[do.Command]:
        waited = [do.CancelTimer(self._timer)] if self.state is ViewState.ASKING else []
        self.state = ViewState.OFF
        self._shown = screen_msg.ScreenState(view=False)
        ended = screen_st.ScreenShare(
            self._link.id,
            shows=False,
            stage=ScreenStage.ENDED,
            reason=reason,
            control=self._wants_control,
        )
        return [*waited, *self._hide(), do.Publish(ended)]

    def _hide(self) -> list[do.Command]:
        showing, self._showing, self._channel = self._showing, False, None
        self._copying = False
        return [screen_do.HidePictures(self._link.id)] if showing else []

    def _show_pictures(self) -> list[do.Command]:
        self._showing = True
        monitor = _monitor_of(self._shown)
        return [screen_do.ShowPictures(self._link.id, self.share, monitor, self._channel)]

    def _publish(self, message: screen_msg.ScreenState) -> do.Command:
        self._wants_control = self._wants_control or message.control
        stage = ScreenStage.OFFERED
        if self.state is ViewState.VIEWED:
            paused = message.reason == "paused"
            stage = ScreenStage.CONTROLLED if message.control else ScreenStage.VIEWED
            stage = ScreenStage.PAUSED if paused else stage
        reason = reason_of(message.reason, _REASONS, None)
        return do.Publish(
            screen_st.ScreenShare(
                self._link.id,
                shows=False,
                stage=stage,
                monitor=message.monitor,
                monitors=message.monitors,
                reason=reason,
                control=self._wants_control,
            )
        )

    @property
    def _timer(self) -> ev.Timer:
        return ev.LinkTimer(screen_ev.ScreenTimer.ASKING, self._link.id)


def _monitor_of(message: screen_msg.ScreenState) -> screen_msg.Monitor:
    """Return the monitor that is shown; the message's reader has checked that it is listed."""
    return next(one for one in message.monitors if one.id == message.monitor)


_S = ViewState

TRANSITIONS: Final = TransitionTable(
    {
        _S.OFF: {
            screen_ev.AskScreen: (Viewer._ask, {_S.ASKING}),
            screen_msg.ScreenState: (Viewer._offered, {_S.OFF, _S.OFFERED}),
        },
        _S.ASKING: {
            screen_msg.ScreenState: (Viewer._answered, {_S.OFF, _S.OFFERED}),
            screen_ev.ScreenTimer.ASKING: (Viewer._unanswered, {_S.OFF}),
            screen_ev.StopScreen: (Viewer._stop, {_S.OFF}),
        },
        _S.OFFERED: {
            screen_ev.AskScreen: (Viewer._ask_more, {_S.OFFERED}),
            screen_msg.ScreenState: (Viewer._changed, {_S.OFF, _S.OFFERED}),
            screen_ev.LookAt: (Viewer._look, {_S.VIEWED}),
            screen_ev.StopScreen: (Viewer._stop, {_S.OFF}),
        },
        _S.VIEWED: {
            screen_ev.AskScreen: (Viewer._ask_more, {_S.VIEWED}),
            screen_msg.ScreenState: (Viewer._changed, {_S.OFF, _S.OFFERED, _S.VIEWED}),
            screen_ev.LookAt: (Viewer._look, {_S.VIEWED}),
            screen_ev.UseScreen: (Viewer._use, {_S.VIEWED}),
            screen_msg.ScreenClipboard: (Viewer._copied, {_S.VIEWED}),
            screen_ev.PicturesRefused: (Viewer._refuse_pictures, {_S.OFF}),
            screen_ev.StopScreen: (Viewer._stop, {_S.OFF}),
        },
    },
    # What a person pressed, or a thread saw, just before the state changed.
    stale={
        screen_ev.AskScreen: {_S.ASKING},
        screen_ev.LookAt: {_S.OFF, _S.ASKING},
        screen_ev.UseScreen: {_S.OFF, _S.ASKING, _S.OFFERED},
        screen_msg.ScreenClipboard: {_S.OFF, _S.ASKING, _S.OFFERED},
        screen_ev.StopScreen: {_S.OFF},
        screen_ev.PicturesRefused: {_S.OFF, _S.ASKING, _S.OFFERED},
    },
    calls={"link_down": {state: {_S.OFF} for state in _S}},
)
