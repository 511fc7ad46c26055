"""A ledger of everything that a program has open. It refuses commands that break the contract."""

from enum import Enum

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.files import commands as file_do
from proxim.core.files import events as file_ev
from proxim.core.files import status as file_st
from proxim.core.files.manifest import TransferID
from proxim.core.known import commands as known_do
from proxim.core.known import events as known_ev
from proxim.core.known.devices import KnownFile
from proxim.core.known.finding import TAGS
from proxim.core.link import commands as link_do
from proxim.core.link import events as link_ev
from proxim.core.pairing import commands as pair_do
from proxim.core.pairing import events as pair_ev
from proxim.core.program import ProgramEvent
from proxim.core.screen import commands as screen_do
from tests.core.playbook import show


class SinkState(Enum):
    """What the disk reports next about a sink."""

    OPENING = "opening"
    READY = "ready"
    PAUSING = "holding"
    DONE = "done"


class Ledger:
    """Everything that a program has open, as its commands and the outside events show.

    The ledger fails on a command that breaks the contract of commands.py: a send on a socket that
    is not open or is being closed; a peer that is opened twice, or used before or after its life,
    or prepared beside another one or for a guest about whom nobody is asked first; a prompt that
    replaces another one of its session, or that ends twice; a lane for a link that does not exist,
    a token that was expected before, or a message on a lane that does not carry its link; files
    that are sent over a link that is not open, or a stream for a sink that does not exist; pictures
    or input of a screen that is not shown or seen; and a timer whose owner is gone.
    """

    def __init__(self) -> None:
        # The values are the moments when the timers fire.
        self.timers: dict[ev.Timer, float] = {}
        self.sockets: set[ev.ConnectionID] = set()
        self.dials: set[ev.ConnectionID] = set()
        self.closing: set[ev.ConnectionID] = set()
        # The link whose peer is prepared, for each side: a guest's peer makes the offer.
        self.prepared: dict[bool, ev.LinkID] = {}
        self.peers: set[ev.LinkID] = set()
        self.past_peers: set[ev.LinkID] = set()
        self.channels: set[tuple[ev.LinkID, int]] = set()
        # A link is here from the opening of its peer to its end or loss, whether WebRTC or a lane
        # carries it.
        self.alive: set[ev.LinkID] = set()
        # These are the tokens of all lanes that were ever expected.
        self.tokens: set[bytes] = set()
        self.expected: set[ev.LinkID] = set()
        self.lanes_dialled: set[ev.LinkID] = set()
        # These lanes are open, as far as the program knows.
        self.lanes: set[ev.LinkID] = set()
        self.lanes_closing: set[ev.LinkID] = set()
        self.listing: set[TransferID] = set()
        self.sending: dict[TransferID, file_do.StartSending] = {}
        # The person's newest request may go over these links; it is one link where they named it.
        self._wanted_over: frozenset[ev.LinkID] = frozenset()
        # Each outgoing transfer may go over these links.
        self.sent_over: dict[TransferID, frozenset[ev.LinkID]] = {}
        # The disk has listed these transfers, but no status of them was published yet. A transfer
        # that stays here is kept waiting.
        self.unannounced: set[TransferID] = set()
        # These transfers are to be sent; each stays here from the listing of its files to its end.
        self.listed: set[TransferID] = set()
        self.sinks: dict[TransferID, SinkState] = {}
        self.transfers: dict[TransferID, file_st.TransferStatus] = {}
        # Over these links this device's screen is shown, or the other's is seen.
        self.screens_shown: set[ev.LinkID] = set()
        self.screens_seen: set[ev.LinkID] = set()
        # Over these, somebody may control this screen, and keys end what is shown.
        self.controlled: set[ev.LinkID] = set()
        self.panic_keys: set[ev.LinkID] = set()
        self.listening: str | None = None
        # What the file of known devices holds; None as long as it was not written.
        self.saved: KnownFile | None = None
        self.announced: tuple[bytes, ...] | None = None
        self.looking = False
        self.prompts: dict[str, st.Prompt] = {}
        # This is the newest published status of what people are asked.
        self.to_ask = st.Prompts()
        self.invitation: st.Invitation | None = None
        self.links: dict[ev.LinkID, st.LinkStatus] = {}
        self.past_links: set[ev.LinkID] = set()
        self.statuses: list[st.Status] = []

    def note(self, event: ProgramEvent) -> None:
        """Record an event before the program handles it."""
        match event:
            case pair_ev.ConnectionOpened(connection):
                self.dials.discard(connection)
                self.sockets.add(connection)
            case pair_ev.ConnectionLost(connection):
                self.sockets.remove(connection)
                self.closing.discard(connection)
            case pair_ev.DialFailed(connection):
                self.dials.remove(connection)
            case link_ev.ChannelOpened(link, channel):
                self.channels.add((link, channel))
            case ev.TimerFired(timer):
                del self.timers[timer]
            case link_ev.LaneOpened(link):
                self.expected.discard(link)
                self.lanes_dialled.discard(link)
                self.lanes.add(link)
            case link_ev.LaneLost(link):
                self.lanes_dialled.discard(link)
                self.lanes.discard(link)
                self.lanes_closing.discard(link)
            case file_ev.SourcesListed(transfer) | file_ev.SourcesFailed(transfer):
                self.listing.discard(transfer)
                if isinstance(event, file_ev.SourcesListed):
                    self.unannounced.add(transfer)
            case file_ev.SendPaths(link):
                goes_on = {one for one, told in self.links.items() if told.resumes == link}
                self._wanted_over = frozenset({link, *goes_on})
            case file_ev.RetryTransfer():
                able = (one for one, told in self.links.items() if "files" in told.features)
                self._wanted_over = frozenset(able)
            case file_ev.SinkReady(transfer) | file_ev.SinkPaused(transfer):
                self.sinks[transfer] = SinkState.READY
            case file_ev.SinkFinished(transfer) | file_ev.SinkFailed(transfer) if (
                transfer in self.sinks
            ):
                self.sinks[transfer] = SinkState.DONE
            case _:
                pass

    def handle(self, command: do.Command, now: float) -> None:
        """Check a command of the program and record what it changes."""
        match command:
            case do.SetTimer(timer, seconds):
                assert seconds >= 0
                self.timers[timer] = now + seconds
            case do.CancelTimer(timer):
                self.timers.pop(timer, None)
            case do.Listen(address):
                self.listening = address
            case do.StopListening():
                self.listening = None
            case pair_do.Dial(connection):
                assert connection not in self.sockets | self.dials
                self.dials.add(connection)
            case pair_do.Send(connection):
                assert connection in self.sockets - self.closing, show(command)
            case pair_do.CloseConnection(connection):
                assert connection in (self.sockets | self.dials) - self.closing, show(command)
                if connection in self.sockets:
                    self.closing.add(connection)
                self.dials.discard(connection)
            case link_do.PreparePeer(link, offerer):
                assert link not in self.peers | self.past_peers, show(command)
                assert offerer not in self.prepared, "one peer is prepared at a time"
                self.prepared[offerer] = link
            case link_do.OpenPeer(link, offerer):
                assert link not in self.peers | self.past_peers, show(command)
                if self.prepared.get(offerer) == link:
                    del self.prepared[offerer]
                self.peers.add(link)
                self.alive.add(link)
            case link_do.ApplyDescription(link) | link_do.AddCandidate(link):
                assert link in self.peers, show(command)
            case link_do.SendOnChannel(link, channel) if channel == link_ev.LANE_CHANNEL:
                assert link in self.alive - self.peers, show(command)
                assert link in self.lanes - self.lanes_closing, show(command)
            case link_do.SendOnChannel(link, channel):
                assert link in self.peers, show(command)
                assert (link, channel) in self.channels, show(command)
            case link_do.ClosePeer(link) if link in self.prepared.values():
                self.prepared = {one: kept for one, kept in self.prepared.items() if kept != link}
                self.past_peers.add(link)
            case link_do.ClosePeer(link):
                self.peers.remove(link)
                self.past_peers.add(link)
                self.channels -= {pair for pair in self.channels if pair[0] == link}
            case do.Publish(status):
                self.statuses.append(status)
                self._told(status)
            case do.SaveName() | do.SaveRequireProof() | file_do.KeepSources():
                pass
            case known_do.SaveKnown(file):
                self.saved = file
            case known_do.Announce(tags):
                assert self.listening is not None, "announced, but nothing listens"
                assert len(tags) == TAGS
                self.announced = tags
            case known_do.StopAnnouncing():
                assert self.announced is not None, "nothing was announced"
                self.announced = None
            case known_do.LookForServices():
                assert not self.looking, "looked for twice"
                self.looking = True
            case known_do.StopLooking():
                assert self.looking, "nothing was looked for"
                self.looking = False
            case _:
                self._take_lanes_and_files(command)

    def _take_lanes_and_files(self, command: do.Command) -> None:
        match command:
            case link_do.ExpectLane(link, token):
                assert link in self.alive, show(command)
                assert token not in self.tokens, "a lane's token is good for one lane"
                self.tokens.add(token)
                self.expected.add(link)
            case link_do.DialLane(link, carries_link=carries_link):
                assert link in self.alive - self.lanes, show(command)
                assert not carries_link or link not in self.lanes_dialled, show(command)
                self.lanes_dialled.add(link)
            case link_do.CloseLane(link):
                self.expected.discard(link)
                self.lanes_dialled.discard(link)
                if link in self.lanes:
                    self.lanes_closing.add(link)
            case file_do.ListSources(transfer):
                self.listing.add(transfer)
                self.listed.add(transfer)
                self.sent_over[transfer] = self._wanted_over
            case file_do.StartSending(transfer, link, via=via):
                assert "files" in self.links[link].features, show(command)
                assert self.links[link].stage is st.Stage.CONNECTED, show(command)
                assert link in (self.lanes if via is st.Via.LANE else self.peers), show(command)
                self.sending[transfer] = command
            case file_do.Acknowledge(transfer, generation):
                assert self.sending[transfer].generation == generation, show(command)
            case file_do.StopSending(transfer, forget):
                self.sending.pop(transfer, None)
                if forget:
                    self.listed.discard(transfer)
                    self.unannounced.discard(transfer)
            case file_do.OpenSink(transfer):
                assert transfer not in self.sinks, show(command)
                self.sinks[transfer] = SinkState.OPENING
            case file_do.ReceiveStream(transfer, link, channel):
                assert transfer in self.sinks, show(command)
                assert (
                    link in self.lanes
                    if channel == link_ev.LANE_CHANNEL
                    else (link, channel) in self.channels
                ), show(command)
            case file_do.PauseSink(transfer):
                assert transfer in self.sinks, show(command)
                if self.sinks[transfer] is SinkState.READY:
                    self.sinks[transfer] = SinkState.PAUSING
            case file_do.CloseSink(transfer):
                self.sinks.pop(transfer, None)
            case _:
                self._take_screens(command)

    def _take_screens(self, command: do.Command) -> None:
        match command:
            case screen_do.PrepareScreens(link):
                assert link in self.alive, show(command)
            case screen_do.FindScreens(link):
                assert link in self.alive - self.screens_shown, show(command)
                self.screens_shown.add(link)
            case (
                screen_do.SendPictures(link)
                | screen_do.PausePictures(link)
                | screen_do.ReceiveInput(link)
            ):
                assert link in self.screens_shown, show(command)
            case screen_do.StopPictures(link):
                assert link in self.screens_shown - self.controlled, show(command)
                self.screens_shown.discard(link)
            case screen_do.StartControl(link):
                assert link in self.screens_shown - self.controlled, show(command)
                self.controlled.add(link)
            case screen_do.Inject(link) | screen_do.LetGo(link) | screen_do.ReadClipboard(link):
                assert link in self.controlled, show(command)
            case screen_do.EndControl(link):
                assert link in self.controlled, show(command)
                self.controlled.discard(link)
            case screen_do.WatchPanicKeys(link):
                assert link in self.alive - self.panic_keys, show(command)
                self.panic_keys.add(link)
            case screen_do.ForgetPanicKeys(link):
                assert link in self.panic_keys, show(command)
                self.panic_keys.discard(link)
            case screen_do.ShowPictures(link):
                assert link in self.alive, show(command)
                self.screens_seen.add(link)
            case screen_do.SendInput(link):
                assert link in self.alive & self.screens_seen, show(command)
            case screen_do.HidePictures(link):
                assert link in self.screens_seen, show(command)
                self.screens_seen.discard(link)
            case _:
                raise AssertionError(f"the ledger does not know {show(command)}")

    def look_at_prompts(self) -> None:
        """Check that each prompt that is not over is either shown or queued."""
        waiting = (*self.to_ask.shown, *self.to_ask.queued)
        assert {prompt.session_id: prompt for prompt in waiting} == self.prompts
        assert len(waiting) == len(self.prompts), "asked twice"
        assert all(prompt.verified is None for prompt in self.to_ask.queued)
        assert bool(self.to_ask.shown) == bool(waiting)

    def look_at_prepared(self) -> None:
        """Check that a peer is prepared while a person is asked, and at no other time. Of guests
        that proved nothing, not all have one.
        """
        if not self.to_ask.shown or self.to_ask.shown[0].verified is not None:
            assert (False in self.prepared) == bool(self.to_ask.shown)
        asking = [
            link
            for link, status in self.links.items()
            if status.as_guest and status.stage is st.Stage.ASKING
        ]
        if not asking and True in self.prepared:
            # Another Proxim has answered, and the known device is tried elsewhere.
            status = self.links[self.prepared[True]]
            assert status.known is not None
            assert status.stage is st.Stage.DIALING
            return
        assert asking == [self.prepared[True]] if True in self.prepared else not asking

    def look_at_timers(self) -> None:
        """Check that every timer of a link or transfer has an owner that still exists, and that
        every transfer that is kept waiting has a timer, which ends its wait.
        """
        for timer in self.timers:
            match timer:
                case ev.LinkTimer(
                    ev.TimerName.LINK_OPEN
                    | ev.TimerName.HEARTBEAT
                    | ev.TimerName.LANE
                    | known_ev.KnownTimer.REMEMBER,
                    link,
                ):
                    assert link in self.alive, timer.name
                case ev.LinkTimer(
                    ev.TimerName.DIAL
                    | ev.TimerName.ANSWER
                    | ev.TimerName.REDIAL
                    | ev.TimerName.SEARCH,
                    link,
                ):
                    assert link in self.links, timer.name
                case file_ev.TransferTimer(scope=transfer):
                    self._look_at_transfer(transfer)
                case _:
                    # tests/core/pairing/test_host.py checks the timers of sockets and sessions.
                    pass
        stall = file_ev.FileTimer.STALL
        held_back = {file_ev.TransferTimer(stall, one) for one in self.unannounced}
        assert held_back <= self.timers.keys(), "held back for ever"

    def _look_at_transfer(self, transfer: TransferID) -> None:
        if transfer in self.unannounced:
            assert transfer in self.listed - self.sending.keys(), transfer
            assert self.sent_over[transfer] & self.alive, "held back for nobody"
        else:
            moving = self.sending[transfer]
            assert moving.via is st.Via.LANE, transfer
            assert moving.link in self.alive & self.peers, "there is no other way"

    def _told(self, status: st.Status) -> None:
        match status:
            case st.Prompt(session_id):
                assert session_id not in self.prompts, "a prompt over another of its session"
                self.prompts[session_id] = status
            case st.Prompts():
                assert status != self.to_ask, "told twice"
                self.to_ask = status
            case st.PairOutcome(session_id) if not self._joins(session_id):
                assert session_id in self.prompts, "an outcome of no prompt"
                del self.prompts[session_id]
            case st.Invitation():
                assert status != self.invitation, "told twice"
                self.invitation = status
            case st.NoInvitation():
                self.invitation = None
            case st.LinkStatus(link, stage=st.Stage.CLOSED, reason=reason, features=features):
                assert link not in self.past_links, "closed twice"
                assert reason is not None
                assert features == ()
                self.links.pop(link, None)
                self.past_links.add(link)
                self.alive.discard(link)
            case st.LinkStatus(link, resumes=lost):
                assert link not in self.past_links, "told of a link after its end"
                if lost is not None and link not in self.links:
                    assert lost not in self.past_links, "resumed after its end"
                    self.links.pop(lost, None)
                    self.past_links.add(lost)
                    self.alive.discard(lost)
                if status.stage is st.Stage.WAITING:
                    self.alive.discard(link)
                self.links[link] = status
                assert (status.stage is st.Stage.WAITING) <= (
                    link not in self.peers and "text" not in status.features
                )
                if status.via is st.Via.LANE and status.stage is st.Stage.CONNECTED:
                    assert link in self.lanes - self.peers, "carried by a lane that is not there"
            case file_st.TransferStatus(transfer):
                self.transfers[transfer] = status
                self.unannounced.discard(transfer)
                assert 0 <= status.moved <= status.size, status
            case _:
                pass

    def _joins(self, session_id: str) -> bool:
        """Return whether this program is a guest of that session. The outcome is then the answer of
        the person at the host.
        """
        return any(
            link.startswith("guest-") and status.session_id == session_id
            for link, status in self.links.items()
        )

    def at_rest(self) -> None:
        """Check that nothing of an ended session or a closed link is left."""
        assert not self.prompts
        assert not self.peers
        assert not self.channels
        assert not self.links
        assert not self.alive
        assert not self.expected | self.lanes_dialled | (self.lanes - self.lanes_closing)
        assert not self.sending
        assert not self.sinks
