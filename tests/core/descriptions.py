"""Descriptions and candidates that the filter leaves unchanged, for tests of the code around it."""

from proxim.core.link.signaling import PeerFilter
from proxim.core.pairing import messages as pair_msg


def description(setup: str, name: str) -> str:
    """Return a description of one data channel. `name` is its ufrag: at least four letters or
    digits.
    """
    lines = (
        *("v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=group:BUNDLE 0"),
        *("m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0"),
        *(
            "a=mid:0",
            "a=sctp-port:5000",
            f"a=ice-ufrag:{name}",
            f"a=ice-pwd:{'p' * 22}",
            f"a=setup:{setup}",
        ),
        *("a=max-message-size:262144", "a=fingerprint:sha-256 " + ":".join(["AB"] * 32)),
    )
    return "".join(f"{line}\r\n" for line in lines)


OFFER_SDP = description("actpass", "guest")
ANSWER_SDP = description("active", "host")
CANDIDATE = "candidate:1 1 udp 2113937151 192.168.1.7 50000 typ host"

LINE = "candidate:1 1 udp 1 192.168.1.9 5000 typ host"


def sdp(name: str = "no name") -> str:
    """Return a description of a data channel that the filter (signaling.py) leaves unchanged.

    The ufrag is `name` in hex.
    """
    lines = (
        *("v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=group:BUNDLE 0"),
        *(
            "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
            "c=IN IP4 0.0.0.0",
            "a=mid:0",
            "a=sctp-port:5000",
        ),
        *(
            f"a=ice-ufrag:{name.encode().hex()}",
            "a=ice-pwd:abcdefghijklmnopqrstuv",
            "a=setup:actpass",
        ),
        "a=fingerprint:sha-256 " + ":".join(["AB"] * 32),
    )
    clean = PeerFilter("").description("".join(f"{line}\r\n" for line in lines))
    assert clean is not None
    return clean


def sdp_name(text: str) -> str:
    """Return the `name` with which sdp() made this description."""
    (ufrag,) = (
        line.partition(":")[2] for line in text.splitlines() if line.startswith("a=ice-ufrag:")
    )
    return bytes.fromhex(ufrag).decode()


OFFER = pair_msg.Description(sdp("offer"), pair_msg.SDPType.OFFER)

ANSWER = pair_msg.Description(sdp("answer"), pair_msg.SDPType.ANSWER)


def candidate_signal(session_id: str, line: str = LINE) -> pair_msg.Signal:
    """Return a guest's candidate with its W3C companions, the media ID and the line index."""
    return pair_msg.Signal(session_id, pair_msg.Candidate(line, "0", 0))
