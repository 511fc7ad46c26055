"""Shared screens in the terminal: what a person reads and types, and who cannot answer for them."""

from dataclasses import replace

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import SENTENCES, Reason
from proxim.core.files import events as file_ev
from proxim.core.files import status as file_st
from proxim.core.files.manifest import Direction, Entry, TransferID
from proxim.core.i18n import tr
from proxim.core.pairing.devices import DeviceInfo, Verified
from proxim.core.screen import events as screen_ev
from proxim.core.screen import status as screen_st
from proxim.core.screen.events import Grant
from proxim.core.screen.messages import ALL_MONITORS, Monitor
from proxim.core.screen.status import PanicChord, ScreenStage
from proxim.ui.text.model import FaceOptions, Role
from tests.rows import each_row
from tests.ui.asking import asking
from tests.ui.text.faces import LINK, TerminalBench, linked

OTHER = ev.LinkID("host-2")
CONNECTED = linked("screen", "files")
BEN = replace(CONNECTED, link=OTHER, peer_name="Ben")
LEFT, RIGHT = Monitor(0, "DP-1", 0, 0, 1920, 1080), Monitor(3, "", 1920, 0, 1920, 1080)
QUESTION = screen_st.ScreenQuestion(
    LINK, 1, "Ana", Verified.CODE, control=False, second_step=False, deadline=1040.0
)
CONTROL = replace(QUESTION, control=True)
ALTERED = replace(CONTROL, verified=Verified.QR, second_step=True)
UNPROVED = replace(QUESTION, verified=None, second_step=True)
OFFERED = screen_st.ScreenShare(LINK, True, ScreenStage.OFFERED, 0, (LEFT, RIGHT))
VIEWED, CONTROLLED, PAUSED, ENDED = (
    replace(OFFERED, stage=stage)
    for stage in (
        ScreenStage.VIEWED,
        ScreenStage.CONTROLLED,
        ScreenStage.PAUSED,
        ScreenStage.ENDED,
    )
)
PROMPT = st.Prompt("s2", DeviceInfo("Cem", "id-3"), "192.168.1.9", Verified.CODE, 1040.0, number=1)
COMING = file_st.TransferStatus(
    TransferID("t1"),
    Direction.IN,
    file_st.TransferState.ANNOUNCED,
    (Entry("notes.txt", 30),),
    30,
    link=LINK,
    peer_name="Ana",
    needs_answer=True,
)


class Face(TerminalBench):
    """A face that has shown these statuses."""

    def __init__(self, *statuses: st.Status, options: FaceOptions | None = None) -> None:
        super().__init__(options or FaceOptions(Role.HOST))
        self.show(*statuses)

    @property
    def answers(self) -> list[ev.Intent]:
        """What was posted, but for the shield."""
        return [one for one in self.posted if not isinstance(one, screen_ev.Shield)]


def answered(grant: Grant, *, knowing: bool = False) -> ev.Intent:
    return screen_ev.AnswerScreen(LINK, 1, grant, knowing)


# --- questions ------------------------------------------------------------------------------------


def test_who_proved_something_before_digits_differed_is_in_doubt() -> None:
    face = Face(CONNECTED)
    face.show(replace(CONNECTED, digits_differed=True))
    asked = face.show(QUESTION)
    assert tr("devices.badgeDiffered") in asked
    assert "Verified" not in asked


def test_a_question_says_who_and_how_they_proved_it_and_how_long() -> None:
    asked = Face(CONNECTED).show(QUESTION)
    assert "Ana asks to see this screen.\n" in asked
    assert "Verified: it knows your code" in asked
    assert tr("terminal.screenCaution") not in asked
    assert asked.endswith("Show it? [y/N] (40 s) ")
    asked = Face(CONNECTED).show(CONTROL)
    assert "Ana asks to see this screen and to control it.\n" in asked
    assert tr("terminal.screenCaution") in asked
    assert asked.endswith("Show it, or let them control it? [y/c/N] (40 s) ")


@each_row(
    "question, typed, grant",
    [
        (QUESTION, "y", Grant.VIEW),
        (QUESTION, "", Grant.NOTHING),
        (QUESTION, "n", Grant.NOTHING),
        (CONTROL, "YES", Grant.VIEW),
        (CONTROL, "c", Grant.CONTROL),
        (CONTROL, "Control", Grant.CONTROL),
        (CONTROL, "no", Grant.NOTHING),
        (UNPROVED, "yes", Grant.VIEW),
    ],
)
def test_an_answer(question: screen_st.ScreenQuestion, typed: str, grant: Grant) -> None:
    face = Face(CONNECTED)
    face.ask(question)
    face.read(typed)
    assert face.posted == [answered(grant)]
    # It is a text only once the question is over.
    face.show(screen_st.ScreenAnswered(LINK, 1))
    face.read("hello")
    assert face.posted[1:] == [ev.SendText(LINK, "hello")]


@each_row(
    "question, typed, said",
    [
        (QUESTION, "c", "Please answer: y lets them see it, n declines."),
        (QUESTION, "what", "Please answer: y lets them see it, n declines."),
        (CONTROL, "x", "Please answer: y lets them see it, c lets them control it, too"),
        (UNPROVED, "y", "Please answer: not verified, so the whole word yes"),
        (UNPROVED, "c", "Please answer: not verified"),
    ],
)
def test_what_is_no_answer(question: screen_st.ScreenQuestion, typed: str, said: str) -> None:
    face = Face(CONNECTED)
    face.ask(question)
    assert said in face.read(typed).replace("\n", " ")
    assert face.posted == []


def test_an_answer_that_comes_too_soon_was_meant_for_something_else() -> None:
    for typed in ("y", "c"):
        face = Face(CONNECTED)
        face.show(CONTROL)
        assert tr("terminal.tooSoon") in face.read(typed)
        assert face.posted == []


def test_control_over_an_altered_page_needs_the_second_step() -> None:
    face = Face(CONNECTED)
    face.ask(ALTERED)
    warned = face.read("c")
    assert "could have changed it" in warned
    assert warned.endswith("Let them control it all the same? [control/N] ")
    assert tr("terminal.tooSoon") in face.read("control")
    face.now += st.ANSWER_DELAY_SECONDS
    # The letter is typed out of habit.
    assert tr("terminal.screenWholeHelp") in face.read("c", "yes")
    assert face.posted == []
    face.read("control")
    assert face.posted == [answered(Grant.CONTROL, knowing=True)]


def test_who_does_not_go_the_second_step_may_still_show_the_screen() -> None:
    face = Face(CONNECTED)
    face.ask(ALTERED)
    assert face.read("c", "n").endswith("Show it, or let them control it? [y/c/N] (40 s) ")
    face.now += st.ANSWER_DELAY_SECONDS
    face.read("y")
    assert face.posted == [answered(Grant.VIEW)]


def test_who_sees_it_asks_only_to_control_it() -> None:
    face = Face(CONNECTED, OFFERED, VIEWED)
    asked = face.ask(CONTROL)
    assert "Ana sees this screen, and asks to control it.\n" in asked
    assert asked.endswith("Let them control it? [c/N] (40 s) ")
    # A yes could be meant for the view, which they have.
    assert tr("terminal.screenHelpMore") in face.read("y")
    face.read("c")
    assert face.answers == [answered(Grant.CONTROL)]


def test_a_question_that_is_over_is_asked_no_longer() -> None:
    face = Face(CONNECTED)
    face.ask(QUESTION)
    face.show(screen_st.ScreenAnswered(LINK, 1))
    face.read("y")
    assert face.posted == [ev.SendText(LINK, "y")]
    face.ask(ALTERED)
    face.read("c")
    face.show(screen_st.ScreenAnswered(LINK, 1))
    face.read("control")
    assert face.posted[1:] == [ev.SendText(LINK, "control")]


def test_one_question_after_another() -> None:
    face = Face(CONNECTED, BEN)
    face.ask(COMING, QUESTION, replace(QUESTION, link=OTHER, peer_name="Ben", number=2))
    asked = face.ask(asking(PROMPT))
    assert "Cem asks to join." in asked
    assert "Ana asks to see this screen." in face.read("n")
    face.now += st.ANSWER_DELAY_SECONDS
    assert "Ben asks to see this screen." in face.read("y")
    face.now += st.ANSWER_DELAY_SECONDS
    assert "Ana wants to send notes.txt" in face.read("n")
    face.now += st.ANSWER_DELAY_SECONDS
    face.read("y")
    assert face.posted == [
        ev.Decide("s2", False, 1),
        answered(Grant.VIEW),
        screen_ev.AnswerScreen(OTHER, 2, Grant.NOTHING),
        file_ev.AcceptTransfer(TransferID("t1")),
    ]


def test_nobody_answers_at_the_end_of_the_input() -> None:
    no = screen_ev.AnswerScreen(LINK, QUESTION.number, Grant.NOTHING, unattended=True)
    face = Face(CONNECTED)
    face.ask(QUESTION)
    face.face.end_of_input()
    assert tr("terminal.nobodyAnswers") in face.written()
    assert face.posted == [no]
    asked = Face(CONNECTED)
    asked.face.end_of_input()
    shown = asked.show(QUESTION)
    assert "asks to see this screen.\n" + tr("terminal.nobodyAnswers") in shown
    assert "[y/N]" not in shown
    assert asked.posted == [no]


def test_the_words_of_another_language() -> None:
    from proxim.app.language import speak

    speak("de")
    face = Face(CONNECTED)
    assert face.ask(CONTROL).endswith("Zeigen oder auch steuern lassen? [j/s/N] (40 s) ")
    face.read("s")
    assert face.posted == [answered(Grant.CONTROL)]


# --- who controls cannot answer -------------------------------------------------------------------

UP, DOWN = screen_ev.Shield(up=True), screen_ev.Shield(up=False)


def test_nobody_controls_while_a_question_stands_in_the_terminal() -> None:
    face = Face(CONNECTED, OFFERED, CONTROLLED)
    assert face.posted == []
    face.ask(asking(PROMPT))
    assert face.posted == [UP]
    face.read("what", "n")
    assert face.answers == [ev.Decide("s2", False, 1)]
    face.show(asking())
    assert face.posted[0:1] + face.posted[-1:] == [UP, DOWN]
    face.ask(COMING)
    face.read("y")
    assert face.posted[-3:] == [UP, file_ev.AcceptTransfer(TransferID("t1")), DOWN]


def test_a_question_that_stood_there_before_counts_from_the_offer_on() -> None:
    face = Face(CONNECTED, COMING)
    assert face.posted == []
    face.show(OFFERED)
    assert face.posted == [UP]
    face.show(ENDED)
    assert face.posted == [UP, DOWN]


def test_a_question_that_nobody_can_answer_keeps_nobody_off() -> None:
    face = Face(CONNECTED, OFFERED, CONTROLLED)
    face.face.end_of_input()
    face.show(COMING)
    assert face.posted == [file_ev.CancelTransfer(COMING.transfer, Reason.UNATTENDED)]


# --- what becomes of it ---------------------------------------------------------------------------


def test_every_stage_is_said_once() -> None:
    face = Face(CONNECTED)
    for share, key in (
        (OFFERED, "terminal.screenOffered"),
        (VIEWED, "terminal.screenViewed"),
        (CONTROLLED, "terminal.screenControlled"),
        (PAUSED, "terminal.screenPaused"),
        (VIEWED, "terminal.screenGoesOn"),
        (CONTROLLED, "terminal.screenControlled"),
        (VIEWED, "terminal.screenNotControlled"),
    ):
        assert face.show(share) == f"{tr(key, name='Ana')}\n"
        assert face.show(share) == ""


@each_row(
    "reason, said",
    [
        (Reason.CLOSED, None),
        (Reason.TOO_MANY, "terminal.screenFlood"),
        (Reason.CONTROL_UNSUPPORTED, "reasons.control_unsupported"),
        (Reason.PEER_ERROR, "reasons.peer_error"),
    ],
)
def test_why_control_has_ended(reason: Reason, said: str | None) -> None:
    face = Face(CONNECTED, OFFERED, CONTROLLED)
    lines = face.show(replace(VIEWED, reason=reason)).splitlines()
    assert lines == [tr("terminal.screenNotControlled", name="Ana"), *([tr(said)] if said else [])]


@each_row(
    "reason, said",
    [
        (None, tr("terminal.screenHidden", name="Ana")),
        (Reason.CLOSED, tr("terminal.screenHidden", name="Ana")),
        (Reason.PEER_LEFT, tr("terminal.screenLeft", name="Ana")),
        (Reason.PEER_VANISHED, tr("terminal.screenVanished", name="Ana")),
        (Reason.NO_SCREEN, SENTENCES[Reason.NO_SCREEN]),
        (Reason.SCREEN_LOST, SENTENCES[Reason.SCREEN_LOST]),
    ],
)
def test_why_it_is_over(reason: Reason | None, said: str) -> None:
    assert Face(CONNECTED, OFFERED).show(replace(ENDED, reason=reason)) == f"{said}\n"


def test_a_monitor_that_went_is_named_with_the_one_that_follows() -> None:
    face = Face(CONNECTED, OFFERED, VIEWED)
    assert face.show(replace(VIEWED, monitor=3)) == "Ana sees the monitor 2 now.\n"
    together = Monitor(ALL_MONITORS, "", 0, 0, 200, 100)
    every = replace(VIEWED, monitor=ALL_MONITORS, monitors=(LEFT, RIGHT, together))
    assert face.show(every) == "Ana sees all monitors now.\n"
    assert face.show(replace(VIEWED, monitors=(LEFT,))) == "Ana sees the monitor DP-1 now.\n"
    # Another came, and nothing is different for who sees.
    assert face.show(VIEWED) == ""


@each_row("chord", [*PanicChord, None])
def test_the_keys_that_end_it_are_named(chord: PanicChord | None) -> None:
    said = Face(CONNECTED).show(screen_st.PanicKeys(chord))
    assert said.startswith("While this screen is shown, Ctrl+Alt+" if chord else "")
    assert bool(said) is (chord is not None)


def test_a_screen_that_is_offered_to_a_terminal_is_turned_down_in_words() -> None:
    face = Face(CONNECTED)
    assert "a terminal cannot draw it" in face.show(replace(OFFERED, shows=False))
    assert face.posted == [screen_ev.StopScreen(LINK)]
    assert face.show(replace(ENDED, shows=False)) == ""


@each_row("share, said", [("view", "sees it without"), ("control", "sees and controls it without")])
def test_a_yes_beforehand_stands_beside_the_code(share: str, said: str) -> None:
    invitation = st.Invitation("s1", "u1", None, "http://a/#b", ev.SessionType.PERSISTENT, None)
    options = FaceOptions(Role.HOST, share_screen=share)  # type: ignore[arg-type]
    assert f"  Screen   whoever proves the code {said}" in Face(options=options).show(invitation)
    assert "Screen" not in Face().show(invitation)


# --- commands -------------------------------------------------------------------------------------


@each_row(
    "share, typed, intent",
    [
        (None, "/show", screen_ev.ShowScreen(LINK)),
        (OFFERED, "/control", screen_ev.LetControl(LINK)),
        (VIEWED, "/CONTROL", screen_ev.LetControl(LINK)),
        (CONTROLLED, "/control off", screen_ev.StopControl(LINK)),
        (OFFERED, "/control off", screen_ev.StopControl(LINK)),
        (PAUSED, "/control off", screen_ev.StopControl(LINK)),
        (CONTROLLED, "/pause", screen_ev.PauseScreen(LINK)),
        (VIEWED, "/pause", screen_ev.PauseScreen(LINK)),
        (PAUSED, "/resume", screen_ev.GoOnShowing(LINK)),
        (OFFERED, "/hide", screen_ev.StopScreen(LINK)),
        (CONTROLLED, "/hide", screen_ev.StopScreen(LINK)),
    ],
)
def test_a_command(share: screen_st.ScreenShare | None, typed: str, intent: ev.Intent) -> None:
    face = Face(CONNECTED, *(() if share is None else (share,)))
    face.read(typed)
    assert face.posted == [intent]


@each_row("typed", ["/control", "/control off", "/pause", "/resume", "/hide"])
def test_a_command_about_nothing(typed: str) -> None:
    face = Face(CONNECTED)
    assert SENTENCES[Reason.SCREEN_IDLE] in face.read(typed)
    assert face.posted == []


def test_a_screen_is_shown_to_one() -> None:
    face = Face()
    assert SENTENCES[Reason.NOT_CONNECTED] in face.read("/show")
    face.show(CONNECTED, replace(BEN, features=("files",)))
    assert (
        face.read("/show")
        == "  1  Ana\n  2  Ben\nWhich one? /show N, with its number in the list.\n"
    )
    assert "Which one?" in face.read("/show 3")
    face.read("/show 1")
    assert face.posted == [screen_ev.ShowScreen(LINK)]
    face.show(OFFERED)
    assert tr("terminal.screenAlready", name="Ana") in face.read("/show 1")
    # Its greeting may be on its way for a while.
    face.now += 60
    assert SENTENCES[Reason.SCREENS_UNKNOWN] in face.read("/show 2")
    assert len(face.posted) == 1


def test_who_proved_nothing_gets_no_control_and_an_altered_page_the_second_step() -> None:
    face = Face(replace(CONNECTED, verified=None), OFFERED, VIEWED)
    assert SENTENCES[Reason.CONTROL_UNVERIFIED] in face.read("/control")
    assert face.posted == []
    face = Face(replace(CONNECTED, verified=Verified.QR), OFFERED, VIEWED)
    assert face.read("/control").endswith("Let them control it all the same? [control/N] ")
    face.now += st.ANSWER_DELAY_SECONDS
    assert tr("terminal.screenNoControl") in face.read("n")
    assert face.answers == []
    face.read("/control")
    face.now += st.ANSWER_DELAY_SECONDS
    face.read("control")
    assert face.answers == [screen_ev.LetControl(LINK, knowing=True)]
    # It is over before it was answered.
    face.read("/control")
    face.show(ENDED)
    face.now += st.ANSWER_DELAY_SECONDS
    face.read("control")
    assert face.answers[1:] == [ev.SendText(LINK, "control")]


def test_a_terminal_cannot_draw() -> None:
    face = Face(CONNECTED)
    assert tr("terminal.screenSee") in face.read("/see")
    assert face.posted == []


def test_the_commands_are_listed() -> None:
    listed = Face(CONNECTED).read("/what").replace("\n", " ")
    for word in ("/show", "/control", "/control off", "/pause", "/resume", "/hide"):
        assert word in listed
