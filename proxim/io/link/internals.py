"""What Proxim changes inside aiortc and aioice. No other module knows their private names.

There are no public names for what is done here:

- `guard` enforces limits that aiortc does not enforce on a peer.
- `warm_up` and `pace_checks` let a link open as soon as it can.
- `quicken` and `prepare_sockets` make a data channel cheaper. While files move over it, the
  processor is busy with aiortc's work for each packet, and the network is not.

- `hasten` sends again sooner, on links that show a screen.

Limits stay as they are: what may be in flight, and how much is sent for one acknowledgement, is
decided by the same rules as in aiortc alone.

A later aiortc or aioice may have other names, or do other things under the same names. `quicken`
therefore does nothing for versions that nobody has read for it, and `guard` does what it still can.
Links then work, and files move more slowly. tests/io/link/test_internals.py fails and says so.
"""

import asyncio
import contextlib
import logging
import socket
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from aioice import __version__ as AIOICE_VERSION  # noqa: N812

from proxim.io.limits import MAX_IN_FLIGHT_BYTES, MAX_WINDOW_OVERRUN_BYTES
from proxim.io.link.datagrams import Address, with_trains
from proxim.io.link.webrtc import AIORTC_VERSION, RTCDtlsTransport, RTCSctpTransport

_log = logging.getLogger(__name__)

# The versions whose source was read for `quicken`. Before a version is added here, its methods that
# are replaced below must be compared with those of the version before.
READ_AIORTC: Final = "1.16."
READ_AIOICE: Final = "0.13."

# How much aiortc lets be in flight to us (its receive window). The system may grant less: Linux has
# the limit net.core.rmem_max.
RECEIVE_BYTES: Final = 1024 * 1024
# The time between two checks of ICE, which is aioice's own.
CHECK_SECONDS: Final = 0.02
# At least every second packet is acknowledged (RFC 9260, 6.2). A sender may send a few packets for
# each acknowledgement, so one for many packets would make it slower.
ACKNOWLEDGED_PACKETS: Final = 2
# The largest datagram that is read from OpenSSL, as in aiortc.
_RECORD_BYTES: Final = 1500
# How long a lost packet may keep pictures and keys waiting. aiortc waits for a second at least (RFC
# 9260, 16); TCP does for 0.2 s on Linux.
RETRANSMIT_SECONDS: Final = 0.1
# The first byte of a datagram of DTLS (RFC 7983).
_DTLS: Final = range(20, 64)

# aiortc's modules of SCTP and DTLS, with their constants and what they import.
_sctp_names: Final[Any] = sys.modules[RTCSctpTransport.__module__]
_dtls_names: Final[Any] = sys.modules[RTCDtlsTransport.__module__]

# Private names of each object, as seen from an RTCSctpTransport whose candidates are gathered.
_GUARD_NAMES: Final = ("_handle_data", "_advertised_rwnd", "_cwnd")
_RTO_NAMES: Final = ("_rto", "_rttvar", "_srtt", "_update_rto")
_RECV: Final = "_recv"
_SCTP_NAMES: Final = (
    *_GUARD_NAMES,
    *_RTO_NAMES,
    "_fast_recovery_exit",
    "_flight_size",
    "_flight_size_increase",
    "_forward_tsn_chunk",
    "_get_inbound_stream",
    "_last_received_tsn",
    "_outbound_queue",
    "_receive_data_chunk",
    "_receive_sack_chunk",
    "_reconfig_deferred",
    "_sack_duplicates",
    "_sack_misordered",
    "_sack_needed",
    "_send_sack",
    "_sent_queue",
    "_t3_expired",
    "_t3_handle",
    "_t3_start",
    "_transmit",
)
_SCTP_CONSTANTS: Final = (
    "SCTP_DATA_LAST_FRAG",
    "SCTP_MAX_BURST",
    "SCTP_TSN_MODULO",
    "USERDATA_MAX_LENGTH",
)
# Python itself adds the class's name to a name with two underscores.
_HANDSHAKE_DONE: Final = "_RTCDtlsTransport__handshake_done"
_CERTIFICATE: Final = "_RTCDtlsTransport__local_certificate"
_NEW_CONTEXT: Final = "_create_ssl_context"
_SRTP_PROFILES: Final = "_srtp_profiles"
_DTLS_NAMES: Final = (
    _CERTIFICATE,
    _HANDSHAKE_DONE,
    _SRTP_PROFILES,
    "_data_receiver",
    "_recv_next",
    "_ssl",
    "_write_ssl",
)
_ICE_NAMES: Final = ("_connection", _RECV)
_CONNECTION_NAMES: Final = (
    "_check_list",
    "_check_periodic",
    "_protocols",
    "_queue",
    "data_received",
)


def missing_names(sctp: Any) -> list[str]:
    """Return the private names that this module uses, and that this aiortc or aioice lacks."""
    return list(_missing(sctp))


def _missing(sctp: Any) -> Iterator[str]:
    yield from (f"rtcsctptransport.{one}" for one in _SCTP_CONSTANTS if _lacks(_sctp_names, one))
    if _lacks(_dtls_names, "SSL"):
        yield "rtcdtlstransport.SSL"
    yield from (f"RTCSctpTransport.{name}" for name in _SCTP_NAMES if _lacks(sctp, name))
    dtls = getattr(sctp, "transport", None)
    yield from (f"RTCDtlsTransport.{name}" for name in _DTLS_NAMES if _lacks(dtls, name))
    if _lacks(getattr(dtls, _CERTIFICATE, None), _NEW_CONTEXT):
        yield f"RTCCertificate.{_NEW_CONTEXT}"
    ice = getattr(dtls, "transport", None)
    yield from (f"RTCIceTransport.{name}" for name in _ICE_NAMES if _lacks(ice, name))
    connection = getattr(ice, "_connection", None)
    yield from (f"aioice.Connection.{one}" for one in _CONNECTION_NAMES if _lacks(connection, one))


def _lacks(owner: Any, name: str) -> bool:
    return not hasattr(owner, name)


def _is_read() -> bool:
    """Return whether somebody has read these versions of aiortc and aioice for this module."""
    return AIORTC_VERSION.startswith(READ_AIORTC) and AIOICE_VERSION.startswith(READ_AIOICE)


# --- sockets --------------------------------------------------------------------------------------


def prepare_sockets(sctp: Any) -> None:
    """Give the sockets of an RTCSctpTransport whose candidates are gathered larger receive buffers,
    and transports that send and receive trains where the system can.
    """
    try:
        protocols = list(sctp.transport.transport._connection._protocols)
        sockets = [one.transport.get_extra_info("socket") for one in protocols]
    except AttributeError:
        _log.info("this aioice does not show its sockets")
        return
    for protocol, own in zip(protocols, sockets, strict=True):
        # A relay has no socket of its own.
        if own is not None:
            with contextlib.suppress(OSError):
                own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
            if _is_read():
                with_trains(protocol.transport, protocol, _deliverer(protocol))


def _deliverer(protocol: Any) -> Callable[[bytes, Address], None]:
    """Return what hands a datagram to aioice.

    aioice tries to read each datagram as a message of STUN first. Those of DTLS are told by their
    first byte.
    """
    plain = protocol.datagram_received
    data_received = protocol.receiver.data_received
    component = protocol.local_candidate.component

    def deliver(data: bytes, address: Address) -> None:
        if data[0] in _DTLS:
            data_received(data, component)
        else:
            plain(data, address)

    return deliver


# --- ICE ------------------------------------------------------------------------------------------


def warm_up(sctp: Any) -> None:
    """Let an RTCSctpTransport's first handshake begin as soon as ICE is done.

    The first context that a program makes for DTLS takes 5 ms, each later one half of one.
    """
    dtls = getattr(sctp, "transport", None)
    new_context = getattr(getattr(dtls, _CERTIFICATE, None), _NEW_CONTEXT, None)
    profiles = getattr(dtls, _SRTP_PROFILES, None)
    if new_context is None or profiles is None:
        _log.info("this aiortc does not show its certificate")
        return
    # aiortc makes one of its own for the handshake.
    new_context(srtp_profiles=profiles)


def pace_checks(sctp: Any) -> None:
    """Let ICE be done as soon as one of its checks has an answer.

    aioice pauses for 20 ms after each check, also if its answer comes within one, which is half of
    the time that a link takes to open on a LAN. The pause between two checks stays (RFC 8445,
    14.2), but it no longer holds up what is done with the answer.
    """
    try:
        ice = sctp.transport.transport._connection
        start_next: Callable[[], bool] = ice._check_periodic
        len(ice._check_list)
    except AttributeError:
        # A later aioice may have other names. Then links open later, and nothing else changes.
        _log.info("this aioice does not show its checks")
        return
    loop = asyncio.get_running_loop()

    def check() -> bool:
        """Start the next check; return whether aioice shall pause and call this again."""
        more = start_next()
        if not ice._check_list:
            # aioice takes an empty list for a failure, while the other side's addresses may still
            # come.
            return more
        if more:
            loop.call_later(CHECK_SECONDS, check)
        return False

    ice._check_periodic = check


# --- limits that aiortc leaves to us --------------------------------------------------------------


def guard(sctp: Any, misbehaves: Callable[[str], None]) -> bool:
    """Check what an RTCSctpTransport receives, and its windows after every packet.

    Anybody can send an empty datagram to an open port, and aiortc would let its task crash. These
    are left out.

    aiortc accepts data beyond its own window, and sends beyond the other side's. A packet that
    makes aiortc raise (a channel opened twice, text that is not UTF-8) is misbehaviour, too. After
    `misbehaves` was called with what happened, all further packets are ignored. Returns False if
    this aiortc does not show its windows.
    """
    ice: Any = getattr(getattr(sctp, "transport", None), "transport", None)
    if any(_lacks(sctp, name) for name in _GUARD_NAMES) or _lacks(ice, _RECV):
        return False
    handle, recv = sctp._handle_data, ice._recv
    misbehaved = False

    def end(what: str) -> None:
        nonlocal misbehaved
        misbehaved = True
        misbehaves(what)

    async def handle_and_look(data: bytes) -> None:
        if misbehaved:
            # The link is being closed, and nothing more may pile up.
            return
        try:
            await handle(data)
        except ConnectionError:
            # The transport below is closed, and aiortc handles that itself.
            raise
        except Exception as error:  # noqa: BLE001
            # The packet is hostile, and aiortc would let its task crash.
            end(type(error).__name__)
        if sctp._cwnd > MAX_IN_FLIGHT_BYTES:
            sctp._cwnd = MAX_IN_FLIGHT_BYTES
        if sctp._advertised_rwnd < -MAX_WINDOW_OVERRUN_BYTES:
            end("receive window overrun")

    async def recv_content() -> Any:
        while not (data := await recv()):
            pass
        return data

    sctp._handle_data = handle_and_look
    ice._recv = recv_content
    return True


# --- less work for each packet --------------------------------------------------------------------


def quicken(sctp: Any) -> None:
    """Make an RTCSctpTransport do less for each packet, if it is of a version that was read."""
    if not _is_read() or missing_names(sctp):
        _log.info("aiortc %s with aioice %s: used as it is", AIORTC_VERSION, AIOICE_VERSION)
        return
    Sender(sctp)
    Receiver(sctp)


def hasten(sctp: Any) -> None:
    """Make an RTCSctpTransport send again after RETRANSMIT_SECONDS if that is twice the time that
    an answer takes, and not after one second; once or several times.
    """
    if not _is_read() or any(_lacks(sctp, name) for name in _RTO_NAMES):
        return
    if getattr(sctp._update_rto, "__func__", None) is not type(sctp)._update_rto:
        # It was done before.
        return
    plain = sctp._update_rto

    def update(seconds: float) -> None:
        plain(seconds)
        wanted = sctp._srtt + 4 * sctp._rttvar
        sctp._rto = max(RETRANSMIT_SECONDS, min(wanted, sctp._rto))

    sctp._update_rto = update


class Sender:
    """Replaces how an RTCSctpTransport finds what to send.

    aiortc looks through everything in flight for packets to send again, at each acknowledgement.
    """

    def __init__(self, sctp: Any) -> None:
        self._sctp = sctp
        self._plain_transmit = sctp._transmit
        self._plain_sack = sctp._receive_sack_chunk
        self._plain_t3 = sctp._t3_expired
        # Whether something in flight may be marked to be sent again.
        self._marked = False
        sctp._transmit = self.transmit
        sctp._receive_sack_chunk = self._receive_sack
        sctp._t3_expired = self._t3_expired

    async def _receive_sack(self, chunk: Any) -> None:
        # Packets are marked when an acknowledgement shows gaps, or when none came for long.
        if chunk.gaps:
            self._marked = True
        await self._plain_sack(chunk)

    def _t3_expired(self) -> None:
        self._marked = True
        self._plain_t3()

    async def transmit(self) -> None:
        """Send what aiortc's `_transmit` would send."""
        sctp = self._sctp
        if self._marked or sctp._forward_tsn_chunk is not None:
            await self._plain_transmit()
            self._marked = any(chunk._retransmit for chunk in sctp._sent_queue)
            return
        # From here on this is the end of aiortc's own method: at most SCTP_MAX_BURST packets more
        # than are in flight, and never more than the congestion window.
        burst = 2 if sctp._fast_recovery_exit is not None else _sctp_names.SCTP_MAX_BURST
        most = sctp._flight_size + burst * _sctp_names.USERDATA_MAX_LENGTH
        window = min(most, sctp._cwnd)
        now = time.time()
        while sctp._outbound_queue and sctp._flight_size < window:
            chunk = sctp._outbound_queue.popleft()
            sctp._sent_queue.append(chunk)
            sctp._flight_size_increase(chunk)
            chunk._sent_count += 1
            chunk._sent_time = now
            await sctp._send_chunk(chunk)
            if not sctp._t3_handle:
                sctp._t3_start()


class Receiver:
    """Replaces how an RTCSctpTransport receives: all that came within one turn of the loop is
    handled at once, and acknowledged once for every second packet and at the end.
    """

    def __init__(self, sctp: Any) -> None:
        self._sctp = sctp
        self._dtls = sctp.transport
        self._ice = self._dtls.transport
        self._queue: asyncio.Queue[tuple[bytes, int] | None] = self._ice._connection._queue
        self._plain_recv_next = self._dtls._recv_next
        self._plain_data_chunk = sctp._receive_data_chunk
        self._plain_send_sack = sctp._send_sack
        self._within_turn = False
        self._unacknowledged = 0
        self._dtls._recv_next = self._recv_turn
        sctp._receive_data_chunk = self._receive_data_chunk
        sctp._send_sack = self._send_sack

    async def _recv_turn(self) -> None:
        """Handle all datagrams that have come."""
        if not getattr(self._dtls, _HANDSHAKE_DONE):
            await self._plain_recv_next()
            return
        data = await self._ice._recv()
        self._within_turn = True
        try:
            while True:
                if data and data[0] in _DTLS:
                    await self._decrypt(data)
                # Other datagrams would carry sound and pictures.
                if self._queue.empty():
                    break
                item = self._queue.get_nowait()
                if item is None:
                    # The connection is lost. The next turn must find this, too.
                    self._queue.put_nowait(None)
                    break
                data = item[0]
        finally:
            self._within_turn = False
        if self._unacknowledged:
            await self._acknowledge()
        await self._dtls._write_ssl()

    async def _decrypt(self, data: bytes) -> None:
        """Handle one datagram, as aiortc's `_recv_next` does."""
        dtls = self._dtls
        dtls._ssl.bio_write(data)
        try:
            packet = dtls._ssl.recv(_RECORD_BYTES)
        except _dtls_names.SSL.ZeroReturnError:
            await dtls._write_ssl()
            raise ConnectionError from None
        except _dtls_names.SSL.Error:
            # It was no data. OpenSSL may want to answer.
            await dtls._write_ssl()
            return
        if packet and dtls._data_receiver:
            await dtls._data_receiver._handle_data(packet)

    async def _receive_data_chunk(self, chunk: Any) -> None:
        """Append a part of a message to those before it.

        aiortc would look through all parts for complete messages. This part comes in its place, and
        is not the last of its message, so it completes none.
        """
        sctp = self._sctp
        last = sctp._last_received_tsn
        if (
            chunk.flags & _sctp_names.SCTP_DATA_LAST_FRAG
            or last is None
            or chunk.tsn != (last + 1) % _sctp_names.SCTP_TSN_MODULO
            or sctp._sack_misordered
            or sctp._sack_duplicates
            or sctp._reconfig_deferred is not None
        ):
            await self._plain_data_chunk(chunk)
            return
        sctp._sack_needed = True
        sctp._last_received_tsn = chunk.tsn
        sctp._get_inbound_stream(chunk.stream_id).reassembly.append(chunk)
        sctp._advertised_rwnd -= len(chunk.user_data)

    async def _send_sack(self) -> None:
        """Acknowledge a packet: now, or together with the next, or at the end of this turn."""
        sctp = self._sctp
        self._unacknowledged += 1
        if (
            not self._within_turn
            or self._unacknowledged >= ACKNOWLEDGED_PACKETS
            # The sender should know at once that something was lost.
            or sctp._sack_misordered
            or sctp._sack_duplicates
        ):
            await self._acknowledge()
        else:
            sctp._sack_needed = False

    async def _acknowledge(self) -> None:
        self._unacknowledged = 0
        await self._plain_send_sack()
