"""Tests of the question about files: what it shows, and that an answer counts only for the question
that was shown.
"""

import io
from collections.abc import Callable
from dataclasses import replace

from proxim.app.language import speak
from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.files import events as file_ev
from proxim.core.files import status as file_st
from proxim.core.files.manifest import Direction, Entry, TransferID
from proxim.ui.text.console import Console, Lines
from proxim.ui.text.questions import FileQuestions
from tests.rows import each_row
from tests.ui.text.faces import taken

TRIP = (
    Entry("trip", directory=True),
    Entry("trip/empty", directory=True),
    Entry("trip/photos", directory=True),
    Entry("trip/photos/a.jpg", 1000),
    Entry("trip/notes.txt", 30),
    Entry("b.txt", 7),
)
COMING = file_st.TransferStatus(
    TransferID("t1"),
    Direction.IN,
    file_st.TransferState.ANNOUNCED,
    TRIP,
    1037,
    peer_name="Ana",
    needs_answer=True,
)


def writer(out: io.StringIO) -> Callable[[str], None]:
    def write(text: str) -> None:
        out.write(text)

    return write


class Questions:
    """The questions, with what they wrote, accepted and declined."""

    def __init__(self) -> None:
        self.now = 100.0
        self.out = io.StringIO()
        self.accepted: list[file_ev.AcceptTransfer] = []
        self.declined: list[tuple[TransferID, Reason]] = []
        lines = Lines(Console(self.out, {}, lambda: 80), writer(self.out))
        self.it = FileQuestions(lines, lambda: self.now, self.accepted.append, self.decline)

    def decline(self, transfer: TransferID, reason: Reason) -> None:
        self.declined.append((transfer, reason))

    def put(self, *transfers: file_st.TransferStatus) -> str:
        for transfer in transfers:
            self.it.put(transfer)
        self.it.introduce()
        return self.said()

    def answer(self, text: str, after: float = st.ANSWER_DELAY_SECONDS) -> str:
        self.now += after
        self.it.answer(text)
        return self.said()

    def said(self) -> str:
        return taken(self.out)


def test_several_files_are_listed_with_numbers() -> None:
    questions = Questions()
    assert questions.it.question is None
    assert questions.put(COMING).splitlines() == [
        "",
        "Ana wants to send trip and 1 more (3 files, 1.0 kB):",
        "    1  trip/empty/",
        "    2  trip/photos/a.jpg (1.0 kB)",
        "    3  trip/notes.txt (30 bytes)",
        "    4  b.txt (7 bytes)",
        "y takes all, y 1 3-5 only these, n declines, a takes all that this device sends while it "
        "is linked.",
    ]
    assert questions.it.question == "Take it? [y/n/a] "
    assert questions.put() == ""


def test_a_long_list_is_cut_and_can_be_seen() -> None:
    questions = Questions()
    entries = tuple(Entry(f"{number}.jpg", 1) for number in range(10_000))
    shown = questions.put(replace(COMING, entries=entries)).splitlines()
    assert shown[-2] == "      and 9,990 more; l lists them all."
    assert len(shown) == 14
    assert questions.it.question == "Take it? [y/n/a/l] "
    assert len(questions.answer("l", 0.0).splitlines()) == 10_000
    assert questions.it.open is not None


ACCEPTED = [
    ("y", file_ev.AcceptTransfer(COMING.transfer)),
    ("yes", file_ev.AcceptTransfer(COMING.transfer)),
    ("a", file_ev.AcceptTransfer(COMING.transfer, always=True)),
    ("y 2", file_ev.AcceptTransfer(COMING.transfer, declined=(1, 4, 5))),
    ("y 1,3-4", file_ev.AcceptTransfer(COMING.transfer, declined=(2, 3))),
    ("yes 1-4", file_ev.AcceptTransfer(COMING.transfer)),
]


@each_row("typed, answer", ACCEPTED)
def test_taken(typed: str, answer: file_ev.AcceptTransfer) -> None:
    questions = Questions()
    questions.put(COMING)
    assert questions.answer(typed) == ""
    assert questions.accepted == [answer]
    assert questions.it.open is None


@each_row("typed", ["n", "no"])
def test_declined(typed: str) -> None:
    questions = Questions()
    questions.put(COMING)
    questions.answer(typed)
    assert (questions.accepted, questions.declined) == (
        [],
        [(COMING.transfer, Reason.DECLINED)],
    )


@each_row("typed", ["", "ok", "y?", "y x", "y 0", "y 5", "y 3-9", "y 99999", "y 4-1", "1", "yn"])
def test_no_answer(typed: str) -> None:
    questions = Questions()
    questions.put(COMING)
    assert questions.answer(typed).startswith(("Please answer: y takes all", "There are 1 to 4"))
    assert (questions.accepted, questions.declined) == ([], [])
    assert questions.it.open is COMING


@each_row("typed", ["y", "n", "a", "y 1"])
def test_what_comes_too_soon_is_no_answer(typed: str) -> None:
    questions = Questions()
    questions.put(COMING)
    assert questions.answer(typed, st.ANSWER_DELAY_SECONDS - 0.01).startswith("That came too soon")
    assert (questions.accepted, questions.declined) == ([], [])


def test_one_after_the_other_and_one_that_was_withdrawn() -> None:
    questions = Questions()
    other = replace(COMING, transfer=TransferID("t2"), entries=TRIP[-1:], size=7)
    assert "b.txt" in questions.put(COMING, other)
    questions.now += 10
    questions.it.remove(COMING.transfer)
    # No question is open now.
    assert questions.it.open is None
    assert questions.put().splitlines()[1] == "Ana wants to send b.txt (7 bytes)."
    assert questions.answer("y", 0.0).startswith("That came too soon")
    questions.answer("y")
    assert questions.accepted == [file_ev.AcceptTransfer(other.transfer)]


def test_a_question_that_was_put_off_is_put_anew() -> None:
    questions = Questions()
    questions.put(COMING)
    questions.it.postpone()
    assert questions.it.open is None
    assert "Ana wants to send" in questions.put()
    assert questions.answer("y", 0.0).startswith("That came too soon")


def test_what_nobody_can_answer() -> None:
    questions = Questions()
    questions.it.put(COMING)
    questions.it.turn_down()
    assert questions.said() == "Ana wants to send trip and 1 more (3 files, 1.0 kB).\n"
    assert questions.declined == [(COMING.transfer, Reason.UNATTENDED)]
    questions.it.turn_down()
    assert len(questions.declined) == 1


def test_in_german() -> None:
    speak("de")
    questions = Questions()
    assert questions.put(COMING).startswith(
        "\nAna möchte trip und 1 weitere (3 Dateien, 1,0 kB) senden:"
    )
    assert questions.it.question == "Annehmen? [j/n/a] "
    assert questions.answer("h 1").startswith("Bitte antworten Sie: j nimmt alles, j 1 3-5")
    questions.answer("j 1")
    assert questions.accepted == [file_ev.AcceptTransfer(TransferID("t1"), (2, 3, 4, 5))]
