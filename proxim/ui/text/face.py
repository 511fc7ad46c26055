"""What the terminal and the JSON lines share: whom to join, which links and transfers exist, and
when the program ends.

The main thread drives a face. It calls `start()` once, then `show(status)` for each status,
`line(text)` for each line of stdin and `end_of_input()` at its end, until `finished` is true. The
process then ends with `exit_status`. Ctrl-C calls `interrupt()`.
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
    """The part of the command line that a face needs."""

    role: Role
    # A host makes this invitation when it is asked for a new code.
    invite: ev.Invite = _ONE_TIME
    # With None the face asks for the code.
    target: JoinTarget | None = None
    # --yes allows dialling an address outside the local network without asking.
    far_allowed: bool = False
    # These are this machine's subnets (CIDR); addresses in them are not far.
    own_networks: tuple[str, ...] = ()
    once: bool = False
    # These files and folders are sent as soon as there is a link.
    send: tuple[str, ...] = ()
    # With --save-to core accepts incoming files without asking.
    accept_files: bool = False


class LineFace(ABC):
    """What the terminal and the JSON lines have in common.

    `post` is called with the person's intents; `clock` is the monotonic clock that statuses use.
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
        # Only links that are not closed are in here.
        self._links: dict[ev.LinkID, st.LinkStatus] = {}
        # Transfers are in the order in which they were first seen.
        self._transfers: dict[TransferID, file_st.TransferStatus] = {}
        # These announced transfers were accepted or declined here, but their status has not changed
        # yet.
        self._answered: set[TransferID] = set()
        # Core accepts files over these links without asking, because the person chose so.
        self._always: set[ev.LinkID] = set()
        # This is when each link was first seen connected.
        self._opened: dict[ev.LinkID, float] = {}
        # These paths are sent once the other device reports that it accepts files.
        self._waiting: dict[ev.LinkID, list[tuple[str, ...]]] = {}
        self._once_job = OnceJob(options.send, once=options.once)
        # This is true once Join was posted.
        self._joined = False
        # This is the reason of the last status if it was a Trouble.
        self._shown_reason: Reason | None = None
        self._invited = False
        self._closing_since: float | None = None
        self._stopped = False

    # --- interface for the app --------------------------------------------------------------------

    def start(self) -> None:
        """Start the face; a guest that was given its host joins it."""
        if self.options.role is Role.JOIN and self.options.target is not None:
            self._join_if_local(self.options.target)

    def show(self, status: st.Status) -> None:
        """Handle a new status."""
        match status:
            case st.LinkStatus():
                self._handle_link(status)
            case file_st.TransferStatus():
                self._handle_transfer(status)
            case st.Invitation() | st.NoInvitation() | st.Prompt() if (
                self._closing_since is not None
            ):
                # A host that lost its guest makes a new code before it receives the Shutdown.
                pass
            case st.NoInvitation(reason) if reason is not None and reason is self._shown_reason:
                # The Trouble before it has already shown the reason.
                self._show(st.NoInvitation(None))
                self._keep(status)
            case _:
                self._show(status)
                self._keep(status)
        self._shown_reason = status.problem.reason if isinstance(status, st.Trouble) else None
        if self._once_job.over:
            self.close()

    def catch_up(self) -> None:
        """Show what has become due although nothing happened.

        The caller repeats this regularly. Here it reports files that wait for a peer that has not
        said in time that it accepts files. The faces add progress that they had left out because it
        came too soon after the last output.
        """
        now = self._clock()
        for link in list(self._waiting):
            status = self._links[link]
            greeted = self._opened.get(link, now) + GREETING_SECONDS
            if status.stage is st.Stage.CONNECTED and now >= greeted:
                self._report_unsupported(link)

    def line(self, text: str) -> None:
        """Handle a line of stdin, with or without its line break."""
        if self._closing_since is None and not self._stopped:
            self._read(text.rstrip("\r\n"))

    @abstractmethod
    def end_of_input(self) -> None:
        """Handle the end of stdin: no more decisions can come, but links go on."""

    def close(self, exit_status: int | None = None) -> None:
        """End every link and then the program.

        `exit_status` replaces the one that follows from how the links went.
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
        """Handle Ctrl-C: cancel announced and active transfers instead of keeping them, and end."""
        if self._closing_since is None:
            for status in self._under_way():
                self._post(file_ev.CancelTransfer(status.transfer))
        self.close()

    @property
    def finished(self) -> bool:
        """Return whether the process may end."""
        overdue = (
            self._closing_since is not None
            and self._clock() >= self._closing_since + GOODBYE_SECONDS
        )
        return self._stopped or overdue

    # --- interface for the two faces --------------------------------------------------------------

    @abstractmethod
    def _show(self, status: st.Status) -> None:
        """Show a status that is no LinkStatus and no TransferStatus."""

    @abstractmethod
    def _show_link(self, status: st.LinkStatus, before: st.LinkStatus | None) -> None:
        """Show how a link is now; `before` is its previous status, None for a new link."""

    @abstractmethod
    def _show_transfer(
        self, status: file_st.TransferStatus, before: file_st.TransferStatus | None
    ) -> None:
        """Show how a transfer is now; `before` is its previous status, None for a new transfer."""

    @abstractmethod
    def _show_problem(self, problem: Problem) -> None:
        """Show what went wrong."""

    @abstractmethod
    def _read(self, line: str) -> None:
        """Handle a line of stdin."""

    def _is_far(self, target: JoinTarget) -> bool:
        return not self.options.far_allowed and not is_local(
            target.address, self.options.own_networks
        )

    def _join_if_local(self, target: JoinTarget) -> None:
        """Join, unless the person has to agree first."""
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
        """Send text over every open link; return False if there is none."""
        links = self._connected()
        for link in links:
            self._post(ev.SendText(link.link, text))
        return bool(links)

    def _send_paths(self, paths: tuple[str, ...], link: ev.LinkID | None = None) -> Reason | None:
        """Send files over `link`, or over every open link; return the reason if it is
        impossible.
        """
        links = [one for one in self._connected() if link in (None, one.link)]
        able = [one for one in links if one.can_send_files]
        # A script sends as soon as it reads `connected`, which may be before the other device's
        # greeting has arrived.
        now = self._clock()
        new = [
            one
            for one in links
            if one not in able and now < self._opened[one.link] + GREETING_SECONDS
        ]
        for one in able:
            self._post_send_paths(one.link, paths)
        for one in new:
            self._waiting.setdefault(one.link, []).append(paths)
        if able or new:
            return None
        return Reason.FILES_UNSUPPORTED if links else Reason.NOT_CONNECTED

    def _report_unsupported(self, link: ev.LinkID) -> None:
        for _ in self._waiting.pop(link, []):
            self._show_problem(Problem(Reason.FILES_UNSUPPORTED))

    def _send_waiting(self, status: st.LinkStatus) -> None:
        """Send what waited for the other device's greeting, or report that it cannot be sent."""
        if status.resumes is not None and status.resumes in self._waiting:
            self._waiting[status.link] = self._waiting.pop(status.resumes)
        if status.stage is st.Stage.CLOSED:
            self._opened.pop(status.link, None)
            self._report_unsupported(status.link)
        elif status.stage is st.Stage.CONNECTED and status.can_send_files:
            for paths in self._waiting.pop(status.link, []):
                self._post_send_paths(status.link, paths)

    def _post_send_paths(self, link: ev.LinkID, paths: tuple[str, ...]) -> None:
        self._once_job.sent()
        self._post(file_ev.SendPaths(link, paths))

    def _is_asked_about(self, status: file_st.TransferStatus) -> bool:
        """Return whether somebody here has to decide about this transfer."""
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
        """Return the transfers that are announced or active."""
        states = (file_st.TransferState.ANNOUNCED, file_st.TransferState.ACTIVE)
        return [status for status in self._transfers.values() if status.state in states]

    def _write(self, text: str) -> None:
        """Write and flush.

        If the reader is gone the program ends, as nobody would see a request.
        """
        try:
            self._out.write(text)
            self._out.flush()
        except (OSError, ValueError):
            # A closed file raises ValueError.
            self.close(ExitStatus.FAILED)

    # --- bookkeeping ------------------------------------------------------------------------------

    def _keep(self, status: st.Status) -> None:
        match status:
            case st.Invitation():
                self._invited = True
            case st.NoInvitation(reason) if reason in _FATAL and not self._invited:
                self.close(ExitStatus.FAILED)
            case st.Trouble():
                self._once_job.count_failure(status)
            case st.Stopped():
                self._stopped = True
                # Nobody asked for this end, so the network side has failed.
                if self._closing_since is None:
                    self.exit_status = ExitStatus.FAILED

    def _handle_link(self, status: st.LinkStatus) -> None:
        before = self._links.pop(status.link, None)
        if status.stage is not st.Stage.CLOSED:
            self._links[status.link] = status
        if status.resumes is not None:
            # The lost link gets no further status.
            self._links.pop(status.resumes, None)
        if status.stage is st.Stage.CONNECTED:
            self._opened.setdefault(status.link, self._clock())
        self._show_link(status, before)
        self._send_waiting(status)
        if status.stage is st.Stage.CLOSED:
            self._after_link(status)
        elif self._closing_since is None and self._once_job.sends_over(status):
            self._post_send_paths(status.link, self.options.send)

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
