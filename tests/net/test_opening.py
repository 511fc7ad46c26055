import secrets
from collections.abc import Iterator

import pytest

from proxim.core.commands import SetTimer
from proxim.core.errors import Reason
from proxim.core.events import Invite, Network, SessionType
from proxim.core.host import Host
from proxim.core.host_code import parse_target
from proxim.core.messages import DeviceInfo
from proxim.core.program import Program
from proxim.core.proving import Prover
from proxim.core.status import Invitation, Networks, NoInvitation, Status, ThisDevice, Trouble
from proxim.net.opening import NetOptions, Opening, open_program
from proxim.net.spake import Spake2Exchange

DEVICE = DeviceInfo("PC", "uuid")
PROVER = Prover(secrets.token_bytes, Spake2Exchange)


class Opened:
    """A program that was opened, and what it told."""

    def __init__(self) -> None:
        self.told: list[Status] = []
        self.opening = Opening()

    def open(self, host: Host | None, options: NetOptions) -> None:
        self.opening = open_program(Program(DEVICE, host, PROVER), self.told.append, options)


@pytest.fixture
def opened() -> Iterator[Opened]:
    opened = Opened()
    yield opened
    if opened.opening.listener is not None:
        opened.opening.listener.close()


def host() -> Host:
    return Host(DEVICE, Invite(SessionType.ONE_TIME), PROVER)


def on(*addresses: str) -> NetOptions:
    return NetOptions(look=lambda: tuple(Network(address, 8, "lo", False) for address in addresses))


def test_a_code_is_told_and_its_port_open_before_there_is_a_loop(opened: Opened) -> None:
    opened.open(host(), on("127.0.0.1"))
    kinds = [type(status) for status in opened.told]
    assert kinds == [ThisDevice, Networks, Invitation]
    invitation = opened.told[-1]
    assert isinstance(invitation, Invitation)
    assert opened.opening.listener is not None
    assert parse_target(invitation.url).port == opened.opening.listener.getsockname()[1]
    assert opened.opening.address == "127.0.0.1"
    assert [type(command) for command in opened.opening.commands] == [SetTimer]


def test_without_a_network_that_is_told(opened: Opened) -> None:
    opened.open(host(), on())
    assert opened.told[-1] == NoInvitation(Reason.NO_NETWORK)
    assert opened.opening.listener is None


def test_a_port_that_cannot_be_opened_is_told(opened: Opened) -> None:
    opened.open(host(), on("192.0.2.254"))  # TEST-NET-1, not ours
    assert any(
        isinstance(told, Trouble) and told.problem.reason is Reason.ADDRESS_GONE
        for told in opened.told
    )


def test_one_who_only_joins_opens_nothing(opened: Opened) -> None:
    opened.open(None, NetOptions())
    assert [type(status) for status in opened.told] == [ThisDevice]
    assert opened.opening == Opening()
