"""Descriptions and candidates that the filter passes on letter for letter; for tests of what is
around it.
"""


def description(setup: str, name: str) -> str:
    """One data channel of the peer `name` (letters and digits, four at least)."""
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
