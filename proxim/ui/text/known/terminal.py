"""Known devices in the terminal: what becomes of them, the question whether both screens show the
same digits, `/remember` and `/devices`.
"""

import math
from collections.abc import Callable
from typing import Final

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import SENTENCES, Reason
from proxim.core.i18n import tr
from proxim.core.known import events as known_ev
from proxim.core.known import status as known_st
from proxim.core.known.status import RememberStage
from proxim.ui.remember_words import failure_words, says_so
from proxim.ui.text.console import Colour, Lines
from proxim.ui.text.model import FaceModel
from proxim.ui.text.terminal_words import answers

REMEMBER: Final = "/remember"


class KnownTalk:
    """Says what becomes of the wish to know each other, asks about the digits, and carries out
    `/remember`.

    `clock` is monotonic.
    """

    def __init__(
        self,
        model: FaceModel,
        lines: Lines,
        post: Callable[[ev.Intent], None],
        clock: Callable[[], float],
    ) -> None:
        self._model = model
        self._lines = lines
        self._post = post
        self._clock = clock
        # The digits that wait for an answer, the next ones first.
        self._questions: dict[ev.LinkID, known_st.Remembering] = {}
        # Where this face has said no, as nobody can answer here.
        self._turned_down: set[ev.LinkID] = set()
        # The question that stands there, and since when.
        self._introduced: known_st.Remembering | None = None
        self._introduced_at = 0.0

    # --- what becomes of it -----------------------------------------------------------------------

    def show(self, status: known_st.Remembering) -> None:
        """Say what is new."""
        if status.stage is RememberStage.COMPARE:
            self._questions[status.link] = status
            return
        self._questions.pop(status.link, None)
        name = status.peer_name or tr("device.otherWith")
        match status.stage:
            case RememberStage.PREPARING if status.ours:
                self._lines.say(tr("devices.preparing", name=name))
            case RememberStage.WAITING:
                self._lines.say(tr("devices.waiting", name=name))
            case RememberStage.KEPT:
                self._lines.say(tr("devices.kept", name=name))
            case RememberStage.FAILED:
                if not says_so(status.reason):
                    self._lines.say(tr("devices.notKept"))
                if status.reason is Reason.UNATTENDED and status.link in self._turned_down:
                    self._lines.say(tr("devices.nobodyCompares", name=name))
                elif status.reason is not None:
                    self._lines.say(failure_words(status.reason))
                self._turned_down.discard(status.link)
            case _:
                pass

    def say_invited(self, status: st.LinkStatus, before: st.LinkStatus | None) -> None:
        """Say once for a link that its devices may remember each other."""
        able = st.KNOWN in status.features and (before is None or st.KNOWN not in before.features)
        if able and status.known is None and status.resumes is None:
            self._lines.say(tr("devices.mayRemember", command=REMEMBER))

    # --- questions --------------------------------------------------------------------------------

    @property
    def _asking(self) -> known_st.Remembering | None:
        """The question that comes first of those without an answer."""
        for link in [one for one in self._questions if one not in self._model.links]:
            # Its link has ended, and with it the question.
            del self._questions[link]
        return next(iter(self._questions.values()), None)

    @property
    def open(self) -> bool:
        """Whether what is typed is an answer to a question of this class."""
        return self._introduced is not None and self._introduced == self._asking

    def postpone(self) -> None:
        """Withdraw the question, because another one comes first; it is asked again afterwards."""
        self._introduced = None

    def turn_down(self) -> None:
        """End what asks, because nobody can compare the digits: the other side learns so."""
        self._introduced = None
        while (question := self._asking) is not None:
            del self._questions[question.link]
            self._turned_down.add(question.link)
            self._post(
                known_ev.AnswerRemember(question.link, False, question.digits, unattended=True)
            )

    def introduce(self) -> bool:
        """Describe the next question, unless that was done; return whether there is one."""
        question = self._asking
        if question is None or question == self._introduced:
            self._introduced = question
            return question is not None
        self._introduced = question
        self._introduced_at = self._clock()
        name = question.peer_name or tr("device.otherWith")
        self._lines.blank()
        self._lines.say(
            tr("devices.compareOurs" if question.ours else "devices.compare", name=name)
        )
        if question.known_as is not None:
            self._lines.say(tr("devices.knownAs", name=question.known_as))
        self._lines.field(tr("devices.digits"), spaced(question.digits or ""), Colour.BOLD)
        self._lines.say(tr("terminal.pleaseAnswer", help=tr("devices.compareHelp")))
        return True

    @property
    def question(self) -> str | None:
        """Return the text of the question, which stands at the end of the last line."""
        if self._introduced is None or not self.open:
            return None
        if self._introduced.deadline is None:
            return tr("devices.same")
        left = max(0, math.ceil(self._introduced.deadline - self._clock()))
        return tr("devices.sameWithin", seconds=left)

    def answer(self, text: str) -> None:
        """Handle what was typed behind the question."""
        question = self._introduced
        # The caller has checked that a question is open.
        assert question is not None
        # Nothing but the whole word counts, as people type the letter out of habit. A no ends all
        # of it at both ends, so an empty line is none.
        yes, no = answers("terminal.wholeYes"), answers("terminal.no")
        if text not in yes | no:
            self._lines.say(tr("terminal.pleaseAnswer", help=tr("devices.compareHelp")))
        elif self._clock() < self._introduced_at + st.ANSWER_DELAY_SECONDS:
            self._lines.say(tr("terminal.tooSoon"))
        else:
            del self._questions[question.link]
            self._introduced = None
            self._post(known_ev.AnswerRemember(question.link, text in yes, question.digits))

    # --- the commands -----------------------------------------------------------------------------

    def list_devices(self) -> None:
        """Carry out `/devices`."""
        # It is imported late, as most programs list nothing.
        from proxim.ui.text.known.devices import say_device

        known = self._model.known
        if self._model.known_unreadable:
            self._lines.say(SENTENCES[Reason.KNOWN_UNREADABLE])
        elif known is None or not known.devices:
            self._lines.say(tr("devices.none"))
        else:
            for entry in known.devices:
                say_device(self._lines, entry)

    def remember(self, typed: str) -> None:
        """Carry out `/remember`, with what was typed behind it."""
        links = [one.link for one in self._model.connected]
        if not links:
            self._lines.say(SENTENCES[Reason.NOT_CONNECTED])
        elif len(links) > 1:
            number = int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 6 else 0
            if 1 <= number <= len(links):
                self._begin(links[number - 1])
                return
            for place, link in enumerate(links, 1):
                self._lines.say(self._name(link), f"  {place}  ")
            self._lines.say(tr("terminal.screenWhich", command=REMEMBER))
        else:
            self._begin(links[0])

    def _begin(self, link: ev.LinkID) -> None:
        intent = known_ev.RememberDevice(link)
        reason = self._model.begin(intent, st.KNOWN, Reason.REMEMBER_UNSUPPORTED)
        if reason is not None:
            self._lines.say(SENTENCES[reason])

    def _name(self, link: ev.LinkID) -> str:
        return self._model.links[link].peer_name or tr("device.otherFirst")


def spaced(digits: str) -> str:
    """Return digits in two groups, which people read out and compare more easily."""
    half = len(digits) // 2
    return f"{digits[:half]} {digits[half:]}"
