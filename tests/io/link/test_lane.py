import asyncio
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from proxim.core.link import messages as link_msg
from proxim.core.link.lane_frames import FIRST_FRAME_BYTES, LABEL, direction_key, hello_frame, nonce
from proxim.core.pairing.proof import Side
from proxim.io.link.lane import Lane, same_token, token_of
from proxim.io.link.lane_socket import LaneError

KEY = bytes(range(32))


class FakeSocket:
    """The part of a socket that a lane needs before it runs."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.coming: asyncio.Queue[bytes] = asyncio.Queue()

    async def send(self, size: int, fill: Callable[[memoryview], None]) -> None:
        message = memoryview(bytearray(size))
        fill(message)
        self.sent.append(bytes(message))

    async def receive_first(self) -> bytes:
        return await self.coming.get()


def lane(socket: FakeSocket, side: Side) -> Lane:
    return Lane(socket, KEY, side)  # type: ignore[arg-type]


async def test_frames_are_sealed_as_the_protocol_says() -> None:
    socket = FakeSocket()
    guest = lane(socket, Side.GUEST)
    answer = AESGCM(direction_key(KEY, Side.HOST)).encrypt(nonce(0), hello_frame(), LABEL)
    socket.coming.put_nowait(answer)
    await guest.greet(bytes(16), carries_link=True)
    await guest.send_stream(memoryview(b"\x02 records"))
    cipher = AESGCM(direction_key(KEY, Side.GUEST))
    assert socket.sent[0][: link_msg.LANE_TOKEN_BYTES] == bytes(16)
    assert cipher.decrypt(
        nonce(0), socket.sent[0][link_msg.LANE_TOKEN_BYTES :], LABEL
    ) == hello_frame(carries_link=True)
    assert cipher.decrypt(nonce(1), socket.sent[1], LABEL) == b"\x02 records"


@pytest.mark.parametrize("sender", [Side.GUEST, Side.HOST])
async def test_a_greeting_thrown_back_is_none(sender: Side) -> None:
    """A mirror of the guest's own greeting must not pass for the host's."""
    socket = FakeSocket()
    guest = lane(socket, Side.GUEST)
    socket.coming.put_nowait(
        AESGCM(direction_key(KEY, sender)).encrypt(nonce(0), hello_frame(), LABEL)
    )
    if sender is Side.HOST:
        await guest.greet(bytes(16), carries_link=False)
        return
    with pytest.raises(LaneError):
        await guest.greet(bytes(16), carries_link=False)


async def test_what_is_no_greeting_opens_nothing() -> None:
    socket = FakeSocket()
    host = lane(socket, Side.HOST)
    text = AESGCM(direction_key(KEY, Side.GUEST)).encrypt(nonce(0), b"\x01text", LABEL)
    with pytest.raises(LaneError):
        await host.answer(bytes(16) + text)
    assert socket.sent == []


def test_a_first_frame_shows_its_token_or_is_none() -> None:
    token = bytes(range(16))
    assert token_of(token + b"x") == token
    assert token_of(token + bytes(FIRST_FRAME_BYTES - 16)) == token
    for other in ("text", b"", token, token + bytes(FIRST_FRAME_BYTES - 15)):
        assert token_of(other) is None
    assert same_token(token, bytes(range(16)))
    assert not same_token(token, bytes(16))
