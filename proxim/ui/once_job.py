"""What a program in a terminal was started for, `--send` and `--once`: is it done, and did it work?

With paths to send, what is asked for is that they arrive; without, that something comes. A transfer
that waits to be resumed is not done.
"""

from pathlib import Path
from typing import Final

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import FILE_REASONS, Reason
from proxim.core.files import status as file_st
from proxim.core.files.manifest import Direction, TransferID, total_size

# The whole of what was to be sent is refused, and no transfer comes of it.
_REFUSED: Final = frozenset({Reason.FILES_UNSUPPORTED, Reason.NOT_CONNECTED})


class OnceJob:
    """Keeps account of what the program was started for."""

    def __init__(self, send: tuple[str, ...], *, once: bool) -> None:
        self._send = send
        self._once = once
        self._session: str | None = None
        self._served: set[ev.LinkID] = set()
        # Sendings of which no transfer has been seen yet
        self._awaited = 0
        # What was refused before it could be a transfer, or was left out of one
        self._failures = 0
        self._seen: set[TransferID] = set()
        self._asked: dict[TransferID, file_st.TransferStatus] = {}
        self._active: set[TransferID] = set()

    # --- what happens -----------------------------------------------------------------------------

    def sends_over(self, link: st.LinkStatus) -> bool:
        """Whether what is to be sent goes out over this link, now; said once.

        It goes to each device that links in the first session, with `--once` to the first.
        """
        if link.resumes in self._served:
            # The same device again: its transfers go on by themselves
            self._served.add(link.link)
        if not self._send or link.stage is not st.Stage.CONNECTED or link.link in self._served:
            return False
        other = self._session is not None and (self._once or link.session_id != self._session)
        if other or not link.can_send_files:
            return False
        self._session = link.session_id
        self._served.add(link.link)
        return True

    def serves(self, link: ev.LinkID) -> bool:
        """Whether what is to be sent went out over this link."""
        return link in self._served

    def sent(self) -> None:
        """Files were handed in to be sent over one link, by the command line or by a person."""
        self._awaited += 1

    def accepted(self, transfer: TransferID) -> None:
        """What comes was accepted here."""
        if not self._send:
            self._asked.setdefault(transfer, _UNKNOWN)

    def see(self, status: file_st.TransferStatus) -> None:
        """A transfer is now like this."""
        mine = status.transfer in self._asked or self._is_asked(status)
        self._seen.add(status.transfer)
        if mine:
            self._asked[status.transfer] = status
        if status.state is file_st.TransferState.ACTIVE:
            self._active.add(status.transfer)
        else:
            self._active.discard(status.transfer)

    def _is_asked(self, status: file_st.TransferStatus) -> bool:
        # Taken: asked about alone, it may still be declined
        if status.direction is Direction.IN:
            return not self._send and status.state in (
                file_st.TransferState.ACTIVE,
                file_st.TransferState.DONE,
            )
        if status.link is None or not self._awaited:
            return False
        # One that an earlier run left begins without a link, and may turn out to be what was asked
        # for once more.
        if status.transfer in self._seen and not self._same_files(status):
            return False
        self._awaited -= 1
        return bool(self._send)

    def _same_files(self, status: file_st.TransferStatus) -> bool:
        return {Path(path).name for path in self._send} == {entry.top for entry in status.entries}

    def hear(self, trouble: st.Trouble) -> None:
        """Something failed that may have been asked for."""
        reason = trouble.problem.reason
        if self._awaited and trouble.link is not None and reason in _REFUSED:
            self._awaited -= 1
            self._failures += 1
        elif trouble.link in self._served and reason in FILE_REASONS:
            self._failures += 1

    # --- what became of it ------------------------------------------------------------------------

    @property
    def over(self) -> bool:
        """Whether all that was asked for has come to its end, and nothing else is moving."""
        if not self._once or self._awaited or self._active:
            return False
        if self._send and not self._served:
            return False
        ended = all(status is not _UNKNOWN and status.over for status in self._asked.values())
        return ended and bool(self._asked or (self._send and self._failures))

    @property
    def succeeded(self) -> bool:
        """Whether all of it arrived and was verified."""
        return (
            self.over
            and not self._failures
            and all(_arrived(status) for status in self._asked.values())
        )


# Accepted, and nothing heard of it since.
_UNKNOWN: Final = file_st.TransferStatus(
    TransferID(""), Direction.IN, file_st.TransferState.ANNOUNCED, (), 0
)


def _arrived(status: file_st.TransferStatus) -> bool:
    if status.state is not file_st.TransferState.DONE or status.failed:
        return False
    declined = status.direction is Direction.OUT and status.size < total_size(status.entries)
    return not declined
