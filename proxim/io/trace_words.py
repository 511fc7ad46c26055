"""What --verbose tells: each step of hosting and joining, as one line of the log.

What is not named here is not told. Secrets, session ids and texts are left out of the reprs that
are used (messages.py, status.py), and a repr shows what others sent without its control characters.
"""

from typing import Final, assert_never

from proxim.core.commands import Command, Listen, Publish, StopListening
from proxim.core.errors import FILE_REASONS
from proxim.core.events import Decide, Invite, Join, Listening, SetRequireProof
from proxim.core.files.status import TransferState, TransferStatus
from proxim.core.files.transfers import STREAM_LABEL
from proxim.core.json_text import MessageError
from proxim.core.link.commands import DialLane
from proxim.core.link.events import ChannelClosed, ChannelOpened, LaneLost, LaneOpened, PeerFailed
from proxim.core.pairing.commands import CloseConnection, Dial, Send
from proxim.core.pairing.events import (
    ConnectionLost,
    ConnectionOpened,
    DialFailed,
    FrameReceived,
    FrameRefused,
)
from proxim.core.pairing.messages import parse_message
from proxim.core.program import ProgramEvent
from proxim.core.status import (
    Invitation,
    LinkStatus,
    Networks,
    NoInvitation,
    PairOutcome,
    Prompt,
    ProofPolicy,
    Status,
    Stopped,
    TextReceived,
    TextSent,
    ThisDevice,
    Trouble,
)

# Characters of a channel's label, which the other side chose, up to 64 KiB of it
_LABEL: Final = 64


def step_words(step: ProgramEvent | Command) -> str | None:
    """The line of one step; None for what is not told."""
    match step:
        case FrameReceived(connection, text):
            return f"connection {connection}: got {_frame(text)}"
        case FrameRefused(connection, reason):
            return f"connection {connection}: got a frame that cannot be read ({reason})"
        case Send(connection, message):
            return f"connection {connection}: sent {message!r}"
        case ConnectionOpened(connection, address):
            return f"connection {connection}: open, with {address}"
        case ConnectionLost(connection, code):
            return f"connection {connection}: closed" + (
                "" if code is None else f" by the other side, {code}"
            )
        case CloseConnection(connection, code):
            return f"connection {connection}: closing" + (
                "" if code is None else f", {code.value} {code.name}"
            )
        case Publish(status):
            return _status_words(status)
        case Decide(_, approved, number):
            return f"answer to request {number}: {'approved' if approved else 'declined'}"
        case ChannelOpened(link, channel, label):
            # A stream's label holds its transfer's id, which is a secret of the two ends.
            shown = "a stream" if STREAM_LABEL.fullmatch(label) else repr(label[:_LABEL])
            return f"link {link}: channel {channel} is open, {shown}"
        case (
            Dial()
            | DialFailed()
            | Listen()
            | Listening()
            | StopListening()
            | Invite()
            | Join()
            | SetRequireProof()
            | PeerFailed()
            | ChannelClosed()
            | DialLane()
            | LaneOpened()
            | LaneLost()
        ):
            return repr(step)
        case _:
            # Timers, the networks' changes, texts, what the links carry
            return None


def _frame(text: str) -> str:
    try:
        return repr(parse_message(text))
    except MessageError as error:
        return f"a frame that cannot be read ({error.reason})"


def _transfer(status: TransferStatus) -> str | None:
    """Without names, and without the id, which is a secret; what moves, ten times a second, is left
    out.
    """
    if status.state is TransferState.ACTIVE and status.moved:
        return None
    reason = f", {status.reason}" if status.reason else ""
    what = f"{len(status.entries)} entries, {status.size} bytes"
    return f"transfer {status.direction}: {status.state}{reason}, {what}, by {status.via}"


def _status_words(status: Status) -> str | None:
    match status:
        case Prompt(_, device, address, verified, _, number):
            return (
                f"request {number}: {device.name!r} at {address} asks to join, verified: {verified}"
            )
        case PairOutcome(_, approved, reason):
            return f"request over: {'approved' if approved else reason}"
        case LinkStatus():
            with_whom = (
                f"{status.peer_name!r} at {status.peer_address}, verified: {status.verified}"
            )
            return f"link {status.link}: {status.stage}" + (
                f", {status.reason}" if status.reason else f", {with_whom}"
            )
        case Trouble(problem, link):
            where = "" if link is None else f"link {link}: "
            tellable = problem.detail if problem.reason not in FILE_REASONS else ""
            return f"{where}{problem.reason}" + (f" ({tellable})" if tellable else "")
        case Invitation():
            return f"a code is shown, {status.type}" + (
                ", closed for typing" if status.code_closed else ""
            )
        case NoInvitation(reason):
            return "no code is shown" + ("" if reason is None else f": {reason}")
        case ProofPolicy(required):
            return f"guests that prove nothing are {'refused' if required else 'asked about'}"
        case TransferStatus():
            return _transfer(status)
        case ThisDevice() | Networks() | TextReceived() | TextSent() | Stopped():
            return None
        case _:
            assert_never(status)
