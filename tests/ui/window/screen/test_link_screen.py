"""Tests of what the page of a link says about screens, and of its menu."""

import tkinter
from dataclasses import replace

import pytest

from proxim.app.language import speak
from proxim.core import status as st
from proxim.core.errors import SENTENCES, Reason
from proxim.core.i18n import LANGUAGES
from proxim.core.pairing.devices import Verified
from proxim.core.screen import events as screen_ev
from proxim.core.screen.status import ScreenStage
from proxim.ui.window.link.panel import LinkPanel
from proxim.ui.window.screen.link_screen import LinkScreen
from proxim.ui.window.screen.words import reason_words, state_words
from tests.ui.tk_support import Bench, link
from tests.ui.window.screen.screen_support import LINK, screen_link, screens_of, share


def page(bench: Bench) -> LinkPanel:
    return bench.window.pages.links[LINK]


def part(bench: Bench) -> LinkScreen:
    found = page(bench)._screen
    assert found is not None
    return found


def labels(bench: Bench) -> list[str]:
    return [label for label, _ in part(bench).choices]


def buttons(bench: Bench, *, shows: bool) -> dict[str, tkinter.Misc]:
    return {str(one.cget("text")): one for one in part(bench)._lines[shows].buttons}


def press(bench: Bench, label: str, *, shows: bool) -> object:
    button = buttons(bench, shows=shows)[label]
    bench.root.tk.call(str(button), "invoke")
    return bench.posted[-1] if bench.posted else None


def test_a_device_without_screens_has_no_menu(bench: Bench) -> None:
    bench.window.show(link())
    assert page(bench)._screen is None


def test_the_menu_begins_what_is_possible(bench: Bench) -> None:
    bench.window.show(screen_link())
    assert labels(bench) == [
        "Show my screen to Grace's laptop",
        "Ask to see the screen of Grace's laptop",
        "Ask to see and control the screen of Grace's laptop",
    ]
    for _, command in part(bench).choices:
        assert command is not None
        command()
    assert bench.posted[-3:] == [
        screen_ev.ShowScreen(LINK),
        screen_ev.AskScreen(LINK),
        screen_ev.AskScreen(LINK, control=True),
    ]
    bench.window.show(share(ScreenStage.VIEWED, shows=True))
    bench.window.show(share(ScreenStage.ASKING, shows=False))
    assert labels(bench) == []


def test_a_browser_cannot_show_its_screen(bench: Bench) -> None:
    bench.window.show(screen_link(Verified.QR, app=False))
    assert part(bench).choices[1] == (
        "Grace's laptop is a browser, which cannot show its screen",
        None,
    )


def test_a_lost_link_begins_nothing(bench: Bench) -> None:
    bench.window.show(screen_link())
    bench.window.show(replace(screen_link(), stage=st.Stage.WAITING))
    assert part(bench).menu.instate(["disabled"])


def test_the_lines_stop_what_they_say(bench: Bench) -> None:
    bench.window.show(screen_link())
    bench.window.show(share(ScreenStage.CONTROLLED, shows=True))
    assert press(bench, "Stop control", shows=True) == screen_ev.StopControl(LINK)
    bench.window.show(share(ScreenStage.PAUSED, shows=True))
    assert press(bench, "Go on", shows=True) == screen_ev.GoOnShowing(LINK)
    assert press(bench, "Stop showing", shows=True) == screen_ev.StopScreen(LINK, shows=True)
    bench.window.show(share(ScreenStage.ASKING, shows=False))
    assert press(bench, "Withdraw", shows=False) == screen_ev.StopScreen(LINK, shows=False)
    bench.window.show(share(ScreenStage.ENDED, shows=True))
    bench.window.show(share(ScreenStage.ENDED, shows=False))
    bench.settle()
    assert not part(bench).lines.winfo_ismapped()


def test_an_offered_screen_is_opened_by_its_button(bench: Bench) -> None:
    bench.window.show(screen_link())
    bench.window.show(share(ScreenStage.OFFERED, shows=False))
    assert not screens_of(bench).viewers
    press(bench, "See it", shows=False)
    bench.pump(screens_of(bench).viewers[LINK].window.winfo_viewable)


@pytest.mark.parametrize("verified", [None, *Verified])
def test_only_who_proved_itself_can_be_let_control(bench: Bench, verified: Verified | None) -> None:
    bench.window.show(screen_link(verified))
    bench.window.show(share(ScreenStage.VIEWED, shows=True))
    assert ("Let them control…" in buttons(bench, shows=True)) is (verified is not None)


def test_the_page_says_why_something_ended(bench: Bench) -> None:
    bench.window.show(screen_link())
    bench.window.show(share(ScreenStage.VIEWED, shows=True, reason=Reason.BAR_HIDDEN))
    assert str(page(bench)._note.cget("text")) == SENTENCES[Reason.BAR_HIDDEN]
    bench.window.show(share(ScreenStage.ENDED, shows=False, reason=Reason.DECLINED))
    assert "did not allow it" in str(page(bench)._note.cget("text"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("shows", [True, False])
def test_every_state_and_reason_has_words(language: str, *, shows: bool) -> None:
    speak(language)
    said = [
        state_words(share(stage, shows=shows), name)
        for stage in ScreenStage
        for name in ("Ada", None)
        if stage is not ScreenStage.ENDED and not (shows and stage is ScreenStage.ASKING)
    ]
    assert None not in said
    assert len(set(said)) == len(said)
    for reason in Reason:
        for stage in (ScreenStage.VIEWED, ScreenStage.ENDED):
            words = reason_words(share(stage, shows=shows, reason=reason), "Ada")
            assert (words is None) is (shows and reason is Reason.CLOSED)


def test_the_head_keeps_its_size(bench: Bench) -> None:
    bench.window.show(link())
    bench.settle()
    before = bench.root.winfo_width(), bench.root.winfo_height()
    bench.window.show(screen_link(name="Wolfgang-Amadeus-Mozarts-uralter-Rechner"))
    bench.window.show(share(ScreenStage.CONTROLLED, shows=True))
    bench.settle()
    assert (bench.root.winfo_width(), bench.root.winfo_height()) == before
    end = page(bench).end_button
    assert end.winfo_rootx() + end.winfo_width() <= bench.root.winfo_rootx() + before[0]
