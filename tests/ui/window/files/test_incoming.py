from dataclasses import replace
from tkinter import filedialog

import pytest

from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.files import events as file_ev
from proxim.core.files import status as file_st
from proxim.core.files.manifest import Direction
from proxim.ui.window.files.incoming import IncomingQuestion
from proxim.ui.window.theme import DARK
from tests.ui.tk_support import Bench, camera, link, transfer


def announced(number: int = 1, *names: str) -> file_st.TransferStatus:
    return transfer(
        number,
        *(names or ("a.txt", "b.txt")),
        state=file_st.TransferState.ANNOUNCED,
        direction=Direction.IN,
    )


def question_of(bench: Bench) -> IncomingQuestion | None:
    queue = bench.window._incoming
    return None if queue is None else queue.question


def ask(
    bench: Bench, status: file_st.TransferStatus | None = None, *, alive: bool = True
) -> IncomingQuestion:
    bench.window.show(link())
    bench.window.show(status or announced())
    bench.pump(lambda: question_of(bench))
    question = question_of(bench)
    assert question is not None
    bench.pump(question.decline_button.winfo_viewable)
    if alive:
        bench.clock.now += st.ANSWER_DELAY_SECONDS
        bench.pump(lambda: question.decline_button.instate(["!disabled"]))
    return question


def test_all_is_taken_with_one_answer(bench: Bench) -> None:
    question = ask(bench)
    assert question._sum.cget("text") == "2 files, 8.4 MB"
    question.accept_button.invoke()
    assert bench.posted == [file_ev.AcceptTransfer(announced().transfer)]
    assert question_of(bench) is None
    assert not question.window.winfo_exists()


def test_some_are_unticked(bench: Bench) -> None:
    question = ask(bench)
    question.list.toggle(1)
    assert question._sum.cget("text") == "1 of 2 files, 4.2 MB"
    question.accept_button.invoke()
    assert bench.posted == [file_ev.AcceptTransfer(announced().transfer, declined=(1,))]


def test_nothing_ticked_is_no_acceptance(bench: Bench) -> None:
    question = ask(bench)
    question._all.invoke()
    assert question.accept_button.instate(["disabled"])
    question.accept()
    assert bench.posted == []
    question._all.invoke()
    assert question.accept_button.instate(["!disabled"])


def test_another_folder_and_always(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    question = ask(bench)
    monkeypatch.setattr(filedialog, "askdirectory", lambda **_options: "")
    question.change.invoke()
    assert "folder for received files" in str(question._where.cget("text"))
    monkeypatch.setattr(filedialog, "askdirectory", lambda **_options: "/disk/new")
    question.change.invoke()
    assert question._where.cget("text") == "Saved in /disk/new"
    question.always.invoke()
    question.accept_button.invoke()
    assert bench.posted == [
        file_ev.AcceptTransfer(announced().transfer, directory="/disk/new", always=True)
    ]


@pytest.mark.parametrize("how", ["button", "escape", "letter", "close", "return"])
def test_declining(bench: Bench, how: str) -> None:
    question = ask(bench)
    bench.focus(question.decline_button)
    if how == "button":
        question.decline_button.invoke()
    elif how == "escape":
        question.window.event_generate("<Escape>")
    elif how == "letter":
        question.window.event_generate("<Alt-d>")
    elif how == "return":
        question.decline_button.event_generate("<Return>")
    else:
        bench.root.tk.eval(str(question.window.protocol("WM_DELETE_WINDOW")))
    assert bench.posted == [file_ev.CancelTransfer(announced().transfer)]


def test_what_was_typed_for_something_else_is_no_answer(bench: Bench) -> None:
    question = ask(bench, alive=False)
    bench.clock.now += st.ANSWER_DELAY_SECONDS - 0.01
    question.decline_button.invoke()
    question.accept_button.invoke()
    question.window.event_generate("<Escape>")
    question.accept()
    assert bench.posted == []
    assert question.accept_button.instate(["disabled"])


def test_several_wait_for_their_turn(bench: Bench) -> None:
    first = ask(bench)
    bench.window.show(announced(2))
    bench.window.show(announced(3))
    bench.pump(lambda: "more" in first.window.title())
    assert first.window.title().endswith("(2 more after this)")
    first.accept_button.invoke()
    bench.pump(lambda: question_of(bench) is not None)
    second = question_of(bench)
    assert second is not None
    assert second.status.transfer == announced(2).transfer
    bench.window.show(
        replace(announced(3), needs_answer=False, state=file_st.TransferState.CANCELLED)
    )
    assert second.window.title() == "Proxim: files for you"


def test_it_goes_when_nobody_asks_any_more(bench: Bench) -> None:
    question = ask(bench)
    assert "Files for you" in bench.root.title()
    bench.window.show(
        replace(
            announced(),
            needs_answer=False,
            state=file_st.TransferState.CANCELLED,
            reason=Reason.CANCELLED,
        )
    )
    assert not question.window.winfo_exists()
    assert question_of(bench) is None
    assert bench.posted == []
    assert "Files for you" not in bench.root.title()


def test_what_was_answered_is_not_asked_again(bench: Bench) -> None:
    ask(bench).accept_button.invoke()
    bench.window.show(announced())
    bench.settle()
    assert question_of(bench) is None
    bench.window.show(replace(announced(), needs_answer=False, state=file_st.TransferState.WAITING))
    bench.window.show(announced())
    bench.pump(lambda: question_of(bench) is not None)


def test_what_we_send_is_not_asked_about(bench: Bench) -> None:
    bench.window.show(link())
    bench.window.show(replace(announced(), needs_answer=False, direction=Direction.OUT))
    bench.settle()
    assert question_of(bench) is None


def test_what_core_accepts_without_asking_is_not_asked_about(bench: Bench) -> None:
    bench.window.show(link())
    bench.window.show(replace(announced(), needs_answer=False))
    bench.settle()
    assert question_of(bench) is None
    assert "Files for you" not in bench.root.title()
    # A transfer that needs an answer is asked about at once.
    bench.window.show(announced(2))
    assert question_of(bench) is not None


def test_the_rows_button_brings_the_question_to_the_front(bench: Bench) -> None:
    question = ask(bench)
    bench.focus(bench.window.pages.links[link().link].entry)
    row = bench.window.pages.links[link().link].transfers.rows[announced().transfer]
    row.button.invoke()
    bench.wait_for_focus(question.decline_button)


def test_it_goes_with_the_network_side_and_takes_the_dark(bench: Bench) -> None:
    question = ask(bench)
    bench.window.theme.is_dark = True
    bench.window._incoming.restyle()  # type: ignore[union-attr]
    assert str(question.window.cget("background")) == DARK.background
    bench.window.show(st.Stopped())
    assert question_of(bench) is None
    assert bench.posted == []


def test_everything_is_reached_by_the_tab_key(bench: Bench) -> None:
    question = ask(bench)
    order = [
        question.decline_button,
        question.accept_button,
        question._all,
        question.list.view,
        question.change,
        question.always,
    ]
    bench.focus(order[0])
    for before, after in zip(order, [*order[1:], order[0]], strict=True):
        bench.key(before, "<Tab>")
        bench.wait_for_focus(after)


def test_one_file_has_no_button_for_all(bench: Bench) -> None:
    assert not ask(bench, announced(1, "only.txt"))._all.winfo_viewable()


def test_twenty_thousand_files_are_all_there(bench: Bench) -> None:
    question = ask(bench, camera())
    assert question._sum.cget("text") == "19,998 files, 62.2 GB"
    question.list.toggle(1)
    question.list.toggle(2)
    question.accept_button.invoke()
    (answer,) = bench.posted
    assert isinstance(answer, file_ev.AcceptTransfer)
    assert answer.declined == tuple(range(3, 20_000))
