"""One of two bare aiortc peers: it offers or answers over a pipe, and reports when its channel
opened.

Usage: python -m bench.bare_link offer|answer READ_FD WRITE_FD [BYTES]. The offerer waits for a line
on standard input. With BYTES it waits for another line and then sends so many bytes.
"""

import asyncio
import json
import os
import sys
import time
from typing import Final

from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription

# Messages are as large as Proxim's.
_MESSAGE_BYTES: Final = 64 * 1024
# The queue needs a limit of its own, because aiortc's send() never waits.
_QUEUE_BYTES: Final = 8 * _MESSAGE_BYTES


def _tell(event: str) -> None:
    print(json.dumps({"event": event, "at": time.perf_counter()}), flush=True)


async def _reader(fd: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(fd, "rb")
    )
    return reader


async def _receive(reader: asyncio.StreamReader, peer: RTCPeerConnection) -> None:
    await peer.setRemoteDescription(RTCSessionDescription(**json.loads(await reader.readline())))


def _send(fd: int, peer: RTCPeerConnection) -> None:
    description = {"type": peer.localDescription.type, "sdp": peer.localDescription.sdp}
    os.write(fd, json.dumps(description).encode() + b"\n")


async def _pour(channel: RTCDataChannel, amount: int) -> None:
    room = asyncio.Event()
    channel.bufferedAmountLowThreshold = _QUEUE_BYTES // 2
    channel.on("bufferedamountlow", room.set)
    message = os.urandom(_MESSAGE_BYTES)
    _tell("sending")
    for at in range(0, amount, _MESSAGE_BYTES):
        while channel.bufferedAmount >= _QUEUE_BYTES:
            room.clear()
            await room.wait()
        channel.send(message[: amount - at])


async def main(role: str, read_fd: int, write_fd: int, amount: int) -> None:
    """Link, and stay until the process is killed."""
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    reader = await _reader(read_fd)
    if role == "offer":
        channel = peer.createDataChannel("control")
        channel.on("open", lambda: _tell("open"))
        go = await _reader(sys.stdin.fileno())
        _tell("ready")
        await go.readline()
        _tell("began")
        await peer.setLocalDescription(await peer.createOffer())
        _send(write_fd, peer)
        await _receive(reader, peer)
        if amount:
            await go.readline()
            await _pour(channel, amount)
    else:
        # Without a reference, the channel would be garbage-collected.
        channels: list[RTCDataChannel] = []
        left = amount

        def take(message: bytes) -> None:
            nonlocal left
            left -= len(message)
            if left == 0:
                _tell("received")

        def adopt(channel: RTCDataChannel) -> None:
            channels.append(channel)
            channel.on("message", take)
            _tell("open")

        peer.on("datachannel", adopt)
        _tell("ready")
        await _receive(reader, peer)
        await peer.setLocalDescription(await peer.createAnswer())
        _send(write_fd, peer)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(
        main(
            sys.argv[1],
            int(sys.argv[2]),
            int(sys.argv[3]),
            int(sys.argv[4]) if len(sys.argv) > 4 else 0,
        )
    )
