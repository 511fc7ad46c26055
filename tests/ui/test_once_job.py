"""Tests of what `--send` and `--once` ask for: when it is over, and that only what arrived
completely counts as done.
"""

from dataclasses import replace

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Problem, Reason
from proxim.core.files import status as file_st
from proxim.core.files.manifest import Direction, Entry, FailedFile, TransferID
from proxim.ui.once_job import OnceJob
from tests.rows import each_row

LINK = st.LinkStatus(ev.LinkID("host-1"), "s1", st.Stage.CONNECTED, features=("text", "files"))
OUT = file_st.TransferStatus(
    TransferID("t1"),
    Direction.OUT,
    file_st.TransferState.ANNOUNCED,
    (Entry("a", 5),),
    5,
    link=LINK.link,
)
IN = replace(OUT, transfer=TransferID("t2"), direction=Direction.IN)
PATHS = ("/a",)


def sending() -> OnceJob:
    """Return a job whose files have been handed in."""
    job = OnceJob(PATHS, once=True)
    assert job.sends_over(LINK)
    job.sent()
    return job


def at(status: file_st.TransferStatus, state: file_st.TransferState) -> file_st.TransferStatus:
    return replace(status, state=state)


def test_each_link_of_the_first_session_is_sent_to_once() -> None:
    job = OnceJob(PATHS, once=False)
    assert not job.sends_over(replace(LINK, stage=st.Stage.CONNECTING))
    assert not job.sends_over(replace(LINK, features=("text",)))
    assert job.sends_over(LINK)
    assert not job.sends_over(LINK)
    assert job.sends_over(replace(LINK, link=ev.LinkID("host-2")))
    assert not job.sends_over(replace(LINK, link=ev.LinkID("host-3"), session_id="s2"))


def test_once_is_the_first_link_alone() -> None:
    job = sending()
    assert not job.sends_over(replace(LINK, link=ev.LinkID("host-2")))


def test_a_link_taken_up_again_is_the_same_device_however_often_it_is_tried() -> None:
    job = OnceJob(PATHS, once=False)
    assert job.sends_over(LINK)
    second = replace(LINK, link=ev.LinkID("host-2"), stage=st.Stage.APPROVED, resumes=LINK.link)
    assert not job.sends_over(second)
    assert not job.sends_over(replace(LINK, link=ev.LinkID("host-3"), resumes=second.link))


@each_row("once", [False, True])
def test_a_device_in_the_place_of_a_lost_one_is_sent_to_like_it(once: bool) -> None:
    job = OnceJob(PATHS, once=once)
    assert job.sends_over(LINK)
    job.sent()
    job.see(OUT)
    job.see(at(OUT, file_st.TransferState.WAITING))
    second = replace(LINK, link=ev.LinkID("host-2"), replaces=LINK.link)
    job.replaced()
    assert not job.over
    assert job.sends_over(second)
    job.sent()
    other = replace(OUT, transfer=TransferID("t3"), link=second.link)
    job.see(other)
    assert not job.over
    job.see(at(other, file_st.TransferState.DONE))
    assert (job.over, job.succeeded) == (once, once)
    # In another place, once means once.
    assert job.sends_over(replace(LINK, link=ev.LinkID("host-3"))) is not once


def test_if_it_is_the_same_device_its_transfer_goes_on_and_counts() -> None:
    job = sending()
    job.see(at(OUT, file_st.TransferState.ACTIVE))
    job.see(replace(OUT, state=file_st.TransferState.WAITING, link=None))
    job.replaced()
    assert job.sends_over(replace(LINK, link=ev.LinkID("host-2"), replaces=LINK.link))
    job.sent()
    job.see(replace(OUT, link=ev.LinkID("host-2"), state=file_st.TransferState.ACTIVE))
    assert not job.over
    job.see(replace(OUT, link=ev.LinkID("host-2"), state=file_st.TransferState.DONE))
    assert job.succeeded


def test_nothing_is_sent_where_nothing_was_named() -> None:
    assert not OnceJob((), once=True).sends_over(LINK)


@each_row("job", [OnceJob((), once=False), OnceJob(PATHS, once=False)])
def test_without_once_nothing_is_ever_over(job: OnceJob) -> None:
    job.sends_over(LINK)
    job.sent()
    job.see(OUT)
    job.see(at(OUT, file_st.TransferState.DONE))
    job.see(at(IN, file_st.TransferState.DONE))
    assert not job.over


def test_sent_and_arrived() -> None:
    job = sending()
    assert not job.over
    for state in (
        file_st.TransferState.ANNOUNCED,
        file_st.TransferState.ACTIVE,
        file_st.TransferState.WAITING,
        file_st.TransferState.ACTIVE,
    ):
        job.see(at(OUT, state))
        assert not job.over
    job.see(at(OUT, file_st.TransferState.DONE))
    assert job.over
    assert job.succeeded


NOT_ARRIVED = [
    at(OUT, file_st.TransferState.FAILED),
    at(OUT, file_st.TransferState.CANCELLED),
    replace(OUT, state=file_st.TransferState.DONE, failed=(FailedFile(0, Reason.FILE_GONE),)),
    # A part of it was declined.
    replace(OUT, state=file_st.TransferState.DONE, size=4),
]


@each_row("end", NOT_ARRIVED)
def test_sent_and_not_arrived(end: file_st.TransferStatus) -> None:
    job = sending()
    job.see(end)
    assert job.over
    assert not job.succeeded


def test_what_an_earlier_run_left_is_not_what_was_asked_for() -> None:
    job = sending()
    earlier = replace(
        OUT,
        transfer=TransferID("t0"),
        state=file_st.TransferState.WAITING,
        link=None,
        entries=(Entry("other", 5),),
    )
    job.see(earlier)
    job.see(replace(earlier, state=file_st.TransferState.DONE, link=LINK.link))
    assert not job.over
    job.see(at(OUT, file_st.TransferState.DONE))
    assert job.succeeded


def test_asked_once_more_for_what_an_earlier_run_left() -> None:
    """The earlier transfer continues and no second copy is sent."""
    job = sending()
    earlier = replace(
        OUT, transfer=TransferID("t0"), state=file_st.TransferState.WAITING, link=None
    )
    job.see(earlier)
    job.see(replace(earlier, state=file_st.TransferState.ACTIVE, link=LINK.link))
    assert not job.over
    job.see(replace(earlier, state=file_st.TransferState.DONE, link=LINK.link))
    assert job.succeeded


def test_what_else_moves_is_waited_for() -> None:
    job = sending()
    job.see(at(IN, file_st.TransferState.ACTIVE))
    job.see(at(OUT, file_st.TransferState.DONE))
    assert not job.over
    job.see(at(IN, file_st.TransferState.FAILED))
    # The incoming transfer was not asked for.
    assert job.succeeded


@each_row("reason", [Reason.FILES_UNSUPPORTED, Reason.NOT_CONNECTED])
def test_a_link_that_takes_no_files(reason: Reason) -> None:
    job = sending()
    job.count_failure(st.Trouble(Problem(reason), LINK.link))
    assert job.over
    assert not job.succeeded


def test_a_path_that_was_left_out() -> None:
    job = sending()
    job.count_failure(st.Trouble(Problem(Reason.FILE_GONE, "/a"), LINK.link))
    assert not job.over
    job.see(at(OUT, file_st.TransferState.DONE))
    assert job.over
    assert not job.succeeded


def test_other_troubles_are_other_peoples() -> None:
    job = sending()
    job.count_failure(st.Trouble(Problem(Reason.FILE_GONE, "/a"), ev.LinkID("host-9")))
    job.count_failure(st.Trouble(Problem(Reason.TEXT_TOO_LONG), LINK.link))
    job.see(at(OUT, file_st.TransferState.DONE))
    assert job.succeeded


def test_received() -> None:
    job = OnceJob((), once=True)
    job.see(IN)
    assert not job.over
    job.accepted(IN.transfer)
    assert not job.over
    job.see(at(IN, file_st.TransferState.ACTIVE))
    assert not job.over
    job.see(at(IN, file_st.TransferState.DONE))
    assert job.succeeded


def test_what_was_declined_is_not_what_was_waited_for() -> None:
    job = OnceJob((), once=True)
    job.see(IN)
    job.see(at(IN, file_st.TransferState.CANCELLED))
    assert not job.over
    other = replace(IN, transfer=TransferID("t3"))
    job.see(at(other, file_st.TransferState.ACTIVE))
    job.see(at(other, file_st.TransferState.DONE))
    assert job.succeeded


def test_what_was_accepted_and_could_not_be_written() -> None:
    job = OnceJob((), once=True)
    job.see(IN)
    job.accepted(IN.transfer)
    job.see(at(IN, file_st.TransferState.FAILED))
    assert job.over
    assert not job.succeeded


def test_a_file_sent_by_hand_is_no_reason_to_end() -> None:
    job = OnceJob((), once=True)
    job.sent()
    job.see(OUT)
    job.see(at(OUT, file_st.TransferState.DONE))
    assert not job.over
