"""All sessions of a host, found by their ids, their links or the names under which they resume."""

from collections.abc import Iterator

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core.errors import Reason
from proxim.core.pairing.devices import KnownID
from proxim.core.pairing.invitations import SessionSecrets
from proxim.core.pairing.session import JOINABLE, End, Session, SessionInput, SessionState


class Sessions:
    """All sessions of a host, with their secrets.

    `shown` is the session whose code is shown, or was shown until its guest joined.
    """

    def __init__(self) -> None:
        self.shown: Session | None = None
        self._sessions: dict[str, Session] = {}
        self._secrets: dict[str, SessionSecrets] = {}

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._sessions.values()))

    def add(self, session: Session, secrets: SessionSecrets) -> None:
        """Add a new session."""
        self._sessions[session.id] = session
        self._secrets[session.id] = secrets

    def get(self, session_id: str) -> Session | None:
        """Find the session with this id."""
        return self._sessions.get(session_id)

    def secrets_of(self, session_id: str) -> SessionSecrets | None:
        """Return the secrets in a session's code and QR code."""
        return self._secrets.get(session_id)

    def by_link(self, link: ev.LinkID) -> Session | None:
        """Find the session that this link belongs to."""
        return next((one for one in self if one.link is not None and one.link.id == link), None)

    def by_lost_link(self, link: ev.LinkID) -> Session | None:
        """Find the session whose new link replaced this lost one."""
        return next(
            (one for one in self if one.link is not None and one.link.status.resumes == link), None
        )

    def by_resume_name(self, name: str) -> Session | None:
        """Find the session whose link may be resumed under this name."""
        return next((one for one in self if one.resume_secret(name) is not None), None)

    def of(self, device: KnownID) -> list[Session]:
        """Return the sessions that were made for a known device."""
        return [one for one in self if one.known == device]

    def handle(self, session: Session, event: SessionInput, now: float) -> list[do.Command]:
        """Pass an event to a session, and forget the session if the event ended it."""
        joinable = session.state in JOINABLE
        commands = session.handle(event, now)
        if session.known is not None and joinable and session.state is SessionState.LINKING:
            # It is the same device, whose program has lost the keys of its link.
            for lost in self.of(session.known):
                if lost.state is SessionState.AWAY:
                    commands += self.handle(lost, End(Reason.REPLACED), now)
        if session.state is SessionState.ENDED:
            del self._sessions[session.id]
            del self._secrets[session.id]
        return commands
