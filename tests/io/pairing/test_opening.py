import secrets
from collections.abc import Iterator

import pytest

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.pairing.devices import DeviceInfo
from proxim.core.pairing.host_code import parse_target
from proxim.core.pairing.invitations import Invitations
from proxim.io.pairing.opening import NetOptions, Opening, open_host

DEVICE = DeviceInfo("PC", "3f0c2d1e-5b7a-4c3e-9a51-0d9f6b8e2c47")


class Opened:
    """A host that was opened, and the statuses that it published."""

    def __init__(self) -> None:
        self.told: list[st.Status] = []
        self.opening = Opening()

    def open(self, options: NetOptions, *, require_proof: bool = False) -> None:
        first = ev.Invite(ev.SessionType.ONE_TIME)
        invitations = Invitations(DEVICE, first, secrets.token_bytes, require_proof=require_proof)
        self.opening = open_host(invitations, self.told.append, options)


@pytest.fixture
def opened() -> Iterator[Opened]:
    opened = Opened()
    yield opened
    if opened.opening.listener is not None:
        opened.opening.listener.close()


def on(*addresses: str) -> NetOptions:
    return NetOptions(
        look=lambda: tuple(ev.Network(address, 8, "lo", False) for address in addresses)
    )


def test_a_code_is_told_and_its_port_open_before_there_is_a_loop(opened: Opened) -> None:
    opened.open(on("127.0.0.1"))
    kinds = [type(status) for status in opened.told]
    assert kinds == [st.ThisDevice, st.Networks, st.Invitation]
    invitation = opened.told[-1]
    assert isinstance(invitation, st.Invitation)
    assert opened.opening.listener is not None
    assert parse_target(invitation.url).port == opened.opening.listener.getsockname()[1]
    assert opened.opening.address == "127.0.0.1"


def test_without_a_network_that_is_told(opened: Opened) -> None:
    opened.open(on())
    assert opened.told[-1] == st.NoInvitation(Reason.NO_NETWORK)
    assert opened.opening.listener is None


def test_a_port_that_cannot_be_opened_is_told(opened: Opened) -> None:
    # TEST-NET-1 is not ours.
    opened.open(on("192.0.2.254"))
    assert any(
        isinstance(told, st.Trouble) and told.problem.reason is Reason.ADDRESS_GONE
        for told in opened.told
    )


def test_that_proof_is_required_is_told_first(opened: Opened) -> None:
    opened.open(on("127.0.0.1"), require_proof=True)
    assert opened.told[:2] == [st.ThisDevice(DEVICE), st.ProofPolicy(required=True)]
