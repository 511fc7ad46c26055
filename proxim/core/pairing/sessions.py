"""All sessions of a host with what their codes carry; an ended one leaves memory at once."""

from collections.abc import Iterator

from proxim.core.commands import Command
from proxim.core.events import LinkID
from proxim.core.pairing.invitations import SessionSecrets
from proxim.core.pairing.session import Session
from proxim.core.pairing.session_inputs import SessionInput
from proxim.core.pairing.session_states import SessionState

JOINABLE = (SessionState.OPEN, SessionState.ASKED)


class Sessions:
    """See the module. `shown` is the one whose code is shown, or was until its guest joined."""

    def __init__(self) -> None:
        self.shown: Session | None = None
        self._sessions: dict[str, Session] = {}
        self._secrets: dict[str, SessionSecrets] = {}

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._sessions.values()))

    def add(self, session: Session, secrets: SessionSecrets) -> None:
        """Keep a new session."""
        self._sessions[session.id] = session
        self._secrets[session.id] = secrets

    def get(self, session_id: str) -> Session | None:
        """The session of that id."""
        return self._sessions.get(session_id)

    def secrets_of(self, session_id: str) -> SessionSecrets | None:
        """What its code and QR carry."""
        return self._secrets.get(session_id)

    def by_link(self, link: LinkID) -> Session | None:
        """The session that this link belongs to."""
        return next((one for one in self if one.link is not None and one.link.id == link), None)

    def by_lost_link(self, link: LinkID) -> Session | None:
        """The session that went on for this link: what a person wants of the one, they want of the
        other.
        """
        return next(
            (one for one in self if one.link is not None and one.link.status.resumes == link), None
        )

    def by_resume_name(self, name: str) -> Session | None:
        """The session whose link may be taken up again under this name."""
        return next((one for one in self if one.resume_secret(name) is not None), None)

    def tell(self, session: Session, event: SessionInput, now: float) -> list[Command]:
        """Hand an event to a session, and forget it if that was its end."""
        commands = session.handle(event, now)
        if session.state is SessionState.ENDED:
            del self._sessions[session.id]
            del self._secrets[session.id]
        return commands
