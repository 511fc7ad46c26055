"""How options become a running network side."""

import asyncio
from pathlib import Path

import pytest

from proxim.core.errors import Reason
from proxim.core.events import Shutdown
from proxim.core.status import Invitation, Networks, Status, Stopped, ThisDevice, Trouble
from proxim.options import HostOptions, JoinOptions, WindowOptions
from proxim.wiring import network_side
from tests.loopback import quiet_address

PATIENCE = 10.0


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("proxim.net.settings.config_folder", lambda: tmp_path)
    return tmp_path


async def first_of(options: HostOptions | JoinOptions | WindowOptions, until: type[Status]) -> list[Status]:
    """What is told until such a status comes."""
    told: list[Status] = []
    seen = asyncio.Event()

    def publish(status: Status) -> None:
        told.append(status)
        if isinstance(status, until):
            seen.set()

    net = network_side(options)(publish)()
    running = asyncio.create_task(net.run())
    await asyncio.wait_for(seen.wait(), PATIENCE)
    net.report(Shutdown())
    await asyncio.wait_for(running, PATIENCE)
    assert isinstance(told[-1], Stopped)
    return told


async def test_a_host_on_the_address_that_was_named() -> None:
    told = await first_of(HostOptions(address="127.0.0.1", name="Küche"), Invitation)
    networks = next(status for status in told if isinstance(status, Networks))
    assert networks.chosen == "127.0.0.1"
    device = next(status for status in told if isinstance(status, ThisDevice)).device
    assert device.name == "Küche"
    assert "http://127.0.0.1:" in next(status for status in told if isinstance(status, Invitation)).url


async def test_the_port_that_was_named_is_used_or_refused() -> None:
    told = await first_of(HostOptions(address=quiet_address(), port=47899), Invitation)
    assert ":47899/" in next(status for status in told if isinstance(status, Invitation)).url


async def test_a_name_on_the_command_line_is_not_kept(home: Path) -> None:
    await first_of(JoinOptions(name="only this time"), ThisDevice)
    assert "only this time" not in (home / "settings.json").read_text(encoding="utf-8")


async def test_the_identity_stays_from_start_to_start() -> None:
    uuids = set()
    for options in (WindowOptions(), JoinOptions(), HostOptions(address="127.0.0.1")):
        told = await first_of(options, ThisDevice)
        uuids.add(next(status for status in told if isinstance(status, ThisDevice)).device.id)
    assert len(uuids) == 1


async def test_one_who_only_joins_opens_no_port() -> None:
    told = await first_of(JoinOptions(), ThisDevice)
    assert not any(isinstance(status, Networks | Invitation) for status in told)


async def test_broken_settings_are_told(home: Path) -> None:
    (home / "settings.json").write_text("rubbish")
    told = await first_of(JoinOptions(), ThisDevice)
    assert [status.problem.reason for status in told if isinstance(status, Trouble)] == [Reason.SETTINGS_BROKEN]
