"""Decides what a person should hear of who is looking elsewhere, for the window and the terminal.

Notices fall into slots. Each shows one thing at a time, so that nobody can fill the desktop: of
what waits for an answer, what is over first; of the rest, the newest. A question's notice goes with
the question, and every notice goes when the person looks at Proxim.
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.files.manifest import Direction, TransferID
from proxim.core.files.status import REFUSALS, TransferState, TransferStatus
from proxim.core.known.status import Remembering, RememberStage
from proxim.core.screen.status import ScreenAnswered, ScreenQuestion
from proxim.core.token_bucket import RateLimit, TokenBucket

# For each slot. A person who is called five times at once hears no more from a sixth, and Proxim
# shows everything itself.
NOTICE_RATE: Final = RateLimit(per_second=0.1, burst=5)


class NoticeKind(StrEnum):
    """What a notice is about."""

    # Somebody asks to join, with one of these proofs.
    REQUEST = "request"
    # Somebody would like to send files.
    FILES = "files"
    # Somebody would like to see this screen, or also to control it.
    SCREEN = "screen"
    CONTROL = "control"
    # Somebody would like that the two devices know each other.
    REMEMBER = "remember"
    # A known device is linked, and nobody was asked.
    LET_IN = "let_in"
    # Such a device was here, and is not any more.
    WAS_LET_IN = "was_let_in"
    RECEIVED = "received"
    SENT = "sent"
    # A transfer has ended, and not everything arrived.
    INCOMPLETE = "incomplete"


class NoticeSlot(StrEnum):
    """The places for notices on the desktop; a new notice replaces the one in its place."""

    QUESTION = "question"
    # Nothing may hide that somebody was let in.
    LET_IN = "let_in"
    NEWS = "news"


_NEWS: Final = {
    NoticeKind.LET_IN: NoticeSlot.LET_IN,
    NoticeKind.WAS_LET_IN: NoticeSlot.LET_IN,
    NoticeKind.RECEIVED: NoticeSlot.NEWS,
    NoticeKind.SENT: NoticeSlot.NEWS,
    NoticeKind.INCOMPLETE: NoticeSlot.NEWS,
}


@dataclass(frozen=True, slots=True)
class Notice:
    """What a person should hear of.

    Other people may see a desktop's notices, also on a locked screen: they hold no code, text,
    digits or name of a file.
    """

    kind: NoticeKind
    # Cleaned for display; None if it is not known.
    peer_name: str | None
    # The files that it is about.
    files: int = 0
    # When a question is over; None if it waits for an answer.
    deadline: float | None = None

    @property
    def slot(self) -> NoticeSlot:
        """Its place on the desktop."""
        return _NEWS.get(self.kind, NoticeSlot.QUESTION)

    @property
    def corrects(self) -> bool:
        """Whether it only keeps true what stood in its place: it calls nobody."""
        return self.kind is NoticeKind.WAS_LET_IN


@dataclass(frozen=True, slots=True)
class WithdrawNotice:
    """What is in this place says nothing any more."""

    slot: NoticeSlot


NoticeChange = Notice | WithdrawNotice


class Notices:
    """Follows the statuses of one program."""

    def __init__(self, now: float) -> None:
        self._budgets = {slot: TokenBucket(NOTICE_RATE, now) for slot in NoticeSlot}
        # What waits for an answer, in the order in which it came.
        self._questions: dict[Hashable, Notice] = {}
        # Questions that the person has looked at.
        self._seen: set[Hashable] = set()
        # The question whose notice is shown.
        self._told: Hashable | None = None
        # The other places in which a notice is shown.
        self._shown: set[NoticeSlot] = set()
        # Links and transfers that are not over.
        self._let_in: set[ev.LinkID] = set()
        # The link that the newest notice of a device that was let in is about.
        self._told_in: ev.LinkID | None = None
        self._unfinished: set[TransferID] = set()

    def note(
        self, status: st.Status, now: float, *, in_front: bool = False
    ) -> tuple[NoticeChange, ...]:
        """Take in a status; return what changes on the desktop.

        With `in_front` the person looks at Proxim, and so at the status itself.
        """
        news = self._take_in(status)
        if in_front:
            return self.seen()
        changes = [*self._ask(now)]
        if news is not None and (news.corrects or self._budgets[news.slot].consume(now)):
            self._shown.add(news.slot)
            changes.append(news)
            if news.kind is NoticeKind.LET_IN and isinstance(status, st.LinkStatus):
                self._told_in = status.link
        return tuple(changes)

    def seen(self) -> tuple[NoticeChange, ...]:
        """Return what changes because the person looks at Proxim now."""
        self._seen = set(self._questions)
        self._told_in = None
        told, self._told = self._told, None
        shown, self._shown = self._shown, set()
        slots = [NoticeSlot.QUESTION] if told is not None else []
        return tuple(WithdrawNotice(slot) for slot in (*slots, *sorted(shown)))

    def _ask(self, now: float) -> Iterator[NoticeChange]:
        """Yield what changes in the place for questions."""
        open_ones = [key for key in self._questions if key not in self._seen]
        # Of several without an end, the one that came first.
        first = min(open_ones, key=self._end_of, default=None)
        if first == self._told:
            return
        if first is not None and self._budgets[NoticeSlot.QUESTION].consume(now):
            self._told = first
            yield self._questions[first]
        elif self._told is not None and self._told not in self._questions:
            self._told = None
            yield WithdrawNotice(NoticeSlot.QUESTION)

    def _end_of(self, key: Hashable) -> float:
        deadline = self._questions[key].deadline
        return float("inf") if deadline is None else deadline

    def _take_in(self, status: st.Status) -> Notice | None:
        """Follow what waits for an answer; return the news, if there is some."""
        match status:
            case st.Prompts(shown, queued):
                self._follow_prompts((*shown, *queued))
            case st.LinkStatus():
                return self._follow_link(status)
            case TransferStatus():
                return self._follow_transfer(status)
            case ScreenQuestion():
                kind = NoticeKind.CONTROL if status.control else NoticeKind.SCREEN
                self._questions[status.link, status.number] = Notice(
                    kind, status.peer_name, deadline=status.deadline
                )
            case ScreenAnswered():
                self._over((status.link, status.number))
            case Remembering():
                self._follow_remembering(status)
            case st.Stopped():
                self._questions.clear()
            case _:
                pass
        return None

    def _over(self, key: Hashable) -> None:
        self._questions.pop(key, None)
        self._seen.discard(key)

    def _follow_prompts(self, prompts: tuple[st.Prompt, ...]) -> None:
        asked = {("join", prompt.session_id, prompt.number): prompt for prompt in prompts}
        for key in [*self._questions]:
            if isinstance(key, tuple) and key[0] == "join" and key not in asked:
                self._over(key)
        for key, prompt in asked.items():
            notice = Notice(NoticeKind.REQUEST, prompt.device.name, deadline=prompt.deadline)
            self._questions.setdefault(key, notice)

    def _follow_link(self, status: st.LinkStatus) -> Notice | None:
        known = self._let_in
        if status.stage is st.Stage.CLOSED:
            known.discard(status.link)
            self._over(("remember", status.link))
            if status.link != self._told_in:
                return None
            # Nobody has looked since, so a notice stands there that says that it is connected.
            self._told_in = None
            return Notice(NoticeKind.WAS_LET_IN, status.peer_name)
        if not status.let_in or status.stage is not st.Stage.CONNECTED or status.link in known:
            return None
        known.add(status.link)
        if status.resumes is not None and status.resumes in known:
            # To the person it is the same link.
            known.discard(status.resumes)
            if self._told_in == status.resumes:
                self._told_in = status.link
            return None
        return Notice(NoticeKind.LET_IN, status.peer_name)

    def _follow_transfer(self, status: TransferStatus) -> Notice | None:
        key = ("files", status.transfer)
        if not status.needs_answer:
            self._over(key)
        elif key not in self._questions:
            self._questions[key] = Notice(NoticeKind.FILES, status.peer_name, _files(status))
        if not status.over:
            self._unfinished.add(status.transfer)
            return None
        if status.transfer not in self._unfinished:
            return None
        self._unfinished.discard(status.transfer)
        kind = _end_kind(status)
        return None if kind is None else Notice(kind, status.peer_name, _files(status))

    def _follow_remembering(self, status: Remembering) -> None:
        key = ("remember", status.link)
        if status.stage is RememberStage.COMPARE and not status.ours:
            self._questions[key] = Notice(
                NoticeKind.REMEMBER, status.peer_name, deadline=status.deadline
            )
        else:
            self._over(key)


def _files(status: TransferStatus) -> int:
    return sum(not entry.directory for entry in status.entries)


def _end_kind(status: TransferStatus) -> NoticeKind | None:
    """Return what is to be heard of the end of a transfer.

    Who has ended it here knows that already.
    """
    incoming = status.direction is Direction.IN
    if status.state is TransferState.DONE:
        if status.failed:
            return NoticeKind.INCOMPLETE
        return NoticeKind.RECEIVED if incoming else NoticeKind.SENT
    declined = status.reason in REFUSALS and not incoming
    theirs = declined or status.reason is Reason.PEER_LEFT
    return NoticeKind.INCOMPLETE if theirs or status.state is TransferState.FAILED else None
