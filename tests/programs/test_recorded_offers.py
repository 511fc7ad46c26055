"""What browsers really offer (tests/core/recorded_offers.json), through the filter, into aiortc, to
an open link.
"""

import asyncio
import json
import re
from typing import Any

import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription

from proxim.core import events as ev
from proxim.core.link import events as link_ev
from proxim.core.link.signaling import PeerFilter
from proxim.core.pairing import messages as pair_msg
from proxim.io.link.peer import Peer
from tests.io.support import PATIENCE, Events
from tests.paths import TESTS

RECORDED: list[dict[str, Any]] = json.loads(
    (TESTS / "core" / "recorded_offers.json").read_text("utf-8")
)
BY_NAME = pytest.mark.parametrize("recorded", RECORDED, ids=[one["name"] for one in RECORDED])


def with_a_living_guests_values(recorded: str, living: str, address: str) -> str:
    """The recorded offer, line by line, with the keys and the port of a guest that is there."""
    for name in ("ice-ufrag", "ice-pwd", "fingerprint"):
        value = re.search(f"^a={name}:(.*)\r$", living, re.MULTILINE)
        assert value is not None
        recorded, count = re.subn(
            f"(?<=^a={name}:).*(?=\r$)", value[1].replace("\\", r"\\"), recorded, flags=re.MULTILINE
        )
        assert count == 1
    port = re.search(rf" udp \d+ {re.escape(address)} (\d+) typ host", living)
    assert port is not None
    hidden = r"[0-9a-f-]+\.local"
    recorded = re.sub(
        rf"(?i)(?<= udp )(\d+) ({hidden}) \d+(?= typ host)", rf"\1 \2 {port[1]}", recorded
    )
    return re.sub(
        r"(?i)(?<= udp )(\d+) 192\.168\.1\.7 \d+(?= typ host)", rf"\1 {address} {port[1]}", recorded
    )


@BY_NAME
async def test_aiortc_takes_what_the_filter_makes_of_it(recorded: dict[str, Any]) -> None:
    for offer in (recorded["first"], recorded["offer"]):
        cleaned = PeerFilter("192.168.1.7").description(offer)
        assert cleaned is not None
        connection = RTCPeerConnection()
        try:
            await connection.setRemoteDescription(RTCSessionDescription(cleaned, "offer"))
            answer = await connection.createAnswer()
        finally:
            await connection.close()
        assert answer.sdp.count("m=application ") == 1
        assert "a=sctp-port:5000" in answer.sdp


@BY_NAME
async def test_a_guest_that_offers_like_this_browser_links(
    recorded: dict[str, Any], own_address: str
) -> None:
    events, guest = Events(), RTCPeerConnection()
    host = Peer(ev.LinkID("host"), events)
    work = asyncio.create_task(host.run())
    try:
        channel, opened = guest.createDataChannel("control"), asyncio.Event()
        channel.on("open", opened.set)
        await guest.setLocalDescription(await guest.createOffer())
        offer = with_a_living_guests_values(
            recorded["offer"], guest.localDescription.sdp, own_address
        )
        cleaned = PeerFilter(own_address).description(offer)
        assert cleaned is not None
        host.apply(pair_msg.SDPType.OFFER, cleaned)
        answer = await events.wait(link_ev.PeerDescribed)
        await guest.setRemoteDescription(RTCSessionDescription(answer.sdp, "answer"))
        assert (await events.wait(link_ev.ChannelOpened)).label == "control"
        await asyncio.wait_for(opened.wait(), PATIENCE)
        channel.send("hello")
        assert (await events.wait(link_ev.ChannelMessage)).text == "hello"
    finally:
        work.cancel()
        await host.close(said_bye=False)
        await guest.close()
