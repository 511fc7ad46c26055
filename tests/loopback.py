"""Loopback addresses and ports that no other program on this machine listens on."""

import random
import socket
import sys

import pytest


def host_address() -> str:
    """Return an address for hosts of this process; tests in other processes get other addresses.

    A guest that dials a host which has just ended must not reach another test's host instead.
    """
    return "127.0.0.1" if sys.platform == "darwin" else quiet_address()


def quiet_address() -> str:
    """Return one of the 16 million loopback addresses, with all its ports free."""
    if sys.platform == "darwin":
        pytest.skip("macOS has a single loopback address", allow_module_level=True)
    return f"127.{random.randint(1, 254)}.{random.randint(1, 254)}.{random.randint(1, 254)}"


def free_port() -> int:
    """Return a port that no program uses by default.

    Proxim's default ports are not reliable in tests: once a host has ended, another test's host may
    listen on its port, and a guest that tries again would reach the wrong host.
    """
    with socket.socket() as probe:
        probe.bind(("", 0))
        port: int = probe.getsockname()[1]
        return port
