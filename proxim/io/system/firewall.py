"""Finds this machine's firewalls and how they treat a guest, as far as an ordinary user can read
it.

Each parser is a pure function over a tool's output. A tool that is absent, fails or prints another
language leads to "cannot be read", never to a guess.
"""

import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from proxim.core.doctor import ALL_PORTS, PORTS_SHOWN, Firewall, FirewallState
from proxim.core.i18n import tr
from proxim.io.system.subprocesses import Run, ToolOutput, run_tool

# --- ufw ------------------------------------------------------------------------------------------
# One PowerShell answers all three questions, because starting it is what takes long. Names of
# enumeration members are English on every Windows, unlike the output of netsh.
_POWERSHELL_SCRIPT: Final = (
    "$ErrorActionPreference='SilentlyContinue';"
    "[Console]::OutputEncoding=[Text.Encoding]::UTF8;"
    "$p=@(Get-NetFirewallProfile|ForEach-Object{@{name=[string]$_.Name;enabled=[string]$_.Enabled;"
    "inbound=[string]$_.DefaultInboundAction;rules=[string]$_.AllowInboundRules}});"
    "$n=@(Get-NetConnectionProfile|ForEach-Object{@{interface=[string]$_.InterfaceAlias;"
    "category=[string]$_.NetworkCategory}});"
    "$r=@(@(%s)|ForEach-Object{Get-NetFirewallApplicationFilter -Program "
    "$_}|Get-NetFirewallRule|ForEach-Object{"
    "@{enabled=[string]$_.Enabled;direction=[string]$_.Direction;action=[string]$_.Action;"
    "profile=[string]$_.Profile}});"
    "ConvertTo-Json -Compress -Depth 4 -InputObject @{profiles=$p;networks=$n;rules=$r}"
)
_NETWORK_WORDS: Final = {
    "Public": ("firewall.networkPublic", "firewall.tickPublic"),
    "Private": ("firewall.networkPrivate", "firewall.tickPrivate"),
    "Domain": ("firewall.networkDomain", "firewall.tickDomain"),
}
_PROFILE_OF: Final = {"Public": "Public", "Private": "Private", "DomainAuthenticated": "Domain"}


def ufw_is_enabled(conf: str) -> bool | None:
    """Read ENABLED from /etc/ufw/ufw.conf, which everybody may read; None if it is not there."""
    found = re.search(r"^\s*ENABLED\s*=\s*[\"']?(yes|no)\b", conf, re.MULTILINE | re.IGNORECASE)
    return None if found is None else found[1].lower() == "yes"


def parse_ufw(conf: str, status: ToolOutput) -> Firewall | None:
    """Return the state of ufw, or None if there is no ufw.

    It follows from ufw's own file and, if root runs this, from `ufw status verbose`.
    """
    command = f"sudo ufw allow {ALL_PORTS[0]}:{ALL_PORTS[-1]}/tcp"
    enabled = ufw_is_enabled(conf)
    state = re.search(r"^Status: (active|inactive)", status.text, re.MULTILINE)
    if state is None:
        if enabled is None:
            return None
        if not enabled:
            return Firewall("ufw", FirewallState.OFF)
        remedy = tr("firewall.seeUfw", command=command)
        return Firewall("ufw", FirewallState.UNCLEAR, tr("firewall.forAdministrators"), remedy)
    if state[1] == "inactive":
        return Firewall("ufw", FirewallState.OFF)
    if re.search(r"^Default: allow \(incoming\)", status.text, re.MULTILINE):
        return Firewall("ufw", FirewallState.ALLOWS, tr("firewall.letsInByDefault"))
    for line in status.text.splitlines():
        rule = re.match(r"(\S+)(?: \(v6\))?(?: on \S+)?\s+(ALLOW|LIMIT)(?: IN)?\s", line)
        if rule and (rule[1] == "Anywhere" or _covers(rule[1], "tcp")):
            return Firewall("ufw", FirewallState.ALLOWS, tr("firewall.rule", rule=rule[1]))
    return Firewall("ufw", FirewallState.BLOCKS, remedy=tr("firewall.run", command=command))


def _covers(ports: str, protocol: str) -> bool:
    """Whether the ports include the default port.

    Examples: "47800/tcp", "1025-65535/tcp", "47800:47807", "22,47800/tcp".
    """
    numbers, _, wanted = ports.partition("/")
    if wanted not in ("", protocol):
        return False
    for part in numbers.split(","):
        span = re.fullmatch(r"(\d+)(?:[-:](\d+))?", part)
        if span and int(span[1]) <= ALL_PORTS[0] <= int(span[2] or span[1]):
            return True
    return False


# --- firewalld ------------------------------------------------------------------------------------


def parse_firewalld(state: ToolOutput, listing: ToolOutput) -> Firewall | None:
    """Return the state of firewalld, or None if there is no firewalld.

    It follows from `firewall-cmd --state` and from `--list-all` of the zone.
    """
    said = state.text.strip().splitlines()[-1:] or [""]
    if state.status is None:
        return None
    if said[0] == "not running":
        return Firewall("firewalld", FirewallState.OFF)
    # The answer is "Authorization failed", a Python traceback, or a complaint about D-Bus.
    if said[0] != "running":
        remedy = tr("firewall.see", command="sudo firewall-cmd --list-all")
        return Firewall("firewalld", FirewallState.UNREADABLE, remedy=remedy)
    command = (
        f"sudo firewall-cmd --permanent --add-port={PORTS_SHOWN}/tcp && sudo firewall-cmd --reload"
    )
    remedy = tr("firewall.run", command=command)
    fields = dict(re.findall(r"^\s+([a-z-]+):[ \t]*(.*)$", listing.text, re.MULTILINE))
    if listing.status != 0 or "target" not in fields:
        return Firewall(
            "firewalld", FirewallState.UNCLEAR, tr("firewall.forAdministrators"), remedy
        )
    zone = listing.text.split(maxsplit=1)[0]
    if fields["target"] == "ACCEPT" or any(
        _covers(entry, "tcp") for entry in fields.get("ports", "").split()
    ):
        return Firewall("firewalld", FirewallState.ALLOWS, tr("firewall.zone", zone=zone))
    if re.search(r"^\s+rule .*\baccept\b", listing.text, re.MULTILINE):
        return Firewall(
            "firewalld", FirewallState.UNCLEAR, tr("firewall.zoneOwnRules", zone=zone), remedy
        )
    return Firewall("firewalld", FirewallState.BLOCKS, tr("firewall.zone", zone=zone), remedy)


# --- nftables and iptables ------------------------------------------------------------------------


def parse_nftables(ruleset: ToolOutput) -> Firewall | None:
    """Return the state of bare nftables, or None if there is no nft, or nothing filters input.

    It follows from `nft list ruleset`, which only root may read.
    """
    remedy = tr("firewall.seeNft", ports=PORTS_SHOWN)
    if ruleset.status is None:
        return None
    if ruleset.status != 0:
        return Firewall("nftables", FirewallState.UNREADABLE, remedy=remedy)
    # Rules by the state of a connection concern only answers and broken packets.
    rules = re.sub(r"\bct state .*", "", ruleset.text)
    chains = re.findall(r"^\s*chain \S+ \{(.*?)^\s*\}", rules, re.MULTILINE | re.DOTALL)
    inputs = [chain for chain in chains if re.search(r"type filter hook input\b", chain)]
    if not inputs:
        return None
    shut = re.compile(r"policy drop;|^\s*(counter .*)?(drop|reject( with .*)?)$", re.MULTILINE)
    closed = [chain for chain in inputs if shut.search(chain)]
    if not closed:
        refuses = any(re.search(r"\b(drop|reject|jump|goto)\b", chain) for chain in inputs)
        return Firewall(
            "nftables", FirewallState.UNCLEAR if refuses else FirewallState.ALLOWS, remedy=remedy
        )
    accepts = re.findall(r"\b(?:tcp|th) dport (?:\{([^}]*)\}|(\S+)).*\baccept\b", rules)
    if any(_covers("".join(pair).replace(" ", ""), "") for pair in accepts):
        return Firewall("nftables", FirewallState.ALLOWS)
    # A chain that is jumped to may accept by address or by interface, which we do not evaluate.
    jumps = any(re.search(r"\b(jump|goto)\b|dport vmap", chain) for chain in closed)
    return Firewall(
        "nftables", FirewallState.UNCLEAR if jumps else FirewallState.BLOCKS, remedy=remedy
    )


def parse_iptables(rules: ToolOutput) -> Firewall | None:
    """Return the state of old iptables, or None if there is none, or it lets everything in.

    It follows from `iptables -S INPUT`, which only root may read.
    """
    command = f"sudo iptables -I INPUT -p tcp --dport {ALL_PORTS[0]}:{ALL_PORTS[-1]} -j ACCEPT"
    remedy = tr("firewall.run", command=command)
    if rules.status is None:
        return None
    if rules.status != 0:
        remedy = tr("firewall.see", command="sudo iptables -S INPUT")
        return Firewall("iptables", FirewallState.UNREADABLE, remedy=remedy)
    lines = rules.text.splitlines()
    for line in lines:
        ports = re.search(r"--dports? (\S+)", line)
        if line.endswith("-j ACCEPT") and "-p tcp" in line and ports and _covers(ports[1], ""):
            return Firewall("iptables", FirewallState.ALLOWS)
    if "-P INPUT DROP" in lines or any(
        re.fullmatch(r"-A INPUT -j (DROP|REJECT\b.*)", line) for line in lines
    ):
        jumps = any(
            not re.search(r"-j (ACCEPT|DROP|REJECT|LOG|RETURN)\b", line)
            for line in lines
            if "-j " in line
        )
        return Firewall(
            "iptables", FirewallState.UNCLEAR if jumps else FirewallState.BLOCKS, remedy=remedy
        )
    return None


# --- macOS ----------------------------------------------------------------------------------------


def parse_macos(state: ToolOutput, applications: ToolOutput, programs: Sequence[str]) -> Firewall:
    """Read the application firewall from `socketfilterfw --getglobalstate` and `--listapps`."""
    name = tr("firewall.macOS")
    said = re.search(r"State = (\d)|Firewall is (enabled|disabled)$", state.text, re.MULTILINE)
    if said is None:
        return Firewall(name, FirewallState.UNREADABLE, remedy=tr("firewall.macLook"))
    if said[1] == "0" or said[2] == "disabled":
        return Firewall(name, FirewallState.OFF)
    if said[1] == "2":
        return Firewall(
            name, FirewallState.BLOCKS, tr("firewall.blocksAll"), tr("firewall.macSwitchOff")
        )
    entries = re.findall(
        r"^\s*\d+\s*:\s*(.+?)\s*\n\s*\(\s*(Allow|Block) incoming", applications.text, re.MULTILINE
    )
    # A bundle is listed by its folder, and the program that runs lies within it.
    verdicts = [
        verdict
        for path, verdict in entries
        if any(p == path or p.startswith(path + "/") for p in programs)
    ]
    if "Block" in verdicts:
        return Firewall(
            name, FirewallState.BLOCKS, tr("firewall.listedAsBlocked"), tr("firewall.macAllow")
        )
    if "Allow" in verdicts:
        return Firewall(name, FirewallState.ALLOWS)
    return Firewall(name, FirewallState.ASKS, remedy=tr("firewall.macAnswer"))


# --- Windows --------------------------------------------------------------------------------------


def powershell_script(programs: Sequence[str]) -> str:
    """Return the script for these program files.

    It has no double quote, which Windows' command lines would remove.
    """
    quoted = ",".join("'" + program.replace("'", "''") + "'" for program in programs)
    return _POWERSHELL_SCRIPT % quoted


def _records(value: object) -> list[dict[str, str]]:
    """Return a JSON list of objects with string values.

    PowerShell may write a single object without its list.
    """
    entries = value if isinstance(value, list) else [value]
    return [
        {str(k): str(v) for k, v in entry.items()} for entry in entries if isinstance(entry, dict)
    ]


def parse_windows(answer: ToolOutput, interface: str) -> Firewall | None:
    """Return Windows' firewall for the network of `interface`; None if it cannot be read.

    It follows from the script's JSON.
    """
    try:
        facts = json.loads(answer.text.strip().removeprefix("\ufeff"))
    except ValueError:
        return None
    if not isinstance(facts, dict):
        return None
    profiles = {entry.get("name", ""): entry for entry in _records(facts.get("profiles"))}
    networks = _records(facts.get("networks"))
    if not profiles:
        return None
    here = [entry for entry in networks if entry.get("interface") == interface] or networks
    # An adapter that Windows has not classified is treated as Public.
    name = _PROFILE_OF.get(here[0].get("category", ""), "Public") if here else "Public"
    profile = profiles.get(name, {})
    windows = tr("firewall.windows")
    network, remedy = map(tr, _NETWORK_WORDS[name])
    if profile.get("enabled") == "False":
        return Firewall(windows, FirewallState.OFF, network)
    if profile.get("rules") == "False":
        about = tr("firewall.networkBlocksAll", network=network)
        return Firewall(windows, FirewallState.BLOCKS, about, tr("firewall.untick"))
    actions = {
        rule.get("action")
        for rule in _records(facts.get("rules"))
        if rule.get("enabled") == "True"
        and rule.get("direction") == "Inbound"
        and (rule.get("profile") == "Any" or name in re.split(r",\s*", rule.get("profile", "")))
    }
    # Windows makes such a rule when a person answers its question with Cancel. It outweighs any
    # Allow.
    if "Block" in actions:
        return Firewall(
            windows, FirewallState.BLOCKS, tr("firewall.networkBlocksUs", network=network), remedy
        )
    if "Allow" in actions or profile.get("inbound") == "Allow":
        return Firewall(windows, FirewallState.ALLOWS, network)
    return Firewall(
        windows, FirewallState.ASKS, network, tr("firewall.answerAllow", otherwise=remedy)
    )


def parse_netsh(answer: ToolOutput) -> Firewall:
    """Read the fallback, `netsh advfirewall show currentprofile state`.

    Only its English form can be read.
    """
    said = re.search(r"^State\s+(ON|OFF)\s*$", answer.text, re.MULTILINE)
    windows, remedy = tr("firewall.windows"), tr("firewall.tickThese")
    if answer.status != 0 or said is None:
        return Firewall(windows, FirewallState.UNREADABLE, remedy=remedy)
    if said[1] == "OFF":
        return Firewall(windows, FirewallState.OFF)
    return Firewall(windows, FirewallState.UNCLEAR, remedy=remedy)


# --- each system ----------------------------------------------------------------------------------


def own_programs() -> tuple[str, ...]:
    """Return the program files by which a firewall may know us.

    On Windows, a virtual environment's program is only a launcher.
    """
    base = str(getattr(sys, "_base_executable", sys.executable))
    return tuple(dict.fromkeys((sys.executable, base, os.path.realpath(base))))


def _read_ufw_conf() -> str:
    try:
        return Path("/etc/ufw/ufw.conf").read_text(errors="replace")
    except OSError:
        # There is no ufw here.
        return ""


async def find_on_linux(run: Run, interface: str, ufw_conf: str) -> list[Firewall]:
    """Read ufw and firewalld, and the kernel's rules if neither is active.

    While one of them is active, the kernel's rules are its own.
    """
    ufw = parse_ufw(ufw_conf, await run(("ufw", "status", "verbose")))
    state = await run(("firewall-cmd", "--state"))
    listing = ToolOutput(None)
    if state.text.strip().endswith("running") and "not running" not in state.text:
        zone = await run(("firewall-cmd", f"--get-zone-of-interface={interface}"))
        of_zone = (f"--zone={zone.text.strip()}",) if zone.status == 0 and zone.text.strip() else ()
        listing = await run(("firewall-cmd", *of_zone, "--list-all"))
    found = [
        firewall for firewall in (ufw, parse_firewalld(state, listing)) if firewall is not None
    ]
    if all(firewall.state is FirewallState.OFF for firewall in found):
        kernel = parse_nftables(await run(("nft", "list", "ruleset"))) or parse_iptables(
            await run(("iptables", "-S", "INPUT"))
        )
        if kernel is not None:
            found.append(kernel)
    return found


async def find_on_macos(run: Run) -> list[Firewall]:
    """Read the application firewall, the only one that macOS shows to people."""
    tool = "/usr/libexec/ApplicationFirewall/socketfilterfw"
    return [
        parse_macos(
            await run((tool, "--getglobalstate")), await run((tool, "--listapps")), own_programs()
        )
    ]


async def find_on_windows(run: Run, interface: str, system_root: str) -> list[Firewall]:
    """Read Windows' firewall.

    The tools have full paths, because Windows would look into the current folder first.
    """
    system = system_root.rstrip("\\") + "\\System32"
    powershell = f"{system}\\WindowsPowerShell\\v1.0\\powershell.exe"
    script = powershell_script(own_programs())
    asked = await run((powershell, "-NoLogo", "-NoProfile", "-NonInteractive", "-Command", script))
    firewall = parse_windows(asked, interface)
    if firewall is None:
        firewall = parse_netsh(
            await run((f"{system}\\netsh.exe", "advfirewall", "show", "currentprofile", "state"))
        )
    return [firewall]


async def find_firewalls(interface: str, run: Run = run_tool) -> list[Firewall]:
    """Return this machine's firewalls, for a guest that comes in through `interface`."""
    if sys.platform == "win32":
        return await find_on_windows(run, interface, os.environ.get("SYSTEMROOT", "C:\\Windows"))
    if sys.platform == "darwin":
        return await find_on_macos(run)
    return await find_on_linux(run, interface, _read_ufw_conf())
