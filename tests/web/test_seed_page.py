"""A page of our own in Chromium that knows only the seed document's five messages and offers audio
and video beside its data channel, as simple-peer with offerToReceiveVideo does.
"""

from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser

from tests.web.browser import hosting, origin_of, phone

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

# This page sends and receives the seed's messages. Its signals are raw, as in the seed, or contain
# whole objects of the browser.
SEED_PAGE: Final = """
async ([sessionID, raw]) => {
  const socket = new WebSocket(`ws://${location.host}/ws`);
  const say = (message) => socket.send(JSON.stringify({...message, sessionID}));
  const heard = [];
  let wake = () => {};
  socket.onmessage = ({data}) => { heard.push(JSON.parse(data)); wake(); };
  const hear = async () => {
    while (!heard.length) await new Promise((go) => (wake = go));
    return heard.shift();
  };

  await new Promise((go) => (socket.onopen = go));
  say({type: "pair_request", deviceInfo: {name: "Client-PC-123", id: "device-xyz"}});
  const {status} = await hear();

  const peer = new RTCPeerConnection();
  const channel = peer.createDataChannel("my-own-channel");
  for (const kind of ["audio", "video"]) peer.addTransceiver(kind, {direction: "recvonly"});
  const reply = new Promise((go) => (channel.onmessage = ({data}) => go(data)));
  channel.onopen = () => channel.send("hello from the seed");
  peer.onicecandidate = ({candidate}) => {
    if (!candidate) return;
    say({type: "signal", payload: {candidate: raw ? candidate.candidate : candidate}});
  };
  await peer.setLocalDescription(await peer.createOffer());
  const offer = peer.localDescription;
  say({type: "signal", payload: {sdp: raw ? offer.sdp : offer}});

  const {type, payload} = await hear();
  if (type !== "signal") throw new Error(`${type} instead of an answer`);
  await peer.setRemoteDescription({type: "answer", sdp: payload.sdp});
  return {
    status, reply: JSON.parse(await reply), offer: offer.sdp, answer: payload.sdp,
    state: peer.connectionState,
    transceivers: peer.getTransceivers().filter(({stopped}) => !stopped).length,
  };
}
"""


def openings(sdp: str) -> list[list[str]]:
    """Return for each section its kind, whether it has a port, and its protocol."""
    lines = [line.split(" ") for line in sdp.splitlines() if line.startswith("m=")]
    return [[words[0], str(words[1] != "0"), words[2]] for words in lines]


@pytest.mark.parametrize("raw", [True, False], ids=["raw", "objects"])
def test_links_by_the_data_channel(
    raw: bool, chromium: Browser, own_address: str, tmp_path: Path
) -> None:
    with hosting(own_address, tmp_path / "home") as (host, session), phone(chromium) as guest:
        own_page = f"{origin_of(session['url'])}/own.html"
        guest.page.route(
            own_page, lambda route: route.fulfill(content_type="text/html", body="<!doctype html>")
        )
        guest.page.goto(own_page)
        guest.page.evaluate(
            f"(all) => {{ globalThis.linking = ({SEED_PAGE})(all) }}",
            [session["sessionID"], raw],
        )
        prompt = host.event("pair_prompt")
        assert prompt["deviceInfo"]["name"] == "Client-PC-123"
        host.say(type="pair_response", sessionID=prompt["sessionID"], approved=True)
        host.event("link", state="connected")
        linked: dict[str, Any] = guest.page.evaluate("() => linking")
        assert linked["status"] == "approved"
        assert linked["state"] == "connected"
        # The page's channel has an unknown name. The host reports this on the channel, which shows
        # that the channel carries data both ways.
        assert linked["reply"] == {"type": "unsupported", "what": "channel"}
        *media, data = openings(linked["offer"])
        assert [kind for kind, *_ in media] == ["m=audio", "m=video"]
        rejected = [[kind, "False", protocol] for kind, _, protocol in media]
        assert openings(linked["answer"]) == [*rejected, data]
        # The browser has understood that there will be neither audio nor video.
        assert linked["transceivers"] == 0
        assert guest.complaints == []
