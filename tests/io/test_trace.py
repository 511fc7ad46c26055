"""Tests of the lines that --verbose writes: what each says, and what none may ever contain."""

import logging

import pytest

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.control.messages import TextInput
from proxim.core.errors import Problem, Reason
from proxim.core.link import events as link_ev
from proxim.core.pairing import commands as pair_do
from proxim.core.pairing import events as pair_ev
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.devices import DeviceInfo, Verified
from proxim.core.pairing.host_code import JoinTarget
from proxim.core.program import ProgramEvent
from proxim.core.screen import commands as screen_do
from proxim.core.screen import events as screen_ev
from proxim.core.screen import sight
from proxim.core.screen import status as screen_st
from proxim.core.screen.messages import Monitor
from proxim.io.trace import log_step

ONE = ev.ConnectionID(1)
LINK = ev.LinkID("host-1")
SECRET = "S3cr3t-S3cr3t_S3cr3t-Q"
DEVICE = DeviceInfo("Ana", "id")
MONITOR = Monitor(0, "DP\n1", 0, 0, 1920, 1080)
INVITATION = st.Invitation(SECRET, "uuid", SECRET, SECRET, ev.SessionType.ONE_TIME, None)
TARGET = JoinTarget("192.168.1.7", 47800, SECRET, code=SECRET, qr_secret=SECRET)

TOLD: list[tuple[ProgramEvent | do.Command, str]] = [
    (
        pair_ev.FrameReceived(ONE, SECRET),
        "connection 1: got a frame that cannot be read (bad_json)",
    ),
    (
        pair_ev.FrameReceived(
            ONE, pair_msg.dump_message(pair_msg.PairConfirm(SECRET, pair_msg.Auth(t=SECRET)))
        ),
        "connection 1: got PairConfirm(",
    ),
    (
        pair_ev.FrameReceived(
            ONE, pair_msg.dump_message(pair_msg.PairRequest(SECRET, DeviceInfo("A\nB\x1b[2J", "")))
        ),
        r"name='A\nB\x1b[2J'",
    ),
    (
        pair_ev.FrameRefused(ONE, Reason.BAD_MESSAGE),
        "connection 1: got a frame that cannot be read (bad_message)",
    ),
    (pair_ev.ConnectionLost(ONE), "connection 1: closed"),
    (pair_ev.ConnectionLost(ONE, 4401), "connection 1: closed by the other side, 4401"),
    (pair_do.CloseConnection(ONE), "connection 1: closing"),
    (
        pair_do.CloseConnection(ONE, pair_msg.CloseCode.BAD_MESSAGES),
        "connection 1: closing, 4400 BAD_MESSAGES",
    ),
    (
        pair_do.Send(ONE, pair_msg.PairChallenge(SECRET, pair_msg.Auth(v=1, m="psk", y=SECRET))),
        "connection 1: sent PairChallenge(",
    ),
    (
        pair_do.Send(ONE, pair_msg.PairResult(SECRET, False, Reason.NOT_VERIFIED)),
        "approved=False, reason=<Reason.NOT_VERIFIED",
    ),
    (
        pair_do.Send(ONE, pair_msg.SessionEnded(SECRET, Reason.TAMPERED)),
        "connection 1: sent SessionEnded(",
    ),
    (link_ev.ChannelOpened(LINK, 3, "x" * 64), f"link host-1: channel 3 is open, '{'x' * 64}'"),
    (link_ev.ChannelOpened(LINK, 3, "x" * 65), f"link host-1: channel 3 is open, '{'x' * 64}'"),
    (ev.Decide(SECRET, approved=False, number=3), "answer to request 3: declined"),
    (ev.Join(TARGET), "Join(target=JoinTarget(address='192.168.1.7', port=47800))"),
    (
        pair_do.Dial(ev.ConnectionID(1, dialled=True), TARGET.websocket_url),
        "ws://192.168.1.7:47800/ws",
    ),
    (do.Publish(INVITATION), "a code is shown, one-time"),
    (do.Publish(st.NoInvitation(None)), "no code is shown"),
    (do.Publish(st.NoInvitation(Reason.NO_NETWORK)), "no code is shown: no_network"),
    (
        do.Publish(st.Prompt(SECRET, DEVICE, "192.168.1.9", None, 40.0, 2)),
        "request 2: 'Ana' at 192.168.1.9 asks to join",
    ),
    (
        do.Publish(st.PairOutcome(SECRET, approved=False, reason=Reason.GUEST_LEFT)),
        "request over: guest_left",
    ),
    (
        do.Publish(st.LinkStatus(LINK, SECRET, st.Stage.CLOSED, reason=Reason.ICE_FAILED)),
        "link host-1: closed, ice_failed",
    ),
    (do.Publish(st.Trouble(Problem(Reason.CODE_CLOSED))), "code_closed"),
    (
        do.Publish(st.Trouble(Problem(Reason.PEER_ERROR, "size"), LINK)),
        "link host-1: peer_error (size)",
    ),
    (do.Publish(st.ProofPolicy(required=True)), "guests that prove nothing are refused"),
    (link_ev.ChannelOpened(LINK, 3, f"screen/{SECRET}"), "channel 3 is open, for screen"),
    (link_ev.ChannelOpened(LINK, 3, f"input/{SECRET}"), "channel 3 is open, for input"),
    (
        do.Publish(
            screen_st.ScreenQuestion(LINK, 2, "A\nB", Verified.CODE, True, False, deadline=40.0)
        ),
        r"link host-1: screen question 2: 'A\nB' asks to see and control it, verified: code",
    ),
    (
        do.Publish(screen_st.ScreenAnswered(LINK, 2)),
        "link host-1: screen question 2 is over",
    ),
    (
        screen_ev.AnswerScreen(LINK, 2, screen_ev.Grant.CONTROL, knowing=True),
        "link host-1: answer to screen question 2: control",
    ),
    (
        do.Publish(screen_st.ScreenShare(LINK, True, screen_st.ScreenStage.VIEWED, 0, (MONITOR,))),
        "link host-1: this screen is viewed, monitor 0 of 1",
    ),
    (
        do.Publish(
            screen_st.ScreenShare(
                LINK, False, screen_st.ScreenStage.ENDED, reason=Reason.SCREEN_LOST
            )
        ),
        "link host-1: the other screen is ended, screen_lost",
    ),
    (screen_do.PrepareScreens(LINK), "PrepareScreens(link='host-1')"),
    (screen_do.FindScreens(LINK), "FindScreens(link='host-1')"),
    (screen_do.SendPictures(LINK, SECRET, MONITOR, 390, 844), "SendPictures(link='host-1', "),
    (screen_do.PausePictures(LINK), "PausePictures("),
    (screen_do.StopPictures(LINK), "StopPictures("),
    (screen_do.ShowPictures(LINK, SECRET, MONITOR, 3), r"name='DP\n1'"),
    (screen_do.HidePictures(LINK), "HidePictures("),
    (screen_ev.ScreenFailed(LINK, Reason.NO_SCREEN), "ScreenFailed("),
    (screen_ev.PicturesRefused(LINK), "PicturesRefused("),
    (screen_ev.ControlFailed(LINK), "ControlFailed("),
]
NOT_TOLD: list[ProgramEvent | do.Command] = [
    ev.SendText(LINK, SECRET),
    do.SetTimer(ev.SessionTimer(ev.TimerName.SESSION, SECRET), 1.0),
    do.Publish(st.TextReceived(LINK, SECRET)),
    do.Publish(st.TextSent(LINK, SECRET)),
    do.Publish(sight.PicturesReady(LINK)),
    do.Publish(sight.SharingFigures(LINK, sight.Figures(30.0, 4.0, None))),
    screen_ev.InputReceived(LINK, SECRET, SECRET.encode()),
    screen_ev.UseScreen(LINK, TextInput(SECRET)),
    screen_ev.LocalInput(),
    screen_do.SendInput(LINK, SECRET, TextInput(SECRET)),
    screen_do.Inject(LINK, MONITOR, TextInput(SECRET)),
    screen_do.LetGo(LINK),
    screen_do.ReceiveInput(LINK, SECRET),
]


def test_a_step(caplog: pytest.LogCaptureFixture, subtests: pytest.Subtests) -> None:
    for step, words in TOLD:
        with subtests.test(step=step):
            caplog.clear()
            caplog.set_level(logging.INFO, "proxim")
            log_step(step)
            (line,) = [record.getMessage() for record in caplog.records]
            assert words in line
            assert SECRET not in line
            assert line.isprintable()


def test_what_is_nobodys_business(
    caplog: pytest.LogCaptureFixture, subtests: pytest.Subtests
) -> None:
    for step in NOT_TOLD:
        with subtests.test(step=step):
            caplog.clear()
            caplog.set_level(logging.DEBUG, "proxim")
            log_step(step)
            assert caplog.records == []
