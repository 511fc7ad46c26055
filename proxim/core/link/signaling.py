"""One side's exchange of signals for one link: their MACs, their order, and what of the other
side's signals may reach aiortc.

The guest sends one offer, the host one answer; candidates may come at any time.
"""

import ipaddress
import re
from dataclasses import replace
from typing import Final

from proxim.core.errors import Reason
from proxim.core.json_text import MessageError
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.host_code import LOCAL_NETWORKS
from proxim.core.pairing.proof import ProofKeys, Side, SignalMacs

# The limit counts candidates inside the description and beside it. A laptop with VPN and IPv6 has
# about eight.
MAX_CANDIDATES: Final = 16
# Lower ports belong to other services, and a peer must not make ICE send packets to them.
MIN_CANDIDATE_PORT: Final = 1024
# One for each digest: aiortc sends three, browsers send one.
MAX_FINGERPRINTS: Final = 4
# Counts the data channel's section and those for sound and pictures. A page that can also make
# calls offers three or four.
MAX_SECTIONS: Final = 16

_IP = ipaddress.IPv4Address | ipaddress.IPv6Address
# Metadata services of cloud machines answer every request. Their addresses look local, but never
# belong to a device in a room.
_NEVER: Final = frozenset(
    ipaddress.ip_address(text)
    for text in ("169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254")
)

# These are the network's own and the broadcast address of a /24 and of most larger networks: a
# packet to them could reach every device. This is a second safeguard: at any prefix, the system
# itself refuses the broadcast address of our own subnet to a socket that did not ask for
# SO_BROADCAST, and routers forward no such packets (RFC 2644). In a network larger than a /24 a
# device may have such an address, but routers hardly assign it, and it is tried if it is the
# WebSocket's address.
_NEVER_LAST_OCTETS: Final = frozenset({0, 255})

_MDNS_NAME: Final = re.compile(r"[0-9A-Za-z-]{1,63}\.local")
# RFC 8839, 5.1. A data channel has only component 1, and what may follow the type (raddr,
# generation ..) is not needed. A zone (%eth0) is not accepted in an address, because it would
# choose the interface that we send from.
_CANDIDATE: Final = re.compile(
    r"(?:a=)?(?:candidate:)?(?P<foundation>[0-9A-Za-z+/]{1,32}) 1 (?i:udp)"
    r" (?P<priority>[0-9]{1,10}) (?P<address>[0-9A-Za-z.:-]{1,80}) (?P<port>[0-9]{1,5})"
    r" typ (?P<type>host|srflx|prflx)(?: [ -~]*)?"
)
# Port 0 would mean a rejected section.
_CHANNEL_SECTION: Final = re.compile(
    r"m=application [1-9][0-9]{0,4} UDP/DTLS/SCTP webrtc-datachannel"
)
# The protocols are those of RFC 8829, 5.1.2. Here port 0 is allowed, because every such section is
# rejected anyway.
_MEDIA_SECTION: Final = re.compile(
    r"m=(?P<kind>audio|video) [0-9]{1,5} (?P<protocol>(?:UDP/TLS/|TCP/DTLS/)?RTP/S?AVPF?)"
    r"(?: [!-~]{1,32})+"
)
_HEX: Final = "[0-9A-Fa-f]{2}"
# The sources are RFC 8866, 8839 (ICE), 8122 and 8842 (DTLS), 8841 (SCTP).
_VALUES: Final = {
    "mid": re.compile("[!-~]{1,32}"),
    "sctp-port": re.compile("[1-9][0-9]{0,4}"),
    "ice-ufrag": re.compile("[0-9A-Za-z+/]{4,256}"),
    "ice-pwd": re.compile("[0-9A-Za-z+/]{22,256}"),
    "setup": re.compile("actpass|active|passive"),
    "max-message-size": re.compile("[0-9]{1,10}"),
}
_FINGERPRINT: Final = re.compile(
    f"(?i:sha-256) {_HEX}(?::{_HEX}){{31}}|(?i:sha-384) {_HEX}(?::{_HEX}){{47}}|(?i:sha-512) "
    f"{_HEX}(?::{_HEX}){{63}}"
)
_NEEDED: Final = frozenset({"ice-ufrag", "ice-pwd", "setup", "sctp-port"})
_MAX_PORT: Final = 65535
_IPV4: Final = 4
_PEER_TYPE: Final = {Side.HOST: pair_msg.SDPType.OFFER, Side.GUEST: pair_msg.SDPType.ANSWER}
_OWN_TYPE: Final = {Side.GUEST: pair_msg.SDPType.OFFER, Side.HOST: pair_msg.SDPType.ANSWER}


def _parse(address: str) -> _IP | None:
    """Read an IP address, with an IPv4-mapped one (::ffff:1.2.3.4) as IPv4; None if it is no
    address.

    ip_address refuses octal, short and hexadecimal IPv4 spellings, which some systems read as other
    addresses.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return None
    return getattr(ip, "ipv4_mapped", None) or ip


class PeerFilter:
    """Filters what one peer may pass to aiortc, for the life of one link.

    aiortc gets descriptions of the data channel's section alone. A browser may offer sections for
    sound and pictures beside it. Those are left out on the way in, and `answer` adds them to our
    answer as rejected.
    """

    def __init__(self, peer_address: str) -> None:
        # The address of the peer's WebSocket, without a zone, because candidates have none.
        self._peer_address = peer_address.partition("%")[0]
        self._left = MAX_CANDIDATES
        self._ended = False
        # The place of the data channel's section among all, once it is known, and its mid.
        self._index: int | None = None
        self._mid: str | None = None
        # What the answer says to each section of the description; None for the data channel's.
        self._rejections: list[str | None] = [None]

    @property
    def rejects(self) -> bool:
        """Whether the peer described sections that the answer has to reject."""
        return len(self._rejections) > 1

    def candidate(self, candidate: pair_msg.Candidate) -> pair_msg.Candidate | None:
        """Return the candidate rewritten; None if it must not be tried or is one too many.

        It names no section, because aiortc knows only one.
        """
        if not self._is_of_channel(candidate):
            return None
        # An empty candidate means the end of candidates, which is passed on once.
        if not candidate.candidate:
            already, self._ended = self._ended, True
            return None if already else pair_msg.Candidate("")
        line = self._clean_candidate(candidate.candidate)
        return None if line is None else pair_msg.Candidate(line)

    def _is_of_channel(self, candidate: pair_msg.Candidate) -> bool:
        mid, index = candidate.sdp_mid, candidate.sdp_mline_index
        if self._index is None or (mid is None and index is None):
            # Any section may be meant. To try a candidate of another one does no harm, but the end
            # of another one's candidates must not end ours.
            is_alone = self._index is not None and not self.rejects
            return is_alone or bool(candidate.candidate)
        return index == self._index or (mid is not None and mid == self._mid)

    def description(self, sdp: str) -> str | None:
        """Return the description rewritten, with the data channel's section alone.

        None if there is not exactly one data channel, if it lacks something that is needed, or if
        a section is neither that nor sound nor pictures.
        """
        head, *sections = re.split(r"^(?=m=)", sdp.replace("\r\n", "\n"), flags=re.MULTILINE)
        rejections = [_rejection(section) for section in sections]
        # Exactly one section is not rejected. It has to be the data channel's.
        if rejections.count(None) != 1 or len(sections) > MAX_SECTIONS:
            return None
        index = rejections.index(None)
        opening, *lines = sections[index].split("\n")
        if not _CHANNEL_SECTION.fullmatch(opening.rstrip()):
            return None
        values: dict[str, str] = {}
        fingerprints: list[str] = []
        candidates: list[str] = []
        ended = False
        # The section's lines come last, because they override those of the head.
        for line in (*head.split("\n"), *lines):
            name, _, value = line.rstrip().removeprefix("a=").partition(":")
            if name == "fingerprint" and _FINGERPRINT.fullmatch(value):
                fingerprints.append(value)
            elif name == "candidate":
                cleaned = self._clean_candidate(value)
                candidates += [] if cleaned is None else [cleaned]
            elif name in _VALUES and _VALUES[name].fullmatch(value):
                values[name] = value
            ended = ended or name == "end-of-candidates"
        if not (values.keys() >= _NEEDED and 0 < len(fingerprints) <= MAX_FINGERPRINTS):
            return None
        if int(values["sctp-port"]) > _MAX_PORT:
            return None
        self._index, self._mid = index, values.get("mid")
        self._rejections = rejections
        return _write(values, fingerprints, candidates, ended)

    def answer(self, sdp: str) -> str:
        """Return aiortc's answer with as many sections as the offer has, in the offer's order
        (RFC 3264, 6).

        aiortc's a=group:BUNDLE stays as it is, because rejected sections do not belong there (RFC
        9143, 7.3.3).
        """
        if not self.rejects:
            return sdp
        head, channel = re.split(r"^(?=m=)", sdp, flags=re.MULTILINE)
        return head + "".join(rejection or channel for rejection in self._rejections)

    def _clean_candidate(self, line: str) -> str | None:
        match = _CANDIDATE.fullmatch(line)
        if (
            match is None
            or not MIN_CANDIDATE_PORT <= int(match["port"]) <= _MAX_PORT
            or self._left == 0
        ):
            return None
        given = self._peer_address if _MDNS_NAME.fullmatch(match["address"]) else match["address"]
        address = _parse(given)
        if address is None or not self._is_near(address):
            return None
        self._left -= 1
        return (
            f"candidate:{match['foundation']} 1 udp {match['priority']}"
            f" {address} {match['port']} typ {match['type']}"
        )

    def _is_near(self, address: _IP) -> bool:
        if address in _NEVER or address.is_loopback or address.is_multicast:
            return False
        if address == _parse(self._peer_address):
            return True
        reaches_many = address.version == _IPV4 and address.packed[-1] in _NEVER_LAST_OCTETS
        return not reaches_many and any(address in network for network in LOCAL_NETWORKS)


def _rejection(section: str) -> str | None:
    """Return what the answer says to a section for sound or pictures; None if this is none."""
    opening, *lines = section.split("\n")
    match = _MEDIA_SECTION.fullmatch(opening.rstrip())
    if match is None:
        return None
    mids = [line.rstrip().removeprefix("a=mid:") for line in lines if line.startswith("a=mid:")]
    # The format means nothing where the port is 0, but there has to be one.
    rejected = [f"m={match['kind']} 0 {match['protocol']} 0", "c=IN IP4 0.0.0.0"]
    rejected += [f"a=mid:{mid}" for mid in mids[-1:] if _VALUES["mid"].fullmatch(mid)]
    return "".join(f"{line}\r\n" for line in rejected)


def _write(
    values: dict[str, str], fingerprints: list[str], candidates: list[str], ended: bool
) -> str:
    group = [f"a=group:BUNDLE {values['mid']}"] if "mid" in values else []
    lines = [
        *("v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", *group),
        *("m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0"),
        *(f"a={name}:{values[name]}" for name in _VALUES if name in values),
        *(f"a=fingerprint:{fingerprint}" for fingerprint in fingerprints),
        *(f"a={candidate}" for candidate in candidates),
        *(["a=end-of-candidates"] if ended else []),
    ]
    return "".join(f"{line}\r\n" for line in lines)


class Signaling:
    """One side's signals of a link.

    `keys` are those of the proof; None without a proof.
    """

    def __init__(self, side: Side, peer_address: str, keys: ProofKeys | None) -> None:
        # Whether the other side's description has arrived.
        self.described = False
        # Whether our own description was made.
        self._sealed = False
        self.keys = keys
        self._side = side
        self._macs = None if keys is None else SignalMacs(keys, side)
        self._filter = PeerFilter(peer_address)

    @property
    def proved(self) -> bool:
        """Whether every signal carries a MAC; then a wrong signal was changed on its way."""
        return self._macs is not None

    def warned_by(self, code: int | None) -> bool:
        """Whether the other side left, after a proof, because it received something that we did not
        send.

        A forged close code can only end a session.
        """
        return self.proved and (
            code == pair_msg.CloseCode.TAMPERED or code in pair_msg.UNREADABLE_CODES
        )

    def seal(self, session_id: str, description: pair_msg.Description) -> pair_msg.Signal:
        """Return our own description as a signal that can be sent."""
        self._sealed = True
        # The MAC covers the text that is sent, so the text is completed first.
        complete = replace(description, sdp=self._filter.answer(description.sdp))
        return pair_msg.Signal(
            session_id, complete, None if self._macs is None else self._macs.seal(complete)
        )

    def receive(self, signal: pair_msg.Signal) -> pair_msg.Description | pair_msg.Candidate | None:
        """Return what may be passed to aiortc; None if the signal contains nothing for it.

        Raises MessageError: TAMPERED, NOT_ALLOWED for an unexpected description, BAD_DESCRIPTION
        for an unusable one.
        """
        payload = signal.payload
        if self._macs is not None and not self._macs.check(payload, signal.mac):
            raise MessageError(Reason.TAMPERED, "mac")
        if isinstance(payload, pair_msg.Candidate):
            return self._filter.candidate(payload)
        early = self._side is Side.GUEST and not self._sealed
        if self.described or early or payload.type is _OWN_TYPE[self._side]:
            # The MAC does not cover the type, and no honest peer describes itself twice, or answers
            # what it was not offered.
            raise MessageError(
                Reason.TAMPERED if self.proved else Reason.NOT_ALLOWED, "description"
            )
        self.described = True
        sdp = self._filter.description(payload.sdp)
        # An answer has the sections of our offer, which is one data channel's.
        if sdp is None or (self._side is Side.GUEST and self._filter.rejects):
            raise MessageError(Reason.BAD_DESCRIPTION, "description")
        return pair_msg.Description(sdp, _PEER_TYPE[self._side])
