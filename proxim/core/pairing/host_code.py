"""The two ways by which a guest finds a host: the typed host code and the QR code's URL.

A code carries the host's IPv4 address, its port and a 25-bit secret, so it needs no discovery and
no server. docs/security.md, "Host code", describes its layout and sizes.
"""

import base64
import ipaddress
import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

from proxim.core.errors import ProximError, Reason

# A guest that typed a code sends this instead of a sessionID; it means "the session whose code the
# host shows" (docs/protocol.md).
CODE_SESSION_ID: Final = "@code"
# IANA has not assigned it, and it is below the ephemeral range that systems use themselves.
DEFAULT_PORT: Final = 47800
# These ports and the default are all that the code's 3 port bits can express.
FALLBACK_PORTS: Final = range(47801, 47808)
# With 20 tries counted over all guests, a guess succeeds with 6e-7 (docs/security.md).
SECRET_BITS: Final = 25
# 128 bits, because no person types it.
QR_SECRET_BYTES: Final = 16

# Crockford base32 has no I, L, O, U.
ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_AS: Final = {"O": "0", "I": "1", "L": "1"}
_VALUES: Final = {symbol: value for value, symbol in enumerate(ALPHABET)}
# Ignored besides white space: dashes and dots that people type, and soft hyphens and zero-width
# marks that a chat program pastes.
_IGNORED: Final = frozenset(
    "-_.\u00ad\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u200b\u200e\u2060\ufeff"
)

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
_RESERVED_PREFIX: Final = "111111"
# Networks that reach only nearby devices; a code may lead there without showing the person the
# address first.
_LOCAL_NETWORKS: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "127.0.0.0/8",
        "fe80::/10",
        "fc00::/7",
        "::1/128",
    )
)
# This accepts only what invite_url writes. urllib's parser would ignore line breaks, read
# `http://ours@elsewhere/` as elsewhere, and allow any character in the zone, which people see. The
# zone's % may be escaped (RFC 6874) or not (browsers).
_URL: Final = re.compile(
    r"(?i:http)://(?:(?P<v4>[0-9.]+)|\[(?P<v6>[0-9A-Fa-f:.]+)(?:%(?:25)?(?P<zone>[A-Za-z0-9._~-]{1,32}))?\])"
    r":(?P<port>[0-9]{1,5})/?#(?P<fragment>[!-~]+)"
)
# base64url, as session ids are (MAX_SESSION_ID_BYTES).
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
# QR_SECRET_BYTES in base64url; the last 4 bits of the last character are unused.
_QR_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]")


def to_base64url(raw: bytes) -> str:
    """Encode as base64url without padding (RFC 4648, 5), as in URLs and everywhere on the wire."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class CodeError(ProximError):
    """A typed or scanned text leads to no host."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """The layout of the codes for one class of addresses.

    It has a bit prefix, a network whose suffix follows the prefix, and groups of symbols.
    """

    prefix: str
    network: ipaddress.IPv4Network
    groups: tuple[int, ...]
    port_bits: int = 3

    @property
    def suffix_bits(self) -> int:
        return 32 - self.network.prefixlen

    @property
    def symbols(self) -> int:
        return sum(self.groups)

    @property
    def data_bits(self) -> int:
        # The last symbol is the check symbol.
        return 5 * (self.symbols - 1)


_LAYOUTS: Final = (
    _Layout("0", ipaddress.IPv4Network("192.168.0.0/16"), (5, 5)),
    _Layout("10", ipaddress.IPv4Network("10.0.0.0/8"), (4, 4, 4)),
    _Layout("110", ipaddress.IPv4Network("172.16.0.0/12"), (4, 4, 4)),
    _Layout("1110", ipaddress.IPv4Network("100.64.0.0/10"), (4, 4, 4)),
    _Layout("11110", ipaddress.IPv4Network("169.254.0.0/16"), (4, 4, 4)),
    _Layout("111110", ipaddress.IPv4Network("0.0.0.0/0"), (6, 6, 6), port_bits=16),
)


@dataclass(frozen=True, slots=True)
class HostCode:
    """A decoded host code."""

    address: ipaddress.IPv4Address
    port: int
    # The secret has SECRET_BITS bits.
    secret: int = field(repr=False)

    def __post_init__(self) -> None:
        # Wider values would overwrite the bits of others. The text leaves the values out, because
        # it may reach a log.
        if not (0 < self.port < 1 << 16 and 0 <= self.secret < 1 << SECRET_BITS):
            raise ValueError("port or secret out of range")

    @property
    def canonical(self) -> str:
        """The code's symbols without separators."""
        layout = _layout_for(self.address, self.port)
        suffix = int(self.address) & ((1 << layout.suffix_bits) - 1)
        port = self.port - DEFAULT_PORT if layout.port_bits == 3 else self.port
        bits = (
            layout.prefix
            + f"{suffix:0{layout.suffix_bits}b}"
            + f"{port:0{layout.port_bits}b}"
            + f"{self.secret:0{SECRET_BITS}b}"
        ).ljust(layout.data_bits, "0")
        digits = [int(bits[at : at + 5], 2) for at in range(0, len(bits), 5)]
        return "".join(ALPHABET[digit] for digit in [*digits, _check(digits)])

    @property
    def shown(self) -> str:
        """The symbols in groups, as people read them aloud."""
        return group_symbols(self.canonical)


def _layout_for(address: ipaddress.IPv4Address, port: int) -> _Layout:
    short_port = port == DEFAULT_PORT or port in FALLBACK_PORTS
    return next(
        layout
        for layout in _LAYOUTS
        if address in layout.network and (short_port or layout.port_bits == 16)
    )


def _times_alpha(value: int) -> int:
    """Multiply by alpha in GF(32) with x^5 + x^2 + 1."""
    value <<= 1
    return value ^ 0b100101 if value & 32 else value


def _check(digits: list[int]) -> int:
    """Sum alpha^i * d_i, i from 1 (docs/security.md), from the end by Horner's method."""
    total = 0
    for digit in reversed(digits):
        total = _times_alpha(total ^ digit)
    return total


def group_symbols(symbols: str) -> str:
    """Insert dashes between the groups of a code that is complete or still being typed.

    `symbols` must come from normalize_code.
    """
    layout = _layout_of(symbols)
    if layout is None:
        return symbols
    parts = []
    rest = symbols
    for size in layout.groups:
        parts.append(rest[:size])
        rest = rest[size:]
    return "-".join(part for part in [*parts[:-1], parts[-1] + rest] if part)


def _layout_of(symbols: str) -> _Layout | None:
    """Return the layout that the first symbols name.

    None if they do not name one yet, or for the reserved class.
    """
    bits = "".join(f"{_VALUES[symbol]:05b}" for symbol in symbols[:2])
    return next((layout for layout in _LAYOUTS if bits.startswith(layout.prefix)), None)


def normalize_code(typed: str) -> str:
    """Make upper case, drop separators, and replace look-alikes as Crockford defines.

    Raises CodeError CODE_SYMBOL.
    """
    kept = [char.upper() for char in typed if not char.isspace() and char not in _IGNORED]
    symbols = [_READ_AS.get(char, char) for char in kept]
    # upper() makes two letters of some characters, such as the German sharp s.
    if not all(symbol in _VALUES for symbol in symbols):
        raise CodeError(Reason.CODE_SYMBOL)
    return "".join(symbols)


def parse_code(typed: str) -> HostCode:
    """Decode the code that a person typed.

    Raises CodeError: CODE_SYMBOL, CODE_INCOMPLETE (more may follow), CODE_TOO_LONG, CODE_TYPO,
    CODE_UNKNOWN.
    """
    symbols = normalize_code(typed)
    digits = [_VALUES[symbol] for symbol in symbols]
    bits = "".join(f"{digit:05b}" for digit in digits)
    if bits.startswith(_RESERVED_PREFIX):
        raise CodeError(Reason.CODE_UNKNOWN)
    layout = _layout_of(symbols)
    if layout is None or len(symbols) < layout.symbols:
        raise CodeError(Reason.CODE_INCOMPLETE)
    if len(symbols) > layout.symbols:
        raise CodeError(Reason.CODE_TOO_LONG)
    if _check(digits[:-1]) != digits[-1]:
        raise CodeError(Reason.CODE_TYPO)

    at = len(layout.prefix)
    suffix = int(bits[at : at + layout.suffix_bits], 2)
    at += layout.suffix_bits
    port = int(bits[at : at + layout.port_bits], 2) + (DEFAULT_PORT if layout.port_bits == 3 else 0)
    at += layout.port_bits
    secret = int(bits[at : at + SECRET_BITS], 2)
    address = ipaddress.IPv4Address(int(layout.network.network_address) | suffix)
    # Each host has exactly one code, so port 0, padding bits that are set, and an address spelled
    # in the class of others are refused.
    if port == 0 or (code := HostCode(address, port, secret)).canonical != symbols:
        raise CodeError(Reason.CODE_TYPO)
    return code


@dataclass(frozen=True, slots=True)
class JoinTarget:
    """The host that a guest joins, from a code or from a URL."""

    # An IP literal without brackets.
    address: str
    port: int
    session_id: str = field(repr=False)
    # The canonical code if a code was typed.
    code: str | None = field(default=None, repr=False)
    # The secret in base64url if a URL was given.
    qr_secret: str | None = field(default=None, repr=False)

    @property
    def authority(self) -> str:
        """`address:port` as it is written in a URL."""
        return authority(self.address, self.port)

    @property
    def websocket_url(self) -> str:
        """The address of the guest's WebSocket."""
        return f"ws://{self.authority}/ws"

    @property
    def lane_url(self) -> str:
        """The address of the guest's lanes."""
        return f"ws://{self.authority}/lane"


def authority(address: str, port: int) -> str:
    """Write `address:port`, with an IPv6 address in brackets (RFC 3986, 3.2.2).

    A zone is escaped (RFC 6874).
    """
    return f"[{address.replace('%', '%25')}]:{port}" if ":" in address else f"{address}:{port}"


def invite_url(address: str, port: int, session_id: str, uuid: str, qr_secret: str) -> str:
    """Return the QR code's content; all secrets are in the fragment, which no browser sends."""
    return f"http://{authority(address, port)}/#s={session_id}&u={uuid}&k={qr_secret}"


def _parse_url(text: str) -> JoinTarget:
    try:
        url = _URL.fullmatch(text)
        if url is None:
            raise ValueError
        zone = f"%{url['zone']}" if url["zone"] else ""
        address = (
            ipaddress.IPv4Address(url["v4"])
            if url["v4"]
            else ipaddress.IPv6Address(url["v6"] + zone)
        )
        pairs = parse_qsl(
            url["fragment"], keep_blank_values=True, strict_parsing=True, max_num_fields=16
        )
    except ValueError:
        # The error's text would quote the secret.
        raise CodeError(Reason.LINK_UNREADABLE) from None
    port = int(url["port"])
    # Other fields may come from a later version.
    fields = dict(pairs)
    secret = fields.get("k")
    is_ours = _TOKEN.fullmatch(fields.get("s", "")) and (
        secret is None or _QR_SECRET.fullmatch(secret)
    )
    if not 0 < port < 1 << 16 or len(fields) != len(pairs) or not is_ours:
        raise CodeError(Reason.LINK_UNREADABLE)
    return JoinTarget(str(address), port, fields["s"], qr_secret=secret)


def parse_target(typed: str) -> JoinTarget:
    """Read a host code or a Proxim URL.

    Raises CodeError with the reasons of parse_code, or LINK_UNREADABLE for a text that looks like a
    URL but is not one of ours.
    """
    stripped = typed.strip()
    if "/" in stripped or ":" in stripped:
        return _parse_url(stripped)
    code = parse_code(stripped)
    return JoinTarget(str(code.address), code.port, CODE_SESSION_ID, code=code.canonical)


def is_local(address: str, own_networks: tuple[str, ...] = ()) -> bool:
    """Whether a guest may dial `address` without showing it first.

    It may if the address is in a private range or in one of its own subnets (CIDR).
    """
    ip = ipaddress.ip_address(address)
    own = (ipaddress.ip_network(text, strict=False) for text in own_networks)
    return any(ip in network for network in (*_LOCAL_NETWORKS, *own))
