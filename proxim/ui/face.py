"""What the terminal and the JSON lines share: whom to join, which links live, when the program ends and with what.

A face is driven from the main thread: `start()` once, then `show(status)` for each status, `line(text)` for each line
of stdin, `end_of_input()` at its end, until `finished`; then the process ends with `exit_status`. Ctrl-C is `close()`.
Must never be here: a thread, waiting, sockets, words for people.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final, TextIO

from proxim.core.errors import Problem, Reason
from proxim.core.events import Disconnect, Intent, Invite, Join, LinkID, SendText, SessionType, Shutdown
from proxim.core.host_code import JoinTarget, is_local
from proxim.core.status import Invitation, LinkStatus, NoInvitation, Prompt, Stage, Status, Stopped, Trouble

GOODBYE_SECONDS: Final = 4.0  # one more than the network side takes at most; then we leave without it

# How a link ends that nobody need worry about.
ORDERLY: Final = frozenset({None, Reason.PEER_LEFT, Reason.DISCONNECTED, Reason.CLOSED, Reason.EXPIRED})
# What a host that never showed a code cannot get over by waiting: the person has to start it differently.
_HOPELESS: Final = frozenset({Reason.PORT_TAKEN, Reason.PORT_REFUSED})
_ONE_TIME: Final = Invite(SessionType.ONE_TIME)


class Role(StrEnum):
    """Which of the two programs this is."""

    HOST = "host"
    JOIN = "join"


class ExitStatus(IntEnum):
    """What the process ends with."""

    DONE = 0
    FAILED = 1
    USAGE = 2  # nothing was tried: the code or a consent was missing


@dataclass(frozen=True, slots=True)
class FaceOptions:
    """What was asked for on the command line, as far as a face must know it."""

    role: Role
    invite: Invite = _ONE_TIME  # what a host makes when asked for a new code
    target: JoinTarget | None = None  # None: the face asks for the code
    far_allowed: bool = False  # --yes: dial an address outside the local network without asking
    own_networks: tuple[str, ...] = ()  # this machine's subnets (CIDR), which are no far addresses
    once: bool = False


class LineFace(ABC):
    """See the module. `post` takes what the person wants; `clock` is the monotonic clock of the statuses' moments."""

    def __init__(
        self, options: FaceOptions, post: Callable[[Intent], None], out: TextIO, clock: Callable[[], float]
    ) -> None:
        self.options = options
        self.exit_status: int = ExitStatus.DONE if options.role is Role.HOST else ExitStatus.FAILED
        self._post = post
        self._out = out
        self._clock = clock
        self._links: dict[LinkID, LinkStatus] = {}  # those that are not closed
        self._joined = False  # Join was posted
        self._told: Reason | None = None  # by the Trouble just shown
        self._invited = False
        self._closing_since: float | None = None
        self._stopped = False

    # --- for the roof ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin: a joining program that knows its host goes there."""
        if self.options.role is Role.JOIN and self.options.target is not None:
            self._approach(self.options.target)

    def show(self, status: Status) -> None:
        """Take the next status."""
        match status:
            case LinkStatus():
                self._show_link(status)
            case Invitation() | NoInvitation() | Prompt() if self._closing_since is not None:
                pass  # a host that lost its guest has made a new code before it heard that it is to end
            case NoInvitation(reason) if reason is not None and reason is self._told:
                self._tell(NoInvitation(None))  # the Trouble before it has said why
                self._keep(status)
            case _:
                self._tell(status)
                self._keep(status)
        self._told = status.problem.reason if isinstance(status, Trouble) else None

    def line(self, text: str) -> None:
        """Take a line of stdin, with or without its line break."""
        if self._closing_since is None and not self._stopped:
            self._read(text.rstrip("\r\n"))

    @abstractmethod
    def end_of_input(self) -> None:
        """Stdin has ended: no more decisions, but not the end of the links."""

    def close(self, exit_status: int | None = None) -> None:
        """End every link and then the program; `exit_status` where it is not to follow from how the links went."""
        if self._closing_since is not None:
            return
        self._closing_since = self._clock()
        links = list(self._links.values())
        if exit_status is not None:
            self.exit_status = exit_status
        elif self.options.role is Role.JOIN and any(link.was_connected for link in links):
            self.exit_status = ExitStatus.DONE
        for link in links:
            self._post(Disconnect(link.link))
        self._post(Shutdown())

    @property
    def finished(self) -> bool:
        """Whether the process may end."""
        overdue = self._closing_since is not None and self._clock() >= self._closing_since + GOODBYE_SECONDS
        return self._stopped or overdue

    # --- for the two faces -----------------------------------------------------------------------------------------

    @abstractmethod
    def _tell(self, status: Status) -> None:
        """Say a status; a LinkStatus comes to _tell_link instead."""

    @abstractmethod
    def _tell_link(self, status: LinkStatus, before: LinkStatus | None) -> None:
        """Say how a link is now; `before` is what it was, None for a new one."""

    @abstractmethod
    def _tell_problem(self, problem: Problem) -> None:
        """Say what went wrong."""

    @abstractmethod
    def _read(self, line: str) -> None:
        """Take a line of stdin."""

    def _is_far(self, target: JoinTarget) -> bool:
        return not self.options.far_allowed and not is_local(target.address, self.options.own_networks)

    def _approach(self, target: JoinTarget) -> None:
        """Join, unless the person has to be asked first."""
        if self._is_far(target):
            self._tell_problem(Problem(Reason.FAR_ADDRESS, target.authority))
            self.close(ExitStatus.USAGE)
        else:
            self._join(target)

    def _join(self, target: JoinTarget) -> None:
        self._joined = True
        self._post(Join(target))

    def _connected(self) -> list[LinkStatus]:
        return [link for link in self._links.values() if link.stage is Stage.CONNECTED]

    def _send(self, text: str) -> bool:
        """Send text over every open link; False where there is none."""
        links = self._connected()
        for link in links:
            self._post(SendText(link.link, text))
        return bool(links)

    def _write(self, text: str) -> None:
        """Write and flush. A reader that has gone away ends the program: nobody would see a request."""
        try:
            self._out.write(text)
            self._out.flush()
        except (OSError, ValueError):  # ValueError: the file is closed
            self.close(ExitStatus.FAILED)

    # --- bookkeeping -----------------------------------------------------------------------------------------------

    def _keep(self, status: Status) -> None:
        match status:
            case Invitation():
                self._invited = True
            case NoInvitation(reason) if reason in _HOPELESS and not self._invited:
                self.close(ExitStatus.FAILED)
            case Stopped():
                self._stopped = True
                if self._closing_since is None:  # nobody asked for it: the network side broke
                    self.exit_status = ExitStatus.FAILED

    def _show_link(self, status: LinkStatus) -> None:
        before = self._links.pop(status.link, None)
        if status.stage is not Stage.CLOSED:
            self._links[status.link] = status
        self._tell_link(status, before)
        if status.stage is not Stage.CLOSED:
            return
        if self.options.role is Role.JOIN:
            orderly = status.was_connected and status.reason in ORDERLY
            self.close(ExitStatus.DONE if orderly else ExitStatus.FAILED)
        elif self.options.once:
            self.close(ExitStatus.DONE if status.was_connected else ExitStatus.FAILED)
