import asyncio
import socket
from types import SimpleNamespace
from typing import Any

from aiortc import RTCConfiguration, RTCPeerConnection

from proxim.io.link.internals import RECEIVE_BYTES, prepare_sockets


def room(one: socket.socket) -> int:
    return one.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)


async def test_the_sockets_of_a_link_hold_more_than_the_system_gives_by_itself(
    own_address: str,
) -> None:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        connection.createDataChannel("control")
        await connection.setLocalDescription(await connection.createOffer())
        assert connection.sctp is not None
        sockets = [
            one.transport.get_extra_info("socket")
            # The test covers these private names.
            for one in connection.sctp.transport.transport._connection._protocols
        ]
        assert sockets
        prepare_sockets(connection.sctp)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
            usual = room(plain)
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
            granted = room(plain)
        assert all(room(one) == granted >= usual for one in sockets)
    finally:
        await connection.close()


async def test_an_aioice_that_shows_no_sockets_is_left_as_it_is() -> None:
    prepare_sockets(SimpleNamespace(transport=SimpleNamespace(transport=object())))
    prepare_sockets(None)


async def test_a_socket_that_takes_no_more_stays_as_it_was() -> None:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0)
    )

    class Stubborn:
        def setsockopt(self, *arguments: int) -> None:
            raise OSError("no buffer space")

    class Relayed:
        def get_extra_info(self, name: str) -> None:
            return None

    class Refusing:
        def is_closing(self) -> bool:
            return True

        def get_extra_info(self, name: str) -> Stubborn:
            return Stubborn()

    class Protocol(asyncio.DatagramProtocol):
        receiver = SimpleNamespace(data_received=None)
        local_candidate = SimpleNamespace(component=1)

        def __init__(self, transport: Any) -> None:
            self.connection_made(transport)

        def connection_made(self, transport: Any) -> None:
            self.transport = transport

    protocols = [Protocol(one) for one in (Relayed(), Refusing(), transport)]
    ice = SimpleNamespace(_connection=SimpleNamespace(_protocols=protocols))
    raw = transport.get_extra_info("socket")
    before = room(raw)
    try:
        prepare_sockets(SimpleNamespace(transport=SimpleNamespace(transport=ice)))
        # The first two transports cannot be changed, but the last can.
        assert room(raw) >= before
    finally:
        protocols[-1].transport.close()
