"""Shared screens in the terminal: what becomes of them, the questions about them, and `/show`,
`/see`, `/control`, `/pause`, `/resume` and `/hide`.

A terminal draws no screen, so it only shows this device's own. Nothing of ours stands on that
screen: the terminal says in words who sees and controls it.
"""

import math
from collections.abc import Callable
from typing import Final

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import SENTENCES, Reason
from proxim.core.i18n import tr
from proxim.core.screen import events as screen_ev
from proxim.core.screen import status as screen_st
from proxim.core.screen.events import Grant
from proxim.core.screen.messages import ALL_MONITORS
from proxim.core.screen.status import PanicChord, ScreenStage, needs_second_step
from proxim.ui.text.console import Lines
from proxim.ui.text.model import FaceModel
from proxim.ui.text.screen.shares import Shares
from proxim.ui.text.terminal_words import BADGES, DIFFERED, answers

# Why a share is over, where the sentence of the reason is about a link or a message.
_ENDS: Final = {
    Reason.CLOSED: "terminal.screenHidden",
    Reason.PEER_LEFT: "terminal.screenLeft",
    Reason.PEER_VANISHED: "terminal.screenVanished",
}
_PANIC_KEYS: Final = {
    PanicChord.CTRL_ALT_ESCAPE: "screen.ctrlAltEsc",
    PanicChord.CTRL_ALT_SHIFT_ESCAPE: "screen.ctrlAltShiftEsc",
}


class ScreenTalk:
    """Says what becomes of shared screens, asks about them, and carries out commands.

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
        self._shares = Shares()
        # These questions were answered here, but are not over yet.
        self._settled: set[screen_st.ScreenQuestion] = set()
        # This is the question that stands there, and since when.
        self._introduced: screen_st.ScreenQuestion | None = None
        self._introduced_at = 0.0
        # This link gets control once the person has typed the whole word (the second step).
        self._warned: ev.LinkID | None = None

    # --- what becomes of them ---------------------------------------------------------------------

    def show(self, status: st.FeatureStatus) -> None:
        """Say what is new."""
        before = self._shares.note(status)
        match status:
            case screen_st.ScreenAnswered(link):
                self._forget_warning(link)
            case screen_st.PanicKeys(chord) if chord is not None:
                self._lines.say(tr("terminal.screenPanic", keys=tr(_PANIC_KEYS[chord])))
            case screen_st.ScreenShare() if status.shows:
                self._say_shown(status, before)
            case screen_st.ScreenShare(link, stage=ScreenStage.OFFERED):
                # Whoever offers it should not wait for eyes that do not come.
                self._lines.say(tr("terminal.screenNotDrawn", name=self._name(link)))
                self._post(screen_ev.StopScreen(link))
            case _:
                pass

    @property
    def shows(self) -> bool:
        """Whether somebody sees this screen, or may at any moment."""
        return bool(self._shares.shown)

    def _say_shown(
        self, share: screen_st.ScreenShare, before: screen_st.ScreenShare | None
    ) -> None:
        name = self._name(share.link)
        stage, was = share.stage, None if before is None else before.stage
        if stage is was:
            if before is not None and share.monitor != before.monitor:
                if share.monitor == ALL_MONITORS:
                    self._lines.say(tr("terminal.screenAllMonitors", name=name))
                else:
                    self._lines.say(tr("terminal.screenMonitor", name=name, number=_number(share)))
            return
        match stage:
            case ScreenStage.OFFERED:
                self._lines.say(tr("terminal.screenOffered", name=name))
            case ScreenStage.VIEWED if was is ScreenStage.CONTROLLED:
                self._lines.say(tr("terminal.screenNotControlled", name=name))
                if share.reason is Reason.TOO_MANY:
                    self._lines.say(tr("terminal.screenFlood"))
                elif share.reason not in (None, Reason.CLOSED):
                    self._lines.say(SENTENCES[share.reason])
            case ScreenStage.VIEWED if was is ScreenStage.PAUSED:
                self._lines.say(tr("terminal.screenGoesOn", name=name))
            case ScreenStage.VIEWED:
                self._lines.say(tr("terminal.screenViewed", name=name))
            case ScreenStage.CONTROLLED:
                self._lines.say(tr("terminal.screenControlled", name=name))
            case ScreenStage.PAUSED:
                self._lines.say(tr("terminal.screenPaused", name=name))
            case _:
                self._forget_warning(share.link)
                reason = share.reason or Reason.CLOSED
                key = _ENDS.get(reason)
                self._lines.say(SENTENCES[reason] if key is None else tr(key, name=name))

    def _name(self, link: ev.LinkID) -> str:
        status = self._model.links.get(link)
        return (status and status.peer_name) or tr("device.otherFirst")

    # --- questions --------------------------------------------------------------------------------

    @property
    def _asking(self) -> screen_st.ScreenQuestion | None:
        """The question that comes first of those without an answer."""
        questions = self._shares.questions.values()
        self._settled.intersection_update(questions)
        return next((one for one in questions if one not in self._settled), None)

    @property
    def open(self) -> bool:
        """Whether what is typed is an answer to a question of this class."""
        return self._warned is not None or (
            self._introduced is not None and self._introduced == self._asking
        )

    def postpone(self) -> None:
        """Withdraw the question, because another one comes first; it is asked again afterwards."""
        self._introduced = None
        self._warned = None

    def turn_down(self) -> None:
        """Decline what is asked, because nobody can answer: the other side learns so."""
        self._introduced = self._warned = None
        while (question := self._asking) is not None:
            self._settled.add(question)
            self._lines.blank()
            self._lines.say(self._asked_words(question))
            self._lines.say(tr("terminal.nobodyAnswers"))
            nothing = Grant.NOTHING
            self._post(
                screen_ev.AnswerScreen(question.link, question.number, nothing, unattended=True)
            )

    def introduce(self) -> bool:
        """Describe the next question, unless that was done; return whether there is one."""
        question = self._asking
        if question is None or question == self._introduced:
            self._introduced = question
            return self.open
        self._introduced = question
        self._introduced_at = self._clock()
        self._warned = None
        asker = self._model.links.get(question.link)
        differed = asker is not None and asker.digits_differed
        badge, colour = DIFFERED if differed else BADGES[question.verified]
        self._lines.blank()
        self._lines.say(self._asked_words(question))
        self._lines.field(tr("terminal.proof"), tr(badge), colour)
        if question.verified is None:
            self._lines.say(tr("terminal.caution"))
        if question.control:
            self._lines.say(tr("terminal.screenCaution"))
        help = self._help(question)
        if not question.control and question.verified is None:
            # It does not begin with what is to be typed.
            help = tr("terminal.pleaseAnswer", help=help)
        self._lines.say(help)
        return True

    def _asked_words(self, question: screen_st.ScreenQuestion) -> str:
        key = "terminal.screenAsked"
        if self._is_more(question):
            key = "terminal.screenAskedMore"
        elif question.control:
            key = "terminal.screenAskedControl"
        return tr(key, name=question.peer_name or tr("device.otherFirst"))

    @property
    def question(self) -> str | None:
        """Return the text of the question, which stands at the end of the last line."""
        if self._warned is not None:
            return tr("terminal.screenWholeControl")
        question = self._introduced
        if question is None or not self.open:
            return None
        if self._is_more(question):
            key = "terminal.screenAllowMore"
        elif question.control:
            key = "terminal.screenAllowControl"
        elif question.verified is None:
            key = "terminal.screenAllowUnverified"
        else:
            key = "terminal.screenAllow"
        left = max(0, math.ceil(question.deadline - self._clock()))
        return tr(key, seconds=left)

    def answer(self, text: str) -> None:
        """Handle what was typed behind the question."""
        question = self._introduced
        yes = answers("terminal.wholeYes" if self._is_unverified else "terminal.yes")
        if self._warned is not None:
            self._confirm(self._warned, text)
        # The caller has checked that a question is open.
        elif question is None:
            raise AssertionError
        elif not text or text in answers("terminal.no"):
            if self._is_early:
                self._lines.say(tr("terminal.tooSoon"))
            else:
                self._decide(question, Grant.NOTHING)
        elif text in answers("terminal.control") and question.control:
            if self._is_early:
                self._lines.say(tr("terminal.tooSoon"))
            elif question.second_step:
                self._warn(question.link)
            else:
                self._decide(question, Grant.CONTROL)
        elif text in yes and not self._is_more(question):
            if self._is_early:
                self._lines.say(tr("terminal.tooSoon"))
            else:
                self._decide(question, Grant.VIEW)
        else:
            self._lines.say(tr("terminal.pleaseAnswer", help=self._help(question)))

    def _confirm(self, link: ev.LinkID, text: str) -> None:
        """Handle the answer after the warning."""
        no = not text or text in answers("terminal.no")
        if text not in answers("terminal.wholeControl") and not no:
            self._lines.say(tr("terminal.screenWholeHelp"))
            return
        if not no and self._is_early:
            self._lines.say(tr("terminal.tooSoon"))
            return
        self._warned = None
        question = self._introduced
        if question is not None and question.link == link:
            if no:
                # They were asked two things, and this was about the second.
                self._introduced_at = self._clock()
                self._lines.say(self._help(question))
            else:
                self._decide(question, Grant.CONTROL, knowing=True)
        elif no:
            self._lines.say(tr("terminal.screenNoControl"))
        else:
            self._post(screen_ev.LetControl(link, knowing=True))

    def _warn(self, link: ev.LinkID) -> None:
        self._warned = link
        self._introduced_at = self._clock()
        self._lines.say(tr("terminal.screenAltered", name=self._name(link)))

    def _forget_warning(self, link: ev.LinkID) -> None:
        if self._warned == link:
            self._warned = None

    def _decide(
        self, question: screen_st.ScreenQuestion, grant: Grant, *, knowing: bool = False
    ) -> None:
        self._settled.add(question)
        self._introduced = None
        self._post(screen_ev.AnswerScreen(question.link, question.number, grant, knowing))

    def _help(self, question: screen_st.ScreenQuestion) -> str:
        if self._is_more(question):
            return tr("terminal.screenHelpMore")
        if question.control:
            return tr("terminal.screenHelpControl")
        if question.verified is None:
            return tr("terminal.screenHelpUnverified")
        return tr("terminal.screenHelp")

    def _is_more(self, question: screen_st.ScreenQuestion) -> bool:
        """Whether they see it already, and ask only to control it."""
        return question.link in self._shares.shown

    @property
    def _is_unverified(self) -> bool:
        return self._introduced is not None and self._introduced.verified is None

    @property
    def _is_early(self) -> bool:
        return self._clock() < self._introduced_at + st.ANSWER_DELAY_SECONDS

    # --- commands ---------------------------------------------------------------------------------

    def handle(self, typed: str) -> bool:
        """Carry out a line that begins with "/"; return False if it is none of these commands."""
        word, _, rest = typed.lower().partition(" ")
        match word:
            case "/see":
                self._lines.say(tr("terminal.screenSee"))
            case "/show":
                links = [one.link for one in self._model.connected]
                if not links:
                    self._lines.say(SENTENCES[Reason.NOT_CONNECTED])
                for link in self._chosen(word, rest.strip(), links):
                    self._show_to(link)
            case "/control" if rest.strip() in answers("terminal.off"):
                # Control may be allowed before anybody looks, and during a pause.
                stages = (ScreenStage.CONTROLLED, ScreenStage.OFFERED, ScreenStage.PAUSED)
                self._each(stages, screen_ev.StopControl)
            case "/control":
                links = self._shown_in(ScreenStage.OFFERED, ScreenStage.VIEWED)
                for link in self._chosen(word, rest.strip(), links):
                    self._let_control(link)
            case "/pause":
                self._each((ScreenStage.VIEWED, ScreenStage.CONTROLLED), screen_ev.PauseScreen)
            case "/resume":
                self._each((ScreenStage.PAUSED,), screen_ev.GoOnShowing)
            case "/hide":
                self._each(tuple(ScreenStage), screen_ev.StopScreen)
            case _:
                return False
        return True

    def _show_to(self, link: ev.LinkID) -> None:
        if link in self._shares.shown:
            self._lines.say(tr("terminal.screenAlready", name=self._name(link)))
            return
        intent = screen_ev.ShowScreen(link)
        reason = self._model.begin(intent, st.SCREEN, Reason.SCREENS_UNKNOWN)
        if reason is not None:
            self._lines.say(SENTENCES[reason])

    def _let_control(self, link: ev.LinkID) -> None:
        status = self._model.links.get(link)
        verified = None if status is None else status.verified
        if verified is None:
            self._lines.say(SENTENCES[Reason.CONTROL_UNVERIFIED])
        elif needs_second_step(verified):
            self._warn(link)
        else:
            self._post(screen_ev.LetControl(link))

    def _each(
        self, stages: tuple[ScreenStage, ...], intent: Callable[[ev.LinkID], ev.Intent]
    ) -> None:
        """Do this with this screen on every link where it is in one of these stages."""
        for link in self._shown_in(*stages):
            self._post(intent(link))

    def _shown_in(self, *stages: ScreenStage) -> list[ev.LinkID]:
        links = self._shares.in_stage(*stages)
        if not links:
            self._lines.say(SENTENCES[Reason.SCREEN_IDLE])
        return links

    def _chosen(self, word: str, typed: str, links: list[ev.LinkID]) -> list[ev.LinkID]:
        """Return the link that a command means: the only one, or the one with the typed number."""
        if len(links) < 2:
            return links
        number = int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 6 else 0
        if 1 <= number <= len(links):
            return [links[number - 1]]
        for place, link in enumerate(links, 1):
            self._lines.say(self._name(link), f"  {place}  ")
        self._lines.say(tr("terminal.screenWhich", command=word))
        return []


def _number(share: screen_st.ScreenShare) -> str:
    """Return which monitor is shown, by its name if the system gives it one."""
    named = {one.id: one.name for one in share.monitors}
    place = [one.id for one in share.monitors].index(share.monitor or 0) + 1
    return named.get(share.monitor or 0) or str(place)
