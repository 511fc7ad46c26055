import asyncio
import socket
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager

import pytest

from proxim.core.doctor import ALL_PORTS, Check, Finding, Level, LinkTrial, PortState, exit_status
from proxim.core.errors import ProximError, Reason
from proxim.io.system import doctor
from proxim.io.system.abandonable import abandonable
from proxim.io.system.addresses import list_networks
from proxim.io.system.doctor import (
    Examination,
    examine,
    has_local_network_privacy,
    is_wsl,
    run_all,
    run_examination,
    try_link,
    try_port,
)
from tests.loopback import host_address

LOCALHOST = host_address()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOCALHOST, 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def answering(reply: bytes | None) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Run a server on loopback that reads a request and sends `reply`, or never answers if it is
    None.

    Yield the port and the requests.
    """
    requests: list[bytes] = []
    done = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        if reply is None:
            await done.wait()
        else:
            writer.write(reply)
        writer.close()

    server = await asyncio.start_server(handle, LOCALHOST, 0)
    try:
        yield server.sockets[0].getsockname()[1], requests
    finally:
        done.set()
        server.close()


# --- ports ----------------------------------------------------------------------------------------


async def test_a_free_port_can_be_opened_and_answers_and_is_free_again() -> None:
    port = free_port()
    assert (await try_port(LOCALHOST, port)).state is PortState.FREE
    assert (await try_port(LOCALHOST, port)).state is PortState.FREE


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
async def test_a_free_port_on_ipv6() -> None:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
            port = probe.getsockname()[1]
    except OSError:
        pytest.skip("no IPv6 loopback here")
    assert (await try_port("::1", port)).state is PortState.FREE


async def test_a_port_that_a_running_proxim_holds() -> None:
    page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<title>Proxim</title>"
    async with answering(page) as (port, requests):
        assert (await try_port(LOCALHOST, port)).state is PortState.PROXIM
    assert requests[0].startswith(f"GET / HTTP/1.1\r\nHost: {LOCALHOST}:{port}\r\n".encode())


async def test_a_port_that_another_web_server_holds() -> None:
    async with answering(b"HTTP/1.1 200 OK\r\n\r\n<title>Printer</title>") as (port, _):
        assert (await try_port(LOCALHOST, port)).state is PortState.TAKEN


async def test_a_port_whose_holder_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "ANSWER_SECONDS", 0.2)
    async with answering(None) as (port, requests):
        assert (await try_port(LOCALHOST, port)).state is PortState.TAKEN
    assert requests


async def test_a_port_that_opens_but_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    async def blocked(*_: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(asyncio, "open_connection", blocked)
    assert (await try_port(LOCALHOST, free_port())).state is PortState.SILENT


async def test_something_else_that_answers_in_our_place_is_not_us(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with answering(b"HTTP/1.1 407 Proxy\r\n\r\n") as (port, _):
        open_connection = asyncio.open_connection

        async def diverted(
            address: str, _: int
        ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            reader, writer = await open_connection(address, port)
            writer.write(b"\r\n\r\n")
            return reader, writer

        monkeypatch.setattr(asyncio, "open_connection", diverted)
        assert (await try_port(LOCALHOST, free_port())).state is PortState.SILENT


async def test_an_address_of_another_machine() -> None:
    assert (await try_port("203.0.113.9", free_port())).state is PortState.GONE


async def test_a_port_that_the_system_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str, __: int) -> socket.socket:
        raise ProximError(Reason.PORT_REFUSED)

    monkeypatch.setattr(doctor, "open_listener", refuse)
    assert (await try_port(LOCALHOST, free_port())).state is PortState.REFUSED
    async with answering(b"HTTP/1.1 200 OK\r\n\r\n<title>Proxim</title>") as (port, _):
        assert (await try_port(LOCALHOST, port)).state is PortState.PROXIM


# --- a link ---------------------------------------------------------------------------------------


async def test_two_peers_link_on_this_machine() -> None:
    if not list_networks():
        pytest.skip("ICE leaves loopback out, and there is no other address here")
    trial = await try_link()
    assert trial.seconds is not None, trial.detail
    assert 0 < trial.seconds < doctor.LINK_SECONDS


async def test_peers_that_do_not_find_each_other_in_time() -> None:
    trial = await try_link(seconds=0.0)
    assert trial.seconds is None
    assert trial.detail == "ICE new after 0 s"


async def test_ice_that_gives_up_ends_the_trial_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    if not list_networks():
        pytest.skip("without any candidate ICE never begins")
    import aioice

    async def no_pair(self: aioice.Connection) -> None:
        raise ConnectionError("no pair")

    monkeypatch.setattr(aioice.Connection, "connect", no_pair)
    async with asyncio.timeout(doctor.LINK_SECONDS / 2):
        assert await try_link() == LinkTrial(None, "ICE failed")


async def test_a_machine_that_gives_no_udp_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    import aioice

    async def refused(self: aioice.Connection) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(aioice.Connection, "gather_candidates", refused)
    assert await try_link() == LinkTrial(None, "EACCES")


# --- all checks together --------------------------------------------------------------------------

FINE = Finding(Check.ADAPTERS, Level.OK, "Fine.")


def examination(look: Callable[[], Awaitable[list[Finding]]], seconds: float = 5.0) -> Examination:
    return Examination(Check.FIREWALL, seconds, look)


async def fine() -> list[Finding]:
    return [FINE]


async def hang() -> list[Finding]:
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


async def crash() -> list[Finding]:
    raise ZeroDivisionError("1/0")


async def test_a_check_that_hangs_becomes_a_finding() -> None:
    [finding] = await run_examination(examination(hang, seconds=0.05))
    assert finding.level is Level.WARNING
    assert "took longer than 0.05 s" in finding.message


async def test_a_check_that_crashes_becomes_a_finding() -> None:
    [finding] = await run_examination(examination(crash))
    assert finding.level is Level.WARNING
    assert "ZeroDivisionError" in finding.message
    assert "1/0" not in finding.message


def test_a_disk_that_hangs_does_not_hold_the_doctor_up() -> None:
    released = threading.Event()

    def hang() -> list[Finding]:
        released.wait(timeout=60)
        return []

    async def look() -> list[Finding]:
        return await abandonable(hang)

    try:
        # At its end, asyncio.run waits for the threads of the loop's pool.
        [finding] = asyncio.run(run_examination(examination(look, seconds=0.05)))
        assert not released.is_set()
    finally:
        released.set()
    assert finding.level is Level.WARNING


async def test_what_fails_on_a_thread_of_its_own_fails_for_who_waits() -> None:
    def fail() -> list[Finding]:
        raise PermissionError

    with pytest.raises(PermissionError):
        await abandonable(fail)


async def test_findings_come_in_order_however_long_each_check_takes() -> None:
    second_is_done = asyncio.Event()

    async def slow() -> list[Finding]:
        await second_is_done.wait()
        return [Finding(Check.NETWORK, Level.OK, "Slow.")]

    async def quick() -> list[Finding]:
        second_is_done.set()
        return [FINE]

    found = [
        finding
        async for finding in run_all((examination(slow), examination(quick), examination(crash)))
    ]
    assert [finding.check for finding in found] == [Check.NETWORK, Check.ADAPTERS, Check.FIREWALL]


async def test_who_stops_reading_leaves_no_check_behind() -> None:
    ended = asyncio.Event()

    async def until_cancelled() -> list[Finding]:
        try:
            return await hang()
        finally:
            ended.set()

    async with aclosing(run_all((examination(fine), examination(until_cancelled)))) as findings:
        assert await anext(findings) == FINE
    assert ended.is_set()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_this_machine() -> None:
    found = [finding async for finding in examine()]
    checks = [finding.check for finding in found]
    networks = list_networks()
    assert checks == sorted(checks, key=list(Check).index)
    assert set(checks) == set(Check) - (set() if networks else {Check.PORT})
    assert checks.count(Check.PORT) == len(networks)
    assert exit_status(found) == int(any(finding.level is Level.FAILURE for finding in found))
    if networks:
        assert networks[0].address in found[0].message
        [linked] = [finding for finding in found if finding.check is Check.LINK]
        assert linked.level is Level.OK, linked


async def test_a_named_address_is_tried_too() -> None:
    found = [finding async for finding in examine(LOCALHOST)]
    assert "only programs on this machine" in found[0].message
    [port] = [
        finding for finding in found if finding.check is Check.PORT and LOCALHOST in finding.message
    ]
    assert port.level is not Level.FAILURE


async def test_a_named_address_that_is_not_here_is_a_failure() -> None:
    found = [finding async for finding in examine("203.0.113.9")]
    assert found[0].level is Level.FAILURE
    assert "203.0.113.9" in found[0].message
    assert exit_status(found) == 1


async def test_a_machine_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "read_adapters", tuple)
    found = {finding.check: finding async for finding in examine()}
    assert found[Check.NETWORK].level is Level.FAILURE
    assert found[Check.LINK].level is Level.NOTE
    assert Check.PORT not in found


async def test_adapters_that_cannot_be_read_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash_at_once() -> None:
        raise RuntimeError("driver")

    monkeypatch.setattr(doctor, "read_adapters", crash_at_once)
    [finding] = [finding async for finding in examine()]
    assert (finding.check, finding.level) == (Check.NETWORK, Level.WARNING)


def test_all_ports_are_those_of_the_code() -> None:
    assert list(ALL_PORTS) == list(range(47800, 47808))


def test_wsl_is_known_by_its_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert is_wsl("5.15.167.4-microsoft-standard-WSL2")
    assert is_wsl("4.4.0-19041-Microsoft")
    assert not is_wsl("6.1.0-28-amd64")
    monkeypatch.setattr(sys, "platform", "win32")
    assert not is_wsl("10-microsoft")


def test_macos_asks_for_the_local_network_from_15_on(subtests: pytest.Subtests) -> None:
    cases: list[tuple[str, bool]] = [
        ("", False),
        ("14.7.1", False),
        ("15.0", True),
        ("26.1", True),
        ("15", True),
    ]
    for version, asks in cases:
        with subtests.test(version=version):
            assert has_local_network_privacy(version) is asks
