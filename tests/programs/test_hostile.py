"""Hundreds of hostile inputs (tests/hostile) against a running host: after each, the next honest
guest pairs as usual.
"""

import asyncio
import json
import logging
import secrets
import unicodedata
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from aioice.ice import StunProtocol
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import ProximError, Reason
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.devices import DeviceInfo, Verified
from proxim.core.pairing.host_code import JoinTarget, parse_target
from proxim.core.pairing.invitations import Invitations
from proxim.core.pairing.proof import Prover, start_guest_proof, tag_auth, tag_matches
from proxim.io.pairing.opening import NetOptions, Opening, open_host
from proxim.io.pairing.spake import Spake2Exchange
from proxim.io.pairing.x25519 import X25519KeyPair
from proxim.io.runtime import Runtime
from proxim.io.system.addresses import list_networks
from tests.core.handed_in import program
from tests.io.support import PATIENCE, Events
from tests.loopback import quiet_address
from tests.paths import HOSTILE

pytestmark = pytest.mark.slow

KINDS = ("messages", "descriptions", "candidates", "codes", "names", "requests", "frames")
PROVER = Prover(secrets.token_bytes, Spake2Exchange, X25519KeyPair)
HOST_DEVICE = DeviceInfo("Küchen-PC", "3f0c2d1e-5b7a-4c3e-9a51-0d9f6b8e2c47")
HONEST = DeviceInfo("Telefon", "guest-uuid")
HANDSHAKE = (
    "GET /ws HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
GOOD_OFFER = (
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 "
    "0.0.0.0\r\na=mid:0\r\na=sctp-port:5000\r\n"
    "a=max-message-size:65536\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n"
    f"a=fingerprint:sha-256 {':'.join(['AB'] * 32)}\r\na=setup:actpass\r\n"
)

Entry = dict[str, Any]


def entries(kind: str) -> list[Entry]:
    read: list[Entry] = json.loads((HOSTILE / f"{kind}.json").read_text(encoding="utf-8"))
    return read


def joined(parts: list[Any]) -> str:
    return "".join(part if isinstance(part, str) else part[0] * part[1] for part in parts)


def own_addresses() -> set[str]:
    return {network.address for network in list_networks()}


class Running:
    """A program without a user interface, with its real machine, sockets and peers."""

    def __init__(
        self, *, invitations: Invitations | None = None, networks: tuple[ev.Network, ...] = ()
    ) -> None:
        """Start a host with these invitations, or without them a program that only joins."""
        self.told = Events()
        if invitations is None:
            options, opening = NetOptions(), Opening()
            machine = program(HONEST, PROVER)
        else:
            options = NetOptions(look=lambda: networks)
            opening = open_host(invitations, self.told, options)
            machine = program(HOST_DEVICE, PROVER, invitations)
        self.runtime = Runtime(machine, self.told, options, opening)
        self.task = asyncio.create_task(self.runtime.run())

    def last(self, *kinds: type[Any]) -> Any:
        return next((one for one in reversed(self.told.all) if isinstance(one, kinds)), None)

    async def stop(self) -> None:
        self.runtime.report(ev.Shutdown())
        await asyncio.wait_for(self.task, PATIENCE)


class HostUnderAttack(Running):
    """A host that is attacked, and what a test does with it."""

    def __init__(self) -> None:
        self.address = quiet_address()
        invitations = Invitations(
            HOST_DEVICE, ev.Invite(ev.SessionType.ONE_TIME), secrets.token_bytes
        )
        super().__init__(
            invitations=invitations, networks=(ev.Network(self.address, 8, "test0", False),)
        )

    async def joinable(self) -> st.Invitation:
        """Return the invitation that is shown, after ending the link that a hostile guest may have,
        as a person would.
        """
        shown = self.last(st.Invitation, st.NoInvitation)
        if isinstance(shown, st.Invitation):
            return shown
        # All links are looked at, because the end of an earlier link may be published after the
        # beginning of the latest one.
        stages = {one.link: one.stage for one in self.told.all if isinstance(one, st.LinkStatus)}
        for link, stage in stages.items():
            if stage is not st.Stage.CLOSED:
                self.runtime.report(ev.Disconnect(link))
        return await self.told.wait(st.Invitation)

    @property
    def target(self) -> JoinTarget:
        return parse_target(self.last(st.Invitation).url)

    async def raw(self, data: bytes, handshake: bytes = b"") -> bytes:
        """Send bytes (after an answered handshake) and nothing more; return what the host sent
        until it closed the connection.
        """
        address, port = self.target.authority.rsplit(":", 1)
        reader, writer = await asyncio.open_connection(
            address, int(port), local_addr=(quiet_address(), 0)
        )
        received = b""
        # The host may close the connection before it has read everything.
        with suppress(ConnectionError):
            if handshake:
                writer.write(handshake)
                answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
                assert b" 101 " in answer
            writer.write(data)
            await writer.drain()
            writer.write_eof()
            async with asyncio.timeout(PATIENCE):
                while chunk := await reader.read(65536):
                    received += chunk
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        return received

    @asynccontextmanager
    async def socket(self) -> AsyncIterator[ClientConnection]:
        """Open a WebSocket from an address of its own, so that one socket's behaviour is not
        counted against the next.
        """
        url, source = self.target.websocket_url, (quiet_address(), 0)
        async with connect(
            url, compression=None, proxy=None, local_addr=source, ping_interval=None
        ) as socket:
            yield socket

    @asynccontextmanager
    async def approved(self) -> AsyncIterator[ClientConnection]:
        """Open a socket as a guest that proved nothing and was approved all the same."""
        async with self.socket() as socket:
            await socket.send(
                pair_msg.dump_message(pair_msg.PairRequest(self.target.session_id, HONEST))
            )
            prompt = await self.told.wait(st.Prompt, lambda prompt: prompt.verified is None)
            self.runtime.report(ev.Decide(prompt.session_id, approved=True, number=prompt.number))
            assert (
                json.loads(await asyncio.wait_for(socket.recv(), PATIENCE))["status"] == "approved"
            )
            yield socket

    async def pairs_with_an_honest_guest(self) -> None:
        """Pair by the QR's secret up to the approval and its proof; then both sides leave."""
        invitation = await self.joinable()
        target = parse_target(invitation.url)
        proof = start_guest_proof(target, HONEST, PROVER)
        assert proof is not None
        async with self.socket() as socket:

            async def exchange(message: pair_msg.PairRequest | pair_msg.PairConfirm) -> None:
                await socket.send(pair_msg.dump_message(message))

            await exchange(pair_msg.PairRequest(target.session_id, HONEST, proof.auth))
            challenge = pair_msg.parse_message(str(await asyncio.wait_for(socket.recv(), PATIENCE)))
            assert isinstance(challenge, pair_msg.PairChallenge), challenge
            keys = proof.finish(challenge.auth)
            await exchange(pair_msg.PairConfirm(target.session_id, tag_auth(keys.guest_tag())))
            prompt = await self.told.wait(st.Prompt, lambda prompt: prompt.verified is Verified.QR)
            assert prompt.device == HONEST
            self.runtime.report(ev.Decide(prompt.session_id, approved=True, number=prompt.number))
            result = pair_msg.parse_message(str(await asyncio.wait_for(socket.recv(), PATIENCE)))
            assert isinstance(result, pair_msg.PairResult), result
            assert result.approved
            assert result.auth is not None
            assert tag_matches(keys.host_tag("approved"), result.auth.t)
        await self.joinable()

    async def links_with_an_honest_program(self) -> None:
        """Link by the typed code, as far as this machine's networks allow WebRTC."""
        stage = st.Stage.CONNECTED if list_networks() else st.Stage.APPROVED
        guest = Running()
        try:
            await guest.told.wait(st.ThisDevice)
            code = (await self.joinable()).code
            assert code is not None
            guest.runtime.report(ev.Join(parse_target(code)))
            prompt = await self.told.wait(
                st.Prompt, lambda prompt: prompt.verified is Verified.CODE
            )
            self.runtime.report(ev.Decide(prompt.session_id, approved=True, number=prompt.number))
            for side in (self, guest):
                link = await side.told.wait(st.LinkStatus, lambda link: link.stage is stage)
                assert link.verified is Verified.CODE
        finally:
            await guest.stop()


async def test_sockets_that_ping_without_end_hold_nobody_up() -> None:
    """Before the host counted pings, one such socket made an honest guest's pairing take 6.6 s."""
    host = HostUnderAttack()
    await host.told.wait(st.Invitation)
    address, port = host.target.authority.rsplit(":", 1)
    handshake = HANDSHAKE.format(host=host.target.authority).encode()
    cut = 0

    async def ping() -> None:
        nonlocal cut
        # The attacker connects again as soon as the host has cut its connection.
        while True:
            reader, writer = await asyncio.open_connection(
                address, int(port), local_addr=(source, 0)
            )
            try:
                writer.write(handshake)
                await reader.readuntil(b"\r\n\r\n")
                writer.write((b"\x89\x80" + bytes(4)) * 40_000)
                while await reader.read(65536):
                    pass
            except ConnectionError:
                # The host cut the connection while data was written.
                pass
            finally:
                writer.transport.abort()
            cut += 1

    source = quiet_address()
    pinging = asyncio.create_task(ping())
    try:
        async with asyncio.timeout(PATIENCE):
            while cut < 20:
                await host.pairs_with_an_honest_guest()
    finally:
        pinging.cancel()
        await asyncio.wait([pinging])
        await host.stop()


# --- a wire that changes bits of frames, which no library can do ----------------------------------


class Wire:
    """A relay on TCP between a guest and the host. It corrects the `Host` header and changes the
    frame with the given number.
    """

    def __init__(
        self, host: HostUnderAttack, from_host: bool, number: int, change: Callable[[bytes], bytes]
    ) -> None:
        self._host = host
        self._changed = (from_host, number)
        self._change = change

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = self._host.target.authority
        address, port = there.rsplit(":", 1)
        to_host = await asyncio.open_connection(
            address, int(port), local_addr=(quiet_address(), 0), limit=1 << 20
        )
        handshake = await reader.readuntil(b"\r\n\r\n")
        here = "{}:{}".format(*writer.get_extra_info("sockname")[:2])
        to_host[1].write(handshake.replace(here.encode(), there.encode()))
        writer.write(await to_host[0].readuntil(b"\r\n\r\n"))
        try:
            await asyncio.gather(
                self._pass(reader, to_host[1], False), self._pass(to_host[0], writer, True)
            )
        finally:
            to_host[1].transport.abort()
            writer.transport.abort()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, from_host: bool
    ) -> None:
        number = 0
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                frame = await reader.readexactly(2)
                if (length := frame[1] & 0x7F) >= 126:
                    more = await reader.readexactly(2 if length == 126 else 8)
                    frame, length = frame + more, int.from_bytes(more, "big")
                frame += await reader.readexactly(length + (4 if frame[1] & 0x80 else 0))
                if frame[0] & 0x0F == 1:
                    number += 1
                    if (from_host, number) == self._changed:
                        frame = self._change(frame)
                writer.write(frame)
        if writer.can_write_eof():
            writer.write_eof()


def flipped(position: int, bits: int) -> Callable[[bytes], bytes]:
    return lambda frame: frame[:position] + bytes([frame[position] ^ bits]) + frame[position + 1 :]


FLIPS = {
    "a letter becomes no UTF-8": flipped(-20, 0x80),
    "a letter becomes another": flipped(-20, 0x01),
    "a reserved bit": flipped(0, 0x40),
    "no such opcode": flipped(0, 0x02),
    # With 127 in place of 126, eight bytes of length follow.
    "another length": flipped(1, 0x01),
}


@pytest.mark.skipif(not list_networks(), reason="WebRTC needs a network address besides loopback")
# The cases run one after the other. Each has a limit of its own, so that one that never ends is
# named.
@pytest.mark.timeout(400)
async def test_a_bit_changed_in_a_proved_frame_is_tampered_at_both_sides() -> None:
    """The third frame of each side is the guest's offer or the host's answer."""
    ended = {
        (flip, from_host): await reasons_after_a_changed_frame(change, from_host)
        for flip, change in FLIPS.items()
        for from_host in (False, True)
    }
    tampered = (Reason.TAMPERED, Reason.TAMPERED)
    assert {case: reasons for case, reasons in ended.items() if reasons != tampered} == {}


async def reasons_after_a_changed_frame(
    change: Callable[[bytes], bytes], from_host: bool
) -> tuple[Reason | str | None, ...]:
    """Return why the link ended at the host and at the guest, or the name of another error."""
    host = HostUnderAttack()
    guest = Running()
    try:
        await host.told.wait(st.Invitation)
        await guest.told.wait(st.ThisDevice)
        wire = Wire(host, from_host, 3, change)
        async with await asyncio.start_server(
            wire.carry, quiet_address(), 0, limit=1 << 20
        ) as server:
            address, port = server.sockets[0].getsockname()
            url = host.last(st.Invitation).url.replace(host.target.authority, f"{address}:{port}")
            guest.runtime.report(ev.Join(parse_target(url)))
            prompt = await host.told.wait(st.Prompt)
            host.runtime.report(ev.Decide(prompt.session_id, approved=True, number=prompt.number))
            links = [
                await side.told.wait(st.LinkStatus, lambda link: link.stage is st.Stage.CLOSED)
                for side in (host, guest)
            ]
        return tuple(link.reason for link in links)
    except TimeoutError:
        return ("nothing happened any more",)
    finally:
        await guest.stop()
        await host.stop()


# --- how each kind is sent to the host ------------------------------------------------------------


async def throw_message(host: HostUnderAttack, entry: Entry) -> None:
    session_id = host.target.session_id
    async with host.socket() as socket:
        with suppress(ConnectionClosed):
            for text in [joined(entry["parts"])] * entry.get("times", 1) + entry.get("then", []):
                await socket.send(text.replace("@session", session_id))
            # The pong comes only after everything before it was read.
            await asyncio.wait_for(await socket.ping(), PATIENCE)


async def throw_description(host: HostUnderAttack, entry: Entry) -> None:
    await throw_signals(host, [{"sdp": joined(entry["parts"]), "type": "offer"}])


async def throw_candidate(host: HostUnderAttack, entry: Entry) -> None:
    await throw_signals(host, [entry["payload"], {"sdp": GOOD_OFFER, "type": "offer"}])


async def throw_signals(host: HostUnderAttack, payloads: list[Entry]) -> None:
    own = next(iter(own_addresses()), host.address)
    async with host.approved() as socket:
        session_id = host.last(st.LinkStatus).session_id
        for payload in payloads:
            text = json.dumps({"type": "signal", "sessionID": session_id, "payload": payload})
            await socket.send(text.replace("{own}", own))
        with suppress(ConnectionClosed):
            while (
                json.loads(await asyncio.wait_for(socket.recv(), PATIENCE))["type"] == "error"
                and len(payloads) > 1
            ):
                # A candidate was refused, so the answer to the good offer is still to come.
                pass


async def throw_code(host: HostUnderAttack, entry: Entry) -> None:
    typed = joined(entry["parts"])
    with suppress(ProximError):
        start_guest_proof(parse_target(typed), HONEST, PROVER)
    request = json.dumps(
        {"type": "pair_request", "sessionID": typed[:50000], "deviceInfo": {"name": "n", "id": "i"}}
    )
    await throw_message(host, {"parts": [request]})


async def throw_name(host: HostUnderAttack, entry: Entry) -> None:
    seen = len(host.told.all)
    device = {"name": entry["text"], "id": entry["text"]}
    request = {"type": "pair_request", "sessionID": "@session", "deviceInfo": device}
    await throw_message(host, {"parts": [json.dumps(request)]})
    for prompt in [one for one in host.told.all[seen:] if isinstance(one, st.Prompt)]:
        for shown in (prompt.device.name, prompt.device.id):
            assert len(shown) <= 64
            assert not any(
                unicodedata.category(symbol) in ("Cc", "Cf", "Cs", "Zl", "Zp") for symbol in shown
            )


async def throw_request(host: HostUnderAttack, entry: Entry) -> None:
    text = joined(entry["parts"]).replace("{host}", host.target.authority)
    answer = await host.raw(text.encode("latin-1"))
    if answer and b" 101 " not in answer:
        head = answer.partition(b"\r\n\r\n")[0].decode().lower()
        for header in (
            "content-security-policy",
            "x-content-type-options",
            "referrer-policy",
            "cache-control",
        ):
            assert f"\r\n{header}: " in head
        assert "\r\nserver: " not in head
    if any(
        word in entry["name"]
        for word in ("another", "evil", "null", "origin f", "origin e", "two origins")
    ):
        assert b" 101 " not in answer


async def throw_frames(host: HostUnderAttack, entry: Entry) -> None:
    handshake = HANDSHAKE.replace("{host}", host.target.authority).encode()
    await host.raw(bytes.fromhex(joined(entry["parts"])), handshake)


THROW: dict[str, Callable[[HostUnderAttack, Entry], Awaitable[None]]] = {
    "messages": throw_message,
    "descriptions": throw_description,
    "candidates": throw_candidate,
    "codes": throw_code,
    "names": throw_name,
    "requests": throw_request,
    "frames": throw_frames,
}


def test_there_are_enough() -> None:
    # These inputs are used in tests/core/files/test_filenames.py and tests/io/files/test_sink.py.
    elsewhere = {"filenames"}
    assert set(KINDS) | elsewhere == {file.stem for file in HOSTILE.glob("*.json")}
    assert sum(len(entries(kind)) for kind in KINDS) >= 200


@pytest.fixture
def sent_to(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Record the addresses to which ICE sends packets."""
    seen: set[str] = set()
    send = StunProtocol.send_stun

    def record(protocol: StunProtocol, message: Any, addr: tuple[str, int]) -> None:
        seen.add(addr[0])
        if addr[0] in own_addresses():
            send(protocol, message, addr)

    monkeypatch.setattr(StunProtocol, "send_stun", record)
    return seen


def what_waits(host: HostUnderAttack) -> str:
    """Describe for a failure's report what the host published last and where every task waits."""
    told_last = [repr(one) for one in host.told.all[-6:]]
    return "\n".join(
        [
            *told_last,
            *(f"{task.get_name()}: {task.get_stack(limit=1)}" for task in asyncio.all_tasks()),
        ]
    )


# Each entry has a limit of its own, which says what waits. A whole kind took 1.3 s alone and 40 s
# beside 24 busy processes on two cores. A short limit for the whole would only show that the
# machine is busy.
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", KINDS)
async def test_the_next_honest_guest_pairs(
    kind: str, caplog: pytest.LogCaptureFixture, sent_to: set[str]
) -> None:
    host = HostUnderAttack()
    thrown = entries(kind)
    await host.told.wait(st.Invitation)
    try:
        for entry in thrown:
            try:
                async with asyncio.timeout(2 * PATIENCE):
                    await host.joinable()
                    await THROW[kind](host, entry)
                    await host.pairs_with_an_honest_guest()
            except BaseException as error:
                error.add_note(f"{kind}.json: {entry['name']}\n{what_waits(host)}")
                raise
        await host.links_with_an_honest_program()
    finally:
        await host.stop()
    troubles = [one for one in host.told.all if isinstance(one, st.Trouble)]
    assert [one for one in troubles if one.problem.reason is Reason.INTERNAL] == []
    assert [
        record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR
    ] == []
    assert sent_to <= own_addresses()
    # If nothing was recorded, the line above proves nothing.
    assert sent_to or not list_networks()
    verified = [
        one for one in host.told.all if isinstance(one, st.Prompt) and one.verified is not None
    ]
    # Only the honest guests were verified.
    assert len(verified) == len(thrown) + 1
