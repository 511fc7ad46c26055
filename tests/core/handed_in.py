"""Values that the tests pass to the machines: devices, networks, random bytes and provers."""

import itertools
from collections.abc import Callable

from proxim.core import events as ev
from proxim.core.files.transfers import Transfers
from proxim.core.pairing import devices
from proxim.core.pairing.invitations import Invitations, NewSession, SessionSecrets, expiry
from proxim.core.pairing.proof import (
    MakeExchange,
    Prover,
)
from tests.core.pairing.fake_spake2 import FakeSpake2

HOST_DEVICE = devices.DeviceInfo("Host PC", "uuid-of-host")
PHONE = devices.DeviceInfo("Phone", "uuid-of-phone")
ETHERNET = ev.Network("192.168.1.5", 24, "eth0", virtual=False)
WIFI = ev.Network("192.168.1.77", 24, "Wi-Fi", virtual=False)
IPV6 = ev.Network("fe80::5%eth0", 64, "eth0", virtual=False)
GUEST_ADDRESS = "192.168.1.9"
PORT = 47800
ONE_TIME = ev.Invite(ev.SessionType.ONE_TIME)


def counting_bytes() -> Callable[[int], bytes]:
    """Return a predictable replacement of token_bytes, which counts and never repeats a value."""
    numbers = itertools.count(1)
    return lambda size: next(numbers).to_bytes(size)


def no_files() -> Transfers:
    """Return an empty `Transfers` for a machine in whose tests files play no part."""
    return Transfers(counting_bytes())


def prover(spake2: MakeExchange = FakeSpake2) -> Prover:
    """Return a prover with predictable random bytes and, by default, a fake SPAKE2."""
    return Prover(counting_bytes(), spake2)


def new_session(
    session_id: str,
    kind: ev.SessionType = ev.SessionType.ONE_TIME,
    lifetime: float | None = None,
    now: float = 100.0,
) -> NewSession:
    """Return the data of a new session, with fixed secrets."""
    return NewSession(session_id, kind, expiry(kind, lifetime, now), SessionSecrets(5, b"k" * 16))


def invitations(first: ev.Invite = ONE_TIME, made_with: Prover | None = None) -> Invitations:
    """Return the invitations of a host on HOST_DEVICE."""
    return Invitations(HOST_DEVICE, first, (made_with or prover()).token_bytes)
