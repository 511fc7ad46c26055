"""The commands about known devices, carried out for real: a file, and multicast in this machine."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from proxim.core import commands as do
from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.known import commands as known_do
from proxim.core.known import events as known_ev
from proxim.core.known.devices import KnownFile
from proxim.io.known import discovery
from proxim.io.known import executor as module
from proxim.io.known.executor import KnownExecutor
from proxim.io.system.addresses import list_networks
from tests.io.known.test_store import DESK, FULL, LAPTOP, OURS
from tests.io.support import PATIENCE, Events

PORT = 47800
QUARTER = 15 * 60.0


def tags(slot: int, *who: str) -> tuple[bytes, ...]:
    return tuple(hashlib.sha256(f"{one} {slot}".encode()).digest()[:8] for one in who)


class Program:
    """What a program is to the executor: it hears events, and commands follow."""

    def __init__(self, folder: Path | None, announces: str | None = None) -> None:
        self.told = Events()
        self.published: list[st.Status] = []
        self.now = 1_000_000 * QUARTER + 100.0
        self.tasks: set[asyncio.Task[None]] = set()
        self.crashed: list[BaseException] = []
        self.prepared = asyncio.Event()
        self._announces = announces
        self.executor = KnownExecutor(
            self._report,
            self.published.append,
            self._spawn,
            self._prepare,
            folder=None if folder is None else str(folder),
            uuid=OURS,
            clock=lambda: self.now,
        )
        self.executor.discovery.has_networks(list_networks())

    def _report(self, event: known_ev.KnownAnswer) -> None:
        self.told(event)
        if isinstance(event, known_ev.SlotBegan) and self._announces is not None:
            self.do(known_do.Announce(tags(event.slot, self._announces)))

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self.tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.crashed.append(error)

    async def _prepare(self) -> None:
        self.prepared.set()

    def do(self, command: do.Command) -> None:
        self.executor.execute[type(command)](command)

    async def seen(self, who: str) -> known_ev.ServiceSeen:
        slot = int(self.now // QUARTER)
        [tag] = tags(slot, who)
        return await self.told.wait(known_ev.ServiceSeen, lambda seen: seen.has(tag))

    async def stop(self) -> None:
        await asyncio.wait_for(self.executor.stop(), PATIENCE)
        while self.tasks:
            await asyncio.wait(self.tasks, timeout=PATIENCE)
        assert self.crashed == []


@pytest_asyncio.fixture
async def programs() -> AsyncIterator[list[Program]]:
    made: list[Program] = []
    yield made
    for one in made:
        await one.stop()


def start(programs: list[Program], folder: Path | None, announces: str | None = None) -> Program:
    program = Program(folder, announces)
    programs.append(program)
    return program


# --- the file -------------------------------------------------------------------------------------


async def test_the_file_is_read_saved_and_read_again(
    programs: list[Program], tmp_path: Path
) -> None:
    first = start(programs, tmp_path)
    first.executor.start()
    assert (await first.told.wait(known_ev.KnownLoaded)).file == KnownFile()
    first.do(known_do.SaveKnown(FULL))
    await first.stop()
    again = start(programs, tmp_path)
    again.executor.start()
    assert (await again.told.wait(known_ev.KnownLoaded)).file == FULL
    assert first.published == again.published == []


async def test_of_many_changes_the_last_one_is_in_the_file(
    programs: list[Program], tmp_path: Path
) -> None:
    program = start(programs, tmp_path)
    for file in (FULL, KnownFile((LAPTOP,)), KnownFile((DESK,))):
        program.do(known_do.SaveKnown(file))
    # The end of the program waits for it.
    await program.stop()
    assert [
        one["name"] for one in json.loads((tmp_path / "known.json").read_text())["devices"]
    ] == ["Desk"]


async def test_a_file_that_cannot_be_used_is_told_before_what_is_known(
    programs: list[Program], tmp_path: Path
) -> None:
    (tmp_path / "known.json").write_text("rubbish")
    program = start(programs, tmp_path)
    program.executor.start()
    await program.told.wait(known_ev.KnownLoaded)
    [trouble] = program.published
    assert isinstance(trouble, st.Trouble)
    assert trouble.problem.reason is Reason.KNOWN_BROKEN


async def test_an_entry_that_is_damaged_by_another_program_is_told(
    programs: list[Program], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.01)
    program = start(programs, tmp_path)
    program.executor.start()
    await program.told.wait(known_ev.KnownLoaded)
    program.do(known_do.SaveKnown(FULL))
    await program.stop()
    again = start(programs, tmp_path)
    again.executor.start()
    await again.told.wait(known_ev.KnownLoaded, lambda loaded: loaded.file == FULL)
    fields = json.loads((tmp_path / "known.json").read_text())
    fields["devices"][0]["key"] = "?"
    (tmp_path / "new").write_text(json.dumps(fields))
    (tmp_path / "new").rename(tmp_path / "known.json")
    await again.told.wait(known_ev.KnownLoaded, lambda loaded: loaded.file != FULL)
    [trouble] = again.published
    assert isinstance(trouble, st.Trouble)
    assert trouble.problem.reason is Reason.KNOWN_DAMAGED


async def test_a_change_that_cannot_be_saved_is_told(programs: list[Program]) -> None:
    program = start(programs, None)
    program.do(known_do.SaveKnown(FULL))
    await program.stop()
    [trouble] = program.published
    assert isinstance(trouble, st.Trouble)
    assert trouble.problem.reason is Reason.KNOWN_UNWRITABLE


async def test_what_another_program_changes_is_told_within_a_moment(
    programs: list[Program], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.01)
    one, other = start(programs, tmp_path), start(programs, tmp_path)
    for program in (one, other):
        program.executor.start()
        await program.told.wait(known_ev.KnownLoaded)
    other.do(known_do.SaveKnown(FULL))
    await one.told.wait(known_ev.KnownLoaded, lambda loaded: loaded.file == FULL)
    # It goes on from that: what it changes now is that change alone.
    one.do(known_do.SaveKnown(KnownFile((DESK,), FULL.forgotten, discovery=False)))
    found = await other.told.wait(known_ev.KnownLoaded, lambda loaded: loaded.file != KnownFile())
    assert found.file.devices == (DESK,)
    await other.stop()
    await one.stop()
    told = [event for event in one.told.all if isinstance(event, known_ev.KnownLoaded)]
    assert [event.file for event in told] == [KnownFile(), FULL]


# --- discovery ------------------------------------------------------------------------------------


async def test_two_programs_of_one_machine_find_each_other(
    programs: list[Program], own_address: str
) -> None:
    host, guest = start(programs, None, "desk"), start(programs, None)
    guest.do(known_do.LookForServices())
    assert (await guest.told.wait(known_ev.SlotBegan)).slot == 1_000_000
    host.executor.discovery.listens((own_address, PORT))
    host.do(known_do.Announce(()))
    seen = await guest.seen("desk")
    assert (own_address, PORT) in [one[:2] for one in seen.endpoints]
    # It sees the others, and not itself.
    host.do(known_do.LookForServices())
    other = start(programs, None, "laptop")
    other.executor.discovery.listens((own_address, PORT + 1))
    other.do(known_do.Announce(()))
    assert (await host.seen("laptop")).service != seen.service
    assert not any(
        isinstance(event, known_ev.ServiceSeen) and event.service == seen.service
        for event in host.told.all
    )


async def test_names_and_tags_are_new_in_each_slot(
    programs: list[Program], own_address: str
) -> None:
    host, guest = start(programs, None, "desk"), start(programs, None)
    host.executor.discovery.listens((own_address, PORT))
    host.do(known_do.Announce(()))
    guest.do(known_do.LookForServices())
    before = await guest.seen("desk")
    for program in (host, guest):
        program.now += QUARTER
        program.executor.discovery.look_at_clock()
    after = await guest.seen("desk")
    assert after.service != before.service
    assert not after.hidden_tags & before.hidden_tags
    # It may have been told before the other was seen.
    gone = known_ev.ServiceGone(before.service)
    if gone not in guest.told.all:
        await guest.told.wait(known_ev.ServiceGone, lambda one: one == gone)
    slots = [event.slot for event in host.told.all if isinstance(event, known_ev.SlotBegan)]
    assert slots == [1_000_000, 1_000_001]


async def test_a_clock_that_is_looked_at_twice_in_a_slot_changes_nothing(
    programs: list[Program], own_address: str
) -> None:
    host = start(programs, None, "desk")
    host.executor.discovery.listens((own_address, PORT))
    host.do(known_do.Announce(()))
    for _ in range(3):
        host.now += 60
        host.executor.discovery.look_at_clock()
    assert len(host.told.all) == 1


async def test_the_clock_is_looked_at_by_itself(
    programs: list[Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "CLOCK_SECONDS", 0.01)
    program = start(programs, None)
    program.do(known_do.LookForServices())
    await program.told.wait(known_ev.SlotBegan)
    # As after a night with the lid closed.
    program.now += 8 * 3600
    assert (await program.told.wait(known_ev.SlotBegan)).slot == 1_000_032


async def test_without_tags_nothing_is_announced(programs: list[Program], own_address: str) -> None:
    host, guest = start(programs, None), start(programs, None)
    host.executor.discovery.listens((own_address, PORT))
    host.do(known_do.Announce(()))
    guest.do(known_do.LookForServices())
    host.do(known_do.Announce(tags(1_000_000, "desk")))
    seen = await guest.seen("desk")
    host.do(known_do.StopAnnouncing())
    await guest.told.wait(known_ev.ServiceGone)
    # It listens somewhere else, and after that nowhere.
    host.do(known_do.Announce(tags(1_000_000, "desk")))
    await guest.seen("desk")
    host.executor.discovery.listens((own_address, PORT + 7))
    moved = await guest.seen("desk")
    while {port for _, port, _ in moved.endpoints} != {PORT + 7}:
        # What was announced before is repeated once.
        moved = await guest.seen("desk")
    host.executor.discovery.listens(None)
    await guest.told.wait(known_ev.ServiceGone, lambda gone: gone.service == moved.service)
    assert seen.service != moved.service


async def test_what_is_wanted_again_at_once_is_done(
    programs: list[Program], own_address: str
) -> None:
    host, guest = start(programs, None, "desk"), start(programs, None)
    host.executor.discovery.listens((own_address, PORT))
    host.do(known_do.Announce(()))
    for _ in range(5):
        guest.do(known_do.LookForServices())
        guest.do(known_do.StopLooking())
        await asyncio.sleep(0)
    guest.do(known_do.LookForServices())
    service = (await guest.seen("desk")).service
    guest.do(known_do.StopLooking())
    guest.do(known_do.LookForServices())
    guest.do(known_do.StopLooking())
    await guest.told.wait(known_ev.ServiceGone, lambda gone: gone.service == service)
    # What was never begun can be ended.
    guest.do(known_do.StopLooking())
    guest.do(known_do.StopAnnouncing())


async def test_what_a_link_needs_is_loaded_before_anybody_clicks(
    programs: list[Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "PREPARE_SECONDS", 0.0)
    program = start(programs, None)
    program.do(known_do.LookForServices())
    await asyncio.wait_for(program.prepared.wait(), PATIENCE)


async def test_without_the_library_it_is_told_and_all_else_works(
    programs: list[Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise ImportError

    monkeypatch.setattr(discovery, "_load", broken)
    program = start(programs, None)
    program.do(known_do.LookForServices())
    failed = await program.told.wait(known_ev.DiscoveryFailed)
    assert failed.reason is Reason.NO_MULTICAST
    program.do(known_do.StopLooking())


async def test_nothing_of_it_is_logged(
    programs: list[Program], own_address: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    host, guest = start(programs, None, "desk"), start(programs, None)
    guest.do(known_do.LookForServices())
    host.executor.discovery.listens((own_address, PORT))
    host.do(known_do.Announce(()))
    seen = await guest.seen("desk")
    await host.stop()
    await guest.told.wait(known_ev.ServiceGone)
    assert seen.service not in caplog.text
    assert own_address not in caplog.text
