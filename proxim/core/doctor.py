"""The conclusions of `proxim doctor`: it turns facts about this machine into findings for people.

The facts are gathered elsewhere (io/system/doctor.py, io/system/firewall.py); this module chooses
the sentence for them. A warning or failure always includes what to do next.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from typing import Final

from proxim.core import events as ev
from proxim.core.i18n import decimal, tr
from proxim.core.pairing.host_code import DEFAULT_PORT, FALLBACK_PORTS, is_local
from proxim.core.pairing.invite_link import authority
from proxim.core.sanitize import display_id, visible_name

ALL_PORTS: Final = (DEFAULT_PORT, *FALLBACK_PORTS)
PORTS_SHOWN: Final = f"{ALL_PORTS[0]}-{ALL_PORTS[-1]}"


class Level(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    # Worth knowing, but nothing is wrong.
    NOTE = "note"
    # It may keep others from this machine.
    WARNING = "warning"
    # It does keep others from this machine.
    FAILURE = "failure"


class Check(StrEnum):
    """What was checked; the value is used in JSON lines."""

    NETWORK = "network"
    PORT = "port"
    FIREWALL = "firewall"
    ADAPTERS = "adapters"
    LINK = "link"
    # Whether known devices can find each other by multicast.
    MULTICAST = "multicast"
    SURROUNDINGS = "surroundings"
    # Whether this device's screen can be shown and controlled.
    SCREEN = "screen"
    # What is kept of unfinished transfers.
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding in one plain sentence, and what to do about it."""

    check: Check
    level: Level
    message: str
    next: str | None = None

    def __post_init__(self) -> None:
        if self.next is None and self.level in (Level.WARNING, Level.FAILURE):
            raise ValueError("a warning or failure needs its next step")

    def to_fields(self) -> dict[str, str]:
        """Return the finding as the object of one JSON line."""
        fields = {
            "event": "finding",
            "check": self.check.value,
            "level": self.level.value,
            "message": self.message,
        }
        return fields if self.next is None else {**fields, "next": self.next}


def exit_status(findings: Iterable[Finding]) -> int:
    """Return 0 unless a finding certainly keeps others out, and 1 then."""
    return int(any(finding.level is Level.FAILURE for finding in findings))


# --- addresses ------------------------------------------------------------------------------------


def network_findings(networks: Sequence[ev.Network], chosen: ev.Network | None) -> list[Finding]:
    """Where others reach this machine: the chosen address and its peculiarity, then the others."""
    if chosen is None:
        return [
            Finding(
                Check.NETWORK,
                Level.FAILURE,
                tr("doctor.onNoNetwork"),
                tr("doctor.onNoNetworkNext"),
            )
        ]
    others = [
        Finding(
            Check.NETWORK,
            Level.NOTE,
            _here("doctor.alsoHas", network),
            tr("doctor.alsoHasNext", address=network.address),
        )
        for network in networks
        if network.address != chosen.address
        and not network.virtual
        and not ip_address(network.address).is_link_local
    ]
    return [_chosen_finding(chosen), *others]


def address_not_here(address: str) -> Finding:
    """The address that a person named does not belong to this machine."""
    return Finding(
        Check.NETWORK,
        Level.FAILURE,
        tr("doctor.notHere", address=display_id(address)),
        tr("doctor.notHereNext"),
    )


def _here(key: str, network: ev.Network) -> str:
    return tr(key, address=network.address, interface=network.interface)


def _chosen_finding(chosen: ev.Network) -> Finding:
    ip = ip_address(chosen.address)
    if ip.is_loopback:
        return Finding(
            Check.NETWORK,
            Level.WARNING,
            _here("doctor.loopback", chosen),
            tr("doctor.loopbackNext"),
        )
    if chosen.virtual:
        return Finding(
            Check.NETWORK,
            Level.WARNING,
            _here("doctor.virtual", chosen),
            tr("doctor.virtualNext"),
        )
    if ip.is_link_local:
        return Finding(
            Check.NETWORK,
            Level.WARNING,
            _here("doctor.linkLocal", chosen),
            tr("doctor.linkLocalNext"),
        )
    if ip.version == 6:
        return Finding(
            Check.NETWORK,
            Level.NOTE,
            _here("doctor.ipv6", chosen),
            tr("doctor.ipv6Next"),
        )
    if not is_local(chosen.address):
        return Finding(
            Check.NETWORK,
            Level.NOTE,
            _here("doctor.public", chosen),
            tr("doctor.publicNext"),
        )
    return Finding(Check.NETWORK, Level.OK, _here("doctor.address", chosen))


# --- ports ----------------------------------------------------------------------------------------


class PortState(StrEnum):
    """The result of an attempt to listen on one port of one address."""

    # Listening worked, and a connection through the address arrived.
    FREE = "free"
    # Listening worked, but no connection arrived.
    SILENT = "silent"
    # A running Proxim answers on it.
    PROXIM = "proxim"
    # Another program uses it.
    TAKEN = "taken"
    # The system does not permit it.
    REFUSED = "refused"
    # The machine does not have the address (any more).
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class PortTrial:
    """The result for one port of one address."""

    port: int
    state: PortState


def port_finding(network: ev.Network, trials: Sequence[PortTrial], *, chosen: bool) -> Finding:
    """Whether Proxim can be reached through one address, seen from this machine.

    `trials` are all ports, in order.
    """
    address = network.address
    running = next((trial for trial in trials if trial.state is PortState.PROXIM), None)
    if running is not None:
        return Finding(
            Check.PORT, Level.OK, tr("doctor.running", address=authority(address, running.port))
        )
    # Proxim uses the first port that it can open; it cannot know whether others can reach it.
    openable = next(
        (trial for trial in trials if trial.state in (PortState.FREE, PortState.SILENT)), None
    )
    first = trials[0]
    if openable is None and any(trial.state is PortState.GONE for trial in trials):
        return Finding(
            Check.PORT,
            Level.WARNING,
            tr("doctor.noListening", address=address),
            tr("doctor.again"),
        )
    if openable is None:
        return Finding(
            Check.PORT,
            Level.WARNING,
            tr("doctor.noPort", ports=PORTS_SHOWN, address=address),
            tr("doctor.noPortNext"),
        )
    if openable.state is PortState.SILENT:
        return Finding(
            Check.PORT,
            Level.FAILURE if chosen else Level.WARNING,
            tr("doctor.silent", port=openable.port, address=address),
            tr("doctor.silentNext", ports=PORTS_SHOWN),
        )
    if openable is not first:
        key = "doctor.portReserved" if first.state is PortState.REFUSED else "doctor.portUsed"
        return Finding(
            Check.PORT,
            Level.NOTE,
            tr(key, port=first.port, address=address, taken=openable.port),
        )
    return Finding(Check.PORT, Level.OK, tr("doctor.port", port=first.port, address=address))


# --- firewalls ------------------------------------------------------------------------------------


class FirewallState(StrEnum):
    """What one firewall seems to do with a guest's connection."""

    OFF = "off"
    ALLOWS = "allows"
    # The system asks the person when Proxim listens for the first time.
    ASKS = "asks"
    BLOCKS = "blocks"
    # It is active, and its rules cannot be read (fully) without more rights.
    UNCLEAR = "unclear"
    # Not even its activity can be read.
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Firewall:
    """One firewall of this machine."""

    name: str
    state: FirewallState
    # A clause after a dash: which profile, zone or rule.
    about: str = ""
    # How to let Proxim in; unused if nothing needs to be done.
    remedy: str = ""


_FIREWALL_RULES: Final = {
    FirewallState.OFF: (Level.OK, "doctor.firewallOff"),
    FirewallState.ALLOWS: (Level.OK, "doctor.firewallAllows"),
    FirewallState.ASKS: (Level.NOTE, "doctor.firewallAsks"),
    FirewallState.BLOCKS: (Level.WARNING, "doctor.firewallBlocks"),
    FirewallState.UNCLEAR: (Level.WARNING, "doctor.firewallUnclear"),
    FirewallState.UNREADABLE: (Level.NOTE, "doctor.firewallUnreadable"),
}


def firewall_findings(firewalls: Sequence[Firewall]) -> list[Finding]:
    """Report what each firewall does with a guest."""
    findings = []
    for firewall in firewalls:
        level, key = _FIREWALL_RULES[firewall.state]
        about = tr("doctor.firewallAbout", clause=firewall.about) if firewall.about else ""
        message = tr(key, name=firewall.name, about=about, ports=PORTS_SHOWN)
        remedy = firewall.remedy or tr(
            "doctor.firewallRemedy", ports=PORTS_SHOWN, name=firewall.name
        )
        findings.append(
            Finding(Check.FIREWALL, level, message, None if level is Level.OK else remedy)
        )
    return findings or [Finding(Check.FIREWALL, Level.OK, tr("doctor.noFirewall"))]


# --- adapters, link, surroundings -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class VirtualAdapter:
    """An adapter that no other device in the room uses."""

    name: str
    addresses: tuple[str, ...]
    vpn: bool
    # Whether this machine's default route uses it.
    carries_default: bool


def adapter_findings(adapters: Sequence[VirtualAdapter]) -> list[Finding]:
    """VPN and virtual adapters: none, a note, or a VPN that may separate this machine from its
    neighbours.
    """
    findings = []
    for adapter in adapters:
        what = f"{adapter.name} ({', '.join(adapter.addresses)})"
        if adapter.vpn and adapter.carries_default:
            findings.append(
                Finding(
                    Check.ADAPTERS,
                    Level.WARNING,
                    tr("doctor.vpnCarries", adapter=what),
                    tr("doctor.vpnCarriesNext"),
                )
            )
        else:
            key = "doctor.vpn" if adapter.vpn else "doctor.virtualAdapter"
            findings.append(Finding(Check.ADAPTERS, Level.NOTE, tr(key, adapter=what)))
    return findings or [Finding(Check.ADAPTERS, Level.OK, tr("doctor.noAdapter"))]


@dataclass(frozen=True, slots=True)
class LinkTrial:
    """A trial link between two peers on this machine; `seconds` is None if they did not link."""

    seconds: float | None
    detail: str = ""


def link_finding(trial: LinkTrial) -> Finding:
    """Whether WebRTC over UDP works on this machine at all."""
    if trial.seconds is not None:
        return Finding(Check.LINK, Level.OK, tr("doctor.linked", seconds=decimal(trial.seconds, 2)))
    return Finding(
        Check.LINK,
        Level.FAILURE,
        tr("doctor.notLinkedBecause", detail=trial.detail)
        if trial.detail
        else tr("doctor.notLinked"),
        tr("doctor.notLinkedNext"),
    )


def link_not_tried() -> Finding:
    """Without a network, no link can be tried."""
    return Finding(Check.LINK, Level.NOTE, tr("doctor.notTried"))


@dataclass(frozen=True, slots=True)
class MulticastTrial:
    """Whether what was sent by multicast on one interface, by one IP version, came back to us."""

    interface: str
    heard: bool


def multicast_findings(trials: Sequence[MulticastTrial]) -> list[Finding]:
    """Whether known devices can find each other, one finding for each interface.

    One IP version of an interface is enough. What a network does with it cannot be seen from here.
    """
    if not trials:
        return [Finding(Check.MULTICAST, Level.NOTE, tr("doctor.multicastNotTried"))]
    findings = []
    for interface in dict.fromkeys(trial.interface for trial in trials):
        if any(trial.heard for trial in trials if trial.interface == interface):
            message = tr("doctor.multicast", interface=interface)
            findings.append(Finding(Check.MULTICAST, Level.OK, message))
        else:
            message = tr("doctor.noMulticast", interface=interface)
            remedy = tr("doctor.noMulticastNext")
            findings.append(Finding(Check.MULTICAST, Level.WARNING, message, remedy))
    return findings


def surroundings_findings(*, wsl: bool, local_network_privacy: bool) -> list[Finding]:
    """What no check can see: the system around this one, and the network between devices."""
    findings = []
    if wsl:
        findings.append(
            Finding(
                Check.SURROUNDINGS,
                Level.WARNING,
                tr("doctor.wsl"),
                tr("doctor.wslNext"),
            )
        )
    if local_network_privacy:
        findings.append(
            Finding(
                Check.SURROUNDINGS,
                Level.NOTE,
                tr("doctor.macOS"),
                tr("doctor.macOSNext"),
            )
        )
    findings.append(
        Finding(
            Check.SURROUNDINGS,
            Level.NOTE,
            tr("doctor.apart"),
            tr("doctor.apartNext"),
        )
    )
    return findings


# --- the screen -----------------------------------------------------------------------------------


class ScreenUse(StrEnum):
    """What others can do with this device's screen, if its person allows it."""

    SEEN = "seen"
    CONTROLLED = "controlled"


class ScreenState(StrEnum):
    """Whether that is possible here."""

    READY = "ready"
    # The system itself asks the person each time.
    ASKS = "asks"
    # The system has not what it takes.
    LACKS = "lacks"
    # The system has it, and does not let us use it.
    FORBIDDEN = "forbidden"
    # That cannot be found out.
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class ScreenFact:
    """Whether one use of the screen is possible, and with what."""

    use: ScreenUse
    state: ScreenState
    # What shows the screen here, such as "X11" or "Windows".
    system: str
    # What LACKS is about: names of extensions, services or packages.
    missing: tuple[str, ...] = ()
    # What to do about LACKS or FORBIDDEN, where that is not the usual.
    remedy: str = ""


_SCREEN_RULES: Final = {
    (ScreenUse.SEEN, ScreenState.READY): (Level.OK, "doctor.screenSeen", None),
    (ScreenUse.SEEN, ScreenState.ASKS): (Level.OK, "doctor.screenSeenAsks", None),
    (ScreenUse.SEEN, ScreenState.LACKS): (
        Level.WARNING,
        "doctor.screenSeenLacks",
        "doctor.screenLacksNext",
    ),
    (ScreenUse.SEEN, ScreenState.FORBIDDEN): (
        Level.WARNING,
        "doctor.screenSeenForbidden",
        "doctor.screenForbiddenNext",
    ),
    (ScreenUse.SEEN, ScreenState.UNREADABLE): (Level.NOTE, "doctor.screenSeenUnreadable", None),
    (ScreenUse.CONTROLLED, ScreenState.READY): (Level.OK, "doctor.screenControlled", None),
    (ScreenUse.CONTROLLED, ScreenState.ASKS): (Level.OK, "doctor.screenControlledAsks", None),
    (ScreenUse.CONTROLLED, ScreenState.LACKS): (
        Level.WARNING,
        "doctor.screenControlledLacks",
        "doctor.screenLacksNext",
    ),
    (ScreenUse.CONTROLLED, ScreenState.FORBIDDEN): (
        Level.WARNING,
        "doctor.screenControlledForbidden",
        "doctor.screenForbiddenNext",
    ),
    (ScreenUse.CONTROLLED, ScreenState.UNREADABLE): (
        Level.NOTE,
        "doctor.screenControlledUnreadable",
        None,
    ),
}


def screen_findings(facts: Sequence[ScreenFact]) -> list[Finding]:
    """Whether this device can show its screen, and be controlled; no facts mean no screen."""
    if not facts:
        return [Finding(Check.SCREEN, Level.NOTE, tr("doctor.noScreen"), tr("doctor.noScreenNext"))]
    findings = []
    for fact in facts:
        level, key, usual = _SCREEN_RULES[fact.use, fact.state]
        message = tr(key, system=fact.system, missing=", ".join(fact.missing))
        remedy = None if usual is None else fact.remedy or tr(usual)
        findings.append(Finding(Check.SCREEN, level, message, remedy))
    return findings


# --- checks that did not end ----------------------------------------------------------------------

_CHECKS: Final = {
    Check.NETWORK: "doctor.checkNetwork",
    Check.PORT: "doctor.checkPort",
    Check.FIREWALL: "doctor.checkFirewall",
    Check.ADAPTERS: "doctor.checkAdapters",
    Check.LINK: "doctor.checkLink",
    Check.MULTICAST: "doctor.checkMulticast",
    Check.SURROUNDINGS: "doctor.checkSurroundings",
    Check.SCREEN: "doctor.checkScreen",
    Check.KEPT: "doctor.checkKept",
}


def check_overran(check: Check, seconds: float) -> Finding:
    """A check took longer than its deadline."""
    return Finding(
        check,
        Level.WARNING,
        tr("doctor.overran", check=tr(_CHECKS[check]), seconds=f"{seconds:g}"),
        tr("doctor.overranNext"),
    )


def check_crashed(check: Check, detail: str) -> Finding:
    """A check failed in an unexpected way."""
    return Finding(
        check,
        Level.WARNING,
        tr("doctor.crashed", check=tr(_CHECKS[check]), detail=detail),
        tr("doctor.crashedNext"),
    )


# --- unfinished transfers -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KeptTransfer:
    """What is kept on the disk of an unfinished incoming transfer, so that it can go on."""

    title: str
    folder: str
    peer_name: str | None
    size: int
    # Since it was used last.
    days: int


def kept_findings(kept: Sequence[KeptTransfer], keep_days: int) -> list[Finding]:
    """What is kept and why, one finding each; a single one if nothing is."""
    if not kept:
        return [Finding(Check.KEPT, Level.OK, tr("doctor.nothingKept"))]
    return [
        Finding(
            Check.KEPT,
            Level.NOTE,
            tr(
                "doctor.kept",
                title=visible_name(one.title) or tr("transfers.unnamedFile"),
                size=decimal(one.size / 1e6, 1),
                folder=one.folder,
                name=visible_name(one.peer_name or "") or tr("device.otherWith"),
            ),
            tr("doctor.keptNext", count=max(1, keep_days - one.days)),
        )
        for one in kept
    ]


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What `--clean` did: how many transfers it forgot, their bytes, and how many it had to leave
    because their folders are not there now.
    """

    count: int
    size: int
    left: int = 0


def cleaned_findings(cleaned: Cleaned | None) -> list[Finding]:
    """What `--clean` did; None if it could do nothing because Proxim is running."""
    if cleaned is None:
        return [Finding(Check.KEPT, Level.FAILURE, tr("doctor.inUse"), tr("doctor.inUseNext"))]
    size = decimal(cleaned.size / 1e6, 1)
    removed = Finding(Check.KEPT, Level.OK, tr("doctor.cleaned", count=cleaned.count, size=size))
    if not cleaned.left:
        return [removed]
    left = Finding(
        Check.KEPT,
        Level.WARNING,
        tr("doctor.notCleaned", count=cleaned.left),
        tr("doctor.notCleanedNext"),
    )
    return [removed, left]
