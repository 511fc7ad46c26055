"""Tests of proxim.io.link.webrtc in processes of their own, as this one may have loaded aiortc."""

import subprocess
import sys

from tests.paths import ROOT


def run(program: str) -> str:
    """Return what the program prints."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stdout.strip()


# Two links' ends in one process, which open a channel, say hello, and print what is loaded.
TWO_PEERS = """
import asyncio, sys
from proxim.io.link.webrtc import RTCConfiguration, RTCPeerConnection

async def main():
    one, two = (RTCPeerConnection(RTCConfiguration(iceServers=[])) for _ in range(2))
    came = asyncio.Event()
    two.on("datachannel", lambda channel: channel.on("message", lambda text: came.set()))
    channel = one.createDataChannel("control")
    channel.on("open", lambda: channel.send("hello"))
    await one.setLocalDescription(await one.createOffer())
    await two.setRemoteDescription(one.localDescription)
    await two.setLocalDescription(await two.createAnswer())
    await one.setRemoteDescription(two.localDescription)
    await asyncio.wait_for(came.wait(), 30)
    {more}
    print(*sys.modules)
    await one.close()
    await two.close()

asyncio.run(main())
"""
# aiortc's own packages that a link does without.
LEFT_OUT = {"av", "pylibsrtp", "dns"}


def test_an_open_link_has_loaded_no_codecs_no_srtp_and_no_dns() -> None:
    loaded = {name.partition(".")[0] for name in run(TWO_PEERS.format(more="")).split()}
    assert loaded & LEFT_OUT == set()
    assert "aiortc" in loaded


def test_packets_of_sound_and_pictures_are_dropped() -> None:
    """An RTP and an RTCP packet, by their second byte; aiortc would raise any other error."""
    drop = (
        "transport = two.sctp.transport\n"
        "    assert transport._rx_srtp is not None\n"
        "    packets = [bytes([128, second]) + bytes(30) for second in (0, 200)]\n"
        "    async def receive(): return packets.pop()\n"
        "    transport._task.cancel()\n"
        "    transport.transport._recv = receive\n"
        "    while packets: await transport._recv_next()\n"
    )
    assert "aiortc" in run(TWO_PEERS.format(more=drop))


def test_names_of_browsers_are_known_and_resolved_by_what_is_loaded_for_them() -> None:
    said = run(
        "import asyncio, sys\n"
        "import proxim.io.link.webrtc\n"
        "from aioice import ice\n"
        "late, names = ice.mdns, ('a-1.local', 'a.b.local', '.local', '192.168.1.2', 'x.LOCAL')\n"
        "answers = [late.is_mdns_hostname(name) for name in names]\n"
        "assert 'dns' not in sys.modules\n"
        "real = proxim.io.link.webrtc.load_names()\n"
        "assert answers == [real.is_mdns_hostname(name) for name in names], answers\n"
        "async def main():\n"
        "    protocol = await ice.get_or_create_mdns_protocol(late)\n"
        "    print(isinstance(protocol, real.MDnsProtocol), 'dns' in sys.modules)\n"
        "    await ice.unref_mdns_protocol(late)\n"
        "asyncio.run(main())"
    )
    assert said == "True True"


def test_who_loaded_aiortc_before_keeps_it() -> None:
    assert (
        run(
            "import aiortc, pylibsrtp\n"
            "import proxim.io.link.webrtc, aiortc.rtcdtlstransport as dtls, aioice.ice as ice\n"
            "print(dtls.Policy is pylibsrtp.Policy, ice.mdns.__name__, hasattr(ice.mdns, 'dns'))"
        )
        == "True aioice.mdns True"
    )


def test_who_wants_libsrtp_itself_gets_it() -> None:
    assert run("import proxim.io.link.webrtc, pylibsrtp; print(pylibsrtp.Policy().key)") == "None"


def test_who_wants_pyav_itself_gets_it() -> None:
    assert run("import proxim.io.link.webrtc, av; print(av.VideoFrame(2, 2).width)") == "2"
    assert run("import av, proxim.io.link.webrtc; print(av.VideoFrame(2, 2).width)") == "2"


def test_sound_and_pictures_are_refused_and_not_silently_wrong() -> None:
    refused = run(
        "import proxim.io.link.webrtc\n"
        "from aiortc.codecs.vpx import VideoFrame\n"
        "try: VideoFrame(2, 2)\n"
        "except RuntimeError as error: print(error)"
    )
    assert refused == "Proxim loads no codecs for sound and pictures"
