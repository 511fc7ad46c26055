"""What a person should know about now: derives the one step from all statuses.

A host goes through waiting - request - approved - connecting - connected, a guest through looking -
asked - approved - connecting - connected. A request that needs an answer comes first, then an
attempt under way, then how the last attempt ended, then waiting.
"""

from typing import Final

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.i18n import tr
from proxim.ui.window.pairing.steps import Step, StepsSide, waiting_step

_STEP_OF: Final = {
    st.Stage.DIALING: 0,
    st.Stage.ASKING: 1,
    st.Stage.APPROVED: 2,
    st.Stage.CONNECTING: 3,
    st.Stage.CONNECTED: 4,
    st.Stage.WAITING: 3,
}


def side_of(status: st.LinkStatus) -> StepsSide:
    """Return whether this device is host or guest of a link."""
    return StepsSide.GUEST if status.as_guest else StepsSide.HOST


class Steps:
    """Keeps the newest status of each thing that the state line needs."""

    def __init__(self, inviting: bool | None = None) -> None:
        # None means that no status about it has come yet.
        self._inviting = inviting
        self._prompts = st.Prompts()
        # The attempt with the newest status is the last one in here.
        self._attempts: dict[ev.LinkID, st.LinkStatus] = {}
        # This is the newest step of each attempt.
        self._steps: dict[ev.LinkID, int] = {}
        # A transfer may end after its link, so the sides of ended links are kept, too.
        self._sides: dict[ev.LinkID, StepsSide] = {}
        # This shows how the last attempt ended.
        self._last: Step | None = None
        # This is the open link that `_last` is about, or None.
        self._connected: ev.LinkID | None = None

    def handle(self, status: st.Status) -> None:
        """Handle a status."""
        match status:
            case st.Invitation():
                self._inviting = True
                if self._connected is not None:
                    self.dismiss()
            case st.NoInvitation():
                self._inviting = False
            case st.Prompts(shown, queued):
                known = (*self._prompts.shown, *self._prompts.queued)
                self._prompts = status
                if any(prompt not in known for prompt in (*shown, *queued)):
                    self.dismiss()
            case st.PairOutcome():
                self._handle_outcome(status)
            case st.LinkStatus():
                self._handle_link(status)
            case st.Stopped():
                self._inviting = None
                self._prompts = st.Prompts()
                self._attempts.clear()
                self.dismiss()
            case (
                st.ThisDevice()
                | st.ProofPolicy()
                | st.Prompt()
                | st.Networks()
                | st.TextReceived()
                | st.TextSent()
                | st.Trouble()
            ):
                pass
            case st.FeatureStatus():
                self._handle_feature(status)

    def dismiss(self) -> None:
        """Forget how the last attempt ended."""
        self._last = self._connected = None

    def retyped(self) -> None:
        """Forget how the last attempt to join ended, as another code is being typed."""
        last = self._last
        if last is not None and last.joining:
            self.dismiss()

    def current(self) -> Step:
        """Return the step to show."""
        if self._prompts.shown:
            prompt = self._prompts.shown[0]
            asks = "steps.asks" if prompt.replaces is None else "steps.asksInstead"
            sentence = tr(asks, name=prompt.device.name)
            return Step(StepsSide.HOST, 1, sentence, deadline=prompt.deadline)
        if self._attempts:
            return _under_way(next(reversed(self._attempts.values())))
        if self._last is not None:
            return self._last
        return waiting_step(self._inviting)

    def _end(self, step: Step) -> None:
        self._last, self._connected = step, None

    def _handle_outcome(self, status: st.PairOutcome) -> None:
        # The outcome is published before the Prompts without its request.
        known = (*self._prompts.shown, *self._prompts.queued)
        prompt = next((one for one in known if one.session_id == status.session_id), None)
        if prompt is None or status.approved or status.reason is Reason.DEVICE_LINKED:
            # Who was asked about is linked already, and that is what people see.
            return
        reason = status.reason or Reason.DECLINED
        sentence = f"{prompt.device.name}: {prompt.end_sentence(reason)}"
        wanted = reason in (Reason.DECLINED, Reason.CLOSED)
        self._end(Step(StepsSide.HOST, 1, sentence, failed=True, wanted=wanted))

    def _handle_link(self, status: st.LinkStatus) -> None:
        link = status.link
        self._attempts.pop(link, None)
        self._sides[link] = side_of(status)
        if status.resumes is not None:
            self._attempts.pop(status.resumes, None)
            self._steps.pop(status.resumes, None)
            if self._connected == status.resumes:
                self.dismiss()
        if status.stage is st.Stage.CLOSED:
            step = self._steps.pop(link, 0)
            # The link's own page shows why it ended.
            if status.was_connected:
                if self._connected == link:
                    self.dismiss()
                return
            if status.reason is Reason.DEVICE_LINKED:
                # Nothing has failed: the other device has come by itself.
                return
            self._end(_failed(status, step))
            return
        self._steps[link] = _STEP_OF[status.stage]
        if status.stage is st.Stage.CONNECTED:
            if self._connected != link:
                name = status.peer_name or tr("device.otherWith")
                key = "known.connectedLetIn" if status.let_in else "steps.connectedWith"
                self._last = Step(side_of(status), 4, tr(key, name=name))
                self._connected = link
            return
        self._attempts[link] = status
        self.dismiss()

    def _handle_feature(self, status: st.FeatureStatus) -> None:
        """Show how a transfer ended, until something else is more important."""
        # These are imported late, as files come with the first guest at the earliest.
        from proxim.core.files.status import TransferState, TransferStatus
        from proxim.ui.wording import state_words, transfer_title

        if not isinstance(status, TransferStatus) or not status.over:
            return
        if status.link is None or status.link in self._attempts:
            return
        failed = status.state is TransferState.FAILED
        sentence = f"{transfer_title(status)}: {state_words(status)}"
        side = self._sides.get(status.link, StepsSide.HOST)
        self._end(Step(side, 4, sentence, failed=failed))
        self._connected = status.link


def _under_way(status: st.LinkStatus) -> Step:
    with_name = status.peer_name or tr("device.otherWith")
    looking = tr("steps.lookingAt", address=status.peer_address)
    if status.known is not None:
        looking = tr("known.looking", name=with_name)
    sentence = {
        st.Stage.DIALING: looking,
        st.Stage.ASKING: tr("steps.found"),
        st.Stage.APPROVED: tr("steps.preparing", name=with_name),
        st.Stage.CONNECTING: tr("steps.opening", name=with_name),
        st.Stage.WAITING: tr("steps.lost", name=status.peer_name or tr("device.other")),
    }[status.stage]
    deadline = status.deadline if status.stage in (st.Stage.ASKING, st.Stage.WAITING) else None
    return Step(
        side_of(status), _STEP_OF[status.stage], sentence, deadline=deadline, link=status.link
    )


def _failed(status: st.LinkStatus, step: int) -> Step:
    wanted = status.reason is Reason.DISCONNECTED
    sentence = tr("steps.cancelled") if wanted else _why(status)
    side = side_of(status)
    joining = side is StepsSide.GUEST
    return Step(side, step, sentence, failed=True, wanted=wanted, joining=joining)


def _why(status: st.LinkStatus) -> str:
    why = status.end_sentence
    # Of several known devices the person has chosen this one, and no code names it.
    return why if status.known is None or not status.peer_name else f"{status.peer_name}: {why}"
