"""What is sent of a screen, and when: nothing is queued, and nothing idle costs anything."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from PIL import Image

from proxim.core.errors import Reason
from proxim.core.screen.messages import Monitor
from proxim.core.screen.pacing import MOST_UPDATES, Pacing
from proxim.core.screen.updates import (
    Canvas,
    Delay,
    Format,
    Pointer,
    PointerShape,
    Rectangle,
    Tile,
    Update,
)
from proxim.io.screen import session, shown
from proxim.io.screen.capture import CaptureError
from proxim.io.screen.pixels import Look, Picture, moving_tile
from proxim.io.screen.sender import Drawn, Pause, Sender, Show, Stop
from tests.io.screen.desk import Desk, Viewer
from tests.io.screen.pictures import photo, text_page
from tests.io.support import PATIENCE
from tests.paths import ROOT

WIDTH, HEIGHT = 640, 400
RED = Image.new("RGB", (16, 16), "red")
BLUE = Image.new("RGB", (16, 16), "blue")
Start = Callable[[Desk], tuple[Viewer, Sender]]


@pytest.fixture
def start() -> Iterator[Start]:
    senders: list[Sender] = []

    def begin(desk: Desk) -> tuple[Viewer, Sender]:
        viewer = Viewer()
        senders.append(Sender(viewer, lambda: desk))
        viewer.until(lambda: viewer.monitors or viewer.reasons)
        return viewer, senders[-1]

    yield begin
    for sender in senders:
        sender.wish(Stop())
        sender.join(PATIENCE)
        assert not sender.running


def acknowledge(viewer: Viewer, sender: Sender) -> None:
    sender.wish(Drawn(viewer.of(Update)[-1].number))


def test_a_screen_is_found_and_shown_whole(start: Start) -> None:
    desk = Desk(text_page(WIDTH, HEIGHT))
    viewer, sender = start(desk)
    assert viewer.monitors == [desk.found]
    assert viewer.messages == []
    sender.wish(Show(desk.found[0], viewer))
    viewer.until(lambda: viewer.of(Update))
    assert viewer.messages[0] == Canvas(0, WIDTH, HEIGHT)
    (update,) = viewer.of(Update)
    assert sum(tile.place.area for tile in update.tiles) == WIDTH * HEIGHT
    assert update.number == 1


def test_a_large_screen_is_on_its_way_before_all_of_it_is_compressed(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(text_page(1600, 1200))
    viewer, sender = start(desk)
    arrived: list[int] = []
    compress = moving_tile

    def last_waits(picture: Picture, place: Rectangle, look: Look) -> Tile:
        if place.bottom == 1200:
            viewer.until(lambda: viewer.of(Update))
            arrived.append(len(viewer.of(Update)))
        return compress(picture, place, look)

    monkeypatch.setattr(shown, "moving_tile", last_waits)
    sender.wish(Show(desk.found[0], viewer))
    viewer.until(lambda: len(viewer.of(Update)) == shown.PORTIONS)
    assert arrived
    places = [tile.place for update in viewer.of(Update) for tile in update.tiles]
    assert sum(place.area for place in places) == 1600 * 1200
    acknowledge(viewer, sender)
    # All of them are one picture.
    viewer.until(lambda: viewer.figures)
    assert viewer.figures[0].frames_per_second <= 1


def test_text_that_takes_long_to_send_is_blurred_until_it_rests(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def too_much(_: Pacing, size: int) -> bool:
        asked.append(size)
        return False

    monkeypatch.setattr(Pacing, "carries_text", too_much)
    desk = Desk(text_page(WIDTH, HEIGHT))
    viewer, sender = start(desk)
    sender.wish(Show(desk.found[0], viewer))
    viewer.until(lambda: viewer.of(Update))
    first = viewer.of(Update)[0]
    assert {tile.format for tile in first.tiles} == {Format.JPEG}
    assert asked == [int(session.TEXT_BYTES * WIDTH * HEIGHT)]

    def sharp() -> bool:
        acknowledge(viewer, sender)
        tiles = [tile for update in viewer.of(Update)[1:] for tile in update.tiles]
        assert {tile.format for tile in tiles} <= {Format.PNG}
        return sum(tile.place.area for tile in tiles) == WIDTH * HEIGHT

    viewer.until(sharp)


def test_a_black_screen_is_shown_too(start: Start) -> None:
    desk = Desk(Image.new("RGB", (WIDTH, HEIGHT)))
    viewer, sender = start(desk)
    sender.wish(Show(desk.found[0], viewer))
    viewer.until(lambda: viewer.of(Update))
    assert viewer.of(Update) == [Update(1, ())]
    acknowledge(viewer, sender)
    desk.tell(Rectangle(0, 0, WIDTH, HEIGHT))
    desk.paint(RED)
    viewer.until(lambda: len(viewer.of(Update)) == 2)
    assert len(viewer.of(Update)[1].tiles) == 1


def test_a_viewer_that_never_acknowledges_is_sent_no_more(start: Start) -> None:
    desk = Desk(text_page(WIDTH, HEIGHT))
    viewer, sender = start(desk)
    sender.wish(Show(desk.found[0], viewer))
    for number in range(1, MOST_UPDATES):
        viewer.until(lambda: len(viewer.of(Update)) == number)  # noqa: B023
        desk.paint((RED, BLUE)[number % 2], 50 * number, 0)
    viewer.until(lambda: len(viewer.of(Update)) == MOST_UPDATES)
    grabs = desk.grabs
    for number in range(20):
        looks = desk.looks
        desk.paint((BLUE, RED)[number % 2], 10 * number, 100)
        while desk.looks == looks:
            # The thread goes on looking.
            viewer.until(lambda: sender.running)
    assert len(viewer.of(Update)) == MOST_UPDATES
    assert desk.grabs == grabs
    # What gathered is one update, of the newest.
    acknowledge(viewer, sender)
    viewer.until(lambda: len(viewer.of(Update)) == MOST_UPDATES + 1)
    assert len(viewer.of(Update)[-1].tiles) >= 1


def test_a_way_that_is_full_is_left_alone(start: Start) -> None:
    desk = Desk(text_page(WIDTH, HEIGHT))
    viewer, sender = start(desk)
    viewer.waiting = 10**9
    sender.wish(Show(desk.found[0], viewer))
    viewer.until(lambda: viewer.of(Canvas))
    looks = desk.looks
    while desk.looks < looks + 5:
        desk.point(desk.looks % 50, 5)
    assert viewer.of(Update) == []
    assert viewer.of(Pointer) == []
    viewer.waiting = 0
    desk.point(3, 5)
    viewer.until(lambda: viewer.of(Update) and viewer.of(Pointer))


def test_what_rests_is_sharpened_and_then_nothing_is_sent(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(photo(WIDTH, HEIGHT))
    viewer, sender = start(desk)
    sender.wish(Show(desk.found[0], viewer))
    cells: set[object] = set()

    def sharp() -> bool:
        if viewer.of(Update):
            acknowledge(viewer, sender)
        tiles = [tile for update in viewer.of(Update)[1:] for tile in update.tiles]
        cells.update(tile.place for tile in tiles)
        return sum(tile.place.area for tile in tiles) == WIDTH * HEIGHT

    viewer.until(sharp)
    acknowledge(viewer, sender)
    # The figures are the last that is told.
    viewer.until(
        lambda: viewer.of(Delay) and viewer.figures and viewer.figures[-1].frames_per_second == 0
    )
    size, looks = viewer.size, desk.looks
    monkeypatch.setattr(session, "WATCH_SECONDS", 0.01)
    desk.wake()
    while desk.looks < looks + 20:
        viewer.until(lambda: sender.running)
    assert viewer.size == size


def test_the_pointer_is_drawn_by_whoever_sees(start: Start) -> None:
    desk = Desk(text_page(WIDTH, HEIGHT), (Monitor(0, "A", 100, 50, 300, 200),))
    viewer, sender = start(desk)
    desk.point(110, 60)
    sender.wish(Show(desk.found[0], viewer))
    viewer.until(lambda: viewer.of(Pointer))
    assert [one.id for one in viewer.of(PointerShape)] == [1]
    assert viewer.of(Pointer) == [Pointer(1, 10, 10)]
    desk.point(120, 70)
    viewer.until(lambda: len(viewer.of(Pointer)) == 2)
    # The same shape is not sent again.
    desk.point(130, 70, shape=2)
    viewer.until(lambda: len(viewer.of(Pointer)) == 3)
    assert [one.id for one in viewer.of(PointerShape)] == [1, 2]
    # On another monitor it is not seen at all, wherever it moves.
    desk.point(10, 10)
    viewer.until(lambda: len(viewer.of(Pointer)) == 4)
    desk.point(20, 10)
    desk.paint(RED, 200, 100)
    viewer.until(lambda: len(viewer.of(Update)) == 2)
    assert viewer.of(Pointer)[-1] == Pointer(0, 0, 0)
    assert len(viewer.of(Pointer)) == 4


def test_a_paused_screen_is_not_looked_at_and_goes_on_whole(start: Start) -> None:
    desk = Desk(text_page(WIDTH, HEIGHT))
    viewer, sender = start(desk)
    sender.wish(Show(desk.found[0], viewer))
    viewer.until(lambda: viewer.of(Update))
    sender.wish(Pause())
    looks = desk.looks
    while desk.looks < looks + 3:
        desk.paint(RED, 10, 10)
    assert len(viewer.of(Update)) == 1
    sender.wish(Show(desk.found[0], viewer))
    viewer.until(lambda: len(viewer.of(Update)) == 2)
    # The first is still under way on the same channel, so the numbers go on.
    assert [one.number for one in viewer.of(Update)] == [1, 2]
    assert len(viewer.of(Canvas)) == 2
    whole = viewer.of(Update)[1].tiles
    assert sum(tile.place.area for tile in whole) == WIDTH * HEIGHT


def test_monitors_that_change_are_told_and_what_is_shown_is_asked_for_again(start: Start) -> None:
    desk = Desk(text_page(WIDTH, HEIGHT))
    viewer, sender = start(desk)
    sender.wish(Show(desk.found[0], viewer))
    viewer.until(lambda: viewer.of(Update))
    acknowledge(viewer, sender)
    # Nothing is another.
    desk.plug(*desk.found)
    desk.paint(RED, 10, 10)
    viewer.until(lambda: len(viewer.of(Update)) == 2)
    other = Monitor(1, "B", 0, 0, 300, 200)
    desk.plug(other)
    viewer.until(lambda: len(viewer.monitors) == 2)
    assert viewer.monitors[1] == (other,)
    sender.wish(Show(other, viewer))
    viewer.until(lambda: viewer.of(Canvas)[-1] == Canvas(1, 300, 200))
    desk.plug()
    viewer.until(lambda: viewer.reasons)
    assert viewer.reasons == [Reason.NO_SCREEN]


def test_a_screen_that_is_lost_ends_the_thread(start: Start) -> None:
    desk = Desk(text_page(WIDTH, HEIGHT))
    viewer, sender = start(desk)
    sender.wish(Show(desk.found[0], viewer))
    viewer.until(lambda: viewer.of(Update))
    desk.fail(Reason.SCREEN_LOST)
    viewer.until(lambda: viewer.reasons)
    assert viewer.reasons == [Reason.SCREEN_LOST]
    sender.join(PATIENCE)
    assert not sender.running
    assert desk.closed


def test_a_screen_that_cannot_be_opened_is_told() -> None:
    viewer = Viewer()

    def forbidden() -> Desk:
        raise CaptureError(Reason.SCREEN_FORBIDDEN)

    sender = Sender(viewer, forbidden)
    sender.join(PATIENCE)
    assert viewer.reasons == [Reason.SCREEN_FORBIDDEN]


def test_a_bug_ends_the_share(caplog: pytest.LogCaptureFixture) -> None:
    viewer = Viewer()

    def wrong() -> Desk:
        raise ZeroDivisionError

    sender = Sender(viewer, wrong)
    sender.join(PATIENCE)
    assert viewer.reasons == [Reason.SCREEN_LOST]
    assert "ZeroDivisionError" in caplog.text


def test_the_delay_is_told_to_both_sides(start: Start) -> None:
    desk = Desk(text_page(WIDTH, HEIGHT))
    viewer, sender = start(desk)
    sender.wish(Show(desk.found[0], viewer))

    def measured() -> bool:
        if viewer.of(Update):
            acknowledge(viewer, sender)
        return bool(viewer.of(Delay)) and any(
            one.delay_milliseconds is not None for one in viewer.figures
        )

    viewer.until(measured)


def test_what_is_too_much_for_one_update_comes_in_several(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "MAX_UPDATE_BYTES", 100_000)
    desk = Desk(photo(1280, 1024))
    viewer, sender = start(desk)
    sender.wish(Show(desk.found[0], viewer))
    viewer.until(lambda: len(viewer.of(Update)) >= 3)
    assert {tile.format for one in viewer.of(Update) for tile in one.tiles} == {Format.JPEG}


def test_what_pictures_need_is_loaded_while_a_person_decides() -> None:
    program = (
        "import sys\n"
        "from proxim.io.screen.sender import load\n"
        "heavy = {'PIL', 'isal', 'xcffib', 'proxim.io.screen.session', 'proxim.io.screen.viewed'}\n"
        "assert not heavy & {*sys.modules}\n"
        "load()\n"
        "print(*sorted(heavy - {*sys.modules}))\n"
    )
    # Nothing looks at this display, so none has to be there.
    environment = {**os.environ, "DISPLAY": ":0", "XDG_SESSION_TYPE": "x11"}
    environment.pop("WAYLAND_DISPLAY", None)
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("\n", "")
