"""A guest written only from the seed document: five messages over a WebSocket, then WebRTC.

It uses no code of Proxim, only `websockets` and `aiortc`. Its payloads are raw, without companions.

Usage: python seed_guest.py ws://HOST:PORT SESSION_ID. It prints what happened, one word a line, and
ends with status 0 if it linked and its data channel carried a message.
"""

import asyncio
import json
import sys

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from websockets.asyncio.client import connect


async def join(url: str, session_id: str) -> int:
    """Pair, link and send a message on a channel with a name of our own."""
    async with connect(url, proxy=None) as socket:
        device = {"name": "Client-PC-123", "id": "device-xyz"}
        await socket.send(
            json.dumps({"type": "pair_request", "sessionID": session_id, "deviceInfo": device})
        )
        result = json.loads(await socket.recv())
        print(result["status"], flush=True)
        if result["type"] != "pair_result" or result["status"] != "approved":
            return 1

        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        channel = peer.createDataChannel("my-own-channel")
        answers: asyncio.Queue[str] = asyncio.Queue()
        channel.on("open", lambda: channel.send("hello from the seed"))
        channel.on("message", answers.put_nowait)
        await peer.setLocalDescription(await peer.createOffer())

        # The payloads are raw: first the description without its candidates, then each candidate
        # alone.
        lines = peer.localDescription.sdp.splitlines(keepends=True)
        bare = "".join(
            line for line in lines if not line.startswith(("a=candidate:", "a=end-of-candidates"))
        )
        candidates = [
            line.strip().removeprefix("a=") for line in lines if line.startswith("a=candidate:")
        ]
        payloads = [{"sdp": bare}, *({"candidate": candidate} for candidate in candidates)]
        for payload in payloads:
            await socket.send(
                json.dumps({"type": "signal", "sessionID": session_id, "payload": payload})
            )

        while True:
            message = json.loads(await socket.recv())
            if message["type"] == "signal" and "sdp" in message["payload"]:
                break
        answer = RTCSessionDescription(sdp=message["payload"]["sdp"], type="answer")
        await peer.setRemoteDescription(answer)
        async with asyncio.timeout(15):
            print("linked", await answers.get(), flush=True)
        await peer.close()
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(join(sys.argv[1], sys.argv[2])))
