import json
import sys
from collections.abc import Sequence

import pytest

from proxim.core.doctor import Firewall, FirewallState
from proxim.io.system.firewall import (
    find_firewalls,
    find_on_linux,
    find_on_macos,
    find_on_windows,
    own_programs,
    parse_firewalld,
    parse_iptables,
    parse_macos,
    parse_netsh,
    parse_nftables,
    parse_ufw,
    parse_windows,
    powershell_script,
    ufw_is_enabled,
)
from proxim.io.system.subprocesses import ToolOutput

ABSENT = ToolOutput(None)
OFF, ALLOWS, ASKS = FirewallState.OFF, FirewallState.ALLOWS, FirewallState.ASKS
BLOCKS, UNCLEAR, UNREADABLE = FirewallState.BLOCKS, FirewallState.UNCLEAR, FirewallState.UNREADABLE


def state_of(firewall: Firewall | None) -> FirewallState | None:
    return None if firewall is None else firewall.state


# --- ufw ------------------------------------------------------------------------------------------

UFW_CONF = "# /etc/ufw/ufw.conf\n\n# Set to yes to start on boot.\nENABLED={}\n\nLOGLEVEL=low\n"
UFW_NOT_ROOT = ToolOutput(1, "ERROR: You need to be root to run this script\n")
UFW_STATUS = """Status: active
Logging: on (low)
Default: {default} (incoming), allow (outgoing), disabled (routed)
New profiles: skip

To                         Action      From
--                         ------      ----
22/tcp                     ALLOW IN    Anywhere
{rule}
22/tcp (v6)                ALLOW IN    Anywhere (v6)
"""


def ufw_status(rule: str, default: str = "deny") -> ToolOutput:
    return ToolOutput(0, UFW_STATUS.format(rule=rule, default=default))


def test_ufw_conf(subtests: pytest.Subtests) -> None:
    cases: list[tuple[str, bool | None]] = [
        (UFW_CONF.format("yes"), True),
        (UFW_CONF.format("no"), False),
        ("ENABLED='YES'", True),
        ("#ENABLED=yes", None),
        ("", None),
    ]
    for conf, enabled in cases:
        with subtests.test(conf=conf):
            assert ufw_is_enabled(conf) is enabled


def test_ufw(subtests: pytest.Subtests) -> None:
    cases: list[tuple[str, ToolOutput, FirewallState | None]] = [
        ("", ABSENT, None),
        ("", UFW_NOT_ROOT, None),
        (UFW_CONF.format("no"), UFW_NOT_ROOT, OFF),
        (UFW_CONF.format("yes"), UFW_NOT_ROOT, UNCLEAR),
        (UFW_CONF.format("yes"), ToolOutput(0, "Estado: activo\n"), UNCLEAR),
        (UFW_CONF.format("yes"), ToolOutput(0, "Status: inactive\n"), OFF),
        (
            UFW_CONF.format("yes"),
            ufw_status("80/tcp                     ALLOW IN    Anywhere"),
            BLOCKS,
        ),
        (
            UFW_CONF.format("yes"),
            ufw_status("47800:47807/tcp            DENY IN     Anywhere"),
            BLOCKS,
        ),
        (
            UFW_CONF.format("yes"),
            ufw_status("47800/udp                  ALLOW IN    Anywhere"),
            BLOCKS,
        ),
        (
            UFW_CONF.format("yes"),
            ufw_status("47800:47807/tcp            ALLOW IN    192.168.0.0/16"),
            ALLOWS,
        ),
        (
            UFW_CONF.format("yes"),
            ufw_status("47800                      LIMIT IN    Anywhere"),
            ALLOWS,
        ),
        (
            UFW_CONF.format("yes"),
            ufw_status("47800/tcp on eth0          ALLOW IN    Anywhere"),
            ALLOWS,
        ),
        (
            UFW_CONF.format("yes"),
            ufw_status("Anywhere                   ALLOW IN    192.168.1.0/24"),
            ALLOWS,
        ),
        (UFW_CONF.format("yes"), ufw_status("", default="allow"), ALLOWS),
    ]
    for conf, status, state in cases:
        with subtests.test(conf=conf):
            assert state_of(parse_ufw(conf, status)) is state


def test_ufw_remedies_name_the_ports() -> None:
    for status in (UFW_NOT_ROOT, ufw_status("")):
        found = parse_ufw(UFW_CONF.format("yes"), status)
        assert found is not None
        assert "sudo ufw allow 47800:47807/tcp" in found.remedy


# --- firewalld ------------------------------------------------------------------------------------

FIREWALLD_ZONE = """public (default, active)
  target: {target}
  icmp-block-inversion: no
  interfaces: eth0
  sources:
  services: dhcpv6-client ssh
  ports: {ports}
  protocols:
  forward: yes
  masquerade: no
  forward-ports:
  source-ports:
  icmp-blocks:
  rich rules:
{rich}"""
RUNNING = ToolOutput(0, "running\n")


def zone(ports: str = "", target: str = "default", rich: str = "") -> ToolOutput:
    return ToolOutput(0, FIREWALLD_ZONE.format(ports=ports, target=target, rich=rich))


def test_firewalld(subtests: pytest.Subtests) -> None:
    cases: list[tuple[ToolOutput, ToolOutput, FirewallState | None]] = [
        (ABSENT, ABSENT, None),
        (ToolOutput(252, "not running\n"), ABSENT, OFF),
        (ToolOutput(252, "\x1b[91mnot running\x1b[00m\n"), ABSENT, UNREADABLE),
        (ToolOutput(1, "Authorization failed.\n"), ABSENT, UNREADABLE),
        (ToolOutput(1, ""), ABSENT, UNREADABLE),
        (
            RUNNING,
            ToolOutput(253, "Authorization failed.\n    Make sure polkit agent is running\n"),
            UNCLEAR,
        ),
        (RUNNING, ABSENT, UNCLEAR),
        (RUNNING, zone(), BLOCKS),
        (RUNNING, zone(ports="80/tcp 47800/udp"), BLOCKS),
        (RUNNING, zone(target="DROP"), BLOCKS),
        # This is the default of Fedora Workstation.
        (RUNNING, zone(ports="1025-65535/udp 1025-65535/tcp"), ALLOWS),
        (RUNNING, zone(ports="47800/tcp"), ALLOWS),
        (RUNNING, zone(target="ACCEPT"), ALLOWS),
        (
            RUNNING,
            zone(rich='\trule family="ipv4" source address="192.168.0.0/16" accept\n'),
            UNCLEAR,
        ),
        (RUNNING, zone(rich='\trule family="ipv4" source address="10.0.0.0/8" reject\n'), BLOCKS),
    ]
    for state, listing, result in cases:
        with subtests.test(state=state):
            found = parse_firewalld(state, listing)
            assert state_of(found) is result


def test_firewalld_names_its_zone() -> None:
    found = parse_firewalld(RUNNING, zone())
    assert found is not None
    assert found.about == "zone public"
    assert "--add-port=47800-47807/tcp" in found.remedy


# --- nftables, iptables ---------------------------------------------------------------------------

NFT = """table inet filter {{
\tset trusted {{
\t\ttype ipv4_addr
\t\telements = {{ 192.168.1.9 }}
\t}}

\tchain input {{
\t\ttype filter hook input priority filter; policy {policy};
\t\tct state vmap {{ invalid : drop, established : accept, related : accept }}
\t\tiifname "lo" accept
{rules}
\t}}

\tchain forward {{
\t\ttype filter hook forward priority filter; policy drop;
\t}}
}}
"""


def nft(*rules: str, policy: str = "drop") -> ToolOutput:
    return ToolOutput(
        0, NFT.format(policy=policy, rules="\n".join(f"\t\t{rule}" for rule in rules))
    )


def test_nftables(subtests: pytest.Subtests) -> None:
    cases: list[tuple[ToolOutput, FirewallState | None]] = [
        (ABSENT, None),
        (ToolOutput(0, ""), None),
        (
            ToolOutput(
                0,
                "table ip nat {\n\tchain post {\n\t\ttype nat hook postrouting priority "
                "100;\n\t}\n}\n",
            ),
            None,
        ),
        (
            ToolOutput(
                1,
                "Operation not permitted (you must be root)\nnetlink: Error: cache initialization "
                "failed\n",
            ),
            UNREADABLE,
        ),
        (nft("tcp dport 22 accept"), BLOCKS),
        (nft("udp dport 47800 accept"), BLOCKS),
        (nft("tcp dport 47800-47807 accept"), ALLOWS),
        (nft("tcp dport { 22, 47800-47807 } accept"), ALLOWS),
        (nft("ip saddr @trusted jump ours"), UNCLEAR),
        (nft(policy="accept"), ALLOWS),
        (nft("tcp dport 25 drop", policy="accept"), UNCLEAR),
        (nft("reject with icmpx port-unreachable", policy="accept"), BLOCKS),
        (nft("tcp dport vmap { 22 : accept, 47800 : accept }"), UNCLEAR),
        (nft("counter packets 5 bytes 300 drop", policy="accept"), BLOCKS),
        (nft("tcp dport 25 counter packets 0 bytes 0 reject", policy="accept"), UNCLEAR),
    ]
    for ruleset, state in cases:
        with subtests.test(ruleset=ruleset):
            assert state_of(parse_nftables(ruleset)) is state


def iptables(*rules: str) -> ToolOutput:
    return ToolOutput(0, "\n".join(rules) + "\n")


def test_iptables(subtests: pytest.Subtests) -> None:
    cases: list[tuple[ToolOutput, FirewallState | None]] = [
        (ABSENT, None),
        (
            ToolOutput(4, "Fatal: can't open lock file /run/xtables.lock: Permission denied\n"),
            UNREADABLE,
        ),
        (iptables("-P INPUT ACCEPT"), None),
        (iptables("-P INPUT DROP", "-A INPUT -i lo -j ACCEPT"), BLOCKS),
        (
            iptables("-P INPUT ACCEPT", "-A INPUT -j REJECT --reject-with icmp-host-prohibited"),
            BLOCKS,
        ),
        (iptables("-P INPUT DROP", "-A INPUT -p tcp -m tcp --dport 47800:47807 -j ACCEPT"), ALLOWS),
        (
            iptables("-P INPUT DROP", "-A INPUT -p tcp -m multiport --dports 22,47800 -j ACCEPT"),
            ALLOWS,
        ),
        (iptables("-P INPUT DROP", "-A INPUT -p udp -m udp --dport 47800 -j ACCEPT"), BLOCKS),
        (iptables("-P INPUT DROP", "-A INPUT -j ours"), UNCLEAR),
    ]
    for rules, state in cases:
        with subtests.test(rules=rules):
            assert state_of(parse_iptables(rules)) is state


# --- macOS ----------------------------------------------------------------------------------------

APPS = """ALF: total number of apps = 3

1 :  /Applications/Proxim.app
 \t ( Allow incoming connections )

2 :  /usr/local/bin/python3.11
 \t ( Block incoming connections )

3 :  /Applications/Other.app
 \t ( Block incoming connections )

"""


def test_macos(subtests: pytest.Subtests) -> None:
    cases: list[tuple[str, Sequence[str], FirewallState]] = [
        ("Firewall is disabled. (State = 0)\n", (), OFF),
        ("Firewall is disabled\n", (), OFF),
        ("Firewall is enabled. (State = 2)\n", ("/Applications/Proxim.app",), BLOCKS),
        ("Firewall is enabled. (State = 1)\n", (), ASKS),
        (
            "Firewall is enabled. (State = 1)\n",
            ("/Applications/Proxim.app/Contents/MacOS/proxim",),
            ALLOWS,
        ),
        ("Firewall is enabled. (State = 1)\n", ("/usr/local/bin/python3.11",), BLOCKS),
        ("Firewall is enabled. (State = 1)\n", ("/Applications/Proxim.app.old/proxim",), ASKS),
        ("Firewall is enabled\n", (), ASKS),
        ("Must be root to change settings.\n", (), UNREADABLE),
        ("", (), UNREADABLE),
    ]
    for said, programs, state in cases:
        with subtests.test(said=said):
            assert parse_macos(ToolOutput(0, said), ToolOutput(0, APPS), programs).state is state


def test_macos_without_a_list_of_applications() -> None:
    assert (
        parse_macos(ToolOutput(0, "Firewall is enabled. (State = 1)"), ABSENT, ("/x",)).state
        is ASKS
    )


# --- Windows --------------------------------------------------------------------------------------


def profile(
    name: str, enabled: str = "True", inbound: str = "NotConfigured", rules: str = "NotConfigured"
) -> dict[str, str]:
    return {"name": name, "enabled": enabled, "inbound": inbound, "rules": rules}


def rule(
    action: str, profiles: str = "Any", enabled: str = "True", direction: str = "Inbound"
) -> dict[str, str]:
    return {"action": action, "profile": profiles, "enabled": enabled, "direction": direction}


THREE = [profile("Domain"), profile("Private"), profile("Public")]
WLAN = {"interface": "WLAN", "category": "Private"}


def windows(
    profiles: object = THREE,
    networks: object = (WLAN,),
    rules: object = (),
    interface: str = "WLAN",
) -> FirewallState | None:
    text = json.dumps({"profiles": profiles, "networks": networks, "rules": rules})
    return state_of(parse_windows(ToolOutput(0, f"\ufeff{text}\r\n"), interface))


def test_windows_rules_of_this_program(subtests: pytest.Subtests) -> None:
    cases: list[tuple[object, FirewallState]] = [
        ([], ASKS),
        ([rule("Allow")], ALLOWS),
        ([rule("Allow", "Private")], ALLOWS),
        ([rule("Allow", "Domain, Private")], ALLOWS),
        ([rule("Allow", "Public")], ASKS),
        ([rule("Allow", enabled="False")], ASKS),
        ([rule("Allow", direction="Outbound")], ASKS),
        # A blocking rule outweighs an allowing one.
        ([rule("Allow", "Private"), rule("Block", "Private")], BLOCKS),
        ([rule("Allow", "Private"), rule("Block", "Public")], ALLOWS),
        # PowerShell writes a single rule without a list around it.
        (rule("Block"), BLOCKS),
    ]
    for rules, state in cases:
        with subtests.test(rules=rules):
            assert windows(rules=rules) is state


def test_windows_profiles() -> None:
    assert windows(profiles=[profile("Private", enabled="False"), profile("Public")]) is OFF
    assert windows(profiles=[profile("Private", inbound="Allow")]) is ALLOWS
    assert windows(profiles=[profile("Private", rules="False")], rules=[rule("Allow")]) is BLOCKS
    assert windows(profiles=profile("Private", enabled="False")) is OFF


def test_windows_takes_the_profile_of_the_network_in_use() -> None:
    profiles = [
        profile("Private"),
        profile("Public", enabled="False"),
        profile("Domain", inbound="Allow"),
    ]
    networks = [
        WLAN,
        {"interface": "Ethernet", "category": "Public"},
        {"interface": "LAN", "category": "DomainAuthenticated"},
    ]
    assert windows(profiles, networks, interface="WLAN") is ASKS
    assert windows(profiles, networks, interface="Ethernet") is OFF
    assert windows(profiles, networks, interface="LAN") is ALLOWS
    # For an unknown interface, the first network counts.
    assert windows(profiles, networks, interface="unknown") is ASKS
    # Without a known network, the profile Public counts.
    assert windows(profiles, []) is OFF
    assert windows(profiles, None) is OFF


def test_windows_answer_that_is_none(subtests: pytest.Subtests) -> None:
    for text in ["", "Zugriff verweigert", "[]", "{}", '{"profiles":null}', '{"profiles":[]}', "5"]:
        with subtests.test(text=text):
            assert parse_windows(ToolOutput(1, text), "WLAN") is None


NETSH = (
    "\r\nPrivate Profile Settings: \r\n----------\r\nState                                 "
    "{}\r\nOk.\r\n\r\n"
)


def test_netsh(subtests: pytest.Subtests) -> None:
    cases: list[tuple[ToolOutput, FirewallState]] = [
        (ToolOutput(0, NETSH.format("ON").replace("\r\n", "\n")), UNCLEAR),
        (ToolOutput(0, NETSH.format("ON")), UNCLEAR),
        (ToolOutput(0, NETSH.format("OFF")), OFF),
        (
            ToolOutput(
                0,
                "\r\nÖffentliches Profil-Einstellungen: \r\nStatus                                "
                "EIN\r\n",
            ),
            UNREADABLE,
        ),
        (ToolOutput(1, NETSH.format("ON")), UNREADABLE),
        (ABSENT, UNREADABLE),
    ]
    for answer, state in cases:
        with subtests.test(answer=answer):
            assert parse_netsh(answer).state is state


def test_the_powershell_script_cannot_be_broken_by_a_path() -> None:
    script = powershell_script(("C:\\Anna's PC\\proxim.exe", "C:\\b.exe"))
    assert "@('C:\\Anna''s PC\\proxim.exe','C:\\b.exe')" in script
    assert '"' not in script
    assert "\n" not in script


def test_own_programs_are_paths_once_each() -> None:
    programs = own_programs()
    assert sys.executable in programs
    assert len(set(programs)) == len(programs)


# --- each system ----------------------------------------------------------------------------------


class Tools:
    """Answers a command by its beginning and notes each command."""

    def __init__(self, **answers: ToolOutput) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def __call__(self, arguments: Sequence[str]) -> ToolOutput:
        self.asked.append(" ".join(arguments))
        name = (
            arguments[0].replace("\\", "/").rpartition("/")[2].partition(".")[0].replace("-", "_")
        )
        specific = f"{name}_{arguments[1].lstrip('-').partition('=')[0].replace('-', '_')}"
        return self.answers.get(specific, self.answers.get(name, ABSENT))


async def test_linux_without_any_firewall_has_none() -> None:
    assert await find_on_linux(Tools(), "eth0", "") == []


async def test_linux_asks_for_the_zone_of_the_interface() -> None:
    tools = Tools(
        firewall_cmd_state=RUNNING,
        firewall_cmd_get_zone_of_interface=ToolOutput(0, "home\n"),
        firewall_cmd_zone=zone(ports="47800/tcp"),
    )
    [found] = await find_on_linux(tools, "wlan0", "")
    assert found.state is ALLOWS
    assert "firewall-cmd --get-zone-of-interface=wlan0" in tools.asked
    assert "firewall-cmd --zone=home --list-all" in tools.asked
    # firewalld makes these rules itself.
    assert not any(asked.startswith(("nft", "iptables")) for asked in tools.asked)


async def test_linux_takes_the_default_zone_where_the_interface_has_none() -> None:
    tools = Tools(
        firewall_cmd_state=RUNNING,
        firewall_cmd_get_zone_of_interface=ToolOutput(2, "no zone\n"),
        firewall_cmd_list_all=zone(),
    )
    [found] = await find_on_linux(tools, "wlan0", "")
    assert found.state is BLOCKS
    assert "firewall-cmd --list-all" in tools.asked


async def test_linux_looks_at_the_kernel_where_ufw_is_off() -> None:
    tools = Tools(ufw=ToolOutput(0, "Status: inactive\n"), nft=nft("tcp dport 22 accept"))
    assert [found.state for found in await find_on_linux(tools, "eth0", UFW_CONF.format("no"))] == [
        OFF,
        BLOCKS,
    ]


async def test_linux_falls_back_to_iptables() -> None:
    tools = Tools(iptables=iptables("-P INPUT DROP"))
    assert [found.name for found in await find_on_linux(tools, "eth0", "")] == ["iptables"]


async def test_linux_does_not_ask_a_firewalld_that_is_off() -> None:
    tools = Tools(firewall_cmd=ToolOutput(252, "not running\n"))
    assert [found.state for found in await find_on_linux(tools, "eth0", "")] == [OFF]
    assert "firewall-cmd --list-all" not in tools.asked


async def test_macos_asks_the_application_firewall() -> None:
    tools = Tools(socketfilterfw=ToolOutput(0, "Firewall is disabled. (State = 0)\n"))
    assert [found.state for found in await find_on_macos(tools)] == [OFF]


async def test_windows_asks_powershell_and_only_then_netsh() -> None:
    answer = ToolOutput(
        0, json.dumps({"profiles": THREE, "networks": [WLAN], "rules": [rule("Block")]})
    )
    tools = Tools(powershell=answer, netsh=ToolOutput(0, NETSH.format("OFF")))
    assert [found.state for found in await find_on_windows(tools, "WLAN", "C:\\Windows\\")] == [
        BLOCKS
    ]
    assert tools.asked[0].startswith(
        "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe -NoLogo "
    )
    assert len(tools.asked) == 1
    without = Tools(netsh=ToolOutput(0, NETSH.format("OFF")))
    assert [found.state for found in await find_on_windows(without, "WLAN", "C:\\Windows")] == [OFF]


@pytest.mark.parametrize(
    ("platform", "first"),
    [
        ("linux", "ufw status"),
        ("darwin", "/usr/libexec/ApplicationFirewall/socketfilterfw"),
        ("win32", "C:\\Win"),
    ],
)
async def test_each_system_is_asked_in_its_own_way(
    monkeypatch: pytest.MonkeyPatch, platform: str, first: str
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv("SYSTEMROOT", "C:\\Win")
    tools = Tools()
    await find_firewalls("eth0", tools)
    assert tools.asked[0].startswith(first)
