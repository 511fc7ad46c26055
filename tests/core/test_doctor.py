import json
from itertools import product

import pytest

from proxim.core import events as ev
from proxim.core.doctor import (
    ALL_PORTS,
    Check,
    Cleaned,
    Finding,
    Firewall,
    FirewallState,
    KeptTransfer,
    Level,
    LinkTrial,
    MulticastTrial,
    PortState,
    PortTrial,
    ScreenFact,
    ScreenState,
    ScreenUse,
    VirtualAdapter,
    adapter_findings,
    address_not_here,
    check_crashed,
    check_overran,
    cleaned_findings,
    exit_status,
    firewall_findings,
    kept_findings,
    link_finding,
    link_not_tried,
    multicast_findings,
    network_findings,
    port_finding,
    screen_findings,
    surroundings_findings,
)
from tests.rows import each_row

WIFI = ev.Network("192.168.1.20", 24, "Wi-Fi", virtual=False)
CABLE = ev.Network("10.0.0.7", 8, "Ethernet", virtual=False)
DOCKER = ev.Network("172.17.0.1", 16, "docker0", virtual=True)
ULA = ev.Network("fd00::2", 64, "Wi-Fi", virtual=False)
LINK_LOCAL_6 = ev.Network("fe80::1%eth0", 64, "eth0", virtual=False)


def trials(*first: PortState, rest: PortState = PortState.FREE) -> list[PortTrial]:
    states = [*first, *[rest] * (len(ALL_PORTS) - len(first))]
    return [PortTrial(port, state) for port, state in zip(ALL_PORTS, states, strict=True)]


# --- findings -------------------------------------------------------------------------------------


@each_row("level", [Level.WARNING, Level.FAILURE])
def test_a_worry_without_a_next_step_cannot_be_made(level: Level) -> None:
    with pytest.raises(ValueError, match="next step"):
        Finding(Check.PORT, level, "Something is wrong.")


@each_row("level", [Level.OK, Level.NOTE])
def test_what_is_well_needs_no_next_step(level: Level) -> None:
    assert Finding(Check.PORT, level, "Fine.").next is None


def test_a_finding_as_a_json_line() -> None:
    finding = Finding(Check.FIREWALL, Level.WARNING, "It blocks.", "Open it.")
    assert json.loads(json.dumps(finding.to_fields())) == {
        "event": "finding",
        "check": "firewall",
        "level": "warning",
        "message": "It blocks.",
        "next": "Open it.",
    }
    assert "next" not in Finding(Check.FIREWALL, Level.OK, "Fine.").to_fields()


def test_only_a_failure_fails_the_whole() -> None:
    fine = [
        Finding(Check.PORT, Level.OK, "Fine."),
        Finding(Check.PORT, Level.WARNING, "Hm.", "Look."),
    ]
    assert exit_status(fine) == 0
    assert exit_status([*fine, Finding(Check.PORT, Level.FAILURE, "No.", "Repair.")]) == 1
    assert exit_status([]) == 0


# --- addresses ------------------------------------------------------------------------------------


def test_no_network_is_a_failure() -> None:
    [finding] = network_findings((), None)
    assert (finding.check, finding.level) == (Check.NETWORK, Level.FAILURE)


def test_the_chosen_address_comes_first_and_other_real_ones_follow() -> None:
    first, other = network_findings((WIFI, CABLE, DOCKER, LINK_LOCAL_6), WIFI)
    assert first.level is Level.OK
    assert "192.168.1.20 (Wi-Fi)" in first.message
    assert other.level is Level.NOTE
    assert other.next == "To use that one: proxim host --address 10.0.0.7"


@each_row(
    "network, level, words",
    [
        (
            ev.Network("127.0.0.1", 8, "lo", virtual=False),
            Level.WARNING,
            "only programs on this machine",
        ),
        (DOCKER, Level.WARNING, "VPN or a virtual adapter"),
        (ev.Network("169.254.3.4", 16, "eth0", virtual=False), Level.WARNING, "no router"),
        (LINK_LOCAL_6, Level.WARNING, "no router"),
        (ULA, Level.NOTE, "no typed code"),
        (ev.Network("8.8.4.4", 24, "eth0", virtual=False), Level.NOTE, "no private address"),
    ],
)
def test_an_odd_chosen_address_is_explained(network: ev.Network, level: Level, words: str) -> None:
    [finding] = network_findings((network,), network)
    assert finding.level is level
    assert words in finding.message
    assert finding.next


def test_a_named_address_of_another_machine_is_a_failure_and_shown_safely() -> None:
    finding = address_not_here("10.9.9.9\x1b[2J")
    assert finding.level is Level.FAILURE
    assert "10.9.9.9" in finding.message
    assert "\x1b" not in finding.message


# --- ports ----------------------------------------------------------------------------------------


def test_the_default_port_is_free() -> None:
    finding = port_finding(WIFI, trials(), chosen=True)
    assert finding.level is Level.OK
    assert "Port 47800 on 192.168.1.20" in finding.message


def test_a_running_proxim_is_no_fault_whatever_the_other_ports_do() -> None:
    finding = port_finding(
        WIFI, trials(PortState.TAKEN, PortState.PROXIM, PortState.SILENT), chosen=True
    )
    assert finding.level is Level.OK
    assert "already running at 192.168.1.20:47801" in finding.message


def test_a_running_proxim_on_ipv6_is_named_as_in_a_url() -> None:
    assert "[fd00::2]:47800" in port_finding(ULA, trials(PortState.PROXIM), chosen=True).message


@each_row(
    "state, words",
    [(PortState.TAKEN, "used by another program"), (PortState.REFUSED, "reserved by the system")],
)
def test_a_fallback_port_is_a_note(state: PortState, words: str) -> None:
    finding = port_finding(WIFI, trials(state, state), chosen=True)
    assert finding.level is Level.NOTE
    assert words in finding.message
    assert "Proxim takes 47802" in finding.message


@each_row("chosen, level", [(True, Level.FAILURE), (False, Level.WARNING)])
def test_a_silent_port_fails_only_the_chosen_address(chosen: bool, level: Level) -> None:
    # Proxim would choose the silent port, so a later port that answers is no help.
    finding = port_finding(WIFI, trials(PortState.TAKEN, PortState.SILENT), chosen=chosen)
    assert finding.level is level
    assert "Port 47801" in finding.message
    assert finding.next is not None
    assert "47800-47807" in finding.next


def test_an_address_that_vanished_meanwhile() -> None:
    finding = port_finding(WIFI, trials(rest=PortState.GONE), chosen=True)
    assert finding.level is Level.WARNING
    assert "network may just have changed" in finding.message


def test_an_address_that_appeared_meanwhile_counts_by_the_port_that_opens() -> None:
    assert port_finding(WIFI, trials(PortState.GONE), chosen=True).level is Level.NOTE


def test_all_ports_taken_make_a_longer_code() -> None:
    finding = port_finding(WIFI, trials(PortState.REFUSED, rest=PortState.TAKEN), chosen=True)
    assert finding.level is Level.WARNING
    assert "47800-47807" in finding.message


# --- firewalls, adapters, link, surroundings ------------------------------------------------------


@each_row(
    "state, level",
    [
        (FirewallState.OFF, Level.OK),
        (FirewallState.ALLOWS, Level.OK),
        (FirewallState.ASKS, Level.NOTE),
        (FirewallState.UNREADABLE, Level.NOTE),
        (FirewallState.UNCLEAR, Level.WARNING),
        (FirewallState.BLOCKS, Level.WARNING),
    ],
)
def test_each_firewall_state_has_its_level_and_next_step(
    state: FirewallState, level: Level
) -> None:
    [finding] = firewall_findings([Firewall("ufw", state, "zone x", "Run: y")])
    assert finding.level is level
    assert finding.message.startswith("ufw ")
    assert finding.message.endswith(" - zone x.")
    assert finding.next == (None if level is Level.OK else "Run: y")


def test_every_firewall_state_is_in_the_table() -> None:
    assert len(firewall_findings([Firewall("x", state) for state in FirewallState])) == len(
        FirewallState
    )


def test_a_firewall_without_a_remedy_of_its_own_gets_the_general_one() -> None:
    [finding] = firewall_findings([Firewall("pf", FirewallState.BLOCKS)])
    assert finding.message.endswith("47800-47807.")
    assert finding.next == "Allow incoming TCP 47800-47807 for Proxim in pf."


def test_no_firewall() -> None:
    [finding] = firewall_findings([])
    assert finding.level is Level.OK


@each_row(
    "vpn, carries_default, level, words",
    [
        (True, True, Level.WARNING, "The VPN tun0 (10.8.0.2, fe80::1) carries"),
        (True, False, Level.NOTE, "a VPN tun0"),
        # Hyper-V's external switch is the way to the network and no fault.
        (
            False,
            True,
            Level.NOTE,
            "a virtual adapter tun0",
        ),
        (False, False, Level.NOTE, "a virtual adapter tun0"),
    ],
)
def test_adapters(vpn: bool, carries_default: bool, level: Level, words: str) -> None:
    [finding] = adapter_findings(
        [VirtualAdapter("tun0", ("10.8.0.2", "fe80::1"), vpn, carries_default)]
    )
    assert finding.level is level
    assert words in finding.message


def test_no_virtual_adapter() -> None:
    assert [finding.level for finding in adapter_findings([])] == [Level.OK]


def test_link_trials() -> None:
    assert link_finding(LinkTrial(0.042)).message.endswith("in 0.04 s.")
    assert link_finding(LinkTrial(0.0)).level is Level.OK
    failed = link_finding(LinkTrial(None, "ICE failed"))
    assert failed.level is Level.FAILURE
    assert "(ICE failed)." in failed.message
    assert "(" not in link_finding(LinkTrial(None)).message
    assert link_not_tried().level is Level.NOTE


@each_row(
    "wsl, privacy, levels",
    [
        (False, False, [Level.NOTE]),
        (True, False, [Level.WARNING, Level.NOTE]),
        (False, True, [Level.NOTE, Level.NOTE]),
    ],
)
def test_surroundings(wsl: bool, privacy: bool, levels: list[Level]) -> None:
    findings = surroundings_findings(wsl=wsl, local_network_privacy=privacy)
    assert [finding.level for finding in findings] == levels
    assert all(finding.next for finding in findings)


LEVELS = {
    ScreenState.READY: Level.OK,
    ScreenState.ASKS: Level.OK,
    ScreenState.LACKS: Level.WARNING,
    ScreenState.FORBIDDEN: Level.WARNING,
    ScreenState.UNREADABLE: Level.NOTE,
}


@each_row("use, state", list(product(ScreenUse, ScreenState)))
def test_what_can_be_done_with_the_screen(use: ScreenUse, state: ScreenState) -> None:
    missing = ("MIT-SHM", "DAMAGE") if state is ScreenState.LACKS else ()
    (finding,) = screen_findings([ScreenFact(use, state, "X11", missing)])
    assert (finding.check, finding.level) == (Check.SCREEN, LEVELS[state])
    assert "X11" in finding.message
    assert ("MIT-SHM, DAMAGE" in finding.message) is bool(missing)
    assert bool(finding.next) is (finding.level is Level.WARNING)
    (finding,) = screen_findings([ScreenFact(use, state, "X11", missing, remedy="Do this.")])
    assert (finding.next == "Do this.") is (finding.level is Level.WARNING)


def test_a_device_without_a_screen_is_only_noted() -> None:
    (finding,) = screen_findings([])
    assert (finding.check, finding.level) == (Check.SCREEN, Level.NOTE)
    assert finding.message.startswith("This device has no screen")


def test_multicast_is_reported_for_each_interface() -> None:
    trials = [
        MulticastTrial("eth0", heard=True),
        # One of its IP versions is enough.
        MulticastTrial("eth0", heard=False),
        MulticastTrial("wlan0", heard=False),
    ]
    works, fails = multicast_findings(trials)
    assert (works.check, works.level, works.next) == (Check.MULTICAST, Level.OK, None)
    assert "eth0" in works.message
    assert (fails.check, fails.level) == (Check.MULTICAST, Level.WARNING)
    assert "wlan0" in fails.message
    assert "5353" in (fails.next or "")
    # It keeps nobody out: codes work as ever.
    assert exit_status([works, fails]) == 0


def test_without_a_network_multicast_is_not_tried() -> None:
    [finding] = multicast_findings([])
    assert (finding.check, finding.level) == (Check.MULTICAST, Level.NOTE)


def test_checks_that_did_not_end_are_warnings() -> None:
    overran, crashed = check_overran(Check.FIREWALL, 20.0), check_crashed(Check.LINK, "ValueError")
    assert (overran.level, crashed.level) == (Level.WARNING, Level.WARNING)
    assert "firewall took longer than 20 s" in overran.message
    assert "link failed (ValueError)" in crashed.message
    # Each check has a name of its own.
    assert len({check_overran(check, 1.0).message for check in Check}) == len(Check)


# --- unfinished transfers -------------------------------------------------------------------------


def test_what_is_kept_of_unfinished_transfers() -> None:
    kept = (
        KeptTransfer("photos", "/home/ann/Downloads", "Bob's phone", 2_500_000, 3),
        KeptTransfer("a\x1b[2J.zip", "/srv", None, 0, 20),
    )
    first, second = kept_findings(kept, 14)
    assert (first.check, first.level) == (Check.KEPT, Level.NOTE)
    for part in ("photos", "Bob's phone", "2.5 MB", "/home/ann/Downloads"):
        assert part in first.message
    assert first.next == (
        "Proxim removes it when it starts after 11 days; proxim doctor --clean removes it now."
    )
    assert "\x1b" not in second.message
    # It is removed when Proxim receives for the next time.
    assert second.next is not None
    assert second.next.startswith("Proxim removes it when it starts after 1 day;")


def test_nothing_is_kept_and_what_was_removed() -> None:
    (nothing,) = kept_findings((), 14)
    assert (nothing.check, nothing.level, nothing.next) == (Check.KEPT, Level.OK, None)
    (removed,) = cleaned_findings(Cleaned(2, 1_200_000))
    assert removed.message == "Removed what was kept of 2 unfinished transfers (1.2 MB)."
    removed, left = cleaned_findings(Cleaned(0, 0, left=1))
    assert (left.level, left.message) == (
        Level.WARNING,
        "1 transfer was left, because its folder is not there now.",
    )
    (running,) = cleaned_findings(None)
    assert running.level is Level.FAILURE
    assert exit_status([running]) == 1
