"""What the terminal and the JSON lines share: whom to join, which links and transfers live, when
and how it all ends.

A face is driven from the main thread: `start()` once, then `show(status)` for each status,
`line(text)` for each line of stdin, `end_of_input()` at its end, until `finished`; then the process
ends with `exit_status`. Ctrl-C is `interrupt()`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final, TextIO

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Problem, Reason
from proxim.core.files import events as file_ev
from proxim.core.files import status as file_st
from proxim.core.files.manifest import Direction, TransferID
from proxim.core.pairing.host_code import JoinTarget, is_local
from proxim.ui.once_job import OnceJob

# That are over, to be looked at; each may have 20,000 names
MAX_TRANSFERS_KEPT: Final = 100
# One more than the network side takes at most; then we leave without it
GOODBYE_SECONDS: Final = 4.0
# After a link opened: the other device's greeting, lost once or twice, is there by then
GREETING_SECONDS: Final = 5.0

# How a link ends that nobody need worry about.
ORDERLY: Final = frozenset(
    {None, Reason.PEER_LEFT, Reason.DISCONNECTED, Reason.CLOSED, Reason.EXPIRED}
)
# What a host that never showed a code cannot get over by waiting: the person has to start it
# differently.
_HOPELESS: Final = frozenset({Reason.PORT_TAKEN, Reason.PORT_REFUSED})
_ONE_TIME: Final = ev.Invite(ev.SessionType.ONE_TIME)


class Role(StrEnum):
    """Which of the two programs this is."""

    HOST = "host"
    JOIN = "join"


class ExitStatus(IntEnum):
    """What the process ends with."""

    DONE = 0
    FAILED = 1
    # Nothing was tried: the code or a consent was missing
    USAGE = 2


@dataclass(frozen=True, slots=True)
class FaceOptions:
    """What was asked for on the command line, as far as a face must know it."""

    role: Role
    # What a host makes when asked for a new code
    invite: ev.Invite = _ONE_TIME
    # None: the face asks for the code
    target: JoinTarget | None = None
    # --yes: dial an address outside the local network without asking
    far_allowed: bool = False
    # This machine's subnets (CIDR), which are no far addresses
    own_networks: tuple[str, ...] = ()
    once: bool = False
    # Files and folders to be sent as soon as there is a link
    send: tuple[str, ...] = ()
    # --save-to: core takes incoming files without asking
    accept_files: bool = False


class LineFace(ABC):
    """What the terminal and the JSON lines have in common.

    `post` takes what the person wants; `clock` is the monotonic clock of the statuses' moments.
    """

    def __init__(
        self,
        options: FaceOptions,
        post: Callable[[file_ev.AnyIntent], None],
        out: TextIO,
        clock: Callable[[], float],
    ) -> None:
        self.options = options
        self.exit_status: int = ExitStatus.DONE if options.role is Role.HOST else ExitStatus.FAILED
        self._post = post
        self._out = out
        self._clock = clock
        # Those that are not closed
        self._links: dict[ev.LinkID, st.LinkStatus] = {}
        # In the order in which they were first seen
        self._transfers: dict[TransferID, file_st.TransferStatus] = {}
        # Announced to us, and decided here
        self._answered: set[TransferID] = set()
        # Links whose files core takes unseen, as was decided here
        self._always: set[ev.LinkID] = set()
        # When they were first seen connected
        self._opened: dict[ev.LinkID, float] = {}
        # To be sent once the other device says it takes files
        self._waiting: dict[ev.LinkID, list[tuple[str, ...]]] = {}
        self._once_job = OnceJob(options.send, once=options.once)
        # Join was posted
        self._joined = False
        # By the Trouble just shown
        self._shown_reason: Reason | None = None
        self._invited = False
        self._closing_since: float | None = None
        self._stopped = False

    # --- for the app ------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin: a joining program that knows its host goes there."""
        if self.options.role is Role.JOIN and self.options.target is not None:
            self._approach(self.options.target)

    def show(self, status: st.Status) -> None:
        """Take the next status."""
        match status:
            case st.LinkStatus():
                self._handle_link(status)
            case file_st.TransferStatus():
                self._handle_transfer(status)
            case st.Invitation() | st.NoInvitation() | st.Prompt() if (
                self._closing_since is not None
            ):
                # A host that lost its guest has made a new code before it heard that it is to end
                pass
            case st.NoInvitation(reason) if reason is not None and reason is self._shown_reason:
                # The Trouble before it has said why
                self._show(st.NoInvitation(None))
                self._keep(status)
            case _:
                self._show(status)
                self._keep(status)
        self._shown_reason = status.problem.reason if isinstance(status, st.Trouble) else None
        if self._once_job.over:
            self.close()

    # A face that leaves nothing out has nothing to do
    def catch_up(self) -> None:  # noqa: B027
        """Show what was left out because it followed too soon on what was shown before it.

        To be called again and again, also while nothing happens: a transfer that stands still would
        otherwise be shown as it was before.
        """

    def line(self, text: str) -> None:
        """Take a line of stdin, with or without its line break."""
        if self._closing_since is None and not self._stopped:
            self._read(text.rstrip("\r\n"))

    @abstractmethod
    def end_of_input(self) -> None:
        """Stdin has ended: no more decisions, but not the end of the links."""

    def close(self, exit_status: int | None = None) -> None:
        """End every link and then the program; `exit_status` where it is not to follow from how the
        links went.
        """
        if self._closing_since is not None:
            return
        self._closing_since = self._clock()
        links = list(self._links.values())
        if exit_status is not None:
            self.exit_status = exit_status
        elif self.options.once:
            self.exit_status = ExitStatus.DONE if self._once_job.succeeded else ExitStatus.FAILED
        elif self.options.role is Role.JOIN and any(link.was_connected for link in links):
            self.exit_status = ExitStatus.DONE
        for link in links:
            self._post(ev.Disconnect(link.link))
        self._post(ev.Shutdown())

    def interrupt(self) -> None:
        """Ctrl-C: cancel what moves, instead of keeping it for the next time, and end."""
        if self._closing_since is None:
            for status in self._under_way():
                self._post(file_ev.CancelTransfer(status.transfer))
        self.close()

    @property
    def finished(self) -> bool:
        """Whether the process may end."""
        overdue = (
            self._closing_since is not None
            and self._clock() >= self._closing_since + GOODBYE_SECONDS
        )
        return self._stopped or overdue

    # --- for the two faces ------------------------------------------------------------------------

    @abstractmethod
    def _show(self, status: st.Status) -> None:
        """Say a status; a LinkStatus comes to _show_link instead."""

    @abstractmethod
    def _show_link(self, status: st.LinkStatus, before: st.LinkStatus | None) -> None:
        """Say how a link is now; `before` is what it was, None for a new one."""

    @abstractmethod
    def _show_transfer(
        self, status: file_st.TransferStatus, before: file_st.TransferStatus | None
    ) -> None:
        """Say how a transfer is now; `before` is what it was, None for a new one."""

    @abstractmethod
    def _show_problem(self, problem: Problem) -> None:
        """Say what went wrong."""

    @abstractmethod
    def _read(self, line: str) -> None:
        """Take a line of stdin."""

    def _is_far(self, target: JoinTarget) -> bool:
        return not self.options.far_allowed and not is_local(
            target.address, self.options.own_networks
        )

    def _approach(self, target: JoinTarget) -> None:
        """Join, unless the person has to be asked first."""
        if self._is_far(target):
            self._show_problem(Problem(Reason.FAR_ADDRESS, target.authority))
            self.close(ExitStatus.USAGE)
        else:
            self._join(target)

    def _join(self, target: JoinTarget) -> None:
        self._joined = True
        self._post(ev.Join(target))

    def _connected(self) -> list[st.LinkStatus]:
        return [link for link in self._links.values() if link.stage is st.Stage.CONNECTED]

    def _send(self, text: str) -> bool:
        """Send text over every open link; False where there is none."""
        links = self._connected()
        for link in links:
            self._post(ev.SendText(link.link, text))
        return bool(links)

    def _send_paths(self, paths: tuple[str, ...], link: ev.LinkID | None = None) -> Reason | None:
        """Send files over `link`, or over every open one; why not, if not."""
        links = [one for one in self._connected() if link in (None, one.link)]
        able = [one for one in links if one.can_send_files]
        # A script sends as soon as it reads `connected`, which may be before the other device's
        # greeting is here.
        now = self._clock()
        new = [
            one
            for one in links
            if one not in able and now < self._opened[one.link] + GREETING_SECONDS
        ]
        for one in able:
            self._hand_in(one.link, paths)
        for one in new:
            self._waiting.setdefault(one.link, []).append(paths)
        if able or new:
            return None
        return Reason.FILES_UNSUPPORTED if links else Reason.NOT_CONNECTED

    def _send_waiting(self, status: st.LinkStatus) -> None:
        """What was to be sent before the other device had greeted."""
        if status.resumes is not None and status.resumes in self._waiting:
            self._waiting[status.link] = self._waiting.pop(status.resumes)
        if status.stage is st.Stage.CLOSED:
            self._opened.pop(status.link, None)
            for _ in self._waiting.pop(status.link, []):
                self._show_problem(Problem(Reason.FILES_UNSUPPORTED))
        elif status.stage is st.Stage.CONNECTED and status.can_send_files:
            for paths in self._waiting.pop(status.link, []):
                self._hand_in(status.link, paths)

    def _hand_in(self, link: ev.LinkID, paths: tuple[str, ...]) -> None:
        self._once_job.sent()
        self._post(file_ev.SendPaths(link, paths))

    def _is_asked_about(self, status: file_st.TransferStatus) -> bool:
        """Whether somebody here has to decide about it."""
        if (
            status.direction is not Direction.IN
            or status.state is not file_st.TransferState.ANNOUNCED
        ):
            return False
        unseen = self.options.accept_files or status.link in self._always
        return not unseen and status.transfer not in self._answered

    def _accept(self, answer: file_ev.AcceptTransfer) -> None:
        self._answered.add(answer.transfer)
        announced = self._transfers.get(answer.transfer)
        if answer.always and announced is not None and announced.link is not None:
            self._always.add(announced.link)
        self._once_job.accepted(answer.transfer)
        self._post(answer)

    def _decline(self, transfer: TransferID) -> None:
        self._answered.add(transfer)
        self._post(file_ev.CancelTransfer(transfer))

    def _under_way(self) -> list[file_st.TransferStatus]:
        """Transfers that are announced or moving now."""
        states = (file_st.TransferState.ANNOUNCED, file_st.TransferState.ACTIVE)
        return [status for status in self._transfers.values() if status.state in states]

    def _write(self, text: str) -> None:
        """Write and flush.

        A reader that has gone away ends the program: nobody would see a request.
        """
        try:
            self._out.write(text)
            self._out.flush()
        except (OSError, ValueError):
            # ValueError: the file is closed
            self.close(ExitStatus.FAILED)

    # --- bookkeeping ------------------------------------------------------------------------------

    def _keep(self, status: st.Status) -> None:
        match status:
            case st.Invitation():
                self._invited = True
            case st.NoInvitation(reason) if reason in _HOPELESS and not self._invited:
                self.close(ExitStatus.FAILED)
            case st.Trouble():
                self._once_job.hear(status)
            case st.Stopped():
                self._stopped = True
                # Nobody asked for it: the network side broke
                if self._closing_since is None:
                    self.exit_status = ExitStatus.FAILED

    def _handle_link(self, status: st.LinkStatus) -> None:
        before = self._links.pop(status.link, None)
        if status.stage is not st.Stage.CLOSED:
            self._links[status.link] = status
        if status.resumes is not None:
            # Nothing more is told of it
            self._links.pop(status.resumes, None)
        if status.stage is st.Stage.CONNECTED:
            self._opened.setdefault(status.link, self._clock())
        self._show_link(status, before)
        self._send_waiting(status)
        if status.stage is st.Stage.CLOSED:
            self._after_link(status)
        elif self._closing_since is None and self._once_job.sends_over(status):
            self._hand_in(status.link, self.options.send)

    def _after_link(self, status: st.LinkStatus) -> None:
        if self.options.once:
            others = any(
                link.stage in (st.Stage.CONNECTED, st.Stage.WAITING)
                for link in self._links.values()
            )
            if not others or self._once_job.serves(status.link):
                self.close()
        elif self.options.role is Role.JOIN:
            orderly = status.was_connected and status.reason in ORDERLY
            self.close(ExitStatus.DONE if orderly else ExitStatus.FAILED)

    def _handle_transfer(self, status: file_st.TransferStatus) -> None:
        before = self._transfers.get(status.transfer)
        self._transfers[status.transfer] = status
        self._once_job.see(status)
        if status.state is not file_st.TransferState.ANNOUNCED:
            self._answered.discard(status.transfer)
        self._show_transfer(status, before)
        if status.over:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        over = [status.transfer for status in self._transfers.values() if status.over]
        for transfer in over[:-MAX_TRANSFERS_KEPT]:
            del self._transfers[transfer]
