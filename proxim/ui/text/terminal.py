"""The face for people in a terminal: it shows the QR in block characters and the code, asks about
requests with y or n, and shows text line by line.

It only writes lines, so it reads the same in a log, over ssh and through a screen reader. Only the
progress of transfers is redrawn (`console.Lines`).
"""

import math
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, TextIO

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import SENTENCES, Problem, Reason, sentence_for
from proxim.core.files import status as file_st
from proxim.core.i18n import tr
from proxim.core.known import status as known_st
from proxim.core.pairing.host_code import CodeError, JoinTarget, parse_target
from proxim.ui.qr import qr_matrix
from proxim.ui.text.commands import FileCommands, NotMounted, TypedFiles, read_typed
from proxim.ui.text.console import Colour, Console, Lines, typed_text
from proxim.ui.text.files import TransferReport
from proxim.ui.text.model import (
    Change,
    ExitStatus,
    FaceModel,
    FaceOptions,
    LinkChange,
    Role,
    TransferChange,
)
from proxim.ui.text.output import Output
from proxim.ui.text.questions import FileQuestions
from proxim.ui.text.terminal_words import (
    BADGES,
    CAUTIONS,
    COMMANDS,
    SCREEN_COMMANDS,
    SHARED,
    answers,
    connected_words,
    duration,
    end_words,
    network_words,
    validity,
    waiting_words,
)
from proxim.ui.wording import name_words, problem_words

# Shared screens and known devices are loaded when there is one.
if TYPE_CHECKING:
    from proxim.ui.text.known.terminal import KnownTalk
    from proxim.ui.text.screen.terminal import ScreenTalk

# One of the two has ended the link.
_GOODBYES: Final = (Reason.DISCONNECTED, Reason.PEER_LEFT)


class TerminalFace:
    """The terminal face: it reports what happens and asks questions, one line each.

    NO_COLOR and TERM are read from `environ`; `columns` returns the terminal's width; `wall_clock`
    is time.time.
    """

    def __init__(
        self,
        options: FaceOptions,
        post: Callable[[ev.Intent], None],
        out: TextIO,
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
        *,
        environ: Mapping[str, str],
        columns: Callable[[], int],
    ) -> None:
        model = self.model = FaceModel(options, post, clock)
        self._post = post
        self._clock = clock
        self._console = Console(out, environ, columns)
        self._lines = Lines(self._console, Output(out, model).write)
        self._report = TransferReport(self._lines, clock, shows_places=options.pipe_folder is None)
        self._files = FileQuestions(self._lines, clock, model.accept, model.decline)
        self._commands = FileCommands(self._lines, self._report, post, model.send_paths)
        self._role = options.role
        self._wall_clock = wall_clock
        self._networks = st.Networks((), None)
        self._invitation: st.Invitation | None = None
        # These requests are still to be asked about, the next one first.
        self._prompts: list[st.Prompt] = []
        # These requests were answered or are over, but the newest Prompts still has them.
        self._settled: set[st.Prompt] = set()
        self._refuses_unverified = False
        # This is the request whose question is open.
        self._introduced: st.Prompt | None = None
        self._introduced_at = 0.0
        # This host is dialled once the person agrees.
        self._doubted: JoinTarget | None = None
        # This is the beginning of a link that was pasted in several lines.
        self._begun = ""
        # These files were typed alone, and the person is asked whether to send them.
        self._offered: TypedFiles | None = None
        self._screens: ScreenTalk | None = None
        self._known: KnownTalk | None = None
        # The address at which this host was last said to wait for known devices.
        self._ready: str | None = None
        # Whether nobody may control this screen now, because a question stands on it.
        self._shielded = False
        self._input_ended = False

    # --- output -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the face: ask for the code if none was given, or join."""
        if self._role is Role.JOIN:
            if self.model.options.target is not None:
                self._join_or_ask(self.model.options.target)
            elif self.model.needs_code:
                self._lines.say(tr("terminal.typeCode"))
        self._ask()

    def show(self, status: st.Status) -> None:
        """Show a new status."""
        change = self.model.note(status)
        if change is not None:
            self._show(change)
        for problem in self.model.follow_up(status):
            self._show_problem(problem)
        self._say_ready()
        self._ask()

    def catch_up(self) -> None:
        """Show what has become due although nothing happened."""
        for problem in self.model.overdue():
            self._show_problem(problem)
        self._report.catch_up()
        self._ask()

    def line(self, text: str) -> None:
        """Handle a line of stdin, with or without its line break."""
        if not self.model.closing:
            self._read(text.rstrip("\r\n"))
        self._ask()

    def line_was_cut(self) -> None:
        """Refuse a line that the terminal has cut."""
        if not self.model.closing:
            self._show_problem(Problem(Reason.LINE_CUT))
        self._ask()

    def _show(self, change: Change) -> None:
        match change:
            case LinkChange(status, before):
                self._show_link(status, before)
            case TransferChange(status, before):
                self._show_transfer(status, before)
            case st.Networks():
                self._networks = change
            case st.Invitation():
                self._show_invitation(change)
            case st.NoInvitation(reason):
                self._invitation = None
                if reason is not None:
                    self._lines.say(SENTENCES[reason])
            case st.ProofPolicy(required):
                self._refuses_unverified = required
            case st.Prompts(shown, queued):
                waiting = (*shown, *queued)
                self._settled.intersection_update(waiting)
                self._prompts = [prompt for prompt in waiting if prompt not in self._settled]
            case st.PairOutcome():
                self._show_outcome(change)
            case st.TextReceived(link, text):
                self._show_text(self.model.links.get(link), text)
            case st.Trouble(problem):
                self._show_problem(problem)
            case st.Stopped():
                self._report.summary()
            case st.TextSent():
                # The person sees what they typed.
                pass
            case known_st.KnownList():
                # The model keeps it; `proxim devices` lists it.
                pass
            case known_st.Remembering():
                self._known_talk().show(change)
            case st.FeatureStatus():
                self._screen_talk().show(change)

    def _screen_talk(self) -> "ScreenTalk":
        if self._screens is None:
            from proxim.ui.text.screen.terminal import ScreenTalk

            self._screens = ScreenTalk(self.model, self._lines, self._post, self._clock)
        return self._screens

    def _known_talk(self) -> "KnownTalk":
        if self._known is None:
            from proxim.ui.text.known.terminal import KnownTalk

            self._known = KnownTalk(self.model, self._lines, self._post, self._clock)
        return self._known

    def _say_ready(self) -> None:
        """Say at which address known devices are waited for, whenever that has changed."""
        ready = self.model.ready
        if ready == self._ready or self.model.closing:
            return
        self._ready = ready
        known = self.model.known
        if ready is None or known is None:
            return
        names = ", ".join(one.name for one in known.devices)
        self._lines.field(tr("terminal.network"), network_words(self._networks))
        if names:
            self._lines.say(tr("devices.ready", names=names))
        elif not self.model.known_unreadable:
            key = "devices.nobodyCanJoin" if self._input_ended else "devices.readyForNobody"
            self._lines.say(tr(key))
        if known.trouble is not None:
            self._lines.say(SENTENCES[known.trouble])

    def _show_invitation(self, invitation: st.Invitation) -> None:
        if invitation == self._invitation:
            return
        before, self._invitation = self._invitation, invitation
        if invitation.code_closed and before is not None and before.url == invitation.url:
            # The other fields have not changed and are shown further up.
            self._lines.field(tr("terminal.code"), tr("terminal.codeClosed"))
            return
        qr = self._console.qr(qr_matrix(invitation.url), invert=self.model.options.invert_qr)
        self._lines.blank()
        if qr is None:
            self._lines.say(tr("terminal.qrTooWide"))
        else:
            self._lines.exactly(qr)
        self._lines.blank()
        if invitation.code is not None:
            self._lines.field(tr("terminal.code"), invitation.code, Colour.BOLD)
        elif invitation.code_closed:
            self._lines.field(tr("terminal.code"), tr("terminal.codeClosed"))
        self._lines.field(tr("terminal.link"), invitation.url)
        self._lines.field(
            tr("terminal.valid"), validity(invitation, self._clock(), self._wall_clock())
        )
        self._lines.field(tr("terminal.network"), network_words(self._networks))
        if self._refuses_unverified:
            self._lines.field(tr("terminal.guests"), tr("terminal.onlyProven"))
        if self.model.options.share_screen is not None:
            self._lines.field(tr("terminal.screen"), tr(SHARED[self.model.options.share_screen]))
        self._lines.blank()
        self._lines.say(
            waiting_words(qr_shown=qr is not None, code_shown=invitation.code is not None)
        )

    def _show_outcome(self, outcome: st.PairOutcome) -> None:
        if outcome.surplus:
            self._lines.say(tr("terminal.tooManyUnverified"))
            return
        over = [one for one in self._prompts if one.session_id == outcome.session_id]
        for prompt in over:
            self._settle(prompt)
        if self._role is Role.JOIN and not outcome.approved:
            # The link's end follows and gives the reason.
            return
        known = any(prompt.known is not None for prompt in over)
        self._lines.say(
            tr("terminal.approved")
            if outcome.approved
            else end_words(self._role, outcome.reason, known=known)
        )

    def _show_link(self, status: st.LinkStatus, before: st.LinkStatus | None) -> None:
        name = status.peer_name or tr("device.other")
        if status.let_in and not (before and before.let_in) and status.resumes is None:
            key = "devices.letInUnseen" if self._input_ended else "devices.letIn"
            self._lines.say(tr(key, name=name))
        typed = not self.model.options.once and not self._input_ended
        if st.KNOWN in status.features and typed:
            self._known_talk().say_invited(status, before)
        if before is not None and before.stage is status.stage:
            if status.stage is st.Stage.CONNECTED and before.peer_name != status.peer_name:
                self._lines.say(tr("terminal.callsItself", name=name))
            return
        match status.stage:
            case st.Stage.DIALING:
                if status.known is None:
                    self._lines.say(tr("terminal.looking", address=status.peer_address))
                else:
                    self._lines.say(tr("devices.looking", name=name))
            case st.Stage.ASKING:
                # The text must not claim that the host's person is being asked: the guest learns
                # only with the answer whether its proof was right.
                if status.deadline is None:
                    self._lines.say(tr("terminal.found"))
                else:
                    self._lines.say(
                        tr("terminal.foundUpTo", count=self._seconds_to(status.deadline))
                    )
            case st.Stage.CONNECTING:
                self._lines.say(tr("terminal.opening"))
            case st.Stage.CONNECTED:
                self._lines.say(connected_words(self._role, status, anybody=not self._input_ended))
            case st.Stage.WAITING:
                if status.deadline is None:
                    self._lines.say(tr("terminal.lost", name=name))
                else:
                    left = duration(status.deadline - self._clock())
                    self._lines.say(tr("terminal.lostWithin", name=name, time=left))
            case st.Stage.CLOSED:
                reason = status.reason or Reason.INTERNAL
                known = self.model.knows(status)
                # Once all has arrived, its own line has said so, and nothing is to go on.
                if not (self.model.once_done and reason in _GOODBYES):
                    self._lines.say(sentence_for(reason, host=not status.as_guest, known=known))
                if status.let_in and status.was_connected:
                    self._lines.say(tr("devices.leftLetIn", name=name))

    def _show_text(self, link: st.LinkStatus | None, text: str) -> None:
        name = link.peer_name if link and link.peer_name else tr("device.otherLabel")
        first, *rest = self._console.plain(text).split("\n")
        self._lines.exactly(self._console.one_line(f"{name}: {first}"))
        # Further lines are indented, so that no text can imitate a line of Proxim or of a device.
        for line in rest:
            self._lines.exactly(f"    {self._console.one_line(line)}")

    def _show_transfer(
        self, status: file_st.TransferStatus, before: file_st.TransferStatus | None
    ) -> None:
        self._report.show(status, before)
        folder = self.model.options.pipe_folder
        if self.model.needs_answer(status) and folder is not None:
            # What it is not taken for is said with its end.
            self.model.take_for_pipe(status, folder)
        elif self.model.needs_answer(status):
            self._files.put(status)
        else:
            self._files.remove(status.transfer)

    def _show_problem(self, problem: Problem) -> None:
        self._lines.say(problem_words(problem))

    # --- questions --------------------------------------------------------------------------------

    def _ask(self) -> None:
        """Ask the next question, unless it is already there."""
        if self.model.closing:
            return
        if self._input_ended:
            self._turn_down()
            return
        prompt = next(iter(self._prompts), None)
        if prompt != self._introduced:
            self._introduced = prompt
            self._introduced_at = self._clock()
            if prompt is not None:
                self._introduce(prompt)
        first = prompt is None
        if self._known is not None and not first:
            self._known.postpone()
        elif self._known is not None and self._known.introduce():
            first = False
        self._introduce_others(first=first)
        question = self._question()
        if question is not None:
            self._lines.ask(question)
        self._shield(up=question is not None)

    def _introduce_others(self, *, first: bool) -> None:
        """Describe what else is to be asked; `first` is false while a question comes before it."""
        if self._screens is not None and not first:
            self._screens.postpone()
        elif self._screens is not None and self._screens.introduce():
            first = False
        if first:
            self._files.introduce()
        else:
            self._files.postpone()

    def _turn_down(self) -> None:
        """Decline everything that is asked, because nobody can answer: whoever asks learns so at
        once, instead of waiting until the time is over.
        """
        for prompt in [*self._prompts]:
            if prompt != self._introduced:
                self._introduce(prompt)
            self._settle(prompt)
            self._post(ev.Decide(prompt.session_id, False, prompt.number, unattended=True))
        self._introduced = None
        if self._known is not None:
            self._known.turn_down()
        if self._screens is not None:
            self._screens.turn_down()
        self._files.turn_down()
        self._shield(up=False)

    def _shield(self, *, up: bool) -> None:
        """Let nobody control this screen while a question stands on it that they could answer."""
        wanted = up and self._screens is not None and self._screens.shows
        if wanted is not self._shielded:
            from proxim.core.screen.events import Shield

            self._shielded = wanted
            self._post(Shield(wanted))

    def _introduce(self, prompt: st.Prompt) -> None:
        badge, colour = BADGES[prompt.verified]
        self._lines.blank()
        asks = "terminal.asks" if prompt.replaces is None else "terminal.asksInstead"
        if prompt.known is not None and prompt.replaces is None:
            asks = "devices.asks"
        self._lines.say(tr(asks, name=prompt.device.name))
        self._lines.field(tr("terminal.device"), prompt.device.id)
        self._lines.field(tr("terminal.address"), prompt.peer_address)
        self._lines.field(tr("terminal.proof"), tr(badge), colour)
        if prompt.verified is None:
            self._lines.say(tr("terminal.caution"))
        if prompt.replaces is not None:
            lost = prompt.replaces.peer_name or tr("device.otherWith")
            self._lines.say(tr("terminal.replaces", name=lost))

    def _question(self) -> str | None:
        if self._introduced is not None:
            key = (
                "terminal.allowUnverified"
                if self._introduced.verified is None
                else "terminal.allow"
            )
            return tr(key, seconds=self._seconds_to(self._introduced.deadline))
        if self._doubted is not None:
            return tr("terminal.goOn")
        if self.model.needs_code:
            return tr("terminal.askCode")
        if self._known is not None and self._known.question is not None:
            return self._known.question
        if self._screens is not None and self._screens.question is not None:
            return self._screens.question
        if self._files.question is not None or self._offered is None:
            return self._files.question
        first, *others = (name_words(os.path.basename(path)) for path in self._offered.paths)
        more = f" {tr('transfers.more', count=len(others))}" if others else ""
        folder = os.path.isdir(self._offered.paths[0])
        one = "terminal.offerFolder" if folder else "terminal.offerFile"
        key = "terminal.offerSeveral" if others else one
        return tr(key, what=first + more)

    # --- input ------------------------------------------------------------------------------------

    def _read(self, line: str) -> None:
        self._lines.entered()
        text = line.strip()
        if line.startswith("/") and not line.startswith("//"):
            self._command(text)
        elif self._introduced is not None:
            self._answer(self._introduced, text.lower())
        elif self._doubted is not None:
            self._consent(self._doubted, text.lower())
        elif self.model.needs_code:
            self._read_code(text)
        elif self._known is not None and self._known.open:
            self._known.answer(text.lower())
        elif self._screens is not None and self._screens.open:
            self._screens.answer(text.lower())
        elif self._files.open is not None:
            self._files.answer(text.lower())
        elif self._offered is not None:
            self._send_offered(self._offered, text.lower())
        elif text and not self._offer(text):
            self._send_text(line)

    def _send_text(self, line: str) -> None:
        text = typed_text(line).removeprefix("/" if line.startswith("//") else "")
        if not self.model.send_text(text):
            self._show_problem(Problem(Reason.NOT_CONNECTED))

    def _offer(self, text: str) -> bool:
        """Offer to send files that were typed alone; return False if the line is a text."""
        if not self.model.is_linked or text.startswith("//"):
            return False
        typed = read_typed(text)
        if isinstance(typed, NotMounted):
            self._lines.say(tr("terminal.notMounted", scheme=typed.scheme))
        elif typed is not None:
            self._offered = typed
        return typed is not None

    def _send_offered(self, offered: TypedFiles, text: str) -> None:
        """Handle the answer whether to send files that were typed alone."""
        if text not in answers("terminal.yes") and not _means_no(text):
            self._lines.say(tr("terminal.answerYesNo"))
            return
        self._offered = None
        if _means_no(text):
            self._lines.say(tr("terminal.notSentAsFile"))
            return
        reason = self.model.send_paths(offered.paths)
        if reason is not None:
            self._show_problem(Problem(reason))

    def _command(self, text: str) -> None:
        # A path begins with the same character.
        if self._introduced is None and self._files.open is None and self._offer(text):
            return
        host = self._role is Role.HOST
        if self._commands.handle(text, list(self.model.transfers.values())):
            return
        if text.lower().partition(" ")[0] in SCREEN_COMMANDS and self._screen_talk().handle(text):
            return
        word, _, rest = text.lower().partition(" ")
        match word if word == "/remember" else text.lower():
            case "/quit":
                self.model.close()
            case "/disconnect" if not host:
                self.model.close()
            case "/disconnect" if self.model.links:
                for link in self.model.links:
                    self._post(ev.Disconnect(link))
            case "/disconnect":
                self._show_problem(Problem(Reason.NOT_CONNECTED))
            case "/remember":
                self._known_talk().remember(rest.strip())
            case "/devices":
                self._known_talk().list_devices()
            case "/new" if host:
                self._post(self.model.options.invite)
            case _:
                own, files = tr(COMMANDS[self._role]), tr("terminal.fileCommands")
                screens = f"{tr('terminal.screenCommands')}; {tr('devices.commands')}"
                self._lines.say(tr("terminal.commands", own=own, files=files, screens=screens))

    def _answer(self, prompt: st.Prompt, text: str) -> None:
        # An unverified request needs the whole word, as people type the letter out of habit.
        yes = answers("terminal.wholeYes" if prompt.verified is None else "terminal.yes")
        if text not in yes and not _means_no(text):
            unverified = prompt.verified is None
            self._lines.say(tr("terminal.answerWhole" if unverified else "terminal.answerYesNo"))
        elif self._clock() < self._introduced_at + st.ANSWER_DELAY_SECONDS:
            self._lines.say(tr("terminal.tooSoon"))
        else:
            self._settle(prompt)
            self._post(ev.Decide(prompt.session_id, text in yes, prompt.number))

    def _settle(self, prompt: st.Prompt) -> None:
        """Ask no more about a request: it was answered, or is over."""
        self._prompts.remove(prompt)
        self._settled.add(prompt)

    def _join_or_ask(self, target: JoinTarget) -> None:
        """Join, or ask for the person's consent first."""
        cautions = self.model.cautions(target)
        for caution in cautions:
            for key in CAUTIONS[caution]:
                self._lines.say(tr(key, address=target.authority))
        if cautions:
            self._doubted = target
        else:
            self.model.join(target)

    def _consent(self, target: JoinTarget, text: str) -> None:
        if text in answers("terminal.yes"):
            self._doubted = None
            self.model.join(target)
        elif _means_no(text):
            self._lines.say(tr("terminal.notJoined"))
            self.model.close(ExitStatus.FAILED)
        else:
            self._lines.say(tr("terminal.answerYesNo"))

    def _read_code(self, text: str) -> None:
        if not text:
            return
        begun, self._begun = self._begun, ""
        try:
            self._join_or_ask(_read_target(text, begun))
        except CodeError as error:
            if error.reason is Reason.LINK_INCOMPLETE:
                self._begun = f"{begun}{text}\n"
            self._show_problem(error.problem)

    def end_of_input(self) -> None:
        """Decline what is asked from now on; a guest that has not joined yet ends the program."""
        if self._input_ended or self.model.closing:
            return
        self._input_ended = True
        self._offered = None
        if self.model.needs_code:
            doubts = () if self._doubted is None else self.model.cautions(self._doubted)
            self._show_problem(Problem(next(iter(doubts), Reason.CODE_MISSING)))
            self.model.close(ExitStatus.USAGE)
        elif self._role is Role.HOST:
            self._lines.say(tr("terminal.nobodyHere"))
        self._ask()

    def _seconds_to(self, moment: float) -> int:
        return max(0, math.ceil(moment - self._clock()))


def _read_target(line: str, begun: str) -> JoinTarget:
    """Read a code or a link; `begun` is its beginning if a mail program has wrapped it.

    Raises CodeError.
    """
    try:
        return parse_target(line)
    except CodeError as error:
        # A typo is found only in what has the length of a code.
        if not begun or error.reason is Reason.CODE_TYPO:
            raise
    return parse_target(begun + line)


def _means_no(text: str) -> bool:
    return not text or text in answers("terminal.no")
