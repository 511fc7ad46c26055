"""The messages about a shared screen on a link's control channel."""

import re
from dataclasses import dataclass, field
from typing import Final

from proxim.core.base64url import CHARACTER
from proxim.core.errors import Reason
from proxim.core.json_text import (
    JSONObject,
    MessageError,
    flag_field,
    integer_field,
    list_field,
    number_field,
    object_field,
    optional_text_field,
    text_field,
)
from proxim.core.link.messages import Reader
from proxim.core.screen.updates import MAX_SIDE

# A share's id is 16 random bytes in base64url.
SHARE_ID_BYTES: Final = 16
SHARE_ID_CHARACTERS: Final = 22
_SHARE_ID: Final = re.compile(rf"{CHARACTER}{{{SHARE_ID_CHARACTERS}}}")
# Nobody has more, and each is listed at every change.
MAX_MONITORS: Final = 16
MAX_MONITOR_NAME_BYTES: Final = 64
# All monitors together are one more, whose id no single one has.
ALL_MONITORS: Final = 2**31
MAX_REASON_BYTES: Final = 64
# Browsers zoom to 500 % on screens of 400 %.
MAX_PIXEL_RATIO: Final = 20.0
# What people copy is a line or a page; longer texts are files. A text that is longer than a message
# when it is written as JSON is not sent either.
MAX_COPIED_BYTES: Final = 32 * 1024
# Desktops reach further than one monitor, in both directions.
MAX_COORDINATE: Final = 8 * MAX_SIDE


def channel_label(prefix: str, share: str) -> str:
    """Return the label of a share's channel; the prefix says what it carries."""
    return f"{prefix}/{share}"


def share_of(prefix: str, label: str) -> str | None:
    """Return the share that a channel's label names; None if it is no label with this prefix."""
    before, _, share = label.partition("/")
    return share if before == prefix and _SHARE_ID.fullmatch(share) else None


@dataclass(frozen=True, slots=True)
class Monitor:
    """One of the monitors that can be shown; lengths are in its own pixels."""

    id: int
    # Such as "DP-1"; it comes from the other side and is cleaned before it is shown.
    name: str
    # Its place on the desktop.
    x: int
    y: int
    width: int
    height: int
    # How many of its pixels are one pixel of 96 a inch.
    scale: float = 1.0

    def fields(self) -> JSONObject:
        """Return its JSON object."""
        return {
            "id": self.id,
            "name": self.name,
            "x": self.x,
            "y": self.y,
            "w": self.width,
            "h": self.height,
            "scale": self.scale,
        }


def with_all(monitors: tuple[Monitor, ...], width: int, height: int) -> tuple[Monitor, ...]:
    """Return the monitors of a desktop of this size, and last all of them together.

    There is no such one where a single monitor shows the whole desktop.
    """
    if any((one.width, one.height) == (width, height) for one in monitors):
        return monitors
    scale = monitors[0].scale
    return (
        *monitors[: MAX_MONITORS - 1],
        Monitor(ALL_MONITORS, "", 0, 0, width, height, scale),
    )


@dataclass(frozen=True, slots=True)
class ScreenAsk:
    """The sender would like to see the receiver's screen, or also to control it."""

    control: bool = False

    def fields(self) -> JSONObject:
        """Return the message's JSON fields, as LinkMessage says."""
        return {"type": "screen_ask", **({"control": True} if self.control else {})}


@dataclass(frozen=True, slots=True)
class ScreenState:
    """What the sender, who shows, allows now; sent at every change.

    Without `view` nothing is shown, or no longer, for `reason`; then the other fields mean nothing.
    """

    view: bool
    # The share's secret id, which its channels repeat.
    share: str = field(default="", repr=False)
    control: bool = False
    reason: str | None = None
    monitor: int = 0
    monitors: tuple[Monitor, ...] = ()

    def fields(self) -> JSONObject:
        """Return the message's JSON fields, as LinkMessage says."""
        fields: JSONObject = {"type": "screen_state", "view": self.view, "control": self.control}
        if self.reason is not None:
            fields["reason"] = self.reason
        if self.share:
            fields["id"] = self.share
            fields["monitor"] = self.monitor
            fields["monitors"] = [monitor.fields() for monitor in self.monitors]
        return fields


@dataclass(frozen=True, slots=True)
class ScreenView:
    """The sender, who sees, looks at this monitor now, on so many pixels of its own."""

    share: str = field(repr=False)
    monitor: int
    # In CSS pixels; `pixel_ratio` is the number of real pixels in one.
    width: int
    height: int
    pixel_ratio: float = 1.0

    def fields(self) -> JSONObject:
        """Return the message's JSON fields, as LinkMessage says."""
        return {
            "type": "screen_view",
            "id": self.share,
            "monitor": self.monitor,
            "w": self.width,
            "h": self.height,
            "dpr": self.pixel_ratio,
        }


@dataclass(frozen=True, slots=True)
class ScreenStop:
    """The sender looks no longer; without a share it withdraws what it has asked."""

    share: str = field(default="", repr=False)

    def fields(self) -> JSONObject:
        """Return the message's JSON fields, as LinkMessage says."""
        return {"type": "screen_stop", **({"id": self.share} if self.share else {})}


@dataclass(frozen=True, slots=True)
class ScreenClipboard:
    """The answer to CopyText (control/messages.py): the text, or why there is none."""

    share: str = field(repr=False)
    text: str | None = field(default=None, repr=False)
    reason: str | None = None

    def fields(self) -> JSONObject:
        """Return the message's JSON fields, as LinkMessage says."""
        fields: JSONObject = {"type": "screen_copied", "id": self.share}
        if self.text is not None:
            fields["text"] = self.text
        if self.reason is not None:
            fields["reason"] = self.reason
        return fields


ScreenMessage = ScreenAsk | ScreenState | ScreenView | ScreenStop | ScreenClipboard


def _share(fields: JSONObject) -> str:
    share = text_field(fields, "id", SHARE_ID_CHARACTERS)
    if len(share) != SHARE_ID_CHARACTERS:
        raise MessageError(Reason.BAD_MESSAGE, "id")
    return share


def _monitor(fields: JSONObject) -> Monitor:
    reach = -MAX_COORDINATE, MAX_COORDINATE
    return Monitor(
        integer_field(fields, "id", 0, ALL_MONITORS),
        text_field(fields, "name", MAX_MONITOR_NAME_BYTES),
        integer_field(fields, "x", *reach),
        integer_field(fields, "y", *reach),
        # What is larger than MAX_SIDE is made smaller before it is sent.
        integer_field(fields, "w", 1, MAX_COORDINATE),
        integer_field(fields, "h", 1, MAX_COORDINATE),
        number_field(fields, "scale", 0.1, MAX_PIXEL_RATIO),
    )


def _state(fields: JSONObject) -> ScreenState:
    view, control = flag_field(fields, "view"), flag_field(fields, "control")
    reason = optional_text_field(fields, "reason", MAX_REASON_BYTES)
    if not view:
        return ScreenState(view=False, reason=reason)
    each = [
        _monitor(object_field({"monitor": one}, "monitor"))
        for one in list_field(fields, "monitors", MAX_MONITORS)
    ]
    shown = integer_field(fields, "monitor", 0, ALL_MONITORS)
    if shown not in [one.id for one in each] or len({one.id for one in each}) != len(each):
        raise MessageError(Reason.BAD_MESSAGE, "monitors")
    return ScreenState(True, _share(fields), control, reason, shown, tuple(each))


def _view(fields: JSONObject) -> ScreenView:
    return ScreenView(
        _share(fields),
        integer_field(fields, "monitor", 0, ALL_MONITORS),
        integer_field(fields, "w", 1, MAX_SIDE),
        integer_field(fields, "h", 1, MAX_SIDE),
        number_field(fields, "dpr", 0.1, MAX_PIXEL_RATIO),
    )


# How the messages are read, by their types.
READERS: Final[dict[str, Reader]] = {
    "screen_ask": lambda fields: ScreenAsk(flag_field(fields, "control")),
    "screen_state": _state,
    "screen_view": _view,
    "screen_stop": lambda fields: ScreenStop("" if fields.get("id") is None else _share(fields)),
    "screen_copied": lambda fields: ScreenClipboard(
        _share(fields),
        optional_text_field(fields, "text", MAX_COPIED_BYTES),
        optional_text_field(fields, "reason", MAX_REASON_BYTES),
    ),
}
