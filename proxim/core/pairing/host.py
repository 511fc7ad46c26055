"""The host: finds the session that a socket, a message or a decision belongs to.

invitations.py decides where the server listens and which code is shown. No socket ever becomes
host: the host's own decisions are intents, and a `pair_response` from a socket is refused.
"""

from typing import Final

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.base64url import to_base64url
from proxim.core.errors import MachineMisuseError, Reason
from proxim.core.known.devices import KnownDevice
from proxim.core.known.feature import KnownDevices
from proxim.core.link import events as link_ev
from proxim.core.link.features import Features, session_of
from proxim.core.link.features import Session as LinkSession
from proxim.core.link.link import Link
from proxim.core.pairing import events as pair_ev
from proxim.core.pairing.connections import ConnectionLimits, GuestConnections
from proxim.core.pairing.devices import DeviceInfo, KnownID
from proxim.core.pairing.host_code import QR_SECRET_BYTES
from proxim.core.pairing.invitations import (
    SESSION_ID_BYTES,
    Invitations,
    NewSession,
    SessionSecrets,
)
from proxim.core.pairing.prompts import PromptQueue
from proxim.core.pairing.proof import Prover
from proxim.core.pairing.session import (
    JOINABLE,
    DeclineSurplus,
    DropPreparedLink,
    End,
    PrepareLink,
    Session,
    SessionState,
    TurnAway,
)
from proxim.core.pairing.sessions import Sessions
from proxim.core.token_bucket import RateLimit, TokenBucket

# Peers that are prepared for guests that proved nothing. Making one costs ten times what a request
# does, and anybody can ask; an honest guest asks once.
UNPROVED_PREPARED: Final = RateLimit(per_second=0.1, burst=2)
# Sessions of one known device. Some of its programs may be linked at once, but one that is let in
# without a question must not open links without end.
MAX_SESSIONS_OF_KNOWN: Final = 4

HostEvent = (
    ev.NetworksSeen
    | ev.Listening
    | ev.ListenFailed
    | pair_ev.ConnectionOpened
    | pair_ev.FrameReceived
    | pair_ev.FrameRefused
    | pair_ev.ConnectionLost
    | ev.TimerFired
    | link_ev.LinkEvent
    | ev.Invite
    | ev.Decide
    | ev.ChooseNetwork
    | ev.SetRequireProof
    | ev.Disconnect
)


class Host:
    """Passes each event of a host to its session.

    All randomness comes from `prover`.
    """

    def __init__(
        self,
        invitations: Invitations,
        prover: Prover,
        features: Features,
        known: KnownDevices,
        *,
        # The shared default is immutable.
        limits: ConnectionLimits = ConnectionLimits(),  # noqa: B008
    ) -> None:
        self._features = features
        self._token_bytes = prover.token_bytes
        self._invitations = invitations
        self._sessions = Sessions()
        self._guest_connections = GuestConnections(
            self._sessions,
            prover,
            invitations.device.id,
            known,
            self._session_of_known,
            require_proof=invitations.require_proof,
            limits=limits,
        )
        self._prompts = PromptQueue()
        self._links = 0
        # The session whose code was on the screen while others saw that.
        self._exposed: Session | None = None
        self._unproved_prepared: TokenBucket | None = None

    def start(self, now: float) -> list[do.Command]:
        """Return the commands for the start of the program, which may show a code already."""
        return [*self._invitations.start(), *self._open_session(now)]

    # --- events -----------------------------------------------------------------------------------

    def handle(self, event: HostEvent, now: float) -> list[do.Command]:
        """Handle one event; every kind of HostEvent is accepted in every state."""
        match event:
            case pair_ev.ConnectionOpened():
                commands = self._guest_connections.opened(event, now)
            case pair_ev.FrameReceived() | pair_ev.FrameRefused() | pair_ev.ConnectionLost():
                commands = self._guest_connections.handle(event, now)
            case ev.NetworksSeen():
                commands = self._invitations.networks_seen(event)
            case ev.Listening():
                commands = self._invitations.listening(event)
            case ev.ListenFailed():
                commands = self._invitations.listen_failed(event)
            case ev.ChooseNetwork():
                commands = self._invitations.choose_network(event)
            case ev.SetRequireProof(required):
                self._guest_connections.require_proof = required
                commands = [do.SaveRequireProof(required), do.Publish(st.ProofPolicy(required))]
                for session in self._sessions if required else ():
                    if (
                        session.state is SessionState.ASKED
                        and session.guest
                        and session.guest.verified is None
                    ):
                        commands += self._sessions.handle(
                            session, TurnAway(Reason.NOT_VERIFIED), now
                        )
            case ev.Invite():
                commands = self._invite(event, now)
            case ev.Decide(session_id):
                commands = self._decide(event, self._sessions.get(session_id), now)
            case ev.TimerFired():
                commands = self._timer(event, now)
            case _:
                commands = self._to_link(event, now)
        return [*commands, *self._update_prompts(now), *self._renew_invitation(now)]

    def shut_down(self, now: float) -> list[do.Command]:
        """End every session and stop listening, because the program ends."""
        commands: list[do.Command] = []
        for session in self._sessions:
            commands += self._sessions.handle(session, End(Reason.CLOSED), now)
        commands += self._update_prompts(now)
        return [*commands, *self._guest_connections.shut_down(), do.StopListening()]

    def link_of(self, link: ev.LinkID) -> Link | None:
        """Find this link, or the link that replaced it."""
        session = self._sessions.by_link(link) or self._sessions.by_lost_link(link)
        return None if session is None else session.link

    def leads_here(self, address: str, port: int) -> bool:
        """Whether this host itself listens there."""
        return self._invitations.leads_here(address, port)

    @property
    def listening(self) -> tuple[str, int] | None:
        """The address and port that this host listens on; None while it does not."""
        return self._invitations.listening_at

    def forget(
        self, devices: frozenset[KnownID], sessions: frozenset[LinkSession], now: float
    ) -> list[do.Command]:
        """Let devices that their person has forgotten resume no link; open ones stay.

        `sessions` are those with them, also where another proof than theirs has opened the link.
        """
        commands: list[do.Command] = []
        for session in self._sessions:
            link = session.link
            if session.known not in devices and (link is None or session_of(link) not in sessions):
                continue
            session.forget()
            if session.state is SessionState.ASKED:
                commands += self._sessions.handle(session, TurnAway(Reason.FORGOTTEN_HERE), now)
            elif session.known is not None and session.state is not SessionState.LINKED:
                commands += self._sessions.handle(session, End(Reason.FORGOTTEN_HERE), now)
        return [*commands, *self._update_prompts(now), *self._renew_invitation(now)]

    def give_way(self, link: ev.LinkID, now: float) -> list[do.Command]:
        """End an open link, because this program has another one with the same program."""
        session = self._sessions.by_link(link)
        # An open link of this host has a session.
        assert session is not None
        ended = self._sessions.handle(session, End(Reason.DEVICE_LINKED), now)
        return [*ended, *self._update_prompts(now), *self._renew_invitation(now)]

    def rename(self, device: DeviceInfo) -> None:
        """Use another device name from now on."""
        self._invitations.device = device

    def hide_invitation(self, watchers: frozenset[ev.LinkID], now: float) -> list[do.Command]:
        """Show no code while the peers of these links see this device's screen, and afterwards none
        that was on it.

        A code stays good if nobody has seen it but the guest that joined by it.
        """
        shown = self._sessions.shown
        exposed = shown is not None and any(
            shown.link is None or shown.link.id != watcher for watcher in watchers
        )
        if bool(watchers) == self._invitations.hidden and (not exposed or shown is self._exposed):
            return []
        self._invitations.hidden = bool(watchers)
        if exposed:
            self._exposed = shown
        return self._renew_invitation(now)

    # --- which code is shown ----------------------------------------------------------------------

    def _invite(self, event: ev.Invite, now: float) -> list[do.Command]:
        self._invitations.invite(event)
        replaced, self._sessions.shown = self._sessions.shown, None
        if replaced is None or replaced.state not in JOINABLE:
            # A guest that joined by the earlier code stays.
            return []
        return self._sessions.handle(replaced, End(Reason.CLOSED), now)

    def _renew_invitation(self, now: float) -> list[do.Command]:
        shown = self._sessions.shown
        ended: list[do.Command] = []
        exposed = shown is not None and shown is self._exposed and shown.state is SessionState.OPEN
        if shown is not None and exposed:
            # Whoever sees this screen, or saw it, may have seen its code.
            self._exposed = None
            ended = self._sessions.handle(shown, End(Reason.CLOSED), now)
        if shown is not None and shown.state is SessionState.ENDED:
            self._sessions.shown = None
        commands = self._invitations.renew(
            now,
            ended=shown is not None and shown.state is SessionState.ENDED,
            exposed=exposed,
            joined=shown is not None and shown.state not in JOINABLE,
            serving=any(session.state not in JOINABLE for session in self._sessions),
        )
        return [*ended, *self._open_session(now), *commands]

    def _open_session(self, now: float) -> list[do.Command]:
        """Make the session for a code that is shown and has no session yet."""
        new = self._invitations.shown
        if new is None or self._sessions.shown is not None:
            return []
        session = Session(new, self._new_link_id, self._new_link, self._guest_connections.close)
        self._sessions.add(session, new.secrets)
        self._sessions.shown = session
        return session.start(now)

    def _session_of_known(self, device: KnownDevice) -> Session | None:
        """Make a session for a known device, which has no code; None if it has enough."""
        others = self._sessions.of(device.id)
        asks = any(session.prompt is not None for session in others)
        if asks or len(others) >= MAX_SESSIONS_OF_KNOWN:
            return None
        new = NewSession(
            to_base64url(self._token_bytes(SESSION_ID_BYTES)),
            ev.SessionType.ONE_TIME,
            None,
            SessionSecrets(0, self._token_bytes(QR_SECRET_BYTES)),
        )
        session = Session(
            new, self._new_link_id, self._new_link, self._guest_connections.close, device.id
        )
        self._sessions.add(session, new.secrets)
        return session

    def _new_link_id(self) -> ev.LinkID:
        self._links += 1
        return ev.LinkID(f"host-{self._links}")

    def _new_link(self, status: st.LinkStatus) -> Link:
        return Link(status, self._invitations.device.name, self._features, self._token_bytes)

    # --- to the sessions --------------------------------------------------------------------------

    def _decide(self, event: ev.Decide, session: Session | None, now: float) -> list[do.Command]:
        if session is None:
            return [do.publish_trouble(Reason.PROMPT_GONE)]
        return self._sessions.handle(session, event, now)

    def _update_prompts(self, now: float) -> list[do.Command]:
        """Decide, after an event, which requests a person is asked about."""
        before = self._prompts.status
        prompts = [session.prompt for session in self._sessions if session.prompt is not None]
        commands: list[do.Command] = []
        for surplus in self._prompts.update(prompts):
            session = self._sessions.get(surplus.session_id)
            # A session that asks exists.
            assert session is not None
            commands += self._sessions.handle(session, DeclineSurplus(), now)
        after = self._prompts.status
        if after != before:
            commands.append(do.Publish(after))
        return [*commands, *self._prepare_link(after, now)]

    def _prepare_link(self, prompts: st.Prompts, now: float) -> list[do.Command]:
        """Have a peer prepared for the request that a person is asked about first, and no other.

        So a pile of requests makes one peer, a request that nobody sees makes none, and a row of
        requests without proof makes a few.
        """
        first = prompts.shown[0] if prompts.shown else None
        commands: list[do.Command] = []
        # The earlier peer is closed before another one is made.
        for session in self._sessions:
            if session.prepared and session.prompt != first:
                commands += self._sessions.handle(session, DropPreparedLink(), now)
        for session in self._sessions:
            if (
                first is not None
                and session.prompt == first
                and not session.prepared
                and (first.verified is not None or self._may_prepare_unproved(now))
            ):
                commands += self._sessions.handle(session, PrepareLink(), now)
        return commands

    def _may_prepare_unproved(self, now: float) -> bool:
        if self._unproved_prepared is None:
            self._unproved_prepared = TokenBucket(UNPROVED_PREPARED, now)
        return self._unproved_prepared.consume(now)

    def _timer(self, event: ev.TimerFired, now: float) -> list[do.Command]:
        timer = event.timer
        if isinstance(timer, ev.SocketTimer):
            return self._guest_connections.timer(timer.name, timer.scope, now)
        if isinstance(timer, ev.SessionTimer):
            session = self._sessions.get(timer.scope)
        else:
            # The features' own timers do not come here.
            assert isinstance(timer, ev.LinkTimer)
            session = self._sessions.by_link(timer.scope)
        if session is None:
            raise MachineMisuseError(f"{timer.name} of a session or link that has ended")
        return self._sessions.handle(session, event, now)

    def _to_link(self, event: link_ev.LinkEvent | ev.Disconnect, now: float) -> list[do.Command]:
        session = self._sessions.by_link(event.link)
        if session is None and isinstance(event, ev.Disconnect):
            # The person's intent was made before the new link was published.
            session = self._sessions.by_lost_link(event.link)
        # Without a session, the event belongs to a link that we closed, so it is stale.
        return [] if session is None else self._sessions.handle(session, event, now)
