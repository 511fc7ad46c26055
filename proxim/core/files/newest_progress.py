"""Which statuses of transfers say only how far they are; of these a face needs only the newest."""

from dataclasses import dataclass, replace

from proxim.core import status as st
from proxim.core.files import status as file_st
from proxim.core.files.manifest import TransferID


@dataclass(frozen=True, slots=True)
class ProgressKey:
    """Names a stretch of one transfer in which nothing changes but `moved` and `speed`."""

    # Never used twice, or a status could replace one from before the transfer's last interruption.
    stretch: int


class NewestProgress:
    """Reads the statuses of all transfers in the order in which they are published."""

    def __init__(self) -> None:
        # The stretch of each active transfer, with its first status.
        self._stretches: dict[TransferID, tuple[ProgressKey, file_st.TransferStatus]] = {}
        self._count = 0

    def key_of(self, status: st.Status) -> ProgressKey | None:
        """Return the key under which this status replaces an earlier one.

        None means that the status says something new, so every face must see it.
        """
        if not isinstance(status, file_st.TransferStatus):
            return None
        if status.state is not file_st.TransferState.ACTIVE:
            self._stretches.pop(status.transfer, None)
            return None
        if status.transfer in self._stretches:
            key, first = self._stretches[status.transfer]
            if replace(status, moved=first.moved, speed=first.speed) == first:
                return key
        self._count += 1
        self._stretches[status.transfer] = ProgressKey(self._count), status
        return None
