"""Tests of proxim.core.errors: people read the table, so its sentences are checked one by one."""

import dataclasses
import re
from dataclasses import replace
from typing import Final

import pytest

from proxim.app.language import speak
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import (
    HOST_SENTENCES,
    KNOWN_HOST_SENTENCES,
    KNOWN_SENTENCES,
    RECEIVING_SENTENCES,
    SENDING_SENTENCES,
    SENTENCES,
    MachineMisuseError,
    Problem,
    ProximError,
    Reason,
    sentence_for,
    transfer_sentence,
)
from proxim.core.i18n import LANGUAGES
from proxim.core.pairing.devices import DeviceInfo, KnownID
from tests.rows import each_row

# This length fills two lines in the window.
LONGEST: Final = 200

# These answer a client's own code or a script, so their readers are developers.
FOR_DEVELOPERS: Final = {
    Reason.BAD_JSON,
    Reason.BAD_MESSAGE,
    Reason.UNKNOWN_TYPE,
    Reason.TOO_LARGE,
    Reason.TOO_MANY,
    Reason.NOT_ALLOWED,
    Reason.BAD_COMMAND,
}

# These sentences name no next step, because there is nothing to do.
NOTHING_TO_DO: Final = {
    Reason.UNSUPPORTED,
    Reason.SETTINGS_BROKEN,
    Reason.NO_DISPLAY,
}

# A next step begins with an imperative, or with what the other side can do.
STEP: Final = re.compile(
    r"\b(ask|use|try|join|type|compare|see|send|connect|wait|check|let|start|update|go on|cancel|"
    r"choose|allow|pause"
    r"|report|install|open|close|free|copy|save|accept|make|restart|can ask again|will appear)\b"
)

JARGON: Final = re.compile(
    r"\b(ICE|SDP|STUN|TURN|DTLS|SCTP|TCP|HTTP|JSON|WebSocket|WebRTC|RTC\w*|socket|candidate|data "
    r"channel"
    r"|payload|session ?ID|handshake|time-?out|null|None|exception|traceback|errno|asyncio|"
    r"thread)\b"
)

EVERY: Final = each_row("reason", Reason)
FOR_PEOPLE: Final = each_row("reason", [r for r in Reason if r not in FOR_DEVELOPERS])


def test_every_reason_has_its_sentence_and_no_sentence_is_left_over() -> None:
    # The order is the same, so that both lists stay readable side by side.
    assert list(SENTENCES) == list(Reason)


def test_no_two_reasons_say_the_same() -> None:
    assert len(set(SENTENCES.values())) == len(SENTENCES)


def test_values_on_the_wire_are_their_names() -> None:
    for reason in Reason:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", reason.value)
        assert reason.value == reason.name.lower()


def test_the_protocols_reasons_and_codes_are_spelled_as_documented() -> None:
    pair_result = {
        "declined",
        "timeout",
        "expired",
        "busy",
        "unknown_session",
        "not_verified",
        "closed",
    }
    error = {"bad_json", "bad_message", "too_large", "too_many", "not_allowed"}
    assert pair_result | error <= {reason.value for reason in Reason}


@EVERY
def test_it_is_one_plain_sentence(reason: Reason) -> None:
    sentence = SENTENCES[reason]
    assert sentence[0].isupper()
    assert sentence.endswith(".")
    assert not sentence.endswith("..")
    assert not re.search(r"[.!?…]\s", sentence), "more than one sentence"
    assert "!" not in sentence
    assert sentence.isascii()
    assert sentence.isprintable()
    assert "  " not in sentence
    assert sentence == sentence.strip()
    assert len(sentence) <= LONGEST


@EVERY
def test_it_has_nothing_to_fill_in(reason: Reason) -> None:
    assert not re.search(r"[{}%<>\[\]\\]", SENTENCES[reason])


@EVERY
def test_it_says_what_to_do_next(reason: Reason) -> None:
    what_happened, *next_step = re.split(r"[;:,] ", SENTENCES[reason])
    assert len(what_happened.split()) >= 2
    assert next_step, "only one part"
    if reason not in NOTHING_TO_DO:
        assert any(map(STEP.search, next_step)), "no next step"


def test_the_exceptions_are_still_needed() -> None:
    for reason in NOTHING_TO_DO:
        assert not STEP.search(SENTENCES[reason].partition("; ")[2]), reason


@FOR_PEOPLE
def test_it_has_no_jargon(reason: Reason) -> None:
    assert not JARGON.search(SENTENCES[reason])
    assert "docs/" not in SENTENCES[reason]


def test_developers_are_shown_where_to_read_on() -> None:
    assert "docs/protocol.md" in SENTENCES[Reason.BAD_MESSAGE]
    assert "docs/json-lines.md" in SENTENCES[Reason.BAD_COMMAND]


@EVERY
def test_an_error_carries_its_problem(reason: Reason) -> None:
    error = ProximError(reason, "field name")
    assert error.reason is reason
    assert error.problem == Problem(reason, "field name")
    sentence = SENTENCES[reason]
    if reason in (
        Reason.SETTINGS_BROKEN,
        Reason.SETTINGS_FOREIGN,
        Reason.DEVICE_SEVERAL,
        Reason.KNOWN_BROKEN,
        Reason.KNOWN_UNREADABLE,
        Reason.KNOWN_DAMAGED,
        Reason.KNOWN_FOREIGN,
    ):
        # Nobody can mend a file, or choose a device, without knowing which there are.
        sentence = f"{sentence.removesuffix('.')}: field name."
    assert error.problem.sentence == sentence
    assert reason.value in str(error)
    assert "field name" in str(error)


def test_the_detail_may_be_left_out() -> None:
    assert Problem(Reason.BUSY).detail == ""
    assert ProximError(Reason.BUSY).problem == Problem(Reason.BUSY, "")


def test_a_problem_does_not_change() -> None:
    problem = Problem(Reason.BUSY)
    with pytest.raises(dataclasses.FrozenInstanceError):
        problem.detail = "other"  # type: ignore[misc]


def test_our_own_bugs_are_no_problem_of_the_peers() -> None:
    assert not issubclass(MachineMisuseError, ProximError)


@each_row("reason", HOST_SENTENCES)
def test_the_host_has_words_of_its_own_only_where_they_differ(reason: Reason) -> None:
    own = sentence_for(reason, host=True, known=False)
    assert own == HOST_SENTENCES[reason] != SENTENCES[reason]
    assert sentence_for(reason, host=False, known=False) == SENTENCES[reason]
    assert HOST_SENTENCES[reason].endswith(".")


def test_elsewhere_both_read_the_same() -> None:
    for known in (False, True):
        for host in (False, True):
            sentence = sentence_for(Reason.ICE_FAILED, host=host, known=known)
            assert sentence == SENTENCES[Reason.ICE_FAILED]


# --- known devices, which have no code ------------------------------------------------------------

CODE: Final = re.compile(r"\b(\w*code|QR)", re.IGNORECASE)

# What is about a code or a link that was typed or pasted, or about this device's own.
TYPED: Final = {
    Reason.CODE_TYPO,
    Reason.CODE_INCOMPLETE,
    Reason.CODE_SYMBOL,
    Reason.CODE_TOO_LONG,
    Reason.CODE_UNKNOWN,
    Reason.CODE_MISSING,
    Reason.CODE_CLOSED,
    Reason.LINK_UNREADABLE,
    Reason.LINK_INCOMPLETE,
    Reason.SEVERAL_LINKS,
    Reason.OWN_CODE,
    Reason.FAR_ADDRESS,
    Reason.SCREEN_SEEN,
    Reason.NETWORK_CHANGED,
    Reason.QR_FILE_UNWRITABLE,
}
# Here a code is the way out, and they say so.
CODE_HELPS: Final = {
    Reason.NOT_RECOGNISED,
    Reason.FORGOTTEN,
    Reason.FORGOTTEN_HERE,
    Reason.DEVICE_NOT_FOUND,
    Reason.DIGITS_DIFFER,
    Reason.KNOWN_BROKEN,
    Reason.KNOWN_DAMAGED,
    Reason.KNOWN_FOREIGN,
    Reason.KNOWN_LOST,
    Reason.NO_MULTICAST,
    # Who has the key of the two devices is verified.
    Reason.REMEMBER_UNVERIFIED,
    Reason.CONTROL_UNVERIFIED,
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("host", [False, True])
def test_between_known_devices_nothing_is_said_of_a_code(language: str, *, host: bool) -> None:
    speak(language)
    for reason in {*Reason} - TYPED - CODE_HELPS:
        assert not CODE.search(sentence_for(reason, host=host, known=True)), reason


def test_these_are_still_exceptions() -> None:
    for reason in TYPED | CODE_HELPS:
        assert CODE.search(SENTENCES[reason]), reason


@each_row("reason", KNOWN_SENTENCES)
def test_known_devices_read_one_plain_sentence(reason: Reason) -> None:
    sentence = sentence_for(reason, host=False, known=True)
    assert sentence == KNOWN_SENTENCES[reason] != SENTENCES[reason]
    assert Problem(reason, known=True).sentence == sentence
    assert sentence.endswith(".")
    assert len(sentence) <= LONGEST
    _, *next_step = re.split(r"[;:,] ", sentence)
    assert any(map(STEP.search, next_step)), "no next step"


@each_row("reason", KNOWN_HOST_SENTENCES)
def test_the_host_of_a_known_device_reads_of_its_own_side(reason: Reason) -> None:
    sentence = sentence_for(reason, host=True, known=True)
    assert sentence == KNOWN_HOST_SENTENCES[reason] != HOST_SENTENCES[reason]
    assert "ask again" in sentence


@pytest.mark.parametrize("known", [None, KnownID("nas")])
def test_a_status_knows_why_it_is_over(known: KnownID | None) -> None:
    ended = st.LinkStatus(ev.LinkID("l"), "s", st.Stage.CLOSED, reason=Reason.CLOSED, known=known)
    for as_guest in (False, True):
        wanted = sentence_for(Reason.CLOSED, host=not as_guest, known=known is not None)
        assert replace(ended, as_guest=as_guest).end_sentence == wanted
    prompt = st.Prompt("s", DeviceInfo("NAS", "id"), "address", None, 40.0, known=known)
    wanted = sentence_for(Reason.BUSY, host=True, known=known is not None)
    assert prompt.end_sentence(Reason.BUSY) == wanted


# --- files, of which each side reads what it can do -----------------------------------------------


@each_row("reason", SENDING_SENTENCES)
def test_a_sender_is_not_told_to_do_what_only_the_receiver_can(reason: Reason) -> None:
    sentence = transfer_sentence(reason, incoming=False)
    assert sentence == SENDING_SENTENCES[reason] != SENTENCES[reason]
    assert "other device" in sentence
    assert "ask the person there" in sentence


@each_row("reason", RECEIVING_SENTENCES)
def test_a_receiver_is_not_told_to_send(reason: Reason) -> None:
    sentence = transfer_sentence(reason, incoming=True)
    assert sentence == RECEIVING_SENTENCES[reason] != SENTENCES[reason]
    assert not re.search(r"[;,] (then )?send|and send|rename it,", sentence)
    assert len(sentence) <= LONGEST


def test_what_both_can_do_both_read() -> None:
    for incoming in (False, True):
        sentence = transfer_sentence(Reason.NOT_CONNECTED, incoming=incoming)
        assert sentence == SENTENCES[Reason.NOT_CONNECTED]
