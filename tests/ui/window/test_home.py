"""Tests of the home page in windows of every size: the join field and the state line are always
visible, and the QR code can be read.
"""

import os
import tkinter
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest
from PIL import ImageGrab

from proxim.app.language import speak
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import SENTENCES, Reason
from proxim.core.i18n import LANGUAGES, tr
from proxim.ui.window import root
from proxim.ui.window.home import Fold
from proxim.ui.window.pages import HOME
from proxim.ui.window.pairing.invite import QR_MODULE_MIN, QR_SIDE
from proxim.ui.window.pairing.steps import StepsParts
from proxim.ui.window.theme import ThemeChoice
from tests.qr_reader import read_qr
from tests.ui.tk_support import DOCKER, URL, WIFI, Bench, MakeBench, link
from tests.ui.window.known.known_support import entry, known


def resize(bench: Bench, width: int, height: int) -> None:
    bench.root.minsize(1, 1)
    bench.root.geometry(f"{width}x{height}+0+0")
    bench.pump(
        lambda: (bench.root.winfo_width(), bench.root.winfo_height()) == (width, height),
        f"the window has {width}x{height}",
    )
    bench.settle()


def bottom(bench: Bench) -> int:
    """Return how far the state line's end is above the window's lower edge."""
    steps, root = bench.window.steps, bench.root
    return root.winfo_rooty() + root.winfo_height() - steps.winfo_rooty() - steps.winfo_height()


def seen(bench: Bench) -> bool:
    """Return whether all of the state line and of the join field is visible."""
    join = bench.window.join
    return (
        bottom(bench) >= 0 and join.winfo_y() > 0 and join.winfo_height() >= join.winfo_reqheight()
    )


def failed_attempt(reason: Reason = Reason.REFUSED) -> st.LinkStatus:
    return replace(link("", st.Stage.CLOSED, "guest-1"), reason=reason)


def test_everything_is_seen_where_there_is_space(bench: Bench) -> None:
    bench.wait_until_whole()
    home = bench.window.home
    assert home._fold is Fold.NOTHING
    assert not home.area.scrolls
    assert bench.window.invite._side_length == home._theme.px(QR_SIDE)


def test_every_size_shows_the_state_line_and_the_join_field(bench: Bench) -> None:
    folds = set()
    for width in (340, 480, 610, 900):
        for height in range(620, 200, -23):
            resize(bench, width, height)
            assert seen(bench), (width, height)
            folds.add(bench.window.home._fold)
    # The last form is for people who have known devices.
    assert folds == set(Fold) - {Fold.DEVICES}
    resize(bench, 700, 700)
    assert bench.window.home._fold is Fold.NOTHING
    assert seen(bench)


@pytest.fixture
def scaling(make_bench: MakeBench) -> Iterator[None]:
    """Give the display its scaling back, which Tk keeps for all windows of a process."""
    first = root.make_root()
    before = first.tk.call("tk", "scaling")
    first.destroy()
    yield
    last = root.make_root()
    last.tk.call("tk", "scaling", before)
    last.destroy()


def on_screen(
    make_bench: MakeBench,
    monkeypatch: pytest.MonkeyPatch,
    screen: tuple[int, int],
    percent: int,
    theme: ThemeChoice = "light",
) -> Bench:
    """Make a window for a screen of this size and scaling. It needs the fixture `scaling`."""
    monkeypatch.setattr(root, "_xft_dpi", lambda: 96 * percent / 100)
    monkeypatch.setattr(tkinter.Misc, "winfo_screenwidth", lambda _self: screen[0])
    monkeypatch.setattr(tkinter.Misc, "winfo_screenheight", lambda _self: screen[1])
    return make_bench(theme)


@pytest.mark.usefixtures("scaling")
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("percent", [100, 150, 200])
@pytest.mark.parametrize("screen", [(1366, 768), (1920, 1080)])
def test_every_screen_at_every_scaling(
    make_bench: MakeBench,
    monkeypatch: pytest.MonkeyPatch,
    screen: tuple[int, int],
    percent: int,
    language: str,
    theme: ThemeChoice,
) -> None:
    speak(language)
    bench = on_screen(make_bench, monkeypatch, screen, percent, theme)
    for networks in ((WIFI,), (WIFI, DOCKER)):
        bench.window.show(st.Networks(networks, WIFI.address))
        bench.clock.now += 1
        bench.settle()
        assert bench.root.winfo_width() <= screen[0]
        # A window's title and a desktop's bars take 36 pixels each at 100 %.
        assert bench.root.winfo_height() <= screen[1] - 72 * percent / 100
        assert seen(bench)
        picture = ImageGrab.grab(xdisplay=os.environ["DISPLAY"])
        assert read_qr(picture) == URL
        # The whole quiet zone is in sight, too.
        card, area = bench.window.invite._card, bench.window.home.area
        matrix = bench.window.invite._matrix
        assert matrix is not None
        module = bench.window.invite._side_length // len(matrix)
        spare = (bench.window.invite._side_length - module * len(matrix)) // 2
        hidden = card.winfo_rooty() + card.winfo_height() - spare
        assert hidden <= area.winfo_rooty() + area.winfo_height()
    bench.picture(f"home-{screen[0]}-{percent}-{language}-{theme}")


@pytest.mark.parametrize("height", [600, 500, 450, 400, 360, 330])
def test_the_code_can_be_scanned_at_every_height(bench: Bench, height: int) -> None:
    resize(bench, 610, height)
    bench.picture(f"home-{height}")
    assert read_qr(ImageGrab.grab(xdisplay=os.environ["DISPLAY"])) == URL
    image, matrix = bench.window.invite._image, bench.window.invite._matrix
    assert image is not None
    assert matrix is not None
    assert image.width() >= len(matrix) * bench.window.theme.px(QR_MODULE_MIN)


def test_a_narrow_window_has_the_texts_below_the_code(bench: Bench) -> None:
    resize(bench, 360, 700)
    invite = bench.window.invite
    assert invite._stacked
    assert invite._side.winfo_y() >= invite._card.winfo_height()
    assert invite.refuse.winfo_x() + invite.refuse.winfo_width() <= invite.winfo_width()
    resize(bench, 640, 700)
    assert not invite._stacked


def test_a_choice_that_has_no_place_in_one_line_has_two(make_bench: MakeBench) -> None:
    for language in LANGUAGES:
        speak(language)
        bench = make_bench("light")
        bench.wait_until_whole()
        refuse, one_line = bench.window.invite.refuse, tr("invite.refuse")
        seen: dict[int, str] = {}
        for width in (*range(640, 280, -20), *range(280, 660, 20)):
            resize(bench, width, 700)
            text = str(refuse.cget("text"))
            assert text.replace("\n", " ") == one_line
            assert refuse.winfo_width() >= refuse.winfo_reqwidth(), (language, width)
            # How it was reached changes nothing.
            assert seen.setdefault(width, text) == text, (language, width)
        assert seen[640] == one_line
        assert seen[280].count("\n") == 1
        bench.root.destroy()


def test_what_has_no_place_scrolls(bench: Bench) -> None:
    resize(bench, 610, 300)
    area, refuse = bench.window.home.area, bench.window.invite.refuse
    assert area.scrolls
    bench.pump(area._bar.winfo_viewable)

    def in_sight() -> bool:
        end = refuse.winfo_rooty() + refuse.winfo_height()
        return end <= area.winfo_rooty() + area.winfo_height()

    assert not in_sight()
    for _ in range(20):
        refuse.event_generate("<Button-5>")
    bench.settle()
    assert in_sight()
    for _ in range(20):
        bench.window.invite._card.event_generate("<Button-4>")
    bench.settle()
    assert not in_sight()
    # The Tab key brings what it reaches into sight.
    bench.focus(refuse)
    bench.settle()
    assert in_sight()
    bench.focus(bench.window.device_bar.button)
    bench.settle()
    assert area._canvas.canvasy(0) == 0


def test_content_that_changes_does_not_make_it_flicker(bench: Bench) -> None:
    for height in range(560, 400, -3):
        resize(bench, 610, height)
        for networks in ((WIFI,), (WIFI, DOCKER)):
            bench.window.show(st.Networks(networks, WIFI.address))
            # A layout that never comes to rest would never return from this.
            bench.settle()
            assert seen(bench), height


def test_a_problem_is_shown_although_the_hint_is_folded(bench: Bench) -> None:
    resize(bench, 610, 400)
    join = bench.window.join
    assert not join._note.winfo_viewable()
    bench.focus(join.entry)
    bench.key(join.entry, *"UUUU")
    bench.pump(join._note.winfo_viewable, "the problem is shown")
    bench.settle()
    assert seen(bench)
    join.clear()
    bench.settle()
    assert not join._note.winfo_viewable()


def uses_its_width(bench: Bench) -> bool:
    """Return whether the content is as wide as its place, where there is no scroll bar."""
    area = bench.window.home.area
    return area.scrolls or area.inside.winfo_width() == area.winfo_width()


def blank(bench: Bench) -> int:
    """Return the height below the state line that nothing uses, but the page's edge."""
    return bottom(bench) - int(str(bench.window.home.cget("padding")[0]))


@pytest.mark.usefixtures("scaling")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("percent", [100, 150, 200])
@pytest.mark.parametrize("screen", [(1366, 768), (1920, 1080)])
def test_an_error_folds_no_more_than_it_needs(
    make_bench: MakeBench,
    monkeypatch: pytest.MonkeyPatch,
    screen: tuple[int, int],
    percent: int,
    language: str,
) -> None:
    speak(language)
    bench = on_screen(make_bench, monkeypatch, screen, percent)
    bench.clock.now += 1
    bench.settle()
    home, join, steps = bench.window.home, bench.window.join, bench.window.steps
    drawing = steps.height(StepsParts.DRAWING) - steps.height(StepsParts.SENTENCE)
    at_first = home._fold
    for reason in (Reason.CODE_TYPO, Reason.LINK_UNREADABLE):
        join._show_problem(SENTENCES[reason])
        bench.clock.now += 1
        bench.settle()
        assert seen(bench)
        assert uses_its_width(bench)
        assert steps._canvas.winfo_viewable() or blank(bench) < drawing * 2 // 3
        bench.picture(f"home-{screen[0]}-{percent}-{language}-{reason}")
        join._show_problem(None)
        bench.clock.now += 1
        bench.settle()
        assert home._fold is at_first
        assert uses_its_width(bench)
    for reason in (Reason.REFUSED, Reason.ICE_FAILED):
        bench.window.show(failed_attempt(reason))
        bench.clock.now += 1
        bench.settle()
        assert seen(bench)
        assert uses_its_width(bench)
        assert steps._canvas.winfo_viewable() or blank(bench) < drawing * 2 // 3
        bench.picture(f"home-{screen[0]}-{percent}-{language}-{reason}")
        steps._button.invoke()
        bench.clock.now += 1
        bench.settle()
        assert home._fold is at_first


def test_the_code_shrinks_before_the_drawing_goes(bench: Bench) -> None:
    home, invite = bench.window.home, bench.window.invite
    large = home._theme.px(QR_SIDE)
    drawn_small = False
    for height in range(560, 380, -4):
        resize(bench, 610, height)
        if home._fold is Fold.DRAWING:
            break
        drawn_small |= invite._side_length < large
        assert not home.area.scrolls
    assert drawn_small
    assert home._fold is Fold.DRAWING


@pytest.mark.usefixtures("scaling")
@pytest.mark.parametrize("percent", [100, 200])
def test_a_failure_is_red_with_and_without_the_drawing(
    make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch, percent: int
) -> None:
    # At 200 % this window never draws the steps.
    bench = on_screen(make_bench, monkeypatch, (1366, 768), percent)
    steps = bench.window.steps
    assert bool(steps._canvas.winfo_viewable()) is (percent == 100)
    for _ in range(2):
        bench.window.show(failed_attempt())
        bench.settle()
        assert str(steps._sentence.cget("style")) == "Error.TLabel"
        steps._button.invoke()
        assert str(steps._sentence.cget("style")) == "TLabel"


def test_a_size_that_the_person_chose_stays(bench: Bench) -> None:
    resize(bench, 800, 400)
    bench.window.show(st.Networks((WIFI, DOCKER), WIFI.address))
    bench.window.show(bench.invitation(kind=ev.SessionType.PERSISTENT, life=None))
    bench.clock.now += 1
    bench.settle()
    assert (bench.root.winfo_width(), bench.root.winfo_height()) == (800, 400)


def test_the_window_cannot_be_made_useless(bench: Bench) -> None:
    width, height = bench.root.minsize()
    assert width >= 300
    assert height >= bench.window.join.winfo_reqheight() + bench.window.steps.winfo_reqheight() - 60


@pytest.mark.parametrize("count", [1, 3, 40])
def test_beside_tabs_on_a_low_screen_no_space_is_left_empty(
    scaling: None, make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    bench = on_screen(make_bench, monkeypatch, (1366, 768), 100)
    bench.window.show(known(*map(entry, range(count))))
    bench.window.show(link())
    bench.window.pages.select(HOME)
    bench.wait_until_whole()
    bench.settle()
    home = bench.window.home
    assert home._fold is Fold.MARGINS
    assert seen(bench)
    row = bench.window.theme.px(40)
    assert bottom(bench) < row


def test_names_of_steps_never_run_into_one_another(bench: Bench) -> None:
    bench.begin()
    canvas = bench.window.steps._canvas

    def names() -> list[str]:
        items = [item for item in canvas.find_all() if str(canvas.type(item)) == "text"]
        boxes = [canvas.bbox(item) for item in items]
        assert all(left[2] < right[0] for left, right in pairwise(boxes))
        return [str(canvas.tk.call(canvas, "itemcget", item, "-text")) for item in items]

    def only(name: str) -> None:
        bench.pump(lambda: names() == [name])

    bench.wait_until_whole()
    assert len(names()) == 5
    px, height = bench.window.theme.px, bench.root.winfo_height()
    resize(bench, px(340), height)
    only("Waiting")
    bench.window.show(link("Grace", st.Stage.APPROVED))
    only("Approved")
    resize(bench, px(640), height)
    bench.pump(lambda: len(names()) == 5)
