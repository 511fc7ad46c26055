from dataclasses import fields

import pytest

from proxim.ui.window.appearance import Appearance
from proxim.ui.window.theme import DARK, LIGHT, RECHECK_SECONDS, Palette, Theme, Tone
from tests.rows import each_row
from tests.ui.tk_support import Bench

# Text needs this contrast (WCAG 2.2, 1.4.3).
READABLE = 4.5
# Other things, such as the focus ring, need this contrast (WCAG 2.2, 1.4.11).
VISIBLE = 3.0


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@each_row("look", [LIGHT, DARK])
def test_everything_can_be_read(look: Palette) -> None:
    tones = [
        value
        for value in (getattr(look, field.name) for field in fields(look))
        if isinstance(value, Tone)
    ]
    assert len(tones) == 4
    pairs = [(tone.foreground, tone.background) for tone in tones]
    pairs += [
        (foreground, background)
        for foreground in (look.foreground, look.quiet)
        for background in (look.background, look.field, look.hover)
    ]
    pairs += [
        (look.on_accent, look.accent),
        (look.red.foreground, look.background),
        (look.accent, look.field),
    ]
    pairs += [(tone.foreground, look.field) for tone in (look.blue, look.green)]
    assert [(pair, contrast(*pair)) for pair in pairs if contrast(*pair) < READABLE] == []
    assert contrast(look.accent, look.background) >= VISIBLE
    # The main button's focus ring lies outside the button.
    assert contrast(look.foreground, look.background) >= VISIBLE


def test_contrast_counts_as_the_standard_does() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_the_system_is_asked_again_but_not_too_often(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def dark(_: Appearance) -> bool:
        asked.append(True)
        return len(asked) > 1

    monkeypatch.setattr(Appearance, "is_dark", dark)
    theme = Theme(bench.root, "system", 1.0, bench.clock)
    assert theme.palette is LIGHT
    bench.clock.now += RECHECK_SECONDS - 0.1
    assert not theme.follow_system()
    assert len(asked) == 1
    bench.clock.now += 0.2
    assert theme.follow_system()
    assert theme.palette is DARK
    bench.clock.now += RECHECK_SECONDS
    # The system is still dark.
    assert not theme.follow_system()


def test_a_chosen_theme_does_not_follow_the_system(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Appearance, "is_dark", lambda _: True)
    bench.clock.now += 10 * RECHECK_SECONDS
    assert not bench.window.theme.follow_system()
    assert bench.window.theme.palette is LIGHT


def test_lengths_grow_with_the_screen(bench: Bench) -> None:
    assert Theme(bench.root, "light", 2.0, bench.clock).px(10) == 20
    # A line must never vanish.
    assert Theme(bench.root, "light", 1.0, bench.clock).px(0.2) == 1
