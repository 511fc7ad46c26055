"""Where a session is, for its table of transitions, and in the words of docs/protocol.md."""

from enum import Enum, StrEnum


class SessionState(Enum):
    """Where a session is."""

    OPEN = "open"  # joinable, nobody asks
    ASKED = "asked"  # a prompt is shown
    LINKING = "linking"  # approved, the link is not open yet
    LINKED = "linked"
    AWAY = "away"  # the link was lost; the same guest takes it up again, or its time runs out
    ENDED = "ended"


class SessionStatus(StrEnum):
    """The status that docs/protocol.md gives a session."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
