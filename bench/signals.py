"""Row: signals relayed per second for one guest, against a bare `websockets` echo of the same
message.
"""

import json
import time
from typing import Final

from websockets.asyncio.client import ClientConnection, connect

from bench.measure import Figure, Options, alternate
from bench.programs import module, running
from proxim.core.pairing.host_code import CODE_SESSION_ID

REACH: Final = 0.7
# These take a second or two, far from the 15 s in which a link must open.
_SIGNALS: Final = 5000
# This is half of what the host queues for a guest, so no side ever waits for the other.
_IN_FLIGHT: Final = 32
# The candidate is written exactly as the host writes it anew.
_CANDIDATE: Final = "candidate:2130706431 1 udp 2130706431 192.168.178.123 54321 typ host"
_SIGNAL: Final = json.dumps(
    {
        "type": "signal",
        "sessionID": CODE_SESSION_ID,
        "payload": {"candidate": _CANDIDATE, "sdpMid": "0", "sdpMLineIndex": 0},
    },
    separators=(",", ":"),
)
_REQUEST: Final = json.dumps(
    {
        "type": "pair_request",
        "sessionID": CODE_SESSION_ID,
        "deviceInfo": {"name": "bench", "id": "bench"},
    }
)
_HOW: Final = (
    "one approved guest; each candidate brings one signal of the same length back: socket, "
    "parser, machine, "
    "AddCandidate, a stand-in for the WebRTC peer which at once reports a description, machine, "
    "writer, socket. "
    f"Same client for both, server in a fresh process, one in flight, {_SIGNALS} a round, no "
    "compression. With more in "
    "flight the bare echo saves most of its work, the reading and checking of each signal cannot "
    "be saved."
)


async def figures(options: Options) -> list[Figure]:
    """Measure this row with one signal at a time, as in an echo, and beside it with several signals
    under way.
    """
    piled = await alternate(
        lambda: _rate("proxim", _IN_FLIGHT), lambda: _rate("bare", _IN_FLIGHT), options.rounds
    )
    one = await alternate(lambda: _rate("proxim", 1), lambda: _rate("bare", 1), options.rounds)
    return [
        one.figure("signals relayed, one guest", "/s", "bare echo", _HOW, at_least=REACH),
        piled.figure(f"  the same, {_IN_FLIGHT} in flight", "/s", "bare echo", ""),
    ]


async def _rate(server: str, in_flight: int) -> float:
    async with running(module("signal_servers", server)) as program:
        url = (await program.event(event="listening"))["url"]
        async with connect(url, compression=None, proxy=None) as socket:
            if server == "proxim":
                await _pair(socket)
            # The first guest makes a host load aiortc, which must not be measured.
            await program.at_rest()
            return await _exchange(socket, in_flight)


async def _exchange(socket: ClientConnection, in_flight: int) -> float:
    started = time.perf_counter()
    for _ in range(in_flight):
        await socket.send(_SIGNAL)
    for number in range(_SIGNALS):
        reply = await socket.recv()
        if len(reply) != len(_SIGNAL):
            raise RuntimeError(f"no signal came back, but {reply!r}")
        if number < _SIGNALS - in_flight:
            await socket.send(_SIGNAL)
    return _SIGNALS / (time.perf_counter() - started)


async def _pair(socket: ClientConnection) -> None:
    await socket.send(_REQUEST)
    result = json.loads(await socket.recv())
    if result.get("status") != "approved":
        raise RuntimeError(f"not approved: {result}")
