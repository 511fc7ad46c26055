"""Known devices in the terminal: what a person reads and types about them."""

from dataclasses import replace

from proxim.app.language import speak
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import SENTENCES, Problem, Reason, sentence_for
from proxim.core.i18n import tr
from proxim.core.known import events as known_ev
from proxim.core.known.status import KnownEntry, KnownList, Presence, Remembering, RememberStage
from proxim.core.pairing.devices import DeviceInfo, KnownID, Verified
from proxim.ui.text.model import GREETING_SECONDS, FaceOptions, Role
from tests.rows import each_row
from tests.ui.asking import asking
from tests.ui.text.faces import LINK, TerminalBench, linked

OTHER = ev.LinkID("host-2")
LAPTOP = KnownEntry(KnownID("k1"), "Laptop", Verified.CODE, 0.0, 0.0, Presence.AWAY, False, None)
TWIN = replace(LAPTOP, id=KnownID("k3"))
KNOWN = KnownList((LAPTOP,), discovery=True)
CONNECTED = linked("text", "known")
BEN = replace(CONNECTED, link=OTHER, peer_name="Ben")
PREPARING = Remembering(LINK, RememberStage.PREPARING, "Ana", ours=False)
COMPARE = replace(PREPARING, stage=RememberStage.COMPARE, digits="012345", deadline=1060.0)
KEPT = replace(PREPARING, stage=RememberStage.KEPT, device=KnownID("k4"))
FAILED = replace(PREPARING, stage=RememberStage.FAILED)
PROMPT = st.Prompt("s2", DeviceInfo("Cem", "id-3"), "192.168.1.9", Verified.CODE, 1040.0, number=1)
QUESTION = "Are they the same? [yes/no] (60 s) "
HOST = FaceOptions(Role.HOST)
JOIN = FaceOptions(Role.JOIN)


class Face(TerminalBench):
    """A face that has begun and has shown these statuses."""

    def __init__(self, *statuses: st.Status, options: FaceOptions = HOST) -> None:
        super().__init__(options)
        self.start()
        self.begun = self.show(*statuses)


# --- how a link ends ------------------------------------------------------------------------------


@each_row("role", [Role.HOST, Role.JOIN])
def test_who_was_made_known_comes_back_without_a_code(role: Role) -> None:
    as_guest = role is Role.JOIN
    by_code = replace(CONNECTED, as_guest=as_guest)
    ana = replace(LAPTOP, id=KnownID("k4"), name="Ana")
    known, unknown = (
        sentence_for(Reason.EXPIRED, host=not as_guest, known=known) for known in (True, False)
    )
    assert known != unknown
    by_known = replace(by_code, known=KnownID("k4"))
    # The link was lost meanwhile, and goes on by another one.
    again = replace(by_code, link=OTHER, resumes=LINK)
    mine, nobodys = KnownList((LAPTOP, ana), discovery=True), KnownList((LAPTOP,), discovery=True)
    for before, last, wanted in (
        ((by_code,), by_code, unknown),
        ((by_code, mine), by_code, unknown),
        ((by_code, mine, KEPT), by_code, known),
        ((by_code, KEPT, mine), by_code, known),
        ((by_code, KEPT), by_code, known),
        ((by_code, KEPT, mine, again), again, known),
        # It was forgotten while it was linked.
        ((by_code, KEPT, mine, nobodys), by_code, unknown),
        ((mine, by_known), by_known, known),
        ((mine, by_known, nobodys), by_known, unknown),
    ):
        face = Face(*before, options=FaceOptions(role))
        told = face.show(replace(last, stage=st.Stage.CLOSED, reason=Reason.EXPIRED))
        assert told.strip().splitlines()[0] == wanted, before


# --- remember -------------------------------------------------------------------------------------


def test_who_may_be_remembered_is_told_how() -> None:
    offer = "Type /remember to make the two devices known to each other, so that"
    assert Face(CONNECTED).begun.count(offer) == 1
    late = Face(replace(CONNECTED, features=()))
    assert offer not in late.begun
    assert late.show(CONNECTED, CONNECTED).count(offer) == 1
    assert offer not in Face(replace(CONNECTED, known=KnownID("k1"))).begun
    assert offer not in Face(CONNECTED, options=replace(HOST, once=True)).begun
    assert "/remember" in late.read("/help")


def test_the_digits_are_shown_and_the_whole_word_says_that_they_are_the_same() -> None:
    face = Face(CONNECTED)
    face.read("/remember")
    assert face.posted == [known_ev.RememberDevice(LINK)]
    ours = replace(PREPARING, ours=True)
    assert face.show(ours) == "Asking Ana whether the two devices should know each other ...\n"
    shown = face.ask(replace(COMPARE, ours=True))
    assert "You would like to be known to Ana. Both screens show six digits now" in shown
    assert "  Digits   012 345\n" in shown
    assert shown.endswith(QUESTION)
    # The letter comes from habit, and an empty line from nowhere.
    for typed in ("y", "", "same", "012345"):
        told = face.read(typed)
        assert told.startswith("Please answer: the whole word yes if all six are the same"), typed
        assert told.endswith("[yes/no] (60 s) "), typed
    assert face.read("YES") == ""
    assert face.posted[1:] == [known_ev.AnswerRemember(LINK, True, "012345")]
    waiting = face.show(replace(COMPARE, stage=RememberStage.WAITING))
    assert waiting == "Waiting for the other person to compare the digits at Ana ...\n"
    assert "This device and Ana know each other now" in face.show(KEPT)
    # The next line is a text again.
    face.read("yes")
    assert face.posted[2:] == [ev.SendText(LINK, "yes")]


@each_row("word", ["n", "no"])
def test_a_no_ends_it(word: str) -> None:
    face = Face(CONNECTED)
    assert face.ask(PREPARING, COMPARE).startswith("\nAna would like the two devices to know")
    face.read(word)
    assert face.posted == [known_ev.AnswerRemember(LINK, False, "012345")]
    told = face.show(replace(FAILED, reason=Reason.DIGITS_DIFFER))
    assert told == SENTENCES[Reason.DIGITS_DIFFER] + "\n"


@each_row("word", ["yes", "no"])
def test_an_answer_that_came_too_soon_counts_for_nothing(word: str) -> None:
    face = Face(CONNECTED, COMPARE)
    assert face.read(word).startswith("That came too soon to be an answer")
    assert face.posted == []
    face.now += st.ANSWER_DELAY_SECONDS
    face.read(word)
    assert face.posted == [known_ev.AnswerRemember(LINK, word == "yes", "012345")]


def test_what_fails_is_told_with_its_reason() -> None:
    face = Face(CONNECTED)
    assert face.show(FAILED) == "Nothing was remembered.\n"
    left = face.show(COMPARE, replace(FAILED, reason=Reason.TIMEOUT))
    assert left.endswith(
        "\nThe digits were not confirmed on both screens in time, so nothing was remembered; "
        "try again when both of you are there.\n"
    )
    face.read("yes")
    assert face.posted == [ev.SendText(LINK, "yes")]


def test_a_link_that_ends_takes_its_question_along() -> None:
    face = Face(CONNECTED, BEN)
    face.ask(COMPARE)
    face.show(replace(CONNECTED, stage=st.Stage.CLOSED, reason=Reason.PEER_LEFT))
    face.read("yes")
    assert face.posted == [ev.SendText(OTHER, "yes")]


def test_whose_place_it_would_take_is_said_before_the_digits() -> None:
    shown = Face(CONNECTED).ask(replace(COMPARE, known_as="Anna PC"))
    said = shown.index("It says that it is Anna PC, which this device knows already")
    assert said < shown.index("  Digits ")


def test_a_request_comes_first_and_the_digits_are_asked_about_again() -> None:
    face = Face(CONNECTED)
    face.ask(COMPARE)
    assert "Cem asks to join." in face.ask(asking(PROMPT))
    assert "Both screens show six digits" in face.read("n")
    assert face.posted == [ev.Decide("s2", False, 1)]
    # What was typed for the other question is no answer to this one.
    assert "too soon" in face.read("yes")
    face.now += st.ANSWER_DELAY_SECONDS
    face.read("yes")
    assert face.posted[1:] == [known_ev.AnswerRemember(LINK, True, "012345")]


def test_nobody_answers_after_the_end_of_input() -> None:
    face = Face(CONNECTED)
    face.face.end_of_input()
    face.written()
    no = known_ev.AnswerRemember(LINK, False, "012345", unattended=True)
    assert face.show(COMPARE) == ""
    assert face.posted == [no]
    over = replace(FAILED, reason=Reason.UNATTENDED)
    told = face.show(over)
    assert told == f"Nothing was remembered.\n{tr('devices.nobodyCompares', name='Ana')}\n"
    open_question = Face(CONNECTED, COMPARE)
    open_question.face.end_of_input()
    assert open_question.posted == [no]
    # Where the other side's program says so, that is what is told.
    asked = Face(CONNECTED)
    told = asked.show(replace(over, ours=True))
    assert told == f"Nothing was remembered.\n{SENTENCES[Reason.UNATTENDED]}\n"


def test_known_devices_are_listed_again_whenever_that_is_asked() -> None:
    face = Face(KNOWN, options=FaceOptions(Role.HOST, known_only=True))
    assert face.read("/devices").startswith("Laptop (id k1)\n  Now      not seen here")
    assert "/devices lists those" in face.read("/help")
    face.show(KnownList((), discovery=True))
    assert face.read("/devices").startswith("This device knows no others yet.")
    assert Face(options=JOIN).read("/devices").startswith("This device knows no others yet.")
    unreadable = Face(st.Trouble(Problem(Reason.KNOWN_UNREADABLE, "x")))
    assert unreadable.read("/devices") == SENTENCES[Reason.KNOWN_UNREADABLE] + "\n"


def test_who_cannot_read_the_file_says_nothing_that_follows_from_that() -> None:
    problem = Problem(Reason.KNOWN_UNREADABLE, "/etc/known.json (Is a directory)")
    nobody = KnownList((), discovery=True)
    host = Face(st.Trouble(problem), options=FaceOptions(Role.HOST, known_only=True))
    told = host.show(nobody, st.Networks((), "192.168.1.7"))
    assert host.begun == f"{problem.sentence}\n"
    assert "knows no others" not in told
    guest = Face(st.Trouble(problem), nobody, options=FaceOptions(Role.JOIN, device="Laptop"))
    assert guest.begun == f"{problem.sentence}\n"
    assert guest.posted == [ev.Shutdown()]
    assert guest.face.model.exit_status == 1


def test_which_of_several_links() -> None:
    face = Face(CONNECTED, BEN)
    told = face.read("/remember")
    assert told == "  1  Ana\n  2  Ben\nWhich one? /remember N, with its number in the list.\n"
    assert face.read("/remember 3") == told
    face.read("/remember 2")
    assert face.posted == [known_ev.RememberDevice(OTHER)]
    assert Face().read("/remember") == SENTENCES[Reason.NOT_CONNECTED] + "\n"


def test_a_device_that_cannot_be_remembered() -> None:
    face = Face(replace(CONNECTED, features=("text",)))
    assert face.read("/remember") == ""
    face.now += GREETING_SECONDS
    face.face.catch_up()
    assert face.written() == SENTENCES[Reason.REMEMBER_UNSUPPORTED] + "\n"
    assert face.read("/remember") == SENTENCES[Reason.REMEMBER_UNSUPPORTED] + "\n"
    assert face.posted == []


def test_in_german() -> None:
    speak("de")
    face = Face(CONNECTED)
    shown = face.ask(COMPARE)
    assert "  Ziffern  012 345\n" in shown
    assert shown.endswith("Sind sie gleich? [ja/nein] (60 s) ")
    face.read("j", "ja")
    assert face.posted == [known_ev.AnswerRemember(LINK, True, "012345")]


# --- known devices that come back -----------------------------------------------------------------


def test_a_known_device_is_asked_about_as_such() -> None:
    known = replace(
        PROMPT, device=DeviceInfo("Laptop", "i"), verified=Verified.KNOWN, known=LAPTOP.id
    )
    face = Face(KNOWN)
    shown = face.ask(asking(known))
    assert "\nKnown device: Laptop asks to join.\n" in shown
    assert "  Proof    Known device: it proved the key that only your two devices have\n" in shown
    assert shown.endswith("Allow? [y/N] (40 s) ")
    face.read("y")
    assert face.posted == [ev.Decide("s2", True, 1)]


def test_a_link_that_was_let_in_unasked_is_announced_once() -> None:
    known = replace(CONNECTED, peer_name="Laptop", verified=Verified.KNOWN, known=LAPTOP.id)
    unasked = replace(known, let_in=True)
    told = Face(replace(unasked, stage=st.Stage.APPROVED), unasked, unasked).begun
    assert told.count("Known device Laptop was let in without a question, as you have chosen") == 1
    assert "Connected with Laptop (known device)." in told
    assert "let in" not in Face(known).begun
    gone = replace(unasked, stage=st.Stage.CLOSED, was_connected=True, reason=Reason.PEER_LEFT)
    left = Face(unasked, gone).begun
    assert "Known device Laptop was here without a question, as was chosen for it" in left
    # Nobody was here if no link opened.
    failed = replace(gone, was_connected=False)
    assert "here without a question" not in Face(failed).begun
    assert "here without a question" not in Face(known, replace(gone, let_in=False)).begun
    again = replace(unasked, link=OTHER, resumes=LINK)
    assert "let in" not in Face(again).begun


def test_a_guest_joins_a_known_device() -> None:
    face = Face(options=replace(JOIN, device="laptop"))
    assert face.begun == ""
    face.face.end_of_input()
    assert face.show(KNOWN) == ""
    assert face.posted == [known_ev.JoinKnown(LAPTOP.id)]
    link = st.LinkStatus(
        ev.LinkID("guest-1"),
        "s1",
        st.Stage.DIALING,
        peer_name="Laptop",
        as_guest=True,
        known=LAPTOP.id,
    )
    assert face.show(link) == "Looking for Laptop ...\n"
    told = face.show(replace(link, stage=st.Stage.CLOSED, reason=Reason.DEVICE_NOT_FOUND))
    assert told == SENTENCES[Reason.DEVICE_NOT_FOUND] + "\n"
    assert face.face.model.exit_status == 1


@each_row("devices, reason", [((), Reason.DEVICE_UNKNOWN), ((LAPTOP, TWIN), Reason.DEVICE_SEVERAL)])
def test_a_device_that_is_none_or_several_ends_the_program(
    devices: tuple[KnownEntry, ...], reason: Reason
) -> None:
    face = Face(options=replace(JOIN, device="Laptop"))
    told = face.show(KnownList(devices, discovery=True))
    assert told.startswith(SENTENCES[reason].removesuffix("."))
    assert ("Laptop (k1), Laptop (k3)." in told) is (len(devices) > 1)
    assert face.posted == [ev.Shutdown()]
    assert face.face.model.exit_status == 2


def test_a_host_for_known_devices_says_whom_it_waits_for() -> None:
    options = replace(HOST, known_only=True)
    networks = st.Networks((ev.Network("10.0.0.2", 8, "Cable", virtual=False),), "10.0.0.2")
    face = Face(networks, options=options)
    assert face.begun == ""
    told = "  Network  10.0.0.2 (Cable)\nWaiting for known devices, no code is shown: Laptop.\n"
    assert face.show(KNOWN, KNOWN, networks) == told
    # A person may ask for one.
    face.read("/new")
    assert face.posted == [options.invite]
    nobody = Face(networks, KnownList((), True, Reason.NO_MULTICAST), options=options)
    assert "This device knows no others yet, so nobody can join" in nobody.begun
    assert "type /new" in nobody.begun
    unattended = Face(options=options)
    unattended.face.end_of_input()
    told = unattended.show(networks, KnownList((), True, None))
    assert "This device knows no others yet, so nobody can join; start proxim host" in told
    assert "/new" not in told
    assert nobody.begun.endswith(SENTENCES[Reason.NO_MULTICAST] + "\n")
    assert "Waiting" not in Face(networks, KNOWN).begun
