"""Tests of what reaches aiortc of real and hostile descriptions and candidates."""

import ipaddress
import json
import re
from typing import Any

from hypothesis import given, strategies

from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.link import commands as link_do
from proxim.core.link import events as link_ev
from proxim.core.link.signaling import (
    MAX_CANDIDATES,
    MAX_FINGERPRINTS,
    MIN_CANDIDATE_PORT,
    PeerFilter,
)
from proxim.core.pairing import commands as pair_do
from proxim.core.pairing import messages as pair_msg
from tests.core.descriptions import ANSWER_SDP, CANDIDATE, OFFER_SDP
from tests.core.in_commands import published
from tests.core.pairing.host_bench import HostBench, refused
from tests.paths import TESTS
from tests.rows import each_row

PEER = "192.168.1.7"
PRINT = ":".join(["0A"] * 32)
PWD = "a" * 24


def crlf(text: str) -> str:
    return text.strip().replace("\n", "\r\n") + "\r\n"


MDNS_NAME = "8f2a9e4c-6b4e-4a2c-9d39-0c3f5d1f2b11.local"
UNUSED = "raddr 0.0.0.0 rport 0 generation 0 network-cost 999"
CHROMIUM_OFFER = crlf(f"""
v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
a=extmap-allow-mixed
a=msid-semantic: WMS
m=application 54400 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 192.168.1.7
a=candidate:3993072007 1 udp 2113937151 {MDNS_NAME} 54400 typ host generation 0
a=candidate:842163049 1 udp 1677729535 203.0.113.9 54400 typ srflx {UNUSED}
a=candidate:99 1 tcp 1518280447 192.168.1.7 9 typ host tcptype active generation 0
a=ice-ufrag:Xh+1
a=ice-pwd:{PWD}
a=ice-options:trickle
a=fingerprint:sha-256 {PRINT}
a=setup:actpass
a=mid:0
a=sctp-port:5000
a=max-message-size:262144
""")
FIREFOX_ANSWER = crlf(f"""
v=0
o=mozilla...THIS_IS_SDPARTA-128.0 5213467189032 0 IN IP4 0.0.0.0
s=-
t=0 0
a=sendrecv
a=fingerprint:sha-256 {PRINT}
a=group:BUNDLE 0
a=ice-options:trickle
a=msid-semantic:WMS *
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=candidate:0 1 UDP 2122252543 192.168.1.7 51234 typ host
a=candidate:1 1 TCP 2105524479 192.168.1.7 9 typ host tcptype active
a=sendrecv
a=end-of-candidates
a=ice-pwd:{PWD}
a=ice-ufrag:1a2b3c4d
a=mid:0
a=setup:active
a=sctp-port:5000
a=max-message-size:1073741823
""")
AIORTC_OFFER = crlf(f"""
v=0
o=- 3940000000 3940000000 IN IP4 0.0.0.0
s=-
t=0 0
a=group:BUNDLE 0
a=msid-semantic:WMS *
m=application 41234 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 192.168.1.7
a=mid:0
a=sctp-port:5000
a=max-message-size:262144
a=candidate:f3aa 1 udp 2130706431 192.168.1.7 41234 typ host
a=candidate:9b36 1 udp 2130706175 fd00::2 41235 typ host
a=end-of-candidates
a=ice-ufrag:Zp3q
a=ice-pwd:{PWD[:22]}
a=fingerprint:sha-256 {PRINT}
a=fingerprint:sha-384 {":".join(["0b"] * 48)}
a=fingerprint:sha-512 {":".join(["0c"] * 64)}
a=setup:actpass
""")


# These offers were made by browsers for a page with one data channel, with their addresses shown or
# hidden behind mDNS: `first` has no candidates, `offer` has them, and `candidates` lists them as
# the page got them. Only the IPv4 address of the recording machine was changed. Chromium was driven
# by its DevTools, Firefox by WebDriver BiDi.
RECORDED: list[dict[str, Any]] = json.loads(
    (TESTS / "core" / "recorded_offers.json").read_text("utf-8")
)
RECORDED_OFFERS = [text for one in RECORDED for text in (one["first"], one["offer"])]


def cleaned(sdp: str, peer: str = PEER) -> str:
    result = PeerFilter(peer).description(sdp)
    assert result is not None
    return result


def candidates(sdp: str) -> list[str]:
    return [line for line in sdp.split("\r\n") if line.startswith("a=candidate:")]


# --- what honest devices send ---------------------------------------------------------------------


@each_row("sdp", [OFFER_SDP, ANSWER_SDP])
def test_the_plain_form_stays_as_it_is(sdp: str) -> None:
    assert cleaned(sdp) == sdp


@each_row("sdp", [CHROMIUM_OFFER, FIREFOX_ANSWER, AIORTC_OFFER, *RECORDED_OFFERS])
@each_row("newline", ["\r\n", "\n"])
def test_what_a_data_channel_needs_survives(sdp: str, newline: str) -> None:
    result = cleaned(sdp.replace("\r\n", newline)).split("\r\n")
    for name in (
        "ice-ufrag",
        "ice-pwd",
        "setup",
        "sctp-port",
        "max-message-size",
        "mid",
        "fingerprint",
    ):
        given_lines = [line for line in sdp.split("\r\n") if line.startswith(f"a={name}:")]
        assert given_lines
        assert [line for line in result if line.startswith(f"a={name}:")] == given_lines
    assert ("a=end-of-candidates" in result) == ("a=end-of-candidates" in sdp)
    assert "a=group:BUNDLE 0" in result


@each_row("sdp", [CHROMIUM_OFFER, FIREFOX_ANSWER, AIORTC_OFFER, *RECORDED_OFFERS])
def test_cleaning_twice_changes_nothing(sdp: str) -> None:
    assert cleaned(cleaned(sdp)) == cleaned(sdp)


def test_candidates_of_browsers() -> None:
    assert candidates(cleaned(CHROMIUM_OFFER)) == [
        "a=candidate:3993072007 1 udp 2113937151 192.168.1.7 54400 typ host"
    ]
    assert candidates(cleaned(FIREFOX_ANSWER)) == [
        "a=candidate:0 1 udp 2122252543 192.168.1.7 51234 typ host"
    ]


def udp_candidates(lines: list[str]) -> list[list[str]]:
    """Return the fields of those candidates that a data channel can use."""
    candidates = [line.split(" ") for line in lines]
    return [words[:8] for words in candidates if len(words) > 1 and words[2].lower() == "udp"]


@each_row("recorded", RECORDED, name_of=lambda recorded: recorded["name"])
def test_every_udp_candidate_of_a_real_browser_stays_inside_and_beside(
    recorded: dict[str, Any],
) -> None:
    inside = candidates(cleaned(recorded["offer"]))
    filter = PeerFilter(PEER)
    assert filter.description(recorded["first"]) is not None
    given_lines = [one["candidate"] for one in recorded["candidates"]]
    passed = [
        filter.candidate(pair_msg.Candidate(one["candidate"], one["sdpMid"], one["sdpMLineIndex"]))
        for one in recorded["candidates"]
    ]
    beside = [one.candidate for one in passed if one is not None and one.candidate]
    assert inside == [f"a={line}" for line in beside]
    wanted = udp_candidates(given_lines)
    # There is one for IPv4 and one for IPv6.
    assert len(wanted) == 2
    for words in wanted:
        words[2] = "udp"
        words[4] = PEER if words[4].endswith(".local") else words[4]
    assert [line.split(" ") for line in beside] == wanted
    assert ("" in given_lines) == any(one is not None and not one.candidate for one in passed)


def test_the_recorded_offers_are_of_both_kinds() -> None:
    hidden = [".local" in one["offer"] for one in RECORDED]
    assert hidden == ["hidden" in one["name"] for one in RECORDED]
    assert {
        (one["name"].split("-")[0], kind) for one, kind in zip(RECORDED, hidden, strict=True)
    } == {(browser, kind) for browser in ("chromium", "firefox") for kind in (True, False)}


def test_what_the_section_says_goes_before_what_the_head_says() -> None:
    sdp = OFFER_SDP.replace("t=0 0\r\n", "t=0 0\r\na=setup:passive\r\na=ice-ufrag:head\r\n")
    assert cleaned(sdp) == OFFER_SDP


def test_values_that_may_be_missing() -> None:
    sdp = re.sub("a=(mid|max-message-size|group):.*\r\n", "", OFFER_SDP)
    assert "mid" not in cleaned(sdp)
    assert "group" not in cleaned(sdp)


# --- hostile descriptions -------------------------------------------------------------------------

SECTION = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"


@each_row(
    "sdp",
    [
        "",
        "rubbish",
        "\r\n" * 50,
        OFFER_SDP.replace("m=", "x="),
        OFFER_SDP + SECTION,
        OFFER_SDP.replace(SECTION, "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"),
        OFFER_SDP.replace(SECTION, "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"),
        OFFER_SDP.replace(SECTION, "m=application 9 TCP/DTLS/SCTP webrtc-datachannel\r\n"),
        OFFER_SDP.replace(SECTION, "m=application 9 DTLS/SCTP 5000\r\n"),
        OFFER_SDP.replace(SECTION, "m=application 9 UDP/DTLS/SCTP webrtc-datachannel x\r\n"),
        *(
            re.sub(f"a={name}:.*\r\n", "", OFFER_SDP)
            for name in ("ice-ufrag", "ice-pwd", "setup", "sctp-port")
        ),
        re.sub("a=fingerprint:.*\r\n", "", OFFER_SDP),
        OFFER_SDP + f"a=fingerprint:sha-256 {PRINT}\r\n" * MAX_FINGERPRINTS,
        OFFER_SDP.replace("sha-256", "sha-1"),
        OFFER_SDP.replace("sha-256", "sha-512"),
        OFFER_SDP.replace("sctp-port:5000", "sctp-port:65536"),
        OFFER_SDP.replace("sctp-port:5000", "sctp-port:0"),
        OFFER_SDP.replace("sctp-port:5000", "sctp-port:-1"),
        OFFER_SDP.replace("sctp-port:5000", "sctp-port:٥٠٠٠"),
        OFFER_SDP.replace("setup:actpass", "setup:holdconn"),
        OFFER_SDP.replace("ice-ufrag:guest", "ice-ufrag:abc"),
        OFFER_SDP.replace("ice-pwd:pp", "ice-pwd:p p"),
    ],
)
def test_refused(sdp: str) -> None:
    assert PeerFilter(PEER).description(sdp) is None


@each_row("size", ["-1", "+1", "1e9", "0x10", "99999999999", ""])
def test_a_message_size_that_is_none_is_left_out(size: str) -> None:
    assert "max-message-size" not in cleaned(OFFER_SDP.replace("262144", size))


def test_nothing_foreign_is_passed_on() -> None:
    foreign = (
        "a=ice-lite",
        "a=x:y",
        "b=AS:30",
        "a=rtpmap:0 PCMU/8000",
        "i=<script>",
        "a=group:BUNDLE 0 1 2",
    )
    more = "".join(f"{line}\r\n" for line in foreign)
    assert cleaned(OFFER_SDP.replace("t=0 0\r\n", "t=0 0\r\n" + more) + more) == OFFER_SDP
    assert (
        cleaned(
            OFFER_SDP.replace("s=-", "s=x").replace("o=-", "o=me").replace("0.0.0.0", "127.0.0.1")
        )
        == OFFER_SDP
    )


@each_row("separator", ["\r", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"])
def test_no_line_is_smuggled_in_by_another_line_end(separator: str) -> None:
    """aiortc splits lines with str.splitlines, which splits at all of these."""
    smuggled = separator.join(
        ["x", "a=candidate:1 1 udp 1 127.0.0.1 5000 typ host", "m=audio 9 UDP/TLS/RTP/SAVPF 0"]
    )
    for line in ("s=-", "t=0 0", "o=-", "a=mid:0", "a=setup:actpass", "a=max-message-size:262144"):
        for sdp in (
            OFFER_SDP.replace(line, line + smuggled),
            OFFER_SDP.replace(line, line + "\r\na=x:" + smuggled),
        ):
            result = PeerFilter(PEER).description(sdp) or ""
            assert len(result.splitlines()) == result.count("\r\n")
            assert "127.0.0.1" not in result
            assert "audio" not in result


@given(
    strategies.lists(
        strategies.sampled_from(
            [*(OFFER_SDP + CHROMIUM_OFFER).splitlines(), "m=audio 9 X 0", "\x85"]
        )
        | strategies.text()
    )
)
def test_whatever_comes_nothing_but_known_lines_goes_on(lines: list[str]) -> None:
    result = PeerFilter(PEER).description("\r\n".join(lines))
    if result is not None:
        assert result.isascii()
        assert re.fullmatch(
            r"((v|o|s|t|c)=[ -~]+\r\n|m=application 9 [ -~]+\r\n|a=[a-z-]+(:[!-~][ -~]*)?\r\n)+",
            result,
        )
        assert result.count("m=application") == 1


# --- candidates -----------------------------------------------------------------------------------


def tried(line: str, peer: str = PEER) -> str | None:
    result = PeerFilter(peer).candidate(pair_msg.Candidate(line))
    inside = candidates(cleaned(OFFER_SDP + f"a={line.removeprefix('a=')}\r\n", peer))
    if line.removeprefix("a=").startswith("candidate:"):
        # A candidate is treated alike inside and outside a description.
        assert inside == ([] if result is None else [f"a={result.candidate}"])
    return None if result is None else result.candidate


def at(address: str, port: object = 50000) -> str:
    return f"candidate:1 1 udp 2113937151 {address} {port} typ host"


@each_row(
    "address",
    [
        *(
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.254",
            "192.168.0.1",
            "100.64.0.1",
            "100.127.255.254",
            "169.254.1.1",
        ),
        *("fe80::1", "fd00::2", "fc00::1"),
    ],
)
def test_near_addresses_are_tried(address: str) -> None:
    assert tried(at(address)) == at(address)


@each_row(
    "spelling, address",
    [
        *(
            (spelling, "192.168.1.9")
            for spelling in ("::ffff:192.168.1.9", "::FFFF:c0a8:109", "0:0:0:0:0:ffff:c0a8:109")
        ),
        ("FE80:0:0:0::1", "fe80::1"),
        ("fd00:0000:0000:0000:0000:0000:0000:0002", "fd00::2"),
        ("fd00::192.168.1.9", "fd00::c0a8:109"),
    ],
)
def test_another_spelling_goes_on_as_the_usual_one(spelling: str, address: str) -> None:
    assert tried(at(spelling)) == at(address)


FORBIDDEN = [
    *(
        "127.0.0.1",
        "0.0.0.0",
        "169.254.169.254",
        "169.254.170.2",
        "100.100.100.200",
        "224.0.0.251",
        "255.255.255.255",
    ),
    *(
        "192.168.1.255",
        "192.168.1.0",
        "10.255.255.255",
        "172.16.0.0",
        "100.64.7.255",
        "169.254.255.255",
        "8.8.8.8",
    ),
]


def spellings_of(address: str) -> list[str]:
    """Return the spellings of one IPv4 address that common parsers accept."""
    ip = ipaddress.IPv4Address(address)
    a, b, c, d = ip.packed
    high, low = int(ip) >> 16, int(ip) & 0xFFFF
    mapped = f"{high:x}:{low:x}"
    as_ipv4 = (
        *(
            address,
            f"{address}.",
            f"{a:03}.{b:03}.{c:03}.{d:03}",
            f"0{a}.{b}.{c}.{d}",
            f"{a}.{b}.{c}.0{d}",
        ),
        *(
            f"0{a:o}.0{b:o}.0{c:o}.0{d:o}",
            f"0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}",
            f"0x{int(ip):x}",
            f"0{int(ip):o}",
        ),
        *(
            str(int(ip)),
            f"{a}.{(b << 16) + (c << 8) + d}",
            f"{a}.{b}.{(c << 8) + d}",
            address.replace(".", "\uff0e"),
        ),
        *(
            f"{address}%eth0",
            f"[{address}]",
            f" {address}",
            f"{address}/24",
            f"{address}:80",
            f"{address}\x00",
        ),
    )
    as_ipv6 = (
        *(
            f"::ffff:{address}",
            f"::FFFF:{address}",
            f"0:0:0:0:0:ffff:{address}",
            f"::ffff:{address}%eth0",
        ),
        *(
            f"::ffff:{mapped}",
            f"::ffff:{mapped.upper()}",
            f"::ffff:{high:04x}:{low:04x}",
            f"0000::ffff:{mapped}",
        ),
        *(
            f"::ffff:{mapped}%1",
            f"[::ffff:{mapped}]",
            f"::{address}",
            f"::{mapped}",
            f"::ffff:0:{mapped}",
        ),
        *(f"64:ff9b::{mapped}", f"2002:{mapped}::"),
    )
    return [*as_ipv4, *as_ipv6]


@each_row("address", FORBIDDEN)
def test_no_spelling_of_a_forbidden_address_passes(address: str) -> None:
    passed = {spelling: tried(at(spelling)) for spelling in spellings_of(address)}
    assert {spelling: line for spelling, line in passed.items() if line is not None} == {}


@each_row(
    "address", ["fd00:ec2::254", "FD00:0EC2::254", "fd00:ec2:0:0:0:0:0:254", "fd00:ec2::2.84"]
)
def test_no_spelling_of_the_metadata_service_in_ipv6_passes(address: str) -> None:
    assert tried(at(address)) is None


@given(strategies.ip_addresses(v=4))
def test_a_mapped_address_fares_as_the_address_itself(ip: ipaddress.IPv4Address) -> None:
    assert tried(at(f"::ffff:{ip}")) == tried(at(str(ip)))


@each_row("address", ["192.168.1.255", "10.0.0.0", "::ffff:10.0.0.255"])
def test_what_looks_like_broadcast_is_tried_only_where_the_peer_is(address: str) -> None:
    canonical = address.removeprefix("::ffff:")
    assert tried(at(address)) is None
    assert tried(at(address), canonical) == at(canonical)
    assert tried(at("name.local"), canonical) == at(canonical)


def test_a_zone_is_refused() -> None:
    for zone in ("%eth0", "%25eth0", "%1", "%"):
        assert tried(at(f"fe80::1{zone}")) is None
        assert tried(at(f"fe80::1{zone}"), f"fe80::1{zone}") is None


@each_row(
    "address",
    [
        *("127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::", "::ffff:0.0.0.0"),
        *("169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254"),
        *("224.0.0.251", "239.255.255.250", "ff02::1", "255.255.255.255"),
        *(
            "8.8.8.8",
            "203.0.113.9",
            "172.32.0.1",
            "172.15.0.1",
            "100.128.0.1",
            "192.169.0.1",
            "11.0.0.1",
            "2001:db8::1",
        ),
        *(
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "::127.0.0.1",
            "0177.0.0.1",
            "2130706433",
            "127.1",
            "10.1",
            "0x7f.1",
        ),
        *(
            "example.org",
            "localhost",
            "evil.local.",
            "a.b.local",
            ".local",
            "fe80::1%eth0",
            "10.0.0.1/8",
            "-",
        ),
    ],
)
def test_other_addresses_are_not(address: str) -> None:
    assert tried(at(address)) is None


@each_row("peer", ["203.0.113.9", "2001:db8::1"])
def test_the_address_of_its_own_socket_is_tried(peer: str) -> None:
    assert tried(at(peer), peer) == at(peer)
    assert tried(at("8.8.8.8"), peer) is None


@each_row("peer", ["127.0.0.1", "::1", "", "no address"])
def test_but_never_loopback(peer: str) -> None:
    assert tried(at("127.0.0.1"), peer) is None
    assert tried(at("::1"), peer) is None
    assert tried(at("name.local"), peer) is None


def test_a_zone_of_the_peers_address_is_left_away() -> None:
    assert tried(at("name.local"), "fe80::1%eth0") == at("fe80::1")


def test_a_hidden_address_is_that_of_its_socket() -> None:
    assert tried(at("8f2a9e4c-6b4e-4a2c-9d39-0c3f5d1f2b11.local")) == at(PEER)


@each_row("port", [MIN_CANDIDATE_PORT, 65535])
def test_ports_that_are_tried(port: int) -> None:
    assert tried(at(PEER, port)) == at(PEER, port)


@each_row(
    "port", [0, 1, 22, 53, MIN_CANDIDATE_PORT - 1, 65536, 99999, 100000, -1, "x", "٥٠٠٠", "0x1f90"]
)
def test_ports_that_are_not(port: object) -> None:
    assert tried(at(PEER, port)) is None


@each_row(
    "line",
    [
        "candidate:1 1 tcp 1 192.168.1.7 50000 typ host tcptype passive",
        "candidate:1 1 ssltcp 1 192.168.1.7 50000 typ host",
        "candidate:1 2 udp 1 192.168.1.7 50000 typ host",
        "candidate:1 1 udp 1 192.168.1.7 50000 typ relay raddr 0.0.0.0 rport 0",
        "candidate:1 1 udp 99999999999 192.168.1.7 50000 typ host",
        "candidate:1 1 udp 1 192.168.1.7 50000 typ",
        "candidate:1 1 udp 1 192.168.1.7 50000",
        "candidate:1  1 udp 1 192.168.1.7 50000 typ host",
        "candidate:1 1 udp 1 192.168.1.7 50000 typ host\r\na=candidate:1 1 udp 1 127.0.0.1 50000 "
        "typ host",
        "candidate:1 1 udp 1 192.168.1.7 50000 typ host \u2028",
        "candidate:",
        "rubbish",
        " ",
    ],
)
def test_other_candidates_are_left_out(line: str) -> None:
    assert PeerFilter(PEER).candidate(pair_msg.Candidate(line)) is None


@each_row("form", ["{}", "a={}"])
@each_row(
    "rest", ["", " ", " raddr 127.0.0.1 rport x", " generation 0 ufrag Xh+1 network-cost 999", " x"]
)
def test_the_forms_and_tails_of_candidates(form: str, rest: str) -> None:
    assert tried(form.format(CANDIDATE + rest)) == CANDIDATE
    assert tried(form.format(CANDIDATE.removeprefix("candidate:") + rest)) == CANDIDATE


def test_sixteen_in_all_inside_and_beside() -> None:
    filter = PeerFilter(PEER)
    inside = "".join(f"a={at(PEER, 50000 + index)}\r\n" for index in range(10))
    result = filter.description(OFFER_SDP + inside)
    assert result is not None
    assert len(candidates(result)) == 10
    for _ in range(5):
        # Candidates that are left out do not count.
        assert filter.candidate(pair_msg.Candidate(at("8.8.8.8"))) is None
    beside = [filter.candidate(pair_msg.Candidate(at(PEER, 60000 + index))) for index in range(20)]
    assert [one is not None for one in beside] == [True] * (MAX_CANDIDATES - 10) + [False] * 14
    assert len(candidates(cleaned(OFFER_SDP + inside + inside))) == MAX_CANDIDATES


def test_the_end_of_candidates_comes_once() -> None:
    filter = PeerFilter(PEER)
    assert filter.description(OFFER_SDP) is not None
    end = pair_msg.Candidate("", "0")
    assert filter.candidate(end) == pair_msg.Candidate("")
    assert filter.candidate(end) is None
    assert filter.candidate(pair_msg.Candidate("")) is None


# --- in the host's machine ------------------------------------------------------------------------


def test_the_mac_is_checked_on_what_arrived_and_what_is_cleaned_goes_on() -> None:
    host = HostBench()
    host.listen()
    guest = host.prove(PEER)
    link = host.approve(guest)
    said = host.say(
        guest.connection, guest.signal(pair_msg.Description(CHROMIUM_OFFER, pair_msg.SDPType.OFFER))
    )
    assert link_do.ApplyDescription(link, pair_msg.SDPType.OFFER, cleaned(CHROMIUM_OFFER)) in said
    assert host.say(
        guest.connection, guest.signal(pair_msg.Candidate(CANDIDATE + " generation 0"))
    ) == [link_do.AddCandidate(link, pair_msg.Candidate(CANDIDATE))]
    assert host.say(guest.connection, guest.signal(pair_msg.Candidate(at("127.0.0.1")))) == []
    host.handle(link_ev.ChannelOpened(link, 1, "control"))
    assert host.say(guest.connection, guest.signal(pair_msg.Candidate(at("8.8.8.8")))) == []


def test_candidates_beside_a_description_count_with_those_inside() -> None:
    host = HostBench()
    host.listen()
    connection, session, link = host.approved()
    inside = "".join(
        f"a={at('10.0.0.1', 50000 + index)}\r\n" for index in range(MAX_CANDIDATES - 1)
    )
    host.say(connection, pair_msg.Signal(session, pair_msg.Description(OFFER_SDP + inside)))
    last = pair_msg.Candidate(at("10.0.0.1", 60000))
    assert host.say(connection, pair_msg.Signal(session, last)) == [
        link_do.AddCandidate(link, last)
    ]
    assert (
        host.say(connection, pair_msg.Signal(session, pair_msg.Candidate(at("10.0.0.1", 60001))))
        == []
    )


def test_a_refused_description_ends_the_attempt_by_name_and_the_code_stays() -> None:
    host = HostBench()
    host.listen()
    connection, session, _ = host.approved()
    commands = host.say(
        connection,
        pair_msg.Signal(
            session, pair_msg.Description(OFFER_SDP + "m=text 9 UDP/TLS/RTP/SAVPF 0\r\n")
        ),
    )
    assert not any(isinstance(command, link_do.ApplyDescription) for command in commands)
    assert refused(connection, Reason.BAD_DESCRIPTION, session) in commands
    assert pair_do.CloseConnection(connection, pair_msg.CloseCode.LINK_FAILED) in commands
    (closed,) = [status for status in published(commands) if isinstance(status, st.LinkStatus)]
    assert (closed.stage, closed.reason) == (st.Stage.CLOSED, Reason.BAD_DESCRIPTION)
    # The right guest comes in by the same code.
    host.linked(session)
