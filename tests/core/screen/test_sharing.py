"""Who may see a screen and control it, as scripts of both ends, and for any order of events."""

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from hypothesis import settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.control.controlling import ScreenControl
from proxim.core.control.messages import (
    CopyText,
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

    def publish(self, *, digits_differed: bool) -> do.Command:
        return do.Publish(replace(self.status, digits_differed=digits_differed))

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

    def __init__(
        self, verified: Verified | None = Verified.CODE, beforehand: Grant = Grant.NOTHING
    ) -> None:
        self.now = 1000.0
        # The monitors of the device that shows; none means that it has no screen.
        self.monitors: tuple[screen_msg.Monitor, ...] = (LEFT, RIGHT)
        sharing = ScreenSharing(counting_bytes(), beforehand)
        self.shows = Side(verified, "shows", sharing)
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
                    isinstance(one, screen_do.ShowPictures) and one.channel is not None
                    for one in other.commands
                ):
                    opened = other.feature.channel_opened(
                        LINK, PICTURES, f"screen/{share}", self.now
                    )
                    self.carry_out(other, opened or [])
                case screen_do.SendInput(_, share, CopyText()):
                    self.input(CopyText())

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

    def copy(self) -> None:
        self.tell(self.sees, screen_ev.UseScreen(LINK, CopyText()))

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


# --- asking and granting --------------------------------------------------------------------------


def test_a_screen_that_was_asked_for_is_seen() -> None:
    both = Both()
    both.ask()
    # Both sides make ready while the person decides.
    assert both.shows.of(screen_do.PrepareScreens) == [screen_do.PrepareScreens(LINK)]
    assert both.sees.of(screen_do.PrepareScreens) == [screen_do.PrepareScreens(LINK)]
    question = both.shows.last(screen_st.ScreenQuestion)
    assert (question.peer_name, question.control, question.second_step) == ("Phone", False, False)
    assert question.deadline == both.now + ANSWER_SECONDS
    both.answer(Grant.VIEW)
    assert both.stages() == (ScreenStage.OFFERED, ScreenStage.OFFERED)
    assert both.sees.last(screen_st.ScreenShare).monitors == (LEFT, RIGHT)
    assert not both.shows.of(screen_do.SendPictures)
    both.look()
    assert both.stages() == (ScreenStage.VIEWED, ScreenStage.VIEWED)
    pictures = both.shows.last(screen_do.SendPictures)
    assert (pictures.monitor, pictures.width, pictures.height) == (LEFT, 1170, 2532)
    assert both.sees.last(screen_do.ShowPictures) == screen_do.ShowPictures(
        LINK, both.share, LEFT, PICTURES
    )


def test_a_screen_is_shown_without_being_asked_for() -> None:
    both = Both()
    both.tell(both.shows, screen_ev.ShowScreen(LINK))
    assert both.stages() == (ScreenStage.OFFERED, ScreenStage.OFFERED)
    both.look(1)
    assert both.shows.last(screen_do.SendPictures).monitor == RIGHT
    assert both.stages() == (ScreenStage.VIEWED, ScreenStage.VIEWED)


def test_no_answer_is_a_no() -> None:
    both = Both()
    both.ask()
    both.wait(ANSWER_SECONDS)
    assert both.shows.of(screen_st.ScreenAnswered) == [screen_st.ScreenAnswered(LINK, 1)]
    assert both.sees.last(screen_st.ScreenShare).reason is Reason.TIMEOUT


def test_where_nobody_can_answer_the_other_side_learns_so() -> None:
    both = Both()
    both.ask()
    number = both.shows.last(screen_st.ScreenQuestion).number
    no = screen_ev.AnswerScreen(LINK, number, Grant.NOTHING, unattended=True)
    both.tell(both.shows, no)
    assert both.sees.last(screen_st.ScreenShare).reason is Reason.UNATTENDED


def test_who_was_declined_asks_again_later_and_not_for_ever() -> None:
    both = Both()
    for number in range(1, 4):
        both.ask()
        assert both.shows.last(screen_st.ScreenQuestion).number == number
        both.answer(Grant.NOTHING)
        assert both.sees.last(screen_st.ScreenShare).reason is Reason.DECLINED
        both.ask()
        assert both.sees.last(screen_st.ScreenShare).reason is Reason.TOO_MANY
        assert len(both.shows.of(screen_st.ScreenQuestion)) == number
        both.wait(ASK_AGAIN_SECONDS)
    both.ask()
    assert len(both.shows.of(screen_st.ScreenQuestion)) == 3


def test_a_device_without_a_screen_says_so() -> None:
    both = Both()
    both.monitors = ()
    both.ask()
    both.answer(Grant.VIEW)
    assert both.stages() == (ScreenStage.ENDED, ScreenStage.ENDED)
    assert both.shows.last(screen_st.ScreenShare).reason is Reason.UNSUPPORTED


@each_row(
    "verified, knowing, allowed",
    [
        (None, True, False),
        (Verified.QR, False, False),
        (Verified.QR, True, True),
        (Verified.CODE, False, True),
    ],
)
def test_control_needs_a_proof_and_where_the_page_may_be_altered_a_second_step(
    verified: Verified | None, knowing: bool, allowed: bool
) -> None:
    both = Both(verified)
    both.ask(control=True)
    question = both.shows.last(screen_st.ScreenQuestion)
    assert question.control is (verified is not None)
    assert question.second_step is (verified is not Verified.CODE)
    both.answer(Grant.CONTROL, knowing=knowing)
    both.look()
    stage = ScreenStage.CONTROLLED if allowed else ScreenStage.VIEWED
    assert both.stages() == (stage, stage)
    # The same holds for control that is given later.
    both = Both(verified).viewed()
    both.tell(both.shows, screen_ev.LetControl(LINK, knowing))
    assert both.stages() == (stage, stage)


def test_who_sees_asks_to_control() -> None:
    both = Both().viewed()
    both.ask(control=True)
    assert both.stages() == (ScreenStage.VIEWED, ScreenStage.VIEWED)
    both.answer(Grant.CONTROL)
    assert both.stages() == (ScreenStage.CONTROLLED, ScreenStage.CONTROLLED)
    # It is not asked twice.
    questions = both.shows.of(screen_st.ScreenQuestion)
    both.ask(control=True)
    assert both.shows.of(screen_st.ScreenQuestion) == questions


def test_who_proved_nothing_is_not_even_asked_about() -> None:
    both = Both(None).viewed()
    both.ask(control=True)
    assert len(both.shows.of(screen_st.ScreenQuestion)) == 1
    assert both.sees.last(screen_st.ScreenShare).reason is Reason.CONTROL_UNVERIFIED
    assert both.stages() == (ScreenStage.VIEWED, ScreenStage.VIEWED)


@each_row(
    "verified, beforehand, control, stage",
    [
        (Verified.CODE, Grant.VIEW, False, ScreenStage.VIEWED),
        (Verified.CODE, Grant.VIEW, True, ScreenStage.VIEWED),
        (Verified.CODE, Grant.CONTROL, False, ScreenStage.VIEWED),
        (Verified.CODE, Grant.CONTROL, True, ScreenStage.CONTROLLED),
        (Verified.QR, Grant.CONTROL, True, ScreenStage.CONTROLLED),
        (None, Grant.CONTROL, True, None),
    ],
)
def test_a_yes_beforehand_is_for_the_first_question_of_who_proved_itself(
    verified: Verified | None, beforehand: Grant, control: bool, stage: ScreenStage | None
) -> None:
    both = Both(verified, beforehand)
    both.ask(control=control)
    assert bool(both.shows.of(screen_st.ScreenQuestion)) is (stage is None)
    if stage is None:
        return
    both.look()
    assert both.stages() == (stage, stage)


def test_a_yes_beforehand_holds_for_who_comes_again_and_for_control() -> None:
    both = Both(beforehand=Grant.CONTROL)
    for _ in range(5):
        both.ask()
        both.look()
        both.ask(control=True)
        both.ask(control=True)
        assert both.stages() == (ScreenStage.CONTROLLED, ScreenStage.CONTROLLED)
        both.tell(both.sees, screen_ev.StopScreen(LINK))
    assert not both.shows.of(screen_st.ScreenQuestion)


def test_who_may_see_it_beforehand_comes_again_no_oftener_than_people_do() -> None:
    both = Both(beforehand=Grant.VIEW)
    for _ in range(30):
        both.ask()
        both.tell(both.sees, screen_ev.StopScreen(LINK))
    assert len(both.shows.of(screen_do.FindScreens)) == 10
    both.ask()
    assert both.sees.last(screen_st.ScreenShare).reason is Reason.TOO_MANY
    both.wait(2.0)
    both.ask()
    assert len(both.shows.of(screen_do.FindScreens)) == 11


@each_row(
    "taken, seen",
    [
        (screen_ev.StopScreen(LINK), False),
        (screen_ev.PauseScreen(LINK), True),
        (screen_ev.StopControl(LINK), True),
        (screen_ev.ControlFailed(LINK), True),
    ],
)
def test_what_a_person_has_taken_back_is_asked_about(taken: object, seen: bool) -> None:
    both = Both(beforehand=Grant.CONTROL)
    both.ask(control=True)
    both.look()
    both.tell(both.shows, taken)
    assert (both.shows.last(screen_st.ScreenShare).stage is not ScreenStage.ENDED) is seen
    both.ask(control=True)
    question = both.shows.last(screen_st.ScreenQuestion)
    assert question.control
    assert question.number == 1


def test_what_is_asked_while_the_monitors_are_looked_for_changes_nothing() -> None:
    both = Both(beforehand=Grant.CONTROL)
    shower, link = both.shows.feature, both.shows.link
    started = shower.message(link, screen_msg.ScreenAsk(), both.now)
    assert started[-1] == screen_do.FindScreens(LINK)
    # A system may ask the person first, which takes its time.
    assert shower.message(link, screen_msg.ScreenAsk(control=True), both.now) == []
    assert shower.handle(screen_ev.AnswerScreen(LINK, 1, Grant.CONTROL), both.now) == []
    both.found()
    assert both.shows.last(screen_st.ScreenShare).stage is ScreenStage.OFFERED


def test_an_answer_to_another_question_answers_nothing() -> None:
    both = Both()
    both.ask()
    both.tell(both.shows, screen_ev.AnswerScreen(LINK, 2, Grant.CONTROL))
    assert not both.shows.of(screen_st.ScreenAnswered)
    both.answer(Grant.NOTHING)
    before = len(both.shows.commands)
    both.answer(Grant.VIEW)
    assert len(both.shows.commands) == before


# --- while it is shown ----------------------------------------------------------------------------


def test_what_somebody_does_who_controls_is_done() -> None:
    both = Both().viewed(Grant.CONTROL)
    both.input(BUTTON)
    assert both.shows.last(screen_do.Inject) == screen_do.Inject(LINK, LEFT, BUTTON)
    both.input(ReleaseAll())
    assert len(both.shows.of(screen_do.LetGo)) == 1
    # Nothing is down any more.
    both.input(ReleaseAll())
    assert len(both.shows.of(screen_do.LetGo)) == 1


def test_control_that_is_allowed_before_anybody_looks_begins_with_the_look() -> None:
    both = Both()
    both.tell(both.shows, screen_ev.ShowScreen(LINK))
    both.tell(both.shows, screen_ev.LetControl(LINK))
    assert both.stages() == (ScreenStage.OFFERED, ScreenStage.OFFERED)
    both.look()
    assert both.stages() == (ScreenStage.CONTROLLED, ScreenStage.CONTROLLED)


def test_why_control_failed_is_told_at_both_ends() -> None:
    both = Both().viewed(Grant.CONTROL)
    both.tell(both.shows, screen_ev.ControlFailed(LINK, Reason.CONTROL_BLOCKED))
    assert both.stages() == (ScreenStage.VIEWED, ScreenStage.VIEWED)
    for side in (both.shows, both.sees):
        assert side.last(screen_st.ScreenShare).reason is Reason.CONTROL_BLOCKED


def test_a_system_that_injects_nothing_is_only_seen() -> None:
    both = Both().viewed(Grant.CONTROL)
    both.tell(both.shows, screen_ev.ControlFailed(LINK))
    assert both.stages() == (ScreenStage.VIEWED, ScreenStage.VIEWED)
    assert both.sees.last(screen_st.ScreenShare).reason is Reason.CONTROL_UNSUPPORTED


def test_the_input_channel_belongs_to_its_share() -> None:
    both = Both().viewed(Grant.CONTROL)
    control = ScreenControl(both.shows.feature)
    open_channel = partial(control.channel_opened, LINK, 5, now=both.now)
    assert open_channel(f"input/{both.share}") == [
        screen_do.ReceiveInput(LINK, both.share, channel=5)
    ]
    assert open_channel("input/what") is None
    assert open_channel(f"input/{'A' * screen_msg.SHARE_ID_CHARACTERS}") is None
    share = both.share
    both.tell(both.shows, screen_ev.StopScreen(LINK))
    assert open_channel(f"input/{share}") is None
    both.shows.feature.link_down(LINK, Reason.PEER_VANISHED, both.now)
    assert open_channel(f"input/{share}") is None


def test_pictures_change_to_a_lane_that_opens() -> None:
    both = Both().viewed()
    assert not both.shows.last(screen_do.SendPictures).lane
    status = replace(both.shows.link.status, features=("lane-channels",))
    both.shows.feature._links[LINK].shower._link = FakeLink(status, lane_open=True)
    (again,) = both.shows.feature.lane_changed(LINK, both.now)
    assert isinstance(again, screen_do.SendPictures)
    assert again.lane
    both.tell(both.shows, screen_ev.PauseScreen(LINK))
    assert both.shows.feature.lane_changed(LINK, both.now) == []


def test_what_is_done_at_the_view_is_sent_while_it_controls() -> None:
    both = Both().viewed()
    both.tell(both.sees, screen_ev.UseScreen(LINK, BUTTON))
    assert not both.sees.of(screen_do.SendInput)
    both.tell(both.shows, screen_ev.LetControl(LINK))
    both.tell(both.sees, screen_ev.UseScreen(LINK, BUTTON))
    assert both.sees.last(screen_do.SendInput) == screen_do.SendInput(LINK, both.share, BUTTON)


def test_a_view_controls_nothing() -> None:
    both = Both().viewed()
    both.input(BUTTON)
    assert not both.shows.of(screen_do.Inject)


def test_control_that_was_taken_back_does_nothing_any_more_and_lets_go() -> None:
    both = Both().viewed(Grant.CONTROL)
    both.input(KeyInput("KeyA", "a", down=True))
    both.tell(both.shows, screen_ev.StopControl(LINK))
    assert both.shows.of(screen_do.LetGo) == [screen_do.LetGo(LINK)]
    assert both.stages() == (ScreenStage.VIEWED, ScreenStage.VIEWED)
    both.input(BUTTON)
    assert len(both.shows.of(screen_do.Inject)) == 1


def test_the_mouse_of_this_device_wins_for_a_second() -> None:
    both = Both().viewed(Grant.CONTROL)
    both.input(BUTTON)
    both.tell(both.shows, screen_ev.LocalInput())
    both.tell(both.shows, screen_ev.LocalInput())
    assert both.shows.of(screen_do.LetGo) == [screen_do.LetGo(LINK)]
    both.input(BUTTON)
    assert len(both.shows.of(screen_do.Inject)) == 1
    both.wait(LOCAL_SECONDS)
    both.input(BUTTON)
    assert len(both.shows.of(screen_do.Inject)) == 2


def test_nobody_controls_while_a_question_of_ours_is_open() -> None:
    both = Both().viewed(Grant.CONTROL)
    both.input(BUTTON)
    for up in (True, True, False):
        both.tell(both.shows, screen_ev.Shield(up))
        both.input(BUTTON)
    assert len(both.shows.of(screen_do.Inject)) == 1
    assert both.shows.of(screen_do.LetGo) == [screen_do.LetGo(LINK)]
    both.tell(both.shows, screen_ev.Shield(up=False))
    both.input(BUTTON)
    assert len(both.shows.of(screen_do.Inject)) == 2


def said(both: Both) -> tuple[ScreenStage, Reason | None]:
    """What whoever controls reads now."""
    share = both.sees.last(screen_st.ScreenShare)
    return share.stage, share.reason


def test_who_controls_reads_why_nothing_happens() -> None:
    both = Both().viewed(Grant.CONTROL)
    shown = len(both.shows.of(screen_st.ScreenShare))
    controls = (ScreenStage.CONTROLLED, None)
    for ignored in (True, True):
        both.tell(both.shows, screen_ev.InputIgnored(LINK, ignored))
        assert said(both) == (ScreenStage.CONTROLLED, Reason.OWN_WINDOW)
    # A question hides it, and goes again.
    both.tell(both.shows, screen_ev.Shield(up=True))
    assert said(both) == (ScreenStage.CONTROLLED, Reason.QUESTION_OPEN)
    both.tell(both.shows, screen_ev.Shield(up=False))
    assert said(both) == (ScreenStage.CONTROLLED, Reason.OWN_WINDOW)
    both.tell(both.shows, screen_ev.InputIgnored(LINK, ignored=False))
    assert said(both) == controls
    # The person there sees what is in front of them.
    assert len(both.shows.of(screen_st.ScreenShare)) == shown
    # Who only looks is told nothing about it.
    looks = Both().viewed(Grant.VIEW)
    told = len(looks.sees.of(screen_st.ScreenShare))
    looks.tell(looks.shows, screen_ev.Shield(up=True))
    looks.tell(looks.shows, screen_ev.Shield(up=False))
    assert len(looks.sees.of(screen_st.ScreenShare)) == told
    # Who is allowed control anew begins anew.
    both.tell(both.shows, screen_ev.InputIgnored(LINK, ignored=True))
    both.tell(both.shows, screen_ev.StopControl(LINK))
    both.tell(both.shows, screen_ev.InputIgnored(LINK, ignored=True))
    both.tell(both.shows, screen_ev.LetControl(LINK))
    assert said(both) == controls
    both.tell(both.shows, screen_ev.InputIgnored(LINK, ignored=True))
    assert said(both) == (ScreenStage.CONTROLLED, Reason.OWN_WINDOW)


def test_a_key_that_is_held_in_silence_is_let_go() -> None:
    both = Both().viewed(Grant.CONTROL)
    both.input(KeyInput("KeyA", "a", down=True))
    both.wait(3)
    both.input(BUTTON)
    both.wait(3)
    assert not both.shows.of(screen_do.LetGo)
    both.wait(3)
    assert both.shows.of(screen_do.LetGo) == [screen_do.LetGo(LINK, in_turn=True)]


def test_a_flood_of_input_ends_control() -> None:
    both = Both().viewed(Grant.CONTROL)
    for _ in range(301):
        both.input(BUTTON)
    assert both.stages() == (ScreenStage.VIEWED, ScreenStage.VIEWED)
    assert both.sees.last(screen_st.ScreenShare).reason is Reason.TOO_MANY


def test_more_text_than_can_be_typed_soon_ends_control() -> None:
    both = Both().viewed(Grant.CONTROL)
    for _ in range(64):
        both.input(TextInput("é" * 2048))
    assert len(both.shows.of(screen_do.Inject)) == 64
    both.input(TextInput("é"))
    assert both.stages() == (ScreenStage.VIEWED, ScreenStage.VIEWED)
    assert both.sees.last(screen_st.ScreenShare).reason is Reason.TOO_MANY


@each_row("grant", [Grant.VIEW, Grant.CONTROL])
def test_mouse_and_keyboard_are_got_ready_for_who_may_control_alone(grant: Grant) -> None:
    both = Both().viewed(grant)
    started = [screen_do.StartControl(LINK)] if grant is Grant.CONTROL else []
    assert both.shows.of(screen_do.StartControl) == started
    both.tell(both.shows, screen_ev.LetControl(LINK))
    assert both.shows.of(screen_do.StartControl) == [screen_do.StartControl(LINK)]
    assert not both.shows.of(screen_do.EndControl)
    both.tell(both.shows, screen_ev.ControlFailed(LINK))
    assert both.shows.of(screen_do.EndControl) == [screen_do.EndControl(LINK)]
    assert both.sees.last(screen_st.ScreenShare).reason is Reason.CONTROL_UNSUPPORTED


# --- the clipboard --------------------------------------------------------------------------------


def test_what_was_copied_there_comes_to_who_asks_for_it() -> None:
    both = Both().viewed(Grant.CONTROL)
    both.copy()
    assert both.shows.of(screen_do.ReadClipboard) == [screen_do.ReadClipboard(LINK)]
    # It is being read already.
    both.copy()
    assert len(both.shows.of(screen_do.ReadClipboard)) == 1
    both.tell(both.shows, screen_ev.ClipboardRead(LINK, "Grüße 🎉"))
    assert both.sees.of(screen_st.ScreenCopied) == [screen_st.ScreenCopied(LINK, "Grüße 🎉")]
    assert "Grüße" not in repr(both.sees.of(screen_st.ScreenCopied))
    # It was touched by nobody.
    assert not both.shows.of(screen_do.Inject)
    both.copy()
    both.tell(both.shows, screen_ev.ClipboardRead(LINK, None, Reason.NOTHING_COPIED))
    nothing = screen_st.ScreenCopied(LINK, None, Reason.NOTHING_COPIED)
    assert both.sees.last(screen_st.ScreenCopied) == nothing


@each_row(
    "text", ["é" * (screen_msg.MAX_COPIED_BYTES // 2 + 1), "\n" * screen_msg.MAX_COPIED_BYTES]
)
def test_a_long_text_is_not_sent(text: str) -> None:
    both = Both().viewed(Grant.CONTROL)
    both.copy()
    both.tell(both.shows, screen_ev.ClipboardRead(LINK, text))
    too_long = screen_st.ScreenCopied(LINK, None, Reason.COPIED_TOO_LONG)
    assert both.sees.last(screen_st.ScreenCopied) == too_long


def test_a_host_whose_clipboard_cannot_be_read_says_that() -> None:
    both = Both().viewed(Grant.CONTROL)
    both.copy()
    reason = Reason.CLIPBOARD_UNSUPPORTED
    both.tell(both.shows, screen_ev.ClipboardRead(LINK, reason=reason))
    assert both.sees.last(screen_st.ScreenCopied).reason is reason


def test_nobody_asks_for_it_without_end() -> None:
    both = Both().viewed(Grant.CONTROL)
    for _ in range(6):
        both.copy()
        both.tell(both.shows, screen_ev.ClipboardRead(LINK, "text"))
    assert len(both.shows.of(screen_do.ReadClipboard)) == 5
    assert both.sees.last(screen_st.ScreenCopied).reason is Reason.TOO_MANY


def test_without_control_nothing_is_copied() -> None:
    both = Both().viewed()
    both.copy()
    both.input(CopyText())
    assert not both.shows.of(screen_do.ReadClipboard)
    # Control is taken back while it is read, and given again.
    both = Both().viewed(Grant.CONTROL)
    both.copy()
    both.tell(both.shows, screen_ev.StopControl(LINK))
    both.tell(both.shows, screen_ev.ClipboardRead(LINK, "text"))
    both.tell(both.shows, screen_ev.LetControl(LINK))
    both.tell(both.shows, screen_ev.ClipboardRead(LINK, "text"))
    # Nor is a text taken that another program sends now: what asked for it has ended.
    late = screen_msg.ScreenClipboard(both.share, "rm -rf ~")
    both.carry_out(both.sees, both.sees.feature.message(both.sees.link, late, both.now))
    assert not both.sees.of(screen_st.ScreenCopied)


def test_nobody_puts_a_text_into_a_clipboard_that_did_not_ask() -> None:
    both = Both().viewed(Grant.CONTROL)
    for share in (both.share, "A" * screen_msg.SHARE_ID_CHARACTERS):
        unasked = screen_msg.ScreenClipboard(share, "rm -rf ~")
        both.carry_out(both.sees, both.sees.feature.message(both.sees.link, unasked, both.now))
        both.tell(both.sees, screen_ev.UseScreen(LINK, CopyText()))
    assert not both.sees.of(screen_st.ScreenCopied)


def test_input_that_nobody_understands_ends_control() -> None:
    both = Both().viewed(Grant.CONTROL)
    both.tell(both.shows, screen_ev.InputReceived(LINK, both.share, b"rubbish"))
    assert both.stages() == (ScreenStage.VIEWED, ScreenStage.VIEWED)
    assert both.sees.last(screen_st.ScreenShare).reason is Reason.PEER_ERROR


def test_input_for_an_older_share_does_nothing() -> None:
    both = Both().viewed(Grant.CONTROL)
    both.input(BUTTON, share="another")
    assert not both.shows.of(screen_do.Inject)


def test_a_pause_shows_nothing_new_and_gives_no_control_back() -> None:
    both = Both().viewed(Grant.CONTROL)
    both.tell(both.shows, screen_ev.PauseScreen(LINK))
    assert both.stages() == (ScreenStage.PAUSED, ScreenStage.PAUSED)
    assert both.shows.of(screen_do.PausePictures) == [screen_do.PausePictures(LINK)]
    sent = len(both.shows.of(screen_do.SendPictures))
    both.look(0)
    both.look(1)
    assert len(both.shows.of(screen_do.SendPictures)) == sent
    both.tell(both.shows, screen_ev.GoOnShowing(LINK))
    assert both.stages() == (ScreenStage.VIEWED, ScreenStage.VIEWED)
    assert both.shows.last(screen_do.SendPictures).monitor == RIGHT


def test_control_that_is_allowed_during_a_pause_begins_after_it() -> None:
    both = Both().viewed(Grant.VIEW)
    both.tell(both.shows, screen_ev.PauseScreen(LINK))
    both.ask(control=True)
    both.answer(Grant.CONTROL)
    assert both.stages() == (ScreenStage.PAUSED, ScreenStage.PAUSED)
    assert not both.shows.of(screen_do.StartControl)
    both.tell(both.shows, screen_ev.GoOnShowing(LINK))
    assert both.stages() == (ScreenStage.CONTROLLED, ScreenStage.CONTROLLED)
    assert both.shows.of(screen_do.StartControl) == [screen_do.StartControl(LINK)]


@each_row("declines", [True, False])
def test_a_pause_outlasts_a_question_that_is_refused_meanwhile(declines: bool) -> None:
    both = Both().viewed(Grant.VIEW)
    both.tell(both.shows, screen_ev.PauseScreen(LINK))
    both.ask(control=True)
    if declines:
        both.answer(Grant.NOTHING)
    else:
        both.wait(ANSWER_SECONDS)
    why = Reason.DECLINED if declines else Reason.TIMEOUT
    assert why in [one.reason for one in both.sees.of(screen_st.ScreenShare)]
    assert both.stages() == (ScreenStage.PAUSED, ScreenStage.PAUSED)


@each_row("paused", [True, False])
def test_control_that_has_not_begun_can_be_taken_back(paused: bool) -> None:
    both = Both()
    both.ask(control=True)
    if paused:
        both.answer(Grant.VIEW)
        both.look()
        both.tell(both.shows, screen_ev.PauseScreen(LINK))
        both.ask(control=True)
    both.answer(Grant.CONTROL)
    both.tell(both.shows, screen_ev.StopControl(LINK))
    sent = len(both.shows.commands)
    both.tell(both.shows, screen_ev.StopControl(LINK))
    # There is nothing left to take back.
    assert len(both.shows.commands) == sent
    both.tell(both.shows, screen_ev.GoOnShowing(LINK))
    both.look()
    assert both.stages() == (ScreenStage.VIEWED, ScreenStage.VIEWED)
    assert not both.shows.of(screen_do.StartControl)


def test_another_monitor_is_chosen_by_who_sees() -> None:
    both = Both().viewed(Grant.CONTROL)
    both.input(BUTTON)
    both.look(1)
    assert both.shows.last(screen_do.SendPictures).monitor == RIGHT
    assert both.sees.last(screen_do.ShowPictures).monitor == RIGHT
    assert len(both.shows.of(screen_do.LetGo)) == 1
    # It was pulled out before the other side knew.
    both.look(7)
    assert both.shows.last(screen_do.SendPictures).monitor == RIGHT


def test_a_monitor_that_is_pulled_out_or_changed_is_replaced() -> None:
    both = Both().viewed()
    both.look(1)
    larger = replace(RIGHT, width=3840, height=2160)
    both.monitors = (LEFT, larger)
    both.found()
    assert both.sees.last(screen_do.ShowPictures).monitor == larger
    assert both.sees.last(screen_st.ScreenShare).reason is None
    both.monitors = (LEFT,)
    both.found()
    assert both.shows.last(screen_do.SendPictures).monitor == LEFT
    assert both.sees.last(screen_st.ScreenShare).monitors == (LEFT,)
    # Both sides read which of them it was.
    for side in (both.shows, both.sees):
        assert side.last(screen_st.ScreenShare).reason is Reason.MONITOR_GONE
    # What is listed besides does not matter to what is seen.
    shown = both.sees.of(screen_do.ShowPictures)
    both.monitors = (LEFT, RIGHT)
    both.found()
    assert both.sees.of(screen_do.ShowPictures) == shown


def test_a_monitor_that_is_pulled_out_during_a_pause_ends_no_pause() -> None:
    both = Both().viewed()
    both.look(1)
    both.tell(both.shows, screen_ev.PauseScreen(LINK))
    both.monitors = (LEFT,)
    both.found()
    assert both.stages() == (ScreenStage.PAUSED, ScreenStage.PAUSED)
    assert both.sees.last(screen_st.ScreenShare).reason is None


# --- the end --------------------------------------------------------------------------------------


@each_row("end", ["shows", "sees", "failed", "refused"])
def test_either_side_ends_it(end: str) -> None:
    both = Both().viewed(Grant.CONTROL)
    both.input(BUTTON)
    match end:
        case "failed":
            both.tell(both.shows, screen_ev.ScreenFailed(LINK, Reason.INTERNAL))
        case "refused":
            both.tell(both.sees, screen_ev.PicturesRefused(LINK))
        case _:
            side = both.shows if end == "shows" else both.sees
            both.tell(side, screen_ev.StopScreen(LINK))
    assert both.stages() == (ScreenStage.ENDED, ScreenStage.ENDED)
    assert both.shows.of(screen_do.StopPictures) == [screen_do.StopPictures(LINK)]
    assert both.shows.of(screen_do.LetGo) == [screen_do.LetGo(LINK)]
    assert both.sees.of(screen_do.HidePictures) == [screen_do.HidePictures(LINK)]
    assert not both.shows.feature.watchers
    # It begins again with another id.
    both.ask()
    assert both.sees.last(screen_st.ScreenShare).stage is ScreenStage.ASKING


def test_the_panic_keys_end_what_is_shown_and_nothing_that_is_seen() -> None:
    both = Both().viewed(Grant.CONTROL)
    assert both.shows.of(screen_do.WatchPanicKeys) == [screen_do.WatchPanicKeys(LINK)]
    both.input(BUTTON)
    both.tell(both.sees, screen_ev.PanicKeysPressed())
    assert both.stages() == (ScreenStage.CONTROLLED, ScreenStage.CONTROLLED)
    both.tell(both.shows, screen_ev.PanicKeysPressed())
    assert both.stages() == (ScreenStage.ENDED, ScreenStage.ENDED)
    assert both.shows.of(screen_do.LetGo) == [screen_do.LetGo(LINK)]
    assert both.shows.of(screen_do.ForgetPanicKeys) == [screen_do.ForgetPanicKeys(LINK)]
    both.tell(both.shows, screen_ev.PanicKeysPressed())


def test_one_direction_is_ended_alone() -> None:
    both = Both().viewed()
    both.tell(both.shows, screen_ev.StopScreen(LINK, shows=False))
    both.tell(both.sees, screen_ev.StopScreen(LINK, shows=True))
    assert both.stages() == (ScreenStage.VIEWED, ScreenStage.VIEWED)
    both.tell(both.sees, screen_ev.StopScreen(LINK, shows=False))
    assert both.stages() == (ScreenStage.ENDED, ScreenStage.ENDED)


def test_what_was_asked_can_be_withdrawn() -> None:
    both = Both()
    both.ask()
    both.tell(both.sees, screen_ev.StopScreen(LINK))
    assert both.shows.of(screen_st.ScreenAnswered) == [screen_st.ScreenAnswered(LINK, 1)]
    assert both.sees.last(screen_st.ScreenShare).stage is ScreenStage.ENDED


def test_a_lost_link_ends_both_directions() -> None:
    both = Both().viewed(Grant.CONTROL)
    both.input(BUTTON)
    for side in (both.shows, both.sees):
        down = side.feature.link_down(LINK, Reason.PEER_VANISHED, both.now)
        side.commands += down
        assert not any(isinstance(one, link_do.SendOnChannel) for one in down)
    assert both.stages() == (ScreenStage.ENDED, ScreenStage.ENDED)
    assert both.shows.of(screen_do.LetGo) == [screen_do.LetGo(LINK)]
    # What still comes of it is nobody's.
    for late in (screen_ev.ScreensFound(LINK, (LEFT,)), screen_ev.StopScreen(LINK)):
        assert both.shows.feature.handle(late, both.now) == []
    assert both.shows.feature.handle(screen_ev.AskScreen(LINK), both.now) == [
        do.publish_trouble(Reason.SCREENS_UNKNOWN, LINK)
    ]


@each_row(
    "state, asked",
    [
        ("viewed", False),
        ("controlled", False),
        ("paused", True),
        ("offered", True),
        ("other link", True),
    ],
)
def test_a_link_that_is_taken_up_again_sees_and_controls_no_more(state: str, asked: bool) -> None:
    both = Both()
    both.ask(control=True)
    both.answer(Grant.CONTROL if state == "controlled" else Grant.VIEW)
    if state != "offered":
        both.look()
    if state == "paused":
        both.tell(both.shows, screen_ev.PauseScreen(LINK))
    feature = both.shows.feature
    feature.link_down(LINK, Reason.PEER_VANISHED, both.now)
    again = FakeLink(
        st.LinkStatus(ev.LinkID("host-2"), "session", st.Stage.CONNECTED, verified=Verified.CODE),
        ev.LinkID("host-2"),
        resumes=None if state == "other link" else LINK,
    )
    feature.link_up(again, both.now)
    commands = feature.message(again, screen_msg.ScreenAsk(control=True), both.now)
    questions = [
        one.status
        for one in commands
        if isinstance(one, do.Publish) and isinstance(one.status, screen_st.ScreenQuestion)
    ]
    assert bool(questions) is asked
    assert (screen_do.FindScreens(again.id) in commands) is not asked
    # Control is asked again, as is what was seen once it was lost before.
    feature.handle(screen_ev.ScreensFound(again.id, (LEFT,)), both.now)
    commands = feature.message(again, screen_msg.ScreenAsk(control=True), both.now)
    assert screen_do.StartControl(again.id) not in commands


def test_what_was_allowed_beforehand_holds_for_a_link_that_is_taken_up_again() -> None:
    both = Both(beforehand=Grant.CONTROL)
    both.ask(control=True)
    both.look()
    feature = both.shows.feature
    feature.link_down(LINK, Reason.PEER_VANISHED, both.now)
    status = st.LinkStatus(
        ev.LinkID("host-2"), "session", st.Stage.CONNECTED, verified=Verified.CODE
    )
    again = FakeLink(status, status.link, resumes=LINK)
    feature.link_up(again, both.now)
    feature.message(again, screen_msg.ScreenAsk(control=True), both.now)
    commands = feature.handle(screen_ev.ScreensFound(again.id, (LEFT,)), both.now)
    (share,) = [one.status for one in commands if isinstance(one, do.Publish)]
    assert isinstance(share, screen_st.ScreenShare)
    assert share.stage is ScreenStage.OFFERED
    view = screen_msg.ScreenView(feature._links[again.id].shower._share, 0, 390, 844)
    assert screen_do.StartControl(again.id) in feature.message(again, view, both.now)


def taken_up_again(feature: ScreenSharing, lost: ev.LinkID, link: str) -> FakeLink:
    """Return the link that takes up a lost one, for this device's feature."""
    status = st.LinkStatus(ev.LinkID(link), "session", st.Stage.CONNECTED, verified=Verified.CODE)
    again = FakeLink(status, status.link, resumes=lost)
    feature.link_up(again, 0.0)
    return again


@each_row(
    "taken",
    [screen_ev.StopScreen(LINK), screen_ev.PanicKeysPressed(), screen_ev.PauseScreen(LINK)],
)
def test_who_comes_again_by_a_lost_link_gets_nothing_that_was_taken_back(taken: object) -> None:
    both = Both(beforehand=Grant.CONTROL)
    both.ask(control=True)
    both.look()
    both.tell(both.shows, taken)
    feature = both.shows.feature
    feature.link_down(LINK, Reason.PEER_VANISHED, both.now)
    # The first attempt to come back never became a link.
    again = taken_up_again(feature, ev.LinkID("host-2"), "host-3")
    commands = feature.message(again, screen_msg.ScreenAsk(control=True), both.now)
    assert screen_do.FindScreens(again.id) not in commands
    assert any(
        isinstance(one, do.Publish) and isinstance(one.status, screen_st.ScreenQuestion)
        for one in commands
    )


def test_control_that_was_taken_back_is_asked_about_after_a_lost_link_too() -> None:
    both = Both(beforehand=Grant.CONTROL)
    both.ask(control=True)
    both.look()
    both.tell(both.shows, screen_ev.StopControl(LINK))
    feature = both.shows.feature
    feature.link_down(LINK, Reason.PEER_VANISHED, both.now)
    again = taken_up_again(feature, LINK, "host-2")
    feature.message(again, screen_msg.ScreenAsk(control=True), both.now)
    feature.handle(screen_ev.ScreensFound(again.id, (LEFT,)), both.now)
    view = screen_msg.ScreenView(feature._links[again.id].shower._share, 0, 390, 844)
    assert screen_do.StartControl(again.id) not in feature.message(again, view, both.now)


@each_row("state", ["viewed", "controlled"])
def test_who_comes_back_and_asks_for_both_sees_at_once_and_is_asked_about_control(
    state: str,
) -> None:
    both = Both().viewed(Grant.CONTROL if state == "controlled" else Grant.VIEW)
    feature = both.shows.feature
    feature.link_down(LINK, Reason.PEER_VANISHED, both.now)
    again = taken_up_again(feature, LINK, "host-2")
    commands = feature.message(again, screen_msg.ScreenAsk(control=True), both.now)
    assert screen_do.FindScreens(again.id) in commands
    assert not any(isinstance(one, do.Publish) for one in commands)
    commands = feature.handle(screen_ev.ScreensFound(again.id, (LEFT,)), both.now)
    share, question = [one.status for one in commands if isinstance(one, do.Publish)]
    assert isinstance(share, screen_st.ScreenShare)
    assert share.stage is ScreenStage.OFFERED
    assert isinstance(question, screen_st.ScreenQuestion)
    assert question.control
    yes = screen_ev.AnswerScreen(again.id, question.number, Grant.CONTROL)
    feature.handle(yes, both.now)
    view = screen_msg.ScreenView(feature._links[again.id].shower._share, 0, 390, 844)
    assert screen_do.StartControl(again.id) in feature.message(again, view, both.now)


def test_who_left_before_the_screen_was_found_is_asked_about_no_more() -> None:
    both = Both().viewed()
    feature = both.shows.feature
    feature.link_down(LINK, Reason.PEER_VANISHED, both.now)
    again = taken_up_again(feature, LINK, "host-2")
    feature.message(again, screen_msg.ScreenAsk(control=True), both.now)
    feature.message(again, screen_msg.ScreenStop(), both.now)
    feature.handle(screen_ev.ShowScreen(again.id), both.now)
    commands = feature.handle(screen_ev.ScreensFound(again.id, (LEFT,)), both.now)
    published = [one.status for one in commands if isinstance(one, do.Publish)]
    assert [type(one) for one in published] == [screen_st.ScreenShare]


def test_a_share_says_what_is_to_be_asked_again() -> None:
    def control(both: Both) -> list[bool]:
        return [one.control for one in both.sees.of(screen_st.ScreenShare)]

    both = Both()
    both.ask()
    both.answer(Grant.VIEW)
    both.look()
    both.tell(both.shows, screen_ev.StopScreen(LINK))
    assert control(both) == [False] * len(control(both))
    # Whoever asked for both asks for both again, also after a no, and after the end of control.
    both = Both().viewed()
    both.tell(both.shows, screen_ev.StopScreen(LINK))
    assert all(control(both))
    # It was given without being asked for.
    both = Both()
    both.ask()
    both.answer(Grant.VIEW)
    both.look()
    both.tell(both.shows, screen_ev.LetControl(LINK))
    both.tell(both.shows, screen_ev.StopControl(LINK))
    both.tell(both.shows, screen_ev.StopScreen(LINK))
    assert control(both)[0] is False
    assert control(both)[-1] is True
    # It was asked for while the screen was seen.
    both = Both()
    both.ask()
    both.answer(Grant.VIEW)
    both.look()
    both.ask(control=True)
    both.answer(Grant.NOTHING)
    both.tell(both.shows, screen_ev.StopScreen(LINK))
    assert control(both)[-1] is True
    # What is shown to us now has nothing to do with what we asked for then.
    both.tell(both.shows, screen_ev.ShowScreen(LINK))
    assert control(both)[-1] is False


def test_a_lost_link_gives_no_more_questions() -> None:
    both = Both()
    both.ask()
    both.answer(Grant.NOTHING)
    feature = both.shows.feature
    feature.link_down(LINK, Reason.PEER_VANISHED, both.now)
    again = taken_up_again(feature, LINK, "host-2")
    (refused,) = feature.message(again, screen_msg.ScreenAsk(), both.now)
    assert refused == again.send(screen_msg.ScreenState(view=False, reason=Reason.TOO_MANY.value))


def test_one_host_sees_nothing_that_another_saw_before_its_loss() -> None:
    feature = ScreenSharing(counting_bytes())

    def link(name: str, host: str, resumes: ev.LinkID | None = None) -> FakeLink:
        status = st.LinkStatus(
            ev.LinkID(name),
            "@code",
            st.Stage.CONNECTED,
            as_guest=True,
            peer_address=host,
            verified=Verified.CODE,
        )
        made = FakeLink(status, status.link, resumes=resumes)
        feature.link_up(made, 0.0)
        return made

    seen, other = link("guest-1", "10.0.0.1:9000"), link("guest-2", "10.0.0.2:9000")
    feature.handle(screen_ev.ShowScreen(seen.id), 0.0)
    feature.handle(screen_ev.ScreensFound(seen.id, (LEFT,)), 0.0)
    view = screen_msg.ScreenView(feature._links[seen.id].shower._share, 0, 390, 844)
    feature.message(seen, view, 0.0)
    for lost in (other, seen):
        feature.link_down(lost.id, Reason.PEER_VANISHED, 0.0)
    again = [link(f"{one.id}+", one.status.peer_address, one.id) for one in (other, seen)]
    found = [feature.message(one, screen_msg.ScreenAsk(), 0.0) for one in again]
    asked = [
        screen_do.FindScreens(one.id) not in does for one, does in zip(again, found, strict=True)
    ]
    assert asked == [True, False]


def test_who_saw_a_screen_before_the_loss_sees_it_once_more_and_is_then_asked_about() -> None:
    both = Both().viewed(Grant.VIEW)
    feature = both.shows.feature
    feature.link_down(LINK, Reason.PEER_VANISHED, both.now)
    again = taken_up_again(feature, LINK, "host-2")
    # It is lost once more before the question arrives.
    feature.link_down(again.id, Reason.PEER_VANISHED, both.now)
    again = taken_up_again(feature, again.id, "host-3")
    ask = screen_msg.ScreenAsk()
    assert screen_do.FindScreens(again.id) in feature.message(again, ask, both.now)
    feature.message(again, screen_msg.ScreenStop(), both.now)
    assert screen_do.FindScreens(again.id) not in feature.message(again, ask, both.now)


def test_a_lost_link_with_a_question_ends_that() -> None:
    both = Both()
    both.ask()
    both.shows.commands += both.shows.feature.link_down(LINK, Reason.PEER_VANISHED, both.now)
    assert both.shows.of(screen_st.ScreenAnswered) == [screen_st.ScreenAnswered(LINK, 1)]


# --- what comes at the wrong moment ---------------------------------------------------------------


def test_a_channel_of_nothing_that_is_seen_is_refused() -> None:
    both = Both()
    label = f"screen/{'A' * screen_msg.SHARE_ID_CHARACTERS}"
    for feature, wrong in ((both.sees.feature, label), (both.sees.feature, "screen/what")):
        assert feature.channel_opened(LINK, PICTURES, wrong, both.now) is None
    both.viewed()
    assert both.sees.feature.channel_opened(LINK, PICTURES, label, both.now) is None


def test_who_asks_twice_is_one_question() -> None:
    both = Both()
    for _ in range(2):
        message = both.shows.feature.message(both.shows.link, screen_msg.ScreenAsk(), both.now)
        both.carry_out(both.shows, message)
    assert len(both.shows.of(screen_st.ScreenQuestion)) == 1
    # Who sees it already needs no question.
    both.answer(Grant.VIEW)
    assert both.shows.feature.message(both.shows.link, screen_msg.ScreenAsk(), both.now) == []


def test_who_leaves_while_the_monitors_are_looked_for_sees_nothing() -> None:
    both = Both()
    both.ask()
    number = both.shows.last(screen_st.ScreenQuestion).number
    granted = screen_ev.AnswerScreen(LINK, number, Grant.VIEW)
    # They are not found yet.
    assert both.shows.feature.handle(granted, both.now)[-1] == screen_do.FindScreens(LINK)
    both.tell(both.sees, screen_ev.StopScreen(LINK))
    assert not both.shows.feature.watchers
    assert both.shows.of(screen_do.StopPictures) == [screen_do.StopPictures(LINK)]
    both.found()
    assert not both.shows.of(screen_do.SendPictures)


def test_messages_about_an_older_share_change_nothing() -> None:
    both = Both().viewed()
    stages = both.stages()
    other = "A" * screen_msg.SHARE_ID_CHARACTERS
    for message in (screen_msg.ScreenStop(other), screen_msg.ScreenView(other, 0, 1, 1)):
        assert both.shows.feature.message(both.shows.link, message, both.now) == []
    assert both.stages() == stages


def test_a_share_that_was_begun_again_is_looked_at_again() -> None:
    both = Both().viewed()
    other = "A" * screen_msg.SHARE_ID_CHARACTERS
    again = screen_msg.ScreenState(True, other, monitors=(LEFT,))
    both.carry_out(both.sees, both.sees.feature.message(both.sees.link, again, both.now))
    assert both.sees.last(screen_st.ScreenShare).stage is ScreenStage.OFFERED
    assert both.sees.of(screen_do.HidePictures) == [screen_do.HidePictures(LINK)]


def test_an_answer_to_what_was_withdrawn_is_nothing() -> None:
    both = Both()
    no = screen_msg.ScreenState(view=False, reason="declined")
    assert both.sees.feature.message(both.sees.link, no, both.now) == []


def test_who_never_answers_has_not_answered() -> None:
    both = Both()
    asked = both.sees.feature.handle(screen_ev.AskScreen(LINK), both.now)
    # Nothing of it arrives.
    both.sees.commands += asked
    ended = both.sees.feature.handle(
        ev.TimerFired(ev.LinkTimer(screen_ev.ScreenTimer.ASKING, LINK)), both.now + 45
    )
    both.sees.commands += ended
    assert both.sees.last(screen_st.ScreenShare).reason is Reason.TIMEOUT


# --- any order ------------------------------------------------------------------------------------


class AnyShare(RuleBasedStateMachine):
    """People at both ends do anything at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self.both = Both(Verified.QR)
        self.injected = 0

    @rule(control=strategies.booleans())
    def asks(self, control: bool) -> None:
        self.both.ask(control=control)

    @rule(grant=strategies.sampled_from(Grant), knowing=strategies.booleans())
    def answers(self, grant: Grant, knowing: bool) -> None:
        if self.both.shows.of(screen_st.ScreenQuestion):
            self.both.answer(grant, knowing=knowing)

    @rule(
        intent=strategies.sampled_from(
            [
                screen_ev.ShowScreen(LINK),
                screen_ev.LetControl(LINK, knowing=True),
                screen_ev.LetControl(LINK),
                screen_ev.StopControl(LINK),
                screen_ev.PauseScreen(LINK),
                screen_ev.GoOnShowing(LINK),
                screen_ev.StopScreen(LINK),
                screen_ev.LocalInput(),
                screen_ev.InputIgnored(LINK, ignored=True),
                screen_ev.InputIgnored(LINK, ignored=False),
                screen_ev.ControlFailed(LINK),
                screen_ev.ClipboardRead(LINK, "text"),
                screen_ev.ScreenFailed(LINK, Reason.INTERNAL),
            ]
        )
    )
    def at_the_screen(self, intent: object) -> None:
        self.both.tell(self.both.shows, intent)

    @rule(monitor=strategies.sampled_from([0, 1, 7]))
    def looks(self, monitor: int) -> None:
        self.both.look(monitor)

    @rule(
        intent=strategies.sampled_from(
            [screen_ev.StopScreen(LINK), screen_ev.PicturesRefused(LINK)]
        )
    )
    def at_the_view(self, intent: object) -> None:
        self.both.tell(self.both.sees, intent)

    @rule(monitors=strategies.sampled_from([(), (LEFT,), (RIGHT,), (LEFT, RIGHT)]))
    def monitors_change(self, monitors: tuple[screen_msg.Monitor, ...]) -> None:
        self.both.monitors = monitors
        self.both.found()

    @rule(
        what=strategies.sampled_from(
            [BUTTON, KeyInput("KeyA", "a", True), TextInput("a"), ReleaseAll()]
        )
    )
    def touches(self, what: Input) -> None:
        before = self.stage
        self.both.input(what)
        injected = len(self.both.shows.of(screen_do.Inject))
        # This is what all of it is for.
        assert injected == self.injected or before is ScreenStage.CONTROLLED
        self.injected = injected

    @rule(up=strategies.booleans())
    def shields(self, up: bool) -> None:
        if up or self.both.shows.feature._shields:
            self.both.tell(self.both.shows, screen_ev.Shield(up))

    @rule(seconds=strategies.sampled_from([0.5, 6.0, 50.0]))
    def waits(self, seconds: float) -> None:
        self.both.wait(seconds)

    @property
    def stage(self) -> ScreenStage | None:
        shares = self.both.shows.of(screen_st.ScreenShare)
        return shares[-1].stage if shares else None

    @invariant()
    def both_ends_agree(self) -> None:
        if self.stage not in (None, ScreenStage.ENDED):
            shown, seen = self.both.stages()
            # Who controls before looking does so from the first look on.
            assert shown is seen
            told = self.both.sees.feature._links[LINK].viewer._shown.control
            if self.stage in (ScreenStage.VIEWED, ScreenStage.CONTROLLED):
                assert told is (self.stage is ScreenStage.CONTROLLED)

    @invariant()
    def nothing_stays_pressed_without_control(self) -> None:
        touches = [
            one
            for one in self.both.shows.commands
            if isinstance(one, screen_do.Inject | screen_do.LetGo)
        ]
        if self.stage is not ScreenStage.CONTROLLED and touches:
            assert isinstance(touches[-1], screen_do.LetGo)
        started = self.both.shows.of(screen_do.StartControl)
        ended = self.both.shows.of(screen_do.EndControl)
        assert len(started) - len(ended) == (self.stage is ScreenStage.CONTROLLED)

    @invariant()
    def timers_end_with_what_they_limit(self) -> None:
        names = {timer.name for timer in self.both.shows.timers}
        if self.stage is not ScreenStage.CONTROLLED:
            assert screen_ev.ScreenTimer.SILENCE not in names
        questions = self.both.shows.of(screen_st.ScreenQuestion)
        answers = self.both.shows.of(screen_st.ScreenAnswered)
        assert (screen_ev.ScreenTimer.ANSWER in names) == (len(questions) > len(answers))


TestAnyShare = AnyShare.TestCase
TestAnyShare.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
