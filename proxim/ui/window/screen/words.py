"""The sentences about a shared screen: who sees or controls whose, and why that has ended."""

from typing import Final

from proxim.core.errors import SENTENCES, Reason
from proxim.core.i18n import tr
from proxim.core.screen.status import ScreenShare, ScreenStage

_SHOWN: Final = {
    ScreenStage.OFFERED: "screen.mayLook",
    ScreenStage.VIEWED: "screen.seesYours",
    ScreenStage.CONTROLLED: "screen.controlsYours",
    ScreenStage.PAUSED: "screen.pausedYours",
}
_SEEN: Final = {
    ScreenStage.ASKING: "screen.asked",
    ScreenStage.OFFERED: "screen.showsYou",
    ScreenStage.VIEWED: "screen.youSee",
    ScreenStage.CONTROLLED: "screen.youControl",
    ScreenStage.PAUSED: "screen.pausedThere",
}
# The sentences of these reasons are about joining; a screen has others.
_ENDED_SHOWING: Final = {
    Reason.PEER_LEFT: "screen.looksNoLonger",
    Reason.TOO_MANY: "screen.controlledTooFast",
}
_ENDED_SEEING: Final = {
    Reason.CLOSED: "screen.showsNoLonger",
    Reason.DECLINED: "screen.declined",
    Reason.TIMEOUT: "screen.notAnswered",
    Reason.TOO_MANY: "screen.askedTooOften",
}


def other_first(name: str | None) -> str:
    """Return a device's name for the beginning of a sentence."""
    return name or tr("device.otherFirst")


def state_words(share: ScreenShare, name: str | None) -> str | None:
    """Return what is shared now, in one sentence; None if nothing is."""
    key = (_SHOWN if share.shows else _SEEN).get(share.stage)
    if key is None:
        return None
    if share.stage is ScreenStage.ASKING and share.control:
        key = "screen.askedBoth"
    first = share.shows or share.stage in (ScreenStage.OFFERED, ScreenStage.PAUSED)
    return tr(key, name=other_first(name) if first else name or tr("device.otherWith"))


def reason_words(share: ScreenShare, name: str | None) -> str | None:
    """Return why a share, or control in it, was refused or has ended; None if the person did it
    here.
    """
    reason = share.reason
    if reason is None:
        return None
    if share.shows and reason is Reason.CLOSED:
        return None
    key = (_ENDED_SHOWING if share.shows else _ENDED_SEEING).get(reason)
    if key is None:
        return SENTENCES[reason]
    ended = share.stage is ScreenStage.ENDED
    if not share.shows and not ended:
        # It is seen as before, and only control was refused or has ended.
        key = {
            "screen.showsNoLonger": "screen.controlEnded",
            "screen.declined": "screen.controlDeclined",
            "screen.notAnswered": "screen.controlDeclined",
        }.get(key, key)
    return tr(key, name=other_first(name))
