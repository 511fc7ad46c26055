"""Tests of what a person hears of: which statuses call them, and when the call is taken back."""

from dataclasses import replace

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Problem, Reason
from proxim.core.files.manifest import Direction, Entry, FailedFile, TransferID
from proxim.core.files.status import TransferState, TransferStatus
from proxim.core.known.status import Remembering, RememberStage
from proxim.core.notices import (
    NOTICE_RATE,
    Notice,
    NoticeKind,
    Notices,
    NoticeSlot,
    WithdrawNotice,
)
from proxim.core.pairing.devices import DeviceInfo, KnownID, Verified
from proxim.core.screen.status import ScreenAnswered, ScreenQuestion
from tests.rows import each_row

NOW = 100.0
LINK = ev.LinkID("host-1")
GONE = (WithdrawNotice(NoticeSlot.QUESTION),)


def prompt(name: str = "Laptop", session: str = "s1", deadline: float = NOW + 40) -> st.Prompt:
    return st.Prompt(session, DeviceInfo(name, "id"), "192.0.2.7", None, deadline, number=1)


def asked(*prompts: st.Prompt) -> st.Prompts:
    return st.Prompts(prompts[:1], prompts[1:])


def request(name: str = "Laptop", deadline: float = NOW + 40) -> Notice:
    return Notice(NoticeKind.REQUEST, name, deadline=deadline)


def transfer(state: TransferState, **values: object) -> TransferStatus:
    entries = (Entry("a", directory=True), Entry("a/b", 3), Entry("a/c", 4))
    status = TransferStatus(TransferID("t1"), Direction.IN, state, entries, 7, LINK, "Laptop")
    return replace(status, **values)  # type: ignore[arg-type]


def link(stage: st.Stage = st.Stage.CONNECTED, **values: object) -> st.LinkStatus:
    status = st.LinkStatus(LINK, "s1", stage, peer_name="Laptop", known=KnownID("k1"), let_in=True)
    return replace(status, **values)  # type: ignore[arg-type]


def test_a_request_is_heard_once_and_taken_back_when_it_is_over() -> None:
    notices = Notices(NOW)
    assert notices.note(asked(prompt()), NOW) == (request(),)
    assert notices.note(asked(prompt()), NOW) == ()
    assert notices.note(asked(), NOW) == GONE
    assert notices.note(asked(), NOW) == ()


def test_of_several_questions_the_one_that_ends_first_is_heard() -> None:
    notices = Notices(NOW)
    files = transfer(TransferState.ANNOUNCED, needs_answer=True)
    (first,) = notices.note(files, NOW)
    assert first == Notice(NoticeKind.FILES, "Laptop", files=2)
    assert notices.note(files, NOW) == ()
    # It has an end, so it comes before what has none; then the files are asked about again.
    assert notices.note(asked(prompt()), NOW) == (request(),)
    later = prompt("Phone", "s2", NOW + 50)
    assert notices.note(asked(prompt(), later), NOW) == ()
    assert notices.note(asked(later), NOW) == (request("Phone", NOW + 50),)
    assert notices.note(asked(), NOW) == (first,)
    assert notices.note(transfer(TransferState.ACTIVE), NOW) == GONE


def test_who_looks_at_proxim_hears_nothing() -> None:
    notices = Notices(NOW)
    assert notices.note(asked(prompt()), NOW, in_front=True) == ()
    # The person has looked elsewhere since, but has seen the question.
    assert notices.note(asked(prompt()), NOW) == ()
    assert notices.note(asked(), NOW) == ()


def test_looking_at_proxim_takes_everything_back() -> None:
    notices = Notices(NOW)
    notices.note(asked(prompt()), NOW)
    notices.note(link(), NOW)
    notices.note(transfer(TransferState.ACTIVE), NOW)
    notices.note(transfer(TransferState.DONE), NOW)
    assert notices.seen() == (
        WithdrawNotice(NoticeSlot.QUESTION),
        WithdrawNotice(NoticeSlot.LET_IN),
        WithdrawNotice(NoticeSlot.NEWS),
    )
    assert notices.seen() == ()
    # The next question is heard, and what was seen is not heard again.
    later = prompt("Phone", "s2", NOW + 50)
    assert notices.note(asked(prompt(), later), NOW) == (request("Phone", NOW + 50),)
    assert notices.note(asked(prompt()), NOW) == GONE


def test_a_status_in_front_takes_back_what_was_heard_before() -> None:
    notices = Notices(NOW)
    notices.note(asked(prompt()), NOW)
    assert notices.note(link(), NOW, in_front=True) == GONE


@each_row(
    "control, kind", [(False, NoticeKind.SCREEN), (True, NoticeKind.CONTROL)], ids=["see", "use"]
)
def test_a_question_about_the_screen(control: bool, kind: NoticeKind) -> None:
    notices = Notices(NOW)
    question = ScreenQuestion(LINK, 3, "Laptop", Verified.CODE, control, False, NOW + 30)
    assert notices.note(question, NOW) == (Notice(kind, "Laptop", deadline=NOW + 30),)
    assert notices.note(ScreenAnswered(LINK, 2), NOW) == ()
    assert notices.note(ScreenAnswered(LINK, 3), NOW) == GONE


def test_the_wish_to_be_remembered_is_a_question_if_it_is_the_others() -> None:
    notices = Notices(NOW)
    theirs = Remembering(LINK, RememberStage.COMPARE, "Laptop", False, "123456", NOW + 60)
    assert notices.note(replace(theirs, ours=True), NOW) == ()
    (notice,) = notices.note(theirs, NOW)
    assert notice == Notice(NoticeKind.REMEMBER, "Laptop", deadline=NOW + 60)
    assert "123456" not in repr(notice)
    assert notices.note(replace(theirs, stage=RememberStage.WAITING), NOW) == GONE
    notices.note(theirs, NOW)
    assert notices.note(link(st.Stage.CLOSED), NOW) == GONE


def test_who_was_let_in_is_heard_once_for_each_link() -> None:
    notices = Notices(NOW)
    assert notices.note(link(st.Stage.CONNECTING), NOW) == ()
    assert notices.note(link(), NOW) == (Notice(NoticeKind.LET_IN, "Laptop"),)
    assert notices.note(link(), NOW) == ()
    notices.seen()
    other = ev.LinkID("host-2")
    assert notices.note(link(link=other, resumes=LINK), NOW) == ()
    assert notices.note(link(st.Stage.CLOSED, link=other), NOW) == ()
    third = ev.LinkID("host-3")
    assert notices.note(link(link=third), NOW) == (Notice(NoticeKind.LET_IN, "Laptop"),)
    # The link that is the third by now is the one of the notice.
    fourth = ev.LinkID("host-4")
    assert notices.note(link(link=fourth, resumes=third), NOW) == ()
    was = (Notice(NoticeKind.WAS_LET_IN, "Laptop"),)
    assert notices.note(link(st.Stage.CLOSED, link=fourth), NOW) == was
    assert notices.note(link(st.Stage.CLOSED, link=fourth), NOW) == ()
    asked_about = link(link=ev.LinkID("host-5"), let_in=False)
    assert notices.note(asked_about, NOW) == ()


def test_a_notice_of_a_device_that_has_gone_says_so_however_many_came() -> None:
    notices = Notices(NOW)
    numbers = range(int(NOTICE_RATE.burst))
    for number in numbers:
        assert notices.note(link(link=ev.LinkID(f"host-{number}")), NOW)
    # The place is used up, so this one is not heard, nor is its end.
    unheard = ev.LinkID("host-99")
    assert notices.note(link(link=unheard), NOW) == ()
    assert notices.note(link(st.Stage.CLOSED, link=unheard), NOW) == ()
    # What stands there is about the last that was heard; the end of another leaves it.
    assert notices.note(link(st.Stage.CLOSED, link=ev.LinkID("host-0")), NOW) == ()
    last = ev.LinkID(f"host-{numbers[-1]}")
    (gone,) = notices.note(link(st.Stage.CLOSED, link=last), NOW)
    assert gone == Notice(NoticeKind.WAS_LET_IN, "Laptop")
    assert (gone.slot, gone.corrects) == (NoticeSlot.LET_IN, True)
    # Whoever looks takes it back as any other.
    assert notices.seen() == (WithdrawNotice(NoticeSlot.LET_IN),)


@each_row(
    "end, kind",
    [
        (transfer(TransferState.DONE), NoticeKind.RECEIVED),
        (transfer(TransferState.DONE, direction=Direction.OUT), NoticeKind.SENT),
        (
            transfer(TransferState.DONE, failed=(FailedFile(1, Reason.DISK_FULL),)),
            NoticeKind.INCOMPLETE,
        ),
        (transfer(TransferState.FAILED, reason=Reason.DISK_FULL), NoticeKind.INCOMPLETE),
        (transfer(TransferState.CANCELLED, reason=Reason.PEER_LEFT), NoticeKind.INCOMPLETE),
        (
            transfer(TransferState.CANCELLED, direction=Direction.OUT, reason=Reason.DECLINED),
            NoticeKind.INCOMPLETE,
        ),
        (
            transfer(TransferState.CANCELLED, direction=Direction.OUT, reason=Reason.UNATTENDED),
            NoticeKind.INCOMPLETE,
        ),
        # The person here has done that.
        (transfer(TransferState.CANCELLED, reason=Reason.DECLINED), None),
        (transfer(TransferState.CANCELLED, reason=Reason.CANCELLED), None),
    ],
)
def test_the_end_of_a_transfer(end: TransferStatus, kind: NoticeKind | None) -> None:
    notices = Notices(NOW)
    # What was over before is no news.
    assert notices.note(end, NOW) == ()
    assert notices.note(transfer(TransferState.ACTIVE), NOW) == ()
    wanted = () if kind is None else (Notice(kind, "Laptop", files=2),)
    assert notices.note(end, NOW) == wanted
    assert notices.note(end, NOW) == ()


def test_files_that_wait_are_asked_about_once() -> None:
    notices = Notices(NOW)
    asked = transfer(TransferState.ANNOUNCED, needs_answer=True)
    assert notices.note(asked, NOW) == (Notice(NoticeKind.FILES, "Laptop", files=2),)
    assert notices.note(asked, NOW) == ()
    assert notices.note(replace(asked, needs_answer=False), NOW) == GONE


def test_a_flood_is_not_heard() -> None:
    notices = Notices(NOW)
    heard = 0
    for number in range(50):
        changes = notices.note(asked(prompt(f"Guest {number}", f"s{number}")), NOW)
        heard += sum(isinstance(change, Notice) for change in changes)
        heard += len(notices.note(link(link=ev.LinkID(str(number))), NOW))
    assert heard == 2 * NOTICE_RATE.burst
    # What is over was taken back, and after some time somebody is heard again.
    assert notices.note(asked(), NOW) == ()
    later = NOW + 1 / NOTICE_RATE.per_second
    assert notices.note(asked(prompt()), later) == (request(),)


def test_what_was_withheld_leaves_nothing_old_on_the_desktop() -> None:
    notices = Notices(NOW)
    for number in range(int(NOTICE_RATE.burst)):
        notices.note(asked(prompt(session=f"s{number}")), NOW)
    # There is no more to be said now, and the question before is over.
    assert notices.note(asked(prompt(session="another")), NOW) == GONE
    assert notices.note(asked(prompt(session="another")), NOW) == ()


def test_a_question_stays_while_a_more_urgent_one_is_withheld() -> None:
    notices = Notices(NOW)
    prompts = [prompt(session=f"s{number}", deadline=NOW + 90 - number) for number in range(9)]
    for number in range(len(prompts)):
        notices.note(asked(*prompts[: number + 1]), NOW)
    # The last one that was heard is not over.
    assert notices.note(asked(*prompts), NOW) == ()


def test_the_end_of_the_program_takes_a_question_back() -> None:
    notices = Notices(NOW)
    notices.note(asked(prompt()), NOW)
    assert notices.note(st.Trouble(Problem(Reason.INTERNAL)), NOW) == ()
    assert notices.note(st.Stopped(), NOW) == GONE
