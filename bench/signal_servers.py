"""The two servers that signals are sent to: the network side of a host with an echoing peer, or a
bare echo.

Usage: python -m bench.signal_servers proxim|bare. The real Runtime, machine and server run; only
WebRTC is replaced. The replacement answers each candidate with a description, because Proxim sends
its candidates only inside descriptions.
"""

import asyncio
import json
import secrets
import sys
import uuid
from collections.abc import Callable
from dataclasses import replace
from unittest.mock import patch

from websockets.asyncio.server import ServerConnection, serve

from proxim.app.language import speak
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.features import link_features
from proxim.core.i18n import ENGLISH
from proxim.core.link import events as link_ev
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.connections import ConnectionLimits
from proxim.core.pairing.devices import DeviceInfo
from proxim.core.pairing.host import Host
from proxim.core.pairing.host_code import parse_target
from proxim.core.pairing.invitations import Invitations
from proxim.core.pairing.proof import Prover
from proxim.core.program import Program
from proxim.core.token_bucket import RateLimit
from proxim.io.pairing.opening import NetOptions, open_host
from proxim.io.pairing.rate_limit import Pace
from proxim.io.pairing.spake import Spake2Exchange
from proxim.io.runtime import Runtime
from proxim.io.system.addresses import list_networks

_ANY = RateLimit(per_second=1e12, burst=1e12)


class EchoingPeer:
    """A replacement for proxim.io.link.peer.Peer."""

    def __init__(
        self,
        link: ev.LinkID,
        report: Callable[[link_ev.LinkEvent], None],
        stun: tuple[str, ...] = (),
    ) -> None:
        self._link = link
        self._report = report
        self._sdp: str | None = None

    def add_candidate(self, candidate: pair_msg.Candidate) -> None:
        """Report a description whose signal is exactly as long as the candidate's."""
        # All candidates of a guest are the same here.
        if self._sdp is None:
            # The machine leaves out which section the candidate belongs to.
            whole = replace(candidate, sdp_mid="0", sdp_mline_index=0)
            came = pair_msg.dump_message(pair_msg.Signal("", whole))
            goes = pair_msg.dump_message(
                pair_msg.Signal("", pair_msg.Description("", pair_msg.SDPType.ANSWER))
            )
            self._sdp = "x" * (len(came) - len(goes))
        self._report(link_ev.PeerDescribed(self._link, pair_msg.SDPType.ANSWER, self._sdp))

    async def run(self) -> None:
        """Live until cancelled."""
        await asyncio.Event().wait()

    async def close(self, said_bye: bool) -> None:
        """There is nothing to close."""


def _tell(url: str) -> None:
    print(json.dumps({"event": "listening", "url": url}), flush=True)


async def run_proxim() -> None:
    """Run a host that approves every guest and lets it signal as fast as it can; a normal host
    accepts 20 signals a second.
    """
    speak(ENGLISH)
    device = DeviceInfo("bench host", str(uuid.uuid4()))
    prover = Prover(secrets.token_bytes, Spake2Exchange)
    invitations = Invitations(device, ev.Invite(ev.SessionType.PERSISTENT), secrets.token_bytes)
    features = link_features(secrets.token_bytes)
    limits = ConnectionLimits(messages_per_second=1e9, burst=1e9)
    host = Host(invitations, prover, features, limits=limits)
    program = Program(device, host, prover, features)

    def publish(status: st.Status) -> None:
        if isinstance(status, st.Invitation):
            _tell(parse_target(status.url).websocket_url)
        elif isinstance(status, st.Prompt):
            runtime.report(ev.Decide(status.session_id, approved=True))

    options = NetOptions(port=0, look=list_networks)
    runtime = Runtime(program, publish, options, open_host(invitations, publish, options))
    # A link normally accepts 16 candidates; here they stand for all signals of a guest.
    with (
        patch("proxim.io.link.peer.Peer", EchoingPeer),
        patch("proxim.core.link.signaling.MAX_CANDIDATES", sys.maxsize),
        patch("proxim.io.limits.SIGNALING_PACE", Pace(_ANY, _ANY, _ANY)),
    ):
        await runtime.run()


async def run_bare() -> None:
    """Run the smallest echo, at the address that the host chooses too."""

    async def echo(socket: ServerConnection) -> None:
        async for message in socket:
            await socket.send(message)

    address = list_networks()[0].address
    async with serve(echo, address, 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        _tell(f"ws://{address}:{port}/ws")
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run({"proxim": run_proxim, "bare": run_bare}[sys.argv[1]]())
