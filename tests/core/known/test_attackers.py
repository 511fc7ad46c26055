"""Whoever changes, repeats or gives back what two known devices send is never taken for either."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as strategies

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.known import events as known_ev
from proxim.core.known.devices import Endpoint, KnownFile
from proxim.core.known.host import SEARCH_SECONDS
from proxim.core.pairing import commands as pair_do
from proxim.core.pairing import events as pair_ev
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.devices import DeviceInfo, Verified
from tests.core.bench import Bench
from tests.core.handed_in import ETHERNET, PORT
from tests.core.in_commands import sent
from tests.core.known.known_world import KnownWorld
from tests.core.known.test_finding import device
from tests.core.pairing.host_bench import HostBench

Attack = Callable[[str, dict[str, Any]], list[dict[str, Any]]]


@dataclass
class AttackedWorld(KnownWorld):
    """Every frame passes through somebody's hands, once the two know each other."""

    attack: Attack | None = None
    changed: list[str] = field(default_factory=list)

    def _send(self, by: Bench, connection: ev.ConnectionID, text: str) -> None:
        if self.attack is None:
            super()._send(by, connection, text)
            return
        fields = json.loads(text)
        for one in self.attack("host" if by is self.host else "guest", fields):
            super()._send(by, connection, json.dumps(one))


def flip(text: str) -> str:
    return ("B" if text[0] == "A" else "A") + text[1:]


def linked_by_key(world: KnownWorld) -> bool:
    """Whether a side shows an open link that the pair's key verified."""
    return any(
        one.verified is Verified.KNOWN and one.stage is st.Stage.CONNECTED
        for side in (world.host, world.guest)
        for one in world.links(side)
    )


CHANGES = [
    ("pair_request", "sessionID"),
    ("pair_request", "deviceInfo.name"),
    ("pair_request", "deviceInfo.id"),
    ("pair_request", "auth.y"),
    ("pair_challenge", "auth.y"),
    ("pair_confirm", "auth.t"),
    ("pair_result", "auth.t"),
    ("signal", "payload.mac"),
]


def changing(kind: str, path: str) -> Attack:
    def attack(who: str, fields: dict[str, Any]) -> list[dict[str, Any]]:
        if fields["type"] == kind:
            *folders, name = path.split(".")
            holder = fields
            for folder in folders:
                holder = holder[folder]
            if name == "sessionID":
                # It has to keep its shape, or nobody reads on.
                holder[name] = "@" + flip(holder[name][1:])
            else:
                holder[name] = flip(holder[name])
        return [fields]

    return attack


@pytest.mark.parametrize(("kind", "path"), CHANGES)
@pytest.mark.parametrize("let_in", [False, True])
def test_a_changed_field_opens_no_link_and_says_nothing_false(
    kind: str, path: str, let_in: bool
) -> None:
    world = AttackedWorld(host=HostBench())
    world.remember()
    if let_in:
        world.let_in()
    world.attack = changing(kind, path)
    world.come_back()
    for session, prompt in list(world.host.ledger.prompts.items()):
        world.handle(world.host, ev.Decide(session, True, prompt.number))
    world.advance(SEARCH_SECONDS + 20)
    assert not linked_by_key(world)
    last = world.links()[-1]
    assert last.stage is st.Stage.CLOSED
    assert last.reason is not Reason.FORGOTTEN
    assert world.device(world.guest)
    # Left alone, they find each other.
    world.attack = None
    world.come_back()
    if not let_in:
        world.decide(approved=True)
    assert linked_by_key(world)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    strategies.lists(
        strategies.tuples(
            strategies.integers(0, 7),
            strategies.sampled_from(["drop", "twice", "earlier", "back", "flip"]),
            strategies.integers(0, 30),
        ),
        max_size=3,
    )
)
def test_whatever_is_done_to_frames_nobody_else_is_linked(
    steps: list[tuple[int, str, int]],
) -> None:
    """The descriptions that open a link are those that the two made, or there is no link."""
    world = AttackedWorld(host=HostBench())
    world.remember()
    world.let_in()
    seen: list[dict[str, Any]] = []
    touched: list[str] = []

    def attack(who: str, fields: dict[str, Any]) -> list[dict[str, Any]]:
        number = len(seen)
        seen.append(fields)
        out = [fields]
        for place, what, which in steps:
            if place != number:
                continue
            touched.append(what)
            if what == "drop":
                out = []
            elif what == "twice":
                out = [*out, fields]
            elif what == "earlier":
                out = [seen[which % len(seen)]]
            elif what == "back":
                out = [seen[-1 - which % len(seen)]]
            elif "sessionID" in fields:
                out = [{**fields, "sessionID": "@" + flip(fields["sessionID"][1:])}]
        return out

    world.attack = attack
    world.come_back()
    world.advance(30)
    assert not world.host.ledger.prompts
    for status in world.links():
        assert status.reason is not Reason.FORGOTTEN
        if status.verified is Verified.KNOWN:
            assert status.known == world.known(world.guest)
    if not touched:
        assert linked_by_key(world)


def test_a_request_given_back_to_its_own_host_is_a_strangers() -> None:
    """A device that hosts and joins: whoever answers its request passes all on to its own host."""
    bench = HostBench()
    bench.listen(ETHERNET)
    here = Endpoint("192.168.1.66", PORT, "192.168.1.0/24")
    bench.handle(known_ev.KnownLoaded(KnownFile((device(1, endpoints=(here,), let_in=True),))))
    bench.handle(known_ev.SetDiscovery(on=False))
    dialled = bench.handle(known_ev.JoinKnown(device(1).id))
    (dial,) = [one for one in dialled if isinstance(one, pair_do.Dial)]
    (request,) = sent(bench.handle(pair_ev.ConnectionOpened(dial.connection, "192.168.1.66")))
    own = bench.connect("192.168.1.66")
    (challenge,) = sent(bench.say(own, request))
    assert isinstance(challenge, pair_msg.PairChallenge)
    (confirm,) = sent(bench.say(dial.connection, challenge))
    (result,) = sent(bench.say(own, confirm))
    assert isinstance(result, pair_msg.PairResult)
    assert result.reason == Reason.NOT_VERIFIED
    assert not bench.told(st.Prompt)
    bench.say(dial.connection, result)
    last = bench.told(st.LinkStatus)[-1]
    assert isinstance(last, st.LinkStatus)
    assert last.reason is Reason.NOT_RECOGNISED


def test_requests_without_end_cost_as_much_as_any_and_ask_nobody() -> None:
    bench = HostBench()
    bench.listen(ETHERNET)
    bench.handle(known_ev.KnownLoaded(KnownFile((device(1),))))
    connection = bench.connect("192.168.1.66")
    answers: list[pair_msg.Message] = []
    for number in range(20):
        if connection in bench.ledger.sockets - bench.ledger.closing:
            auth = pair_msg.Auth(v=1, m="known", y="B" * 42 + "A")
            name = "@" + f"{number:022}"
            answers += sent(
                bench.say(connection, pair_msg.PairRequest(name, devices_of_nobody(), auth))
            )
            confirm = pair_msg.PairConfirm(name, pair_msg.Auth(t="A" * 43))
            if connection in bench.ledger.sockets - bench.ledger.closing:
                answers += sent(bench.say(connection, confirm))
    assert connection in bench.ledger.closing
    assert not bench.told(st.Prompt)
    rejected = [one for one in answers if isinstance(one, pair_msg.PairResult)]
    assert {one.reason for one in rejected} == {Reason.NOT_VERIFIED}
    assert len({one.auth.t for one in rejected if one.auth}) == len(rejected)


def devices_of_nobody() -> DeviceInfo:
    return DeviceInfo("Proxim", "x")
