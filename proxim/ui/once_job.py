"""Whether a program in a terminal has done what it was started for with `--send` and `--once`, and
whether it worked.

With paths to send the job is that they arrive; without paths it is that something is received. A
transfer that waits to be resumed is not done.
"""

from pathlib import Path
from typing import Final

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import FILE_REASONS, Reason
from proxim.core.files import status as file_st
from proxim.core.files.manifest import Direction, TransferID, total_size

# With these reasons nothing of a request to send becomes a transfer.
_REFUSED: Final = frozenset({Reason.FILES_UNSUPPORTED, Reason.NOT_CONNECTED})


class OnceJob:
    """Keeps track of the transfers that the program was started for."""

    def __init__(self, send: tuple[str, ...], *, once: bool) -> None:
        self._send = send
        self._once = once
        self._session: str | None = None
        self._served: set[ev.LinkID] = set()
        # This many requests to send have not become a transfer yet.
        self._awaited = 0
        # This counts what was refused before it became a transfer, and files that were left out of
        # one.
        self._failures = 0
        self._seen: set[TransferID] = set()
        self._asked: dict[TransferID, file_st.TransferStatus] = {}
        self._active: set[TransferID] = set()

    # --- events -----------------------------------------------------------------------------------

    def sends_over(self, link: st.LinkStatus) -> bool:
        """Return whether the paths must now be sent over this link; each link gets True only once.

        The paths go to each device that links in the first session; with `--once` only to the first
        device, or to the one that a person put in its place because it had not come back.
        """
        if link.resumes in self._served:
            # This is the same device again, and its transfers resume by themselves.
            self._served.add(link.link)
        if not self._send or link.stage is not st.Stage.CONNECTED or link.link in self._served:
            return False
        first = self._session is None or link.replaces in self._served
        if not first and (self._once or link.session_id != self._session):
            return False
        if st.FILES not in link.features:
            return False
        self._session = link.session_id
        self._served.add(link.link)
        return True

    def replaced(self) -> None:
        """Expect no longer what waits for a device whose place another one has taken.

        If it is the same device after all, its transfers go on and count again.
        """
        self._asked = {
            transfer: status
            for transfer, status in self._asked.items()
            if status.state is not file_st.TransferState.WAITING
        }

    def serves(self, link: ev.LinkID) -> bool:
        """Return whether the paths were sent over this link."""
        return link in self._served

    def sent(self) -> None:
        """Count a request to send over one link, from the command line or from a person."""
        self._awaited += 1

    def accepted(self, transfer: TransferID) -> None:
        """Note that an incoming transfer was accepted here."""
        if not self._send:
            self._asked.setdefault(transfer, _UNKNOWN)

    def see(self, status: file_st.TransferStatus) -> None:
        """Handle the newest status of a transfer."""
        mine = status.transfer in self._asked or self._is_asked(status)
        self._seen.add(status.transfer)
        if mine:
            self._asked[status.transfer] = status
        if status.state is file_st.TransferState.ACTIVE:
            self._active.add(status.transfer)
        else:
            self._active.discard(status.transfer)

    def _is_asked(self, status: file_st.TransferStatus) -> bool:
        # It counts once bytes move, as an announced transfer may still be declined.
        if status.direction is Direction.IN:
            return not self._send and status.state in (
                file_st.TransferState.ACTIVE,
                file_st.TransferState.DONE,
            )
        if status.link is None or not self._awaited:
            return False
        # A transfer from an earlier run has no link at first, and may turn out to be the one that
        # was asked for again.
        if status.transfer in self._seen and not self._same_files(status):
            return False
        self._awaited -= 1
        return bool(self._send)

    def _same_files(self, status: file_st.TransferStatus) -> bool:
        return {Path(path).name for path in self._send} == {entry.top for entry in status.entries}

    def count_failure(self, trouble: st.Trouble) -> None:
        """Count a failure of something that may have been asked for."""
        reason = trouble.problem.reason
        if self._awaited and trouble.link is not None and reason in _REFUSED:
            self._awaited -= 1
            self._failures += 1
        elif trouble.link in self._served and reason in FILE_REASONS:
            self._failures += 1

    # --- results ----------------------------------------------------------------------------------

    @property
    def unfinished(self) -> tuple[TransferID, ...]:
        """The transfers of what was asked for that have not ended."""
        return tuple(transfer for transfer, status in self._asked.items() if not status.over)

    @property
    def over(self) -> bool:
        """Whether all that was asked for has ended, and no other transfer is active."""
        if not self._once or self._awaited or self._active:
            return False
        if self._send and not self._served:
            return False
        ended = all(status is not _UNKNOWN and status.over for status in self._asked.values())
        return ended and bool(self._asked or (self._send and self._failures))

    @property
    def succeeded(self) -> bool:
        """Whether all that was asked for arrived and was verified."""
        return (
            self.over
            and not self._failures
            and all(_arrived(status) for status in self._asked.values())
        )


# This stands for an accepted transfer that has had no status since.
_UNKNOWN: Final = file_st.TransferStatus(
    TransferID(""), Direction.IN, file_st.TransferState.ANNOUNCED, (), 0
)


def _arrived(status: file_st.TransferStatus) -> bool:
    if status.state is not file_st.TransferState.DONE or status.failed:
        return False
    declined = status.direction is Direction.OUT and status.size < total_size(status.entries)
    return not declined
