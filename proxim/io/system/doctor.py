"""Examines this machine for `proxim doctor`: addresses, ports, firewalls, adapters, a link between
two peers, multicast, and the screen.

All checks run at once, each under its own deadline. One that crashes or overruns becomes a finding.
core/doctor.py decides what the facts mean.
"""

import asyncio
import contextlib
import errno
import logging
import os
import platform
import secrets
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Final

from proxim.core import events as ev
from proxim.core.crash_log import describe_crash
from proxim.core.doctor import (
    ALL_PORTS,
    Check,
    Cleaned,
    Finding,
    KeptTransfer,
    LinkTrial,
    MulticastTrial,
    PortState,
    PortTrial,
    VirtualAdapter,
    adapter_findings,
    address_not_here,
    check_crashed,
    check_overran,
    cleaned_findings,
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
from proxim.core.errors import ProximError, Reason
from proxim.core.pairing.invite_link import authority
from proxim.io.files.store import DAY_SECONDS, KEEP_SECONDS, Store
from proxim.io.known.segments import PROBE_SECONDS, hears_itself, segments_of, worth_looking
from proxim.io.pairing.listener import open_listener
from proxim.io.system.addresses import (
    AdapterKind,
    default_sources,
    kind_of,
    network_for,
    rank,
    read_adapters,
)
from proxim.io.system.firewall import find_firewalls
from proxim.io.system.screens import find_screen
from proxim.io.system.user_folders import transfers_folder

# A connection within one machine takes a millisecond, but a firewall that drops packets makes it
# hang.
ANSWER_SECONDS: Final = 2.0
# Two peers on one machine need 0.2 s. ICE itself gives up after some 5 s.
LINK_SECONDS: Final = 10.0
CLOSE_SECONDS: Final = 2.0
# This is enough for two waits of ANSWER_SECONDS, because all ports and addresses are tried at once.
PORT_SECONDS: Final = 8.0
# The firewalls' tools run one after the other and take a second together. People do not wait longer
# than this for tools that hang.
FIREWALL_SECONDS: Final = 20.0
# The desktop is asked by one tool or another, and a portal is started by being asked.
SCREEN_SECONDS: Final = 20.0
# These checks ask the system and wait for nobody.
QUICK_SECONDS: Final = 5.0
# Our page contains its name in its first lines.
MAX_PAGE_BYTES: Final = 16 * 1024

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Examination:
    """One check: its subject, its time limit in seconds, and how to do it."""

    check: Check
    seconds: float
    look: Callable[[], Awaitable[list[Finding]]]


async def run_examination(examination: Examination) -> list[Finding]:
    """Return the findings of one check, even if it crashes or overruns."""
    try:
        async with asyncio.timeout(examination.seconds):
            return await examination.look()
    except TimeoutError:
        return [check_overran(examination.check, examination.seconds)]
    except Exception as error:  # noqa: BLE001 - a doctor that falls over helps nobody; the finding names it
        _log.warning("check %s failed: %s", examination.check, describe_crash(error))
        return [check_crashed(examination.check, type(error).__name__)]


async def examine(address: str | None = None) -> AsyncGenerator[Finding, None]:
    """Yield everything that could keep others from this machine, in reading order.

    `address` is the one that a person named.
    """
    try:
        adapters = read_adapters()
        named = None if address is None else network_for(address)
    except Exception as error:  # noqa: BLE001 - as in run_examination
        _log.warning("addresses cannot be read: %s", describe_crash(error))
        yield check_crashed(Check.NETWORK, type(error).__name__)
        return
    sources = default_sources()
    networks = rank(adapters, sources)
    chosen = named or next(iter(networks), None)
    tried = networks if named is None or named in networks else (named, *networks)

    async def addresses() -> list[Finding]:
        absent = [] if address is None or named is not None else [address_not_here(address)]
        return absent + network_findings(networks, chosen)

    async def ports() -> list[Finding]:
        return list(
            await asyncio.gather(*(_examine_ports(network, chosen == network) for network in tried))
        )

    async def firewalls() -> list[Finding]:
        return firewall_findings(await find_firewalls("" if chosen is None else chosen.interface))

    async def virtual_adapters() -> list[Finding]:
        return adapter_findings(
            [
                VirtualAdapter(
                    adapter.name,
                    tuple(str(own.ip) for own in adapter.addresses),
                    vpn=kind_of(adapter) is AdapterKind.VPN,
                    carries_default=any(str(own.ip) in sources for own in adapter.addresses),
                )
                for adapter in adapters
                if adapter.running and kind_of(adapter) is not AdapterKind.PHYSICAL
            ]
        )

    async def link() -> list[Finding]:
        return [link_finding(await try_link())] if networks else [link_not_tried()]

    async def multicast() -> list[Finding]:
        segments = segments_of(worth_looking(networks))
        heard = await asyncio.gather(*map(hears_itself, segments))
        return multicast_findings(
            [
                MulticastTrial(segment.interface, one)
                for segment, one in zip(segments, heard, strict=True)
            ]
        )

    async def surroundings() -> list[Finding]:
        return surroundings_findings(
            wsl=is_wsl(platform.release()),
            local_network_privacy=has_local_network_privacy(platform.mac_ver()[0]),
        )

    async def screen() -> list[Finding]:
        return screen_findings(await find_screen(os.environ))

    async def kept() -> list[Finding]:
        return kept_findings(await asyncio.to_thread(kept_transfers), KEEP_SECONDS // DAY_SECONDS)

    examinations = (
        Examination(Check.NETWORK, QUICK_SECONDS, addresses),
        Examination(Check.PORT, PORT_SECONDS, ports),
        Examination(Check.FIREWALL, FIREWALL_SECONDS, firewalls),
        Examination(Check.ADAPTERS, QUICK_SECONDS, virtual_adapters),
        Examination(Check.LINK, LINK_SECONDS + 2 * CLOSE_SECONDS, link),
        Examination(Check.MULTICAST, PROBE_SECONDS + QUICK_SECONDS, multicast),
        Examination(Check.SURROUNDINGS, QUICK_SECONDS, surroundings),
        Examination(Check.SCREEN, SCREEN_SECONDS, screen),
        Examination(Check.KEPT, QUICK_SECONDS, kept),
    )
    async with contextlib.aclosing(run_all(examinations)) as findings:
        async for finding in findings:
            yield finding


def kept_transfers() -> tuple[KeptTransfer, ...]:
    """Return what is kept of unfinished transfers."""
    folder = transfers_folder()
    return () if folder is None else Store(folder).kept(time.time())


def clean_kept() -> list[Finding]:
    """Remove what is kept of unfinished transfers, unless a running Proxim may continue them."""
    folder = transfers_folder()
    if folder is None:
        return cleaned_findings(Cleaned(0, 0))
    store = Store(folder)
    return cleaned_findings(None if store.in_use() else store.clean())


async def run_all(examinations: Sequence[Examination]) -> AsyncGenerator[Finding, None]:
    """Run all checks at once, and yield their findings in the order of the checks."""
    tasks = [
        asyncio.create_task(run_examination(each), name=f"doctor {each.check}")
        for each in examinations
    ]
    try:
        for task in tasks:
            for finding in await task:
                yield finding
    finally:
        # The reader may have stopped early, or Ctrl+C was pressed.
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


# --- ports ----------------------------------------------------------------------------------------


async def _examine_ports(network: ev.Network, chosen: bool) -> Finding:
    trials = await asyncio.gather(*(try_port(network.address, port) for port in ALL_PORTS))
    return port_finding(network, trials, chosen=chosen)


async def try_port(address: str, port: int) -> PortTrial:
    """Listen on one port of one address, and connect to it through that address.

    If the port is in use, ask whether its owner is Proxim.
    """
    try:
        listener = open_listener(address, port)
    except ProximError as error:
        if error.reason is Reason.ADDRESS_GONE:
            return PortTrial(port, PortState.GONE)
        # If a program holds a port exclusively, as ours does, Windows may refuse the port instead
        # of reporting it as in use.
        if await _is_proxim(address, port):
            return PortTrial(port, PortState.PROXIM)
        return PortTrial(
            port, PortState.TAKEN if error.reason is Reason.PORT_TAKEN else PortState.REFUSED
        )
    # The token shows that our own listener answers, and not a proxy in between.
    token = secrets.token_bytes(16)

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(token)
        await _close(writer)

    server = await asyncio.start_server(answer, sock=listener)
    try:
        answered = await _exchange(address, port, b"", len(token)) == token
    finally:
        # From Python 3.12.1 on, wait_closed() would wait for every connection.
        server.close()
    return PortTrial(port, PortState.FREE if answered else PortState.SILENT)


async def _is_proxim(address: str, port: int) -> bool:
    """Whether the page at that port is ours."""
    request = f"GET / HTTP/1.1\r\nHost: {authority(address, port)}\r\nConnection: close\r\n\r\n"
    return b"Proxim" in await _exchange(address, port, request.encode("ascii"), MAX_PAGE_BYTES)


async def _exchange(address: str, port: int, request: bytes, wanted: int) -> bytes:
    """Connect, send, and read until `wanted` bytes, the end or the time-out.

    Returns what arrived until then.
    """
    received = b""
    # The connection may be refused, reset or unreachable. TimeoutError is an OSError, too.
    with contextlib.suppress(OSError):
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(address, port)
            try:
                writer.write(request)
                while len(received) < wanted and (
                    chunk := await reader.read(wanted - len(received))
                ):
                    received += chunk
            finally:
                await _close(writer)
    return received


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    # The other side may have closed first.
    with contextlib.suppress(OSError):
        await writer.wait_closed()


# --- a link ---------------------------------------------------------------------------------------


async def try_link(seconds: float = LINK_SECONDS) -> LinkTrial:
    """Link two WebRTC peers in this process until a data channel is open.

    They meet at this machine's addresses.
    """
    # Imported late, because the other checks need not wait these 0.25 s.
    from proxim.io.link.webrtc import RTCConfiguration, RTCPeerConnection

    # The servers are always explicit, because the default contacts a public STUN server.
    configuration = RTCConfiguration(iceServers=[])
    caller, callee = RTCPeerConnection(configuration), RTCPeerConnection(configuration)
    opened: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def settle(linked: bool) -> None:
        if not opened.done():
            opened.set_result(linked)

    def watch_ice() -> None:
        if caller.iceConnectionState == "failed":
            settle(False)

    caller.on("iceconnectionstatechange", watch_ice)
    caller.createDataChannel("doctor").on("open", lambda: settle(True))
    started = monotonic()
    try:
        async with asyncio.timeout(seconds):
            await caller.setLocalDescription(await caller.createOffer())
            await callee.setRemoteDescription(caller.localDescription)
            await callee.setLocalDescription(await callee.createAnswer())
            await caller.setRemoteDescription(callee.localDescription)
            linked = await opened
        return LinkTrial(monotonic() - started) if linked else LinkTrial(None, "ICE failed")
    except TimeoutError:
        return LinkTrial(None, f"ICE {caller.iceConnectionState} after {seconds:g} s")
    except OSError as error:
        return LinkTrial(None, errno.errorcode.get(error.errno or 0, type(error).__name__))
    finally:
        # A peer that cannot close ends with the process.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await asyncio.gather(caller.close(), callee.close())


# --- surroundings ---------------------------------------------------------------------------------


def is_wsl(kernel_release: str) -> bool:
    """Whether this Linux runs inside Windows.

    Its kernel is then, for example, "5.15.167.4-microsoft-standard-WSL2".
    """
    return sys.platform == "linux" and "microsoft" in kernel_release.lower()


def has_local_network_privacy(macos_version: str) -> bool:
    """Whether this macOS asks before a program may reach the local network (15 and later).

    On other systems the version is "".
    """
    major = macos_version.partition(".")[0]
    return major.isdigit() and int(major) >= 15
