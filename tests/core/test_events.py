import pytest

from proxim.core import events as ev
from proxim.core.pairing.host_code import is_local


@pytest.mark.parametrize(
    ("address", "prefix_length", "subnet", "neighbour"),
    [
        ("192.168.178.123", 24, "192.168.178.123/24", "192.168.178.1"),
        ("203.0.113.77", 24, "203.0.113.77/24", "203.0.113.1"),
        # A zone is no part of a subnet.
        ("fe80::1%eth0", 64, "fe80::1/64", "fe80::2"),
    ],
)
def test_a_network_names_the_subnet_whose_devices_are_near(
    address: str, prefix_length: int, subnet: str, neighbour: str
) -> None:
    network = ev.Network(address, prefix_length, "eth0", virtual=False)
    assert network.subnet == subnet
    assert is_local(neighbour, (network.subnet,))


def test_a_connection_shows_who_opened_it_and_of_two_the_smaller_one_is_older() -> None:
    assert (str(ev.ConnectionID(3)), str(ev.ConnectionID(3, dialled=True))) == ("3", "3 (dialled)")
    assert ev.ConnectionID(3) < ev.ConnectionID(10)
