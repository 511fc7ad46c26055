"""Two programs that know each other are linked without a code."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.base64url import to_base64url
from proxim.core.errors import Reason
from proxim.core.files import commands as file_do
from proxim.core.files import events as file_ev
from proxim.core.known import events as known_ev
from proxim.core.known import keys
from proxim.core.known.announcement import hide_tag
from proxim.core.known.devices import Endpoint, KnownFile
from proxim.core.known.host import BLANK_NAME, SEARCH_SECONDS
from proxim.core.known.registry import Registry
from proxim.core.known.status import Presence
from proxim.core.pairing import commands as pair_do
from proxim.core.pairing import events as pair_ev
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.devices import DeviceInfo, KnownID, Verified
from proxim.core.pairing.host import MAX_SESSIONS_OF_KNOWN
from proxim.core.pairing.join import DIAL_SECONDS, KNOWN_DIAL_SECONDS, GuestState
from proxim.core.pairing.session import APPROVAL_SECONDS
from proxim.core.screen import commands as screen_do
from proxim.core.screen import messages as screen_msg
from proxim.core.screen.events import Grant
from proxim.core.screen.shower import Shower
from proxim.io.pairing.x25519 import X25519KeyPair
from tests.core.bench import Bench
from tests.core.handed_in import ETHERNET, HOST_DEVICE, PHONE, PORT, WALL_TIME, counting_bytes
from tests.core.in_commands import reasons, sent
from tests.core.known.known_world import ELSEWHERE, HERE, KnownWorld
from tests.core.known.two_devices import link_of

HOST_ENDPOINT = Endpoint(ETHERNET.address, PORT, "192.168.1.0/24")


@pytest.fixture
def world() -> KnownWorld:
    world = KnownWorld()
    world.remember()
    return world


def ended(world: KnownWorld) -> Reason | None:
    last = world.links()[-1]
    assert last.stage is st.Stage.CLOSED
    return last.reason


# --- the way back ---------------------------------------------------------------------------------


def test_the_host_is_asked_by_the_name_that_its_person_gave(world: KnownWorld) -> None:
    world.handle(world.host, known_ev.RenameKnown(world.known(world.host), "Ana's phone"))
    world.come_back()
    (prompt,) = world.host.ledger.prompts.values()
    assert prompt.known == world.known(world.host)
    assert prompt.device == DeviceInfo("Ana's phone", PHONE.id)
    assert prompt.verified is Verified.KNOWN
    asking = world.links()[-1]
    assert (asking.stage, asking.peer_name) == (st.Stage.ASKING, HOST_DEVICE.name)
    assert asking.verified is None
    world.decide(approved=True)
    for side, name in ((world.host, "Ana's phone"), (world.guest, HOST_DEVICE.name)):
        status = world.status(side)
        assert status.stage is st.Stage.CONNECTED
        assert status.verified is Verified.KNOWN
        assert (status.known, status.peer_name) == (world.known(side), name)
        assert not status.let_in
        assert world.entry(side).presence is Presence.LINKED
        assert world.entry(side).link == status.link


def test_its_status_is_one_link_that_has_the_name_from_the_start(world: KnownWorld) -> None:
    before = len(world.links())
    link = world.come_back()
    world.decide(approved=True)
    told = world.links()[before:]
    assert {one.link for one in told} == {link}
    assert {one.peer_name for one in told} == {HOST_DEVICE.name}
    assert {one.known for one in told} == {world.known(world.guest)}
    assert told[0].stage is st.Stage.DIALING
    assert told[0].peer_address == f"{ETHERNET.address}:{PORT}"


def test_the_code_that_is_shown_stays_for_others(world: KnownWorld) -> None:
    code = world.host.shown
    world.come_back()
    assert world.host.shown == code
    world.decide(approved=True)
    assert world.host.shown == code
    assert world.status(world.host).session_id != code.session_id


def test_a_request_says_nothing_of_the_device(world: KnownWorld) -> None:
    world.frames.clear()
    for _ in range(2):
        world.come_back()
        world.decide(approved=False)
    texts = [text for _, text in world.frames]
    for secret in (PHONE.name, PHONE.id, HOST_DEVICE.name, HOST_DEVICE.id):
        assert not [text for text in texts if secret in text]
    requests = [one for one in map(json.loads, texts) if one["type"] == "pair_request"]
    assert [one["deviceInfo"]["name"] for one in requests] == [BLANK_NAME] * 2
    assert len({one["deviceInfo"]["id"] for one in requests}) == 2
    assert len({one["sessionID"] for one in requests}) == 2


@pytest.mark.parametrize("answer", ["declined", "timeout", "left"])
def test_a_request_that_is_not_approved_leaves_no_session(world: KnownWorld, answer: str) -> None:
    assert world.host.program._host is not None
    sessions = world.host.program._host._sessions
    before = [one.id for one in sessions]
    link = world.come_back()
    assert len([*sessions]) == len(before) + 1
    if answer == "declined":
        world.decide(approved=False)
        assert ended(world) is Reason.DECLINED
    elif answer == "timeout":
        world.advance(APPROVAL_SECONDS)
        assert ended(world) is Reason.TIMEOUT
    else:
        world.handle(world.guest, ev.Disconnect(link))
    assert [one.id for one in sessions] == before
    # The person can be asked again.
    world.come_back()
    world.decide(approved=True)
    assert world.status(world.guest).stage is st.Stage.CONNECTED


def test_a_link_that_does_not_open_leaves_no_session(world: KnownWorld) -> None:
    world.udp = world.lanes_work = False
    world.come_back()
    world.decide(approved=True)
    world.advance(60)
    assert ended(world) is not None
    assert world.host.program._host is not None
    assert [one.known for one in world.host.program._host._sessions] == [None]


def test_one_device_asks_once_at_a_time(world: KnownWorld) -> None:
    file = world.file(world.guest)
    world.come_back()
    first = world.guest
    world.guest.program._guests.clear()
    world.replace_guest(file)
    world.come_back()
    assert ended(world) is Reason.BUSY
    assert len(world.host.ledger.prompts) == 1
    assert first.ledger.prompts == {}


def test_where_it_was_reached_is_remembered_at_both_ends(world: KnownWorld) -> None:
    assert world.device(world.guest).endpoints == (HOST_ENDPOINT,)
    # The guest does not listen.
    assert world.device(world.host).endpoints == ()
    world.let_in()
    world.come_back()
    assert world.device(world.guest).endpoints == (HOST_ENDPOINT,)
    assert world.device(world.guest).last_seen == WALL_TIME


# --- a stored yes ---------------------------------------------------------------------------------


def test_who_is_let_in_is_linked_and_no_face_sees_a_question(world: KnownWorld) -> None:
    world.let_in()
    before = len(world.host.ledger.statuses)
    world.come_back()
    told = world.host.ledger.statuses[before:]
    assert not [one for one in told if isinstance(one, st.Prompt | st.Prompts | st.PairOutcome)]
    status = world.status(world.host)
    assert (status.stage, status.let_in) == (st.Stage.CONNECTED, True)
    assert not world.status(world.guest).let_in
    # The person can end it.
    world.handle(world.host, ev.Disconnect(status.link))
    assert ended(world) is Reason.CLOSED


def test_a_stored_yes_can_be_taken_back(world: KnownWorld) -> None:
    world.let_in()
    world.let_in(on=False)
    world.come_back()
    assert len(world.host.ledger.prompts) == 1


def test_by_its_code_a_device_that_is_let_in_is_asked_about_like_others(world: KnownWorld) -> None:
    world.let_in()
    world.join()
    (prompt,) = world.host.ledger.prompts.values()
    assert prompt.known is None
    assert prompt.verified is Verified.CODE


def test_a_device_that_is_let_in_opens_no_links_without_end(world: KnownWorld) -> None:
    world.let_in()
    file = world.file(world.guest)
    for _ in range(MAX_SESSIONS_OF_KNOWN):
        world.come_back()
        assert world.status(world.guest).stage is st.Stage.CONNECTED
        world.replace_guest(file)
    world.come_back()
    assert ended(world) is Reason.BUSY


def test_a_program_that_lost_its_keys_takes_the_place_of_its_lost_link(world: KnownWorld) -> None:
    world.let_in()
    world.come_back()
    first = world.status(world.host).link
    file = world.file(world.guest)
    world.vanish()
    world.replace_guest(file)
    world.advance(10)
    assert world.host.ledger.links[first].stage is st.Stage.WAITING
    world.come_back()
    assert first in world.host.ledger.past_links
    closed = [one for one in world.links(world.host) if one.link == first][-1]
    assert closed.reason is Reason.REPLACED
    assert world.status(world.guest).stage is st.Stage.CONNECTED


def test_a_lost_link_is_resumed_without_a_question(world: KnownWorld) -> None:
    world.come_back()
    world.decide(approved=True)
    world.frames.clear()
    world.vanish()
    world.advance(12)
    for side in (world.host, world.guest):
        status = world.status(side)
        assert status.stage is st.Stage.CONNECTED
        assert status.resumes is not None
        assert status.verified is Verified.KNOWN
        assert status.known == world.known(side)
        assert world.entry(side).link == status.link
    assert not [text for _, text in world.frames if PHONE.name in text or PHONE.id in text]


# --- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("by_code", [False, True])
def test_files_of_a_device_go_to_its_folder_without_a_question(
    world: KnownWorld, by_code: bool
) -> None:
    world.handle(world.host, known_ev.SetFilesTo(world.known(world.host), "/inbox"))
    if by_code:
        # An id can be copied, so a link by code is no link with the known device.
        link = world.link_up()
    else:
        link = world.come_back()
        world.decide(approved=True)
    world.guest.disk.put("photo", b"abc")
    world.handle(world.guest, file_ev.SendPaths(link, ("photo",)))
    told = world.transfers(world.host)
    assert told[-1].needs_answer is by_code
    opened = [
        command
        for _, commands in world.host.trace._steps
        for command in commands
        if isinstance(command, file_do.OpenSink)
    ]
    assert [one.directory for one in opened] == ([] if by_code else ["/inbox"])


# --- forgetting -----------------------------------------------------------------------------------


def test_who_was_forgotten_is_told_so_and_forgets_nothing(world: KnownWorld) -> None:
    world.forget(world.host)
    assert world.shown(world.host).devices == ()
    world.come_back()
    assert ended(world) is Reason.FORGOTTEN
    assert world.host.ledger.prompts == {}
    assert world.device(world.guest)


def test_who_is_not_recognised_is_told_so_and_forgets_nothing(world: KnownWorld) -> None:
    """The host's file was lost."""
    assert world.host.program._known._registry.loaded
    world.host.program._known._registry.file = KnownFile()
    world.come_back()
    # It may still be found elsewhere.
    world.advance(SEARCH_SECONDS)
    assert ended(world) is Reason.NOT_RECOGNISED
    assert world.host.ledger.prompts == {}
    assert world.device(world.guest)


def test_a_link_with_a_forgotten_device_stays_and_is_not_resumed(world: KnownWorld) -> None:
    for forgetful in ("host", "guest"):
        again = KnownWorld()
        again.remember()
        again.come_back()
        again.decide(approved=True)
        side = again.host if forgetful == "host" else again.guest
        link = again.status(side).link
        again.forget(side)
        assert again.status(side).stage is st.Stage.CONNECTED
        again.handle(again.guest, ev.SendText(again.status(again.guest).link, "still here"))
        assert again.texts(again.host) == ["still here"]
        again.vanish()
        again.advance(20)
        assert link in side.ledger.past_links
        assert ended(again) in (Reason.UNKNOWN_SESSION, Reason.PEER_VANISHED)


def test_the_link_on_which_it_became_known_is_not_resumed_either() -> None:
    world = KnownWorld()
    link = world.link_up()
    world.handle(world.guest, known_ev.RememberDevice(link))
    world.handle(world.guest, known_ev.AnswerRemember(link, same=True))
    world.handle(world.host, known_ev.AnswerRemember(world.host.link, same=True))
    world.forget(world.host)
    world.vanish()
    world.advance(20)
    assert ended(world) is Reason.UNKNOWN_SESSION


@pytest.mark.parametrize("side", ["host", "guest"])
def test_forgotten_while_its_link_is_lost_it_comes_back_to_nothing(side: str) -> None:
    """The link was opened by the code, and the device became known on it."""
    world = KnownWorld()
    link = world.link_up()
    world.handle(world.guest, known_ev.RememberDevice(link))
    world.handle(world.guest, known_ev.AnswerRemember(link, same=True))
    world.handle(world.host, known_ev.AnswerRemember(world.host.link, same=True))
    world.vanish()
    world.reachable = False
    world.advance(10)
    world.forget(world.host if side == "host" else world.guest)
    world.reachable = True
    world.advance(10)
    assert ended(world) is (Reason.UNKNOWN_SESSION if side == "host" else Reason.FORGOTTEN_HERE)
    assert world.status(world.host).stage is st.Stage.WAITING
    world.advance(130)
    assert world.status(world.host).stage is st.Stage.CLOSED


def test_forgetting_while_the_link_opens_ends_it(world: KnownWorld) -> None:
    world.udp = False
    world.come_back()
    world.report(
        world.host,
        ev.Decide(*next((k, True, p.number) for k, p in world.host.ledger.prompts.items())),
    )
    assert world.status(world.host).stage is st.Stage.APPROVED
    world.forget(world.host)
    assert ended(world) is Reason.CLOSED


def test_of_several_known_devices_only_the_forgotten_one_is_concerned(world: KnownWorld) -> None:
    world.let_in()
    world.come_back()
    file = world.file(world.host)
    other = replace(file.devices[0], id=KnownID("other"), uuid="other", key=b"o" * 32)
    world.host.program._known._registry.file = replace(file, devices=(*file.devices, other))
    world.handle(world.host, known_ev.ForgetDevice(other.id))
    world.vanish()
    world.advance(12)
    assert world.status(world.guest).stage is st.Stage.CONNECTED


def forget_elsewhere(world: KnownWorld, side: Bench) -> None:
    """Let another program of the same person forget the device, as the file says then."""
    other = Registry(side.program._device.id, counting_bytes(), lambda: WALL_TIME)
    other.load(world.file(side))
    other.forget(world.device(side))
    world.handle(side, known_ev.KnownLoaded(other.file))


@pytest.mark.parametrize("side", ["host", "guest"])
def test_what_another_program_forgets_ends_what_is_not_open_yet(
    world: KnownWorld, side: str
) -> None:
    world.come_back()
    forget_elsewhere(world, world.host if side == "host" else world.guest)
    assert ended(world) is (Reason.DECLINED if side == "host" else Reason.FORGOTTEN_HERE)
    assert world.host.ledger.prompts == {}


def test_what_another_program_forgets_is_not_let_in_any_more(world: KnownWorld) -> None:
    world.let_in()
    forget_elsewhere(world, world.host)
    assert world.shown(world.host).devices == ()
    world.come_back()
    assert ended(world) is Reason.FORGOTTEN
    assert world.links(world.host)[-1].verified is Verified.CODE


def test_a_link_stays_open_when_another_program_forgets_but_is_not_resumed(
    world: KnownWorld,
) -> None:
    world.let_in()
    world.come_back()
    forget_elsewhere(world, world.host)
    assert world.status(world.host).stage is st.Stage.CONNECTED
    world.vanish()
    world.advance(12)
    assert ended(world) is Reason.UNKNOWN_SESSION


def test_a_device_that_is_linked_is_not_joined_again(world: KnownWorld) -> None:
    world.let_in()
    world.come_back()
    commands = world.guest.handle(known_ev.JoinKnown(world.known(world.guest)))
    assert reasons(commands) == [Reason.DEVICE_LINKED]


@pytest.mark.parametrize("side", ["host", "guest"])
def test_forgetting_ends_what_is_not_open_yet(world: KnownWorld, side: str) -> None:
    world.come_back()
    world.forget(world.host if side == "host" else world.guest)
    assert ended(world) is (Reason.DECLINED if side == "host" else Reason.FORGOTTEN_HERE)
    assert world.host.ledger.prompts == {}


@pytest.mark.parametrize("side", ["host", "guest"])
def test_forgetting_ends_the_waiting_for_a_lost_link(world: KnownWorld, side: str) -> None:
    world.come_back()
    world.decide(approved=True)
    world.vanish()
    world.reachable = False
    world.advance(10)
    bench = world.host if side == "host" else world.guest
    assert world.status(bench).stage is st.Stage.WAITING
    world.forget(bench)
    assert world.status(bench).stage is st.Stage.CLOSED


def test_another_device_is_forgotten_and_links_stay_as_they_are(world: KnownWorld) -> None:
    unknown = known_ev.ForgetDevice(KnownID("nobody"))
    world.come_back()
    world.decide(approved=True)
    assert reasons(world.host.handle(unknown)) == [Reason.DEVICE_UNKNOWN]
    assert reasons(world.guest.handle(unknown)) == [Reason.DEVICE_UNKNOWN]
    world.vanish()
    world.advance(12)
    assert world.status(world.guest).stage is st.Stage.CONNECTED


# --- finding it -----------------------------------------------------------------------------------


def test_on_another_network_its_last_address_is_not_dialled(world: KnownWorld) -> None:
    world.handle(world.guest, ev.NetworksSeen((ELSEWHERE,)))
    before = len(world.links())
    world.handle(world.guest, known_ev.JoinKnown(world.known(world.guest)))
    assert [one.peer_address for one in world.links()[before:]] == [""]
    assert world.guest.ledger.looking
    assert not world.guest.ledger.dials
    world.advance(SEARCH_SECONDS)
    assert ended(world) is Reason.DEVICE_NOT_FOUND
    assert not world.guest.ledger.looking


def seen(world: KnownWorld, *endpoints: Endpoint, service: str = "one") -> known_ev.ServiceSeen:
    """Return what the guest sees of the host's announcement, at these places."""
    tags = world.host.ledger.announced
    assert tags is not None
    places = tuple((one.address, one.port, one.seen_from) for one in endpoints)
    return known_ev.ServiceSeen(service, places, frozenset(hide_tag(tag, service) for tag in tags))


def test_with_a_new_address_it_is_found_by_what_it_announces(world: KnownWorld) -> None:
    world.with_endpoints(("192.168.1.99", PORT, "192.168.1.0/24"))
    world.handle(world.guest, known_ev.JoinKnown(world.known(world.guest)))
    assert world.links()[-1].stage is st.Stage.DIALING
    world.handle(world.guest, seen(world, HOST_ENDPOINT))
    world.decide(approved=True)
    assert world.status(world.guest).stage is st.Stage.CONNECTED
    assert world.device(world.guest).endpoints == (
        HOST_ENDPOINT,
        Endpoint("192.168.1.99", PORT, "192.168.1.0/24"),
    )


def test_while_nobody_answers_a_better_place_is_tried_at_once(world: KnownWorld) -> None:
    world.with_endpoints(("192.168.1.5", 1, "192.168.1.0/24"))
    world.reachable = False
    world.handle(world.guest, known_ev.JoinKnown(world.known(world.guest)))
    (first,) = world.guest.ledger.dials
    world.reachable = True
    commands = world.guest.handle(seen(world, HOST_ENDPOINT))
    assert pair_do.CloseConnection(first) in commands
    urls = [one.url for one in commands if isinstance(one, pair_do.Dial)]
    assert urls == [f"ws://{ETHERNET.address}:{PORT}/ws"]
    # What is seen again changes nothing.
    assert not [
        one
        for one in world.guest.handle(seen(world, HOST_ENDPOINT))
        if isinstance(one, pair_do.Dial)
    ]


def test_after_the_better_place_the_one_before_is_tried_again(world: KnownWorld) -> None:
    last = ("192.168.1.5", 1, "192.168.1.0/24")
    world.with_endpoints(last)
    world.reachable = False
    world.handle(world.guest, known_ev.JoinKnown(world.known(world.guest)))
    world.handle(world.guest, seen(world, HOST_ENDPOINT))
    world.advance(KNOWN_DIAL_SECONDS)
    assert world.links()[-1].peer_address == "192.168.1.5:1"


def test_without_discovery_it_ends_when_all_places_were_tried(world: KnownWorld) -> None:
    world.handle(world.guest, known_ev.SetDiscovery(on=False))
    world.handle(world.guest, ev.NetworksSeen((ELSEWHERE,)))
    world.come_back()
    assert ended(world) is Reason.DEVICE_NOT_FOUND
    assert not world.guest.ledger.looking


def test_an_unknown_device_cannot_be_joined(world: KnownWorld) -> None:
    commands = world.guest.handle(known_ev.JoinKnown(KnownID("nobody")))
    assert reasons(commands) == [Reason.DEVICE_UNKNOWN]


def test_there_is_one_attempt_at_a_time(world: KnownWorld) -> None:
    world.come_back()
    commands = world.guest.handle(known_ev.JoinKnown(world.known(world.guest)))
    assert reasons(commands) == [Reason.JOIN_BUSY]


def test_what_is_seen_of_others_does_not_end_the_search(world: KnownWorld) -> None:
    world.handle(world.guest, ev.NetworksSeen((ELSEWHERE,)))
    world.come_back()
    commands = world.guest.handle(known_ev.ServiceGone("another"))
    assert commands == []
    # The network where it was seen is back.
    world.handle(world.guest, ev.NetworksSeen((HERE,)))
    world.decide(approved=True)
    assert world.status(world.guest).stage is st.Stage.CONNECTED


def test_a_search_can_be_cancelled(world: KnownWorld) -> None:
    world.handle(world.guest, ev.NetworksSeen((ELSEWHERE,)))
    link = world.come_back()
    world.handle(world.guest, ev.Disconnect(link))
    assert ended(world) is Reason.DISCONNECTED
    assert not world.guest.ledger.looking
    assert not world.guest.ledger.timers


# --- whoever answers there ------------------------------------------------------------------------


class Impostor:
    """Somebody who answers at one of the places, as the guest's frames reach it."""

    def __init__(self, world: KnownWorld, *, discovery: bool = False, alone: bool = False) -> None:
        """With `alone`, no other place is known."""
        host = (HOST_ENDPOINT.address, HOST_ENDPOINT.port, HOST_ENDPOINT.seen_from)
        world.with_endpoints(("192.168.1.66", PORT, "192.168.1.0/24"), *([] if alone else [host]))
        self.world = world
        if not discovery:
            world.handle(world.guest, known_ev.SetDiscovery(on=False))
        world.reachable = False
        world.handle(world.guest, known_ev.JoinKnown(world.known(world.guest)))
        world.reachable = True
        (self.connection,) = world.guest.ledger.dials
        opened = pair_ev.ConnectionOpened(self.connection, "192.168.1.66")
        (self.request,) = sent(world.guest.handle(opened))

    def says(self, message: pair_msg.Message | str) -> list[do.Command]:
        """Let it answer; all that follows is delivered."""
        text = message if isinstance(message, str) else pair_msg.dump_message(message)
        commands = self.world.guest.handle(pair_ev.FrameReceived(self.connection, text))
        for command in commands:
            self.world._execute(self.world.guest, command)
        self.world.settle()
        return commands

    def challenges(self) -> list[do.Command]:
        assert isinstance(self.request, pair_msg.PairRequest)
        share = to_base64url(X25519KeyPair().public)
        return self.says(
            pair_msg.PairChallenge(self.request.session_id, pair_msg.Auth(v=1, m="known", y=share))
        )

    @property
    def name(self) -> str:
        assert isinstance(self.request, pair_msg.PairRequest)
        return self.request.session_id

    def is_passed_over(self) -> None:
        """The host, which is at the next place, was asked."""
        (prompt,) = self.world.host.ledger.prompts.values()
        assert prompt.verified is Verified.KNOWN
        assert not [one for one in self.world.links() if one.verified is Verified.KNOWN]
        self.world.decide(approved=True)
        assert self.world.status(self.world.guest).stage is st.Stage.CONNECTED


REJECTED = {"type": "pair_result", "status": "rejected"}


@pytest.mark.parametrize("reason", ["not_verified", "unknown_session", "declined", "whatever"])
@pytest.mark.parametrize("challenged", [False, True])
def test_whoever_rejects_without_a_proof_is_passed_over(
    world: KnownWorld, reason: str, challenged: bool
) -> None:
    other = Impostor(world)
    if challenged:
        other.challenges()
    other.says(pair_msg.PairResult(other.name, approved=False, reason=reason))
    other.is_passed_over()


@pytest.mark.parametrize("challenged", [False, True])
def test_whoever_approves_without_a_proof_is_passed_over(
    world: KnownWorld, challenged: bool
) -> None:
    other = Impostor(world)
    if challenged:
        other.challenges()
    commands = other.says(pair_msg.PairResult(other.name, approved=True))
    closes = [one.code for one in commands if isinstance(one, pair_do.CloseConnection)]
    assert closes == [pair_msg.CloseCode.TAMPERED]
    other.is_passed_over()


@pytest.mark.parametrize(
    "answer",
    [
        '{"type":"error","code":"bad_message","message":"?"}',
        '{"type":"session_ended","sessionID":"x","reason":"closed"}',
        '{"type":"pair_challenge","sessionID":"x","auth":{}}',
        "no JSON",
    ],
)
def test_whoever_knows_no_known_devices_is_passed_over(world: KnownWorld, answer: str) -> None:
    other = Impostor(world)
    other.says(answer)
    other.is_passed_over()


def test_a_challenge_of_another_method_is_no_proof(world: KnownWorld) -> None:
    other = Impostor(world)
    auth = pair_msg.Auth(v=1, m="psk", y="A" * 43)
    other.says(pair_msg.PairChallenge(other.name, auth))
    other.is_passed_over()


def test_whoever_is_silent_is_passed_over(world: KnownWorld) -> None:
    other = Impostor(world)
    world.advance(10)
    other.is_passed_over()


def test_whoever_closes_is_passed_over(world: KnownWorld) -> None:
    other = Impostor(world)
    world.handle(world.guest, pair_ev.ConnectionLost(other.connection))
    other.is_passed_over()


WAYS: dict[str, Callable[[Impostor], object]] = {
    "rejects": lambda other: other.says(pair_msg.PairResult(other.name, approved=False)),
    "errs": lambda other: other.says('{"type":"error","code":"bad_message","message":"?"}'),
    "babbles": lambda other: other.says("no JSON"),
    "proves otherwise": lambda other: other.says(
        pair_msg.PairChallenge(other.name, pair_msg.Auth(v=1, m="psk", y="A" * 43))
    ),
    "closes": lambda other: other.world.handle(
        other.world.guest, pair_ev.ConnectionLost(other.connection)
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_after_whoever_is_not_the_device_it_is_looked_for(world: KnownWorld, way: str) -> None:
    other = Impostor(world, discovery=True, alone=True)
    WAYS[way](other)
    assert world.guest.ledger.looking
    assert not world.guest.ledger.dials
    world.handle(world.guest, seen(world, HOST_ENDPOINT))
    other.is_passed_over()


def test_after_whoever_is_silent_there_is_no_time_to_look(world: KnownWorld) -> None:
    Impostor(world, discovery=True, alone=True)
    assert world.guest.ledger.looking
    world.advance(10)
    assert ended(world) is Reason.NOT_RECOGNISED


def test_where_nobody_is_it_goes_on_at_the_next_place(world: KnownWorld) -> None:
    host = (HOST_ENDPOINT.address, HOST_ENDPOINT.port, HOST_ENDPOINT.seen_from)
    world.with_endpoints(("192.168.1.66", 1, "192.168.1.0/24"), host)
    world.reachable = False
    world.handle(world.guest, known_ev.JoinKnown(world.known(world.guest)))
    (first,) = world.guest.ledger.dials
    world.reachable = True
    world.handle(world.guest, pair_ev.DialFailed(first, Reason.REFUSED))
    world.decide(approved=True)
    assert world.status(world.guest).stage is st.Stage.CONNECTED


def test_where_nobody_answers_it_is_looked_for(world: KnownWorld) -> None:
    world.with_endpoints(("192.168.1.66", 1, "192.168.1.0/24"))
    world.reachable = False
    world.handle(world.guest, known_ev.JoinKnown(world.known(world.guest)))
    world.advance(KNOWN_DIAL_SECONDS)
    assert world.guest.ledger.looking
    world.advance(SEARCH_SECONDS)
    assert ended(world) is Reason.DEVICE_NOT_FOUND


def test_who_is_too_busy_to_answer_at_once_is_dialled_once_more(world: KnownWorld) -> None:
    world.reachable = False
    world.handle(world.guest, known_ev.JoinKnown(world.known(world.guest)))
    world.reachable = True
    world.advance(KNOWN_DIAL_SECONDS)
    world.decide(approved=True)
    assert world.status(world.guest).stage is st.Stage.CONNECTED


def test_a_place_that_is_gone_is_not_dialled_again(world: KnownWorld) -> None:
    world.with_endpoints(("192.168.1.66", 1, "192.168.1.0/24"))
    world.reachable = False
    world.handle(world.guest, known_ev.JoinKnown(world.known(world.guest)))
    world.handle(world.guest, ev.NetworksSeen(()))
    world.advance(KNOWN_DIAL_SECONDS)
    (attempt,) = world.guest.program._guests.values()
    assert attempt.state is GuestState.SEARCHING


@pytest.mark.parametrize("discovery", [True, False])
def test_who_never_answers_is_dialled_twice(world: KnownWorld, discovery: bool) -> None:
    world.handle(world.guest, known_ev.SetDiscovery(on=discovery))
    world.with_endpoints(("192.168.1.66", 1, "192.168.1.0/24"))
    world.reachable = False
    world.handle(world.guest, known_ev.JoinKnown(world.known(world.guest)))
    world.advance(KNOWN_DIAL_SECONDS)
    assert world.links()[-1].stage is st.Stage.DIALING
    world.advance(DIAL_SECONDS)
    assert ended(world) is Reason.DEVICE_NOT_FOUND


def test_one_more_try_is_enough_where_nothing_more_is_found(world: KnownWorld) -> None:
    world.handle(world.guest, known_ev.SetDiscovery(on=False))
    world.with_endpoints(
        ("192.168.1.66", 1, "192.168.1.0/24"), ("192.168.1.67", 1, "192.168.1.0/24")
    )
    world.reachable = False
    world.handle(world.guest, known_ev.JoinKnown(world.known(world.guest)))
    world.advance(KNOWN_DIAL_SECONDS)
    world.advance(KNOWN_DIAL_SECONDS)
    assert world.links()[-1].peer_address == "192.168.1.66:1"
    world.advance(DIAL_SECONDS)
    assert ended(world) is Reason.DEVICE_NOT_FOUND


def test_nobody_is_asked_twice(world: KnownWorld) -> None:
    """After the guest's tag a person may have been asked, so the attempt ends."""
    other = Impostor(world)
    other.challenges()
    world.handle(world.guest, pair_ev.ConnectionLost(other.connection))
    assert ended(world) is Reason.HOST_GONE
    assert world.host.ledger.prompts == {}


def test_places_that_are_found_meanwhile_do_not_disturb_whoever_answers(
    world: KnownWorld,
) -> None:
    other = Impostor(world, discovery=True)
    world.handle(world.guest, seen(world, HOST_ENDPOINT))
    assert other.connection in world.guest.ledger.sockets
    other.says("no JSON")
    other.is_passed_over()


def test_a_stranger_learns_nothing_from_the_answers(world: KnownWorld) -> None:
    """A name that a known device used, one of a forgotten device and an invented one: the answers
    to all are alike, in all but random bytes.
    """
    world.come_back()
    world.decide(approved=False)
    recorded = next(
        text for _, text in world.frames[::-1] if json.loads(text)["type"] == "pair_request"
    )
    shapes = []
    for forgotten in (False, True):
        if forgotten:
            world.forget(world.host)
        for invented in (False, True):
            request = json.loads(recorded)
            if invented:
                request["sessionID"] = "@" + "A" * 22
            connection = world.host.connect("192.168.1.66")
            answers = sent(world.host.say(connection, json.dumps(request)))
            confirm = pair_msg.PairConfirm(request["sessionID"], pair_msg.Auth(t="A" * 43))
            answers += sent(world.host.say(connection, confirm))
            assert world.host.ledger.prompts == {}
            shapes.append(
                [
                    (type(one).__name__, len(pair_msg.dump_message(one)), getattr(one, "reason", 0))
                    for one in answers
                ]
            )
    assert len(shapes) == 4
    assert all(one == shapes[0] for one in shapes)
    assert [name for name, _, _ in shapes[0]] == ["PairChallenge", "PairResult"]


def test_the_same_rejection_is_no_news_to_another(world: KnownWorld) -> None:
    """A recorded "forgotten" is bound to its exchange."""
    world.forget(world.host)
    world.come_back()
    assert ended(world) is Reason.FORGOTTEN
    recorded = json.loads(
        next(text for _, text in world.frames[::-1] if json.loads(text)["type"] == "pair_result")
    )
    other = Impostor(world)
    other.challenges()
    other.says(json.dumps({**recorded, "sessionID": other.name}))
    assert ended(world) is Reason.FORGOTTEN, "that is the host's own word, at the next place"
    world.host.program._known._registry.file = KnownFile()
    again = Impostor(world)
    again.challenges()
    again.says(json.dumps({**recorded, "sessionID": again.name}))
    assert ended(world) is Reason.NOT_RECOGNISED


def test_a_request_given_back_to_its_own_device_is_not_recognised() -> None:
    """A device that hosts, too, must not take its own request for one of the other device."""
    key, own, other = b"k" * 32, "own", "other"
    share = b"y" * 32
    asks = keys.asking_name(keys.name_key(key, own), share)
    expects = keys.asking_name(keys.name_key(key, other), share)
    assert asks != expects
    assert keys.proof_secret(key, own, other) != keys.proof_secret(key, other, own)


@pytest.mark.parametrize(
    ("name", "share"),
    [("@code", "A" * 43), ("@" + "A" * 21, "A" * 43), ("@" + "A" * 22, "A" * 42), ("x", None)],
)
def test_a_request_of_another_shape_is_refused(
    world: KnownWorld, name: str, share: str | None
) -> None:
    connection = world.host.connect()
    auth = pair_msg.Auth(v=1, m="known", y=share)
    request = pair_msg.PairRequest(name, PHONE, auth)
    (answer,) = sent(world.host.say(connection, request))
    assert isinstance(answer, pair_msg.ErrorMessage)
    assert answer.code == Reason.BAD_MESSAGE


def test_a_key_of_low_order_is_refused_whoever_asks(world: KnownWorld) -> None:
    connection = world.host.connect()
    auth = pair_msg.Auth(v=1, m="known", y="A" * 43)
    (answer,) = sent(world.host.say(connection, pair_msg.PairRequest("@" + "A" * 22, PHONE, auth)))
    assert isinstance(answer, pair_msg.ErrorMessage)


def test_a_challenge_that_nobody_answers_is_over(world: KnownWorld) -> None:
    other = Impostor(world)
    connection = world.host.connect()
    world.host.say(connection, other.request)
    answers = sent(world.host.advance(10))
    assert [one.reason for one in answers if isinstance(one, pair_msg.PairResult)] == ["timeout"]


def test_a_known_devices_session_is_for_that_one_alone(world: KnownWorld) -> None:
    world.come_back()
    ((session_id, _),) = world.host.ledger.prompts.items()
    connection = world.host.connect()
    (answer,) = sent(world.host.ask(connection, session_id))
    assert isinstance(answer, pair_msg.PairResult)
    assert answer.reason == Reason.UNKNOWN_SESSION


def test_who_was_forgotten_between_challenge_and_tag_is_not_let_in(world: KnownWorld) -> None:
    world.let_in()
    world.handle(world.guest, ev.NetworksSeen((HERE,)))
    world.report(world.guest, known_ev.JoinKnown(world.known(world.guest)))
    while not any(json.loads(text)["type"] == "pair_confirm" for _, text in world.frames[-1:]):
        world.step()
    world.report(world.host, known_ev.ForgetDevice(world.known(world.host)))
    world.settle()
    assert ended(world) is Reason.FORGOTTEN


def test_a_copy_of_the_file_can_come_in_until_it_is_forgotten(world: KnownWorld) -> None:
    """What docs/security.md says: a copied key stands for the device that it was copied from."""
    file = world.file(world.guest)
    world.replace_guest(file, DeviceInfo("Thief", PHONE.id))
    world.come_back()
    world.decide(approved=True)
    assert world.status(world.host).verified is Verified.KNOWN
    assert world.status(world.host).peer_name == PHONE.name, "not the name that it says"
    world.handle(world.host, ev.Disconnect(world.status(world.host).link))
    world.forget(world.host)
    world.come_back()
    assert ended(world) is Reason.FORGOTTEN


def test_a_copy_under_another_installation_is_not_recognised(world: KnownWorld) -> None:
    world.replace_guest(world.file(world.guest), DeviceInfo("Thief", "another-uuid"))
    world.come_back()
    # It may still be found elsewhere.
    world.advance(SEARCH_SECONDS)
    assert ended(world) is Reason.NOT_RECOGNISED
    assert world.host.ledger.prompts == {}


def test_a_first_proof_ends_the_waiting_of_a_record() -> None:
    """The host never heard that the guest has stored the key, but the guest comes with it."""
    world = KnownWorld()
    link = world.link_up()
    world.handle(world.guest, known_ev.RememberDevice(link))
    world.handle(world.host, known_ev.AnswerRemember(world.host.link, same=True))
    world.report(world.guest, known_ev.AnswerRemember(link, same=True))
    # The guest's yes reaches the host, which stores the key and says so. That the guest has, too,
    # is lost.
    world.step()
    world.queue.popleft()
    world.settle()
    assert not world.device(world.guest).pending
    world.vanish()
    assert world.device(world.host).pending
    assert world.shown(world.host).devices == ()
    world.replace_guest(world.file(world.guest))
    world.advance(200)
    world.come_back()
    assert not world.device(world.host).pending
    assert world.entry(world.host).presence is Presence.UNKNOWN
    world.decide(approved=True)
    assert world.status(world.host).known == world.known(world.host)


# --- screens --------------------------------------------------------------------------------------


def test_no_yes_beforehand_counts_for_a_device_that_was_let_in() -> None:
    for let_in in (False, True):
        link = link_of("host", "Laptop", Verified.KNOWN, as_guest=False)
        link.status = replace(link.status, let_in=let_in)
        shower = Shower(link, counting_bytes(), lambda: False, Grant.CONTROL)
        commands = shower.handle(screen_msg.ScreenAsk(control=True), 100.0)
        found = [one for one in commands if isinstance(one, screen_do.FindScreens)]
        assert bool(found) is not let_in
        asked = [one for one in commands if isinstance(one, do.Publish)]
        if let_in:
            assert not getattr(asked[0].status, "second_step")  # noqa: B009
