"""Values that the tests pass to the machines: devices, networks, random bytes and provers."""

import hashlib
import itertools
from collections.abc import Callable

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.features import link_features
from proxim.core.files.events import AcceptPolicy
from proxim.core.known.feature import KnownDevices
from proxim.core.link import messages as link_msg
from proxim.core.link.features import Features
from proxim.core.link.link import Link
from proxim.core.pairing import devices
from proxim.core.pairing.connections import ConnectionLimits
from proxim.core.pairing.host import Host
from proxim.core.pairing.invitations import Invitations, NewSession, SessionSecrets, expiry
from proxim.core.pairing.proof import (
    MakeExchange,
    Prover,
)
from proxim.core.program import Program
from proxim.io.pairing.x25519 import X25519KeyPair
from tests.core.pairing.fake_spake2 import FakeSpake2

HOST_DEVICE = devices.DeviceInfo("Host PC", "3f0c2d1e-5b7a-4c3e-9a51-0d9f6b8e2c47")
PHONE = devices.DeviceInfo("Phone", "uuid-of-phone")
ETHERNET = ev.Network("192.168.1.5", 24, "eth0", virtual=False)
WIFI = ev.Network("192.168.1.77", 24, "Wi-Fi", virtual=False)
IPV6 = ev.Network("fe80::5%eth0", 64, "eth0", virtual=False)
GUEST_ADDRESS = "192.168.1.9"
PORT = 47800
# Unix seconds, at the beginning of a slot.
WALL_TIME = 1_800_000_000.0
ONE_TIME = ev.Invite(ev.SessionType.ONE_TIME)


def counting_bytes(name: str = "") -> Callable[[int], bytes]:
    """Return a predictable replacement of token_bytes, which counts and never repeats a value.

    Those with different names repeat none of each other's either, as far as there is room.
    """
    numbers = itertools.count(1)
    if not name:
        return lambda size: next(numbers).to_bytes(size)
    return lambda size: hashlib.shake_128(f"{name} {next(numbers)}".encode()).digest(size)


def prover(spake2: MakeExchange = FakeSpake2) -> Prover:
    """Return a prover with predictable random bytes and, by default, a fake SPAKE2."""
    return Prover(counting_bytes(), spake2, X25519KeyPair)


def known_devices(
    uuid: str = "uuid",
    made_with: Prover | None = None,
    wall_time: Callable[[], float] = lambda: WALL_TIME,
) -> KnownDevices:
    """Return the known devices of an installation with this id; it knows none so far."""
    return KnownDevices(uuid, made_with or prover(), wall_time)


def features() -> Features:
    """Return the features of a program's links, with predictable random bytes."""
    return link_features(counting_bytes(), known=known_devices())


# What a program's `hello` names: its features, and lanes.
WORDS = (*features().words, link_msg.LANE)


def hello(name: str, features: tuple[str, ...] = WORDS) -> link_msg.Hello:
    """Return the greeting of a device with this name, which supports everything by default."""
    return link_msg.Hello(name, features=features)


def read_message(text: str) -> link_msg.LinkMessage:
    """Read a message of a link's control channel."""
    return features().parse(text)[1]


def new_link(status: st.LinkStatus) -> Link:
    """Return a link of a host whose tests use none of its features."""
    return Link(status, "Host PC", features(), counting_bytes())


def program(
    device: devices.DeviceInfo,
    prover: Prover,
    invitations: Invitations | None = None,
    *,
    # The shared default is immutable.
    limits: ConnectionLimits = ConnectionLimits(),  # noqa: B008
    accept: AcceptPolicy | None = None,
    features: Features | None = None,
    known: KnownDevices | None = None,
    networks: tuple[ev.Network, ...] = (),
) -> Program:
    """Return a program that only joins, or that is a host, too, where there are `invitations`."""
    known = known or known_devices(device.id, prover)
    features = features or link_features(prover.token_bytes, accept, known=known)
    host = (
        None if invitations is None else Host(invitations, prover, features, known, limits=limits)
    )
    return Program(device, host, prover, features, known, networks)


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
