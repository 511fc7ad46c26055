"""Tests of how options become a running network side."""

import asyncio
import json
from collections.abc import Hashable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proxim.app.host_options import HostOptions, ShareOption, WindowOptions
from proxim.app.options import JoinOptions
from proxim.app.startup import Startup
from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.features import link_features
from proxim.core.files import status as file_st
from proxim.core.files.manifest import Direction, TransferID
from proxim.core.link.features import Features
from proxim.core.program import Program
from proxim.core.screen.events import Grant
from tests.loopback import quiet_address

PATIENCE = 10.0


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("proxim.io.system.settings.config_folder", lambda: tmp_path)
    return tmp_path


class Published:
    """Collects what was published; the first status of type `until` sets `seen`."""

    def __init__(self, until: type[st.Status]) -> None:
        self.all: list[st.Status] = []
        self.newest: list[tuple[Hashable, st.Status]] = []
        self.seen = asyncio.Event()
        self._until = until

    def publish(self, status: st.Status) -> None:
        self.all.append(status)
        if isinstance(status, self._until):
            self.seen.set()

    def publish_newest(self, key: Hashable, status: st.Status) -> None:
        self.newest.append((key, status))


async def start(
    options: HostOptions | JoinOptions | WindowOptions, published: Published
) -> tuple[Startup, asyncio.Task[None]]:
    startup = Startup(options, published)
    startup.open()
    running = asyncio.create_task(startup.run())
    # This lets the task run to its first pause.
    await asyncio.sleep(0)
    return startup, running


async def first_of(
    options: HostOptions | JoinOptions | WindowOptions, until: type[st.Status]
) -> list[st.Status]:
    """Return what is published until a status of type `until` comes, and then until the end."""
    published = Published(until)
    startup, running = await start(options, published)
    await asyncio.wait_for(published.seen.wait(), PATIENCE)
    startup.report(ev.Shutdown())
    await asyncio.wait_for(running, PATIENCE)
    assert isinstance(published.all[-1], st.Stopped)
    return published.all


async def test_a_host_on_the_address_that_was_named() -> None:
    told = await first_of(HostOptions(address="127.0.0.1", name="Küche"), st.Invitation)
    networks = next(status for status in told if isinstance(status, st.Networks))
    assert networks.chosen == "127.0.0.1"
    device = next(status for status in told if isinstance(status, st.ThisDevice)).device
    assert device.name == "Küche"
    assert (
        "http://127.0.0.1:"
        in next(status for status in told if isinstance(status, st.Invitation)).url
    )


async def test_the_port_that_was_named_is_used_or_refused() -> None:
    told = await first_of(HostOptions(address=quiet_address(), port=47899), st.Invitation)
    assert ":47899/" in next(status for status in told if isinstance(status, st.Invitation)).url


async def test_a_name_on_the_command_line_is_not_kept(home: Path) -> None:
    await first_of(JoinOptions(name="only this time"), st.ThisDevice)
    assert "only this time" not in (home / "settings.json").read_text(encoding="utf-8")


async def test_the_identity_stays_from_start_to_start() -> None:
    uuids = set()
    for options in (WindowOptions(), JoinOptions(), HostOptions(address="127.0.0.1")):
        told = await first_of(options, st.ThisDevice)
        uuids.add(next(status for status in told if isinstance(status, st.ThisDevice)).device.id)
    assert len(uuids) == 1


async def test_one_who_only_joins_opens_no_port() -> None:
    told = await first_of(JoinOptions(), st.ThisDevice)
    assert not any(isinstance(status, st.Networks | st.Invitation) for status in told)


async def test_broken_settings_are_told(home: Path) -> None:
    (home / "settings.json").write_text("rubbish")
    told = await first_of(JoinOptions(), st.ThisDevice)
    assert [status.problem.reason for status in told if isinstance(status, st.Trouble)] == [
        Reason.SETTINGS_BROKEN
    ]


async def serves(url: str) -> None:
    """Check that the page is served."""
    host, port = url.split("/")[2].split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET / HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    assert await asyncio.wait_for(reader.readline(), PATIENCE)
    writer.close()
    await writer.wait_closed()


def policies(told: list[st.Status]) -> list[bool]:
    return [status.required for status in told if isinstance(status, st.ProofPolicy)]


@pytest.mark.parametrize("saved", [True, False])
@pytest.mark.parametrize("wanted", [True, False])
async def test_who_cannot_prove_the_code_is_refused_where_the_option_or_the_setting_says_so(
    home: Path, saved: bool, wanted: bool
) -> None:
    await first_of(JoinOptions(), st.ThisDevice)
    file = home / "settings.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "requireProof": saved}))
    told = await first_of(HostOptions(address=quiet_address(), require_proof=wanted), st.Invitation)
    assert policies(told) == ([True] if saved or wanted else [])
    # The option applies only to this run.
    assert json.loads(file.read_text())["requireProof"] is saved


async def test_a_change_while_running_is_told_and_kept(home: Path) -> None:
    published = Published(st.Stopped)
    startup, running = await start(HostOptions(address=quiet_address()), published)
    told = published.all
    await serves(next(status.url for status in told if isinstance(status, st.Invitation)))
    for required in (True, False, True):
        startup.report(ev.SetRequireProof(required))
        assert json.loads((home / "settings.json").read_text())["requireProof"] is required
    startup.report(ev.Shutdown())
    await asyncio.wait_for(running, PATIENCE)
    assert policies(told) == [True, False, True]
    assert policies(await first_of(HostOptions(address=quiet_address()), st.Invitation)) == [True]


@pytest.mark.parametrize("options", [HostOptions, WindowOptions])
async def test_what_was_allowed_beforehand_with_the_screen_reaches_its_feature(
    options: type[HostOptions | WindowOptions], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Grant] = []

    def with_grant(*arguments: Any) -> Features:
        seen.append(arguments[2])
        return link_features(*arguments)

    monkeypatch.setattr("proxim.core.features.link_features", with_grant)
    for wanted in (ShareOption.VIEW, ShareOption.CONTROL, None):
        await first_of(options(share_screen=wanted), st.Networks)
    assert seen == [Grant.VIEW, Grant.CONTROL, Grant.NOTHING]


async def test_of_a_transfers_progress_the_face_needs_only_the_newest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    active = file_st.TransferStatus(
        TransferID("p" * 22), Direction.IN, file_st.TransferState.ACTIVE, (), 100
    )
    moved = [replace(active, moved=moved, speed=1.0) for moved in (10, 20, 30)]
    waiting = replace(active, state=file_st.TransferState.WAITING)
    statuses = [active, *moved[:2], waiting, active, moved[2]]
    monkeypatch.setattr(Program, "start", lambda self, now: [do.Publish(one) for one in statuses])
    published = Published(st.Stopped)
    startup, running = await start(JoinOptions(), published)
    startup.report(ev.Shutdown())
    await asyncio.wait_for(running, PATIENCE)
    assert published.all == [active, waiting, active, st.Stopped()]
    keys = [key for key, _ in published.newest]
    assert [status for _, status in published.newest] == moved
    assert keys[0] == keys[1] != keys[2]
