"""Finds which of this machine's addresses a guest can reach: all of them, best first.

Reading the system (`read_adapters`, `default_sources`) is separate from judging (`kind_of`,
`rank`), which is pure and tested with the tables of real machines. Nothing is sent and no name is
looked up. All of it is cheap enough to run every few seconds.
"""

import contextlib
import functools
import ipaddress
import re
import socket
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from proxim.core.pairing.host_code import IPAddress, is_local
from proxim.core.pairing.opening import Network
from proxim.io.system.kernel_addresses import kernel_addresses

# These are documentation addresses (RFC 5737, RFC 3849). They are never on a network of this
# machine, so the default route applies to them. A UDP socket that is connected to one reveals its
# own address and sends nothing. The port is discard (RFC 863), because macOS refuses port 0.
_FAR_AWAY: Final = (
    (socket.AF_INET, ("203.0.113.1", 9)),
    (socket.AF_INET6, ("2001:db8::1", 9)),
)

_SYS_CLASS_NET: Final = Path("/sys/class/net")
_IF_INET6: Final = Path("/proc/net/if_inet6")
# Flags from linux/if_addr.h.
_IFA_F_TEMPORARY: Final = 0x01
_IFA_F_DADFAILED: Final = 0x08
_IFA_F_DEPRECATED: Final = 0x20
_IFA_F_TENTATIVE: Final = 0x40
# In linux/if_arp.h this type means no link layer at all. tun and WireGuard devices have it.
_ARPHRD_NONE: Final = "65534"
_ARPHRD_PPP: Final = "512"
# Interface names on Linux and macOS. "br-" is Docker's bridge, while a plain "br0" is a person's
# own, with the LAN on it.
_VPN_NAME: Final = re.compile(
    r"(tun|tap|wg|utun|feth|ppp|ipsec|nordlynx|nordtun|proton|pvpn|mullvad|cscotun|gpd|nebula|vpn|wt|ham)(\d|[-_.]|$)|"
    r"tailscale|zt[a-z0-9]{8,}$"
)
_VIRTUAL_NAME: Final = re.compile(
    r"docker|veth|virbr|vnet|vmnet|vmenet|vboxnet|lxc|lxd|incus|cni|flannel|cali|podman|nerdctl|kube|weave|cilium|hassio|"
    r"waydroid|anbox|ip6tnl|macvtap|vxlan|geneve|(awdl|llw|anpi|gif|stf|sit|tunl|gre|dummy|ifb|p2p)(\d|[-_.]|$)|"
    # On macOS bridge100 belongs to its own virtual machines, while bridge0 is Thunderbolt.
    r"br-[0-9a-f]{6,}|bridge1\d\d$"
)
# Descriptions and connection names on Windows. A virtual machine's own card ("Microsoft Hyper-V
# Network Adapter", "vmxnet3", "VirtIO") is its connection to the network and must not match.
_VPN_WORDS: Final = re.compile(
    r"\bvpn\b|openvpn|tap-win|wintun|wireguard|tailscale|zerotier|nordlynx|anyconnect|cisco secure "
    r"client|forti|pangp|"
    r"globalprotect|juniper|pulse secure|hamachi|check point|softether|sonicwall|zscaler|"
    r"cloudflare|mullvad|netbird|"
    r"radmin|wan miniport|tunnel(?!ing pseudo)",
    re.IGNORECASE,
)
_VIRTUAL_WORDS: Final = re.compile(
    r"vethernet|hyper-v virtual|virtualbox|vmware virtual|\bvirtual\b|loopback|npcap|teredo|isatap|"
    r"6to4|\bwsl\b|docker|"
    r"pseudo-interface",
    re.IGNORECASE,
)


class AdapterKind(StrEnum):
    """The kind of an adapter, as far as it matters to others on the same network."""

    PHYSICAL = "physical"
    # It connects this machine to its own containers or virtual machines.
    VIRTUAL = "virtual"
    VPN = "vpn"


@dataclass(frozen=True, slots=True)
class AdapterAddress:
    """One address of an adapter. A link-local IPv6 address has its zone."""

    ip: IPAddress
    prefix_length: int
    # Whether it is a temporary or deprecated IPv6 address (RFC 8981), which is gone within hours.
    passing: bool = False


@dataclass(frozen=True, slots=True)
class Adapter:
    """A network adapter as the system describes it."""

    # The name for people, such as "eth0" or "Wi-Fi".
    name: str
    description: (
        # On Windows this is the driver's description, which names virtual adapters. Elsewhere it is
        # the name again.
        str
    )
    addresses: tuple[AdapterAddress, ...]
    # False for an adapter without cable or Wi-Fi, and for a bridge without members.
    running: bool = True
    # Whether the system itself reports that there is no link layer below.
    tunnel: bool = False


# --- judging --------------------------------------------------------------------------------------


def kind_of(adapter: Adapter) -> AdapterKind:
    """Judge by the system's names whether an adapter is physical, a VPN, or otherwise virtual."""
    return AdapterKind.VPN if adapter.tunnel else _kind_by_name(adapter.name, adapter.description)


# A watcher asks again and again about the same few names and addresses. A machine with 60 of them
# is a busy server.
_remembered = functools.lru_cache(maxsize=256)


@_remembered
def _kind_by_name(name: str, description: str) -> AdapterKind:
    words = f"{name}\n{description}"
    if _VPN_NAME.match(name) or _VPN_WORDS.search(words):
        return AdapterKind.VPN
    if _VIRTUAL_NAME.match(name) or _VIRTUAL_WORDS.search(words):
        return AdapterKind.VIRTUAL
    return AdapterKind.PHYSICAL


@_remembered
def _is_private(ip: IPAddress) -> bool:
    return is_local(str(ip))


def _without_zone(address: str) -> str:
    return address.partition("%")[0]


def _shown_addresses(adapter: Adapter, include_loopback: bool) -> Iterator[AdapterAddress]:
    """Yield all IPv4 addresses, the steadiest global IPv6 address and the first link-local one.

    IPv6 gives an adapter many addresses.
    """
    sixes = []
    loopback = any(own.ip.is_loopback for own in adapter.addresses)
    for address in adapter.addresses:
        ip = address.ip
        if ip.is_unspecified or ip.is_multicast or (ip.is_loopback and not include_loopback):
            continue
        # On macOS, lo0 has fe80::1.
        if loopback and ip.is_link_local:
            continue
        if ip.version == 4 or ip.is_loopback:
            yield address
        else:
            sixes.append(address)
    wide = [six for six in sixes if not six.ip.is_link_local]
    # A private address (ULA) outlives a change of the provider's prefix. Otherwise min() keeps the
    # system's order.
    if wide:
        yield min(wide, key=lambda six: (six.passing, not _is_private(six.ip)))
    yield from [six for six in sixes if six.ip.is_link_local][:1]


def rank(
    adapters: Collection[Adapter],
    default_sources: Collection[str] = (),
    *,
    include_loopback: bool = False,
) -> tuple[Network, ...]:
    """Return the addresses that a guest may be given, best first.

    The criteria by weight: not loopback, not link-local (which needs luck, and in IPv6 a zone that
    differs on the guest), physical, on the default route, IPv4 (the short code carries nothing
    else), private. `default_sources` are the addresses from which this machine reaches the
    Internet. Adapters that are not running are left out.
    """
    sources = {_without_zone(source) for source in default_sources}
    ranked: dict[str, tuple[tuple[object, ...], Network]] = {}
    for position, adapter in enumerate(adapters):
        if not adapter.running:
            continue
        virtual = kind_of(adapter) is not AdapterKind.PHYSICAL
        routed = {
            own.ip.version for own in adapter.addresses if _without_zone(str(own.ip)) in sources
        }
        for address in _shown_addresses(adapter, include_loopback):
            ip, text = address.ip, str(address.ip)
            distance = 0 if ip.version in routed else 1 if routed else 2
            weight = (
                ip.is_loopback,
                ip.is_link_local,
                virtual,
                distance,
                ip.version,
                not _is_private(ip),
                position,
            )
            network = Network(text, address.prefix_length, adapter.name, virtual)
            ranked.setdefault(text, (weight, network))
    return tuple(network for _, network in sorted(ranked.values(), key=lambda pair: pair[0]))


# An adapter as it is listed: its name, its name for people, its description, and its addresses,
# each with its scope and the length of its prefix.
_Listed = tuple[str, str, str, list[tuple[str, int, int]]]


# --- reading --------------------------------------------------------------------------------------


def default_sources() -> tuple[str, ...]:
    """Return the addresses from which this machine reaches the Internet, at most one per family."""
    found = []
    for family, far_away in _FAR_AWAY:
        # Without a default route, or without IPv6 at all, there is simply no such address.
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect(far_away)
            found.append(str(probe.getsockname()[0]))
    return tuple(found)


def parse_if_inet6(text: str) -> dict[str, int]:
    """Return each address's flags from Linux' /proc/net/if_inet6.

    Its fields are address, index, prefix length, scope, flags and name, with all numbers in hex.
    """
    flags = {}
    for line in text.splitlines():
        fields = line.split()
        if len(fields) == 6:
            flags[str(ipaddress.IPv6Address(int(fields[0], 16)))] = int(fields[4], 16)
    return flags


def _read_text(path: Path) -> str:
    """Read a small kernel file; "" if it is missing or inaccessible, as in a sandbox."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def _bindable(ip: IPAddress) -> bool:
    """Whether the system lets a socket have this address now.

    Windows lists 169.254 addresses of unplugged adapters.
    """
    try:
        with socket.socket(
            socket.AF_INET if ip.version == 4 else socket.AF_INET6, socket.SOCK_DGRAM
        ) as probe:
            probe.bind((str(ip), 0))
    except OSError:
        return False
    return True


def _scoped(raw: str, scope: int, name: str) -> IPAddress:
    """Return the address, with a zone if needed: the interface's name, or number on Windows."""
    ip = ipaddress.ip_address(raw)
    if ip.version == 4 or not ip.is_link_local:
        return ip
    number = int(ip)
    if sys.platform == "darwin":
        # BSD kernels keep the zone in bytes 2-3, which are zero in every fe80::/10 address on the
        # wire (RFC 4291).
        number &= ~(0xFFFF << 96)
    zone = (str(scope) if scope else "") if sys.platform == "win32" else name
    return ipaddress.IPv6Address(f"{ipaddress.IPv6Address(number)}%{zone}" if zone else number)


def _from_kernel() -> list[_Listed]:
    """Return the adapters as Linux' kernel lists them. Raises OSError where it must not be asked.

    ifaddr gives the same, but takes 10 ms to load, which the code on the screen would wait for: it
    looks for the C library in a child process.
    """
    found: dict[str, list[tuple[str, int, int]]] = {}
    for name, address, prefix_length in kernel_addresses():
        found.setdefault(name, []).append((address, 0, prefix_length))
    return [(name, name, name, own) for name, own in found.items()]


def _from_ifaddr() -> list[_Listed]:
    """Return the adapters as the system's library lists them. Raises what ifaddr does."""
    # Imported late, because Linux does not need it.
    import ifaddr

    found: list[_Listed] = []
    for entry in ifaddr.get_adapters():
        # IPv6 addresses have a flow and a scope besides.
        own = [
            (one.ip[0], one.ip[2], one.network_prefix)
            if isinstance(one.ip, tuple)
            else (one.ip, 0, one.network_prefix)
            for one in entry.ips
        ]
        # On Windows this is the connection's name, such as "Wi-Fi"; elsewhere it is the
        # interface's.
        shown = next((one.nice_name for one in entry.ips), entry.name)
        found.append((entry.name, shown, entry.nice_name, own))
    return found


def read_adapters() -> tuple[Adapter, ...]:
    """Return this machine's adapters as the system reports them.

    If that fails, they follow from the default route.
    """
    try:
        listed = _from_kernel() if sys.platform == "linux" else _from_ifaddr()
    # The system refuses (Android), or an address has no usable netmask.
    except (OSError, AssertionError, ValueError):
        sources = [ipaddress.ip_address(source) for source in default_sources()]
        found = tuple(AdapterAddress(ip, ip.max_prefixlen) for ip in sources)
        return (Adapter("default", "default", found),) if found else ()

    linux = sys.platform == "linux"
    flags = parse_if_inet6(_read_text(_IF_INET6)) if linux else {}
    adapters = []
    for name, shown, description, own in listed:
        addresses = []
        for raw, scope, prefix_length in own:
            flag = flags.get(raw, 0)
            ip = _scoped(raw, scope, name)
            unusable = flag & (_IFA_F_DADFAILED | _IFA_F_TENTATIVE)
            if unusable or (ip.version == 4 and ip.is_link_local and not _bindable(ip)):
                continue
            passing = bool(flag & (_IFA_F_TEMPORARY | _IFA_F_DEPRECATED))
            addresses.append(AdapterAddress(ip, prefix_length, passing))
        if not addresses:
            continue
        running, tunnel = True, False
        if linux:
            # A name such as "eth0:1" is a label on eth0.
            device = _SYS_CLASS_NET / name.partition(":")[0]
            running = _read_text(device / "operstate") not in (
                "down",
                "lowerlayerdown",
                "notpresent",
                "dormant",
            )
            tunnel = _read_text(device / "type") in (_ARPHRD_NONE, _ARPHRD_PPP)
        adapters.append(Adapter(shown, description, tuple(addresses), running, tunnel))
    return tuple(adapters)


def list_networks(*, include_loopback: bool = False) -> tuple[Network, ...]:
    """Return this machine's addresses, best first, or nothing while it is on no network."""
    return rank(read_adapters(), default_sources(), include_loopback=include_loopback)


def network_for(address: str) -> Network | None:
    """Return the Network of an address that a person named, or None if this machine lacks it.

    Loopback and addresses that list_networks leaves out count too. A link-local IPv6 address may
    lack its zone.
    """
    try:
        wanted = ipaddress.ip_address(address.strip().strip("[]"))
    except ValueError:
        return None
    for adapter in read_adapters():
        for own in adapter.addresses:
            same = own.ip == wanted or (
                _without_zone(str(wanted)) == str(wanted) == _without_zone(str(own.ip))
            )
            if same:
                return Network(
                    str(own.ip),
                    own.prefix_length,
                    adapter.name,
                    kind_of(adapter) is not AdapterKind.PHYSICAL,
                )
    if wanted.version == 4 and wanted.is_loopback and _bindable(wanted):
        # All of 127/8 is loopback, but only one of its addresses is listed.
        return Network(str(wanted), 8, "loopback", virtual=False)
    return None
