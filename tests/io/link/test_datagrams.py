"""Tests of trains with real sockets. Some sockets refuse what this machine's would accept."""

import asyncio
import errno
import itertools
import random
import socket
import struct
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import pytest
import pytest_asyncio

from proxim.io.link.datagrams import (
    TRAIN_BYTES,
    TRAIN_DATAGRAMS,
    TURN_DATAGRAMS,
    TrainTransport,
    can_send_trains,
    with_trains,
)
from tests.io.support import PATIENCE


def _linux_knows_trains() -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        return can_send_trains(probe)


def _has_ipv6() -> bool:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            return False
    return True


needs_trains = pytest.mark.skipif(
    not _linux_knows_trains(), reason="this system cannot cut a train of datagrams"
)


class Watched(socket.socket):
    """Counts the calls that send, and refuses what `refuse` names: an errno, or None."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        # How many datagrams each call carried.
        self.calls: list[int] = []
        self.refuse: Callable[[list[bytes]], int | None] = lambda datagrams: None

    if sys.platform != "win32":

        def sendmsg(self, buffers: Any, *arguments: Any) -> int:
            self._look(list(buffers))
            return super().sendmsg(buffers, *arguments)

    def sendto(self, data: Any, *arguments: Any) -> int:
        self._look([bytes(data)])
        return super().sendto(data, *arguments)

    def _look(self, datagrams: list[bytes]) -> None:
        self.calls.append(len(datagrams))
        number = self.refuse(datagrams)
        if number is not None:
            raise OSError(number, errno.errorcode[number])


class Protocol(asyncio.DatagramProtocol):
    """Keeps what it gets."""

    def __init__(self) -> None:
        self.got: list[bytes] = []
        self.errors: list[int | None] = []
        self.lost: list[Exception | None] = []
        self.changed = asyncio.Event()
        self.stumbles_over: bytes | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: object) -> None:
        if data == self.stumbles_over:
            raise struct.error("unpack requires a buffer of 4 bytes")
        self.got.append(data)
        self.changed.set()

    def error_received(self, exc: Exception) -> None:
        assert isinstance(exc, OSError)
        self.errors.append(exc.errno)
        self.changed.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.append(exc)
        self.changed.set()

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not true():
                self.changed.clear()
                await self.changed.wait()


class End:
    """A transport of trains with its socket and protocol."""

    def __init__(self, family: socket.AddressFamily = socket.AF_INET) -> None:
        self.sock = Watched(family, socket.SOCK_DGRAM)
        self.sock.bind(("::1" if family is socket.AF_INET6 else "127.0.0.1", 0))
        # All of a test's datagrams wait here at once.
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
        self.protocol = Protocol()
        self.transport = TrainTransport(asyncio.get_running_loop(), self.sock, self.protocol)

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.transport.get_extra_info("sockname")[:2]
        return host, port

    def send(self, datagrams: Iterable[bytes], to: "End") -> None:
        for datagram in datagrams:
            self.transport.sendto(datagram, to.address)


MakeEnd = Callable[..., End]


@pytest_asyncio.fixture
async def make_end() -> AsyncIterator[MakeEnd]:
    ends: list[End] = []

    def make(*arguments: Any) -> End:
        ends.append(End(*arguments))
        return ends[-1]

    yield make
    for end in ends:
        end.transport.abort()
        await end.protocol.until(lambda end=end: bool(end.protocol.lost))  # type: ignore[misc]


def numbered(sizes: Iterable[int]) -> list[bytes]:
    return [number.to_bytes(4) + bytes(size - 4) for number, size in enumerate(sizes)]


SIZES = {
    "one": [1200],
    "a full train and one": [1200] * (TRAIN_DATAGRAMS + 1),
    "the last is shorter": [1200] * 10 + [77],
    "messages one after the other": ([1200] * 56 + [640]) * 3,
    "growing": [10, 20, 30, 40],
    "shrinking": [40, 30, 20, 10],
    "as large as they may be": [TRAIN_BYTES // 2] * 3,
    "any": random.Random(15).choices([5, 65, 65, 65, 300, 1226, 1226, 1226, 1226, 1300], k=300),
}


@needs_trains
@pytest.mark.parametrize("sizes", list(SIZES.values()), ids=list(SIZES))
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6], ids=["IPv4", "IPv6"])
async def test_order_and_content_are_kept(
    make_end: MakeEnd, family: socket.AddressFamily, sizes: list[int]
) -> None:
    if family is socket.AF_INET6 and not _has_ipv6():
        pytest.skip("this machine has no ::1")
    one, other = make_end(family), make_end(family)
    sent = numbered(sizes)
    one.send(sent, other)
    await other.protocol.until(lambda: len(other.protocol.got) == len(sent))
    assert other.protocol.got == sent
    assert one.protocol.errors == []


@needs_trains
async def test_a_socket_that_knows_no_trains_gets_single_datagrams(make_end: MakeEnd) -> None:
    one = make_end()
    sent = numbered([1200] * 40 + [100])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        plain.bind(("127.0.0.1", 0))
        plain.settimeout(PATIENCE)
        for datagram in sent:
            one.transport.sendto(datagram, plain.getsockname())
        one.transport.close()
        await one.protocol.until(lambda: bool(one.protocol.lost))
        assert [plain.recv(65535) for _ in sent] == sent


@needs_trains
async def test_what_is_sent_in_one_turn_needs_few_calls(make_end: MakeEnd) -> None:
    one, other = make_end(), make_end()
    one.send(numbered([1200] * 50 + [100] + [65] * 3), other)
    # Nothing leaves before the turn ends.
    assert one.sock.calls == []
    await other.protocol.until(lambda: len(other.protocol.got) == 54)
    assert one.sock.calls == [51, 3]


@needs_trains
async def test_a_train_has_one_address(make_end: MakeEnd) -> None:
    one, left, right = make_end(), make_end(), make_end()
    for number in range(10):
        one.send([bytes([number])], right if number % 2 else left)
    for end, first in ((left, 0), (right, 1)):
        await end.protocol.until(lambda end=end: len(end.protocol.got) == 5)  # type: ignore[misc]
        assert end.protocol.got == [bytes([number]) for number in range(first, 10, 2)]


@needs_trains
@pytest.mark.parametrize("number", [errno.EIO, errno.EINVAL, errno.EMSGSIZE])
async def test_where_trains_are_refused_datagrams_go_one_by_one(
    make_end: MakeEnd, number: int
) -> None:
    """EIO is the answer of a device that computes no checksums."""
    one, other = make_end(), make_end()
    one.sock.refuse = lambda datagrams: number if len(datagrams) > 1 else None
    sent = numbered([1200] * 5)
    one.send(sent, other)
    await other.protocol.until(lambda: len(other.protocol.got) == 5)
    one.send(sent, other)
    await other.protocol.until(lambda: len(other.protocol.got) == 10)
    assert other.protocol.got == sent * 2
    # The first train was refused, and no other was tried.
    assert one.sock.calls == [5] + [1] * 10
    assert one.protocol.errors == []


@needs_trains
async def test_a_network_that_is_gone_says_nothing_about_trains(make_end: MakeEnd) -> None:
    one, other = make_end(), make_end()
    one.sock.refuse = lambda datagrams: errno.ENETUNREACH
    one.send(numbered([1200] * 3), other)
    await one.protocol.until(lambda: len(one.protocol.errors) == 3)
    one.sock.refuse = lambda datagrams: None
    one.sock.calls.clear()
    one.send(sent := numbered([1200] * 4), other)
    await other.protocol.until(lambda: len(other.protocol.got) == 4)
    assert other.protocol.got == sent
    assert one.sock.calls == [4]
    assert one.protocol.errors == [errno.ENETUNREACH] * 3


@needs_trains
async def test_a_datagram_that_is_too_large_is_reported_and_left_out(make_end: MakeEnd) -> None:
    one, other = make_end(), make_end()
    one.send([b"before", bytes(TRAIN_BYTES + 1), b"after"], other)
    await other.protocol.until(lambda: len(other.protocol.got) == 2)
    assert other.protocol.got == [b"before", b"after"]
    assert one.protocol.errors == [errno.EMSGSIZE]


@needs_trains
@pytest.mark.parametrize("trains", [True, False], ids=["trains", "one by one"])
async def test_a_full_buffer_is_waited_for(make_end: MakeEnd, trains: bool) -> None:
    one, other = make_end(), make_end()
    asked = 0

    def refuse(datagrams: list[bytes]) -> int | None:
        nonlocal asked
        if not trains and len(datagrams) > 1:
            return errno.EIO
        asked += 1
        return errno.EAGAIN if asked % 3 == 0 else None

    one.sock.refuse = refuse
    sent = numbered(([1200] * 9 + [100]) * 5)
    one.send(sent[:25], other)
    # More comes while some waits.
    await other.protocol.until(lambda: bool(other.protocol.got))
    one.send(sent[25:], other)
    await other.protocol.until(lambda: len(other.protocol.got) == len(sent))
    assert other.protocol.got == sent
    assert one.protocol.errors == []


@needs_trains
async def test_closing_sends_what_is_gathered_even_if_it_must_wait(make_end: MakeEnd) -> None:
    one, other = make_end(), make_end()
    refusals = [errno.EAGAIN]
    one.sock.refuse = lambda datagrams: refusals.pop() if refusals else None
    sent = numbered([1200] * 3)
    one.send(sent, other)
    one.transport.close()
    one.transport.close()
    one.send([b"too late"], other)
    assert one.transport.is_closing()
    await one.protocol.until(lambda: bool(one.protocol.lost))
    await other.protocol.until(lambda: len(other.protocol.got) == 3)
    assert other.protocol.got == sent
    assert one.protocol.lost == [None]
    assert one.sock.fileno() == -1


@needs_trains
async def test_aborting_sends_nothing_more(make_end: MakeEnd) -> None:
    one, other = make_end(), make_end()
    one.send([b"never"], other)
    one.transport.abort()
    one.transport.abort()
    await one.protocol.until(lambda: bool(one.protocol.lost))
    assert one.sock.calls == []
    assert one.protocol.lost == [None]


@needs_trains
async def test_a_datagram_that_the_protocol_stumbles_over_loses_no_other(make_end: MakeEnd) -> None:
    one, other = make_end(), make_end()
    sent = numbered([100] * 5)
    other.protocol.stumbles_over = sent[2]
    one.send(sent, other)
    await other.protocol.until(lambda: len(other.protocol.got) == 4)
    assert other.protocol.got == sent[:2] + sent[3:]


@needs_trains
async def test_an_empty_datagram_is_not_delivered(make_end: MakeEnd) -> None:
    other = make_end()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        plain.sendto(b"", other.address)
        plain.sendto(b"content", other.address)
    await other.protocol.until(lambda: bool(other.protocol.got))
    assert other.protocol.got == [b"content"]


@needs_trains
async def test_others_have_their_turn_while_much_comes(make_end: MakeEnd) -> None:
    other = make_end()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        for datagram in numbered([100] * 3 * TURN_DATAGRAMS):
            plain.sendto(datagram, other.address)
    seen: list[int] = []
    async with asyncio.timeout(PATIENCE):
        while len(other.protocol.got) < 3 * TURN_DATAGRAMS:
            seen.append(len(other.protocol.got))
            await asyncio.sleep(0)
    steps = [after - before for before, after in itertools.pairwise(seen)]
    assert max(steps) <= TURN_DATAGRAMS


# --- in place of asyncio's transport --------------------------------------------------------------


@needs_trains
async def test_it_takes_the_place_of_asyncios_transport(make_end: MakeEnd) -> None:
    loop = asyncio.get_running_loop()
    old, protocol = await loop.create_datagram_endpoint(Protocol, local_addr=("127.0.0.1", 0))
    address = old.get_extra_info("sockname")
    new = with_trains(old, protocol)
    assert isinstance(new, TrainTransport)
    assert protocol.transport is new
    assert old.is_closing()
    assert new.get_extra_info("sockname") == address
    one = make_end()
    one.transport.sendto(b"to the same port", address)
    await protocol.until(lambda: bool(protocol.got))
    # The old transport's end is not the protocol's.
    assert protocol.lost == []
    new.close()
    await protocol.until(lambda: bool(protocol.lost))


async def test_elsewhere_asyncios_transport_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(Protocol, local_addr=("127.0.0.1", 0))
    monkeypatch.setattr("proxim.io.link.datagrams.can_send_trains", lambda sock: False)
    assert with_trains(transport, protocol) is transport
    monkeypatch.undo()
    monkeypatch.setattr(sys, "platform", "win32")
    assert with_trains(transport, protocol) is transport
    monkeypatch.undo()
    assert not transport.is_closing()
    transport.close()
    assert with_trains(transport, protocol) is transport
    await protocol.until(lambda: bool(protocol.lost))


@pytest.mark.skipif(sys.platform == "win32", reason="a pair of datagram sockets is Unix's")
def test_only_a_socket_that_knows_the_option_can_send_trains() -> None:
    if sys.platform != "win32":
        one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        with one, other:
            assert not can_send_trains(one)
