"""Known devices as a feature of links, and as what host and guest ask about them.

`KnownDevices` exists once in a program. It passes events to the machine of their link
(remembering.py), changes what is stored (registry.py), and publishes the list that people see.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, get_args

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.json_text import MessageError
from proxim.core.known import events as known_ev
from proxim.core.known import keys
from proxim.core.known import messages as known_msg
from proxim.core.known import status as known_st
from proxim.core.known.devices import Endpoint, ForgottenDevice, KnownDevice, KnownFile
from proxim.core.known.finding import Finding, Surroundings, places, seen_from
from proxim.core.known.registry import Registry
from proxim.core.known.remembering import Remember, RememberState
from proxim.core.link.features import LinkFeature, PeerLink, Session, session_of
from proxim.core.link.messages import LinkMessage, Reader
from proxim.core.pairing.devices import KnownID, Verified
from proxim.core.pairing.proof import TAG_BYTES, Prover
from proxim.core.sanitize import given_name
from proxim.core.transitions import Kind

# A guest says once on a link where it listens; its address may change while it is linked.
MAX_HERE: Final = 16
# Lost links that may be resumed; those before them are over.
MAX_KEPT: Final = 64

KnownInput = (
    known_ev.RememberDevice
    | known_ev.AnswerRemember
    | known_ev.ForgetDevice
    | known_ev.RenameKnown
    | known_ev.SetLetIn
    | known_ev.SetFilesTo
    | known_ev.LookForDevices
    | known_ev.SetDiscovery
    | known_ev.KnownLoaded
    | known_ev.SlotBegan
    | known_ev.ServiceSeen
    | known_ev.ServiceGone
    | known_ev.DiscoveryFailed
)


@dataclass(slots=True)
class _Linked:
    """A link whose peer has this feature, too."""

    link: PeerLink
    remember: Remember
    # The known device at the other end: by its proof, or since it was made known on this link.
    device: KnownID | None = None
    # Where the other side listens.
    port: int | None = None
    heard: int = 0


@dataclass(frozen=True, slots=True)
class _Kept:
    """What the next link of a session takes over from the one that was lost."""

    asked: int
    device: KnownID | None
    digits_differed: bool


@dataclass(frozen=True, slots=True)
class OpenLink:
    """An open link with a known device."""

    id: ev.LinkID
    as_guest: bool
    # Where the program at the other end listens; None if it does not, or has not said so yet.
    port: int | None


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks under a name that only a known device can make; not proved yet."""

    # The secret of the proof; a random one for a stranger.
    secret: bytes = field(repr=False)
    device: KnownDevice | None = None
    forgotten: ForgottenDevice | None = None


class KnownDevices(LinkFeature):
    """All that the program decides about known devices."""

    word = st.KNOWN
    readers: Mapping[str, Reader] = known_msg.READERS
    events: frozenset[Kind] = frozenset({*get_args(KnownInput), known_ev.KnownTimer.REMEMBER})

    def __init__(self, own_uuid: str, prover: Prover, wall_time: Callable[[], float]) -> None:
        """`wall_time` returns the Unix time in seconds."""
        self._own_uuid = own_uuid
        self._prover = prover
        self._registry = Registry(own_uuid, prover.token_bytes, wall_time)
        self._finding = Finding(own_uuid, wall_time)
        self._links: dict[ev.LinkID, _Linked] = {}
        self._kept: dict[Session, _Kept] = {}
        # Whether a face shows the list.
        self._wanted = False
        self._around = Surroundings()
        self._changed = True
        self._published: known_st.KnownList | None = None

    # --- for guest and host -----------------------------------------------------------------------

    def device(self, device: KnownID) -> KnownDevice | None:
        """Find a known device that people see."""
        found = self._registry.get(device)
        return None if found is None or found.pending else found

    @property
    def searches(self) -> bool:
        """Whether a device can be found by multicast."""
        return self._registry.file.discovery

    def places(self, device: KnownID) -> tuple[Endpoint, ...]:
        """Where a known device may be dialled now, best first."""
        known = self._registry.get(device)
        if known is None:
            return ()
        return places(known, self._finding.found(known), self._around.networks)

    def asker(self, name: str, share: bytes) -> Asker:
        """Find out who asks to join under this name, with this share."""
        stranger = self._prover.token_bytes(keys.KEY_BYTES)
        found = self._registry.recognise(name, share)
        if isinstance(found, KnownDevice):
            secret = keys.proof_secret(found.key, guest=found.uuid, host=self._own_uuid)
            return Asker(secret, device=found)
        return Asker(stranger, forgotten=found)

    def rejection_tag(self, asker: Asker, transcript: bytes) -> bytes:
        """Return what a rejection carries: only a device that was forgotten can tell it from random
        bytes.
        """
        nothing = self._prover.token_bytes(TAG_BYTES)
        if asker.forgotten is None:
            return nothing
        return keys.forgotten_tag(asker.forgotten.tombstone_key, transcript)

    def proved(self, device: KnownID) -> list[do.Command]:
        """A device has proved the pair's key, so it has stored it."""
        self._changed = True
        return self._registry.keep(device)

    def missing_in(self, file: KnownFile) -> frozenset[KnownID]:
        """The devices that another program has forgotten, if this is the file now."""
        if not self._registry.loaded:
            return frozenset()
        before = {device.id for device in self._registry.file.devices}
        return frozenset(before - {device.id for device in file.devices})

    def sessions_of(self, devices: frozenset[KnownID]) -> frozenset[Session]:
        """The sessions with these devices, by the links that are open, or were lost and may be
        resumed; also those that another proof has opened, if the device became known there.
        """
        kept = (session for session, one in self._kept.items() if one.device in devices)
        links = (one.link for one in self._links.values() if one.device in devices)
        return frozenset((*kept, *map(session_of, links)))

    def link_of(self, device: KnownID) -> ev.LinkID | None:
        """The open link with a device; None while there is none."""
        return next((link for link, one in self._links.items() if one.device == device), None)

    def links_with(self, device: KnownID) -> tuple[OpenLink, ...]:
        """All open links with a device, in the order in which they opened."""
        return tuple(
            OpenLink(link, one.link.status.as_guest, one.port)
            for link, one in self._links.items()
            if one.device == device
        )

    def files_to(self, link: ev.LinkID) -> str | None:
        """The folder to which files that arrive on a link are accepted without a question."""
        linked = self._links.get(link)
        known = None
        if linked is not None and linked.device is not None:
            known = self._registry.get(linked.device)
        return None if known is None else known.files_to

    # --- for the program --------------------------------------------------------------------------

    def refresh(self, around: Surroundings) -> list[do.Command]:
        """Announce, look and publish what follows from an event; the program calls it after each.

        It is cheap where nothing has changed.
        """
        if not self._changed and around == self._around:
            return []
        self._changed = False
        self._around = around
        file = self._registry.file
        commands = self._finding.refresh(
            file.devices,
            around,
            allowed=file.discovery,
            wanted=self._wanted or around.searching,
        )
        return [*commands, *self._publish()]

    def _publish(self) -> list[do.Command]:
        if not self._registry.loaded:
            return []
        reachable = self._finding.reachable(self._registry.listed)
        entries = tuple(self._entry(one, one.id in reachable) for one in self._registry.listed)
        shown = known_st.KnownList(entries, self._registry.file.discovery, self._finding.trouble)
        if shown == self._published:
            return []
        self._published = shown
        return [do.Publish(shown)]

    def _entry(self, device: KnownDevice, reachable: bool) -> known_st.KnownEntry:
        link = self.link_of(device.id)
        if link is not None:
            presence = known_st.Presence.LINKED
        elif reachable:
            presence = known_st.Presence.REACHABLE
        elif self._finding.looking and self._finding.trouble is None:
            presence = known_st.Presence.AWAY
        else:
            presence = known_st.Presence.UNKNOWN
        return known_st.KnownEntry(
            device.id,
            device.name,
            device.verified,
            device.since,
            device.last_seen,
            presence,
            device.let_in,
            device.files_to,
            link,
        )

    # --- for the links ----------------------------------------------------------------------------

    def link_up(self, link: PeerLink, now: float) -> list[do.Command]:
        """Let the two devices become known to each other, or note that they met."""
        kept = self._kept.pop(session_of(link), None) if link.resumes is not None else None
        device = link.status.known if kept is None else kept.device
        remember = Remember(
            link, self._own_uuid, self._prover, self, 0 if kept is None else kept.asked
        )
        linked = _Linked(link, remember, device)
        self._links[link.id] = linked
        self._changed = True
        doubted = []
        if kept is not None and kept.digits_differed:
            doubted.append(link.publish(digits_differed=True))
        return [*doubted, *self._met(linked)]

    def link_down(self, link: ev.LinkID, reason: Reason, now: float) -> list[do.Command]:
        """End an attempt to become known."""
        linked = self._links.pop(link)
        self._changed = True
        ended = linked.remember.link_down(reason)
        if reason is Reason.PEER_VANISHED:
            differed = linked.link.status.digits_differed
            kept = _Kept(linked.remember.asked, linked.device, differed)
            self._kept[session_of(linked.link)] = kept
            while len(self._kept) > MAX_KEPT:
                del self._kept[next(iter(self._kept))]
        return ended

    def message(self, link: PeerLink, message: LinkMessage, now: float) -> list[do.Command]:
        """Handle a message of the other side."""
        linked = self._links[link.id]
        if isinstance(message, known_msg.KnownHere):
            linked.heard += 1
            if linked.heard > MAX_HERE:
                raise MessageError(Reason.NOT_ALLOWED, "known_here")
            linked.port = message.port
            return self._reached(linked)
        # `readers` makes no other messages.
        assert isinstance(message, known_msg.RunMessage)
        commands = linked.remember.message(message, now)
        if linked.remember.kept in (None, linked.device):
            return commands
        linked.device = linked.remember.kept
        return [*commands, *self._met(linked)]

    def _met(self, linked: _Linked) -> list[do.Command]:
        """Note that we are linked to a device, and say where we can be joined."""
        if linked.device is None:
            return []
        kept = self._registry.keep(linked.device)
        listening = self._around.listening
        here = [] if listening is None else [linked.link.send(known_msg.KnownHere(listening[1]))]
        return [*kept, *self._reached(linked), *here]

    def _reached(self, linked: _Linked) -> list[do.Command]:
        known = None if linked.device is None else self._registry.get(linked.device)
        if known is None:
            return []
        self._changed = True
        return self._registry.reached(known, self._endpoint(linked))

    def _endpoint(self, linked: _Linked) -> Endpoint | None:
        """Where the other side of a link listens, as far as we know."""
        status = linked.link.status
        address, port = status.peer_address, linked.port
        if status.as_guest:
            # It is the address that this side has dialled.
            address, _, dialled = address.rpartition(":")
            address, port = address.strip("[]").replace("%25", "%"), int(dialled)
        subnet = seen_from(address, self._around.networks)
        if port is None or subnet is None:
            return None
        return Endpoint(address, port, subnet)

    # --- the store of remembering.py --------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether a device is being made known on a link; a person compares one at a time."""
        return any(one.remember.state is not RememberState.IDLE for one in self._links.values())

    def name_of(self, uuid: str) -> str | None:
        """The name that an installation has here already."""
        return self._registry.name_of(uuid)

    def add_pending(
        self, key: bytes, uuid: str, name: str, verified: Verified
    ) -> tuple[KnownID, list[do.Command]]:
        """Store the key of a device that may have stored it, too, or not."""
        self._changed = True
        return self._registry.add_pending(key, uuid, name, verified)

    def keep(self, device: KnownID) -> list[do.Command]:
        """The other side has stored the key, too."""
        self._changed = True
        return self._registry.keep(device)

    def drop(self, device: KnownID) -> list[do.Command]:
        """The other side does not want the key."""
        self._changed = True
        return self._registry.drop(device)

    # --- events -----------------------------------------------------------------------------------

    def handle(self, event: object, now: float) -> list[do.Command]:
        """Handle what people want, what the file and the network say, or the end of a timer."""
        match event:
            case known_ev.RememberDevice(link) | known_ev.AnswerRemember(link):
                return self._to_remember(event, link, now)
            case ev.TimerFired(ev.LinkTimer(_, link)):
                return self._links[link].remember.handle(event, now)
            case known_ev.KnownLoaded(file):
                self._changed = True
                return self._registry.load(file)
            case known_ev.KnownAnswer():
                self._changed = True
                self._finding.handle(event)
                return []
            case known_ev.LookForDevices(looking):
                self._changed = True
                self._wanted = looking
                return []
            case known_ev.SetDiscovery(on):
                self._changed = True
                return self._registry.set_discovery(on)
            case _:
                # `events` lists no others.
                assert isinstance(event, known_ev.KnownIntent)
                return self._change_device(event)

    def _to_remember(
        self, event: known_ev.RememberDevice | known_ev.AnswerRemember, link: ev.LinkID, now: float
    ) -> list[do.Command]:
        linked = self._links.get(link)
        if linked is not None:
            return linked.remember.handle(event, now)
        unsupported = known_st.Remembering(
            link,
            known_st.RememberStage.FAILED,
            None,
            ours=True,
            reason=Reason.REMEMBER_UNSUPPORTED,
        )
        return [do.Publish(unsupported)]

    def _change_device(self, event: known_ev.KnownIntent) -> list[do.Command]:
        device = self.device(event.device)
        if device is None:
            return [do.publish_trouble(Reason.DEVICE_UNKNOWN)]
        self._changed = True
        match event:
            case known_ev.RenameKnown(name=name):
                given = given_name(name)
                if given is None:
                    return [do.publish_trouble(Reason.NAME_UNUSABLE)]
                return self._registry.rename(device, given)
            case known_ev.SetLetIn(let_in=let_in):
                return self._registry.update(device, let_in=let_in)
            case known_ev.SetFilesTo(folder=folder):
                return self._registry.update(device, files_to=folder)
            case _:
                # `events` lists no others.
                assert isinstance(event, known_ev.ForgetDevice)
                return self._registry.forget(device)
