"""The link that a QR code contains: how it is written, and how it is found in what a person pasted.

    http://192.168.1.20:47800/#<secret>.<sessionID>.<uuid>

The parts behind the # have fixed lengths, and no character at which a shell or a mail program cuts
a link. So a link that lost something on its way is noticed. The secret comes first: what is left of
a link that lost its end cannot be mistaken for a link that never had a secret.
"""

import ipaddress
import re
from dataclasses import dataclass, field
from functools import cache
from typing import Final

# Mail programs wrap a link, and answers begin each line with ">". Between two characters of a link
# such a gap is passed over. It has a limit, because two gaps may follow each other, and reading
# them would take a time that grows with the square of their length.
_GAP: Final = r"[\s>]{0,80}"
_TOKEN: Final = "[A-Za-z0-9_-]"
_HEX: Final = "[0-9A-Fa-f]"
_START: Final = r"(?<![A-Za-z0-9+])(?i:http)://"
# As a program for web pages writes a "&" of the old form.
_ESCAPED_AMPERSAND: Final = "&(?:amp;)+"
# The longest spellings of addresses, and of the zones of link-local ones.
_MAX_V4: Final = 15
_MAX_V6: Final = 45
_MAX_ZONE: Final = 32


@cache
def _whole() -> re.Pattern[str]:
    """Return the pattern of a whole link.

    It is compiled when it is needed first, as the first code on the screen must not wait for it.
    """

    def exactly(count: int, unit: str) -> str:
        """Allow gaps between the units, but none behind the last one."""
        return f"(?:{unit}{_GAP}){{{count - 1}}}{unit}"

    def some(unit: str, most: int) -> str:
        """Allow a gap behind each unit."""
        return f"(?:{unit}{_GAP}){{1,{most}}}"

    # 16 bytes in base64url are 22 characters; the last 4 bits of the last one are unused.
    secret = f"(?:{_TOKEN}{_GAP}){{21}}[AQgw]"
    uuid = f"{_GAP}-{_GAP}".join(exactly(count, _HEX) for count in (8, 4, 4, 4, 12))
    # urllib's parser would read `http://ours@elsewhere/` as elsewhere, and allow any character in
    # the zone, which people see. The zone's % may be escaped (RFC 6874) or not (browsers).
    zone = f"%(?:25)?(?P<zone>[A-Za-z0-9._~-]{{1,{_MAX_ZONE}}})"
    v6 = f"\\[{_GAP}(?P<v6>{some('[0-9A-Fa-f:.]', _MAX_V6)})(?:{zone})?\\]{_GAP}"
    where = f"(?:(?P<v4>{some('[0-9.]', _MAX_V4)})|{v6}):{_GAP}(?P<port>{some('[0-9]', 5)})/?"
    fragment = (
        f"(?P<secret>{secret})?{_GAP}\\.{_GAP}(?P<session>{exactly(22, _TOKEN)}){_GAP}\\.{_GAP}"
        f"(?P<uuid>{uuid})"
    )
    # The form until now, of hosts that were not updated. Without its k it cannot be told from one
    # that a shell has cut at a "&".
    old = "".join(
        f"{letter}{_GAP}={_GAP}{key}"
        for letter, key in (
            ("s", f"(?P<old_session>{some(_TOKEN, 64)})&{_GAP}"),
            ("u", f"(?P<old_uuid>{some(_TOKEN, 64)})&{_GAP}"),
            ("k", f"(?P<old_secret>{secret})"),
        )
    )
    return re.compile(f"{_START}{_GAP}{where}{_GAP}#{_GAP}(?:{fragment}|{old})(?![A-Za-z0-9_&=%-])")


@cache
def _beginning() -> re.Pattern[str]:
    """Return the pattern of what is left of a link that lost its end, up to the next white space.

    A whole fragment has 82 characters.
    """
    v6 = rf"\[[0-9A-Fa-f:.]{{0,{_MAX_V6}}}(?:%[A-Za-z0-9._~-]{{0,{_MAX_ZONE}}})?\]?"
    key = f"{_TOKEN}{{0,64}}"
    old = f"s(?:={key}(?:&(?:u(?:={key}(?:&(?:k(?:={_TOKEN}{{0,21}})?)?)?)?)?)?)?"
    fragment = f"(?:#(?:{old}|[A-Za-z0-9_.-]{{0,81}}))?"
    closing = r"""[]["'`<>(){}«»“”„‚‘’‹›,.;:!?]*(?:\s|$)"""
    return re.compile(
        f"{_START}(?:[0-9.]{{0,{_MAX_V4}}}|{v6})(?::[0-9]{{0,5}})?/?{fragment}{closing}"
    )


@dataclass(frozen=True, slots=True)
class InviteLink:
    """A link that leads to a host's session."""

    # An IP literal without brackets.
    address: str
    port: int
    session_id: str = field(repr=False)
    # The host's installation.
    uuid: str = field(repr=False)
    # In base64url. A host that knows only the first protocol document has none.
    secret: str | None = field(repr=False)

    @property
    def endpoint(self) -> tuple[str, int]:
        """Where the host listens."""
        return self.address, self.port


def authority(address: str, port: int) -> str:
    """Write `address:port`, with an IPv6 address in brackets (RFC 3986, 3.2.2).

    A zone is escaped (RFC 6874).
    """
    return f"[{address.replace('%', '%25')}]:{port}" if ":" in address else f"{address}:{port}"


def invite_url(address: str, port: int, session_id: str, uuid: str, qr_secret: str) -> str:
    """Return the QR code's content; all secrets are in the fragment, which no browser sends."""
    return f"http://{authority(address, port)}/#{qr_secret}.{session_id}.{uuid}"


def find_links(text: str) -> tuple[list[InviteLink], bool]:
    """Return the links in a text, each of them once, and whether the text has a link that is not
    all there.

    `text` is what a person sees (sanitize.as_seen).
    """
    plain = re.sub(_ESCAPED_AMPERSAND, "&", text)
    found: list[InviteLink] = []
    incomplete = False
    for start in re.finditer(_START, plain):
        link = _read(_whole().match(plain, start.start()))
        if link is None:
            incomplete |= _beginning().match(plain, start.start()) is not None
        elif link not in found:
            found.append(link)
    return found, incomplete


def _read(match: re.Match[str] | None) -> InviteLink | None:
    """Return the link that was matched, unless its address or port cannot be."""
    if match is None:
        return None
    parts = {
        name: re.sub(_GAP, "", text) for name, text in match.groupdict().items() if text is not None
    }
    zone = f"%{parts['zone']}" if "zone" in parts else ""
    port = int(parts["port"])
    try:
        address = (
            ipaddress.IPv4Address(parts["v4"])
            if "v4" in parts
            else ipaddress.IPv6Address(parts["v6"] + zone)
        )
    except ValueError:
        return None
    if not 0 < port < 1 << 16:
        return None
    old = "old_" if "old_secret" in parts else ""
    return InviteLink(
        str(address), port, parts[f"{old}session"], parts[f"{old}uuid"], parts.get(f"{old}secret")
    )
