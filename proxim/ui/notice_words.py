"""The words of a notice, in window and terminal alike."""

import math
from dataclasses import dataclass
from typing import Final

from proxim.core.i18n import tr
from proxim.core.notices import Notice, NoticeKind

_TITLES: Final = {
    NoticeKind.REQUEST: "notify.request",
    NoticeKind.FILES: "notify.files",
    NoticeKind.SCREEN: "notify.screen",
    NoticeKind.CONTROL: "notify.control",
    NoticeKind.REMEMBER: "notify.remember",
    NoticeKind.LET_IN: "notify.letIn",
    NoticeKind.WAS_LET_IN: "notify.wasLetIn",
    NoticeKind.RECEIVED: "notify.received",
    NoticeKind.SENT: "notify.sent",
    NoticeKind.INCOMPLETE: "notify.incomplete",
}
_BODIES: Final = {
    NoticeKind.LET_IN: "notify.letInBody",
    NoticeKind.WAS_LET_IN: "notify.wasLetInBody",
    NoticeKind.RECEIVED: "notify.receivedBody",
    NoticeKind.SENT: "notify.sentBody",
    NoticeKind.INCOMPLETE: "notify.incompleteBody",
}
_COUNTED: Final = frozenset({NoticeKind.FILES, NoticeKind.RECEIVED, NoticeKind.SENT})


@dataclass(frozen=True, slots=True)
class NoticeWords:
    """What is read: one line, and a sentence below it."""

    title: str
    body: str


def notice_words(notice: Notice, now: float) -> NoticeWords:
    """Return the words of a notice that is shown now."""
    name = notice.peer_name or tr("device.otherLabel")
    count = notice.files if notice.kind in _COUNTED else None
    title = tr(_TITLES[notice.kind], count=count, name=name)
    if notice.kind in _BODIES:
        return NoticeWords(title, tr(_BODIES[notice.kind]))
    if notice.deadline is None:
        return NoticeWords(title, tr("notify.answer"))
    seconds = max(0, math.ceil(notice.deadline - now))
    return NoticeWords(title, tr("notify.answerWithin", seconds=seconds))
