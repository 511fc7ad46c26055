"""The fuzzed targets: each accepts any text, and may raise only what its readers promise to raise.

This module is imported under atheris's instrumentation, so it imports everything to be covered.
"""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from proxim.core.json_text import MessageError
from proxim.core.link import messages as link_msg
from proxim.core.link.signaling import MAX_CANDIDATES, PeerFilter
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.devices import DeviceInfo
from proxim.core.pairing.host_code import CodeError, parse_code, parse_target
from proxim.core.sanitize import display_name
from tests.core.handed_in import read_message

_CODE: Final = "02501-WK381"
_URL: Final = (
    "http://192.168.1.2:47800/#AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA"
    ".6f1c7d2e-8a54-4f0e-9a53-0c2f6c1f7a11"
)
_OLD_URL: Final = "http://192.168.1.2:47800/#s=AAAAAAAAAAAA&u=device&k=AAAAAAAAAAAAAAAAAAAAAA"
_OFFER: Final = (
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 "
    "0.0.0.0\r\na=mid:0\r\na=sctp-port:5000\r\n"
    "a=max-message-size:65536\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n"
    f"a=fingerprint:sha-256 {':'.join(['AB'] * 32)}\r\na=setup:actpass\r\n"
    "a=candidate:1 1 udp 2130706431 192.168.1.2 50000 typ host\r\na=end-of-candidates\r\n"
)
_AUDIO: Final = "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:1\r\n"
_CANDIDATE: Final = "candidate:1 1 udp 2130706431 192.168.1.2 50000 typ host"
_AUTH: Final = '"auth":{"v":1,"m":"psk","y":"AAAA","t":"AAAA"}'
_DEVICE: Final = '"deviceInfo":{"name":"n","id":"i"}'


def messages(text: str) -> None:
    """Parse a signaling message; an accepted one can be written, and reads back as the same."""
    try:
        message = pair_msg.parse_message(text)
    except MessageError:
        return
    again: pair_msg.Message = pair_msg.parse_message(pair_msg.dump_message(message))
    if again != message:
        raise AssertionError("reads back as something else")
    repr(message)
    if isinstance(message, pair_msg.PairRequest | pair_msg.PairPrompt):
        _check_shown(message.device)


def _check_shown(device: DeviceInfo) -> None:
    shown = display_name(device.name)
    if not 0 < len(shown) <= 40 or not shown.isprintable():
        raise AssertionError("a name that is not fit to show")


def codes(text: str) -> None:
    """Parse what a person types or scans; an accepted code has only one spelling."""
    try:
        code = parse_code(text)
    except CodeError:
        pass
    else:
        if parse_code(code.shown) != code or parse_code(code.canonical) != code:
            raise AssertionError("another code when read again")
    try:
        target = parse_target(text)
    except CodeError:
        return
    if not target.websocket_url.isascii() or any(
        symbol in target.websocket_url for symbol in " \r\n\t\0"
    ):
        raise AssertionError("a URL that no request line can carry")


def descriptions(text: str) -> None:
    """Check the parts of a peer's description and candidates that would reach aiortc."""
    peer = PeerFilter("192.168.1.20")
    cleaned = peer.description(text)
    lines = (
        []
        if cleaned is None
        else [line for line in cleaned.split("\r\n") if line.startswith("a=candidate:")]
    )
    if cleaned is not None:
        if (
            not cleaned.isascii()
            or cleaned.count("m=application") != 1
            or not cleaned.endswith("\r\n")
        ):
            raise AssertionError("a description that is not one data channel's")
        if PeerFilter("192.168.1.20").description(cleaned) != cleaned:
            raise AssertionError("not clean after one pass")
        _check_answer(text, peer.answer(cleaned))
    for line in text.splitlines()[: 2 * MAX_CANDIDATES]:
        allowed = peer.candidate(pair_msg.Candidate(line))
        if allowed is not None and allowed.candidate:
            lines.append(allowed.candidate)
    if len(lines) > MAX_CANDIDATES:
        raise AssertionError("too many candidates")
    for line in lines:
        words = line.split(" ")
        if not _is_of_a_room(words[4]):
            raise AssertionError("a candidate that leads elsewhere")
        if not 1024 <= int(words[5]) <= 65535:
            raise AssertionError("a port of other services")


def _check_answer(offer: str, answer: str) -> None:
    """Check that the answer has the offer's sections in their order, and accepts one of them."""
    offered = [line for line in offer.replace("\r\n", "\n").split("\n") if line.startswith("m=")]
    answered = [line for line in answer.split("\r\n") if line.startswith("m=")]
    if [line.split(" ")[0] for line in answered] != [line.split(" ")[0] for line in offered]:
        raise AssertionError("other sections in the answer")
    if sum(line.split(" ")[1] != "0" for line in answered) != 1 or not answer.isascii():
        raise AssertionError("not one section that is accepted")


def _is_of_a_room(address: str) -> bool:
    """Whether an address can belong to a device in a private network.

    This is deliberately not the filter's own code: it uses what the standard library calls private,
    without the addresses that belong to no device.
    """
    ip = ipaddress.ip_address(address)
    if str(ip) != address or getattr(ip, "ipv4_mapped", None) or getattr(ip, "scope_id", None):
        # Only one spelling is allowed, because aiortc and the system must read it as Proxim did.
        return False
    many = ip.version == 4 and address.rpartition(".")[2] in ("0", "255")
    shared = ip.version == 4 and ip in ipaddress.ip_network("100.64.0.0/10")
    never = ip.is_loopback or ip.is_multicast or ip.is_unspecified or ip.is_reserved
    metadata = address in ("169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254")
    return (ip.is_private or shared) and not never and not metadata and not many


def link(text: str) -> None:
    """Parse a control message; an accepted one can be written, and reads back as the same."""
    try:
        message = read_message(text)
    except MessageError:
        return
    if read_message(link_msg.dump_link_message(message)) != message:
        raise AssertionError("reads back as something else")


@dataclass(frozen=True, slots=True)
class Target:
    """A function to fuzz, with its inputs to start from."""

    run: Callable[[str], None]
    # Fuzzing starts from these valid inputs.
    seeds: tuple[str, ...]
    # These words are unlikely to be found by random changes.
    words: tuple[str, ...] = ()


TARGETS: Final[dict[str, Target]] = {
    "messages": Target(
        messages,
        (
            f'{{"type":"pair_request","sessionID":"@code",{_DEVICE},{_AUTH}}}',
            f'{{"type":"pair_challenge","sessionID":"a",{_AUTH}}}',
            f'{{"type":"pair_confirm","sessionID":"a",{_AUTH}}}',
            f'{{"type":"pair_prompt","sessionID":"a",{_DEVICE},"verified":"code"}}',
            '{"type":"pair_response","sessionID":"a","approved":true}',
            f'{{"type":"pair_result","sessionID":"a","status":"rejected","reason":"busy",{_AUTH}}}',
            '{"type":"signal","sessionID":"a","payload":{"sdp":"v=0","type":"offer","mac":"AAAA"}}',
            '{"type":"signal","sessionID":"a","payload":{"candidate":{"candidate":"x","sdpMid":"0"}}}',
            '{"type":"signal","sessionID":"a","payload":{"candidate":"","sdpMid":"0","sdpMLineIndex":0}}',
            '{"type":"error","code":"busy","message":"m"}',
            '{"type":"session_ended","sessionID":"a","reason":"closed"}',
        ),
        (
            "pair_request",
            "deviceInfo",
            "sessionID",
            "payload",
            "candidate",
            "sdpMLineIndex",
            "\\ud800",
            "verified",
        ),
    ),
    "codes": Target(
        codes,
        (_CODE, _URL, _OLD_URL),
        ("http://", "#s=", "&amp;", "&u=", "&k=", "[::1]", ":47800", "%25"),
    ),
    "descriptions": Target(
        descriptions,
        (
            *(_OFFER, _CANDIDATE, "\n".join([_CANDIDATE] * 20)),
            _OFFER.replace("m=app", _AUDIO + "m=app") + _AUDIO.replace("audio", "video"),
            *(
                _CANDIDATE.replace("192.168.1.2", other)
                for other in ("::ffff:10.0.0.1", "fe80::1%eth0", "a-b.local")
            ),
        ),
        (
            *(
                "a=candidate:",
                "a=fingerprint:sha-256 ",
                "a=mid:",
                "m=application ",
                "m=audio 9 UDP/TLS/RTP/SAVPF 0",
                " typ host",
                ".local",
                "::ffff:",
            ),
            *(
                "127.0.0.1",
                "169.254.169.254",
                "fd00:ec2::254",
                "192.168.1.255",
                "7f00:1",
                "%eth0",
                "0177.0.0.1",
            ),
        ),
    ),
    "link": Target(
        link,
        (
            '{"type":"hello","version":1,"features":["text"],"name":"n"}',
            '{"type":"text","text":"t","more":true}',
            '{"type":"ping"}',
            '{"type":"bye","reason":"closed"}',
            '{"type":"unsupported","what":"x"}',
        ),
        ("features", "version", "unsupported", "reason"),
    ),
}
