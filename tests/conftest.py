import pytest

from proxim.net.addresses import list_networks


@pytest.fixture(scope="session")
def own_address() -> str:
    """An address of this machine that WebRTC uses (aiortc gathers no loopback); traffic to it stays on the machine."""
    networks = list_networks()
    if not networks:
        pytest.skip("this machine has no network address besides loopback")
    return networks[0].address
