"""What both faces without a window share: whom they join, which links live, when they end and with
what.
"""

import io
from dataclasses import replace
from ipaddress import IPv4Address

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Problem, Reason
from proxim.core.files import events as file_ev
from proxim.core.files import status as file_st
from proxim.core.files.manifest import Direction, Entry, TransferID
from proxim.core.pairing.devices import DeviceInfo
from proxim.core.pairing.host_code import HostCode, parse_target
from proxim.ui.text.face import GOODBYE_SECONDS, MAX_TRANSFERS_KEPT, FaceOptions, LineFace, Role
from tests.rows import each_row

LINK = ev.LinkID("host-1")
NEAR = parse_target(HostCode(IPv4Address("192.168.1.7"), 47800, 12345).shown)
FAR = parse_target(HostCode(IPv4Address("203.0.113.9"), 47800, 12345).shown)
HOST = FaceOptions(Role.HOST)
JOIN = FaceOptions(Role.JOIN)
INVITATION = st.Invitation("s1", "u1", "code", "url", ev.SessionType.ONE_TIME, 1900.0)
PROMPT = st.Prompt("s1", DeviceInfo("Ana", "id-1"), "192.168.1.9", None, 1040.0)
CONNECTED = st.LinkStatus(LINK, "s1", st.Stage.CONNECTED, was_connected=True)


class Face(LineFace):
    """The least face: keeps what it is to tell, sends each line as text."""

    def __init__(self, options: FaceOptions, out: io.TextIOBase | None = None) -> None:
        self.now = 1000.0
        self.posted: list[file_ev.AnyIntent] = []
        self.told: list[object] = []
        super().__init__(options, self.posted.append, out or io.StringIO(), lambda: self.now)  # type: ignore[arg-type]

    def take(self, *statuses: st.Status) -> None:
        for status in statuses:
            self.show(status)

    def _show(self, status: st.Status) -> None:
        self.told.append(status)

    def _show_link(self, status: st.LinkStatus, before: st.LinkStatus | None) -> None:
        self.told.append((status, before))

    def _show_transfer(
        self, status: file_st.TransferStatus, before: file_st.TransferStatus | None
    ) -> None:
        self.told.append((status, before))

    def _show_problem(self, problem: Problem) -> None:
        self.told.append(problem.reason)

    def _read(self, line: str) -> None:
        self.told.append((line, self._send(line)))

    def end_of_input(self) -> None:
        self._write("end of input")


# --- statuses and lines ---------------------------------------------------------------------------


def test_statuses_are_told_in_order_and_a_link_with_what_it_was() -> None:
    face = Face(HOST)
    opening = replace(CONNECTED, stage=st.Stage.CONNECTING)
    closed = replace(CONNECTED, stage=st.Stage.CLOSED)
    for status in (INVITATION, opening, CONNECTED, closed, PROMPT):
        face.show(status)
    assert face.told == [
        INVITATION,
        (opening, None),
        (CONNECTED, opening),
        (closed, CONNECTED),
        PROMPT,
    ]


def test_a_reason_told_as_trouble_is_not_told_again_right_after() -> None:
    face = Face(HOST)
    trouble = st.Trouble(Problem(Reason.NETWORK_CHANGED))
    statuses = (
        trouble,
        st.NoInvitation(Reason.NETWORK_CHANGED),
        st.NoInvitation(Reason.NETWORK_CHANGED),
    )
    for status in statuses:
        face.show(status)
    assert face.told == [trouble, st.NoInvitation(None), st.NoInvitation(Reason.NETWORK_CHANGED)]


SENT = [("one", False), ("two", True), ("three", False)]


def test_text_goes_to_the_links_that_are_open_now() -> None:
    face = Face(HOST)
    face.line("one\r\n")
    face.show(CONNECTED)
    face.show(replace(CONNECTED, link=ev.LinkID("host-2"), stage=st.Stage.CONNECTING))
    face.line("two\n")
    face.show(replace(CONNECTED, stage=st.Stage.CLOSED))
    face.line("three")
    assert [told for told in face.told if told in SENT] == SENT
    assert face.posted == [ev.SendText(LINK, "two")]


# --- joining --------------------------------------------------------------------------------------


JOINS = [
    (replace(JOIN, target=NEAR), [ev.Join(NEAR)]),
    (replace(JOIN, target=FAR), [ev.Shutdown()]),
    (replace(JOIN, target=FAR, far_allowed=True), [ev.Join(FAR)]),
    (replace(JOIN, target=FAR, own_networks=("203.0.113.77/24",)), [ev.Join(FAR)]),
    (replace(JOIN, target=FAR, own_networks=("198.51.100.7/24", "fd00::2/64")), [ev.Shutdown()]),
    (JOIN, []),
    (replace(HOST, target=NEAR), []),
]


@each_row("options, posted", JOINS)
def test_whom_the_start_joins(options: FaceOptions, posted: list[file_ev.AnyIntent]) -> None:
    face = Face(options)
    face.start()
    assert face.posted == posted


def test_a_far_address_is_refused_with_its_reason() -> None:
    face = Face(replace(JOIN, target=FAR))
    face.start()
    assert face.told == [Reason.FAR_ADDRESS]
    assert face.exit_status == 2


# --- files ----------------------------------------------------------------------------------------


PATHS = ("/a/film.mkv",)
CAN_SEND = replace(CONNECTED, can_send_files=True)
COMING = file_st.TransferStatus(
    TransferID("t1"),
    Direction.IN,
    file_st.TransferState.ANNOUNCED,
    (Entry("film.mkv", 10),),
    10,
    link=LINK,
    peer_name="Ana",
)
GOING = replace(COMING, transfer=TransferID("t2"), direction=Direction.OUT)


def at(
    status: file_st.TransferStatus, *states: file_st.TransferState
) -> list[file_st.TransferStatus]:
    return [replace(status, state=state) for state in states]


def test_transfers_are_told_with_what_they_were() -> None:
    face = Face(HOST)
    active = replace(COMING, state=file_st.TransferState.ACTIVE)
    face.show(COMING)
    face.show(active)
    assert face.told == [(COMING, None), (active, COMING)]
    assert face.posted == []


def test_with_a_folder_to_save_to_core_takes_files_and_nobody_is_asked() -> None:
    face = Face(replace(HOST, accept_files=True))
    face.take(COMING)
    assert not face._is_asked_about(COMING)
    assert face.posted == []


def test_who_accepts_always_is_not_asked_again_over_that_link() -> None:
    face = Face(HOST)
    face.take(CONNECTED, COMING)
    assert face._is_asked_about(COMING)
    face._accept(file_ev.AcceptTransfer(COMING.transfer, always=True))
    other = replace(COMING, transfer=TransferID("t9"))
    assert not face._is_asked_about(other)
    assert face._is_asked_about(replace(other, link=ev.LinkID("host-2")))


def test_what_is_to_be_sent_goes_out_once_it_can() -> None:
    face = Face(replace(HOST, send=PATHS))
    opening = replace(CAN_SEND, stage=st.Stage.CONNECTING)
    for status in (opening, CONNECTED, CAN_SEND, CAN_SEND):
        face.show(status)
    assert face.posted == [file_ev.SendPaths(LINK, PATHS)]


@each_row("options", [replace(HOST, send=PATHS, once=True), replace(JOIN, send=PATHS, once=True)])
@each_row("state, status", [(file_st.TransferState.DONE, 0), (file_st.TransferState.FAILED, 1)])
def test_once_ends_with_what_was_sent(
    options: FaceOptions, state: file_st.TransferState, status: int
) -> None:
    face = Face(options)
    face.take(
        CAN_SEND,
        *at(
            GOING,
            file_st.TransferState.ANNOUNCED,
            file_st.TransferState.ACTIVE,
            file_st.TransferState.WAITING,
        ),
    )
    face.show(replace(CAN_SEND, stage=st.Stage.WAITING))
    again = replace(CAN_SEND, link=ev.LinkID("host-2"), resumes=LINK)
    face.show(replace(again, stage=st.Stage.APPROVED, can_send_files=False))
    face.show(again)
    face.show(replace(GOING, state=file_st.TransferState.ACTIVE, link=again.link))
    assert face.posted == [file_ev.SendPaths(LINK, PATHS)]
    face.show(replace(GOING, state=state, link=again.link))
    assert face.posted[1:] == [ev.Disconnect(again.link), ev.Shutdown()]
    assert face.exit_status == status


def test_once_ends_with_what_came() -> None:
    face = Face(replace(HOST, once=True, accept_files=True))
    face.take(
        CAN_SEND, COMING, *at(COMING, file_st.TransferState.ACTIVE, file_st.TransferState.DONE)
    )
    assert face.posted == [ev.Disconnect(LINK), ev.Shutdown()]
    assert face.exit_status == 0


def test_a_lost_link_that_may_come_back_ends_nothing_and_one_that_does_not_fails() -> None:
    face = Face(replace(JOIN, once=True, send=PATHS))
    face.take(
        CAN_SEND, GOING, *at(GOING, file_st.TransferState.ACTIVE, file_st.TransferState.WAITING)
    )
    face.show(replace(CAN_SEND, stage=st.Stage.WAITING))
    assert face.posted == [file_ev.SendPaths(LINK, PATHS)]
    face.show(replace(CAN_SEND, stage=st.Stage.CLOSED, reason=Reason.PEER_VANISHED))
    assert face.posted[1:] == [ev.Shutdown()]
    assert face.exit_status == 1


@each_row("send", [PATHS, ()])
def test_another_devices_link_that_ends_does_not_end_what_was_asked_for(
    send: tuple[str, ...],
) -> None:
    face = Face(replace(HOST, once=True, send=send))
    face.take(CAN_SEND, replace(GOING, state=file_st.TransferState.ACTIVE))
    face.take(
        replace(
            CONNECTED, link=ev.LinkID("host-2"), stage=st.Stage.CLOSED, reason=Reason.ICE_FAILED
        )
    )
    assert ev.Shutdown() not in face.posted
    face.take(
        replace(CONNECTED, link=ev.LinkID("host-2")), replace(CAN_SEND, stage=st.Stage.CLOSED)
    )
    assert (ev.Shutdown() in face.posted) is bool(send)


def test_a_link_that_takes_another_up_stands_in_its_place() -> None:
    face = Face(HOST)
    face.show(replace(CONNECTED, stage=st.Stage.WAITING))
    face.show(replace(CONNECTED, link=ev.LinkID("host-2"), resumes=LINK))
    face.line("hello")
    face.close()
    assert face.posted == [
        ev.SendText(ev.LinkID("host-2"), "hello"),
        ev.Disconnect(ev.LinkID("host-2")),
        ev.Shutdown(),
    ]


def test_an_interrupt_cancels_what_moves_and_keeps_what_waits() -> None:
    face = Face(HOST)
    waiting = replace(COMING, transfer=TransferID("t3"), state=file_st.TransferState.WAITING)
    over = replace(COMING, transfer=TransferID("t4"), state=file_st.TransferState.DONE)
    face.take(CONNECTED, replace(COMING, state=file_st.TransferState.ACTIVE), GOING, waiting, over)
    face.interrupt()
    face.interrupt()
    cancelled = [file_ev.CancelTransfer(COMING.transfer), file_ev.CancelTransfer(GOING.transfer)]
    assert face.posted == [*cancelled, ev.Disconnect(LINK), ev.Shutdown()]
    assert face.exit_status == 0


def test_a_program_that_was_to_do_something_once_and_was_stopped_has_failed() -> None:
    face = Face(replace(HOST, once=True))
    face.interrupt()
    assert face.exit_status == 1


def test_transfers_that_are_over_are_forgotten_some_time() -> None:
    face = Face(HOST)
    face.show(GOING)
    for number in range(2 * MAX_TRANSFERS_KEPT):
        face.show(
            replace(COMING, transfer=TransferID(f"over-{number}"), state=file_st.TransferState.DONE)
        )
    assert len(face._transfers) == MAX_TRANSFERS_KEPT + 1
    assert GOING.transfer in face._transfers


# --- the end --------------------------------------------------------------------------------------


def test_close_says_goodbye_and_waits_for_the_end() -> None:
    face = Face(HOST)
    face.show(CONNECTED)
    face.close()
    face.close()
    face.line("late")
    assert face.posted == [ev.Disconnect(LINK), ev.Shutdown()]
    assert not face.finished
    face.told.clear()
    closed = replace(CONNECTED, stage=st.Stage.CLOSED, reason=Reason.DISCONNECTED)
    for status in (closed, INVITATION, PROMPT, st.NoInvitation(Reason.NO_NETWORK), st.Stopped()):
        face.show(status)
    assert face.told == [(closed, CONNECTED), st.Stopped()]
    assert face.finished
    assert face.exit_status == 0


def test_a_network_side_that_does_not_end_is_left() -> None:
    face = Face(HOST)
    face.close()
    face.now += GOODBYE_SECONDS - 0.01
    assert not face.finished
    face.now += 0.01
    assert face.finished


@each_row("options", [HOST, JOIN])
def test_an_end_that_nobody_asked_for_is_a_failure(options: FaceOptions) -> None:
    face = Face(options)
    face.show(st.Stopped())
    face.line("late")
    assert face.finished
    assert (face.told, face.exit_status) == ([st.Stopped()], 1)


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
    face = Face(options)
    face.show(replace(CONNECTED, stage=st.Stage.CLOSED, reason=reason, was_connected=was_connected))
    assert face.posted == [ev.Shutdown()]
    assert face.exit_status == exit_status


def test_a_host_outlives_its_links() -> None:
    face = Face(HOST)
    face.show(replace(CONNECTED, stage=st.Stage.CLOSED, reason=Reason.PEER_VANISHED))
    assert face.posted == []


CLOSINGS = [(st.Stage.CONNECTED, True, 0), (st.Stage.ASKING, False, 1)]


@each_row("stage, was_connected, exit_status", CLOSINGS)
def test_closing_a_joining_program(stage: st.Stage, was_connected: bool, exit_status: int) -> None:
    face = Face(JOIN)
    face.show(replace(CONNECTED, stage=stage, was_connected=was_connected))
    face.close()
    face.show(
        replace(
            CONNECTED,
            stage=st.Stage.CLOSED,
            was_connected=was_connected,
            reason=Reason.DISCONNECTED,
        )
    )
    assert face.posted == [ev.Disconnect(LINK), ev.Shutdown()]
    assert face.exit_status == exit_status


@each_row("reason", [Reason.PORT_TAKEN, Reason.PORT_REFUSED])
def test_a_port_that_cannot_be_had_ends_a_host_at_its_start(reason: Reason) -> None:
    face = Face(HOST)
    face.show(st.ThisDevice(DeviceInfo("Here", "u1")))
    face.show(st.Trouble(Problem(reason)))
    face.show(st.NoInvitation(reason))
    assert face.posted == [ev.Shutdown()]
    assert face.exit_status == 1


def test_a_port_lost_later_or_no_network_are_waited_out() -> None:
    face = Face(HOST)
    for status in (
        st.NoInvitation(Reason.NO_NETWORK),
        INVITATION,
        st.NoInvitation(Reason.PORT_TAKEN),
    ):
        face.show(status)
    assert face.posted == []


class _Gone(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


class _Closed(io.StringIO):
    def flush(self) -> None:
        raise ValueError("I/O operation on closed file")


@each_row("out", [_Gone(), _Closed()])
def test_a_reader_that_has_gone_ends_the_program(out: io.StringIO) -> None:
    face = Face(HOST, out)
    face.end_of_input()
    assert face.posted == [ev.Shutdown()]
    assert face.exit_status == 1
