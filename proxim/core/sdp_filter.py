"""What of another's description and candidates may reach aiortc (docs/security.md).

A description is rebuilt from the lines that a data channel needs, each checked; a candidate may only lead where a
device of this room can be. Must never be here: building descriptions of our own, sockets, names to look up.
"""

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from proxim.core.errors import Reason
from proxim.core.json_text import MessageError

MAX_CANDIDATES: Final = 16  # in all, inside the description and beside it: a laptop with VPN and IPv6 has some eight
MIN_CANDIDATE_PORT: Final = 1024  # below are other services; ICE must not be made to knock at them
MAX_LINES: Final = 400  # a browser's data channel takes some 30
MAX_LINE_CHARACTERS: Final = 1024

_REACHABLE: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "fe80::/10",
        "fc00::/7",
    )
)
# The metadata service of cloud machines answers to whoever asks; link-local, but never a device in a room.
_NEVER: Final = frozenset({ipaddress.ip_address("169.254.169.254"), ipaddress.ip_address("fd00:ec2::254")})

_MDNS_NAME: Final = re.compile(r"[0-9A-Za-z-]{1,63}\.local")
_CANDIDATE: Final = re.compile(
    r"(?:candidate:)?(?P<foundation>[0-9A-Za-z+/]{1,32}) (?P<component>[0-9]{1,3}) (?P<transport>[A-Za-z]{1,8}) "
    r"(?P<priority>[0-9]{1,10}) (?P<address>[0-9A-Za-z.:-]{1,80}) (?P<port>[0-9]{1,5}) typ (?P<type>host|srflx|prflx)"
    r"(?P<rest>(?: [0-9A-Za-z-]{1,32} [0-9A-Za-z.:+/-]{1,256})*)"
)

# The lines of a data channel's description (RFC 8866, 8829, 8839, 8841, 8842), each with what may follow.
_ICE_CHARS: Final = "[0-9A-Za-z+/]"
_SESSION_LINES: Final = re.compile(
    r"v=0|o=[!-~]{1,64} [0-9]{1,20} [0-9]{1,20} IN IP[46] [0-9A-Za-z.:-]{1,64}|s=.{1,64}|t=0 0"
    r"|a=group:BUNDLE( [!-~]{1,32}){1,8}|a=ice-options:[ -~]{1,64}|a=extmap-allow-mixed|a=msid-semantic:[ -~]{0,64}"
)
_MEDIA_LINE: Final = re.compile(
    r"m=application [0-9]{1,5} (?:(?:UDP/|TCP/)?DTLS/SCTP) (?:webrtc-datachannel|[0-9]{1,5})"
)
_MEDIA_LINES: Final = re.compile(
    r"c=IN IP[46] [0-9A-Za-z.:-]{1,64}|b=AS:[0-9]{1,9}|a=mid:[!-~]{1,32}|a=setup:(?:actpass|active|passive)"
    rf"|a=ice-ufrag:{_ICE_CHARS}{{4,256}}|a=ice-pwd:{_ICE_CHARS}{{22,256}}|a=ice-options:[ -~]{{1,64}}"
    r"|a=fingerprint:[A-Za-z0-9-]{1,16} [0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){15,63}"
    r"|a=sctp-port:[0-9]{1,5}|a=max-message-size:[0-9]{1,10}|a=sctpmap:[0-9]{1,5} webrtc-datachannel [0-9]{1,5}"
    r"|a=end-of-candidates|a=sendrecv"
)
_FINGERPRINT: Final = re.compile(r"a=fingerprint:([A-Za-z0-9-]+) (\S+)")
_CANDIDATE_PREFIX: Final = "a=candidate:"


class DescriptionError(MessageError):
    """A description that must not reach aiortc."""

    def __init__(self, detail: str) -> None:
        super().__init__(Reason.BAD_DESCRIPTION, detail)


@dataclass(frozen=True, slots=True)
class CandidateFilter:
    """Which candidates of one peer are let through; `peer_address` is where its WebSocket comes from."""

    peer_address: str

    def allows(self, line: str) -> bool:
        """Whether a candidate line (with or without `a=`, `candidate:`) may be tried."""
        match = _CANDIDATE.fullmatch(line.removeprefix("a="))
        if match is None or match["transport"].lower() != "udp":
            return False
        if not MIN_CANDIDATE_PORT <= int(match["port"]) <= 65535:
            return False
        return self._is_reachable(match["address"])

    def _is_reachable(self, address: str) -> bool:
        if _MDNS_NAME.fullmatch(address):
            return True
        try:
            ip = _unmapped(address)
        except ValueError:
            return False
        if ip in _NEVER or ip.is_loopback or ip.is_multicast or ip.is_unspecified:
            return False
        return any(ip in network for network in _REACHABLE) or ip == _unmapped(self.peer_address.partition("%")[0])


def _unmapped(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address, an IPv4 address in IPv6's clothes (::ffff:1.2.3.4) without them."""
    ip = ipaddress.ip_address(address)
    return getattr(ip, "ipv4_mapped", None) or ip


def clean_description(sdp: str, candidates: CandidateFilter) -> str:
    """`sdp` rebuilt from what a data channel needs: unknown lines and unwelcome candidates left out.

    Raises DescriptionError where it describes no single data channel, or lacks what ICE and DTLS need.
    """
    lines = [line.rstrip() for line in sdp.replace("\r\n", "\n").split("\n") if line.strip()]
    if len(lines) > MAX_LINES or any(len(line) > MAX_LINE_CHARACTERS for line in lines):
        raise DescriptionError("too long")
    media = [index for index, line in enumerate(lines) if line.startswith("m=")]
    if len(media) != 1 or not _MEDIA_LINE.fullmatch(lines[media[0]]):
        raise DescriptionError("not one data channel section")
    head = [line for line in lines[: media[0]] if _SESSION_LINES.fullmatch(line) or _MEDIA_LINES.fullmatch(line)]
    body = list(_clean_media(lines[media[0] + 1 :], candidates))
    for needed in ("a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:", "a=setup:"):
        if not any(line.startswith(needed) for line in (*head, *body)):
            raise DescriptionError(f"no {needed}")
    return "\r\n".join([*head, lines[media[0]], *body, ""])


def _clean_media(lines: list[str], candidates: CandidateFilter) -> Iterator[str]:
    allowed = 0
    for line in lines:
        if line.startswith(_CANDIDATE_PREFIX):
            if allowed < MAX_CANDIDATES and candidates.allows(line):
                allowed += 1
                yield line
        elif _MEDIA_LINES.fullmatch(line):
            yield line


def count_candidates(sdp: str) -> int:
    """How many candidates a cleaned description carries."""
    return sdp.count(_CANDIDATE_PREFIX)
