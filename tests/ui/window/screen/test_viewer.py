"""Tests of the window in which a screen is seen: what it draws, what it asks for, and what is done
in it.
"""

import tkinter
from dataclasses import replace
from functools import partial

import pytest

from proxim.core import events as ev
from proxim.core.control.messages import (
    CopyText,
    KeyInput,
    PointerInput,
    ReleaseAll,
    TextInput,
)
from proxim.core.errors import SENTENCES, Reason
from proxim.core.screen import events as screen_ev
from proxim.core.screen.messages import ALL_MONITORS, Monitor
from proxim.core.screen.sight import Moved, Patch, PicturesReady, PointerPlace, ScreenSight
from proxim.core.screen.status import ScreenCopied, ScreenStage
from proxim.core.screen.updates import Rectangle
from proxim.core.status import ANSWER_DELAY_SECONDS
from proxim.ui.window.screen.picture import OWN_POINTER_MS, fitted
from proxim.ui.window.screen.viewer import MAX_PASTED, ScreenViewer
from tests.ui.tk_support import Bench
from tests.ui.window.screen.screen_support import (
    ARROW,
    LINK,
    MONITORS,
    ScriptedSight,
    colour_at,
    screen_link,
    screens_of,
    share,
)


def open_viewer(
    bench: Bench, monitors: tuple[Monitor, ...] = MONITORS
) -> tuple[ScreenViewer, ScriptedSight]:
    """Ask to see a screen, and return the window with its first picture."""
    bench.window.show(screen_link())
    bench.window.show(share(ScreenStage.ASKING, shows=False))
    bench.window.show(share(ScreenStage.OFFERED, shows=False, monitors=monitors))
    viewer = screens_of(bench).viewers[LINK]
    bench.pump(viewer.picture.canvas.winfo_viewable, "the viewer is open")
    bench.pump(lambda: min(viewer.picture.place_size) > 100, "it has its size")
    sight = ScriptedSight(monitors[0].width, monitors[0].height)
    bench.window.show(ScreenSight(LINK, sight))
    bench.window.show(share(ScreenStage.VIEWED, shows=False, monitors=monitors))
    bench.pump(lambda: sight.draws, "the first picture is drawn")
    return viewer, sight


def controlling(bench: Bench) -> tuple[ScreenViewer, ScriptedSight]:
    """Return a window in which the screen is controlled, pixel for pixel."""
    viewer, sight = open_viewer(bench)
    viewer._toggle_size()
    bench.window.show(share(ScreenStage.CONTROLLED, shows=False))
    bench.settle()
    bench.focus(viewer.picture.canvas)
    bench.posted.clear()
    return viewer, sight


def drawn(viewer: ScreenViewer, x: int, y: int) -> tuple[int, ...]:
    """Return the colour of a point of the picture."""
    return tuple(viewer.picture._photo.get(x, y))


def looks(bench: Bench) -> list[tuple[int, int, int]]:
    return [
        (one.monitor, one.width, one.height)
        for one in bench.posted
        if isinstance(one, screen_ev.LookAt)
    ]


def inputs(bench: Bench) -> list[object]:
    return [one.input for one in bench.posted if isinstance(one, screen_ev.UseScreen)]


def pass_look(bench: Bench) -> None:
    """Let the time pass after which the other side is told of a new size."""
    bench.settle()
    bench.clock.now += 0.25
    bench.settle()


# --- drawing --------------------------------------------------------------------------------------


def test_every_pixel_is_drawn_in_its_place(bench: Bench) -> None:
    viewer, sight = open_viewer(bench)
    viewer._toggle_size()
    bench.settle()
    for x, y in ((0, 0), (639, 0), (0, 399), (639, 399), (321, 200), (64, 63), (64, 64)):
        assert drawn(viewer, x, y) == colour_at(x, y)
    sight.changes = [
        Patch(Rectangle(10, 20, 2, 2), bytes((9, 8, 7)) * 4),
        Moved(Rectangle(100, 101, 50, 50), 100, 100),
    ]
    bench.window.show(PicturesReady(LINK))
    assert drawn(viewer, 11, 21) == (9, 8, 7)
    assert drawn(viewer, 12, 21) == colour_at(12, 21)
    for x, y in ((100, 101), (149, 150), (120, 130)):
        assert drawn(viewer, x, y) == colour_at(x, y - 1)


def test_it_is_acknowledged_once_it_is_on_the_screen(bench: Bench) -> None:
    viewer, sight = open_viewer(bench)
    before = sight.draws
    bench.window.show(PicturesReady(LINK))
    assert sight.draws == before
    bench.pump(lambda: sight.draws == before + 1)
    # Nobody sees a window that is not on the screen, so no more is sent.
    viewer.window.withdraw()
    bench.settle()
    takes = sight.takes
    bench.window.show(PicturesReady(LINK))
    bench.settle()
    assert (sight.takes, sight.draws) == (takes, before + 1)
    viewer.window.deiconify()
    bench.pump(lambda: sight.takes > takes, "it goes on")


def test_it_fits_or_is_shown_pixel_for_pixel(bench: Bench) -> None:
    viewer, sight = open_viewer(bench)
    viewer.window.geometry("620x300")
    bench.pump(lambda: viewer.picture.place_size[0] == 620 and sight.scale[0])
    width, height = viewer.picture.place_size
    assert sight.scale == fitted(640, 400, width, height)
    pass_look(bench)
    assert looks(bench)[-1] == (0, width, height)
    viewer._toggle_size()
    bench.settle()
    assert sight.scale == (0, 0)
    assert looks(bench)[-1] == (0, 640, 400)
    assert viewer.picture._across.winfo_ismapped()
    assert viewer.picture._down.winfo_ismapped()
    viewer._toggle_size()
    bench.settle()
    assert sight.scale == fitted(640, 400, *viewer.picture.place_size)
    assert not viewer.picture._down.winfo_ismapped()


@pytest.mark.parametrize(
    ("screen", "place", "size"),
    [
        ((1920, 1080), (960, 1080), (960, 540)),
        ((1000, 500), (1200, 600), (1000, 500)),
        ((1000, 500), (2000, 1500), (2000, 1000)),
        ((8192, 1), (100, 100), (100, 1)),
    ],
)
def test_fitting_keeps_the_shape(
    screen: tuple[int, int], place: tuple[int, int], size: tuple[int, int]
) -> None:
    assert fitted(*screen, *place) == size


def test_a_screen_that_changes_its_size_is_drawn_anew(bench: Bench) -> None:
    viewer, sight = open_viewer(bench)
    sight.canvas = (400, 640)
    sight._whole = True
    bench.window.show(PicturesReady(LINK))
    bench.pump(lambda: sight.scale in ((0, 0), fitted(400, 640, *viewer.picture.place_size)))
    bench.settle()
    assert viewer.picture._size == sight.size


def test_the_other_sides_pointer_is_drawn_where_it_is(bench: Bench) -> None:
    viewer, sight = open_viewer(bench)
    viewer._toggle_size()
    sight.pointer = PointerPlace(100, 50, ARROW)
    bench.window.show(PicturesReady(LINK))
    left, top = viewer.picture._corner
    canvas = viewer.picture.canvas
    assert canvas.coords(viewer.picture._pointer) == [left + 100 - 1, top + 50 - 2]
    sight.pointer = PointerPlace(100, 50, None)
    bench.window.show(PicturesReady(LINK))
    assert not viewer.picture.draws_pointer


# --- what is asked for ----------------------------------------------------------------------------


def test_a_monitor_is_chosen(bench: Bench) -> None:
    viewer, _ = open_viewer(bench)
    assert viewer.monitors.winfo_ismapped()
    together = Monitor(ALL_MONITORS, "", 0, 0, 3200, 1080)
    bench.window.show(share(ScreenStage.VIEWED, shows=False, monitors=(*MONITORS, together)))
    assert viewer._label(together, 2) == "All monitors · 3200×1080"
    viewer._choose_monitor("1")
    assert looks(bench)[-1][0] == 1
    # It was pulled out: what the other side shows instead is looked at.
    bench.window.show(share(ScreenStage.VIEWED, shows=False, monitors=MONITORS[:1]))
    pass_look(bench)
    assert looks(bench)[-1][0] == 0
    assert not viewer.monitors.winfo_ismapped()


def test_a_change_of_size_is_told_once_it_stays(bench: Bench) -> None:
    viewer, _ = open_viewer(bench)
    pass_look(bench)
    before = len(looks(bench))
    for width in (620, 630, 640):
        viewer.window.geometry(f"{width}x330")
        bench.pump(partial(lambda wide: viewer.picture.place_size[0] == wide, width))
    assert len(looks(bench)) == before
    pass_look(bench)
    assert looks(bench)[before:] == [(0, *viewer.picture.place_size)]


def test_closing_it_stops_what_is_seen_and_nothing_else(bench: Bench) -> None:
    viewer, _ = open_viewer(bench)
    viewer.end()
    assert bench.posted[-1] == screen_ev.StopScreen(LINK, shows=False)
    assert not screens_of(bench).viewers
    assert not viewer.window.winfo_exists()


def test_an_end_is_said_instead_of_the_last_picture(bench: Bench) -> None:
    viewer, sight = open_viewer(bench)
    bench.window.show(share(ScreenStage.ENDED, shows=False, reason=Reason.SCREEN_LOST))
    bench.settle()
    assert str(viewer._over_words.cget("text")) == SENTENCES[Reason.SCREEN_LOST]
    assert viewer.picture._size == (0, 0)
    takes = sight.takes
    bench.window.show(PicturesReady(LINK))
    assert sight.takes == takes
    viewer.again_button.invoke()
    assert bench.posted[-1] == screen_ev.AskScreen(LINK)
    posted = len(bench.posted)
    viewer.close_button.invoke()
    assert not screens_of(bench).viewers
    assert len(bench.posted) == posted


def test_a_pause_is_said(bench: Bench) -> None:
    viewer, _ = open_viewer(bench)
    bench.window.show(share(ScreenStage.PAUSED, shows=False))
    bench.settle()
    assert "has paused" in str(viewer._band.cget("text"))
    assert viewer._band.winfo_ismapped()
    bench.window.show(share(ScreenStage.VIEWED, shows=False))
    bench.settle()
    assert not viewer._band.winfo_ismapped()


def test_figures_on_demand(bench: Bench) -> None:
    viewer, _ = open_viewer(bench)
    assert str(viewer._figures.cget("text")) == ""
    viewer.toggle_figures()
    assert str(viewer._figures.cget("text")) == "30 frames/s · 18 ms · 4.2 Mbit/s"
    viewer.toggle_figures()
    assert str(viewer._figures.cget("text")) == ""


def test_a_screen_that_nobody_asked_for_opens_no_window(bench: Bench) -> None:
    bench.window.show(screen_link())
    bench.window.show(share(ScreenStage.OFFERED, shows=False))
    assert not screens_of(bench).viewers


# --- what is done in it ---------------------------------------------------------------------------


def test_nothing_is_sent_without_control(bench: Bench) -> None:
    viewer, _ = open_viewer(bench)
    canvas = viewer.picture.canvas
    bench.focus(canvas)
    bench.key(canvas, "a")
    canvas.event_generate("<Motion>", x=300, y=200)
    canvas.event_generate("<ButtonPress-1>", x=300, y=200)
    bench.settle()
    assert inputs(bench) == []


def test_mouse_and_keys_are_sent_with_control(bench: Bench) -> None:
    viewer, _ = controlling(bench)
    canvas = viewer.picture.canvas
    left, top = viewer.picture._corner
    canvas.event_generate("<ButtonPress-1>", x=left + 320, y=top + 100)
    canvas.event_generate("<ButtonRelease-1>", x=left + 320, y=top + 100)
    place = (320.5 / 640, 100.5 / 400)
    bench.settle()
    assert inputs(bench) == [PointerInput(*place, 1), PointerInput(*place, 0)]
    bench.posted.clear()
    canvas.event_generate("<Key-z>")
    assert [one.key for one in inputs(bench) if isinstance(one, KeyInput)] == ["z"]


def test_what_is_dragged_out_stops_at_the_edge(bench: Bench) -> None:
    viewer, _ = controlling(bench)
    canvas = viewer.picture.canvas
    canvas.event_generate("<ButtonPress-1>", x=viewer.picture._corner[0] + 5, y=20)
    canvas.event_generate("<ButtonRelease-1>", x=-50, y=20)
    released = inputs(bench)[-1]
    assert isinstance(released, PointerInput)
    assert (released.x, released.buttons) == (0.0, 0)


@pytest.mark.parametrize("key", ["<Tab>", "<F10>", "<Alt-Key-f>", "<Control-Key-v>", "<Escape>"])
def test_every_key_but_f11_reaches_the_other_side(bench: Bench, key: str) -> None:
    viewer, _ = controlling(bench)
    viewer.picture.canvas.event_generate(key)
    bench.settle()
    assert len(inputs(bench)) == 1
    assert bench.focused() is viewer.picture.canvas
    assert [one for one in bench.posted if not isinstance(one, screen_ev.UseScreen)] == []


def test_f11_is_for_this_window(bench: Bench) -> None:
    viewer, _ = controlling(bench)
    canvas = viewer.picture.canvas
    bench.key(canvas, "<Key-F11>")
    assert viewer._full
    assert not viewer._tools.winfo_ismapped()
    # The buttons come when the pointer stays at the edge.
    canvas.event_generate("<Motion>", x=100, y=0)
    assert not viewer._tools.winfo_ismapped()
    bench.clock.now += 0.5
    bench.settle()
    assert viewer._tools.winfo_ismapped()
    canvas.event_generate("<Motion>", x=100, y=200)
    bench.settle()
    assert not viewer._tools.winfo_ismapped()
    bench.posted.clear()
    bench.key(canvas, "<Key-F11>")
    assert not viewer._full
    assert not [one for one in inputs(bench) if isinstance(one, KeyInput)]


def test_three_keys_together_give_the_keyboard_back(bench: Bench) -> None:
    viewer, _ = controlling(bench)
    canvas = viewer.picture.canvas
    three = ("Control_L", "Shift_R", "Alt_L")
    # With another key they are a shortcut of the other side's.
    for key in (*three, "t"):
        canvas.event_generate(f"<KeyPress-{key}>")
    for key in ("t", *three):
        canvas.event_generate(f"<KeyRelease-{key}>")
    assert bench.focused() is canvas
    for key in three:
        canvas.event_generate(f"<KeyPress-{key}>")
    assert bench.focused() is canvas
    canvas.event_generate(f"<KeyRelease-{three[1]}>")
    bench.settle()
    assert bench.focused() is viewer.end_button
    # Nothing stays pressed there.
    assert inputs(bench)[-1] == ReleaseAll()
    # A person can go back to the picture with the keyboard alone.
    bench.posted.clear()
    canvas.focus_set()
    bench.settle()
    canvas.event_generate("<KeyPress-a>")
    assert [one.key for one in inputs(bench) if isinstance(one, KeyInput)] == ["a"]


@pytest.mark.parametrize("how", ["focus", "unmap", "close", "revoked"])
def test_everything_is_released_at_the_end(bench: Bench, how: str) -> None:
    viewer, _ = controlling(bench)
    canvas = viewer.picture.canvas
    canvas.event_generate("<KeyPress-a>")
    canvas.event_generate("<ButtonPress-1>", x=300, y=200)
    bench.posted.clear()
    match how:
        case "focus":
            bench.focus(bench.window.pages.links[LINK].entry)
        case "unmap":
            # Systems differ in whether a window that vanishes loses the focus first.
            canvas.event_generate("<Unmap>")
        case "close":
            viewer.end()
        case _:
            bench.window.show(share(ScreenStage.VIEWED, shows=False))
    bench.settle()
    assert ReleaseAll() in inputs(bench)
    assert not viewer._mouse.holds
    assert not viewer._keyboard.holds
    # The stop comes after it.
    assert isinstance(bench.posted[0], screen_ev.UseScreen)


def test_what_is_held_is_said_until_it_is_released(bench: Bench) -> None:
    viewer, _ = controlling(bench)
    viewer.picture.canvas.event_generate("<ButtonPress-1>", x=300, y=200)
    bench.posted.clear()
    for _ in range(3):
        bench.clock.now += 2.1
        bench.settle()
    assert len(inputs(bench)) == 3
    viewer.picture.canvas.event_generate("<ButtonRelease-1>", x=300, y=200)
    bench.posted.clear()
    bench.clock.now += 2.1
    bench.settle()
    assert inputs(bench) == []


def test_while_it_is_controlled_the_pointer_follows_the_mouse_here(bench: Bench) -> None:
    viewer, sight = controlling(bench)
    canvas = viewer.picture.canvas
    sight.pointer = PointerPlace(10, 10, ARROW)
    bench.window.show(PicturesReady(LINK))
    canvas.event_generate("<Motion>", x=300, y=200)
    assert canvas.coords(viewer.picture._pointer) == [299, 198]
    assert str(canvas.cget("cursor")) == "none"
    bench.clock.now += OWN_POINTER_MS / 1000
    bench.settle()
    left, top = viewer.picture._corner
    assert canvas.coords(viewer.picture._pointer) == [left + 9, top + 8]


def test_special_keys_are_pressed_together(bench: Bench) -> None:
    viewer, _ = controlling(bench)
    viewer._fill_menu()
    labels = [
        str(viewer.menu.entrycget(at, "label"))
        for at in range(int(viewer.menu.index("end") or 0) + 1)
        if viewer.menu.type(at) == "command"
    ]
    viewer.menu.invoke(3)
    assert labels[2] == "Press Ctrl+Alt+Del there"
    sent = [(one.key, one.down) for one in inputs(bench) if isinstance(one, KeyInput)]
    assert sent == [
        *(("Control", True), ("Alt", True), ("Delete", True)),
        *(("Delete", False), ("Alt", False), ("Control", False)),
    ]


def test_text_is_pasted_only_by_the_menu(bench: Bench) -> None:
    viewer, _ = controlling(bench)
    bench.root.clipboard_clear()
    bench.root.clipboard_append("Grüße 👍\nzwei")
    viewer.paste()
    assert inputs(bench) == [TextInput("Grüße 👍\nzwei")]
    bench.posted.clear()
    bench.root.clipboard_clear()
    bench.root.clipboard_append("x" * (MAX_PASTED + 1))
    viewer.paste()
    assert inputs(bench) == []
    assert "20,000" in str(viewer._band.cget("text"))
    # It makes room again after a while.
    bench.clock.now += 10
    bench.settle()
    assert "You control" in str(viewer._band.cget("text"))


def test_text_is_copied_only_when_it_was_asked_for(bench: Bench) -> None:
    viewer, _ = controlling(bench)
    bench.root.clipboard_clear()
    bench.root.clipboard_append("mine")
    bench.window.show(ScreenCopied(LINK, "theirs"))
    assert bench.clipboard() == "mine"
    viewer.copy()
    assert inputs(bench) == [CopyText()]
    bench.window.show(ScreenCopied(LINK, "theirs"))
    assert bench.clipboard() == "theirs"
    viewer.copy()
    bench.window.show(ScreenCopied(LINK, None, Reason.NOTHING_COPIED))
    assert str(viewer._band.cget("text")) == SENTENCES[Reason.NOTHING_COPIED]


def test_asking_to_control(bench: Bench) -> None:
    viewer, _ = open_viewer(bench)
    viewer.ask_button.invoke()
    assert bench.posted[-1] == screen_ev.AskScreen(LINK, control=True)
    bench.window.show(share(ScreenStage.VIEWED, shows=False, reason=Reason.DECLINED))
    assert "did not allow control" in str(viewer._band.cget("text"))
    bench.window.show(share(ScreenStage.CONTROLLED, shows=False))
    bench.settle()
    assert not viewer.ask_button.winfo_ismapped()
    assert "You control" in str(viewer._band.cget("text"))


def test_a_resumed_link_keeps_its_window(bench: Bench) -> None:
    viewer, _ = open_viewer(bench)
    bench.window.show(share(ScreenStage.ENDED, shows=False, reason=Reason.PEER_VANISHED))
    again = ev.LinkID("host-2")
    opening = replace(screen_link(), link=again, resumes=LINK, features=())
    bench.window.show(opening)
    assert viewer.link == again
    assert list(screens_of(bench).viewers) == [again]
    assert screen_ev.AskScreen(again) not in bench.posted
    # It is asked for once there is somebody to ask, and not with control, which nobody had.
    bench.window.show(replace(screen_link(), link=again, resumes=LINK))
    assert bench.posted[-1] == screen_ev.AskScreen(again)
    bench.window.show(replace(share(ScreenStage.ASKING, shows=False), link=again))
    bench.window.show(replace(screen_link(), link=again, resumes=LINK))
    assert bench.posted.count(screen_ev.AskScreen(again)) == 1
    bench.window.show(replace(share(ScreenStage.OFFERED, shows=False), link=again))
    pass_look(bench)
    assert [one.link for one in bench.posted if isinstance(one, screen_ev.LookAt)][-1] == again


def test_who_controlled_asks_for_both_again_and_reads_so(bench: Bench) -> None:
    viewer, _ = open_viewer(bench)
    ended = share(ScreenStage.ENDED, shows=False, reason=Reason.CLOSED)
    bench.window.show(replace(ended, control=True))
    viewer.again_button.invoke()
    assert bench.posted[-1] == screen_ev.AskScreen(LINK, control=True)
    bench.window.show(replace(share(ScreenStage.ASKING, shows=False), control=True))
    assert "to see and control the screen" in str(viewer._over_words.cget("text"))
    lost = share(ScreenStage.ENDED, shows=False, reason=Reason.PEER_VANISHED)
    bench.window.show(replace(lost, control=True))
    again = ev.LinkID("host-2")
    bench.window.show(replace(screen_link(), link=again, resumes=LINK))
    assert bench.posted[-1] == screen_ev.AskScreen(again, control=True)


def test_the_end_of_the_program_closes_it(bench: Bench) -> None:
    viewer, _ = open_viewer(bench)
    bench.window.close()
    with pytest.raises(tkinter.TclError):
        viewer.window.title()


def band(viewer: ScreenViewer) -> tuple[str, str]:
    words, style = viewer._band.cget("text"), str(viewer._band.cget("style"))
    return (str(words), style.partition(".")[0]) if viewer._band.winfo_viewable() else ("", "")


@pytest.mark.parametrize("reason", [Reason.OWN_WINDOW, Reason.QUESTION_OPEN])
def test_it_says_why_keys_do_nothing_there(bench: Bench, reason: Reason) -> None:
    viewer, _ = controlling(bench)
    bench.settle()
    before = band(viewer)
    bench.window.show(share(ScreenStage.CONTROLLED, shows=False, reason=reason))
    bench.pump(lambda: band(viewer) == (SENTENCES[reason], "Amber"))
    # Control goes on: the next key may be for another window.
    posted = len(bench.posted)
    bench.focus(viewer.picture.canvas)
    bench.key(viewer.picture.canvas, "a")
    assert any(isinstance(one, screen_ev.UseScreen) for one in bench.posted[posted:])
    bench.window.show(share(ScreenStage.CONTROLLED, shows=False))
    bench.pump(lambda: band(viewer) == before)


def test_a_viewer_that_opens_for_nobody_is_seen_when_it_is_used(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.root, "focus_displayof", lambda: None)
    bench.window.attention.call()
    viewer, _sight = controlling(bench)
    monkeypatch.setattr(bench.root, "focus_displayof", lambda: viewer.picture.canvas)
    assert not bench.window.attention.in_front
    bench.clock.now += ANSWER_DELAY_SECONDS
    bench.settle()
    bench.key(viewer.picture.canvas, "a")
    assert bench.window.attention.in_front
    assert not bench.root.title().startswith("(")
