"""The messages about a shared screen, written and read."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, strategies

from proxim.core.json_text import MessageError
from proxim.core.link.messages import dump_link_message, read_link_message
from proxim.core.screen.messages import (
    ALL_MONITORS,
    MAX_MONITORS,
    READERS,
    Monitor,
    ScreenAsk,
    ScreenClipboard,
    ScreenMessage,
    ScreenState,
    ScreenStop,
    ScreenView,
    channel_label,
    share_of,
    with_all,
)
from tests.rows import each_row

SHARE = "Gx3_Gx3_Gx3_Gx3_Gx3_Gx"
MONITOR = Monitor(1, "DP-1", -1920, 0, 1920, 1080, 1.25)
STATE = ScreenState(True, SHARE, True, "revoked", 1, (Monitor(0, "", 0, 0, 640, 480), MONITOR))


def read(text: str) -> object:
    kind, fields = read_link_message(text)
    return READERS[kind](fields)


@each_row(
    "message",
    [
        ScreenAsk(),
        ScreenAsk(control=True),
        ScreenState(view=False, reason="declined"),
        ScreenState(view=False),
        STATE,
        ScreenView(SHARE, 1, 390, 844, 3.0),
        ScreenStop(SHARE),
        ScreenStop(),
        ScreenClipboard(SHARE, "text"),
        ScreenClipboard(SHARE, ""),
        ScreenClipboard(SHARE, reason="nothing_copied"),
    ],
)
def test_what_is_written_is_read(message: ScreenMessage) -> None:
    assert read(dump_link_message(message)) == message


def test_a_label_names_its_share_and_no_other_text_is_one() -> None:
    assert share_of("screen", channel_label("screen", SHARE)) == SHARE
    for other in (
        f"input/{SHARE}",
        f"screen/{SHARE}x",
        f"screen/{SHARE[1:]}",
        SHARE,
        "screen/",
        "",
    ):
        assert share_of("screen", other) is None, other


def test_no_repr_shows_the_share() -> None:
    for message in (
        STATE,
        ScreenView(SHARE, 1, 390, 844),
        ScreenStop(SHARE),
        ScreenClipboard(SHARE),
    ):
        assert SHARE not in repr(message)


def changed(message: ScreenMessage, **fields: Any) -> str:
    return json.dumps({**message.fields(), **fields})


def with_monitor(**fields: Any) -> str:
    return changed(STATE, monitors=[{**MONITOR.fields(), **fields}])


VIEW = ScreenView(SHARE, 1, 390, 844, 3.0)


@each_row(
    "text",
    [
        changed(ScreenAsk(), control="yes"),
        changed(ScreenStop(SHARE), id=SHARE[1:]),
        changed(STATE, id="short"),
        changed(STATE, monitor=7),
        changed(STATE, monitor=True),
        changed(STATE, monitors=[MONITOR.fields()] * 2),
        changed(STATE, monitors=[MONITOR.fields()] * 17),
        changed(STATE, monitors=["DP-1"]),
        changed(STATE, reason="x" * 65),
        with_monitor(w=0),
        with_monitor(h=65537),
        with_monitor(x=-65537),
        with_monitor(name=7),
        with_monitor(scale=0),
        with_monitor(scale="1"),
        changed(ScreenClipboard(SHARE, ""), text="é" * 16385),
        changed(ScreenClipboard(SHARE), id=None),
        changed(VIEW, w=0),
        changed(VIEW, h=1.5),
        changed(VIEW, dpr=21),
        changed(VIEW, monitor=-1),
    ],
)
def test_what_is_wrong_is_refused(text: str) -> None:
    with pytest.raises(MessageError):
        read(text)


JSON = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.text(max_size=9),
    lambda inner: strategies.lists(inner, max_size=2),
    max_leaves=4,
)


@given(
    strategies.sampled_from(sorted(READERS)),
    strategies.dictionaries(
        strategies.sampled_from(["id", "view", "monitor", "monitors", "w", "h", "dpr", "reason"]),
        JSON,
    ),
)
def test_any_fields_are_read_or_refused(kind: str, fields: dict[str, Any]) -> None:
    try:
        message = READERS[kind](fields)
    except MessageError:
        return
    assert message.fields()["type"] == kind


def test_all_monitors_together_are_one_more() -> None:
    left, right = Monitor(0, "L", 0, 0, 100, 80, 1.5), Monitor(1, "R", 100, 0, 100, 80)
    together = Monitor(ALL_MONITORS, "", 0, 0, 200, 80, 1.5)
    assert with_all((left, right), 200, 80) == (left, right, together)
    # One shows all of it, alone or because another shows the same.
    assert with_all((left,), 100, 80) == (left,)
    assert with_all((left, replace(right, x=0)), 100, 80) == (left, replace(right, x=0))
    many = tuple(replace(left, id=number) for number in range(MAX_MONITORS))
    found = with_all(many, 200, 80)
    assert (len(found), found[-1]) == (MAX_MONITORS, together)
    state = ScreenState(True, "A" * 22, monitor=ALL_MONITORS, monitors=found)
    assert READERS["screen_state"](state.fields()) == state
