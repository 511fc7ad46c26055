"""This device's screen on one link: who asked for it, what they may, and what they do with it.

`Shower` is a state machine; its table `TRANSITIONS` is drawn in docs/architecture.md.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core.base64url import to_base64url
from proxim.core.control.messages import CopyText, Input, ReleaseAll, TextInput, read_input
from proxim.core.errors import Reason
from proxim.core.json_text import MessageError
from proxim.core.link.features import PeerLink
from proxim.core.link.lane_channels import knows_lane_channels, uses_lane
from proxim.core.link.messages import MAX_LINK_MESSAGE_BYTES, dump_link_message
from proxim.core.pairing.devices import Verified
from proxim.core.screen import commands as screen_do
from proxim.core.screen import events as screen_ev
from proxim.core.screen import messages as screen_msg
from proxim.core.screen import status as screen_st
from proxim.core.screen.events import Grant
from proxim.core.screen.status import ScreenStage, needs_second_step
from proxim.core.token_bucket import RateLimit, TokenBucket
from proxim.core.transitions import Handler, Kind, TransitionTable

# A person gets the time of the first protocol document for an approval.
ANSWER_SECONDS: Final = 40.0
# Who was declined may ask again after this time, and so often on one link.
ASK_AGAIN_SECONDS: Final = 30.0
MAX_ASKED: Final = 3
# The mouse of this device wins for so long after each of its moves.
LOCAL_SECONDS: Final = 1.0
# A pointer sends a message for each picture; keys and the wheel add some.
INPUT_RATE: Final = RateLimit(per_second=300, burst=300)
# Nobody types this fast: it is for what is pasted. More would wait here to be typed, for too long.
TEXT_BYTES: Final = RateLimit(per_second=8 * 1024, burst=256 * 1024)
# Who may see the screen without a question may also come again as often as people do, and no
# oftener: each time a thread and a connection to the display begin.
START_RATE: Final = RateLimit(per_second=0.5, burst=10)
# A person presses a button for each.
COPY_RATE: Final = RateLimit(per_second=1, burst=5)
# Who holds a key says nothing until it is released, or repeats nothing; but who has said nothing at
# all for so long may be gone with the key down.
SILENCE_SECONDS: Final = 5.0


class ShowState(Enum):
    """The states of this device's screen on one link."""

    OFF = "off"
    # The person said yes, and the monitors are looked for.
    STARTING = "starting"
    # It may be seen, and nobody looks yet.
    OFFERED = "offered"
    VIEWED = "viewed"
    CONTROLLED = "controlled"
    PAUSED = "paused"


_STAGES: Final = {
    ShowState.OFFERED: ScreenStage.OFFERED,
    ShowState.VIEWED: ScreenStage.VIEWED,
    ShowState.CONTROLLED: ScreenStage.CONTROLLED,
    ShowState.PAUSED: ScreenStage.PAUSED,
}


@dataclass(frozen=True, slots=True)
class Kept:
    """What of a lost link holds for the one that takes it up again.

    Nobody approves that link, so it must not give back what a person has taken away, nor more
    questions.
    """

    beforehand: Grant
    # Whether the peer saw the screen, and may see it once more without a question.
    saw: bool
    asked: int
    ask_again: float


class Shower:
    """Shows this device's screen to the peer of one link, as a state machine.

    A question may wait for the person's answer in every state but STARTING.
    """

    def __init__(
        self,
        link: PeerLink,
        token_bytes: Callable[[int], bytes],
        shielded: Callable[[], bool],
        beforehand: Grant = Grant.NOTHING,
    ) -> None:
        self.state = ShowState.OFF
        self._link = link
        self._token_bytes = token_bytes
        # Whether nobody may control now (events.Shield).
        self._shielded = shielded
        # What is allowed without a question, until a person here takes something of it back. Of a
        # device that was let in without a question, no person has said yes to anything yet.
        asked = self._verified is not None and not link.status.let_in
        self._beforehand = beforehand if asked else Grant.NOTHING
        # Whether the screen was seen when the link was lost that this one takes up again.
        self._saw = False
        # Whether they asked to control, too, when it was shown to them without a question.
        self._then_ask = False
        self._question: screen_st.ScreenQuestion | None = None
        self._asked = 0
        self._ask_again = 0.0
        self._start_rate = TokenBucket(START_RATE, 0.0)
        self._share = ""
        self._monitors: tuple[screen_msg.Monitor, ...] = ()
        self._monitor: screen_msg.Monitor | None = None
        # Whether the person allowed control, also before anybody looks.
        self._control = False
        self._view: screen_msg.ScreenView | None = None
        self._local_until = 0.0
        self._rate = TokenBucket(INPUT_RATE, 0.0)
        self._last_input = 0.0
        self._touched = False
        # Whether what was done last was for a window of ours.
        self._ignored = False
        self._text_bytes = TokenBucket(TEXT_BYTES, 0.0)
        self._copy_rate = TokenBucket(COPY_RATE, 0.0)
        # Whether the clipboard is being read for the peer.
        self._copying = False

    # --- for the feature --------------------------------------------------------------------------

    @property
    def seen(self) -> bool:
        """Whether the peer sees this screen, or may at any moment."""
        return self.state is not ShowState.OFF

    @property
    def kept(self) -> Kept:
        """What holds for a link that takes this one up again."""
        return Kept(self._beforehand, self._sends or self._saw, self._asked, self._ask_again)

    def take_up(self, kept: Kept) -> None:
        """Go on with what is kept of the lost link."""
        self._beforehand, self._saw = kept.beforehand, kept.saw
        self._asked, self._ask_again = kept.asked, kept.ask_again

    def handle(self, event: object, now: float) -> list[do.Command]:
        """Handle one event, or a message of the peer."""
        return TRANSITIONS.handle(self, event, now)

    def link_down(self, now: float) -> list[do.Command]:
        """End with the link."""
        before, commands = self.state, self._no_question()
        if self.state is not ShowState.OFF:
            commands += self._end(Reason.PEER_VANISHED, tell=False)
        TRANSITIONS.called(self, "link_down", before)
        return commands

    def shield(self, up: bool) -> list[do.Command]:
        """Let go of everything, since nobody may control for a while; or let it go on."""
        if self.state is not ShowState.CONTROLLED:
            return []
        return [*(self._let_go() if up else []), self._explain()]

    def input_opened(self, channel: int, share: str) -> list[do.Command] | None:
        """Receive the input that arrives on this channel; None if it belongs to no share."""
        if not self._share or share != self._share:
            return None
        return [screen_do.ReceiveInput(self._link.id, share, channel)]

    def lane_changed(self) -> list[do.Command]:
        """Send pictures over the lane while it is open."""
        return self._send_pictures() if self._sends else []

    # --- questions --------------------------------------------------------------------------------

    @property
    def _verified(self) -> Verified | None:
        return self._link.status.verified

    def _asks(self, message: screen_msg.ScreenAsk, now: float) -> list[do.Command]:
        if self._question is not None:
            return []
        if self.state is not ShowState.OFF and not message.control:
            # They see it, or will in a moment.
            return []
        if self.state is ShowState.OFF and (self._saw or self._beforehand is not Grant.NOTHING):
            if not self._start_rate.consume(now):
                return self._refuse(Reason.TOO_MANY)
            control = message.control and self._beforehand is Grant.CONTROL
            # Who saw it sees it again, and about control the person is asked then.
            self._then_ask = self._saw and message.control and not control
            return self._start(control=control)
        if self._beforehand is Grant.CONTROL:
            return [] if self._control else self._allow_control()
        if self._asked >= MAX_ASKED or now < self._ask_again:
            return self._refuse(Reason.TOO_MANY)
        if self.state is not ShowState.OFF and self._verified is None:
            # Nobody needs to be asked about what nobody may allow.
            return self._refuse(Reason.CONTROL_UNVERIFIED)
        self._asked += 1
        self._question = screen_st.ScreenQuestion(
            self._link.id,
            self._asked,
            self._link.peer_name,
            self._verified,
            control=message.control and self._verified is not None,
            second_step=needs_second_step(self._verified),
            deadline=now + ANSWER_SECONDS,
        )
        return [
            do.SetTimer(self._answer_timer, ANSWER_SECONDS),
            do.Publish(self._question),
            screen_do.PrepareScreens(self._link.id),
        ]

    def _answered(self, event: screen_ev.AnswerScreen, now: float) -> list[do.Command]:
        question = self._question
        if question is None or question.number != event.number:
            # The answer belongs to a question that is over.
            return []
        over = self._no_question()
        if event.grant is Grant.NOTHING:
            self._ask_again = now + ASK_AGAIN_SECONDS
            reason = Reason.UNATTENDED if event.unattended else Reason.DECLINED
            return [*over, *self._refuse(reason)]
        control = event.grant is Grant.CONTROL and self._may_control(event.knowing)
        if self.state is ShowState.OFF:
            return [*over, *self._start(control=control)]
        return [*over, *(self._allow_control() if control else self._refuse(Reason.DECLINED))]

    def _unanswered(self, event: ev.TimerFired, now: float) -> list[do.Command]:
        self._ask_again = now + ASK_AGAIN_SECONDS
        return [*self._no_question(), *self._refuse(Reason.TIMEOUT)]

    def _no_question(self) -> list[do.Command]:
        question, self._question = self._question, None
        if question is None:
            return []
        return [
            do.CancelTimer(self._answer_timer),
            do.Publish(screen_st.ScreenAnswered(self._link.id, question.number)),
        ]

    def _may_control(self, knowing: bool) -> bool:
        """Whether this peer may be allowed control: not without a proof, and where its page may
        have been altered, only by a person who knows that.
        """
        return self._verified is not None and (knowing or not needs_second_step(self._verified))

    def _refuse(self, reason: Reason) -> list[do.Command]:
        """Tell the peer that it may no more than it could before it asked."""
        message = self._message()
        refused = self._link.send(replace(message, reason=reason.value))
        # The pause goes on, and the reason has taken its place in the message.
        return [refused, *([self._link.send(message)] if self.state is ShowState.PAUSED else [])]

    # --- beginning and end ------------------------------------------------------------------------

    def _show(self, event: screen_ev.ShowScreen, now: float) -> list[do.Command]:
        return [*self._no_question(), *self._start(control=False)]

    def _start(self, *, control: bool) -> list[do.Command]:
        self.state = ShowState.STARTING
        self._control = control
        # Who leaves it is asked about like anybody else.
        self._saw = False
        return [
            screen_do.WatchPanicKeys(self._link.id),
            screen_do.FindScreens(self._link.id),
        ]

    def _found(self, event: screen_ev.ScreensFound, now: float) -> list[do.Command]:
        self.state = ShowState.OFFERED
        self._share = to_base64url(self._token_bytes(screen_msg.SHARE_ID_BYTES))
        self._monitors = event.monitors
        self._monitor = event.monitors[0]
        then_ask, self._then_ask = self._then_ask, False
        asks = self._asks(screen_msg.ScreenAsk(control=True), now) if then_ask else []
        return [*self._tell(), *asks]

    def _changed(self, event: screen_ev.ScreensFound, now: float) -> list[do.Command]:
        """Go on with monitors that changed; one that is gone is replaced by the first."""
        self._monitors = event.monitors
        shown = None if self._monitor is None else self._monitor.id
        self._monitor = next((one for one in event.monitors if one.id == shown), event.monitors[0])
        # A pause says so in place of any other reason.
        gone = self._monitor.id != shown and self.state is not ShowState.PAUSED
        released = self._let_go(in_turn=True)
        told = self._tell(Reason.MONITOR_GONE if gone else None)
        return [*released, *told, *(self._send_pictures() if self._sends else [])]

    def _failed(self, event: screen_ev.ScreenFailed, now: float) -> list[do.Command]:
        return self._end(event.reason)

    def _stop(self, event: screen_ev.StopScreen, now: float) -> list[do.Command]:
        self._beforehand = Grant.NOTHING
        return [*self._no_question(), *self._end(Reason.CLOSED)]

    def _left(self, message: screen_msg.ScreenStop, now: float) -> list[do.Command]:
        # An older share may have been meant.
        return self._end(Reason.PEER_LEFT) if message.share == self._share else []

    def _leaves_early(self, message: screen_msg.ScreenStop, now: float) -> list[do.Command]:
        return self._end(Reason.PEER_LEFT)

    def _gives_up(self, message: screen_msg.ScreenStop, now: float) -> list[do.Command]:
        return self._no_question()

    def _end(self, reason: Reason, *, tell: bool = True) -> list[do.Command]:
        released = self._leave_control()
        self.state = ShowState.OFF
        self._share, self._monitors, self._monitor, self._view = "", (), None, None
        self._control = self._then_ask = False
        ended = screen_st.ScreenShare(
            self._link.id, shows=True, stage=ScreenStage.ENDED, reason=reason
        )
        told = self._refuse(reason) if tell else []
        return [
            *released,
            screen_do.StopPictures(self._link.id),
            screen_do.ForgetPanicKeys(self._link.id),
            *told,
            do.Publish(ended),
        ]

    # --- while it is shown ------------------------------------------------------------------------

    def _looks(self, message: screen_msg.ScreenView, now: float) -> list[do.Command]:
        if message.share != self._share:
            # It was sent before the newest state was read.
            return []
        # A monitor that was pulled out in the meantime is replaced by the one that is offered.
        wanted = (one for one in self._monitors if one.id == message.monitor)
        monitor = next(wanted, self._monitor)
        moved = monitor != self._monitor
        self._monitor, self._view = monitor, message
        released = self._let_go(in_turn=True) if moved else []
        if self.state is ShowState.PAUSED:
            return [*released, *(self._tell() if moved else [])]
        begins = self.state is ShowState.OFFERED
        started = []
        if begins:
            self.state = ShowState.VIEWED
            started = self._enter_control() if self._control else []
        told = self._tell() if begins or moved else []
        # The input channel may come over the lane, where nothing announces it.
        received = [screen_do.ReceiveInput(self._link.id, self._share)] if begins else []
        lane = self._link.want_lane() if begins and knows_lane_channels(self._link) else []
        return [*released, *started, *received, *told, *self._send_pictures(), *lane]

    def _let_control(self, event: screen_ev.LetControl, now: float) -> list[do.Command]:
        over = self._no_question()
        if not self._may_control(event.knowing):
            return [*over, do.publish_trouble(Reason.CONTROL_UNVERIFIED, self._link.id)]
        return [*over, *self._allow_control()]

    def _allow_control(self) -> list[do.Command]:
        self._control = True
        started = self._enter_control() if self.state is ShowState.VIEWED else []
        return [*started, *self._tell()]

    def _enter_control(self) -> list[do.Command]:
        self.state = ShowState.CONTROLLED
        return [screen_do.StartControl(self._link.id)]

    def _leave_control(self) -> list[do.Command]:
        """Release everything, and say that nobody controls; the caller chooses the next state."""
        released = self._let_go()
        self._copying = self._ignored = False
        if self.state is not ShowState.CONTROLLED:
            return released
        return [*released, screen_do.EndControl(self._link.id)]

    def _stop_control(self, event: screen_ev.StopControl, now: float) -> list[do.Command]:
        return self._end_control(event.reason)

    def _take_back(self, event: screen_ev.StopControl, now: float) -> list[do.Command]:
        """Take back control that was allowed and has not begun."""
        if not self._control:
            return []
        return self._end_control(event.reason)

    def _control_failed(self, event: screen_ev.ControlFailed, now: float) -> list[do.Command]:
        return self._end_control(event.reason)

    def _end_control(self, reason: Reason) -> list[do.Command]:
        released = self._leave_control()
        if self.state is ShowState.CONTROLLED:
            self.state = ShowState.VIEWED
        self._control = False
        if self._beforehand is Grant.CONTROL:
            self._beforehand = Grant.VIEW
        return [*released, *self._tell(reason)]

    def _pause(self, event: screen_ev.PauseScreen, now: float) -> list[do.Command]:
        released = self._leave_control()
        self.state = ShowState.PAUSED
        self._control = False
        self._beforehand = Grant.NOTHING
        return [*released, screen_do.PausePictures(self._link.id), *self._tell()]

    def _go_on(self, event: screen_ev.GoOnShowing, now: float) -> list[do.Command]:
        self.state = ShowState.VIEWED
        # A pause has ended control, so this was allowed since then.
        started = self._enter_control() if self._control else []
        return [*started, *self._tell(), *self._send_pictures()]

    def _send_pictures(self) -> list[do.Command]:
        # Somebody looks, so there is a view and a monitor.
        assert self._view is not None
        assert self._monitor is not None
        width = round(self._view.width * self._view.pixel_ratio)
        height = round(self._view.height * self._view.pixel_ratio)
        return [
            screen_do.SendPictures(
                self._link.id, self._share, self._monitor, width, height, uses_lane(self._link)
            )
        ]

    @property
    def _sends(self) -> bool:
        return self.state in (ShowState.VIEWED, ShowState.CONTROLLED)

    # --- mouse and keyboard -----------------------------------------------------------------------

    def _input(self, event: screen_ev.InputReceived, now: float) -> list[do.Command]:
        if event.share != self._share:
            return []
        if not self._rate.consume(now):
            return self._end_control(Reason.TOO_MANY)
        try:
            what = read_input(event.message)
        except MessageError:
            return self._end_control(Reason.PEER_ERROR)
        self._last_input = now
        if isinstance(what, ReleaseAll):
            return self._let_go(in_turn=True)
        if isinstance(what, CopyText):
            return self._copy(now)
        return self._inject(what, now)

    def _inject(self, what: Input, now: float) -> list[do.Command]:
        if isinstance(what, TextInput):
            size = len(what.text.encode())
            if not self._text_bytes.consume(now, size):
                return self._end_control(Reason.TOO_MANY)
        if now < self._local_until or self._shielded():
            return []
        # Somebody looks, so there is a monitor.
        assert self._monitor is not None
        watched = [] if self._touched else [do.SetTimer(self._silence_timer, SILENCE_SECONDS)]
        self._touched = True
        return [*watched, screen_do.Inject(self._link.id, self._monitor, what)]

    def _silent(self, event: ev.TimerFired, now: float) -> list[do.Command]:
        left = self._last_input + SILENCE_SECONDS - now
        if left > 0:
            return [do.SetTimer(self._silence_timer, left)]
        return self._let_go(in_turn=True)

    def _local_input(self, event: screen_ev.LocalInput, now: float) -> list[do.Command]:
        first = now >= self._local_until
        self._local_until = now + LOCAL_SECONDS
        return self._let_go() if first else []

    def _input_ignored(self, event: screen_ev.InputIgnored, now: float) -> list[do.Command]:
        if event.ignored == self._ignored:
            return []
        self._ignored = event.ignored
        return [self._explain()]

    def _explain(self) -> do.Command:
        """Tell whoever controls why nothing happens here, or that it does again."""
        reason = Reason.OWN_WINDOW if self._ignored else None
        reason = Reason.QUESTION_OPEN if self._shielded() else reason
        message = self._message()
        return self._link.send(message if reason is None else replace(message, reason=reason.value))

    def _let_go(self, *, in_turn: bool = False) -> list[do.Command]:
        touched, self._touched = self._touched, False
        if not touched:
            return []
        return [do.CancelTimer(self._silence_timer), screen_do.LetGo(self._link.id, in_turn)]

    # --- the clipboard ----------------------------------------------------------------------------

    def _copy(self, now: float) -> list[do.Command]:
        if self._copying:
            # One answer is for both.
            return []
        if not self._copy_rate.consume(now):
            return [self._send_copied(reason=Reason.TOO_MANY)]
        self._copying = True
        return [screen_do.ReadClipboard(self._link.id)]

    def _clipboard_read(self, event: screen_ev.ClipboardRead, now: float) -> list[do.Command]:
        if not self._copying:
            # It was asked for while the peer controlled before.
            return []
        self._copying = False
        return [self._send_copied(event.text, event.reason)]

    def _send_copied(self, text: str | None = None, reason: Reason | None = None) -> do.Command:
        copied = screen_msg.ScreenClipboard(
            self._share, text, None if reason is None else reason.value
        )
        size = len(dump_link_message(copied).encode())
        if (
            size > MAX_LINK_MESSAGE_BYTES
            or len((text or "").encode()) > screen_msg.MAX_COPIED_BYTES
        ):
            copied = screen_msg.ScreenClipboard(self._share, reason=Reason.COPIED_TOO_LONG.value)
        return self._link.send(copied)

    # --- telling ----------------------------------------------------------------------------------

    def _message(self) -> screen_msg.ScreenState:
        if not self._share or self._monitor is None:
            return screen_msg.ScreenState(view=False)
        return screen_msg.ScreenState(
            True,
            self._share,
            self._control,
            "paused" if self.state is ShowState.PAUSED else None,
            self._monitor.id,
            self._monitors,
        )

    def _tell(self, reason: Reason | None = None) -> list[do.Command]:
        """Tell the peer and this device's people what is allowed now."""
        message = self._message()
        if reason is not None:
            message = replace(message, reason=reason.value)
        share = screen_st.ScreenShare(
            self._link.id,
            shows=True,
            stage=_STAGES[self.state],
            monitor=message.monitor,
            monitors=message.monitors,
            reason=reason,
        )
        return [self._link.send(message), do.Publish(share)]

    @property
    def _answer_timer(self) -> ev.Timer:
        return ev.LinkTimer(screen_ev.ScreenTimer.ANSWER, self._link.id)

    @property
    def _silence_timer(self) -> ev.Timer:
        return ev.LinkTimer(screen_ev.ScreenTimer.SILENCE, self._link.id)


_S = ShowState
_SHOWN: Final = frozenset({_S.OFFERED, _S.VIEWED, _S.CONTROLLED, _S.PAUSED})


def _asked_in(state: ShowState, *after: ShowState) -> dict[Kind, tuple[Handler, set[ShowState]]]:
    """Return what a state does with questions; `after` are the states after a yes."""
    return {
        screen_msg.ScreenAsk: (Shower._asks, {state}),
        screen_ev.AnswerScreen: (Shower._answered, {state, *after}),
        screen_ev.ScreenTimer.ANSWER: (Shower._unanswered, {state}),
    }


def _shown_in(state: ShowState) -> dict[Kind, tuple[Handler, set[ShowState]]]:
    """Return what every state of a share does."""
    return {
        screen_ev.ScreensFound: (Shower._changed, {state}),
        screen_ev.ScreenFailed: (Shower._failed, {_S.OFF}),
        screen_ev.StopScreen: (Shower._stop, {_S.OFF}),
        screen_msg.ScreenStop: (Shower._left, {state, _S.OFF}),
    }


TRANSITIONS: Final = TransitionTable(
    {
        _S.OFF: {
            **_asked_in(_S.OFF, _S.STARTING),
            # Who was allowed beforehand needs no question.
            screen_msg.ScreenAsk: (Shower._asks, {_S.OFF, _S.STARTING}),
            screen_msg.ScreenStop: (Shower._gives_up, {_S.OFF}),
            screen_ev.ShowScreen: (Shower._show, {_S.STARTING}),
        },
        _S.STARTING: {
            screen_msg.ScreenStop: (Shower._leaves_early, {_S.OFF}),
            screen_ev.ScreensFound: (Shower._found, {_S.OFFERED}),
            screen_ev.ScreenFailed: (Shower._failed, {_S.OFF}),
            screen_ev.StopScreen: (Shower._stop, {_S.OFF}),
        },
        _S.OFFERED: {
            **_asked_in(_S.OFFERED),
            **_shown_in(_S.OFFERED),
            screen_msg.ScreenView: (Shower._looks, {_S.OFFERED, _S.VIEWED, _S.CONTROLLED}),
            screen_ev.LetControl: (Shower._let_control, {_S.OFFERED}),
            screen_ev.StopControl: (Shower._take_back, {_S.OFFERED}),
        },
        _S.VIEWED: {
            **_asked_in(_S.VIEWED, _S.CONTROLLED),
            screen_msg.ScreenAsk: (Shower._asks, {_S.VIEWED, _S.CONTROLLED}),
            **_shown_in(_S.VIEWED),
            screen_msg.ScreenView: (Shower._looks, {_S.VIEWED}),
            screen_ev.LetControl: (Shower._let_control, {_S.VIEWED, _S.CONTROLLED}),
            screen_ev.PauseScreen: (Shower._pause, {_S.PAUSED}),
        },
        _S.CONTROLLED: {
            **_asked_in(_S.CONTROLLED),
            **_shown_in(_S.CONTROLLED),
            screen_msg.ScreenView: (Shower._looks, {_S.CONTROLLED}),
            screen_ev.InputReceived: (Shower._input, {_S.CONTROLLED, _S.VIEWED}),
            screen_ev.ScreenTimer.SILENCE: (Shower._silent, {_S.CONTROLLED}),
            screen_ev.LocalInput: (Shower._local_input, {_S.CONTROLLED}),
            screen_ev.InputIgnored: (Shower._input_ignored, {_S.CONTROLLED}),
            screen_ev.StopControl: (Shower._stop_control, {_S.VIEWED}),
            screen_ev.ControlFailed: (Shower._control_failed, {_S.VIEWED}),
            screen_ev.ClipboardRead: (Shower._clipboard_read, {_S.CONTROLLED}),
            screen_ev.PauseScreen: (Shower._pause, {_S.PAUSED}),
        },
        _S.PAUSED: {
            **_asked_in(_S.PAUSED),
            **_shown_in(_S.PAUSED),
            screen_msg.ScreenView: (Shower._looks, {_S.PAUSED}),
            screen_ev.GoOnShowing: (Shower._go_on, {_S.VIEWED, _S.CONTROLLED}),
            screen_ev.StopControl: (Shower._take_back, {_S.PAUSED}),
        },
    },
    # What a person pressed, the peer sent or a thread saw just before the state changed.
    stale={
        screen_msg.ScreenView: {_S.OFF, _S.STARTING},
        # The answer to the first is on its way, and the peer may ask for more after that.
        screen_msg.ScreenAsk: {_S.STARTING},
        screen_ev.AnswerScreen: {_S.STARTING},
        screen_ev.ScreensFound: {_S.OFF},
        screen_ev.ScreenFailed: {_S.OFF},
        screen_ev.ShowScreen: {_S.STARTING, *_SHOWN},
        screen_ev.LetControl: {_S.OFF, _S.STARTING, _S.CONTROLLED, _S.PAUSED},
        screen_ev.StopControl: {_S.OFF, _S.STARTING, _S.VIEWED},
        screen_ev.ControlFailed: {_S.OFF, _S.STARTING, _S.OFFERED, _S.VIEWED, _S.PAUSED},
        screen_ev.ClipboardRead: {_S.OFF, _S.STARTING, _S.OFFERED, _S.VIEWED, _S.PAUSED},
        screen_ev.PauseScreen: {_S.OFF, _S.STARTING, _S.OFFERED, _S.PAUSED},
        screen_ev.GoOnShowing: {_S.OFF, _S.STARTING, _S.OFFERED, _S.VIEWED, _S.CONTROLLED},
        screen_ev.StopScreen: {_S.OFF},
        screen_ev.InputReceived: {_S.OFF, _S.STARTING, _S.OFFERED, _S.VIEWED, _S.PAUSED},
        screen_ev.LocalInput: {_S.OFF, _S.STARTING, _S.OFFERED, _S.VIEWED, _S.PAUSED},
        screen_ev.InputIgnored: {_S.OFF, _S.STARTING, _S.OFFERED, _S.VIEWED, _S.PAUSED},
    },
    calls={"link_down": {state: {_S.OFF} for state in _S}},
)
