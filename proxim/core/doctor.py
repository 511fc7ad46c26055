"""What `proxim doctor` concludes: facts about this machine in, findings for people out.

The facts are gathered elsewhere (net/doctor.py, net/firewall.py); every sentence that a person reads is here. A
finding that is a worry always says what to do next. Must never be here: looking at the machine.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from typing import Final

from proxim.core.events import Network
from proxim.core.host_code import DEFAULT_PORT, FALLBACK_PORTS, authority, is_local
from proxim.core.texts import display_name

ALL_PORTS: Final = (DEFAULT_PORT, *FALLBACK_PORTS)
PORTS_SHOWN: Final = f"{ALL_PORTS[0]}-{ALL_PORTS[-1]}"


class Level(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    NOTE = "note"  # worth knowing, nothing is wrong
    WARNING = "warning"  # may keep others from this machine
    FAILURE = "failure"  # does keep others from this machine


class Check(StrEnum):
    """What was looked at; the value stands in JSON lines."""

    NETWORK = "network"
    PORT = "port"
    FIREWALL = "firewall"
    ADAPTERS = "adapters"
    LINK = "link"
    SURROUNDINGS = "surroundings"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found, in one plain sentence, and what to do about it."""

    check: Check
    level: Level
    message: str
    next: str | None = None

    def __post_init__(self) -> None:
        if self.next is None and self.level in (Level.WARNING, Level.FAILURE):
            raise ValueError("a warning or failure needs its next step")

    def to_fields(self) -> dict[str, str]:
        """The finding as one JSON line's object."""
        fields = {"event": "finding", "check": self.check.value, "level": self.level.value, "message": self.message}
        return fields if self.next is None else {**fields, "next": self.next}


def exit_status(findings: Iterable[Finding]) -> int:
    """0 when nothing found keeps others out for certain."""
    return int(any(finding.level is Level.FAILURE for finding in findings))


# --- addresses -----------------------------------------------------------------------------------------------------


def network_findings(networks: Sequence[Network], chosen: Network | None) -> list[Finding]:
    """Where others reach this machine: the chosen address with what is odd about it, then the other ones."""
    if chosen is None:
        return [
            Finding(
                Check.NETWORK,
                Level.FAILURE,
                "This machine is on no network.",
                "Connect it to Wi-Fi or a cable, then run proxim doctor again.",
            )
        ]
    others = [
        Finding(
            Check.NETWORK,
            Level.NOTE,
            f"This machine also has {network.address} ({network.interface}).",
            f"To use that one: proxim host --address {network.address}",
        )
        for network in networks
        if network.address != chosen.address and not network.virtual and not ip_address(network.address).is_link_local
    ]
    return [_chosen_finding(chosen), *others]


def address_not_here(address: str) -> Finding:
    """The address that a person named is none of this machine's."""
    return Finding(
        Check.NETWORK,
        Level.FAILURE,
        f"This machine does not have the address {display_name(address)}.",
        "Leave --address away, or name one of the addresses listed here.",
    )


def _chosen_finding(chosen: Network) -> Finding:
    ip = ip_address(chosen.address)
    here = f"Proxim uses {chosen.address} ({chosen.interface})"
    if ip.is_loopback:
        return Finding(
            Check.NETWORK,
            Level.WARNING,
            f"{here}, which only programs on this machine can reach.",
            "Leave --address away to be reached by other devices.",
        )
    if chosen.virtual:
        return Finding(
            Check.NETWORK,
            Level.WARNING,
            f"{here}, which belongs to a VPN or a virtual adapter; devices in this room rarely reach it.",
            "Connect this machine to the same Wi-Fi or cable network as the other device.",
        )
    if ip.is_link_local:
        return Finding(
            Check.NETWORK,
            Level.WARNING,
            f"{here}, which this machine gave itself because no router gave it one.",
            "Check the cable or the Wi-Fi password, or restart the router; two machines on one cable may ignore this.",
        )
    if ip.version == 6:
        return Finding(
            Check.NETWORK,
            Level.NOTE,
            f"{here}; it is an IPv6 address, for which there is no typed code.",
            "Let the other device scan the QR code or open the link.",
        )
    if not is_local(chosen.address):
        return Finding(
            Check.NETWORK,
            Level.NOTE,
            f"{here}, which is no private address: a guest outside this subnet is asked before it dials it.",
            "Use --yes with proxim join where nobody can be asked.",
        )
    return Finding(Check.NETWORK, Level.OK, f"{here}: that is where others reach this machine.")


# --- ports ---------------------------------------------------------------------------------------------------------


class PortState(StrEnum):
    """What became of listening on one port of one address."""

    FREE = "free"  # could be listened on, and a connection through the address arrived
    SILENT = "silent"  # could be listened on, but no connection arrived
    PROXIM = "proxim"  # a running Proxim answers there
    TAKEN = "taken"  # another program has it
    REFUSED = "refused"  # the system does not give it away
    GONE = "gone"  # the machine does not have that address (any more)


@dataclass(frozen=True, slots=True)
class PortTrial:
    """One port of one address, tried."""

    port: int
    state: PortState


def port_finding(network: Network, trials: Sequence[PortTrial], *, chosen: bool) -> Finding:
    """Whether Proxim can be reached through one address, seen from this machine. `trials`: all ports, in order."""
    address = network.address
    running = next((trial for trial in trials if trial.state is PortState.PROXIM), None)
    if running is not None:
        return Finding(
            Check.PORT, Level.OK, f"Proxim is already running at {authority(address, running.port)} and answers there."
        )
    # Proxim takes the first port that it can open; it cannot know whether that one answers others.
    openable = next((trial for trial in trials if trial.state in (PortState.FREE, PortState.SILENT)), None)
    first = trials[0]
    if openable is None and any(trial.state is PortState.GONE for trial in trials):
        return Finding(
            Check.PORT,
            Level.WARNING,
            f"The address {address} cannot be listened on; the network may just have changed.",
            "Run proxim doctor again.",
        )
    if openable is None:
        return Finding(
            Check.PORT,
            Level.WARNING,
            f"None of the ports {PORTS_SHOWN} on {address} is free; Proxim takes any other, and its code gets longer.",
            "Close the program that uses them, or choose a free port with proxim host --port.",
        )
    if openable.state is PortState.SILENT:
        return Finding(
            Check.PORT,
            Level.FAILURE if chosen else Level.WARNING,
            f"Port {openable.port} on {address} can be opened, but does not answer even this machine itself.",
            f"Allow Proxim (TCP ports {PORTS_SHOWN}) in this machine's firewall or security program, then run proxim "
            "doctor again.",
        )
    if openable is not first:
        why = "reserved by the system" if first.state is PortState.REFUSED else "used by another program"
        return Finding(
            Check.PORT,
            Level.NOTE,
            f"Port {first.port} on {address} is {why}; Proxim takes {openable.port}, which answers.",
        )
    return Finding(
        Check.PORT, Level.OK, f"Port {first.port} on {address} can be opened, and answers when tried from this machine."
    )


# --- firewalls -----------------------------------------------------------------------------------------------------


class FirewallState(StrEnum):
    """What one firewall seems to do with a guest that comes in."""

    OFF = "off"
    ALLOWS = "allows"
    ASKS = "asks"  # the system asks the person when Proxim first listens
    BLOCKS = "blocks"
    UNCLEAR = "unclear"  # active, its rules cannot be read (fully) without rights
    UNREADABLE = "unreadable"  # not even whether it is active


@dataclass(frozen=True, slots=True)
class Firewall:
    """One firewall found."""

    name: str
    state: FirewallState
    about: str = ""  # a clause after a dash: which profile, which zone, which rule
    remedy: str = ""  # what lets Proxim in; unused where nothing is to be done


_FIREWALL_RULES: Final = {
    FirewallState.OFF: (Level.OK, "is not active"),
    FirewallState.ALLOWS: (Level.OK, "is active and lets others reach Proxim"),
    FirewallState.ASKS: (Level.NOTE, "is active and asks when Proxim first opens its port"),
    FirewallState.BLOCKS: (Level.WARNING, f"is active and seems to keep others from TCP ports {PORTS_SHOWN}"),
    FirewallState.UNCLEAR: (Level.WARNING, "is active; whether it lets others reach Proxim cannot be read"),
    FirewallState.UNREADABLE: (Level.NOTE, "may be active; that cannot be read without administrator rights"),
}


def firewall_findings(firewalls: Sequence[Firewall]) -> list[Finding]:
    """What each firewall does with a guest."""
    findings = []
    for firewall in firewalls:
        level, does = _FIREWALL_RULES[firewall.state]
        about = f" - {firewall.about}" if firewall.about else ""
        remedy = firewall.remedy or f"Allow incoming TCP {PORTS_SHOWN} for Proxim in {firewall.name}."
        findings.append(
            Finding(Check.FIREWALL, level, f"{firewall.name} {does}{about}.", None if level is Level.OK else remedy)
        )
    return findings or [Finding(Check.FIREWALL, Level.OK, "No firewall was found on this machine.")]


# --- adapters, link, surroundings ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class VirtualAdapter:
    """An adapter that no other device in the room is on."""

    name: str
    addresses: tuple[str, ...]
    vpn: bool
    carries_default: bool  # this machine talks to the world through it


def adapter_findings(adapters: Sequence[VirtualAdapter]) -> list[Finding]:
    """VPN and virtual adapters: none, a note, or a VPN that may keep the neighbours apart."""
    findings = []
    for adapter in adapters:
        what = f"{adapter.name} ({', '.join(adapter.addresses)})"
        if adapter.vpn and adapter.carries_default:
            findings.append(
                Finding(
                    Check.ADAPTERS,
                    Level.WARNING,
                    f"The VPN {what} carries this machine's traffic and may keep it apart from devices in this room.",
                    "If others cannot connect, pause the VPN or allow local network access in its settings.",
                )
            )
        else:
            kind = "VPN" if adapter.vpn else "virtual adapter"
            findings.append(
                Finding(Check.ADAPTERS, Level.NOTE, f"There is a {kind} {what}; Proxim prefers other addresses.")
            )
    return findings or [Finding(Check.ADAPTERS, Level.OK, "There is no VPN and no virtual adapter.")]


@dataclass(frozen=True, slots=True)
class LinkTrial:
    """Two peers of ours, tried on this machine. `seconds` is None where they did not link."""

    seconds: float | None
    detail: str = ""


def link_finding(trial: LinkTrial) -> Finding:
    """Whether WebRTC over UDP works here at all."""
    if trial.seconds is not None:
        return Finding(Check.LINK, Level.OK, f"Two peers on this machine linked over UDP in {trial.seconds:.2f} s.")
    because = f" ({trial.detail})" if trial.detail else ""
    return Finding(
        Check.LINK,
        Level.FAILURE,
        f"Two peers on this machine could not link over UDP{because}.",
        "Allow Proxim to use UDP in the firewall or security program, pause the VPN, then run proxim doctor again.",
    )


def link_not_tried() -> Finding:
    """Without a network there is nothing to link over."""
    return Finding(Check.LINK, Level.NOTE, "Linking over UDP was not tried, for this machine is on no network.")


def surroundings_findings(*, wsl: bool, local_network_privacy: bool) -> list[Finding]:
    """What lies outside: the system around this one, and what no single device can see."""
    findings = []
    if wsl:
        findings.append(
            Finding(
                Check.SURROUNDINGS,
                Level.WARNING,
                "Proxim runs inside Windows Subsystem for Linux, whose network other devices cannot reach by default.",
                "Run Proxim on Windows itself, or set networkingMode=mirrored in .wslconfig.",
            )
        )
    if local_network_privacy:
        findings.append(
            Finding(
                Check.SURROUNDINGS,
                Level.NOTE,
                "This macOS asks whether a program may reach the local network, and blocks it after a No.",
                "Check System Settings, Privacy & Security, Local Network: Proxim or the terminal must be switched on.",
            )
        )
    findings.append(
        Finding(
            Check.SURROUNDINGS,
            Level.NOTE,
            "Whether the Wi-Fi keeps its devices apart, as guest networks do, cannot be seen from one device.",
            "If all else is well and others cannot connect, let the other device host, or use another network.",
        )
    )
    return findings


# --- checks that did not end ---------------------------------------------------------------------------------------


def check_overran(check: Check, seconds: float) -> Finding:
    """A check took longer than its deadline."""
    return Finding(
        check,
        Level.WARNING,
        f"Looking at the {check} took longer than {seconds:g} s and was given up.",
        "Run proxim doctor again; if it stays so, something on this machine holds up programs that ask about it.",
    )


def check_crashed(check: Check, detail: str) -> Finding:
    """A check failed in a way nobody thought of."""
    return Finding(
        check,
        Level.WARNING,
        f"Looking at the {check} failed ({detail}).",
        "Please report this; the other findings hold without it.",
    )
