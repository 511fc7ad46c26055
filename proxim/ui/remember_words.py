"""The sentences that every face uses for two devices that do not know each other after all."""

from typing import Final

from proxim.core.errors import SENTENCES, Reason
from proxim.core.i18n import tr

# The link has ended, and its own page or line says why.
_LINK_ENDS: Final = (
    Reason.CLOSED,
    Reason.DEVICE_LINKED,
    Reason.DISCONNECTED,
    Reason.EXPIRED,
    Reason.PEER_ERROR,
    Reason.PEER_LEFT,
    Reason.PEER_VANISHED,
    Reason.REPLACED,
    Reason.TAMPERED,
)
# The sentences of these reasons are about joining; devices that are made known have others.
_NOT_REMEMBERED: Final = {
    Reason.TIMEOUT: "known.notCompared",
    Reason.DECLINED: "known.notWanted",
    Reason.BUSY: "known.busy",
    **dict.fromkeys(_LINK_ENDS, "known.linkEnded"),
}
# The sentences of these say themselves that nothing is remembered.
_SAY_SO: Final = frozenset(
    {
        *_NOT_REMEMBERED,
        Reason.DIGITS_DIFFER,
        Reason.REMEMBER_UNVERIFIED,
        Reason.REMEMBER_UNSUPPORTED,
    }
)


def failure_words(reason: Reason | None) -> str:
    """Return why two devices do not know each other after all."""
    reason = reason or Reason.INTERNAL
    key = _NOT_REMEMBERED.get(reason)
    return SENTENCES[reason] if key is None else tr(key)


def ended_with_link(reason: Reason | None) -> bool:
    """Whether two devices do not know each other because their link ended meanwhile."""
    return reason in _LINK_ENDS


def says_so(reason: Reason | None) -> bool:
    """Whether the sentence of a reason says that nothing was remembered."""
    return reason in _SAY_SO
