"""Tests of proxim.core.files.transfers: both persons, both disks, the link and the lane act in
any order. test_transfers.py tests one path after another.
"""

from random import Random

import pytest
from hypothesis import settings, strategies
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from proxim.core.files import events as file_ev
from proxim.core.files.manifest import TransferID
from tests.core.files.transfer_bench import Bench, Side
from tests.core.files.transfer_rules import check_always, check_ends

PATHS = ("a", "b", "empty", "folder/one", "folder/two", "folder/deep/three")
PICK = strategies.integers(0, 1000)


class AnyInterleaving(RuleBasedStateMachine):
    """Both persons, both disks, the link and the lane act in any order."""

    @initialize(
        sends=strategies.lists(strategies.booleans(), max_size=4),
        lane=strategies.booleans(),
        page=strategies.sampled_from(("", "left", "right")),
        seed=strategies.integers(0, 1 << 16),
    )
    def begin(self, sends: list[bool], lane: bool, page: str, seed: int) -> None:
        self.bench = Bench()
        for side in self.bench.sides:
            side.session_only = side.name == page
        for number, path in enumerate(PATHS):
            for side in self.bench.sides:
                side.disk.put(
                    path, b"" if path == "empty" else bytes(range(number, number + 3 + 4 * number))
                )
        self.bench.linked()
        if lane:
            self.bench.lanes()
        for left in sends:
            self.side(left).send("a", "folder")
        self.go_on(seed, 20 * len(sends), True, lane)

    def side(self, left: bool) -> Side:
        return self.bench.left if left else self.bench.right

    # --- persons ----------------------------------------------------------------------------------

    @rule(
        left=strategies.booleans(),
        paths=strategies.sets(
            strategies.sampled_from(("a", "b", "empty", "folder", "missing")), min_size=1
        ),
    )
    def send(self, left: bool, paths: set[str]) -> None:
        self.side(left).send(*sorted(paths))

    def asked(self) -> list[tuple[Side, TransferID]]:
        return [(side, one) for side in self.bench.sides for one in side.asked]

    @precondition(lambda self: self.asked())
    @rule(
        which=PICK,
        declined=strategies.sets(strategies.integers(0, 6)),
        always=strategies.booleans(),
    )
    def accept(self, which: int, declined: set[int], always: bool) -> None:
        side, transfer = self.asked()[which % len(self.asked())]
        side.accept(transfer, tuple(sorted(declined)), always=always and which % 7 == 0)

    @precondition(lambda self: self.known())
    @rule(which=PICK, left=strategies.booleans())
    def cancel(self, which: int, left: bool) -> None:
        self.side(left).cancel(self.known()[which % len(self.known())])

    @precondition(lambda self: self.known())
    @rule(which=PICK, left=strategies.booleans())
    def retry(self, which: int, left: bool) -> None:
        self.side(left).retry(self.known()[which % len(self.known())])

    def known(self) -> list[TransferID]:
        return sorted({one for side in self.bench.sides for one in (*side.told, *side.listing)})

    # --- what was begun goes on -------------------------------------------------------------------

    @rule(
        seed=strategies.integers(0, 1 << 16),
        count=strategies.integers(1, 60),
        accepting=strategies.booleans(),
        flapping=strategies.booleans(),
    )
    def go_on(self, seed: int, count: int, accepting: bool, flapping: bool) -> None:
        order = Random(seed)
        for _ in range(count):
            steps = self.bench.steps()
            if flapping and not self.bench.link.broken and order.random() < 0.1:
                there = self.bench.link.lane is not None
                self.bench.break_lane() if there else self.bench.make_lane()
            elif steps:
                order.choice(steps)()
            elif accepting and self.asked():
                side, transfer = order.choice(self.asked())
                side.accept(transfer)

    # --- the world --------------------------------------------------------------------------------

    @precondition(lambda self: self.bench.link.lane is None and not self.bench.link.broken)
    @rule()
    def lane_opens(self) -> None:
        self.bench.make_lane()

    @precondition(lambda self: self.bench.link.lane is not None)
    @rule()
    def lane_breaks(self) -> None:
        self.bench.break_lane()

    @rule(left=strategies.booleans(), pending=strategies.booleans())
    def lane_may_open(self, left: bool, pending: bool) -> None:
        side = self.side(left)
        if self.bench.link.id in side.peer_links:
            side.peer_link.lane_pending = pending
            side.run(side.transfers.lane_changed(self.bench.link.id, self.bench.now))

    @rule(again=strategies.booleans())
    def link_dies(self, again: bool) -> None:
        self.bench.link.broken = True
        if again:
            self.bench.new_link()

    @rule(left=strategies.booleans(), again=strategies.booleans())
    def program_restarts(self, left: bool, again: bool) -> None:
        self.side(left).restart()
        if again:
            self.bench.new_link()

    @rule(left=strategies.booleans(), full=strategies.booleans())
    def disk_fills_up(self, left: bool, full: bool) -> None:
        self.side(left).disk.full = full

    @rule(
        left=strategies.booleans(),
        path=strategies.sampled_from(PATHS),
        content=strategies.binary(max_size=12),
    )
    def file_changes(self, left: bool, path: str, content: bytes) -> None:
        self.side(left).disk.put(path, content)

    @rule(left=strategies.booleans())
    def stalls(self, left: bool) -> None:
        for timer in sorted(self.side(left).timers, key=str):
            assert timer.name is file_ev.FileTimer.STALL
            self.side(left).fire(timer)

    @rule(left=strategies.booleans(), which=PICK)
    def sending_fails(self, left: bool, which: int) -> None:
        self.bench.fault(self.side(left), which)

    @rule(seconds=strategies.floats(0, 3))
    def time_passes(self, seconds: float) -> None:
        self.bench.now += seconds

    @invariant()
    def check(self) -> None:
        if hasattr(self, "bench"):
            check_always(self.bench)

    def teardown(self) -> None:
        if not hasattr(self, "bench"):
            return
        bench = self.bench
        if bench.link.broken:
            bench.new_link()
        for side in bench.sides:
            side.disk.full = False
            if bench.link.id in side.peer_links:
                side.peer_link.lane_pending = False
                side.run(side.transfers.lane_changed(bench.link.id, bench.now))
        bench.settle(accept=True)
        for side in bench.sides:
            for timer in sorted(side.timers, key=str):
                side.fire(timer)
        bench.settle(accept=True)
        check_ends(bench)


AnyInterleaving.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAnyInterleaving = AnyInterleaving.TestCase


@pytest.mark.nightly
def test_any_interleaving_for_long() -> None:
    run_state_machine_as_test(
        AnyInterleaving,
        settings=settings(max_examples=10_000, stateful_step_count=40, deadline=None),
    )
