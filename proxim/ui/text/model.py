"""What a line face knows: which links and transfers exist, which files wait to be sent, and when
the program ends.

Each of the two faces holds a `FaceModel`. For each status a face calls `note`, shows what that
returns, and then calls `follow_up`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from typing import Final, Literal

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Problem, ProximError, Reason
from proxim.core.files import events as file_ev
from proxim.core.files import status as file_st
from proxim.core.files.manifest import TransferID
from proxim.core.known import events as known_ev
from proxim.core.known import status as known_st
from proxim.core.known.choosing import chosen_device
from proxim.core.pairing.devices import KnownID
from proxim.core.pairing.host_code import JoinTarget, cautions
from proxim.ui.once_job import OnceJob

# This many finished transfers are kept for lists; each may have 20,000 names.
MAX_TRANSFERS_KEPT: Final = 100
# Seconds: the network side takes at most one less, and after this the process ends without it.
GOODBYE_SECONDS: Final = 4.0
# Seconds: within this time after a link opens the other device's greeting arrives, even if it is
# lost once or twice.
GREETING_SECONDS: Final = 5.0

# A link that ends for one of these reasons has not failed.
ORDERLY: Final = frozenset(
    {None, Reason.PEER_LEFT, Reason.DISCONNECTED, Reason.CLOSED, Reason.EXPIRED}
)
# A host that never showed a code cannot overcome these by waiting; the person has to start it
# differently.
_FATAL: Final = frozenset({Reason.PORT_TAKEN, Reason.PORT_REFUSED})
# After these there is not even an attempt to join.
_NOT_JOINED: Final = frozenset({Reason.DEVICE_UNKNOWN, Reason.DEVICE_LINKED, Reason.JOIN_BUSY})
_ONE_TIME: Final = ev.Invite(ev.SessionType.ONE_TIME)


class Role(StrEnum):
    """Which of the two programs this is."""

    HOST = "host"
    JOIN = "join"


class ExitStatus(IntEnum):
    """The exit status of the process."""

    DONE = 0
    FAILED = 1
    # Nothing was tried, because the code or a consent was missing.
    USAGE = 2


@dataclass(frozen=True, slots=True)
class FaceOptions:
    """The part of the command line that the faces need."""

    role: Role
    # A host makes this invitation when it is asked for a new code.
    invite: ev.Invite = _ONE_TIME
    # With None the face asks for the code, unless there is a device.
    target: JoinTarget | None = None
    # The name or id of the known device to join, from --device.
    device: str | None = None
    # --known: only known devices may join, and no code is shown.
    known_only: bool = False
    # --yes: the person agrees to everything that they would be asked before a host is dialled.
    agreed: bool = False
    # These are this machine's subnets (CIDR); addresses in them are not far.
    own_networks: tuple[str, ...] = ()
    once: bool = False
    # --qr invert exchanges dark and light, for a terminal with a light background.
    invert_qr: bool = False
    # These files and folders are sent as soon as there is a link.
    send: tuple[str, ...] = ()
    # --share-screen
    share_screen: Literal["view", "control"] | None = None
    # Whether what is sent or received belongs to a pipe: it cannot go on in a later run.
    piped: bool = False
    # The folder for the one file that goes to standard output, from --save-to -.
    pipe_folder: str | None = None


@dataclass(frozen=True, slots=True)
class _Waiting:
    """What is posted once the other device has said that it knows a feature."""

    intent: ev.LinkIntent
    feature: str
    # Why it cannot be done if the other device does not say so.
    otherwise: Reason


@dataclass(frozen=True, slots=True)
class LinkChange:
    """How a link is now, and its previous status; None for a new link."""

    status: st.LinkStatus
    before: st.LinkStatus | None


@dataclass(frozen=True, slots=True)
class TransferChange:
    """How a transfer is now, and its previous status; None for a new transfer."""

    status: file_st.TransferStatus
    before: file_st.TransferStatus | None


# What a face shows of a status; of a link or transfer it is the change.
Change = LinkChange | TransferChange | st.Status


class FaceModel:
    """What a line face knows of the newest statuses, and what it does without being asked.

    `post` is called with intents; `clock` is the monotonic clock that statuses use.
    """

    def __init__(
        self,
        options: FaceOptions,
        post: Callable[[ev.Intent], None],
        clock: Callable[[], float],
    ) -> None:
        self.options = options
        self.exit_status: int = ExitStatus.DONE if options.role is Role.HOST else ExitStatus.FAILED
        # Only links that are not closed are in here.
        self.links: dict[ev.LinkID, st.LinkStatus] = {}
        # Transfers are in the order in which they were first seen.
        self.transfers: dict[TransferID, file_st.TransferStatus] = {}
        # This is true once Join or JoinKnown was posted.
        self.joined = False
        # None until the file of known devices was read.
        self.known: known_st.KnownList | None = None
        # Whether nobody can say which devices are known, because the file cannot be read.
        self.known_unreadable = False
        # The devices that became known on their link, which they had opened by a code.
        self._made_known: dict[ev.LinkID, KnownID] = {}
        self._post = post
        self._clock = clock
        # These transfers were accepted or declined here, but their status has not changed yet.
        self._answered: set[TransferID] = set()
        # This is when each link was first seen connected.
        self._opened: dict[ev.LinkID, float] = {}
        # A script writes as soon as it reads `connected`, which may be before the other device's
        # greeting has arrived.
        self._waiting: dict[ev.LinkID, list[_Waiting]] = {}
        self._once_job = OnceJob(options.send, once=options.once)
        # This known device is joined as soon as the list of them is there.
        self._wanted_device = options.device
        # The address that the server listens on.
        self._chosen: str | None = None
        # The one transfer that goes to standard output.
        self._piped: TransferID | None = None
        # This is the reason of the last status if it was a Trouble.
        self._shown_reason: Reason | None = None
        self._invited = False
        self._closing_since: float | None = None
        self._stopped = False

    # --- statuses ---------------------------------------------------------------------------------

    def note(self, status: st.Status) -> Change | None:
        """Take in a new status; return what is to be shown of it, or None."""
        shown_reason = self._shown_reason
        self._shown_reason = status.problem.reason if isinstance(status, st.Trouble) else None
        match status:
            case st.LinkStatus():
                return LinkChange(status, self._note_link(status))
            case file_st.TransferStatus():
                return TransferChange(status, self._note_transfer(status))
            case known_st.KnownList():
                self.known = status
                return status
            case known_st.Remembering(link, device=device) if device is not None:
                self._made_known[link] = device
                return status
            case st.Trouble(Problem(reason=Reason.KNOWN_UNREADABLE)):
                self.known_unreadable = True
                return status
            case st.Networks(_, chosen):
                self._chosen = chosen
                return status
            case st.Invitation() | st.NoInvitation() | st.Prompt() | st.Prompts() if self.closing:
                # A host that lost its guest makes a new code before it receives the Shutdown.
                return None
            case st.NoInvitation(reason) if reason is not None and reason is shown_reason:
                # The Trouble before it has already shown the reason.
                return st.NoInvitation(None)
            case _:
                return status

    def follow_up(self, status: st.Status) -> tuple[Problem, ...]:
        """Do what follows from a status that was shown; return the problems to show then."""
        problems: tuple[Problem, ...] = ()
        match status:
            case st.LinkStatus():
                problems = self._follow_link(status)
            case file_st.TransferStatus() if status.over:
                self._forget_oldest()
            case known_st.KnownList() if self._wanted_device is not None and not self.closing:
                problems = self._join_wanted(self._wanted_device)
            case st.Invitation():
                self._invited = True
            case st.NoInvitation(reason) if reason in _FATAL and not self._invited:
                self.close(ExitStatus.FAILED)
            case st.Trouble(problem):
                self._once_job.count_failure(status)
                if self._cannot_join(problem.reason):
                    self.close(ExitStatus.FAILED)
            case st.Stopped():
                self._stopped = True
                # Nobody asked for this end, so the network side has failed.
                if self._closing_since is None:
                    self.exit_status = ExitStatus.FAILED
            case _:
                pass
        if self._once_job.over:
            self.close()
        return problems

    def overdue(self) -> tuple[Problem, ...]:
        """Return the problems that are due although nothing happened; a face asks regularly.

        These are files, say, that wait for a peer that has not said in time that it accepts files.
        """
        problems: tuple[Problem, ...] = ()
        for link in list(self._waiting):
            if self.links[link].stage is st.Stage.CONNECTED and not self._greets(link):
                problems += self._unsupported(link)
        return problems

    def knows(self, status: st.LinkStatus) -> bool:
        """Whether the device of a link is known now, so that it can come back without a code.

        It may have been made known on this link, or been forgotten meanwhile.
        """
        device = self._made_known.get(status.link, status.known)
        if device is None or self.known is None:
            return device is not None
        return any(one.id == device for one in self.known.devices)

    # --- what the person wants --------------------------------------------------------------------

    def cautions(self, target: JoinTarget) -> tuple[Reason, ...]:
        """Return what the person still has to agree to before this host is dialled."""
        return () if self.options.agreed else cautions(target, self.options.own_networks)

    def join(self, target: JoinTarget) -> None:
        """Join a host."""
        self.joined = True
        self._post(ev.Join(target))

    def join_device(self, typed: str) -> Problem | None:
        """Join a known device by its name or id, at the latest when the list of them is there.

        Returns why it cannot be joined.
        """
        if self.known is None:
            self._wanted_device = typed
            return None
        try:
            device = chosen_device(self.known.devices, typed)
        except ProximError as error:
            return error.problem
        self.joined = True
        self._post(known_ev.JoinKnown(device.id))
        return None

    def _join_wanted(self, typed: str) -> tuple[Problem, ...]:
        self._wanted_device = None
        problem = self.join_device(typed)
        if problem is None:
            return ()
        if self.options.device is not None:
            self.close(ExitStatus.FAILED if self.known_unreadable else ExitStatus.USAGE)
        # Who was told that the file cannot be read needs not hear that no device has this name.
        return () if self.known_unreadable else (problem,)

    def _cannot_join(self, reason: Reason) -> bool:
        """Whether this says that the device of --device cannot be joined: another program may have
        forgotten it just before.
        """
        return self.options.device is not None and not self.links and reason in _NOT_JOINED

    @property
    def needs_code(self) -> bool:
        """Whether this is a guest that has not been given a host yet."""
        return self.options.role is Role.JOIN and not self.joined and self._wanted_device is None

    def send_text(self, text: str, link: ev.LinkID | None = None) -> bool:
        """Send text over `link`, or over every open link; return False if there is none."""
        links = [one for one in self.connected if link in (None, one.link)]
        for one in links:
            self._post(ev.SendText(one.link, text))
        return bool(links)

    def disconnect(self, link: ev.LinkID) -> bool:
        """End one link, or the attempt at it; return False if there is none."""
        if link not in self.links:
            return False
        self._post(ev.Disconnect(link))
        return True

    def send_paths(self, paths: tuple[str, ...], link: ev.LinkID | None = None) -> Reason | None:
        """Send files over `link`, or over every open link; return the reason if it is
        impossible.
        """
        links = [one for one in self.connected if link in (None, one.link)]
        if not links:
            return Reason.NOT_CONNECTED
        able = [
            one
            for one in links
            if self.begin(file_ev.SendPaths(one.link, paths), st.FILES, Reason.FILES_UNSUPPORTED)
            is None
        ]
        return None if able else Reason.FILES_UNSUPPORTED

    def begin(self, intent: ev.LinkIntent, feature: str, otherwise: Reason) -> Reason | None:
        """Post an intent of a connected link now, or once the other device has said that it knows
        this feature; return `otherwise` if it does not.
        """
        link = intent.link
        if feature in self.links[link].features:
            self._post_on_link(intent)
        elif self._greets(link):
            self._waiting.setdefault(link, []).append(_Waiting(intent, feature, otherwise))
        else:
            return otherwise
        return None

    def needs_answer(self, status: file_st.TransferStatus) -> bool:
        """Return whether somebody here still has to accept or decline this transfer."""
        return status.needs_answer and status.transfer not in self._answered

    def accept(self, answer: file_ev.AcceptTransfer) -> None:
        """Accept a transfer."""
        self._answered.add(answer.transfer)
        self._once_job.accepted(answer.transfer)
        self._post(answer)

    def decline(self, transfer: TransferID, reason: Reason = Reason.DECLINED) -> None:
        """Decline a transfer; the sender is told the reason."""
        self._answered.add(transfer)
        self._post(file_ev.CancelTransfer(transfer, reason))

    def take_for_pipe(self, status: file_st.TransferStatus, folder: str) -> bool:
        """Accept the one file that goes to standard output, and decline anything else; return
        whether it was accepted.
        """
        fits = len(status.entries) == 1 and not status.entries[0].directory
        if not fits or self._piped not in (None, status.transfer):
            self.decline(status.transfer, Reason.ONE_FILE_ONLY)
            return False
        self._piped = status.transfer
        self.accept(file_ev.AcceptTransfer(status.transfer, directory=folder))
        return True

    # --- the end ----------------------------------------------------------------------------------

    def close(self, exit_status: int | None = None) -> None:
        """End every link and then the program.

        `exit_status` replaces the one that follows from how the links went.
        """
        if self._closing_since is not None:
            return
        self._closing_since = self._clock()
        links = list(self.links.values())
        if exit_status is not None:
            self.exit_status = exit_status
        elif self.options.once:
            self.exit_status = ExitStatus.DONE if self._once_job.succeeded else ExitStatus.FAILED
        elif self.options.role is Role.JOIN and any(link.was_connected for link in links):
            self.exit_status = ExitStatus.DONE
        if self.options.piped:
            # Its file goes with the program, so no later run could go on with it.
            for transfer in self._once_job.unfinished:
                self._post(file_ev.CancelTransfer(transfer))
        for link in links:
            self._post(ev.Disconnect(link.link))
        self._post(ev.Shutdown())

    def interrupt(self) -> None:
        """Cancel announced and active transfers instead of keeping them, and end."""
        # A pipe's own are cancelled in any case.
        if not self.closing and not self.options.piped:
            states = (file_st.TransferState.ANNOUNCED, file_st.TransferState.ACTIVE)
            for status in self.transfers.values():
                if status.state in states:
                    self._post(file_ev.CancelTransfer(status.transfer))
        self.close()

    @property
    def closing(self) -> bool:
        """Whether the program ends, so that nothing is asked or read any more."""
        return self._closing_since is not None or self._stopped

    @property
    def once_done(self) -> bool:
        """Whether all transfers that the program was started for have arrived."""
        return self.options.once and self._once_job.succeeded

    @property
    def finished(self) -> bool:
        """Whether the process may end."""
        overdue = (
            self._closing_since is not None
            and self._clock() >= self._closing_since + GOODBYE_SECONDS
        )
        return self._stopped or overdue

    # --- bookkeeping ------------------------------------------------------------------------------

    @property
    def ready(self) -> str | None:
        """The address at which known devices are waited for, without a code; None while none
        are.
        """
        return self._chosen if self.options.known_only and self.known is not None else None

    @property
    def is_linked(self) -> bool:
        """Whether a link is open."""
        return bool(self.connected)

    @property
    def connected(self) -> list[st.LinkStatus]:
        """All links that are open, oldest first."""
        return [link for link in self.links.values() if link.stage is st.Stage.CONNECTED]

    def _note_link(self, status: st.LinkStatus) -> st.LinkStatus | None:
        before = self.links.pop(status.link, None)
        if status.stage is not st.Stage.CLOSED:
            self.links[status.link] = status
        if status.resumes is not None:
            # The lost link gets no further status.
            self.links.pop(status.resumes, None)
            if status.resumes in self._made_known:
                self._made_known[status.link] = self._made_known.pop(status.resumes)
            if status.resumes in self._waiting:
                self._waiting[status.link] = self._waiting.pop(status.resumes)
        if status.stage is st.Stage.CONNECTED:
            self._opened.setdefault(status.link, self._clock())
        return before

    def _follow_link(self, status: st.LinkStatus) -> tuple[Problem, ...]:
        if status.stage is st.Stage.CLOSED:
            self._opened.pop(status.link, None)
            self._made_known.pop(status.link, None)
            problems = self._unsupported(status.link)
            self._after_link(status)
            return problems
        if status.stage is st.Stage.CONNECTED and status.link in self._waiting:
            waiting = self._waiting.pop(status.link)
            still = [one for one in waiting if one.feature not in status.features]
            for one in waiting:
                if one not in still:
                    # It may have been meant for the lost link that this one replaced.
                    self._post_on_link(replace(one.intent, link=status.link))
            if still:
                self._waiting[status.link] = still
        if not self.closing and self._once_job.sends_over(status):
            self._post_on_link(file_ev.SendPaths(status.link, self.options.send))
        return ()

    def _greets(self, link: ev.LinkID) -> bool:
        """Whether the other device's greeting may still be on its way."""
        now = self._clock()
        return now < self._opened.get(link, now) + GREETING_SECONDS

    def _unsupported(self, link: ev.LinkID) -> tuple[Problem, ...]:
        return tuple(Problem(one.otherwise) for one in self._waiting.pop(link, []))

    def _post_on_link(self, intent: ev.LinkIntent) -> None:
        if isinstance(intent, file_ev.SendPaths):
            self._once_job.sent()
        self._post(intent)

    def _after_link(self, status: st.LinkStatus) -> None:
        if any(link.replaces == status.link for link in self.links.values()):
            # Another device has its place, and what the program was started for goes on with it.
            self._once_job.replaced()
        elif self.options.once:
            others = any(
                link.stage in (st.Stage.CONNECTED, st.Stage.WAITING) for link in self.links.values()
            )
            if not others or self._once_job.serves(status.link):
                self.close()
        elif self.options.role is Role.JOIN:
            orderly = status.was_connected and status.reason in ORDERLY
            self.close(ExitStatus.DONE if orderly else ExitStatus.FAILED)

    def _note_transfer(self, status: file_st.TransferStatus) -> file_st.TransferStatus | None:
        before = self.transfers.get(status.transfer)
        self.transfers[status.transfer] = status
        self._once_job.see(status)
        if status.state is not file_st.TransferState.ANNOUNCED:
            self._answered.discard(status.transfer)
        return before

    def _forget_oldest(self) -> None:
        over = [status.transfer for status in self.transfers.values() if status.over]
        for transfer in over[:-MAX_TRANSFERS_KEPT]:
            del self.transfers[transfer]
