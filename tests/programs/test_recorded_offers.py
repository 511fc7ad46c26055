"""Offers that real browsers made (tests/core/recorded_offers.json, and recorded_media_offers.json
with audio and video beside the data channel) go through the filter into aiortc, up to an open link.
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


def recorded_in(name: str) -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = json.loads((TESTS / "core" / name).read_text("utf-8"))
    return read


WITH_MEDIA = recorded_in("recorded_media_offers.json")
RECORDED = [*recorded_in("recorded_offers.json"), *WITH_MEDIA]
BY_NAME = pytest.mark.parametrize(
    "recorded",
    RECORDED,
    ids=[f"{one['name']}{'-media' if one in WITH_MEDIA else ''}" for one in RECORDED],
)


def with_a_living_guests_values(recorded: str, living: str, address: str) -> str:
    """Return the recorded offer with the keys and the port of a guest that is running."""
    sections = recorded.count("\r\nm=")
    for name in ("ice-ufrag", "ice-pwd", "fingerprint"):
        value = re.search(f"^a={name}:(.*)\r$", living, re.MULTILINE)
        assert value is not None
        recorded, count = re.subn(
            f"(?<=^a={name}:).*(?=\r$)", value[1].replace("\\", r"\\"), recorded, flags=re.MULTILINE
        )
        # The value stands once for all sections or in each of them; aiortc writes three
        # fingerprints.
        assert count in (1, sections, 3 * sections)
    port = re.search(rf" udp \d+ {re.escape(address)} (\d+) typ host", living)
    assert port is not None
    hidden = r"[0-9a-f-]+\.local"
    recorded = re.sub(
        rf"(?i)(?<= udp )(\d+) ({hidden}) \d+(?= typ host)", rf"\1 \2 {port[1]}", recorded
    )
    return re.sub(
        r"(?i)(?<= udp )(\d+) 192\.168\.1\.7 \d+(?= typ host)", rf"\1 {address} {port[1]}", recorded
    )


def kinds_and_mids(sdp: str) -> list[tuple[str, str]]:
    """Return the kind and the mid of each section."""
    return re.findall(r"^m=(\w+) .*\r\n(?:[^m].*\r\n)*?a=mid:(.*)\r$", sdp, re.MULTILINE)


@BY_NAME
async def test_aiortc_takes_what_the_filter_makes_of_it(recorded: dict[str, Any]) -> None:
    # The offer is tried without candidates, where such a one was recorded, and with them.
    for offer in (recorded[name] for name in ("first", "offer") if name in recorded):
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
        filter = PeerFilter(own_address)
        cleaned = filter.description(offer)
        assert cleaned is not None
        host.apply(pair_msg.SDPType.OFFER, cleaned)
        answer = filter.answer((await events.wait(link_ev.PeerDescribed)).sdp)
        # Only an accepted section has a port.
        assert re.findall(r"^m=(\w+) (?=[1-9])", answer, re.MULTILINE) == ["application"]
        assert kinds_and_mids(answer) == kinds_and_mids(offer)
        assert len(kinds_and_mids(answer)) == offer.count("\r\nm=")
        # This guest has described a single section, with the mid 0.
        rejected_out = re.sub(
            r"^m=\w+ 0 .*\r\nc=.*\r\na=mid:.*\r\n", "", answer, flags=re.MULTILINE
        )
        alone = re.sub(
            r"^(a=mid:|a=group:BUNDLE ).*\r$", "\\g<1>0\r", rejected_out, flags=re.MULTILINE
        )
        await guest.setRemoteDescription(RTCSessionDescription(alone, "answer"))
        assert (await events.wait(link_ev.ChannelOpened)).label == "control"
        await asyncio.wait_for(opened.wait(), PATIENCE)
        channel.send("hello")
        assert (await events.wait(link_ev.ChannelMessage)).text == "hello"
    finally:
        work.cancel()
        await host.close(said_bye=False)
        await guest.close()
