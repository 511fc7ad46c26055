"""The link that a QR code contains: how it is written, and how it is found in what a person pasted.

    http://192.168.1.20:47800/#<secret>.<sessionID>.<uuid>

The parts behind the # have fixed lengths, and no character at which a shell or a mail program cuts
a link. So a link that lost something on its way is noticed. The secret comes first: what is left of
a link that lost its end cannot be mistaken for a link that never had a secret.
"""

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from proxim.core import base64url

# Mail programs wrap a link, and answers begin each line with ">". Between two characters of a link
# such a gap is passed over. It has a limit, because two gaps may follow each other, and reading
# them would take a time that grows with the square of their length.
_GAP: Final = r"[\s>]{0,80}"
_HEX: Final = "[0-9A-Fa-f]"
_TOKEN: Final = base64url.CHARACTER
_START: Final = r"(?<![A-Za-z0-9+])(?i:http)://"
# Browsers show a link without its http://, and people copy what they see.
_BARE_START: Final = r"(?<![A-Za-z0-9@\\.\[%+/-])(?=[0-9]{1,3}\.|\[)"
# What stands before the rest of another link, which must not be read as a link that lost its start:
# "https://", or "https://19" at the end of a line.
_CUT_LINK: Final = re.compile(r"//\S*(?:[0-9.:/@\[%-][\s>]+)?$")
_CUT_LINK_MAX: Final = 300
# A link inside the address of a service that checks or counts clicks, such as Outlook's safelinks.
_WRAPPED: Final = re.compile(r"(?i:http%3a%2f%2f)[^\s&\"'<>]+")
# Sources of mails break long lines with a "=" (quoted-printable, RFC 2045, 6.7).
_SOFT_BREAK: Final = re.compile(r"=(?=\r?\n)")
# As a program for web pages writes a "&" of the old form, more than once where several did.
_ESCAPED_AMPERSAND: Final = re.compile("&(?:amp;)+")
# The longest spellings of addresses, and of the zones of link-local ones.
_MAX_V4: Final = 15
_MAX_V6: Final = 45
_MAX_ZONE: Final = 32


@cache
def _whole(*, bare: bool = False) -> re.Pattern[str]:
    """Return the pattern of a whole link, or of a `bare` one, without http://.

    It is compiled when it is needed first, as the first code on the screen must not wait for it.
    """
    # A number before a bare link would otherwise become a part of its address.
    gap = "" if bare else _GAP

    def exactly(count: int, unit: str) -> str:
        """Allow gaps between the units, but none behind the last one."""
        return f"(?:{unit}{_GAP}){{{count - 1}}}{unit}"

    def some(unit: str, most: int, between: str = _GAP) -> str:
        """Allow a gap behind each unit."""
        return f"(?:{unit}{between}){{1,{most}}}"

    # 16 bytes in base64url are 22 characters; the last 4 bits of the last one are unused.
    secret = f"(?:{_TOKEN}{_GAP}){{21}}[AQgw]"
    uuid = f"{_GAP}-{_GAP}".join(exactly(count, _HEX) for count in (8, 4, 4, 4, 12))
    # urllib's parser would read `http://ours@elsewhere/` as elsewhere, and allow any character in
    # the zone, which people see. The zone's % may be escaped (RFC 6874) or not (browsers).
    zone = f"%(?:25)?(?P<zone>[A-Za-z0-9._~-]{{1,{_MAX_ZONE}}})"
    v6 = f"\\[{gap}(?P<v6>{some('[0-9A-Fa-f:.]', _MAX_V6, gap)})(?:{zone})?\\]{gap}"
    v4 = f"(?P<v4>{some('[0-9.]', _MAX_V4, gap)})"
    where = f"(?:{v4}|{v6}):{gap}(?P<port>{some('[0-9]', 5, gap)})/?"
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
    start = _BARE_START if bare else _START + _GAP
    # Underscores behind a link are Markdown's.
    end = "(?!_*[A-Za-z0-9&=%-])"
    return re.compile(f"{start}{where}{_GAP}#{_GAP}(?:{fragment}|{old}){end}")


@cache
def _beginning(*, bare: bool = False) -> re.Pattern[str]:
    """Return the pattern of what is left of a link that lost its end, up to the next white space;
    of a `bare` one, without http://, at least a whole IPv4 address and a port.

    A whole fragment has 82 characters.
    """
    v6 = rf"\[[0-9A-Fa-f:.]{{0,{_MAX_V6}}}(?:%[A-Za-z0-9._~-]{{0,{_MAX_ZONE}}})?\]?"
    key = f"{_TOKEN}{{0,64}}"
    old = f"s(?:={key}(?:&(?:u(?:={key}(?:&(?:k(?:={_TOKEN}{{0,21}})?)?)?)?)?)?)?"
    fragment = f"(?:#(?:{old}|[A-Za-z0-9_.-]{{0,81}}))?"
    closing = r"""[]["'`<>(){}«»“”„‚‘’‹›,.;:!?_*]*(?:\s|$)"""
    if bare:
        where = r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}:[0-9]{1,5}"
        return re.compile(f"{_BARE_START}{where}/?{fragment}{closing}")
    where = f"(?:[0-9.]{{0,{_MAX_V4}}}|{v6})(?::[0-9]{{0,5}})?"
    return re.compile(f"{_START}{where}/?{fragment}{closing}")


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

    `text` is what a person sees (sanitize.as_seen). Links are also found as web pages, the sources
    of mails and services that check links spell them.
    """
    # These are imported late, as the first code on the screen must not wait for them.
    from html import unescape
    from urllib.parse import unquote

    plain = unescape(_ESCAPED_AMPERSAND.sub("&", text))
    wrapped = [unquote(match[0]) for match in _WRAPPED.finditer(plain)]
    read = [one for piece in (plain, *wrapped) for one in _links_in(piece)]
    found = _without_doubles(read)
    if not found:
        # What is no whole link even so is not called one that lost something.
        unbroken = _SOFT_BREAK.sub("", plain)
        found = _without_doubles([*_links_in(unbroken), *_links_in(unquote(unbroken))])
    return found, None in read


def _without_doubles(read: list[InviteLink | None]) -> list[InviteLink]:
    return [link for link in dict.fromkeys(read) if link is not None]


def _links_in(text: str) -> Iterator[InviteLink | None]:
    """Yield each link in a text, and None for each that is not all there."""
    taken: list[tuple[int, int]] = []
    for start in re.finditer(_START, text):
        match = _whole().match(text, start.start())
        link = _read(match)
        if match is not None and link is not None:
            taken.append(match.span())
            yield link
        elif _beginning().match(text, start.start()):
            yield None
    for start in re.finditer(_BARE_START, text):
        at = start.start()
        is_part = any(begin < at < end for begin, end in taken)
        if is_part or _CUT_LINK.search(text[max(0, at - _CUT_LINK_MAX) : at]):
            continue
        link = _read(_whole(bare=True).match(text, at))
        if link is not None or _beginning(bare=True).match(text, at):
            yield link


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
