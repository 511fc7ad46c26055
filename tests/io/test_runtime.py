"""Tests of all real parts together: machines, WebSockets, WebRTC and the loop's timers."""

import asyncio
import contextlib
import json
import logging
import secrets
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from ipaddress import IPv4Address

import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosedError

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Problem, Reason
from proxim.core.link import text as link_text
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.connections import ConnectionLimits
from proxim.core.pairing.devices import DeviceInfo, Verified
from proxim.core.pairing.host_code import (
    CODE_SESSION_ID,
    HostCode,
    JoinTarget,
    parse_code,
    parse_target,
)
from proxim.core.pairing.invitations import Invitations
from proxim.core.pairing.proof import Prover
from proxim.io.pairing.client import Client
from proxim.io.pairing.opening import NetOptions, Opening, open_host
from proxim.io.pairing.spake import Spake2Exchange
from proxim.io.pairing.x25519 import X25519KeyPair
from proxim.io.runtime import Runtime
from proxim.io.system.network_changes import NetworkChanges
from tests.core.handed_in import program
from tests.io.support import PATIENCE, Events
from tests.loopback import host_address, quiet_address

DEVICE = DeviceInfo("Küchen-PC", "3f0c2d1e-5b7a-4c3e-9a51-0d9f6b8e2c47")
OWN = host_address()


def prover() -> Prover:
    """Return a prover with real secrets."""
    return Prover(secrets.token_bytes, Spake2Exchange, X25519KeyPair)


def one_time() -> Invitations:
    """Return the invitations with which most hosts begin."""
    return Invitations(DEVICE, ev.Invite(ev.SessionType.ONE_TIME), secrets.token_bytes)


class Side:
    """One running program without a face."""

    def __init__(
        self,
        options: NetOptions,
        *,
        guest: DeviceInfo | None = None,
        invitations: Invitations | None = None,
        # The default is immutable.
        limits: ConnectionLimits = ConnectionLimits(),  # noqa: B008
    ) -> None:
        """Make a host with these invitations, or without them a program that only joins."""
        self.told = Events()
        if invitations is not None:
            opening = open_host(invitations, self.told, options)
            machine = program(invitations.device, prover(), invitations, limits=limits)
        else:
            assert guest is not None
            opening, machine = Opening(), program(guest, prover())
        self.runtime = Runtime(machine, self.told, options, opening)
        self.task = asyncio.create_task(self.runtime.run())

    async def stop(self) -> None:
        self.runtime.report(ev.Shutdown())
        await asyncio.wait_for(self.task, PATIENCE)


MakeHost = Callable[..., Side]


@pytest_asyncio.fixture
async def sides() -> AsyncIterator[list[Side]]:
    sides: list[Side] = []
    yield sides
    for side in sides:
        if not side.task.done():
            await side.stop()


def on(address: str) -> tuple[ev.Network, ...]:
    return (ev.Network(address, 24, "test0", False),)


async def start_host(
    sides: list[Side],
    networks: tuple[ev.Network, ...],
    invite: ev.Invite | None = None,
    *,
    require_proof: bool = False,
    # The default is immutable.
    limits: ConnectionLimits = ConnectionLimits(),  # noqa: B008
    **options: object,
) -> tuple[Side, st.Invitation]:
    first = invite or ev.Invite(ev.SessionType.ONE_TIME)
    side = Side(
        NetOptions(look=lambda: networks, **options),  # type: ignore[arg-type]
        invitations=Invitations(DEVICE, first, secrets.token_bytes, require_proof=require_proof),
        limits=limits,
    )
    sides.append(side)
    await asyncio.sleep(0)
    return side, await side.told.wait(st.Invitation)


async def start_guest(sides: list[Side], target: JoinTarget) -> Side:
    side = Side(NetOptions(), guest=DeviceInfo("Telefon", "guest-uuid"))
    sides.append(side)
    await side.told.wait(st.ThisDevice)
    side.runtime.report(ev.Join(target))
    return side


async def link(sides: list[Side], address: str) -> tuple[Side, Side]:
    host, invitation = await start_host(sides, on(address))
    assert invitation.code is not None
    guest = await start_guest(sides, parse_target(invitation.code))
    prompt = await host.told.wait(st.Prompt)
    assert (prompt.device, prompt.verified) == (DeviceInfo("Telefon", "guest-uuid"), Verified.CODE)
    host.runtime.report(ev.Decide(prompt.session_id, approved=True, number=prompt.number))
    for side in (host, guest):
        await side.told.wait(
            st.LinkStatus, lambda link: "text" in link.features and link.peer_name is not None
        )
    return host, guest


def link_of(side: Side) -> st.LinkStatus:
    return [status for status in side.told.all if isinstance(status, st.LinkStatus)][-1]


async def closed(side: Side) -> st.LinkStatus:
    return await side.told.wait(st.LinkStatus, lambda link: link.stage is st.Stage.CLOSED)


# --- two programs ---------------------------------------------------------------------------------


async def test_from_code_to_text_and_goodbye(sides: list[Side], own_address: str) -> None:
    host, guest = await link(sides, own_address)
    assert link_of(guest).peer_name == "Küchen-PC"
    for sender, receiver, text in ((guest, host, "hin"), (host, guest, "zurück\n" * 1000)):
        sender.runtime.report(ev.SendText(link_of(sender).link, text))
        assert (await receiver.told.wait(st.TextReceived)).text == text
    guest.runtime.report(ev.Disconnect(link_of(guest).link))
    assert (await closed(guest)).reason is Reason.DISCONNECTED
    assert (await closed(host)).reason is Reason.PEER_LEFT
    await host.told.wait(st.Invitation)


async def test_text_of_the_largest_size(sides: list[Side], own_address: str) -> None:
    host, guest = await link(sides, own_address)
    largest = "x" * link_text.MAX_TEXT_BYTES
    guest.runtime.report(ev.SendText(link_of(guest).link, largest))
    assert (await host.told.wait(st.TextReceived)).text == largest
    guest.runtime.report(ev.SendText(link_of(guest).link, largest + "x"))
    assert (await guest.told.wait(st.Trouble)).problem.reason is Reason.TEXT_TOO_LONG


async def test_a_host_that_shuts_down_says_goodbye(sides: list[Side], own_address: str) -> None:
    host, guest = await link(sides, own_address)
    await host.stop()
    assert (await closed(guest)).reason is Reason.CLOSED


async def test_a_refused_guest_is_told_why(sides: list[Side]) -> None:
    host, invitation = await start_host(sides, on(OWN))
    guest = await start_guest(sides, parse_target(invitation.url))
    prompt = await host.told.wait(st.Prompt)
    host.runtime.report(ev.Decide(prompt.session_id, approved=False, number=prompt.number))
    assert (await closed(guest)).reason is Reason.DECLINED


async def test_a_guest_that_leaves_takes_its_prompt_along(sides: list[Side]) -> None:
    host, invitation = await start_host(sides, on(OWN))
    guest = await start_guest(sides, parse_target(invitation.url))
    await host.told.wait(st.Prompt)
    await guest.stop()
    assert (await host.told.wait(st.PairOutcome)).reason is Reason.GUEST_LEFT


async def test_joining_while_the_host_is_not_there(sides: list[Side]) -> None:
    host, invitation = await start_host(sides, on(OWN))
    await host.stop()
    guest = await start_guest(sides, parse_target(invitation.url))
    assert (await closed(guest)).reason is Reason.REFUSED


async def test_a_dial_can_be_given_up(sides: list[Side]) -> None:
    async def never_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(never_answer, "127.0.0.1", 0) as silent:
        guest = await start_guest(
            sides, JoinTarget("127.0.0.1", silent.sockets[0].getsockname()[1], "x")
        )
        dialling = await guest.told.wait(st.LinkStatus)
        guest.runtime.report(ev.Disconnect(dialling.link))
        assert (await closed(guest)).reason is Reason.DISCONNECTED
        await guest.stop()


# --- raw clients ----------------------------------------------------------------------------------


async def answer(socket: ClientConnection, message: object) -> dict[str, object]:
    await socket.send(message if isinstance(message, str | bytes) else json.dumps(message))
    async with asyncio.timeout(PATIENCE):
        reply: dict[str, object] = json.loads(await socket.recv())
    return reply


def dial(invitation: st.Invitation) -> connect:
    return connect(parse_target(invitation.url).websocket_url, proxy=None)


REQUEST = {
    "type": "pair_request",
    "sessionID": "abc123",
    "deviceInfo": {"name": "Client-PC-123", "id": "device-xyz"},
}


async def test_a_bad_message_gets_its_error_and_changes_nothing(
    sides: list[Side], subtests: pytest.Subtests
) -> None:
    cases = [
        ("{not json", "bad_json"),
        ("[]", "bad_json"),
        ('{"type":"pair_request"}', "bad_message"),
        ('{"type":7}', "bad_message"),
        ('{"type":"please"}', "unknown_type"),
        ('{"type":"pair_response","sessionID":"abc","approved":true}', "not_allowed"),
        ('{"type":"signal","sessionID":"abc","payload":{"sdp":"v=0"}}', "not_allowed"),
        ("x" * (64 * 1024 + 1), "too_large"),
    ]
    host, invitation = await start_host(sides, on(OWN))
    for message, code in cases:
        with subtests.test(message=message[:80]):
            async with dial(invitation) as socket:
                error = await answer(socket, message)
                assert (error["type"], error["code"]) == ("error", code)
                assert str(error["message"]).endswith(".")
                unknown = await answer(socket, REQUEST)
                assert (unknown["status"], unknown["reason"]) == ("rejected", "unknown_session")
    assert not any(isinstance(status, st.Prompt | st.Trouble) for status in host.told.all)


async def test_a_few_bad_messages_close_the_socket(sides: list[Side]) -> None:
    _, invitation = await start_host(sides, on(OWN))
    async with dial(invitation) as socket:
        codes = [(await answer(socket, b"binary" if index else "{"))["code"] for index in range(5)]
        assert codes == ["bad_json"] + ["bad_message"] * 4
        assert json.loads(await socket.recv())["code"] == "too_many"
        await asyncio.wait_for(socket.wait_closed(), PATIENCE)
        assert socket.close_code == pair_msg.CloseCode.BAD_MESSAGES


# --- proof and limits, at a real socket -----------------------------------------------------------


async def test_who_scanned_the_qr_is_shown_as_that(sides: list[Side]) -> None:
    host, invitation = await start_host(sides, on(OWN))
    await start_guest(sides, parse_target(invitation.url))
    assert (await host.told.wait(st.Prompt)).verified is Verified.QR


async def test_a_typed_code_that_is_wrong_asks_nobody(sides: list[Side]) -> None:
    host, invitation = await start_host(sides, on(OWN))
    assert invitation.code is not None
    code = parse_code(invitation.code)
    guest = await start_guest(sides, parse_target(replace(code, secret=code.secret ^ 1).canonical))
    assert (await closed(guest)).reason is Reason.NOT_VERIFIED
    assert not any(isinstance(status, st.Prompt) for status in host.told.all)


async def test_whatever_answers_without_a_proof_is_not_the_host(sides: list[Side]) -> None:
    async def approve(socket: ServerConnection) -> None:
        async for message in socket:
            name = json.loads(message)["sessionID"]
            await socket.send(
                json.dumps({"type": "pair_result", "sessionID": name, "status": "approved"})
            )

    async with serve(approve, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        code = HostCode(IPv4Address("127.0.0.1"), port, 5).canonical
        guest = await start_guest(sides, parse_target(code))
        assert (await closed(guest)).reason is Reason.HOST_UNPROVEN


async def shut_out(socket: ClientConnection) -> None:
    """Wait until the host gives its reason and closes the connection."""
    last: dict[str, object] = {}
    with contextlib.suppress(ConnectionClosedError):
        async with asyncio.timeout(PATIENCE):
            while True:
                last = json.loads(await socket.recv())
    assert last["code"] == "too_many"
    assert socket.close_code == pair_msg.CloseCode.BAD_MESSAGES


async def test_a_socket_that_says_nothing_is_closed(sides: list[Side]) -> None:
    _, invitation = await start_host(
        sides, on(OWN), limits=ConnectionLimits(first_message_seconds=0.1)
    )
    async with dial(invitation) as socket:
        await shut_out(socket)


async def test_a_socket_that_is_never_approved_is_closed(sides: list[Side]) -> None:
    _, invitation = await start_host(
        sides, on(OWN), limits=ConnectionLimits(unapproved_seconds=0.2)
    )
    async with dial(invitation) as socket:
        assert (await answer(socket, REQUEST))["reason"] == "unknown_session"
        await shut_out(socket)


async def test_the_ninth_message_of_a_stranger_closes_its_socket(sides: list[Side]) -> None:
    _, invitation = await start_host(sides, on(OWN))
    async with dial(invitation) as socket:
        for _ in range(8):
            assert (await answer(socket, REQUEST))["reason"] == "unknown_session"
        await socket.send(json.dumps(REQUEST))
        await shut_out(socket)


async def test_an_approved_guest_that_floods_is_closed(sides: list[Side]) -> None:
    # So few a second that a slow machine gains none while the flood is sent.
    host, invitation = await start_host(
        sides, on(OWN), limits=ConnectionLimits(messages_per_second=0.001, burst=20)
    )
    async with dial(invitation) as socket:
        await socket.send(json.dumps({**REQUEST, "sessionID": CODE_SESSION_ID}))
        prompt = await host.told.wait(st.Prompt)
        host.runtime.report(ev.Decide(prompt.session_id, approved=True, number=prompt.number))
        assert json.loads(await socket.recv())["status"] == "approved"
        nothing = json.dumps(
            {"type": "signal", "sessionID": CODE_SESSION_ID, "payload": {"candidate": "nonsense"}}
        )
        # With the request this is the burst and five more.
        for _ in range(24):
            await socket.send(nothing)
        await shut_out(socket)


async def test_a_host_that_requires_a_proof_refuses_the_seed_alone(sides: list[Side]) -> None:
    host, invitation = await start_host(sides, on(OWN), require_proof=True)
    async with dial(invitation) as socket:
        refused = await answer(socket, {**REQUEST, "sessionID": CODE_SESSION_ID})
        assert (refused["status"], refused["reason"]) == ("rejected", "not_verified")
    assert invitation.code is not None
    await start_guest(sides, parse_target(invitation.code))
    assert (await host.told.wait(st.Prompt)).verified is Verified.CODE


async def test_nothing_secret_is_logged(
    sides: list[Side], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    host, invitation = await start_host(sides, on(OWN))
    target = parse_target(invitation.url)
    async with dial(invitation) as socket:
        await answer(socket, '{"secret in bad json": ')
        await socket.send(json.dumps({**REQUEST, "sessionID": target.session_id}))
        await host.told.wait(st.Prompt)
    await host.stop()
    assert invitation.code is not None
    proxims = "\n".join(
        record.getMessage() for record in caplog.records if record.name.startswith("proxim")
    )
    assert "bad_json" in proxims
    for secret in (
        target.session_id,
        target.qr_secret or "",
        invitation.code,
        "secret in bad json",
    ):
        assert secret not in proxims


STEPS = [
    f"Listening(address='{OWN}'",
    "code is shown, one-time",
    "open, with 127.0.0.1",
    "got PairRequest(device=DeviceInfo(name='Telefon', id='guest-uuid'), auth=Auth(v=1, "
    "m='spake2'))",
    "sent PairChallenge(",
    "got PairConfirm(",
    "request 1: 'Telefon' at 127.0.0.1 asks to join, verified: code",
    "answer to request 1: approved",
    "sent PairResult(approved=True",
    "request over: approved",
    "link host-1: connecting",
    "link host-1: connected",
    "link host-1: closed, ",
]


async def test_verbose_tells_each_step_and_no_secret(
    sides: list[Side], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "proxim")
    host, guest = await link(sides, OWN)
    guest.runtime.report(ev.SendText(link_of(guest).link, "a word between us"))
    await host.told.wait(st.TextReceived)
    await guest.stop()
    await closed(host)
    told_lines = [
        record.getMessage() for record in caplog.records if record.name == "proxim.io.trace"
    ]
    log = "\n".join(told_lines)
    place = 0
    for step in STEPS:
        place = log.index(step, place)
    invitation = next(one for one in host.told.all if isinstance(one, st.Invitation))
    assert invitation.code is not None
    target = parse_target(invitation.url)
    parts = (
        invitation.code,
        invitation.code.replace("-", ""),
        target.session_id,
        target.qr_secret or "-",
    )
    for secret in (*parts, "a word between us", "v=0", "ice-pwd", "fingerprint"):
        assert secret not in log


async def test_without_verbose_no_step_is_put_into_words(
    sides: list[Side], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.WARNING, "proxim")
    monkeypatch.setattr("proxim.io.trace_words.step_words", pytest.fail)
    await link(sides, OWN)
    assert caplog.records == []


# --- this machine ---------------------------------------------------------------------------------


async def test_another_network_moves_the_server(sides: list[Side]) -> None:
    other = quiet_address()
    networks = on(OWN) + on(other)
    host, first = await start_host(sides, networks)
    host.runtime.report(ev.ChooseNetwork(other))
    second = await host.told.wait(st.Invitation)
    assert parse_target(second.url).address == other
    assert second.code != first.code
    async with dial(second) as socket:
        assert (await answer(socket, REQUEST))["reason"] == "unknown_session"
    with pytest.raises(OSError, match=r".*"):
        await dial(first)


async def test_ipv6_from_the_url_to_the_prompt(sides: list[Side]) -> None:
    host, invitation = await start_host(sides, (ev.Network("::1", 128, "lo", False),))
    assert invitation.code is None
    await start_guest(sides, parse_target(invitation.url))
    assert (await host.told.wait(st.Prompt)).peer_address == "::1"


async def test_a_taken_port_is_told(sides: list[Side]) -> None:
    _, invitation = await start_host(sides, on(OWN))
    taken = parse_target(invitation.url).port
    side = Side(NetOptions(port=taken, look=lambda: on(OWN)), invitations=one_time())
    sides.append(side)
    assert (await side.told.wait(st.Trouble)).problem.reason is Reason.PORT_TAKEN


async def test_a_name_that_cannot_be_saved_is_told(sides: list[Side]) -> None:
    host, _ = await start_host(
        sides,
        on(OWN),
        save_name=lambda name: Problem(Reason.SETTINGS_UNWRITABLE, "read-only"),
    )
    host.runtime.report(ev.Rename("Neuer Name"))
    assert (await host.told.wait(st.Trouble)).problem.reason is Reason.SETTINGS_UNWRITABLE
    assert (await host.told.wait(st.ThisDevice)).device.name == "Neuer Name"


async def test_a_code_runs_out_while_the_machine_sleeps(
    sides: list[Side], monkeypatch: pytest.MonkeyPatch
) -> None:
    slept = 0.0
    monkeypatch.setattr("proxim.io.runtime.SLEEP_WATCH_SECONDS", 0.01)
    monkeypatch.setattr("proxim.io.runtime.slept_seconds", lambda: slept)
    host, first = await start_host(sides, on(OWN))
    slept = 14 * 60.0
    host.runtime.report(ev.Rename("still the first code"))
    await host.told.wait(st.ThisDevice, lambda this: this.device.name == "still the first code")
    slept += 2 * 60.0
    assert (await host.told.wait(st.Invitation)).session_id != first.session_id


# --- errors of our own ----------------------------------------------------------------------------


async def test_addresses_that_cannot_be_read_are_told_once_and_read_again(
    sides: list[Side], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def at_once(_: NetworkChanges) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr(NetworkChanges, "wait", at_once)
    looks = 0

    def look() -> tuple[ev.Network, ...]:
        nonlocal looks
        looks += 1
        if looks in (2, 3):
            raise OSError("the system's answer made no sense")
        return on(OWN) if looks == 1 else on(OWN) + on("127.0.0.2")

    side = Side(NetOptions(look=look), invitations=one_time())
    sides.append(side)
    assert (await side.told.wait(st.Trouble)).problem.reason is Reason.INTERNAL
    await side.told.wait(st.Networks, lambda seen: len(seen.networks) == 2)
    assert caplog.text.count("could not be handled") == 1


async def test_a_crashed_task_is_told_and_the_program_goes_on(
    sides: list[Side], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(self: Client, url: str) -> None:
        raise RuntimeError("a library's surprise")

    monkeypatch.setattr(Client, "run", crash)
    guest = await start_guest(sides, JoinTarget("127.0.0.1", 9, "x"))
    assert (await guest.told.wait(st.Trouble)).problem.reason is Reason.INTERNAL
    assert "client crashed" in caplog.text
    assert (await closed(guest)).reason is Reason.HOST_ERROR


async def test_a_peer_that_cannot_be_made_fails_the_link(
    sides: list[Side], own_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The import fails, as it does in a broken installation.
    monkeypatch.setitem(sys.modules, "proxim.io.link.peer", None)
    host, invitation = await start_host(sides, on(own_address))
    guest = await start_guest(sides, parse_target(invitation.url))
    prompt = await host.told.wait(st.Prompt)
    host.runtime.report(ev.Decide(prompt.session_id, approved=True, number=prompt.number))
    assert (await closed(host)).reason is Reason.NO_DESCRIPTION
    await closed(guest)


async def test_an_event_that_no_machine_takes_is_told(
    sides: list[Side], caplog: pytest.LogCaptureFixture
) -> None:
    guest = await start_guest(sides, JoinTarget("127.0.0.1", 9, "x"))
    # A program that only joins has no host.
    guest.runtime.report(ev.Invite(ev.SessionType.ONE_TIME))
    assert (await guest.told.wait(st.Trouble)).problem.reason is Reason.INTERNAL
    assert "Invite could not be handled" in caplog.text


# --- after the last link --------------------------------------------------------------------------


async def test_after_the_last_link_what_it_needed_is_given_back(
    sides: list[Side], own_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxim.io.runtime.GIVE_BACK_SECONDS", 0.0)
    returned = asyncio.Event()
    loop = asyncio.get_running_loop()

    def give_back() -> bool:
        loop.call_soon_threadsafe(returned.set)
        return True

    monkeypatch.setattr("proxim.io.runtime.give_back_memory", give_back)
    _, guest = await link(sides, own_address)
    assert not returned.is_set()
    await guest.stop()
    await asyncio.wait_for(returned.wait(), PATIENCE)


async def test_nothing_is_given_back_while_somebody_is_linked(
    sides: list[Side], own_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def give_back() -> bool:
        raise AssertionError("a link is open")

    host, _ = await link(sides, own_address)
    monkeypatch.setattr("proxim.io.runtime.give_back_memory", give_back)
    tasks = set(host.runtime._tasks)
    host.runtime._give_back()
    assert host.runtime._tasks == tasks


async def test_many_links_that_end_at_once_lead_to_one_return(
    sides: list[Side], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxim.io.runtime.GIVE_BACK_SECONDS", 0.0)
    host, _ = await start_host(sides, on(OWN))
    calls: list[None] = []
    monkeypatch.setattr(host.runtime, "_give_back", lambda: calls.append(None))
    closed_peer = asyncio.create_task(asyncio.sleep(0))
    await closed_peer
    for _ in range(5):
        host.runtime._peer_closed(closed_peer)
    # Timers of one moment fire in the order in which they were made.
    fired = asyncio.Event()
    asyncio.get_running_loop().call_later(0.001, fired.set)
    await asyncio.wait_for(fired.wait(), PATIENCE)
    assert len(calls) == 1


async def test_a_program_that_ends_gives_nothing_back_afterwards(
    sides: list[Side], own_address: str
) -> None:
    host, guest = await link(sides, own_address)
    for side in (guest, host):
        await side.stop()
        assert side.runtime._giving_back is None or side.runtime._giving_back.cancelled()
