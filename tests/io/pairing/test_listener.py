import errno
import socket
from typing import Any

import pytest

from proxim.core.errors import Reason
from proxim.core.pairing.host_code import DEFAULT_PORT, FALLBACK_PORTS
from proxim.io.pairing.listener import ListenError, open_listener
from tests.loopback import quiet_address

LOOPBACK = "127.0.0.1"
QUIET, QUIET_TOO = quiet_address(), quiet_address()


def port_of(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


def test_ports_are_taken_in_the_protocols_order() -> None:
    listeners = [open_listener(QUIET, None) for _ in range(10)]
    try:
        ports = [port_of(listener) for listener in listeners]
        assert ports[:8] == [DEFAULT_PORT, *FALLBACK_PORTS]
        assert not {DEFAULT_PORT, *FALLBACK_PORTS} & set(ports[8:])
    finally:
        for listener in listeners:
            listener.close()


def test_a_named_port_that_is_taken_is_not_replaced() -> None:
    with open_listener(LOOPBACK, None) as first, pytest.raises(ListenError) as caught:
        open_listener(LOOPBACK, port_of(first))
    assert caught.value.reason is Reason.PORT_TAKEN


def test_an_address_of_another_machine_is_gone() -> None:
    with pytest.raises(ListenError) as caught:
        # Binding to TEST-NET-1 fails at once and sends nothing.
        open_listener("192.0.2.254", None)
    assert caught.value.reason is Reason.ADDRESS_GONE


def test_a_zone_that_does_not_exist_is_gone() -> None:
    with pytest.raises(ListenError) as caught:
        open_listener("fe80::1%nosuchzone", None)
    assert caught.value.reason is Reason.ADDRESS_GONE


def test_only_the_chosen_address_is_listened_on() -> None:
    with open_listener(QUIET, None) as listener:
        with socket.create_connection((QUIET, port_of(listener)), timeout=5):
            pass
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((QUIET_TOO, port_of(listener)), timeout=5)


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_ipv6() -> None:
    with open_listener("::1", None) as listener:
        assert listener.getsockname()[0] == "::1"


def test_a_port_that_the_system_reserves_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    bind = socket.socket.bind

    class Reserving(socket.socket):
        def bind(self, address: Any, /) -> None:
            if address[1] == DEFAULT_PORT:
                raise PermissionError(errno.EACCES, "reserved, as Windows does for Hyper-V")
            bind(self, address)

    monkeypatch.setattr(socket, "socket", Reserving)
    with open_listener(QUIET, None) as listener:
        assert port_of(listener) == FALLBACK_PORTS[0]
    with pytest.raises(ListenError) as caught:
        open_listener(QUIET, DEFAULT_PORT)
    assert caught.value.reason is Reason.PORT_REFUSED
