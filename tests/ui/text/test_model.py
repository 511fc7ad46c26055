"""Tests of the model that both faces without a window share: whom they join, which links are open,
when they end and with which status.
"""

from dataclasses import replace
from ipaddress import IPv4Address

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Problem, Reason
from proxim.core.files import events as file_ev
from proxim.core.files import status as file_st
from proxim.core.files.manifest import Direction, Entry, TransferID
from proxim.core.pairing.devices import DeviceInfo
from proxim.core.pairing.host_code import HostCode, JoinTarget, parse_target
from proxim.ui.text.model import (
    GOODBYE_SECONDS,
    GREETING_SECONDS,
    MAX_TRANSFERS_KEPT,
    Change,
    FaceModel,
    FaceOptions,
    LinkChange,
    Role,
    TransferChange,
)
from tests.rows import each_row

LINK = ev.LinkID("host-1")
NEAR = parse_target(HostCode(IPv4Address("192.168.1.7"), 47800, 12345).shown)
UNPROVED = parse_target(
    "http://192.168.1.7:47800/#.q1-W_e4rT6yU8iO0pA2sD4.6f1c7d2e-8a54-4f0e-9a53-0c2f6c1f7a11"
)
FAR = parse_target(HostCode(IPv4Address("203.0.113.9"), 47800, 12345).shown)
HOST = FaceOptions(Role.HOST)
JOIN = FaceOptions(Role.JOIN)
INVITATION = st.Invitation("s1", "u1", "code", "url", ev.SessionType.ONE_TIME, 1900.0)
PROMPT = st.Prompt("s1", DeviceInfo("Ana", "id-1"), "192.168.1.9", None, 1040.0)
CONNECTED = st.LinkStatus(LINK, "s1", st.Stage.CONNECTED, was_connected=True)


class Model(FaceModel):
    """A model with a clock that a test moves; it keeps what it posts and reports."""

    def __init__(self, options: FaceOptions) -> None:
        self.now = 1000.0
        self.posted: list[ev.Intent] = []
        self.told: list[Change | Problem] = []
        super().__init__(options, self.posted.append, lambda: self.now)

    def take(self, *statuses: st.Status) -> None:
        """Handle statuses as a face does."""
        for status in statuses:
            change = self.note(status)
            if change is not None:
                self.told.append(change)
            self.told += self.follow_up(status)


# --- statuses and text ---------------------------------------------------------------------------


def test_statuses_are_told_in_order_and_a_link_with_what_it_was() -> None:
    model = Model(HOST)
    opening = replace(CONNECTED, stage=st.Stage.CONNECTING)
    closed = replace(CONNECTED, stage=st.Stage.CLOSED)
    for status in (INVITATION, opening, CONNECTED, closed, PROMPT):
        model.take(status)
    assert model.told == [
        INVITATION,
        LinkChange(opening, None),
        LinkChange(CONNECTED, opening),
        LinkChange(closed, CONNECTED),
        PROMPT,
    ]


def test_a_reason_told_as_trouble_is_not_told_again_right_after() -> None:
    model = Model(HOST)
    trouble = st.Trouble(Problem(Reason.NETWORK_CHANGED))
    statuses = (
        trouble,
        st.NoInvitation(Reason.NETWORK_CHANGED),
        st.NoInvitation(Reason.NETWORK_CHANGED),
    )
    for status in statuses:
        model.take(status)
    assert model.told == [trouble, st.NoInvitation(None), st.NoInvitation(Reason.NETWORK_CHANGED)]


def test_text_goes_to_the_links_that_are_open_now() -> None:
    model = Model(HOST)
    assert not model.send_text("one")
    model.take(CONNECTED)
    model.take(replace(CONNECTED, link=ev.LinkID("host-2"), stage=st.Stage.CONNECTING))
    assert model.send_text("two")
    model.take(replace(CONNECTED, stage=st.Stage.CLOSED))
    assert not model.send_text("three")
    assert model.posted == [ev.SendText(LINK, "two")]


# --- joining --------------------------------------------------------------------------------------


FAR_FIRST = (Reason.FAR_ADDRESS,)
CAUTIONS = [
    (JOIN, NEAR, ()),
    (JOIN, FAR, FAR_FIRST),
    (JOIN, UNPROVED, (Reason.NO_SECRET,)),
    (replace(JOIN, agreed=True), FAR, ()),
    (replace(JOIN, agreed=True), UNPROVED, ()),
    (replace(JOIN, own_networks=("203.0.113.77/24",)), FAR, ()),
    (replace(JOIN, own_networks=("198.51.100.7/24", "fd00::2/64")), FAR, FAR_FIRST),
]


@each_row("options, target, cautions", CAUTIONS)
def test_what_has_to_be_agreed_to(
    options: FaceOptions, target: JoinTarget, cautions: tuple[Reason, ...]
) -> None:
    model = Model(options)
    assert model.cautions(target) == cautions
    assert not model.joined
    model.join(target)
    assert model.joined
    assert model.posted == [ev.Join(target)]


# --- files ----------------------------------------------------------------------------------------


PATHS = ("/a/film.mkv",)
CAN_SEND = replace(CONNECTED, features=("text", "files"))
COMING = file_st.TransferStatus(
    TransferID("t1"),
    Direction.IN,
    file_st.TransferState.ANNOUNCED,
    (Entry("film.mkv", 10),),
    10,
    link=LINK,
    peer_name="Ana",
    needs_answer=True,
)
GOING = replace(COMING, transfer=TransferID("t2"), direction=Direction.OUT, needs_answer=False)


def at(
    status: file_st.TransferStatus, *states: file_st.TransferState
) -> list[file_st.TransferStatus]:
    return [
        replace(status, state=state, needs_answer=state is status.state and status.needs_answer)
        for state in states
    ]


def test_transfers_are_told_with_what_they_were() -> None:
    model = Model(HOST)
    (active,) = at(COMING, file_st.TransferState.ACTIVE)
    model.take(COMING)
    model.take(active)
    assert model.told == [TransferChange(COMING, None), TransferChange(active, COMING)]
    assert model.posted == []


def test_what_core_says_needs_an_answer_needs_one_until_it_was_given_here() -> None:
    model = Model(HOST)
    unseen = replace(COMING, transfer=TransferID("t8"), needs_answer=False)
    other = replace(COMING, transfer=TransferID("t9"))
    model.take(CONNECTED, COMING, unseen, other)
    assert [model.needs_answer(one) for one in (COMING, unseen, other)] == [True, False, True]
    accept = file_ev.AcceptTransfer(COMING.transfer, always=True)
    model.accept(accept)
    model.decline(file_ev.CancelTransfer(other.transfer))
    assert model.posted == [accept, file_ev.CancelTransfer(other.transfer)]
    assert not model.needs_answer(COMING)
    assert not model.needs_answer(other)
    model.take(*at(other, file_st.TransferState.CANCELLED))
    # The same transfer is announced again.
    assert model.needs_answer(other)


def test_files_that_wait_for_a_greeting_are_refused_when_it_is_overdue() -> None:
    model = Model(HOST)
    assert model.send_paths(PATHS) is Reason.NOT_CONNECTED
    model.take(CONNECTED)
    assert model.send_paths(PATHS) is None
    model.now += GREETING_SECONDS - 0.01
    assert model.overdue() == ()
    model.now += 0.01
    assert model.overdue() == (Problem(Reason.FILES_UNSUPPORTED),)
    assert model.overdue() == ()
    assert model.send_paths(PATHS) is Reason.FILES_UNSUPPORTED
    model.take(CAN_SEND)
    assert model.send_paths(PATHS, ev.LinkID("host-2")) is Reason.NOT_CONNECTED
    assert model.posted == []
    assert model.send_paths(PATHS, LINK) is None
    assert model.posted == [file_ev.SendPaths(LINK, PATHS)]


def test_files_that_wait_for_a_greeting_are_refused_when_the_link_ends() -> None:
    model = Model(HOST)
    model.take(CONNECTED)
    model.send_paths(PATHS)
    closed = replace(CONNECTED, stage=st.Stage.CLOSED)
    model.take(closed)
    assert model.told[1:] == [LinkChange(closed, CONNECTED), Problem(Reason.FILES_UNSUPPORTED)]


def test_what_is_to_be_sent_goes_out_once_it_can() -> None:
    model = Model(replace(HOST, send=PATHS))
    opening = replace(CAN_SEND, stage=st.Stage.CONNECTING)
    for status in (opening, CONNECTED, CAN_SEND, CAN_SEND):
        model.take(status)
    assert model.posted == [file_ev.SendPaths(LINK, PATHS)]


@each_row("options", [replace(HOST, send=PATHS, once=True), replace(JOIN, send=PATHS, once=True)])
@each_row("state, status", [(file_st.TransferState.DONE, 0), (file_st.TransferState.FAILED, 1)])
def test_once_ends_with_what_was_sent(
    options: FaceOptions, state: file_st.TransferState, status: int
) -> None:
    model = Model(options)
    model.take(
        CAN_SEND,
        *at(
            GOING,
            file_st.TransferState.ANNOUNCED,
            file_st.TransferState.ACTIVE,
            file_st.TransferState.WAITING,
        ),
    )
    model.take(replace(CAN_SEND, stage=st.Stage.WAITING))
    again = replace(CAN_SEND, link=ev.LinkID("host-2"), resumes=LINK)
    model.take(replace(again, stage=st.Stage.APPROVED, features=("text",)))
    model.take(again)
    model.take(replace(GOING, state=file_st.TransferState.ACTIVE, link=again.link))
    assert model.posted == [file_ev.SendPaths(LINK, PATHS)]
    model.take(replace(GOING, state=state, link=again.link))
    assert model.posted[1:] == [ev.Disconnect(again.link), ev.Shutdown()]
    assert model.exit_status == status


@each_row("send", [PATHS, ()])
def test_once_goes_on_with_the_device_that_took_the_place_of_a_lost_one(
    send: tuple[str, ...],
) -> None:
    model = Model(replace(HOST, once=True, send=send))
    model.take(CAN_SEND, replace(CAN_SEND, stage=st.Stage.WAITING))
    second = replace(CAN_SEND, link=ev.LinkID("host-2"), replaces=LINK)
    model.take(
        replace(second, stage=st.Stage.APPROVED, features=()),
        replace(CAN_SEND, stage=st.Stage.CLOSED, reason=Reason.REPLACED),
        second,
    )
    over = [file_ev.SendPaths(one, PATHS) for one in (LINK, second.link)]
    assert model.posted == (over if send else [])
    assert not model.closing
    # If its link does not open, nothing else is there to go on with.
    model.take(replace(second, stage=st.Stage.CLOSED, reason=Reason.ICE_FAILED))
    assert model.closing
    assert model.exit_status == 1


def test_once_ends_with_what_came() -> None:
    model = Model(replace(HOST, once=True))
    model.take(
        CAN_SEND, COMING, *at(COMING, file_st.TransferState.ACTIVE, file_st.TransferState.DONE)
    )
    assert model.posted == [ev.Disconnect(LINK), ev.Shutdown()]
    assert model.exit_status == 0


def test_a_lost_link_that_may_come_back_ends_nothing_and_one_that_does_not_fails() -> None:
    model = Model(replace(JOIN, once=True, send=PATHS))
    model.take(
        CAN_SEND, GOING, *at(GOING, file_st.TransferState.ACTIVE, file_st.TransferState.WAITING)
    )
    model.take(replace(CAN_SEND, stage=st.Stage.WAITING))
    assert model.posted == [file_ev.SendPaths(LINK, PATHS)]
    model.take(replace(CAN_SEND, stage=st.Stage.CLOSED, reason=Reason.PEER_VANISHED))
    assert model.posted[1:] == [ev.Shutdown()]
    assert model.exit_status == 1


@each_row("send", [PATHS, ()])
def test_another_devices_link_that_ends_does_not_end_what_was_asked_for(
    send: tuple[str, ...],
) -> None:
    model = Model(replace(HOST, once=True, send=send))
    model.take(CAN_SEND, replace(GOING, state=file_st.TransferState.ACTIVE))
    model.take(
        replace(
            CONNECTED, link=ev.LinkID("host-2"), stage=st.Stage.CLOSED, reason=Reason.ICE_FAILED
        )
    )
    assert ev.Shutdown() not in model.posted
    model.take(
        replace(CONNECTED, link=ev.LinkID("host-2")), replace(CAN_SEND, stage=st.Stage.CLOSED)
    )
    assert (ev.Shutdown() in model.posted) is bool(send)


def test_a_link_that_takes_another_up_stands_in_its_place() -> None:
    model = Model(HOST)
    model.take(replace(CONNECTED, stage=st.Stage.WAITING))
    model.take(replace(CONNECTED, link=ev.LinkID("host-2"), resumes=LINK))
    model.send_text("hello")
    model.close()
    assert model.posted == [
        ev.SendText(ev.LinkID("host-2"), "hello"),
        ev.Disconnect(ev.LinkID("host-2")),
        ev.Shutdown(),
    ]


def test_an_interrupt_cancels_what_moves_and_keeps_what_waits() -> None:
    model = Model(HOST)
    waiting = replace(COMING, transfer=TransferID("t3"), state=file_st.TransferState.WAITING)
    over = replace(COMING, transfer=TransferID("t4"), state=file_st.TransferState.DONE)
    model.take(CONNECTED, *at(COMING, file_st.TransferState.ACTIVE), GOING, waiting, over)
    model.interrupt()
    model.interrupt()
    cancelled = [file_ev.CancelTransfer(COMING.transfer), file_ev.CancelTransfer(GOING.transfer)]
    assert model.posted == [*cancelled, ev.Disconnect(LINK), ev.Shutdown()]
    assert model.exit_status == 0


def test_a_program_that_was_to_do_something_once_and_was_stopped_has_failed() -> None:
    model = Model(replace(HOST, once=True))
    model.interrupt()
    assert model.exit_status == 1


def test_transfers_that_are_over_are_forgotten_some_time() -> None:
    model = Model(HOST)
    model.take(GOING)
    for number in range(2 * MAX_TRANSFERS_KEPT):
        model.take(
            replace(COMING, transfer=TransferID(f"over-{number}"), state=file_st.TransferState.DONE)
        )
    assert len(model.transfers) == MAX_TRANSFERS_KEPT + 1
    assert GOING.transfer in model.transfers


# --- the end --------------------------------------------------------------------------------------


def test_close_says_goodbye_and_waits_for_the_end() -> None:
    model = Model(HOST)
    model.take(CONNECTED)
    model.close()
    model.close()
    assert model.closing
    assert model.posted == [ev.Disconnect(LINK), ev.Shutdown()]
    assert not model.finished
    model.told.clear()
    closed = replace(CONNECTED, stage=st.Stage.CLOSED, reason=Reason.DISCONNECTED)
    for status in (
        closed,
        INVITATION,
        PROMPT,
        st.Prompts((PROMPT,)),
        st.NoInvitation(Reason.NO_NETWORK),
    ):
        model.take(status)
    model.take(st.Stopped())
    assert model.told == [LinkChange(closed, CONNECTED), st.Stopped()]
    assert model.finished
    assert model.exit_status == 0


def test_a_network_side_that_does_not_end_is_left() -> None:
    model = Model(HOST)
    model.close()
    model.now += GOODBYE_SECONDS - 0.01
    assert not model.finished
    model.now += 0.01
    assert model.finished


@each_row("options", [HOST, JOIN])
def test_an_end_that_nobody_asked_for_is_a_failure(options: FaceOptions) -> None:
    model = Model(options)
    assert not model.closing
    model.take(st.Stopped())
    assert model.closing
    assert model.finished
    assert (model.told, model.exit_status) == ([st.Stopped()], 1)


ENDS = [
    (JOIN, True, Reason.PEER_LEFT, 0),
    (JOIN, True, Reason.DISCONNECTED, 0),
    (JOIN, True, Reason.CLOSED, 0),
    (JOIN, True, Reason.EXPIRED, 0),
    (JOIN, True, None, 0),
    (JOIN, True, Reason.PEER_VANISHED, 1),
    (JOIN, False, Reason.PEER_LEFT, 1),
    (JOIN, False, Reason.DECLINED, 1),
    (JOIN, False, Reason.NO_ANSWER, 1),
    (replace(HOST, once=True), True, Reason.PEER_LEFT, 1),
    (replace(JOIN, once=True), True, Reason.PEER_LEFT, 1),
    (replace(HOST, once=True), False, Reason.ICE_FAILED, 1),
]


@each_row("options, was_connected, reason, exit_status", ENDS)
def test_the_link_that_ends_the_program(
    options: FaceOptions, was_connected: bool, reason: Reason | None, exit_status: int
) -> None:
    model = Model(options)
    model.take(
        replace(CONNECTED, stage=st.Stage.CLOSED, reason=reason, was_connected=was_connected)
    )
    assert model.posted == [ev.Shutdown()]
    assert model.exit_status == exit_status


def test_a_host_outlives_its_links() -> None:
    model = Model(HOST)
    model.take(replace(CONNECTED, stage=st.Stage.CLOSED, reason=Reason.PEER_VANISHED))
    assert model.posted == []


CLOSINGS = [(st.Stage.CONNECTED, True, 0), (st.Stage.ASKING, False, 1)]


@each_row("stage, was_connected, exit_status", CLOSINGS)
def test_closing_a_joining_program(stage: st.Stage, was_connected: bool, exit_status: int) -> None:
    model = Model(JOIN)
    model.take(replace(CONNECTED, stage=stage, was_connected=was_connected))
    model.close()
    model.take(
        replace(
            CONNECTED,
            stage=st.Stage.CLOSED,
            was_connected=was_connected,
            reason=Reason.DISCONNECTED,
        )
    )
    assert model.posted == [ev.Disconnect(LINK), ev.Shutdown()]
    assert model.exit_status == exit_status


@each_row("reason", [Reason.PORT_TAKEN, Reason.PORT_REFUSED])
def test_a_port_that_cannot_be_had_ends_a_host_at_its_start(reason: Reason) -> None:
    model = Model(HOST)
    model.take(st.ThisDevice(DeviceInfo("Here", "u1")))
    model.take(st.Trouble(Problem(reason)))
    model.take(st.NoInvitation(reason))
    assert model.posted == [ev.Shutdown()]
    assert model.exit_status == 1


def test_a_port_lost_later_or_no_network_are_waited_out() -> None:
    model = Model(HOST)
    for status in (
        st.NoInvitation(Reason.NO_NETWORK),
        INVITATION,
        st.NoInvitation(Reason.PORT_TAKEN),
    ):
        model.take(status)
    assert model.posted == []
