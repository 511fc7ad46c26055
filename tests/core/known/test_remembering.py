"""Two devices become known to each other: every order of messages, and whoever stands between."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from proxim.core import events as ev
from proxim.core.base64url import to_base64url
from proxim.core.errors import Reason
from proxim.core.json_text import MessageError
from proxim.core.known import events as known_ev
from proxim.core.known import messages as known_msg
from proxim.core.known.keys import Contribution
from proxim.core.known.remembering import COMPARE_SECONDS, MAX_ASKED, STEP_SECONDS
from proxim.core.known.status import KnownEntry, Presence, RememberStage
from proxim.core.pairing.devices import Verified
from proxim.core.pairing.proof import Side as ProofSide
from tests.core.handed_in import WALL_TIME
from tests.core.known.two_devices import NOW, Side, Two
from tests.rows import each_row

STAGES = [RememberStage.PREPARING, RememberStage.COMPARE]


def flipped(field: str) -> Callable[[dict[str, Any]], None]:
    """Return a change of one bit of a field."""

    def spoil(fields: dict[str, Any]) -> None:
        text = fields[field]
        fields[field] = ("B" if text[0] == "A" else "A") + text[1:]

    return spoil


def failed(side: Side, reason: Reason) -> None:
    assert side.told.stage is RememberStage.FAILED
    assert side.told.reason is reason
    assert side.told.digits is None
    assert side.timers == {}


# --- all goes well --------------------------------------------------------------------------------


@each_row("verified", Verified)
@each_row("asker", ["host", "guest"])
def test_both_compare_the_same_digits_and_then_know_each_other(
    verified: Verified, asker: str
) -> None:
    two = Two(verified)
    two.compare(two.host if asker == "host" else two.guest)
    assert two.host.told.digits == two.guest.told.digits
    assert len(two.host.told.digits or "") == 6
    for side in two.sides:
        assert side.told.stage is RememberStage.COMPARE
        assert side.told.deadline == NOW + COMPARE_SECONDS
        assert side.told.ours is (side is (two.host if asker == "host" else two.guest))
        assert side.shown.devices == ()
    two.host.answer()
    assert two.host.told.stage is RememberStage.WAITING
    assert two.host.told.digits == two.guest.told.digits
    two.settle()
    assert two.guest.told.stage is RememberStage.COMPARE
    assert not two.host.devices + two.guest.devices
    two.guest.answer()
    two.settle()
    for side, other, name in ((two.host, two.guest, "Laptop"), (two.guest, two.host, "PC")):
        assert side.told.stage is RememberStage.KEPT
        assert side.told.device == side.only
        assert side.shown.devices == (
            KnownEntry(
                side.only,
                name,
                verified,
                WALL_TIME,
                WALL_TIME,
                Presence.LINKED,
                let_in=False,
                files_to=None,
                link=side.link.id,
            ),
        )
        [device] = side.devices
        assert (device.uuid, device.pending) == (other.uuid, False)
        assert side.timers == {}
    assert two.host.devices[0].key == two.guest.devices[0].key


def test_nothing_shows_the_key_or_the_digits() -> None:
    two = Two().compare()
    digits = two.host.told.digits
    assert digits is not None
    shown = repr([two.host.told, two.host.known, vars(two.host.known)])
    two.remember()
    shown += repr([two.host.devices, two.host.file, two.host.told])
    assert digits not in shown
    assert repr(two.host.devices[0].key) not in shown
    assert two.host.devices[0].uuid not in shown


def test_when_both_ask_at_once_one_run_goes_on() -> None:
    two = Two()
    two.host.ask()
    two.guest.ask()
    two.settle()
    assert two.host.told.digits == two.guest.told.digits is not None
    assert two.host.told.ours
    assert two.guest.told.ours
    for side in two.sides:
        side.answer()
    two.settle()
    assert two.host.told.stage is two.guest.told.stage is RememberStage.KEPT


def test_who_asks_again_or_answers_nothing_changes_nothing() -> None:
    two = Two()
    assert two.host.answer() == []
    two.guest.ask()
    assert two.guest.ask() == two.guest.answer() == []
    two.step(two.guest)
    assert two.host.ask() == two.host.answer() == []
    two.step(two.host)
    assert two.guest.ask() == two.guest.answer() == []
    two.settle()
    assert two.guest.ask() == []
    two.guest.answer()
    assert two.guest.ask() == two.guest.answer() == []
    two.host.hear(two.guest.out.popleft())
    two.host.answer()
    assert two.host.ask() == two.host.answer() == []
    assert two.settle().host.told.stage is RememberStage.KEPT


def test_an_answer_to_earlier_digits_counts_for_no_others() -> None:
    two = Two().compare()
    before = two.host.told.digits
    two.guest.answer(same=False)
    two.settle().compare()
    assert two.host.told.digits != before
    assert two.host.answer(digits=before) == []
    assert two.host.told.digits is not None
    two.host.answer(digits=two.host.told.digits)
    assert two.host.told.stage is RememberStage.WAITING


# --- it is refused --------------------------------------------------------------------------------


def test_only_a_verified_link_can_be_remembered() -> None:
    two = Two(None).compare()
    failed(two.guest, Reason.REMEMBER_UNVERIFIED)
    assert not two.guest.out
    two.host.hear(json.dumps(known_msg.Commit(b"r" * 8, b"c" * 32).fields()))
    assert json.loads(two.host.out.pop())["reason"] == Reason.REMEMBER_UNVERIFIED
    assert not [one for one in two.host.statuses if one == two.guest.told]


def test_a_peer_without_the_feature_cannot_be_remembered() -> None:
    two = Two(up=False)
    two.guest.ask()
    failed(two.guest, Reason.REMEMBER_UNSUPPORTED)


def test_a_person_who_sees_other_digits_ends_it_on_both_sides() -> None:
    for early in (True, False):
        two = Two().compare()
        if early:
            two.guest.answer()
            two.settle()
        two.host.answer(same=False)
        two.settle()
        failed(two.host, Reason.DIGITS_DIFFER)
        failed(two.guest, Reason.DIGITS_DIFFER)
        assert two.host.devices == two.guest.devices == ()


def test_where_nobody_can_compare_both_sides_learn_so_at_once() -> None:
    two = Two().compare()
    two.host.answer(same=False, unattended=True)
    two.settle()
    failed(two.host, Reason.UNATTENDED)
    failed(two.guest, Reason.UNATTENDED)
    assert two.host.devices == two.guest.devices == ()


def test_a_link_whose_digits_differed_says_so_until_they_agree() -> None:
    two = Two().compare()
    two.host.answer(same=False)
    two.settle()
    sides = (two.host, two.guest)
    assert all(side.link.status.digits_differed for side in sides)
    assert all(side.link.status in side.statuses for side in sides), "it is published"
    # Who takes the link up again is in doubt, too.
    for side in sides:
        side.down()
        again = ev.LinkID(f"{side.link.id}-again")
        side.link.status = replace(
            side.link.status, link=again, resumes=side.link.id, digits_differed=False
        )
        side.up()
    assert all(side.link.status.digits_differed for side in sides)
    two.compare()
    two.host.answer()
    two.guest.answer()
    two.settle()
    assert two.host.told.stage is RememberStage.KEPT
    assert not any(side.link.status.digits_differed for side in sides)
    assert all(side.link.status in side.statuses for side in sides)


def test_what_is_only_late_is_no_doubt() -> None:
    two = Two().compare()
    two.host.handle(ev.TimerFired(next(iter(two.host.timers))))
    two.settle()
    failed(two.host, Reason.TIMEOUT)
    assert not two.host.link.status.digits_differed


def test_a_yes_can_be_taken_back_while_the_other_is_awaited() -> None:
    two = Two().compare()
    two.guest.answer()
    two.guest.answer(same=False)
    two.settle()
    failed(two.host, Reason.DIGITS_DIFFER)
    failed(two.guest, Reason.DIGITS_DIFFER)


def test_a_yes_that_crosses_a_withdrawal_leaves_nothing() -> None:
    two = Two().compare()
    two.guest.answer()
    two.step(two.guest)
    two.guest.answer(same=False)
    two.host.answer()
    assert [one.pending for one in two.host.devices] == [True]
    assert two.host.shown.devices == ()
    two.settle()
    failed(two.host, Reason.DIGITS_DIFFER)
    assert two.host.devices == two.guest.devices == ()


@each_row("silent", ["host", "guest"])
@each_row("steps", [0, 1, 2, 3])
def test_who_falls_silent_is_given_up(silent: str, steps: int) -> None:
    two = Two()
    two.guest.ask()
    for number in range(steps):
        two.step(two.host if number % 2 else two.guest)
    side = two.guest if silent == "host" else two.host
    if not side.timers:
        return
    begun = side.now
    side.time_out()
    assert side.now - begun in (STEP_SECONDS, COMPARE_SECONDS)
    failed(side, Reason.TIMEOUT)
    two.settle()
    assert two.host.devices == two.guest.devices == ()
    assert two.host.told.stage is not RememberStage.KEPT
    # It can be tried again at once.
    for one in two.sides:
        if one.timers:
            one.time_out()
    two.settle().remember()
    assert two.host.told.stage is two.guest.told.stage is RememberStage.KEPT


def test_a_link_that_is_lost_before_the_yes_ends_the_attempt() -> None:
    for steps in range(4):
        two = Two()
        two.guest.ask()
        for number in range(steps):
            two.step(two.host if number % 2 else two.guest)
        for side in two.sides:
            side.down()
            if (side, steps) != (two.host, 0):
                failed(side, Reason.PEER_VANISHED)
            assert side.timers == {}
            assert side.devices == ()


def test_a_yes_with_another_key_ends_it() -> None:
    two = Two().compare()
    two.guest.answer()
    two.step(two.guest, lambda fields: fields.update(tag="A" * 43))
    failed(two.host, Reason.DIGITS_DIFFER)
    two.settle()
    failed(two.guest, Reason.DIGITS_DIFFER)


def test_a_yes_is_not_awaited_for_ever() -> None:
    two = Two().compare()
    two.guest.answer()
    two.guest.time_out()
    failed(two.guest, Reason.TIMEOUT)
    two.settle()
    failed(two.host, Reason.TIMEOUT)
    assert two.host.devices == two.guest.devices == ()


def test_after_both_yeses_a_record_waits_for_the_first_proof() -> None:
    two = Two().compare()
    two.guest.answer()
    two.settle()
    two.host.answer()
    # The host has stored it; what it says to the guest is lost.
    two.host.out.clear()
    two.host.time_out()
    failed(two.host, Reason.TIMEOUT)
    assert not two.host.out, "the other side may believe"
    assert [one.pending for one in two.host.devices] == [True]
    assert two.host.shown.devices == ()


@each_row("steps", range(9))
def test_a_link_that_is_lost_at_any_step_leaves_no_one_who_believes_alone(steps: int) -> None:
    two = Two().compare()
    for side in two.sides:
        side.answer()
    for _ in range(steps):
        sender = two.host if two.host.out else two.guest
        if sender.out:
            two.step(sender)
    for side in two.sides:
        side.down()
        assert side.timers == {}
        assert side.told.stage in (RememberStage.KEPT, RememberStage.FAILED)
    for side in two.sides:
        if side.shown.devices:
            assert [one.key for one in two.other(side).devices] == [side.devices[0].key]


def test_a_link_that_goes_without_an_attempt_says_nothing() -> None:
    two = Two()
    assert two.host.down() == []


def test_the_other_side_cannot_ask_for_ever_not_even_on_new_links() -> None:
    two = Two()
    for _ in range(MAX_ASKED):
        two.compare(two.guest)
        two.host.answer(same=False)
        two.settle()
    seen = len(two.host.remembering)
    two.compare(two.guest)
    failed(two.guest, Reason.DECLINED)
    assert len(two.host.remembering) == seen, "nobody was asked"
    two.host.down()
    two.host.link.status = replace(
        two.host.link.status, link=ev.LinkID("host-2"), resumes=two.host.link.id
    )
    two.host.up()
    two.compare(two.guest)
    assert len(two.host.remembering) == seen
    # The person here may still ask.
    two.compare(two.host)
    assert two.host.told.stage is RememberStage.COMPARE


def test_one_device_at_a_time() -> None:
    two, others = Two(), Two()
    two.compare()
    link = others.host.link
    link.status = type(link.status)(
        ev.LinkID("host-9"), "other", link.status.stage, peer_name="Tablet", verified=Verified.CODE
    )
    two.host.take(two.host.known.link_up(link, NOW))
    two.host.handle(known_ev.RememberDevice(link.id))
    failed_here = two.host.told
    assert (failed_here.link, failed_here.reason) == (link.id, Reason.BUSY)
    two.host.take(two.host.known.message(link, known_msg.Commit(b"r" * 8, b"c" * 32), NOW))
    assert json.loads(two.host.out.pop())["reason"] == Reason.BUSY


# --- whoever stands between -----------------------------------------------------------------------


class Between:
    """An attacker with a link to each of two devices, both verified: on a page that he altered, or
    because a person approved him. He knows both links' secrets and passes everything on.
    """

    def __init__(self) -> None:
        self.left, self.right = Two(), Two()
        self.right.guest.link.binding = self.right.host.link.binding = b"j" * 32

    def pass_on(self) -> None:
        """Let the device at the left ask, and take each message across."""
        guest, host = self.left.guest, self.right.host
        guest.ask()
        while guest.out or host.out:
            for sender, receiver in ((guest, host), (host, guest)):
                if sender.out:
                    receiver.hear(sender.out.popleft())


def test_who_passes_everything_on_between_two_links_makes_the_digits_differ() -> None:
    between = Between()
    between.pass_on()
    left, right = between.left.guest, between.right.host
    assert left.told.stage is right.told.stage is RememberStage.COMPARE
    assert left.told.digits != right.told.digits
    # Even if both persons say yes without looking, nothing is stored.
    left.answer()
    right.answer()
    right.hear(left.out.popleft())
    left.hear(right.out.popleft())
    failed(left, Reason.DIGITS_DIFFER)
    failed(right, Reason.DIGITS_DIFFER)
    assert left.devices == right.devices == ()


def test_who_makes_keys_with_both_sides_cannot_choose_the_digits() -> None:
    seen = set()
    for _ in range(20):
        left, right = Two().compare(), Two().compare()
        seen.add((left.guest.told.digits, right.host.told.digits))
    assert all(one != other for one, other in seen)


@each_row("place", range(5))
@each_row("field", ["commit", "nonce", "key", "id", "tag"])
def test_one_changed_bit_ends_it(place: int, field: str) -> None:
    """Messages in their order: two commitments, two contributions, and the answers."""
    two = Two()
    two.guest.ask()
    changed = False
    for number in range(12):
        sender = two.guest if two.guest.out else two.host
        if not sender.out:
            if number < 6 and two.host.told.stage is RememberStage.COMPARE:
                two.guest.answer()
                two.host.answer()
            continue
        if number == place and field in json.loads(sender.out[0]):
            two.step(sender, flipped(field))
            changed = True
        else:
            two.step(sender)
    if changed:
        digits = {side.told.digits for side in two.sides}
        told = [side.told.stage for side in two.sides]
        assert RememberStage.KEPT not in told or len(digits) == 2
        assert all(not side.shown.devices for side in two.sides)


def test_a_reflected_commitment_is_no_commitment_of_the_other_side() -> None:
    two = Two()
    two.guest.ask()
    two.guest.hear(json.dumps({**json.loads(two.guest.out[0]), "answer": True}))
    two.guest.hear(two.guest.out[1])
    failed(two.guest, Reason.DIGITS_DIFFER)


def test_a_share_that_leads_to_no_secret_ends_it() -> None:
    two = Two()
    zero = Contribution(b"n" * 32, bytes(32), "uuid-guest")
    run = b"r" * 8
    two.host.hear(json.dumps(known_msg.Commit(run, zero.commitment(ProofSide.GUEST)).fields()))
    two.host.hear(
        json.dumps(known_msg.Reveal(run, zero.nonce, zero.public_key, zero.uuid).fields())
    )
    failed(two.host, Reason.DIGITS_DIFFER)


def test_a_program_of_the_same_installation_is_not_remembered() -> None:
    two = Two()
    two.guest.uuid = two.host.uuid
    two.guest.known._own_uuid = two.host.uuid
    two.guest.down()
    two.guest.up()
    two.compare()
    failed(two.host, Reason.REMEMBER_UNSUPPORTED)
    failed(two.guest, Reason.REMEMBER_UNSUPPORTED)


def test_a_wrong_kept_leaves_nothing() -> None:
    two = Two().compare()
    two.guest.answer()
    two.settle()
    two.host.answer()
    run = json.loads(two.host.out[0])["run"]
    wrong = {"type": "remember_kept", "run": run, "tag": to_base64url(bytes(32))}
    two.host.hear(json.dumps(wrong))
    failed(two.host, Reason.DIGITS_DIFFER)
    assert two.host.devices == ()


def test_messages_of_an_attempt_that_is_over_are_answered_once() -> None:
    two = Two()
    late = json.dumps(known_msg.Yes(b"r" * 8, b"t" * 32).fields())
    two.host.hear(late)
    assert json.loads(two.host.out.pop()) == {
        "type": "remember_no",
        "run": to_base64url(b"r" * 8),
    }
    two.host.hear(json.dumps(known_msg.No(b"r" * 8, "timeout").fields()))
    assert not two.host.out


def test_who_asks_twice_or_out_of_turn_breaks_the_rules() -> None:
    two = Two().compare()
    with pytest.raises(MessageError):
        two.host.hear(json.dumps(known_msg.Commit(b"x" * 8, b"c" * 32).fields()))
    run = two.host.known._links[two.host.link.id].remember._current.run
    with pytest.raises(MessageError):
        two.host.hear(json.dumps(known_msg.Kept(run, b"t" * 32).fields()))
    assert two.host.told.stage is RememberStage.COMPARE


def test_reasons_that_are_not_known_are_a_no() -> None:
    two = Two()
    two.guest.ask()
    run = two.guest.known._links[two.guest.link.id].remember._current.run
    two.guest.hear(json.dumps(known_msg.No(run, "whatever").fields()))
    failed(two.guest, Reason.DECLINED)
