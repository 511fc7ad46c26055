"""Whatever happens, in any order: nobody believes alone, and nobody is taken for a known device
without the key.
"""

from dataclasses import replace
from typing import Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from proxim.core import events as ev
from proxim.core import status as core_st
from proxim.core.known import events as known_ev
from proxim.core.known.devices import KnownDevice, KnownFile
from proxim.core.known.host import KnownHost
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.devices import DeviceInfo, Verified
from tests.core.bench import Bench
from tests.core.handed_in import PHONE
from tests.core.known.known_world import KnownWorld
from tests.core.pairing.host_bench import HostBench

SIDES: Final = st.sampled_from(["host", "guest"])
MALLORY: Final = DeviceInfo("Mallory", "uuid-of-mallory")


class Trust(RuleBasedStateMachine):
    """A host and a guest, and Mallory, who sees all frames and may hold a copied file."""

    @initialize()
    def begin(self) -> None:
        # SPAKE2's arithmetic has tests of its own, and would take most of the time here.
        self.world = KnownWorld(host=HostBench())
        # Keys that both persons said yes to, as far as each side has stored them.
        self.copied = KnownFile()
        self.forgot: dict[str, set[bytes]] = {"host": set(), "guest": set()}

    def side(self, name: str) -> Bench:
        return self.world.host if name == "host" else self.world.guest

    def records(self, name: str) -> tuple[KnownDevice, ...]:
        return self.side(name).program._known._registry.file.devices

    def listed(self, name: str) -> list[KnownDevice]:
        return [one for one in self.records(name) if not one.pending]

    def open_link(self, name: str) -> ev.LinkID | None:
        links = self.side(name).ledger.links.values()
        return next((one.link for one in links if one.stage is core_st.Stage.CONNECTED), None)

    # --- what people do

    @rule()
    def link_by_code(self) -> None:
        if self.open_link("guest") is None and self.world.host.ledger.invitation is not None:
            self.world.join()

    @rule(stay=st.booleans())
    def remember(self, stay: bool) -> None:
        """Both persons say yes, if a link is there and nothing goes wrong."""
        self.world.settle()
        self.link_by_code()
        self.decide(approved=True)
        for name in ("guest", "host"):
            link = self.open_link(name)
            if link is not None:
                if name == "guest":
                    self.world.handle(self.world.guest, known_ev.RememberDevice(link))
                self.world.report(self.side(name), known_ev.AnswerRemember(link, same=True))
        if not stay:
            self.world.settle()
            self.disconnect("guest")
            self.world.settle()

    @rule(approved=st.booleans())
    def decide(self, approved: bool) -> None:
        for session, prompt in list(self.world.host.ledger.prompts.items()):
            self.world.handle(self.world.host, ev.Decide(session, approved, prompt.number))

    @rule(name=SIDES)
    def ask(self, name: str) -> None:
        link = self.open_link(name)
        if link is not None:
            self.world.report(self.side(name), known_ev.RememberDevice(link))

    @rule(name=SIDES, same=st.sampled_from([True, True, True, False]))
    def answer(self, name: str, same: bool) -> None:
        link = self.open_link(name)
        if link is not None:
            self.world.report(self.side(name), known_ev.AnswerRemember(link, same))

    @rule(name=SIDES)
    def forget(self, name: str) -> None:
        for one in self.listed(name)[:1]:
            self.forgot[name].add(one.key)
            self.world.report(self.side(name), known_ev.ForgetDevice(one.id))

    @rule(on=st.booleans())
    def let_in(self, on: bool) -> None:
        for one in self.listed("host")[:1]:
            self.world.report(self.world.host, known_ev.SetLetIn(one.id, on))

    @rule()
    def come_back(self) -> None:
        if self.open_link("guest") is None:
            for one in self.listed("guest")[:1]:
                self.world.report(self.world.guest, known_ev.JoinKnown(one.id))

    @rule(approved=st.booleans())
    def come_back_and_ask(self, approved: bool) -> None:
        self.come_back()
        self.world.settle()
        self.decide(approved)

    @rule(name=SIDES)
    def hang_up(self, name: str) -> None:
        self.disconnect(name)

    def disconnect(self, name: str) -> None:
        link = self.open_link(name)
        if link is not None:
            self.world.report(self.side(name), ev.Disconnect(link))

    # --- what the network does

    @rule(steps=st.integers(1, 6))
    def deliver(self, steps: int) -> None:
        for _ in range(steps):
            self.world.step()

    @rule()
    def settle(self) -> None:
        self.world.settle()

    @rule()
    def vanish(self) -> None:
        self.world.vanish()

    @rule(seconds=st.sampled_from([1.0, 11.0]))
    def wait(self, seconds: float) -> None:
        self.world.advance(seconds)

    # --- what Mallory does

    @rule()
    def copy_the_guests_file(self) -> None:
        self.copied = self.world.guest.program._known._registry.file

    @precondition(lambda self: bool(self.world.frames))
    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        """Send what the guest once sent, on a socket of his own."""
        self.world.settle()
        texts = [text for who, text in self.world.frames if who == "guest"]
        if not texts:
            return
        prompts = dict(self.world.host.ledger.prompts)
        links = {*self.world.host.ledger.links}
        connection = self.world.host.connect("192.168.1.66")
        for text in data.draw(st.lists(st.sampled_from(texts), max_size=3)):
            if connection in self.world.host.ledger.sockets - self.world.host.ledger.closing:
                self.world.host.say(connection, text)
        new = [
            one for session, one in self.world.host.ledger.prompts.items() if session not in prompts
        ]
        assert not [one for one in new if one.verified is Verified.KNOWN]
        assert links >= {*self.world.host.ledger.links}

    @rule()
    def try_without_the_key(self) -> None:
        """He has the name of the file's device, but not its key."""
        fake = tuple(replace(one, key=b"guess" + bytes(27)) for one in self.copied.devices)
        self.world.settle()
        before = len(self.world.host.ledger.statuses)
        for one in fake[:1]:
            request = self._request_of(one)
            connection = self.world.host.connect("192.168.1.66")
            self.world.host.say(connection, request)
            confirm = pair_msg.PairConfirm(request.session_id, pair_msg.Auth(t="A" * 43))
            self.world.host.say(connection, confirm)
        told = self.world.host.ledger.statuses[before:]
        assert not [one for one in told if isinstance(one, core_st.Prompt | core_st.LinkStatus)]

    def _request_of(self, one: KnownDevice) -> pair_msg.PairRequest:
        host = KnownHost(one, PHONE.id, lambda: (), search=False)
        proof = host.start_proof(MALLORY, self.world.host.prover)
        return pair_msg.PairRequest(proof.name, MALLORY, proof.auth)

    # --- what always holds

    @invariant()
    def nobody_believes_alone(self) -> None:
        """Who lists a device heard from it that it has stored the key; it may have forgotten it
        since, or have replaced it by a newer one.
        """
        if not hasattr(self, "world"):
            return
        for name, other in (("host", "guest"), ("guest", "host")):
            keys = {one.key for one in self.records(other)}
            replaced = len(self.side(other).program._known._registry.file.forgotten)
            for one in self.listed(name):
                assert one.key in keys or replaced, "believes alone"

    @invariant()
    def there_is_one_record_of_a_device(self) -> None:
        if not hasattr(self, "world"):
            return
        for name in ("host", "guest"):
            assert len(self.listed(name)) <= 1
            assert len({one.id for one in self.records(name)}) == len(self.records(name))

    @invariant()
    def green_by_the_key_means_the_key(self) -> None:
        if not hasattr(self, "world"):
            return
        for side in (self.world.host, self.world.guest):
            for status in side.ledger.links.values():
                assert (status.verified is Verified.KNOWN) <= (status.known is not None)
                assert not (status.let_in and status.as_guest)


TestTrust = Trust.TestCase
TestTrust.settings = settings(
    max_examples=50,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
