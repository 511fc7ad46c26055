"""The two ways by which a guest finds a host: the typed host code and the QR code's link
(invite_link.py).

A code carries the host's IPv4 address, its port and a 25-bit secret, so it needs no discovery and
no server. docs/security.md, "Host code", describes its layout and sizes.
"""

import ipaddress
import re
import unicodedata
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from proxim.core.errors import ProximError, Reason
from proxim.core.pairing.invite_link import authority, find_links
from proxim.core.sanitize import as_seen

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
# Ignored besides white space and dashes: what people type between the groups. The last one is the
# key of the dash on a Japanese keyboard.
_IGNORED: Final = frozenset("_.\u2212\u30fc")
_DASHES: Final = "\u2010-\u2015\u2212\u30fc-"
# What stands around a code or a link in a text.
_AROUND: Final = " \t\r\n\"'`<>()[]{}«»“”„‚‘’‹›「」『』,.;:!?\u3002"

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
_RESERVED_PREFIX: Final = "111111"
# Networks that reach only nearby devices. A code may lead there without showing the person the
# address first, and a peer may name addresses there.
LOCAL_NETWORKS: Final = tuple(
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
    kept = [char.upper() for char in as_seen(typed) if not _is_separator(char)]
    symbols = [_READ_AS.get(char, char) for char in kept]
    # upper() makes two letters of some characters, such as the German sharp s.
    if not all(symbol in _VALUES for symbol in symbols):
        raise CodeError(Reason.CODE_SYMBOL)
    return "".join(symbols)


def _is_separator(char: str) -> bool:
    return char.isspace() or char in _IGNORED or unicodedata.category(char) == "Pd"


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
    # The secret in base64url if a link with one was given.
    qr_secret: str | None = field(default=None, repr=False)
    # The host's installation, which only a link names.
    uuid: str | None = field(default=None, repr=False)

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


def parse_target(pasted: str) -> JoinTarget:
    """Find the host code or the link in what a person typed or pasted.

    Raises CodeError: the reasons of parse_code; LINK_INCOMPLETE for a link that is not all there,
    which is never dialled; LINK_UNREADABLE for what looks like a link but is none of ours; and
    SEVERAL_LINKS if the text leads to two hosts or sessions.
    """
    text = as_seen(pasted)
    links, incomplete = find_links(text)
    codes, rest = _shown_codes(text)
    if links:
        (link, *others) = links
        # A host shows its code beside its link.
        elsewhere = [one for one in codes if (str(one.address), one.port) != link.endpoint]
        if others or elsewhere:
            raise CodeError(Reason.SEVERAL_LINKS)
        return JoinTarget(
            link.address, link.port, link.session_id, qr_secret=link.secret, uuid=link.uuid
        )
    if incomplete:
        raise CodeError(Reason.LINK_INCOMPLETE)
    if len(codes) > 1:
        raise CodeError(Reason.SEVERAL_LINKS)
    is_found = codes and not _belongs_to_code(rest)
    code = codes.pop() if is_found else _whole_code(text)
    return JoinTarget(str(code.address), code.port, CODE_SESSION_ID, code=code.canonical)


@cache
def _shown() -> re.Pattern[str]:
    """Return the pattern of a code as hosts show it, somewhere in a text.

    It is compiled when it is needed first, as the first code on the screen must not wait for it.
    """
    dash = f"[{_DASHES}]"
    shapes = (
        dash.join([f"[0-9A-Za-z]{{{size}}}"] * groups) for size, groups in ((5, 2), (4, 3), (6, 3))
    )
    return re.compile(rf"(?<![\w{_DASHES}])(?:{'|'.join(shapes)})(?![\w{_DASHES}])")


def _shown_codes(text: str) -> tuple[set[HostCode], str]:
    """Return the codes in a text that are written as hosts show them, and the rest of the text."""
    found = set()
    for match in _shown().finditer(text):
        try:
            found.add(parse_code(match[0]))
        except CodeError:
            # These were words with a dash.
            continue
    return found, _shown().sub(" ", text)


def _belongs_to_code(rest: str) -> bool:
    """Return whether what stands beside a code was typed with it, and is no sentence around it."""
    pieces = re.findall(r"\w+", rest)
    is_word = ((len(one) > 1 and one.isalpha()) or not one.isascii() for one in pieces)
    return bool(pieces) and not any(is_word)


def _whole_code(text: str) -> HostCode:
    """Read a text that is nothing but a code. Raises CodeError."""
    try:
        return parse_code(text.strip(_AROUND))
    except CodeError:
        if looks_like_link(text) or is_no_code(text):
            raise CodeError(Reason.LINK_UNREADABLE) from None
        raise


def looks_like_link(text: str) -> bool:
    """Return whether a text without a code or a whole link in it may be a part of a link."""
    return "/" in text or ":" in text


def is_no_code(text: str) -> bool:
    """Return whether a text is longer than every code, also than one with a symbol too many."""
    symbols = sum(not _is_separator(char) for char in as_seen(text).strip(_AROUND))
    return symbols > max(layout.symbols for layout in _LAYOUTS) + 1


def cautions(target: JoinTarget, own_networks: tuple[str, ...] = ()) -> tuple[Reason, ...]:
    """Return what a person has to know and agree to before a guest dials this host.

    FAR_ADDRESS: it is outside the local network. NO_SECRET: nobody can prove anything.
    """
    found = []
    if not is_local(target.address, own_networks):
        found.append(Reason.FAR_ADDRESS)
    if target.code is None and target.qr_secret is None:
        found.append(Reason.NO_SECRET)
    return tuple(found)


def is_local(address: str, own_networks: tuple[str, ...] = ()) -> bool:
    """Whether a guest may dial `address` without showing it first.

    It may if the address is in a private range or in one of its own subnets (CIDR).
    """
    ip = ipaddress.ip_address(address)
    own = (ipaddress.ip_network(text, strict=False) for text in own_networks)
    return any(ip in network for network in (*LOCAL_NETWORKS, *own))
