"""Loopback addresses and ports that nobody else listens on, whatever runs on this machine
meanwhile.
"""

import random
import socket
import sys

import pytest


def host_address() -> str:
    """An address for hosts of this process: those of tests that run beside it have others.

    A guest that dials a host which has just ended must not find another test's in its place.
    """
    return "127.0.0.1" if sys.platform == "darwin" else quiet_address()


def quiet_address() -> str:
    """One of the 16 million loopback addresses, each with all its ports to itself."""
    if sys.platform == "darwin":
        pytest.skip("macOS has a single loopback address", allow_module_level=True)
    return f"127.{random.randint(1, 254)}.{random.randint(1, 254)}.{random.randint(1, 254)}"


def free_port() -> int:
    """A port that no program takes by itself.

    Proxim's own ports do not stay its own in tests: once a host has ended, that of another test may
    listen there, and whoever tries to reach the first one again reaches the other.
    """
    with socket.socket() as probe:
        probe.bind(("", 0))
        port: int = probe.getsockname()[1]
        return port
