"""Tests of the terminal: what a person reads and types, and that nothing from another device can
control the terminal.
"""

import io
import unicodedata
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from hypothesis import given, strategies

from proxim.app.language import speak
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import (
    HOST_SENTENCES,
    SENTENCES,
    Problem,
    Reason,
    sentence_for,
)
from proxim.core.files import events as file_ev
from proxim.core.files import status as file_st
from proxim.core.files.manifest import Direction, Entry, FailedFile, TransferID
from proxim.core.i18n import tr
from proxim.core.pairing.devices import DeviceInfo, KnownID, Verified
from proxim.core.pairing.host_code import HostCode, parse_target
from proxim.ui.text.model import GREETING_SECONDS, FaceOptions, Role
from proxim.ui.text.terminal import TerminalFace
from tests.core.link.whiteboard import Drawn
from tests.rows import each_row
from tests.ui.asking import asking
from tests.ui.text.faces import LOCAL_NOON
from tests.ui.text.faces import TerminalBench as Face

LINK = ev.LinkID("host-1")
NEAR = HostCode(IPv4Address("192.168.1.7"), 47800, 12345).shown
FAR = HostCode(IPv4Address("203.0.113.9"), 47800, 12345).shown
TYPO = NEAR[:-1] + ("0" if NEAR[-1] != "0" else "1")
HOST = FaceOptions(Role.HOST)
JOIN = FaceOptions(Role.JOIN)
_SESSION = "q1-W_e4rT6yU8iO0pA2sD4.6f1c7d2e-8a54-4f0e-9a53-0c2f6c1f7a11"
URL = f"http://192.168.1.7:47800/#2Zr0m5T8cVn1qWb7yUe4Xg.{_SESSION}"
UNPROVED = f"http://192.168.1.7:47800/#.{_SESSION}"
INVITATION = st.Invitation("s1", "u1", NEAR, URL, ev.SessionType.ONE_TIME, 1900.0)
PROMPT = st.Prompt("s1", DeviceInfo("Ana", "id-1"), "192.168.1.9", None, 1040.0, number=11)
CONNECTED = st.LinkStatus(LINK, "s1", st.Stage.CONNECTED, "Ana", "192.168.1.9", was_connected=True)
VERIFIED = replace(PROMPT, verified=Verified.CODE)
QUESTION = "Allow? [y/N] (40 s) "


class Terminal(io.StringIO):
    """A stdout that is a terminal."""

    def isatty(self) -> bool:
        return True


# --- a code is shown ------------------------------------------------------------------------------


def test_an_invitation_says_all_that_is_needed() -> None:
    face = Face(HOST)
    networks = (
        ev.Network("192.168.1.7", 24, "Wi-Fi", virtual=False),
        ev.Network("10.0.0.2", 8, "Cable", virtual=False),
        ev.Network("172.17.0.1", 16, "docker0", virtual=True),
    )
    shown = face.show(st.Networks(networks, "192.168.1.7"), INVITATION)
    assert "█" in shown
    assert f"  Code     {NEAR}\n" in shown
    assert f"  Link     {URL}\n" in shown
    assert "  Valid    15 minutes, until 12:15, for one device\n" in shown
    assert "  Network  192.168.1.7 (Wi-Fi); others for --address: 10.0.0.2 (Cable)\n" in shown
    assert shown.endswith(
        "Waiting: scan the QR, or type the code into Proxim on the other device (proxim join).\n"
    )
    assert "\x1b" not in shown
    assert face.show(INVITATION) == ""


VALID = [
    (ev.SessionType.TEMPORARY, 1060.0, "1 minute, until 12:01, the link ends with it"),
    (ev.SessionType.TEMPORARY, 1000.0 + 7200, "2 hours, until 14:00, the link ends with it"),
    (ev.SessionType.PERSISTENT, None, "until you end it"),
]


@each_row("kind, expires, words", VALID)
def test_how_long_a_code_lives(kind: ev.SessionType, expires: float | None, words: str) -> None:
    assert f"Valid    {words}\n" in Face(HOST).show(replace(INVITATION, type=kind, expires=expires))


def test_an_address_without_a_code_shows_its_link() -> None:
    shown = Face(HOST).show(replace(INVITATION, code=None))
    assert "Code" not in shown
    assert "type the link into Proxim" in shown


CODE_CLOSED = replace(INVITATION, code=None, code_closed=True)


def test_a_code_that_is_closed_says_so_and_how_to_get_another() -> None:
    face = Face(HOST)
    face.show(INVITATION)
    closed = "  Code     closed, as too many wrong ones were tried; /new makes a new one\n"
    assert (
        face.show(st.Trouble(Problem(Reason.CODE_CLOSED)), CODE_CLOSED)
        == SENTENCES[Reason.CODE_CLOSED] + f"\n{closed}"
    )
    elsewhere = face.show(replace(CODE_CLOSED, url=URL.replace("1.7", "1.8")))
    assert closed in elsewhere
    assert "█" in elsewhere
    assert NEAR in face.show(INVITATION)


def test_no_code_and_why() -> None:
    assert (
        Face(HOST).show(st.NoInvitation(Reason.NO_NETWORK)) == SENTENCES[Reason.NO_NETWORK] + "\n"
    )
    assert Face(HOST).show(st.NoInvitation(None)) == ""


def test_a_failure_is_said_once_and_ends_a_host_that_cannot_start() -> None:
    face = Face(HOST)
    shown = face.show(st.Trouble(Problem(Reason.PORT_TAKEN)), st.NoInvitation(Reason.PORT_TAKEN))
    assert shown == SENTENCES[Reason.PORT_TAKEN] + "\n"
    assert (face.posted, face.face.model.exit_status) == ([ev.Shutdown()], 1)


def test_a_new_code_is_of_the_same_type() -> None:
    invite = ev.Invite(ev.SessionType.TEMPORARY, 600.0)
    face = Face(replace(HOST, invite=invite))
    face.read("/new")
    assert face.posted == [invite]


# --- a request ------------------------------------------------------------------------------------


def test_a_request_names_who_asks_and_how_it_proved_itself() -> None:
    shown = Face(HOST).show(asking(PROMPT))
    assert shown == (
        "\nAna asks to join.\n  Device   id-1\n  Address  192.168.1.9\n"
        "  Proof    Not verified: anybody on this network could use this name\n"
        "Nothing shows that this device has seen your code. Allow it only if you expect exactly "
        "this device now.\n"
        "Allow? [yes/N] (40 s) "
    )


@each_row(
    "lost, words",
    [
        ("Ana's phone", "The lost link with Ana's phone"),
        (None, "The lost link with the other device"),
    ],
)
def test_a_request_for_the_place_of_a_lost_device_says_so(lost: str | None, words: str) -> None:
    replaces = st.LostLink(ev.LinkID("host-1"), lost)
    said = Face(HOST).show(asking(replace(PROMPT, verified=Verified.CODE, replaces=replaces)))
    assert said == (
        "\nA device calling itself Ana knows the code; the one that was connected has not come "
        "back.\n"
        "  Device   id-1\n"
        "  Address  192.168.1.9\n"
        "  Proof    Verified: it knows your code\n"
        f"{words} is given up if you allow this. Nothing shows whether it is the same device, "
        "because a name can be copied.\n"
        "Allow? [y/N] (40 s) "
    )


@each_row("verified, words", [(Verified.CODE, "Verified: "), (Verified.QR, "Scanned your QR: ")])
def test_the_badge_in_words(verified: Verified, words: str) -> None:
    assert f"Proof    {words}" in Face(HOST).show(asking(replace(PROMPT, verified=verified)))


ANSWERS = [
    ("y", True),
    ("Y", True),
    (" yes\n", True),
    ("YES\r\n", True),
    ("n", False),
    ("no", False),
    ("", False),
]


@each_row("typed, approved", ANSWERS)
def test_an_answer(typed: str, approved: bool) -> None:
    face = Face(HOST)
    assert face.ask(asking(VERIFIED)).endswith(QUESTION)
    assert face.read(typed) == ""
    assert face.posted == [ev.Decide("s1", approved, number=11)]


@each_row("typed, approved", [("yes", True), ("YES", True), ("n", False), ("", False)])
def test_an_answer_to_a_device_that_proved_nothing(typed: str, approved: bool) -> None:
    face = Face(HOST)
    face.ask(asking(PROMPT))
    assert face.read(typed) == ""
    assert face.posted == [ev.Decide("s1", approved, number=11)]


def test_a_letter_lets_no_unverified_device_in() -> None:
    face = Face(HOST)
    face.show(asking(PROMPT))
    assert face.read("y") == (
        "Not verified: to allow it all the same, type the whole word yes; n (no) declines.\nAllow? "
        "[yes/N] (40 s) "
    )
    assert face.posted == []


def test_anything_else_is_no_answer_and_is_asked_again() -> None:
    face = Face(HOST)
    face.show(asking(VERIFIED))
    face.now += 10.5
    assert face.read("maybe") == "Please answer y (yes) or n (no).\nAllow? [y/N] (30 s) "
    assert face.posted == []


GONE = [
    (Reason.GUEST_LEFT, SENTENCES[Reason.GUEST_LEFT]),
    (Reason.TIMEOUT, HOST_SENTENCES[Reason.TIMEOUT]),
    (Reason.DECLINED, HOST_SENTENCES[Reason.DECLINED]),
    (Reason.EXPIRED, HOST_SENTENCES[Reason.EXPIRED]),
    (Reason.BUSY, HOST_SENTENCES[Reason.BUSY]),
    (Reason.GUEST_RETURNED, SENTENCES[Reason.GUEST_RETURNED]),
]


@each_row("reason, words", GONE)
def test_a_request_that_goes_away_says_so_and_takes_its_question(
    reason: Reason, words: str
) -> None:
    face = Face(HOST)
    face.show(asking(PROMPT))
    assert face.show(st.PairOutcome("s1", approved=False, reason=reason)).startswith("\n" + words)
    assert face.read("y") == SENTENCES[Reason.NOT_CONNECTED] + "\n"
    assert face.posted == []


def test_two_requests_are_asked_one_after_the_other() -> None:
    face = Face(HOST)
    face.show(asking(PROMPT))
    other = replace(PROMPT, session_id="s2", number=12, device=DeviceInfo("Ben", "id-2"))
    assert face.show(asking(PROMPT, other)) == ""
    # Somebody may have typed it for what was there before.
    assert face.read("n").startswith("That came too soon")
    face.now += st.ANSWER_DELAY_SECONDS
    assert "Ben asks to join." in face.read("n")
    face.now += st.ANSWER_DELAY_SECONDS
    face.read("yes")
    assert face.posted == [
        ev.Decide("s1", approved=False, number=11),
        ev.Decide("s2", approved=True, number=12),
    ]


def test_a_verified_device_is_asked_about_before_one_that_is_not() -> None:
    face = Face(HOST)
    face.show(asking(PROMPT))
    other = replace(VERIFIED, session_id="s2", number=12, device=DeviceInfo("Ben", "id-2"))
    assert "Ben asks to join." in face.show(asking(PROMPT, other))
    # The answer was meant for Ana.
    assert face.read("yes").startswith("That came too soon")
    face.now += st.ANSWER_DELAY_SECONDS
    assert "Ana asks to join." in face.read("y")
    assert face.posted == [ev.Decide("s2", approved=True, number=12)]


def test_a_request_too_many_that_was_turned_away_is_told_in_one_sentence() -> None:
    face = Face(HOST)
    face.show(asking(PROMPT))
    fifth = replace(PROMPT, session_id="s5", number=15)
    shown = face.show(
        fifth, st.PairOutcome("s5", approved=False, reason=Reason.DECLINED, surplus=True)
    )
    assert "one more was turned away" in shown
    assert HOST_SENTENCES[Reason.DECLINED] not in shown
    # The question is shown again.
    assert shown.endswith("Allow? [yes/N] (40 s) ")
    assert face.posted == []


def test_a_request_that_waits_may_go_away_unasked() -> None:
    face = Face(HOST)
    other = replace(PROMPT, session_id="s2", number=12, device=DeviceInfo("Ben", "id-2"))
    face.show(asking(PROMPT, other))
    gone = face.show(st.PairOutcome("s2", approved=False, reason=Reason.TIMEOUT), asking(PROMPT))
    assert gone.startswith(f"\n{HOST_SENTENCES[Reason.TIMEOUT]}")
    assert "Ben asks" not in face.read("n")


def test_an_answered_request_is_not_asked_about_again_before_core_has_read_the_answer() -> None:
    face = Face(HOST)
    other = replace(PROMPT, session_id="s2", number=12, device=DeviceInfo("Ben", "id-2"))
    third = replace(PROMPT, session_id="s3", number=13, device=DeviceInfo("Cem", "id-3"))
    face.show(asking(PROMPT, other))
    face.now += st.ANSWER_DELAY_SECONDS
    face.read("n")
    assert face.show(asking(PROMPT, other, third)) == ""
    face.now += st.ANSWER_DELAY_SECONDS
    assert "Cem asks to join." in face.read("n")
    face.now += st.ANSWER_DELAY_SECONDS
    face.read("n")
    assert face.show(asking(PROMPT, other, third)) == ""
    assert face.posted == [
        ev.Decide("s1", approved=False, number=11),
        ev.Decide("s2", approved=False, number=12),
        ev.Decide("s3", approved=False, number=13),
    ]
    again = replace(PROMPT, number=14)
    assert "Ana asks to join." in face.show(asking(again))


def test_a_host_that_refuses_the_unverified_says_so_beside_its_code() -> None:
    shown = Face(HOST).show(st.ProofPolicy(required=True), INVITATION)
    assert "  Guests   only those that prove that they know the code\n" in shown


def test_what_is_said_during_a_question_repeats_it() -> None:
    face = Face(HOST)
    face.show(CONNECTED, asking(VERIFIED))
    assert face.show(st.TextReceived(LINK, "hi")) == f"\nAna: hi\n{QUESTION}"


@each_row("before", [[], [CONNECTED]])
def test_a_yes_that_was_meant_for_something_else_approves_nobody(before: list[st.Status]) -> None:
    face = Face(HOST)
    face.show(*before, asking(VERIFIED))
    face.now += st.ANSWER_DELAY_SECONDS - 0.01
    assert face.read("y").startswith("That came too soon")
    assert face.posted == []
    face.now += 0.01
    face.read("y")
    assert face.posted == [ev.Decide("s1", approved=True, number=11)]


REPLACED = [
    (Reason.BUSY, VERIFIED),
    (Reason.GUEST_LEFT, PROMPT),
    (Reason.TIMEOUT, VERIFIED),
    (Reason.DECLINED, PROMPT),
]


@each_row("reason, second", REPLACED)
def test_an_answer_to_one_request_never_approves_the_next(
    reason: Reason, second: st.Prompt
) -> None:
    """The first request's end is shown before the second request, so never both at once."""
    face = Face(HOST)
    face.ask(asking(PROMPT))
    face.show(
        st.PairOutcome("s1", approved=False, reason=reason), asking(replace(second, number=2))
    )
    face.now += 0.15
    assert face.read("yes").startswith("That came too soon")
    assert face.posted == []


UNATTENDED = ev.Decide("s1", False, 11, unattended=True)
TURNED_DOWN = st.PairOutcome("s1", approved=False, reason=Reason.UNATTENDED)


def test_without_input_a_request_is_declined_at_once() -> None:
    face = Face(HOST)
    face.face.end_of_input()
    assert face.written().startswith("Nobody can answer here, as the input has ended: ")
    shown = face.show(asking(PROMPT))
    assert "Ana asks to join.\n" in shown
    assert "Allow?" not in shown
    assert face.posted == [UNATTENDED]
    # The status that has the request comes again before it is over.
    assert face.show(asking(PROMPT)) == ""
    assert face.show(TURNED_DOWN, asking()) == HOST_SENTENCES[Reason.UNATTENDED] + "\n"
    assert face.posted == [UNATTENDED]


def test_input_that_ends_during_questions() -> None:
    face = Face(HOST)
    face.show(asking(VERIFIED, replace(VERIFIED, session_id="s2")))
    face.face.end_of_input()
    told = face.written()
    assert told.startswith("\nNobody can answer here")
    # The first one stands there already.
    assert told.count("asks to join") == 1
    assert face.posted == [UNATTENDED, replace(UNATTENDED, session_id="s2")]


def test_where_nobody_can_type_nobody_is_told_what_to_type() -> None:
    face = Face(HOST)
    face.face.end_of_input()
    face.written()
    let_in = replace(CONNECTED, verified=Verified.KNOWN, known=KnownID("k1"), let_in=True)
    told = face.show(let_in)
    assert told == (
        "Known device Ana was let in without a question, as was chosen for it; proxim devices "
        "takes that back (--let-in off).\nConnected with Ana (known device).\n"
    )


@each_row("role", [Role.HOST, Role.JOIN])
def test_the_end_of_a_link_with_a_known_device_speaks_of_no_code(role: Role) -> None:
    as_guest = role is Role.JOIN
    known = replace(CONNECTED, verified=Verified.KNOWN, known=KnownID("k1"), as_guest=as_guest)
    face = Face(FaceOptions(role))
    face.show(known)
    told = face.show(replace(known, stage=st.Stage.CLOSED, reason=Reason.PEER_LEFT))
    sentence = sentence_for(Reason.PEER_LEFT, host=not as_guest, known=True)
    assert (told.lstrip("\n"), "code" in sentence) == (sentence + "\n", False)


def test_what_goes_through_a_pipe_lies_nowhere() -> None:
    done = replace(
        COMING, state=file_st.TransferState.DONE, needs_answer=False, path="/piped/film.mkv"
    )
    piped = Face(FaceOptions(Role.HOST, once=True, piped=True, pipe_folder="/piped"))
    piped.show(CONNECTED)
    ended = replace(CONNECTED, stage=st.Stage.CLOSED, reason=Reason.DISCONNECTED)
    assert "/piped" not in piped.show(done)
    assert piped.show(ended).strip() == ""
    early = Face(FaceOptions(Role.HOST, once=True, piped=True, pipe_folder="/piped"))
    early.show(CONNECTED)
    assert "disconnected" in early.show(ended)
    usual = Face(HOST)
    usual.show(CONNECTED)
    assert ": /piped/film.mkv\n" in usual.show(done)


def test_a_guest_without_input_is_told_nothing_of_whoever_might_ask_to_join() -> None:
    face = Face(replace(JOIN, target=parse_target(NEAR)))
    face.start()
    face.face.end_of_input()
    assert "Nobody" not in face.written()


# --- the steps -----------------------------------------------------------------------------------


def test_the_hosts_steps() -> None:
    face = Face(HOST)
    approved = replace(CONNECTED, stage=st.Stage.APPROVED, was_connected=False)
    shown = face.show(
        st.PairOutcome("s1", approved=True),
        approved,
        replace(approved, stage=st.Stage.CONNECTING),
        CONNECTED,
        replace(CONNECTED, features=("text",)),
        replace(CONNECTED, peer_name="Ana's PC"),
        replace(CONNECTED, stage=st.Stage.CLOSED, reason=Reason.PEER_LEFT),
    )
    assert shown.splitlines() == [
        "Approved.",
        "Opening the direct link ...",
        "Connected with Ana (not verified). Type a line to send it, /send PATH for files; "
        "/disconnect ends the link, "
        "/new makes a new code, /quit ends Proxim.",
        "The other device calls itself Ana's PC.",
        HOST_SENTENCES[Reason.PEER_LEFT],
    ]


def test_the_guests_steps() -> None:
    face = Face(replace(JOIN, target=parse_target(NEAR)))
    dialing = st.LinkStatus(LINK, "@code", st.Stage.DIALING, peer_address="192.168.1.7:47800")
    face.start()
    shown = face.show(
        dialing,
        replace(dialing, stage=st.Stage.ASKING, deadline=1040.0),
        st.PairOutcome("@code", approved=True),
        replace(dialing, stage=st.Stage.APPROVED),
        replace(dialing, stage=st.Stage.CONNECTING),
        replace(dialing, stage=st.Stage.CONNECTED, was_connected=True),
        replace(dialing, stage=st.Stage.CLOSED, was_connected=True, reason=Reason.PEER_VANISHED),
    )
    assert shown.splitlines() == [
        "Looking for the host at 192.168.1.7:47800 ...",
        "Found it. Waiting for the other person (up to 40 seconds) ...",
        "Approved.",
        "Opening the direct link ...",
        "Connected with the other device (not verified). Type a line to send it, /send PATH for "
        "files; /quit ends "
        "the link and Proxim.",
        SENTENCES[Reason.PEER_VANISHED],
    ]
    assert face.posted == [ev.Join(parse_target(NEAR)), ev.Shutdown()]
    assert face.face.model.exit_status == 1


def test_a_rejection_is_said_once() -> None:
    face = Face(replace(JOIN, target=parse_target(NEAR)))
    face.start()
    closed = st.LinkStatus(LINK, "@code", st.Stage.CLOSED, as_guest=True, reason=Reason.BUSY)
    shown = face.show(st.PairOutcome("@code", approved=False, reason=Reason.BUSY), closed)
    assert shown == SENTENCES[Reason.BUSY] + "\n"


# --- text -----------------------------------------------------------------------------------------


TYPED = [
    ("hello", "hello"),
    ("  indented ", "  indented "),
    ("//etc/hosts", "/etc/hosts"),
    ("a // b", "a // b"),
    ("y", "y"),
    ("broken \udce9", "broken \ufffd"),
]


@each_row("line, text", TYPED)
def test_a_typed_line_is_sent(line: str, text: str) -> None:
    face = Face(HOST)
    face.show(CONNECTED)
    assert face.read(line + "\n") == ""
    assert face.posted == [ev.SendText(LINK, text)]


def test_an_empty_line_is_not_sent() -> None:
    face = Face(HOST)
    face.show(CONNECTED)
    assert face.read("", "  ") == ""
    assert face.posted == []


def test_text_without_a_link() -> None:
    assert Face(HOST).read("hello") == SENTENCES[Reason.NOT_CONNECTED] + "\n"


def test_text_that_arrives_cannot_pass_for_a_line_of_ours() -> None:
    face = Face(HOST)
    face.show(CONNECTED)
    assert face.show(st.TextReceived(LINK, "one\nBen: two\r\n")) == "Ana: one\n    Ben: two\n    \n"


@given(
    strategies.text(alphabet=strategies.characters(exclude_categories=())),
    strategies.text(max_size=20),
)
def test_nothing_that_arrives_can_drive_the_terminal(text: str, name: str) -> None:
    face = Face(HOST, Terminal(), {"NO_COLOR": "1"})
    device = DeviceInfo(name, text)
    shown = face.show(
        replace(CONNECTED, peer_name=name),
        st.TextReceived(LINK, text),
        asking(replace(PROMPT, device=device, peer_address=text)),
        st.Trouble(Problem(Reason.UNSUPPORTED, text), LINK),
        replace(CONNECTED, peer_name=text + name),
        replace(CONNECTED, stage=st.Stage.CLOSED, peer_name=text),
    )
    controls = {char for char in shown if unicodedata.category(char) in {"Cc", "Cs"}}
    assert controls <= {"\n", "\t"}
    assert "\u202e" not in shown


ESCAPES = [
    "\x1b[2J",
    "\x1b]0;title\x07",
    "\x9b31m",
    "\x1b[31mred",
    "a\rb",
    "\x08\x08",
    "\x1bP1;1|\x1b\\",
    "\u202egnp",
]


@each_row("escape", ESCAPES)
@each_row("colours", [True, False])
def test_escape_sequences_lose_what_makes_them_work(escape: str, colours: bool) -> None:
    face = Face(HOST, Terminal(), {} if colours else {"NO_COLOR": "1"})
    face.show(CONNECTED)
    shown = face.show(st.TextReceived(LINK, escape))
    assert not {"\x1b", "\x07", "\x08", "\x9b", "\r", "\u202e"} & set(shown)


# --- commands and the end -------------------------------------------------------------------------


def test_disconnect_ends_the_link_and_not_the_host() -> None:
    face = Face(HOST)
    assert face.read("/disconnect") == SENTENCES[Reason.NOT_CONNECTED] + "\n"
    face.show(CONNECTED)
    face.read("/Disconnect")
    assert face.posted == [ev.Disconnect(LINK)]


@each_row("options, line", [(HOST, "/quit"), (JOIN, "/quit"), (JOIN, "/disconnect")])
def test_quit(options: FaceOptions, line: str) -> None:
    face = Face(options)
    face.show(CONNECTED)
    face.read(line, "late")
    assert face.posted == [ev.Disconnect(LINK), ev.Shutdown()]
    closed = replace(CONNECTED, stage=st.Stage.CLOSED, reason=Reason.DISCONNECTED)
    assert face.show(closed, INVITATION, asking(PROMPT)).startswith("You disconnected")
    assert not face.face.model.finished
    face.show(st.Stopped())
    assert face.face.model.finished
    assert face.face.model.exit_status == 0


@each_row("line", ["/help", "/new", "/etc/no such file", "/"])
def test_an_unknown_command_is_not_sent_as_text(line: str) -> None:
    face = Face(JOIN)
    face.show(CONNECTED)
    assert face.read(line).startswith("/quit ends the link and Proxim; /send PATH sends")
    assert face.posted == []


def test_quit_works_during_a_question() -> None:
    face = Face(HOST)
    face.show(asking(PROMPT))
    face.read("/quit")
    assert face.posted == [ev.Shutdown()]


# --- joining --------------------------------------------------------------------------------------


def test_a_code_is_asked_for_and_a_typo_told_at_once() -> None:
    face = Face(JOIN)
    assert face.start() == "Type the code that the host shows, or its link.\nCode: "
    assert face.read("") == "Code: "
    assert face.read(TYPO) == SENTENCES[Reason.CODE_TYPO] + "\nCode: "
    assert face.read(NEAR[:4]) == SENTENCES[Reason.CODE_INCOMPLETE] + "\nCode: "
    assert face.read(f" {NEAR.lower()}\r\n") == ""
    assert face.posted == [ev.Join(parse_target(NEAR))]


def test_a_link_will_do() -> None:
    face = Face(JOIN)
    face.start()
    face.read(URL)
    assert face.posted == [ev.Join(parse_target(URL))]


def test_input_that_ends_before_a_code() -> None:
    face = Face(JOIN)
    face.start()
    face.face.end_of_input()
    assert face.written() == "\n" + SENTENCES[Reason.CODE_MISSING] + "\n"
    assert (face.posted, face.face.model.exit_status) == ([ev.Shutdown()], 2)


def test_a_link_that_a_mail_program_has_wrapped_may_come_in_several_lines() -> None:
    face = Face(JOIN)
    face.start()
    incomplete = SENTENCES[Reason.LINK_INCOMPLETE]
    assert " ".join(face.read(URL[:50]).split()) == f"{incomplete} Code:"
    assert " ".join(face.read(f"> {URL[50:90]}").split()) == f"{incomplete} Code:"
    assert face.read(f"> {URL[90:]}") == ""
    assert face.posted == [ev.Join(parse_target(URL))]


def test_half_a_link_is_forgotten_for_a_code() -> None:
    face = Face(JOIN)
    face.start()
    face.read(URL[:50])
    assert face.read(TYPO) == SENTENCES[Reason.CODE_TYPO] + "\nCode: "
    face.read(NEAR)
    assert face.posted == [ev.Join(parse_target(NEAR))]


@each_row("typed, posted", [("y", [ev.Join(parse_target(UNPROVED))]), ("n", [ev.Shutdown()])])
def test_a_link_that_proves_nothing_is_asked_about(typed: str, posted: list[ev.Intent]) -> None:
    face = Face(JOIN)
    face.start()
    shown = " ".join(face.read(UNPROVED).split())
    assert shown == tr("join.noSecret") + " " + tr("terminal.goOn").strip()
    assert face.posted == []
    face.read(typed)
    assert face.posted == posted


def test_everything_that_has_to_be_agreed_to_is_asked_at_once() -> None:
    face = Face(replace(JOIN, target=parse_target(UNPROVED.replace("192.168.1.7", "203.0.113.9"))))
    shown = face.start()
    assert "outside the local network" in shown
    assert "no secret" in shown
    assert shown.count("Go on?") == 1


CONSENT = [("y", [ev.Join(parse_target(FAR))]), ("n", [ev.Shutdown()]), ("", [ev.Shutdown()])]


@each_row("typed, posted", CONSENT)
def test_a_far_address_is_shown_first(typed: str, posted: list[ev.Intent]) -> None:
    face = Face(replace(JOIN, target=parse_target(FAR)))
    shown = face.start()
    assert "203.0.113.9:47800" in shown
    assert shown.endswith("\nGo on? [y/N] ")
    assert face.read("what") == "Please answer y (yes) or n (no).\nGo on? [y/N] "
    assert face.posted == []
    face.read(typed)
    assert face.posted == posted


def test_input_that_ends_before_consent() -> None:
    face = Face(replace(JOIN, target=parse_target(FAR)))
    face.start()
    face.face.end_of_input()
    assert SENTENCES[Reason.FAR_ADDRESS] in face.written()
    assert (face.posted, face.face.model.exit_status) == ([ev.Shutdown()], 2)


# --- what the terminal can show -------------------------------------------------------------------


def test_sentences_break_between_words() -> None:
    shown = Face(HOST, Terminal(), {"NO_COLOR": "1"}, columns=40).show(
        st.Trouble(Problem(Reason.ICE_FAILED))
    )
    assert " ".join(shown.split("\n")[:-1]) == SENTENCES[Reason.ICE_FAILED]
    assert max(map(len, shown.split("\n"))) <= 40
    assert shown.count("\n") > 3


def test_a_long_field_is_indented_and_a_link_stays_whole() -> None:
    networks = tuple(ev.Network(f"10.0.0.{n}", 8, "Cable", virtual=False) for n in range(1, 6))
    face = Face(HOST, Terminal(), {"NO_COLOR": "1"}, columns=50)
    shown = face.show(st.Networks(networks, "10.0.0.1"), replace(INVITATION, url=URL + "x" * 60))
    assert (
        "\n  Network  10.0.0.1 (Cable); others for --address:\n           10.0.0.2 (Cable), "
        in shown
    )
    assert f"\n  Link     {URL}{'x' * 60}\n" in shown


def test_a_terminal_of_unknown_width() -> None:
    assert NEAR in Face(HOST, Terminal(), columns=0).show(INVITATION)


def test_a_narrow_terminal_has_no_qr_and_says_so() -> None:
    shown = Face(HOST, columns=30).show(INVITATION)
    assert "█" not in shown
    assert "QR code does not fit here" in shown
    assert NEAR in shown
    assert "scan the QR, or" not in shown


def test_a_stdout_without_block_characters() -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii", newline="")
    posted: list[ev.Intent] = []
    face = TerminalFace(
        HOST,
        posted.append,
        out,
        lambda: 1000.0,
        lambda: LOCAL_NOON,
        environ={},
        columns=lambda: 200,
    )
    face.show(INVITATION)
    face.show(replace(CONNECTED, peer_name="Zoë"))
    face.show(st.TextReceived(LINK, "漢"))
    shown = raw.getvalue().decode("ascii")
    assert "#### " in shown
    assert "Zo?: ?\n" in shown
    assert posted == []


# --- files ----------------------------------------------------------------------------------------


COMING = file_st.TransferStatus(
    TransferID("t1"),
    Direction.IN,
    file_st.TransferState.ANNOUNCED,
    (Entry("film.mkv", 8_400_000),),
    8_400_000,
    link=LINK,
    peer_name="Ana",
    needs_answer=True,
)
RECEIVING = replace(COMING, state=file_st.TransferState.ACTIVE, needs_answer=False)
TAKE = "Take it? [y/n/a] "


def test_a_question_for_a_file_and_its_answer() -> None:
    face = Face(HOST)
    face.show(CONNECTED)
    assert face.show(COMING) == (
        "\nAna wants to send film.mkv (8.4 MB).\n"
        f"y takes it, n declines, a takes all that this device sends while it is linked.\n{TAKE}"
    )
    face.now += st.ANSWER_DELAY_SECONDS
    assert face.read("y") == ""
    assert face.posted == [file_ev.AcceptTransfer(COMING.transfer)]
    assert face.show(RECEIVING) == "Receiving film.mkv (8.4 MB) from Ana.\n"


def test_a_request_goes_before_a_file_and_neither_takes_the_others_answer() -> None:
    face = Face(HOST)
    face.show(CONNECTED, COMING)
    face.now += 10
    assert face.show(asking(VERIFIED)).endswith("Allow? [y/N] (30 s) ")
    # The answer was meant for the file.
    assert face.read("y").startswith("That came too soon")
    face.now += st.ANSWER_DELAY_SECONDS
    assert face.read("y").endswith(TAKE)
    assert face.posted == [ev.Decide("s1", True, VERIFIED.number)]
    # The answer was typed twice.
    assert face.read("y").startswith("That came too soon")
    assert face.posted == [ev.Decide("s1", True, VERIFIED.number)]
    face.now += st.ANSWER_DELAY_SECONDS
    face.read("n")
    assert face.posted[1:] == [file_ev.CancelTransfer(COMING.transfer)]


def test_an_answer_to_a_file_that_was_withdrawn_counts_for_no_other() -> None:
    face = Face(HOST)
    other = replace(COMING, transfer=TransferID("t2"), entries=(Entry("virus.exe", 1),), size=1)
    face.show(CONNECTED, COMING, other)
    face.now += 10
    shown = face.show(
        replace(
            COMING,
            state=file_st.TransferState.CANCELLED,
            reason=Reason.CANCELLED,
            needs_answer=False,
        )
    )
    assert "virus.exe (1 byte)" in shown
    assert shown.endswith(TAKE)
    assert face.read("y").startswith("That came too soon")
    assert face.posted == []


def test_text_during_a_file_question_is_neither_sent_nor_an_answer() -> None:
    face = Face(HOST)
    face.show(CONNECTED, COMING)
    face.now += 10
    assert face.read("yes please").startswith("Please answer: y takes it")
    assert face.posted == []


def test_with_a_folder_to_save_to_nothing_is_asked() -> None:
    face = Face(HOST)
    assert face.show(replace(COMING, needs_answer=False)) == ""
    assert face.show(RECEIVING) == "Receiving film.mkv (8.4 MB) from Ana.\n"
    assert face.posted == []


def test_always_is_an_answer_to_what_was_asked_alone() -> None:
    face = Face(HOST)
    face.show(CONNECTED, COMING)
    face.now += st.ANSWER_DELAY_SECONDS
    face.read("a")
    assert face.posted == [file_ev.AcceptTransfer(COMING.transfer, always=True)]
    # Core decides for each transfer whether it needs an answer.
    second, third = (replace(COMING, transfer=TransferID(name)) for name in ("t2", "t3"))
    assert face.show(replace(second, needs_answer=False)) == ""
    assert face.show(third).endswith(TAKE)


def test_without_input_files_are_declined_at_once() -> None:
    no = file_ev.CancelTransfer(COMING.transfer, Reason.UNATTENDED)
    declined = replace(
        COMING,
        state=file_st.TransferState.CANCELLED,
        needs_answer=False,
        reason=Reason.UNATTENDED,
    )
    for early in (True, False):
        face = Face(HOST)
        face.show(CONNECTED)
        if early:
            face.face.end_of_input()
        shown = face.show(COMING)
        if not early:
            face.face.end_of_input()
            shown = face.written()
        assert "Ana wants to send film.mkv (8.4 MB).\n" in shown
        assert ("[y/n" in shown) is False
        assert face.posted == [no]
        assert face.show(declined) == (
            "film.mkv: nobody can accept here, so it was declined; --save-to DIR takes files "
            "without asking.\n"
        )


def test_what_was_typed_before_the_end_of_input_is_not_sent_after_it(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("x")
    face = Face(HOST)
    face.show(CONNECTED)
    face.read(str(path))
    face.face.end_of_input()
    face.written()
    face.face.catch_up()
    assert face.written() == ""


def test_files_are_sent_from_the_terminal() -> None:
    face = Face(HOST)
    assert face.read("/send a") == SENTENCES[Reason.NOT_CONNECTED] + "\n"
    face.show(CONNECTED)
    face.now += GREETING_SECONDS
    assert face.read("/send a") == SENTENCES[Reason.FILES_UNSUPPORTED] + "\n"
    face.show(replace(CONNECTED, features=("text", "files")))
    assert face.read("/SEND '/my photos' /b") == ""
    assert face.posted == [file_ev.SendPaths(LINK, ("/my photos", "/b"))]


def test_a_path_that_is_left_out_is_named() -> None:
    shown = Face(HOST).show(st.Trouble(Problem(Reason.FILE_GONE, "/a/b\x1b.txt"), LINK))
    assert shown == f"/a/b.txt: {SENTENCES[Reason.FILE_GONE]}\n"


def test_a_summary_at_the_end() -> None:
    face = Face(HOST)
    done = replace(RECEIVING, state=file_st.TransferState.DONE, path="/d/film.mkv")
    face.show(done, replace(done, transfer=TransferID("t2"), state=file_st.TransferState.FAILED))
    assert (
        face.show(st.Stopped())
        == "Altogether: 1 file (8.4 MB) received and verified; 1 transfer not complete.\n"
    )


def test_a_link_that_is_lost_and_taken_up_again() -> None:
    face = Face(HOST)
    face.show(CONNECTED)
    again = replace(CONNECTED, link=ev.LinkID("host-2"), resumes=LINK)
    shown = face.show(
        replace(CONNECTED, stage=st.Stage.WAITING, deadline=1120.0),
        replace(again, stage=st.Stage.APPROVED),
        again,
    )
    assert shown.splitlines() == [
        "The link was lost; it goes on if Ana is back within 2 minutes ...",
        "Connected with Ana again.",
    ]


def test_a_link_without_webrtc_says_why() -> None:
    shown = Face(HOST).show(replace(CONNECTED, via=st.Via.LANE))
    assert shown.startswith(
        "Connected with Ana (not verified), without WebRTC: UDP seems blocked. Type a line"
    )


@given(
    strategies.text(alphabet=strategies.characters(exclude_categories=())),
    strategies.text(max_size=20),
    strategies.integers(20, 120),
)
def test_no_file_name_can_drive_the_terminal(name: str, peer: str, columns: int) -> None:
    face = Face(HOST, Terminal(), {"NO_COLOR": "1"}, columns)
    entries = (Entry(name, 5), Entry(f"{name}/{name}", directory=True))
    coming = replace(COMING, entries=entries, peer_name=peer, path=name)
    failed = (FailedFile(0, Reason.FILE_GONE), FailedFile(9, Reason.FILE_GONE))
    shown = face.show(
        CONNECTED,
        coming,
        replace(coming, state=file_st.TransferState.ACTIVE, speed=2.0),
        replace(coming, state=file_st.TransferState.WAITING),
        replace(coming, state=file_st.TransferState.DONE, failed=failed),
        replace(coming, transfer=TransferID("t2"), state=file_st.TransferState.DONE),
    )
    shown += face.read("/files")
    controls = {char for char in shown if unicodedata.category(char) in {"Cc", "Cs"}}
    assert controls <= {"\n", "\r"}
    assert not {"\u202e", "\u2066"} & set(shown)


# --- in another language --------------------------------------------------------------------------


@each_row(
    "typed, approved", [("j", True), ("JA", True), ("y", True), ("nein", False), ("n", False)]
)
def test_answers_in_german(typed: str, approved: bool) -> None:
    speak("de")
    face = Face(HOST)
    assert face.ask(asking(VERIFIED)).endswith("Zulassen? [j/N] (40 s) ")
    face.read(typed)
    assert face.posted == [ev.Decide("s1", approved, 11)]


@each_row("typed, approved", [("ja", True), ("yes", True), ("n", False)])
def test_the_whole_word_in_german(typed: str, approved: bool) -> None:
    speak("de")
    face = Face(HOST)
    assert face.ask(asking(PROMPT)).endswith("Zulassen? [ja/N] (40 s) ")
    assert face.read("j").startswith("Nicht verifiziert: Um es trotzdem zuzulassen")
    assert face.posted == []
    face.read(typed)
    assert face.posted == [ev.Decide("s1", approved, 11)]


def test_german_answers_mean_nothing_in_english() -> None:
    face = Face(HOST)
    face.ask(asking(VERIFIED))
    assert face.read("ja").startswith("Please answer y")
    assert face.posted == []


def test_a_feature_that_the_face_does_not_know_is_left_out() -> None:
    face, known = Face(HOST), Face(HOST)
    connected = replace(CONNECTED, features=("text", "files"))
    more = replace(CONNECTED, features=("text", "files", "whiteboard"))
    assert face.show(more) == known.show(connected)
    assert face.show(Drawn(LINK, 5)) == ""


def test_a_line_that_the_terminal_cut_is_refused() -> None:
    face = Face(HOST)
    face.show(CONNECTED)
    face.face.line_was_cut()
    assert SENTENCES[Reason.LINE_CUT] in face.show()
    assert face.posted == []


# --- files typed alone ----------------------------------------------------------------------------

LINKED = replace(CONNECTED, features=("text", "files"))


def linked_face() -> Face:
    face = Face(HOST)
    face.show(LINKED)
    return face


def test_a_file_that_is_typed_alone_is_offered_and_sent(tmp_path: Path) -> None:
    file = tmp_path / "my photo.jpg"
    file.write_bytes(b"x")
    escaped = str(file).replace(" ", "\\ ")
    for typed in (str(file), f"'{file}'", escaped, file.as_uri()):
        face = linked_face()
        assert face.read(typed).endswith("Send my photo.jpg as a file? [y/N] ")
        assert face.posted == []
        face.read("what?")
        assert face.posted == []
        face.read("y")
        assert face.posted == [file_ev.SendPaths(LINK, (str(file),))]


def test_a_folder_is_offered_as_one(tmp_path: Path) -> None:
    folder = tmp_path / "pics"
    folder.mkdir()
    assert linked_face().read(str(folder)).endswith("Send the folder pics? [y/N] ")


def test_several_files_and_a_path_from_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "b").mkdir()
    face = linked_face()
    assert "Send a and 1 more, as files and folders?" in face.read("~/a ~/b")
    face.read("y")
    assert face.posted == [file_ev.SendPaths(LINK, (str(tmp_path / "a"), str(tmp_path / "b")))]


def test_what_is_not_sent_as_a_file_says_how_to_send_it_as_text(tmp_path: Path) -> None:
    face = linked_face()
    face.read(str(tmp_path))
    assert "// at its start sends the line as text" in face.read("n")
    assert face.posted == []
    face.read(f"/{tmp_path}")
    assert face.posted == [ev.SendText(LINK, str(tmp_path))]


@each_row(
    "text",
    [
        "~ about 5",
        "https://example.org/a",
        "file:///there/is/no/such",
        "see ~/ for it",
        "a://b",
        "it's",
    ],
)
def test_a_text_that_is_no_file_is_sent_as_text(text: str) -> None:
    face = linked_face()
    face.read(text)
    assert face.posted == [ev.SendText(LINK, text)]


def test_an_unknown_command_is_no_path() -> None:
    face = linked_face()
    assert "/send PATH" in face.read("/there/is/no/such/file")
    assert face.posted == []


@each_row("address", ["smb://nas/photos/a.jpg", "SFTP://host/x", "mtp://phone/DCIM"])
def test_an_address_that_is_not_mounted_is_refused_by_name(address: str) -> None:
    face = linked_face()
    scheme = address.partition("//")[0].lower()
    assert f"{scheme}// addresses are no files of this computer" in face.read(address)
    assert face.posted == []


def test_without_a_link_a_path_is_what_it_was_before(tmp_path: Path) -> None:
    face = Face(HOST)
    assert SENTENCES[Reason.NOT_CONNECTED] in face.read(f"~{tmp_path}")


def test_a_request_comes_before_the_question_about_files(tmp_path: Path) -> None:
    face = linked_face()
    face.read(str(tmp_path))
    face.ask(PROMPT, st.Prompts((PROMPT,)))
    face.read("n")
    face.read("y")
    decided, sent = face.posted
    assert isinstance(decided, ev.Decide)
    assert sent == file_ev.SendPaths(LINK, (str(tmp_path),))
