"""How a transfer ended whose files have all come to their end; sender and receiver say the same."""

from proxim.core.errors import Reason
from proxim.core.files.manifest import Entry, FailedFile
from proxim.core.files.status import TransferState


def outcome(wanted: int, failed: tuple[FailedFile, ...]) -> tuple[TransferState, Reason | None]:
    """What to tell people, where `wanted` files were to arrive."""
    if not failed:
        return TransferState.DONE, None
    if len(failed) < wanted:
        return TransferState.DONE, Reason.SOME_FILES_FAILED
    return TransferState.FAILED, failed[0].reason if wanted == 1 else Reason.SOME_FILES_FAILED


def lost_bytes(entries: tuple[Entry, ...], failed: tuple[FailedFile, ...]) -> int:
    """Bytes of the files that failed."""
    return sum(entries[one.index].size for one in failed)


def count_files(entries: tuple[Entry, ...]) -> int:
    """Files, without folders."""
    return sum(1 for one in entries if not one.directory)
