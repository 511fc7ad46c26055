from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import SENTENCES, Reason
from proxim.core.i18n import tr
from proxim.core.pairing.host_code import HostCode, parse_target
from proxim.ui.window.pairing.join import regrouped, typing_problem
from tests.rows import each_row
from tests.ui.tk_support import Bench, copied_elsewhere, link

CODE = HostCode(IPv4Address("192.168.1.5"), 47800, 12345).shown
FAR_CODE = HostCode(IPv4Address("203.0.113.5"), 47800, 12345).shown
LONG = "Remember the milk and two breads"
_SESSION = "q1-W_e4rT6yU8iO0pA2sD4.6f1c7d2e-8a54-4f0e-9a53-0c2f6c1f7a11"
FAR_LINK = f"http://203.0.113.5:47800/#2Zr0m5T8cVn1qWb7yUe4Xg.{_SESSION}"
UNPROVED = f"http://192.168.1.5:47800/#.{_SESSION}"


def write(bench: Bench, text: str) -> None:
    bench.focus(bench.window.join.entry)
    for char in text:
        bench.key(bench.window.join.entry, char)


def note(bench: Bench) -> str:
    return str(bench.window.join._note.cget("text"))


@each_row(
    "typed, cursor, shown, at",
    [
        ("o25", 3, "025", 3),
        ("02501w", 6, "02501-W", 7),
        ("02501 wk", 8, "02501-WK", 8),
        # A character in the middle was deleted.
        ("0250-WK381", 4, "0250W-K381", 4),
        # The dash itself was deleted, so the cursor is put before it.
        ("02501WK381", 5, "02501-WK381", 5),
        ("hg2k4qwx91zp", 12, "HG2K-4QWX-91ZP", 14),
        ("", 0, "", 0),
        # An input method for Japanese; and a sentence with a code, as it is pasted.
        ("０２５０１ーｗｋ", 8, "02501-WK", 8),
        ("My code is 02501-WK381, see you", 31, "02501-WK381", 11),
    ],
)
def test_a_code_is_grouped_around_the_cursor(typed: str, cursor: int, shown: str, at: int) -> None:
    assert regrouped(typed, cursor) == (shown, at)


@each_row("typed", ["http://192.168.1.5:47800/#s=x", "02501-U", "é"])
def test_a_link_and_a_wrong_symbol_stay_as_they_are(typed: str) -> None:
    assert regrouped(typed, len(typed)) is None


def test_no_beginning_of_a_right_code_is_a_mistake() -> None:
    assert [typing_problem(CODE[:length]) for length in range(len(CODE) + 1)] == [None] * (
        len(CODE) + 1
    )


def test_mistakes_are_told_as_they_are_typed() -> None:
    wrong = CODE[:-1] + ("2" if CODE[-1] != "2" else "3")
    assert typing_problem(wrong) == SENTENCES[Reason.CODE_TYPO]
    assert typing_problem("025U") == SENTENCES[Reason.CODE_SYMBOL]
    assert typing_problem(CODE + "0") == SENTENCES[Reason.CODE_TOO_LONG]


def test_a_code_is_typed_and_joined_by_keyboard(bench: Bench) -> None:
    write(bench, CODE.replace("-", "").lower())
    assert bench.window.join.entry.get() == CODE
    bench.key(bench.window.join.entry, "<Return>")
    assert bench.posted == [ev.Join(parse_target(CODE))]


def test_a_typo_is_told_below_the_field_and_joins_nobody(bench: Bench) -> None:
    write(bench, "02501wk382")
    assert note(bench) == SENTENCES[Reason.CODE_TYPO]
    bench.key(bench.window.join.entry, "<Return>")
    assert bench.posted == []
    bench.key(bench.window.join.entry, "<BackSpace>")
    bench.window.join.entry.event_generate("<KeyRelease-BackSpace>")
    bench.settle()
    assert note(bench) not in SENTENCES.values()


def test_half_a_code_is_told_only_by_join(bench: Bench) -> None:
    write(bench, "02501")
    assert note(bench) not in SENTENCES.values()
    bench.window.join.button.invoke()
    assert note(bench) == SENTENCES[Reason.CODE_INCOMPLETE]


def test_a_pasted_code_is_read_at_once(bench: Bench) -> None:
    bench.root.clipboard_clear()
    bench.root.clipboard_append("02501wk382")
    bench.focus(bench.window.join.entry)
    bench.window.join.entry.event_generate("<<Paste>>")
    bench.pump(lambda: note(bench) == SENTENCES[Reason.CODE_TYPO])
    assert bench.window.join.entry.get() == "02501-WK382"


def paste(bench: Bench, text: str) -> None:
    bench.root.clipboard_clear()
    bench.root.clipboard_append(text)
    join = bench.window.join
    bench.focus(join.entry)
    bench.key(join.entry, "<Control-a>")
    join.entry.event_generate("<<Paste>>")
    bench.settle()
    # The key is let go after the paste.
    join.entry.event_generate("<KeyRelease-v>", state=4)
    bench.settle()


@pytest.mark.parametrize(
    "garbage", [f"line1\nline2 {'x' * 5000}", "Bitte nicht vergessen: um 8", LONG]
)
def test_what_is_no_code_stays_as_it_was_pasted(bench: Bench, garbage: str) -> None:
    paste(bench, garbage)
    assert bench.window.join.entry.get() == garbage
    bench.window.join.button.invoke()
    assert note(bench) == SENTENCES[Reason.LINK_UNREADABLE]
    # Something else replaces it, and is read.
    paste(bench, CODE.replace("-", " ").lower())
    assert bench.window.join.entry.get() == CODE
    assert note(bench) == tr("join.hint")


def test_what_is_no_code_is_told_at_once(bench: Bench) -> None:
    paste(bench, LONG)
    assert note(bench) == SENTENCES[Reason.LINK_UNREADABLE]


def test_a_picture_cannot_be_pasted_and_that_is_said(bench: Bench) -> None:
    with copied_elsewhere(bench, "image/png", b"picture"):
        entry = bench.window.join.entry
        bench.focus(entry)
        entry.event_generate("<<Paste>>")
        bench.settle()
        assert note(bench) == tr("join.nothingPasted")
        entry.event_generate("<KeyRelease-v>", state=4)
        bench.settle()
        assert note(bench) == tr("join.nothingPasted")
        assert entry.get() == ""
    write(bench, "0")
    assert note(bench) == tr("join.hint")


def test_why_the_last_attempt_failed_goes_when_another_code_is_typed(bench: Bench) -> None:
    sentence = bench.window.steps._sentence
    paste(bench, CODE)
    bench.window.join.join()
    bench.window.show(replace(link("", st.Stage.CLOSED, "guest-1"), reason=Reason.OWN_CODE))
    # Looking at the field changes nothing.
    bench.key(bench.window.join.entry, "<Left>")
    bench.window.join.entry.event_generate("<KeyRelease-Left>")
    bench.settle()
    assert str(sentence.cget("text")) == SENTENCES[Reason.OWN_CODE]
    paste(bench, "02501wk382")
    assert note(bench) == SENTENCES[Reason.CODE_TYPO]
    assert str(sentence.cget("text")) == tr("steps.inviting")
    assert str(sentence.cget("style")) == "TLabel"


def test_a_code_from_the_middle_button_or_out_of_the_menu_is_read(bench: Bench) -> None:
    entry = bench.window.join.entry
    bench.focus(entry)
    entry.insert(0, "02501wk382")
    entry.event_generate("<<PasteSelection>>")
    bench.pump(lambda: note(bench) == SENTENCES[Reason.CODE_TYPO])
    entry.selection_range(0, "end")
    entry.event_generate("<<Cut>>")
    bench.pump(lambda: note(bench) == tr("join.hint"))
    assert entry.get() == ""


@pytest.mark.parametrize("far", [FAR_CODE, FAR_LINK])
def test_a_far_address_is_shown_and_asked_about(bench: Bench, far: str) -> None:
    join = bench.window.join
    join.entry.insert(0, far)
    join.join()
    bench.settle()
    assert bench.posted == []
    assert join._consent is not None
    question, go, stay = join._consent.winfo_children()
    assert "203.0.113.5:47800" in str(question.cget("text"))
    assert bench.root.focus_lastfor() is stay
    go.event_generate("<<Invoke>>")
    assert bench.posted == [ev.Join(parse_target(far))]
    assert join._consent is None


def test_a_link_that_proves_nothing_is_asked_about(bench: Bench) -> None:
    join = bench.window.join
    join.entry.insert(0, UNPROVED)
    join.join()
    bench.settle()
    assert bench.posted == []
    assert join._consent is not None
    question, go, _ = join._consent.winfo_children()
    assert str(question.cget("text")) == tr("join.noSecret")
    go.event_generate("<<Invoke>>")
    assert bench.posted == [ev.Join(parse_target(UNPROVED))]


@each_row(
    "typed, reason",
    [
        (FAR_LINK[:-1], Reason.LINK_INCOMPLETE),
        (f"{FAR_LINK} {UNPROVED}", Reason.SEVERAL_LINKS),
        ("http://192.168.1.5:47800/", Reason.LINK_INCOMPLETE),
    ],
)
def test_what_is_no_single_whole_link_is_told_and_joins_nobody(
    bench: Bench, typed: str, reason: Reason
) -> None:
    bench.window.join.entry.delete(0, "end")
    bench.window.join.entry.insert(0, typed)
    bench.window.join.join()
    assert note(bench) == SENTENCES[reason]
    assert bench.posted == []


def test_a_question_is_taken_back_by_escape_and_by_typing(bench: Bench) -> None:
    join = bench.window.join
    join.entry.insert(0, FAR_LINK)
    # A second press only asks again and does not join.
    for _ in range(2):
        join.join()
    assert join._consent is not None
    bench.focus(join._consent.winfo_children()[2])
    bench.key(join._consent.winfo_children()[2], "<Escape>")
    assert join._consent is None
    join.join()
    bench.focus(join.entry)
    bench.key(join.entry, "x")
    assert join._consent is None
    assert bench.posted == []


def test_an_address_on_a_network_of_ours_is_not_far(bench: Bench) -> None:
    bench.window.show(
        st.Networks((ev.Network("203.0.113.77", 24, "eth0", virtual=False),), "203.0.113.77")
    )
    bench.window.join.entry.insert(0, FAR_LINK)
    bench.window.join.join()
    assert bench.posted == [ev.Join(parse_target(FAR_LINK))]


def test_what_was_typed_stays_until_it_led_somewhere(bench: Bench) -> None:
    join = bench.window.join
    join.entry.insert(0, CODE)
    join.join()
    assert join.entry.get() == CODE
    bench.window.show(link("Ada", link_id="guest-1"))
    assert join.entry.get() == ""
