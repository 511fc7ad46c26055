"""Shared screens as JSON lines: every event and command of docs/json-lines.md about them."""

from dataclasses import replace
from typing import Any

import pytest

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import SENTENCES, Reason
from proxim.core.pairing.devices import Verified
from proxim.core.screen import events as screen_ev
from proxim.core.screen import sight
from proxim.core.screen import status as screen_st
from proxim.core.screen.events import Grant
from proxim.core.screen.messages import Monitor
from proxim.core.screen.status import ScreenStage
from proxim.ui.text.model import GREETING_SECONDS, FaceOptions, Role
from tests.paths import ROOT
from tests.rows import each_row
from tests.ui.text.faces import LINK, Event, JsonLinesBench, linked

# This is 2025-06-01T12:00:00Z.
OTHER = ev.LinkID("host-2")
CONNECTED = linked("screen")
LEFT = Monitor(0, "DP-1", 0, 0, 1920, 1080)
RIGHT = Monitor(7, "HDMI\x1b[2J", 1920, 0, 2560, 1440, 1.5)
QUESTION = screen_st.ScreenQuestion(
    LINK, 1, "Ana", Verified.CODE, control=True, second_step=False, deadline=1040.0
)
SHOWN = screen_st.ScreenShare(LINK, True, ScreenStage.OFFERED, 0, (LEFT, RIGHT))
SEEN = replace(SHOWN, shows=False)
FIGURES = sight.Figures(29.96, 4.256, 31)


class Face(JsonLinesBench):
    """A face that has shown these statuses."""

    def __init__(self, *statuses: st.Status) -> None:
        super().__init__(FaceOptions(Role.HOST))
        self.show(*statuses)


def error(reason: Reason, **more: str) -> Event:
    return {"event": "error", "code": reason.value, "message": SENTENCES[reason], **more}


def refused(detail: str) -> list[Event]:
    return [error(Reason.BAD_COMMAND, detail=detail)]


# --- events ---------------------------------------------------------------------------------------


def test_a_question() -> None:
    face = Face(CONNECTED)
    assert face.show(QUESTION) == [
        {
            "event": "screen",
            "state": "asked",
            "direction": "out",
            "link": "host-1",
            "question": 1,
            "name": "Ana",
            "verified": "code",
            "control": True,
            "second_step": False,
            "expiresAt": "2025-06-01T12:00:40Z",
        }
    ]
    assert face.show(screen_st.ScreenAnswered(LINK, 1)) == [
        {
            "event": "screen",
            "state": "answered",
            "direction": "out",
            "link": "host-1",
            "question": 1,
        }
    ]


@each_row(
    "stage, state",
    [
        (ScreenStage.ASKING, "asking"),
        (ScreenStage.OFFERED, "offered"),
        (ScreenStage.VIEWED, "viewing"),
        (ScreenStage.CONTROLLED, "control"),
        (ScreenStage.PAUSED, "paused"),
        (ScreenStage.ENDED, "ended"),
    ],
)
def test_every_stage_in_both_directions(stage: ScreenStage, state: str) -> None:
    for shows, direction in ((True, "out"), (False, "in")):
        share = screen_st.ScreenShare(LINK, shows, stage)
        assert Face(CONNECTED).show(share) == [
            {"event": "screen", "state": state, "direction": direction, "link": "host-1"}
        ]


def test_a_question_says_that_the_digits_of_its_link_differed() -> None:
    face = Face(CONNECTED)
    assert face.show(replace(CONNECTED, digits_differed=True)) == []
    (asked,) = face.show(QUESTION)
    assert asked["digits_differed"] is True


def test_reason_and_monitors() -> None:
    share = replace(SHOWN, stage=ScreenStage.VIEWED, reason=Reason.TOO_MANY)
    (event,) = Face(CONNECTED).show(share)
    assert event["reason"] == "too_many"
    assert event["monitor"] == 0
    assert event["monitors"] == [
        {"id": 0, "name": "DP-1", "x": 0, "y": 0, "w": 1920, "h": 1080, "scale": 1.0},
        # The other side chose the name.
        {"id": 7, "name": "HDMI[2J", "x": 1920, "y": 0, "w": 2560, "h": 1440, "scale": 1.5},
    ]


def test_how_well_a_screen_arrives() -> None:
    face = Face(CONNECTED, replace(SHOWN, stage=ScreenStage.CONTROLLED))
    assert face.show(sight.SharingFigures(LINK, FIGURES)) == [
        {
            "event": "screen",
            "state": "control",
            "direction": "out",
            "link": "host-1",
            "figures": {"frames": 30.0, "megabits": 4.26, "delay": 31},
        }
    ]
    face.show(replace(SHOWN, stage=ScreenStage.ENDED))
    assert face.show(sight.SharingFigures(LINK, FIGURES)) == []


class FakeSight:
    """A Sight that counts what is done with it."""

    canvas = (1920, 1080)

    def __init__(self) -> None:
        self.done: list[str] = []

    def scale_to(self, width: int, height: int) -> None:
        self.done.append("scaled")

    def take(self) -> sight.Picture:
        self.done.append("taken")
        return sight.Picture(1920, 1080, (), None)

    def drawn(self) -> None:
        self.done.append("drawn")

    def figures(self) -> sight.Figures:
        return FIGURES


def test_what_is_looked_at_is_taken_so_that_more_comes() -> None:
    arriving = FakeSight()
    face = Face(CONNECTED, replace(SEEN, stage=ScreenStage.VIEWED))
    ready = sight.PicturesReady(LINK)
    # A late one of an earlier share.
    assert face.show(ready) == []
    assert face.show(sight.ScreenSight(LINK, arriving)) == []
    assert face.show(ready) == []
    face.now += 1.0
    (first,) = face.show(ready)
    assert first["direction"] == "in"
    assert first["figures"] == {"frames": 30.0, "megabits": 4.26, "delay": 31}
    # The figures come once a second.
    face.now += 0.5
    assert face.show(ready) == []
    face.now += 0.5
    assert len(face.show(ready)) == 1
    assert arriving.done == ["taken", "drawn"] * 4
    face.show(replace(SEEN, stage=ScreenStage.ENDED), ready)
    assert len(arriving.done) == 8


def test_no_share_id_is_written() -> None:
    """The statuses that faces get have none, so that none can be written."""
    statuses = (screen_st.ScreenQuestion, screen_st.ScreenShare, sight.SharingFigures)
    assert not any("share" in kind.__slots__ for kind in statuses)


# --- commands -------------------------------------------------------------------------------------


@each_row(
    "fields, intent",
    [
        ({"type": "screen_ask"}, screen_ev.AskScreen(LINK)),
        ({"type": "screen_ask", "control": True}, screen_ev.AskScreen(LINK, control=True)),
        ({"type": "screen_show", "link": "host-1"}, screen_ev.ShowScreen(LINK)),
    ],
)
def test_beginning(fields: dict[str, Any], intent: ev.Intent) -> None:
    face = Face(CONNECTED)
    assert face.command(**{"kind": fields.pop("type"), **fields}) == []
    assert face.posted == [intent]


def test_beginning_needs_one_link_that_knows_screens() -> None:
    face = Face()
    assert face.command("screen_show") == [error(Reason.NOT_CONNECTED)]
    other = replace(CONNECTED, link=OTHER, features=("text",))
    face.show(CONNECTED, other)
    assert face.command("screen_show") == refused("link is needed while there are several")
    assert face.command("screen_show", link="host-3") == [error(Reason.NOT_CONNECTED)]
    assert face.posted == []
    # The greeting of the other device may be on its way.
    assert face.command("screen_ask", link="host-2") == []
    face.now += GREETING_SECONDS
    face.face.catch_up()
    assert face.events() == [error(Reason.SCREENS_UNKNOWN)]
    assert face.command("screen_ask", link="host-2") == [error(Reason.SCREENS_UNKNOWN)]
    assert face.posted == []


def test_what_is_asked_before_the_greeting_is_asked_then() -> None:
    face = Face(replace(CONNECTED, features=()))
    assert face.command("screen_ask") == []
    face.show(replace(CONNECTED, features=("text",)))
    assert face.posted == []
    face.show(CONNECTED)
    assert face.posted == [screen_ev.AskScreen(LINK)]


@each_row(
    "word, knowing, grant",
    [
        ("view", None, Grant.VIEW),
        ("control", None, Grant.CONTROL),
        ("control", True, Grant.CONTROL),
        ("no", False, Grant.NOTHING),
    ],
)
def test_an_answer(word: str, knowing: bool | None, grant: Grant) -> None:
    face = Face(CONNECTED, QUESTION)
    assert face.command("screen_answer", question=1, grant=word, knowing=knowing) == []
    assert face.posted == [screen_ev.AnswerScreen(LINK, 1, grant, knowing is True)]
    assert face.command("screen_answer", question=1, grant="view") == [error(Reason.PROMPT_GONE)]
    assert len(face.posted) == 1


def test_an_answer_that_cannot_be_changes_nothing() -> None:
    face = Face(CONNECTED, QUESTION)
    assert face.command("screen_answer", question=2, grant="view") == [error(Reason.PROMPT_GONE)]
    for wrong in ({"question": 1, "grant": "yes"}, {"question": True, "grant": "view"}, {}):
        (event,) = face.command("screen_answer", **wrong)
        assert event["code"] == "bad_command"
    assert face.posted == []
    face.show(screen_st.ScreenAnswered(LINK, 1))
    assert face.command("screen_answer", question=1, grant="view") == [error(Reason.PROMPT_GONE)]


def test_two_questions_of_one_number_are_told_apart() -> None:
    face = Face(CONNECTED, replace(CONNECTED, link=OTHER), QUESTION, replace(QUESTION, link=OTHER))
    several = refused("link is needed while there are several")
    assert face.command("screen_answer", question=1, grant="no") == several
    assert face.command("screen_answer", question=1, grant="no", link="host-2") == []
    assert face.posted == [screen_ev.AnswerScreen(OTHER, 1, Grant.NOTHING)]


KNOWING = refused("knowing must be true: the page there may have been altered")


@each_row(
    "verified, knowing, events, posted",
    [
        (Verified.CODE, False, [], True),
        (Verified.QR, False, KNOWING, False),
        (Verified.QR, True, [], True),
        (None, True, [error(Reason.CONTROL_UNVERIFIED)], False),
    ],
)
def test_control_needs_what_it_needs_everywhere(
    verified: Verified | None, knowing: bool, events: list[Event], posted: bool
) -> None:
    link = replace(CONNECTED, verified=verified)
    face = Face(link, replace(QUESTION, verified=verified))
    assert face.command("screen_answer", question=1, grant="control", knowing=knowing) == events
    assert bool(face.posted) is posted
    face = Face(link, replace(SHOWN, stage=ScreenStage.VIEWED))
    assert face.command("screen_let_control", knowing=knowing) == events
    assert face.posted == ([screen_ev.LetControl(LINK, knowing)] if posted else [])


VIEWED, CONTROLLED, PAUSED = (
    replace(SHOWN, stage=stage)
    for stage in (ScreenStage.VIEWED, ScreenStage.CONTROLLED, ScreenStage.PAUSED)
)


@each_row(
    "share, kind, intent",
    [
        (SHOWN, "screen_let_control", screen_ev.LetControl(LINK)),
        (CONTROLLED, "screen_stop_control", screen_ev.StopControl(LINK)),
        (SHOWN, "screen_stop_control", screen_ev.StopControl(LINK)),
        (PAUSED, "screen_stop_control", screen_ev.StopControl(LINK)),
        (VIEWED, "screen_pause", screen_ev.PauseScreen(LINK)),
        (CONTROLLED, "screen_pause", screen_ev.PauseScreen(LINK)),
        (PAUSED, "screen_go_on", screen_ev.GoOnShowing(LINK)),
        (PAUSED, "screen_stop", screen_ev.StopScreen(LINK)),
        (SEEN, "screen_stop", screen_ev.StopScreen(LINK)),
    ],
)
def test_what_is_done_with_a_screen_that_is_shown(
    share: screen_st.ScreenShare, kind: str, intent: ev.Intent
) -> None:
    face = Face(CONNECTED, share)
    assert face.command(kind, link="host-2") == [error(Reason.SCREEN_IDLE)]
    assert face.command(kind) == []
    assert face.command(kind, link="host-1") == []
    assert face.posted == [intent, intent]
    # Where nothing is shown, or no longer, the script is told so.
    face.show(replace(share, stage=ScreenStage.ENDED))
    assert face.command(kind) == [error(Reason.SCREEN_IDLE)]


def test_what_takes_something_back_is_for_all_and_what_gives_it_for_one() -> None:
    face = Face(CONNECTED, VIEWED, replace(CONNECTED, link=OTHER), replace(VIEWED, link=OTHER))
    assert face.command("screen_let_control") == refused("link is needed while there are several")
    assert face.command("screen_pause") == []
    assert face.command("screen_stop") == []
    assert face.posted == [
        *map(screen_ev.PauseScreen, (LINK, OTHER)),
        *map(screen_ev.StopScreen, (LINK, OTHER)),
    ]


def test_looking() -> None:
    face = Face(CONNECTED)
    assert face.command("screen_look") == [error(Reason.SCREEN_IDLE)]
    face.show(screen_st.ScreenShare(LINK, shows=False, stage=ScreenStage.ASKING))
    assert face.command("screen_look") == [error(Reason.SCREEN_IDLE)]
    face.show(SEEN)
    assert face.command("screen_look") == []
    assert face.command("screen_look", monitor=7, width=640, height=360) == []
    assert face.posted == [
        screen_ev.LookAt(LINK, 0, 1920, 1080),
        screen_ev.LookAt(LINK, 7, 640, 360),
    ]
    for wrong in (3, "0", False):
        (event,) = face.command("screen_look", monitor=wrong)
        assert event["detail"] == "monitor must be the id of one in monitors"
    assert face.command("screen_look", width=0)[0]["code"] == "bad_command"
    face.show(replace(CONNECTED, link=OTHER), replace(SEEN, link=OTHER))
    assert face.command("screen_look") == refused("link is needed while there are several")


@pytest.mark.parametrize("wrong", [{"type": "screen_what"}, {"type": "screen_show", "link": 7}])
def test_what_is_no_command(wrong: dict[str, Any]) -> None:
    face = Face(CONNECTED)
    (event,) = face.command(**{"kind": wrong["type"], **wrong} | {"kind": wrong["type"]})
    assert event["code"] == "bad_command"
    assert face.posted == []


def test_every_word_is_documented() -> None:
    from proxim.ui.text.screen.jsonlines import _COMMANDS, _GRANTS, _STATES

    page = (ROOT / "docs/json-lines.md").read_text(encoding="utf-8")
    for word in (*_COMMANDS, *_GRANTS, *_STATES.values(), "asked", "answered", "figures"):
        assert f"`{word}`" in page, word
