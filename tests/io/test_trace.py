"""The lines that --verbose writes: what each says, and what none ever holds."""

import logging

import pytest

from proxim.core.commands import Command, Publish, SetTimer
from proxim.core.errors import Problem, Reason
from proxim.core.events import (
    ConnectionID,
    Decide,
    Join,
    LinkID,
    SendText,
    SessionType,
    Timer,
    TimerName,
)
from proxim.core.link.events import ChannelOpened
from proxim.core.pairing.commands import CloseConnection, Dial, Send
from proxim.core.pairing.devices import DeviceInfo
from proxim.core.pairing.events import ConnectionLost, FrameReceived, FrameRefused
from proxim.core.pairing.host_code import JoinTarget
from proxim.core.pairing.messages import (
    Auth,
    CloseCode,
    PairChallenge,
    PairConfirm,
    PairRequest,
    PairResult,
    SessionEnded,
    dump_message,
)
from proxim.core.program import ProgramEvent
from proxim.core.status import (
    Invitation,
    LinkStatus,
    NoInvitation,
    PairOutcome,
    Prompt,
    ProofPolicy,
    Stage,
    TextReceived,
    TextSent,
    Trouble,
)
from proxim.io.trace import log_step

ONE = ConnectionID(1)
LINK = LinkID("host-1")
SECRET = "S3cr3t-S3cr3t_S3cr3t-Q"
DEVICE = DeviceInfo("Ana", "id")
INVITATION = Invitation(SECRET, "uuid", SECRET, SECRET, SessionType.ONE_TIME, None)
TARGET = JoinTarget("192.168.1.7", 47800, SECRET, code=SECRET, qr_secret=SECRET)

TOLD: list[tuple[ProgramEvent | Command, str]] = [
    (FrameReceived(ONE, SECRET), "connection 1: got a frame that cannot be read (bad_json)"),
    (
        FrameReceived(ONE, dump_message(PairConfirm(SECRET, Auth(t=SECRET)))),
        "connection 1: got PairConfirm(",
    ),
    (
        FrameReceived(ONE, dump_message(PairRequest(SECRET, DeviceInfo("A\nB\x1b[2J", "")))),
        r"name='A\nB\x1b[2J'",
    ),
    (
        FrameRefused(ONE, Reason.BAD_MESSAGE),
        "connection 1: got a frame that cannot be read (bad_message)",
    ),
    (ConnectionLost(ONE), "connection 1: closed"),
    (ConnectionLost(ONE, 4401), "connection 1: closed by the other side, 4401"),
    (CloseConnection(ONE), "connection 1: closing"),
    (CloseConnection(ONE, CloseCode.BAD_MESSAGES), "connection 1: closing, 4400 BAD_MESSAGES"),
    (
        Send(ONE, PairChallenge(SECRET, Auth(v=1, m="psk", y=SECRET))),
        "connection 1: sent PairChallenge(",
    ),
    (
        Send(ONE, PairResult(SECRET, False, Reason.NOT_VERIFIED)),
        "approved=False, reason=<Reason.NOT_VERIFIED",
    ),
    (Send(ONE, SessionEnded(SECRET, Reason.TAMPERED)), "connection 1: sent SessionEnded("),
    (ChannelOpened(LINK, 3, "x" * 64), f"link host-1: channel 3 is open, '{'x' * 64}'"),
    (ChannelOpened(LINK, 3, "x" * 65), f"link host-1: channel 3 is open, '{'x' * 64}'"),
    (Decide(SECRET, approved=False, number=3), "answer to request 3: declined"),
    (Join(TARGET), "Join(target=JoinTarget(address='192.168.1.7', port=47800))"),
    (Dial(ConnectionID(-1), TARGET.websocket_url), "ws://192.168.1.7:47800/ws"),
    (Publish(INVITATION), "a code is shown, one-time"),
    (Publish(NoInvitation(None)), "no code is shown"),
    (Publish(NoInvitation(Reason.NO_NETWORK)), "no code is shown: no_network"),
    (
        Publish(Prompt(SECRET, DEVICE, "192.168.1.9", None, 40.0, 2)),
        "request 2: 'Ana' at 192.168.1.9 asks to join",
    ),
    (
        Publish(PairOutcome(SECRET, approved=False, reason=Reason.GUEST_LEFT)),
        "request over: guest_left",
    ),
    (
        Publish(LinkStatus(LINK, SECRET, Stage.CLOSED, reason=Reason.ICE_FAILED)),
        "link host-1: closed, ice_failed",
    ),
    (Publish(Trouble(Problem(Reason.CODE_CLOSED))), "code_closed"),
    (Publish(Trouble(Problem(Reason.PEER_ERROR, "size"), LINK)), "link host-1: peer_error (size)"),
    (Publish(ProofPolicy(required=True)), "guests that prove nothing are refused"),
]
NOT_TOLD: list[ProgramEvent | Command] = [
    SendText(LINK, SECRET),
    SetTimer(Timer(TimerName.SESSION, SECRET), 1.0),
    Publish(TextReceived(LINK, SECRET)),
    Publish(TextSent(LINK, SECRET)),
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
