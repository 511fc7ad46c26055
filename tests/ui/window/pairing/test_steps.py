from dataclasses import replace

from proxim.core.errors import HOST_SENTENCES, SENTENCES, Reason
from proxim.core.events import SessionType
from proxim.core.files.status import TransferState
from proxim.core.pairing.devices import DeviceInfo, Verified
from proxim.core.status import (
    Invitation,
    LinkStatus,
    NoInvitation,
    PairOutcome,
    Prompt,
    Stage,
    Status,
    Stopped,
)
from proxim.ui.window.pairing.steps import NO_STEP, Step, Steps, StepsSide
from tests.rows import each_row
from tests.ui.tk_support import link, transfer

INVITATION = Invitation("s", "u", "02501-WK381", "http://x", SessionType.ONE_TIME, None)
PROMPT = Prompt("s", DeviceInfo("Grace", "id"), "192.168.1.2", None, 40.0)


def after(*statuses: Status) -> Step:
    ladder = Steps()
    for status in statuses:
        ladder.handle(status)
    return ladder.current()


def guest(stage: Stage, reason: Reason | None = None, was_connected: bool = False) -> LinkStatus:
    deadline = 40.0 if stage is Stage.ASKING else None
    return replace(
        link("Ada", stage, "guest-1"),
        deadline=deadline,
        reason=reason,
        was_connected=was_connected,
        can_text=False,
    )


def test_before_anything_was_told() -> None:
    assert after().step == NO_STEP


def test_a_host_climbs() -> None:
    told: list[Status] = [INVITATION]
    assert (after(*told).side, after(*told).step) == (StepsSide.HOST, 0)
    told.append(PROMPT)
    assert after(*told).step == 1
    assert after(*told).deadline == 40.0
    assert "Grace asks to join" in after(*told).sentence
    told.append(PairOutcome("s", approved=True))
    for stage, step in ((Stage.APPROVED, 2), (Stage.CONNECTING, 3), (Stage.CONNECTED, 4)):
        told.append(link("Grace", stage))
        assert (after(*told).side, after(*told).step, after(*told).failed) == (
            StepsSide.HOST,
            step,
            False,
        )
    assert after(*told).sentence == "Connected with Grace."


def test_a_guest_climbs_and_can_cancel_until_it_is_there() -> None:
    told: list[Status] = [INVITATION]
    for stage, step in (
        (Stage.DIALING, 0),
        (Stage.ASKING, 1),
        (Stage.APPROVED, 2),
        (Stage.CONNECTING, 3),
    ):
        told.append(guest(stage))
        rung = after(*told)
        assert (rung.side, rung.step, rung.link) == (StepsSide.GUEST, step, "guest-1")
        assert (rung.deadline is not None) == (stage is Stage.ASKING)
    assert after(*told, link("Ada", link_id="guest-1")).link is None


def test_a_guest_is_told_where_to_look() -> None:
    assert "other screen" in after(guest(Stage.ASKING)).sentence


@each_row(
    "reached, step",
    [(Stage.DIALING, 0), (Stage.ASKING, 1), (Stage.APPROVED, 2), (Stage.CONNECTING, 3)],
)
def test_a_failure_stays_on_the_step_where_it_happened(reached: Stage, step: int) -> None:
    rung = after(INVITATION, guest(reached), guest(Stage.CLOSED, Reason.NO_ANSWER))
    assert (rung.step, rung.failed, rung.sentence) == (step, True, SENTENCES[Reason.NO_ANSWER])


def test_a_failure_survives_the_fresh_code_that_follows_it() -> None:
    rung = after(
        link(stage=Stage.CONNECTING),
        replace(link(stage=Stage.CLOSED), reason=Reason.ICE_FAILED),
        INVITATION,
    )
    assert rung.sentence == SENTENCES[Reason.ICE_FAILED]


def test_a_failure_goes_when_it_is_put_away_or_something_new_begins() -> None:
    ladder = Steps()
    for status in (INVITATION, guest(Stage.DIALING), guest(Stage.CLOSED, Reason.REFUSED)):
        ladder.handle(status)
    assert ladder.current().failed
    ladder.dismiss()
    assert ladder.current().step == 0
    ladder.handle(guest(Stage.CLOSED, Reason.REFUSED))
    ladder.handle(PROMPT)
    assert not ladder.current().failed


def test_cancelling_is_no_error_of_the_table() -> None:
    rung = after(guest(Stage.DIALING), guest(Stage.CLOSED, Reason.DISCONNECTED))
    assert (rung.sentence, rung.failed, rung.wanted) == ("Cancelled.", True, True)


@each_row("reason", [Reason.DECLINED, Reason.TIMEOUT, Reason.EXPIRED, Reason.CLOSED])
def test_the_host_reads_about_a_refused_request_as_the_host(reason: Reason) -> None:
    rung = after(INVITATION, PROMPT, PairOutcome("s", approved=False, reason=reason))
    assert rung.failed
    assert rung.step == 1
    assert rung.wanted == (reason in (Reason.DECLINED, Reason.CLOSED))
    assert "Grace" in rung.sentence
    assert rung.sentence != SENTENCES[reason]


def test_a_guest_that_left_is_told_from_the_table() -> None:
    rung = after(INVITATION, PROMPT, PairOutcome("s", approved=False, reason=Reason.GUEST_LEFT))
    assert rung.sentence == f"Grace: {SENTENCES[Reason.GUEST_LEFT]}"


def test_an_outcome_of_our_own_joining_is_left_to_its_link() -> None:
    rung = after(
        INVITATION,
        guest(Stage.ASKING),
        PairOutcome("@code", approved=False, reason=Reason.DECLINED),
    )
    assert (rung.side, rung.failed) == (StepsSide.GUEST, False)


def test_a_request_comes_before_what_is_under_way() -> None:
    assert after(INVITATION, guest(Stage.DIALING), PROMPT).side is StepsSide.HOST
    assert after(PROMPT, guest(Stage.DIALING)).side is StepsSide.HOST
    assert (
        after(PROMPT, guest(Stage.DIALING), PairOutcome("s", approved=True)).side is StepsSide.GUEST
    )


def test_the_request_that_is_asked_about_is_named() -> None:
    second = replace(PROMPT, session_id="t", device=DeviceInfo("Joan", "id"))
    assert "Grace" in after(PROMPT, second).sentence
    assert "Joan" in after(PROMPT, replace(second, verified=Verified.CODE)).sentence
    assert (
        "Joan"
        in after(PROMPT, second, PairOutcome("s", approved=False, reason=Reason.DECLINED)).sentence
    )


def test_who_made_room_for_a_verified_device_is_told_so() -> None:
    rung = after(PROMPT, PairOutcome("s", approved=False, reason=Reason.BUSY))
    assert rung.sentence == f"Grace: {HOST_SENTENCES[Reason.BUSY]}"


def test_a_request_that_was_one_too_many_is_not_told() -> None:
    many: list[Status] = [replace(PROMPT, session_id=str(number)) for number in range(5)]
    gone: list[Status] = [
        PairOutcome(str(number), approved=False, reason=Reason.TIMEOUT) for number in range(4)
    ]
    rung = after(*many, *gone, PairOutcome("4", approved=False, reason=Reason.DECLINED))
    assert rung.sentence == f"Grace: {HOST_SENTENCES[Reason.TIMEOUT]}"


def test_a_link_that_ends_after_it_was_open_is_told_in_its_tab() -> None:
    closed = replace(link(stage=Stage.CLOSED), was_connected=True, reason=Reason.PEER_LEFT)
    rung = after(INVITATION, link(), closed)
    assert (rung.step, rung.failed) == (0, False)


def test_the_next_code_ends_the_joy_over_a_link() -> None:
    assert after(INVITATION, NoInvitation(None), link()).step == 4
    assert after(INVITATION, NoInvitation(None), link(), INVITATION).step == 0


def test_a_late_word_about_an_open_link_does_not_bring_the_joy_back() -> None:
    ladder = Steps()
    for status in (INVITATION, link()):
        ladder.handle(status)
    ladder.handle(replace(link(), peer_name="Renamed"))
    assert ladder.current().sentence == "Connected with Grace's phone."


def test_without_a_code_nobody_is_awaited() -> None:
    assert after(INVITATION, NoInvitation(Reason.NO_NETWORK)).step == NO_STEP


def test_nothing_is_left_when_the_network_side_stopped() -> None:
    assert after(INVITATION, PROMPT, guest(Stage.DIALING), Stopped()).step == NO_STEP


def test_a_lost_link_is_waited_for_until_another_goes_on_for_it() -> None:
    lost = replace(link("Grace", Stage.WAITING), deadline=120.0, was_connected=True)
    rung = after(INVITATION, link("Grace"), lost)
    assert (rung.step, rung.deadline, rung.link, rung.failed) == (3, 120.0, lost.link, False)
    assert "Waiting for Grace to come back" in rung.sentence
    again = replace(link("Grace", link_id="host-2"), resumes=lost.link)
    assert after(INVITATION, link("Grace"), lost, again).sentence == "Connected with Grace."
    over = replace(link("Grace", Stage.CLOSED), was_connected=True)
    assert after(INVITATION, link("Grace"), lost, over).step == 0


def test_how_a_transfer_ended_is_told() -> None:
    done = transfer(1, "a.txt", "b.txt", state=TransferState.DONE)
    rung = after(INVITATION, link("Grace"), done)
    assert (rung.step, rung.failed, rung.sentence) == (
        4,
        False,
        "a.txt and 1 more: Sent and verified.",
    )
    failed = replace(transfer(1, "a.txt", state=TransferState.FAILED), reason=Reason.DISK_FULL)
    assert after(link("Grace"), failed).failed
    # It only moves
    assert after(link("Grace"), transfer(1)).sentence == "Connected with Grace."
    assert after(INVITATION, link("Grace"), done, INVITATION).step == 0


def test_a_guest_that_waits_is_not_told_that_somebody_was_asked() -> None:
    """Its code may have been wrong: then nobody is."""
    ladder = Steps()
    ladder.handle(link("", Stage.ASKING, "guest-1", None))
    assert ladder.current().sentence.startswith("Found the host.")
