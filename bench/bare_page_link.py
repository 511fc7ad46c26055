"""The smallest server of a page that links to a bare aiortc peer; it reports how long that took.

Usage: python -m bench.bare_page_link. It prints its URL and `ready` when a page has opened its
WebSocket. A line on standard input starts the link; `open` says how many milliseconds it took until
the channel was open here. The page's peer exists before.
"""

import asyncio
import json
import sys
import time
from http import HTTPStatus
from typing import Any, Final

from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from aiortc.sdp import candidate_from_sdp
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from proxim.io.system.addresses import list_networks

_PAGE: Final = b"""<!doctype html>
<meta charset="utf-8">
<link rel="icon" href="data:,">
<script>
const peer = new RTCPeerConnection({ iceServers: [] });
const channel = peer.createDataChannel("control");
const socket = new WebSocket(`ws://${location.host}/ws`);
const send = (message) => socket.send(JSON.stringify(message));
peer.onicecandidate = ({ candidate }) => candidate && send(candidate);
socket.onmessage = async ({ data }) => {
  const message = JSON.parse(data);
  if (message.type === "answer") return peer.setRemoteDescription(message);
  const offer = await peer.createOffer();
  send(offer);
  await peer.setLocalDescription(offer);
};
</script>
"""


def _tell(**fields: object) -> None:
    print(json.dumps(fields), flush=True)


async def _add(peer: RTCPeerConnection, message: dict[str, Any]) -> None:
    line = str(message["candidate"]).removeprefix("candidate:")
    if " tcp " in line or not line:
        return
    candidate = candidate_from_sdp(line)
    candidate.sdpMid, candidate.sdpMLineIndex = message["sdpMid"], message["sdpMLineIndex"]
    await peer.addIceCandidate(candidate)


async def _link(socket: ServerConnection, lines: asyncio.StreamReader) -> None:
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    began = 0.0
    # Without a reference, the channel would be garbage-collected.
    channels: list[RTCDataChannel] = []

    def adopt(channel: RTCDataChannel) -> None:
        channels.append(channel)
        _tell(event="open", ms=(time.perf_counter() - began) * 1000)

    peer.on("datachannel", adopt)
    _tell(event="ready")
    await lines.readline()
    began = time.perf_counter()
    await socket.send(json.dumps({"type": "go"}))
    async for text in socket:
        message = json.loads(text)
        if "sdp" in message:
            await peer.setRemoteDescription(RTCSessionDescription(message["sdp"], message["type"]))
            await peer.setLocalDescription(await peer.createAnswer())
            answer = {"type": "answer", "sdp": peer.localDescription.sdp}
            await socket.send(json.dumps(answer))
        else:
            await _add(peer, message)
    await peer.close()


async def main() -> None:
    """Serve until killed, at the address that the host chooses too."""

    def answer(_: ServerConnection, request: Request) -> Response | None:
        if "Upgrade" in request.headers:
            return None
        headers = Headers(
            {"Content-Type": "text/html", "Content-Length": str(len(_PAGE)), "Connection": "close"}
        )
        return Response(HTTPStatus.OK, HTTPStatus.OK.phrase, headers, _PAGE)

    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin
    )
    address = list_networks()[0].address
    async with serve(
        lambda socket: _link(socket, lines), address, 0, process_request=answer, compression=None
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        _tell(event="listening", url=f"http://{address}:{port}/")
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
