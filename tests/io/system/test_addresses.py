import ipaddress
import socket
import struct
import sys
from types import SimpleNamespace

import ifaddr
import pytest

from proxim.core import events as ev
from proxim.io.system import addresses
from proxim.io.system.addresses import (
    Adapter,
    AdapterAddress,
    AdapterKind,
    default_sources,
    kind_of,
    list_networks,
    network_for,
    parse_if_inet6,
    rank,
    read_adapters,
)
from proxim.io.system.kernel_addresses import (
    KernelAddress,
    kernel_addresses,
    read_address,
    read_messages,
)


def adapter(
    name: str,
    *cidrs: str,
    description: str = "",
    running: bool = True,
    tunnel: bool = False,
    passing: str = "",
) -> Adapter:
    """Return an adapter with addresses such as "192.168.1.2/24"; `passing` is the temporary one."""
    own = []
    for cidr in cidrs:
        address, _, prefix_length = cidr.partition("/")
        own.append(
            AdapterAddress(ipaddress.ip_address(address), int(prefix_length), address == passing)
        )
    return Adapter(name, description or name, tuple(own), running, tunnel)


def ranked(adapters: list[Adapter], *sources: str) -> list[str]:
    return [f"{network.interface} {network.address}" for network in rank(adapters, sources)]


LO = adapter("lo", "127.0.0.1/8", "::1/128")

LINUX_LAPTOP = [
    LO,
    adapter("docker0", "172.17.0.1/16", "fe80::42:1%docker0/64"),
    adapter("br-5f3a9c2b7d10", "172.18.0.1/16"),
    adapter("vethd00dfee", "fe80::2%vethd00dfee/64"),
    adapter("virbr0", "192.168.122.1/24", running=False),
    adapter("enp0s31f6", "192.168.50.4/24", running=False),
    adapter(
        "wlp2s0",
        "192.168.1.23/24",
        "2001:4dd0::aaaa/64",
        "2001:4dd0::bbbb/64",
        "fd12::9/64",
        "fe80::3%wlp2s0/64",
        passing="2001:4dd0::aaaa",
    ),
    adapter("tun0", "10.8.0.6/24"),
    adapter("tailscale0", "100.101.102.103/32", "fd7a:115c:a1e0::1/128"),
]

WINDOWS_DESKTOP = [
    adapter(
        "Loopback Pseudo-Interface 1",
        "127.0.0.1/8",
        "::1/128",
        description="Software Loopback Interface 1",
    ),
    adapter(
        "vEthernet (WSL)",
        "172.29.64.1/20",
        "fe80::aa%27/64",
        description="Hyper-V Virtual Ethernet Adapter",
    ),
    adapter(
        "VirtualBox Host-Only Network",
        "192.168.56.1/24",
        description="VirtualBox Host-Only Ethernet Adapter",
    ),
    adapter(
        "VMware Network Adapter VMnet8",
        "192.168.80.1/24",
        description="VMware Virtual Ethernet Adapter for VMnet8",
    ),
    adapter(
        "Local Area Connection* 2",
        "169.254.9.9/16",
        description="Microsoft Wi-Fi Direct Virtual Adapter",
    ),
    adapter("Ethernet 2", "10.6.0.2/24", description="TAP-Windows Adapter V9"),
    adapter("NordLynx", "10.5.0.2/16", description="NordLynx Tunnel"),
    adapter("Ethernet", "169.254.20.1/16", description="Realtek PCIe GbE Family Controller"),
    adapter(
        "Wi-Fi", "192.168.178.31/24", "fe80::bb%14/64", description="Intel(R) Wi-Fi 6 AX201 160MHz"
    ),
]

# An external switch takes over the network card's address.
WINDOWS_HYPER_V_HOST = [
    adapter(
        "vEthernet (Default Switch)",
        "172.20.0.1/20",
        description="Hyper-V Virtual Ethernet Adapter",
    ),
    adapter(
        "vEthernet (External)", "192.168.1.9/24", description="Hyper-V Virtual Ethernet Adapter #2"
    ),
]

MAC = [
    adapter("lo0", "127.0.0.1/8", "::1/128", "fe80::1%lo0/64"),
    adapter("anpi0", "fe80::10%anpi0/64"),
    adapter("en0", "fe80::20%en0/64", "10.0.1.5/24", "2a02::5/64"),
    adapter("awdl0", "fe80::30%awdl0/64"),
    adapter("utun3", "10.99.0.2/32", "fe80::40%utun3/64"),
    adapter("bridge100", "192.168.64.1/24"),
    adapter("en5", "192.168.2.1/24"),
]


def test_linux_laptop() -> None:
    assert ranked(LINUX_LAPTOP, "192.168.1.23", "2001:4dd0::bbbb") == [
        "wlp2s0 192.168.1.23",
        "wlp2s0 fd12::9",
        "docker0 172.17.0.1",
        "br-5f3a9c2b7d10 172.18.0.1",
        "tun0 10.8.0.6",
        "tailscale0 100.101.102.103",
        "tailscale0 fd7a:115c:a1e0::1",
        "wlp2s0 fe80::3%wlp2s0",
        "docker0 fe80::42:1%docker0",
        "vethd00dfee fe80::2%vethd00dfee",
    ]


def test_a_vpn_that_takes_the_default_route_does_not_take_the_first_place() -> None:
    assert ranked(LINUX_LAPTOP, "10.8.0.6")[0] == "wlp2s0 192.168.1.23"


def test_windows_desktop() -> None:
    order = ranked(WINDOWS_DESKTOP, "192.168.178.31")
    assert order[0] == "Wi-Fi 192.168.178.31"
    assert {network.interface for network in rank(WINDOWS_DESKTOP) if not network.virtual} == {
        "Wi-Fi",
        "Ethernet",
    }
    # Link-local addresses come last, first among them the physical ones.
    assert order[-4:] == [
        "Wi-Fi fe80::bb%14",
        "Ethernet 169.254.20.1",
        "Local Area Connection* 2 169.254.9.9",
        "vEthernet (WSL) fe80::aa%27",
    ]


def test_hyper_v_host_uses_the_switch_that_leads_out() -> None:
    assert ranked(WINDOWS_HYPER_V_HOST, "192.168.1.9")[0] == "vEthernet (External) 192.168.1.9"


def test_mac() -> None:
    assert ranked(MAC, "10.0.1.5", "2a02::5") == [
        "en0 10.0.1.5",
        "en0 2a02::5",
        "en5 192.168.2.1",
        "utun3 10.99.0.2",
        "bridge100 192.168.64.1",
        "en0 fe80::20%en0",
        "anpi0 fe80::10%anpi0",
        "awdl0 fe80::30%awdl0",
        "utun3 fe80::40%utun3",
    ]


def test_default_route_outweighs_family_and_family_outweighs_privacy() -> None:
    machine = [
        adapter("eth0", "198.51.100.9/24"),
        adapter("eth1", "10.1.1.1/24", "fd00::1/64"),
        adapter("eth2", "2001:db8:1::2/64"),
    ]
    assert ranked(machine, "2001:db8:1::2") == [
        "eth2 2001:db8:1::2",
        "eth1 10.1.1.1",
        "eth0 198.51.100.9",
        "eth1 fd00::1",
    ]


def test_same_address_twice_is_one_network() -> None:
    assert ranked([adapter("eth0", "10.0.0.1/8"), adapter("eth0:1", "10.0.0.1/8")]) == [
        "eth0 10.0.0.1"
    ]


def test_all_ipv4_aliases_are_kept() -> None:
    assert len(ranked([adapter("eth0", "10.0.0.1/8", "10.0.0.2/8")])) == 2


def test_of_many_ipv6_addresses_the_steady_private_one_is_kept() -> None:
    machine = adapter(
        "eth0",
        "2001:db8::1/64",
        "fd00::a/64",
        "fd00::b/64",
        "fe80::1%eth0/64",
        "fe80::2%eth0/64",
        passing="fd00::a",
    )
    assert ranked([machine]) == ["eth0 fd00::b", "eth0 fe80::1%eth0"]


def test_loopback_unspecified_and_multicast_are_left_out() -> None:
    assert ranked([LO, adapter("odd", "0.0.0.0/0", "224.0.0.1/4", "::/0")]) == []


def test_loopback_comes_last_when_asked_for() -> None:
    order = rank([LO, adapter("eth0", "fe80::1%eth0/64")], (), include_loopback=True)
    assert [network.address for network in order] == ["fe80::1%eth0", "127.0.0.1", "::1"]


def test_rank_of_nothing() -> None:
    assert rank([]) == ()


def test_kinds(subtests: pytest.Subtests) -> None:
    cases: list[tuple[str, str, AdapterKind]] = [
        ("eth0", "", AdapterKind.PHYSICAL),
        ("enx00e04c680001", "", AdapterKind.PHYSICAL),
        ("wlan0", "", AdapterKind.PHYSICAL),
        ("usb0", "", AdapterKind.PHYSICAL),
        ("bond0", "", AdapterKind.PHYSICAL),
        ("br0", "", AdapterKind.PHYSICAL),
        ("bridge0", "", AdapterKind.PHYSICAL),
        ("wwan0", "", AdapterKind.PHYSICAL),
        ("Ethernet", "Microsoft Hyper-V Network Adapter", AdapterKind.PHYSICAL),
        ("Ethernet0", "vmxnet3 Ethernet Adapter", AdapterKind.PHYSICAL),
        ("Ethernet", "Red Hat VirtIO Ethernet Adapter", AdapterKind.PHYSICAL),
        ("WLAN", "Qualcomm Atheros QCA9377 Wireless Network Adapter", AdapterKind.PHYSICAL),
        ("wg0", "", AdapterKind.VPN),
        ("wg-home", "", AdapterKind.VPN),
        ("utun12", "", AdapterKind.VPN),
        ("ztbpajcmjo", "", AdapterKind.VPN),
        ("ppp0", "", AdapterKind.VPN),
        ("proton0", "", AdapterKind.VPN),
        (
            "Ethernet 3",
            "Cisco AnyConnect Secure Mobility Client Virtual Miniport Adapter",
            AdapterKind.VPN,
        ),
        ("Ethernet 4", "PANGP Virtual Ethernet Adapter", AdapterKind.VPN),
        ("Firmennetz", "Fortinet SSL VPN Virtual Ethernet Adapter", AdapterKind.VPN),
        ("wt0", "WireGuard Tunnel", AdapterKind.VPN),
        ("Tailscale", "Tailscale Tunnel", AdapterKind.VPN),
        ("Ethernet 5", "ZeroTier Virtual Port", AdapterKind.VPN),
        ("lxcbr0", "", AdapterKind.VIRTUAL),
        ("cali1234abcd", "", AdapterKind.VIRTUAL),
        ("flannel.1", "", AdapterKind.VIRTUAL),
        ("vmnet8", "", AdapterKind.VIRTUAL),
        ("bridge101", "", AdapterKind.VIRTUAL),
        ("docker_gwbridge", "", AdapterKind.VIRTUAL),
        ("Ethernet 6", "Microsoft KM-TEST Loopback Adapter", AdapterKind.VIRTUAL),
        ("Teredo", "Teredo Tunneling Pseudo-Interface", AdapterKind.VIRTUAL),
    ]
    for name, description, kind in cases:
        with subtests.test(name=name):
            assert kind_of(Adapter(name, description or name, ())) is kind


def test_a_tunnel_with_a_harmless_name_is_a_vpn() -> None:
    assert kind_of(adapter("office", "10.8.0.2/24", tunnel=True)) is AdapterKind.VPN


def test_parse_if_inet6() -> None:
    text = (
        "fd000000000000000000000000000002 04 40 00 82     eth0\n"
        "fe8000000000000000fc00fffe000001 04 40 20 40     eth0\n"
        "nonsense\n"
    )
    assert parse_if_inet6(text) == {"fd00::2": 0x82, "fe80::fc:ff:fe00:1": 0x40}
    assert parse_if_inet6("") == {}


# --- this machine ---------------------------------------------------------------------------------


def listed(name: str, *ips: object, nice_name: str = "", label: str = "") -> SimpleNamespace:
    """Return an ifaddr.Adapter as the systems' backends fill it."""
    entries = [SimpleNamespace(ip=ip, network_prefix=24, nice_name=label or name) for ip in ips]
    return SimpleNamespace(name=name, nice_name=nice_name or name, ips=entries)


def pretend(monkeypatch: pytest.MonkeyPatch, platform: str, *entries: SimpleNamespace) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(ifaddr, "get_adapters", lambda: entries)


def test_windows_names_the_connection_and_keeps_the_description(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    card = listed(
        "{8F3C}", ("fe80::5", 0, 14), "192.168.1.2", nice_name="Intel(R) Wi-Fi", label="Wi-Fi"
    )
    pretend(monkeypatch, "win32", card)
    [found] = read_adapters()
    assert (found.name, found.description) == ("Wi-Fi", "Intel(R) Wi-Fi")
    assert [str(own.ip) for own in found.addresses] == ["fe80::5%14", "192.168.1.2"]


def test_mac_zone_is_taken_out_of_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, "darwin", listed("en0", ("fe80:4::5", 0, 0)))
    [found] = read_adapters()
    assert [str(own.ip) for own in found.addresses] == ["fe80::5%en0"]


def kernel_lists(monkeypatch: pytest.MonkeyPatch, *found: KernelAddress) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(addresses, "kernel_addresses", lambda: list(found))


def test_linux_state_flags_and_tunnels_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {
        "if_inet6": "20010db8000000000000000000000001 04 40 00 01     eth0\n"
        "20010db8000000000000000000000002 04 40 00 40     eth0\n"
        "20010db8000000000000000000000003 04 40 00 80     eth0\n",
        "eth0/operstate": "up",
        "eth1/operstate": "down",
        "office/type": "65534",
    }
    monkeypatch.setattr(
        addresses,
        "_read_text",
        lambda path: next((texts[key] for key in texts if str(path).endswith(key)), ""),
    )
    kernel_lists(
        monkeypatch,
        ("eth1:0", "10.0.0.1", 24),
        ("office", "10.8.0.1", 24),
        ("eth0", "2001:db8::1", 64),
        ("eth0", "2001:db8::2", 64),
        ("eth0", "2001:db8::3", 64),
    )
    eth1, office, eth0 = read_adapters()
    assert [(str(own.ip), own.passing) for own in eth0.addresses] == [
        ("2001:db8::1", True),
        ("2001:db8::3", False),
    ]
    assert not eth1.running
    assert office.tunnel


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux' kernel is asked")
def test_the_kernel_and_the_library_list_the_same() -> None:
    by_library = [
        (one.name, own.ip[0] if isinstance(own.ip, tuple) else own.ip, own.network_prefix)
        for one in ifaddr.get_adapters()
        for own in one.ips
    ]
    assert sorted(kernel_addresses()) == sorted(by_library)


def attribute(kind: int, value: bytes) -> bytes:
    whole = struct.pack("=HH", 4 + len(value), kind) + value
    return whole + bytes(-len(whole) % 4)


def test_an_address_of_the_kernel() -> None:
    near, far = attribute(2, bytes((10, 8, 0, 1))), attribute(1, bytes((10, 8, 0, 2)))
    label = attribute(3, b"tun0:1\0")
    head = struct.pack("=BBBBI", socket.AF_INET, 32, 0, 0, 1)
    assert read_address(head + far + near + label) == [("tun0:1", "10.8.0.1", 32)]
    # Nothing but attributes without a length, none, and an address of another kind.
    assert read_address(head + b"\0\0\1\0" + near) == []
    assert read_address(head) == []
    assert read_address(struct.pack("=BBBBI", socket.AF_UNSPEC, 0, 0, 0, 1) + near) == []
    assert read_address(b"short") == []
    # An interface that is gone has no name.
    gone = struct.pack("=BBBBI", socket.AF_INET, 32, 0, 0, 0)
    assert read_address(gone + near) == []


def test_messages_of_the_kernel_are_cut_at_their_lengths() -> None:
    first = struct.pack("=IHHII", 18, 20, 0, 0, 0) + b"ab" + b"\0\0"
    last = struct.pack("=IHHII", 16, 3, 0, 0, 0)
    broken = struct.pack("=IHHII", 0, 20, 0, 0, 0)
    assert list(read_messages(first + last)) == [(20, b"ab"), (3, b"")]
    assert list(read_messages(broken + last)) == []


def test_a_self_given_address_that_no_socket_can_have_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pretend(monkeypatch, "win32", listed("{1}", "169.254.255.1", label="Ethernet"))
    assert read_adapters() == ()


@pytest.mark.parametrize("error", [OSError(13, "denied"), AssertionError(), ValueError()])
def test_where_adapters_cannot_be_listed_the_default_route_helps(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse() -> None:
        raise error

    monkeypatch.setattr(addresses, "kernel_addresses", refuse)
    monkeypatch.setattr(ifaddr, "get_adapters", refuse)
    monkeypatch.setattr(addresses, "default_sources", lambda: ("192.168.1.5",))
    assert list_networks() == (ev.Network("192.168.1.5", 32, "default", virtual=False),)
    monkeypatch.setattr(addresses, "default_sources", lambda: ())
    assert list_networks() == ()


def test_every_listed_address_of_this_machine_can_be_listened_on() -> None:
    networks = list_networks(include_loopback=True)
    assert networks
    for network in networks:
        family, _, _, _, where = socket.getaddrinfo(network.address, 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as listener:
            listener.bind(where)
    assert not any(ipaddress.ip_address(network.address).is_loopback for network in list_networks())


def test_default_sources_are_addresses_of_this_machine() -> None:
    for source in default_sources():
        assert network_for(source) is not None


def test_without_any_route_there_is_no_source(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object) -> socket.socket:
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket, "socket", unreachable)
    assert default_sources() == ()


def test_network_for_loopback() -> None:
    found = network_for("127.0.0.1")
    assert found is not None
    assert (found.address, found.prefix_length, found.virtual) == ("127.0.0.1", 8, False)


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has 127.0.0.1 only")
def test_network_for_another_loopback_address() -> None:
    assert network_for("127.0.0.77") == ev.Network("127.0.0.77", 8, "loopback", virtual=False)


def test_network_for_what_is_not_here(subtests: pytest.Subtests) -> None:
    for text in ["", "nonsense", "203.0.113.77", "0.0.0.0", "::", "192.0.2.2/24", "2001:db8::7"]:
        with subtests.test(text=text):
            assert network_for(text) is None


def test_network_for_reads_zones_brackets_and_stopped_adapters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine = (
        adapter("eth0", "fe80::1%eth0/64", "fd00::1/64"),
        adapter("docker0", "172.17.0.1/16", running=False),
    )
    monkeypatch.setattr(addresses, "read_adapters", lambda: machine)
    assert network_for("FE80:0::1") == ev.Network("fe80::1%eth0", 64, "eth0", virtual=False)
    assert network_for("fe80::1%eth0") == ev.Network("fe80::1%eth0", 64, "eth0", virtual=False)
    assert network_for("fe80::1%eth9") is None
    assert network_for("[fd00::1]") == ev.Network("fd00::1", 64, "eth0", virtual=False)
    assert network_for(" 172.17.0.1 ") == ev.Network("172.17.0.1", 16, "docker0", virtual=True)
