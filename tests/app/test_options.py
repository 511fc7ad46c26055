"""Tests of the options as values."""

import dataclasses
from typing import Any

import pytest

from proxim.app.host_options import HostOptions, LogOptions, ShareOption, WindowOptions
from proxim.app.options import DoctorOptions, JoinOptions
from proxim.core.pairing.host_code import JoinTarget
from tests.rows import each_row


def test_the_window_goes_on_in_a_terminal_with_the_same_wishes() -> None:
    log = LogOptions(verbose=True)
    wishes: dict[str, Any] = {
        "require_proof": True,
        "share_screen": ShareOption.VIEW,
        "name": "Desk",
        "stun": ("stun:a",),
        "send": ("/a",),
        "quiet": True,
        "log": log,
    }
    assert WindowOptions(**wishes).without_display() == HostOptions(**wishes)


def test_only_some_options_need_a_window_of_their_own() -> None:
    anywhere = WindowOptions(quiet=True, send=("/a",), to="Laptop", log=LogOptions(verbose=True))
    assert not anywhere.shape_the_window
    assert WindowOptions(name="Desk").shape_the_window


@each_row("options", [WindowOptions(), HostOptions(), JoinOptions(), DoctorOptions(), LogOptions()])
def test_nobody_changes_what_was_asked_for(options: object) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(options, dataclasses.fields(options)[0].name, None)  # type: ignore[arg-type]


def test_a_target_keeps_its_secrets_to_itself() -> None:
    target = JoinTarget("192.168.1.7", 47800, "hidden-1", code="hidden-2", qr_secret="hidden-3")
    assert "hidden" not in repr(JoinOptions(target=target))
