"""The wording of --verbose: each step of hosting and joining as one line of the log.

Steps that are not named here are not logged. The reprs used here leave out secrets, session ids and
texts (messages.py, status.py), and show text from the other side without its control characters.
"""

from typing import Final, assert_never

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.control.controlling import INPUT
from proxim.core.errors import FILE_REASONS
from proxim.core.files import status as file_st
from proxim.core.files.transfers import STREAM_LABEL
from proxim.core.json_text import MessageError
from proxim.core.link import commands as link_do
from proxim.core.link import events as link_ev
from proxim.core.pairing import commands as pair_do
from proxim.core.pairing import events as pair_ev
from proxim.core.pairing import messages as pair_msg
from proxim.core.program import ProgramEvent
from proxim.core.screen import commands as screen_do
from proxim.core.screen import events as screen_ev
from proxim.core.screen import status as screen_st
from proxim.core.screen.sharing import PICTURES

# How many characters of a channel's label are shown. The other side chooses the label, which may be
# 64 KiB long.
_LABEL: Final = 64


def step_words(step: ProgramEvent | do.Command) -> str | None:
    """Return the line for one step, or None if the step is not logged."""
    match step:
        case pair_ev.FrameReceived(connection, text):
            return f"connection {connection}: got {_frame(text)}"
        case pair_ev.FrameRefused(connection, reason):
            return f"connection {connection}: got a frame that cannot be read ({reason})"
        case pair_do.Send(connection, message):
            return f"connection {connection}: sent {message!r}"
        case pair_ev.ConnectionOpened(connection, address):
            return f"connection {connection}: open, with {address}"
        case pair_ev.ConnectionLost(connection, code):
            return f"connection {connection}: closed" + (
                "" if code is None else f" by the other side, {code}"
            )
        case pair_do.CloseConnection(connection, code):
            return f"connection {connection}: closing" + (
                "" if code is None else f", {code.value} {code.name}"
            )
        case do.Publish(status):
            return _status_words(status)
        case ev.Decide(_, approved, number):
            return f"answer to request {number}: {'approved' if approved else 'declined'}"
        case link_ev.ChannelOpened(link, channel, label):
            return f"link {link}: channel {channel} is open, {_channel(label)}"
        case screen_ev.AnswerScreen(link, number, grant):
            return f"link {link}: answer to screen question {number}: {grant}"
        case (
            pair_do.Dial()
            | pair_ev.DialFailed()
            | do.Listen()
            | ev.Listening()
            | do.StopListening()
            | ev.Invite()
            | ev.Join()
            | ev.SetRequireProof()
            | link_ev.PeerFailed()
            | link_ev.ChannelClosed()
            | link_do.DialLane()
            | link_ev.LaneOpened()
            | link_ev.LaneLost()
            | screen_ev.ScreenFailed()
            | screen_ev.PicturesRefused()
            | screen_ev.ControlFailed()
            | screen_do.PrepareScreens()
            | screen_do.FindScreens()
            | screen_do.SendPictures()
            | screen_do.PausePictures()
            | screen_do.StopPictures()
            | screen_do.ShowPictures()
            | screen_do.HidePictures()
        ):
            return repr(step)
        case _:
            # Timers, network changes, texts and what the links carry are not logged, nor is what
            # somebody does with mouse and keyboard.
            return None


def _channel(label: str) -> str:
    """Describe a channel by its label, without the id in it, which is a secret of the two ends."""
    if STREAM_LABEL.fullmatch(label):
        return "a stream"
    if label.partition("/")[0] in (PICTURES, INPUT):
        return f"for {label.partition('/')[0]}"
    return repr(label[:_LABEL])


def _frame(text: str) -> str:
    try:
        return repr(pair_msg.parse_message(text))
    except MessageError as error:
        return f"a frame that cannot be read ({error.reason})"


def _transfer(status: file_st.TransferStatus) -> str | None:
    """Describe a transfer without names, and without its id, which is a secret.

    Progress, reported ten times a second, is left out.
    """
    if status.state is file_st.TransferState.ACTIVE and status.moved:
        return None
    reason = f", {status.reason}" if status.reason else ""
    what = f"{len(status.entries)} entries, {status.size} bytes"
    return f"transfer {status.direction}: {status.state}{reason}, {what}, by {status.via}"


def _screen(status: screen_st.ScreenShare) -> str:
    whose = "this" if status.shows else "the other"
    reason = f", {status.reason}" if status.reason else ""
    where = (
        "" if status.monitor is None else f", monitor {status.monitor} of {len(status.monitors)}"
    )
    return f"link {status.link}: {whose} screen is {status.stage}{reason}{where}"


def _status_words(status: st.Status) -> str | None:
    match status:
        case st.Prompt(_, device, address, verified, _, number):
            return (
                f"request {number}: {device.name!r} at {address} asks to join, verified: {verified}"
            )
        case st.Prompts(shown, queued):
            return f"requests: {len(shown)} shown, {len(queued)} queued"
        case st.PairOutcome(_, approved, reason, surplus):
            unseen = ", one too many" if surplus else ""
            return f"request over: {'approved' if approved else reason}{unseen}"
        case st.LinkStatus():
            with_whom = (
                f"{status.peer_name!r} at {status.peer_address}, verified: {status.verified}"
            )
            return f"link {status.link}: {status.stage}" + (
                f", {status.reason}" if status.reason else f", {with_whom}"
            )
        case st.Trouble(problem, link):
            where = "" if link is None else f"link {link}: "
            detail = problem.detail if problem.reason not in FILE_REASONS else ""
            return f"{where}{problem.reason}" + (f" ({detail})" if detail else "")
        case st.Invitation():
            return f"a code is shown, {status.type}" + (
                ", closed for typing" if status.code_closed else ""
            )
        case st.NoInvitation(reason):
            return "no code is shown" + ("" if reason is None else f": {reason}")
        case st.ProofPolicy(required):
            return f"guests that prove nothing are {'refused' if required else 'asked about'}"
        case file_st.TransferStatus():
            return _transfer(status)
        case screen_st.ScreenQuestion(link, number, name, verified, control):
            what = "see and control" if control else "see"
            return (
                f"link {link}: screen question {number}: {name!r} asks to {what} it, "
                f"verified: {verified}"
            )
        case screen_st.ScreenAnswered(link, number):
            return f"link {link}: screen question {number} is over"
        case screen_st.ScreenShare():
            return _screen(status)
        case (
            st.ThisDevice()
            | st.Networks()
            | st.TextReceived()
            | st.TextSent()
            | st.FeatureStatus()
            | st.Stopped()
        ):
            return None
        case _:
            assert_never(status)
