"""The other side's screen as a face takes it: acknowledged when drawn, and refused if hostile."""

import io
import threading
from collections.abc import Callable, Iterator

import pytest
from PIL import Image

from proxim.core.screen.sight import Figures, Moved, Patch, PointerPicture, PointerPlace
from proxim.core.screen.updates import (
    KEPT_SHAPES,
    Canvas,
    Format,
    Pointer,
    PointerShape,
    Rectangle,
    Tile,
    Update,
    pack_canvas,
    pack_delay,
    pack_pointer,
    pack_shape,
    pack_update,
)
from proxim.io.screen import sight as sight_module
from proxim.io.screen.sight import ChannelSight
from tests.io.support import PATIENCE

WIDTH, HEIGHT = 64, 48


class Told:
    """A Face that remembers."""

    def __init__(self) -> None:
        self.readies = self.refusals = 0
        self.numbers: list[int] = []
        self._changed = threading.Condition()

    def ready(self) -> None:
        with self._changed:
            self.readies += 1
            self._changed.notify_all()

    def refused(self) -> None:
        with self._changed:
            self.refusals += 1
            self._changed.notify_all()

    def drawn(self, number: int) -> None:
        self.numbers.append(number)

    def until(self, fits: Callable[[], object]) -> None:
        with self._changed:
            assert self._changed.wait_for(fits, PATIENCE)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def sight(told: Told) -> Iterator[ChannelSight]:
    made = ChannelSight(told)
    yield made
    made.close()
    made.join(PATIENCE)
    assert not made.running


def png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def update(number: int, colour: str, place: Rectangle | None = None) -> list[bytes]:
    place = place or Rectangle(0, 0, WIDTH, HEIGHT)
    image = Image.new("RGB", (place.width, place.height), colour)
    return list(pack_update(Update(number, (Tile(place, Format.PNG, png(image)),))))


def feed(sight: ChannelSight, *messages: bytes) -> None:
    for one in messages:
        sight.feed(memoryview(one))


CANVAS = pack_canvas(Canvas(0, WIDTH, HEIGHT))


def test_a_face_is_not_busy_with_countless_changes(sight: ChannelSight, told: Told) -> None:
    dot = png(Image.new("RGB", (1, 1), "red"))
    dots = tuple(
        Tile(Rectangle(x, y, 1, 1), Format.PNG, dot) for x in range(WIDTH) for y in range(HEIGHT)
    )
    feed(sight, CANVAS, *pack_update(Update(1, dots)))
    told.until(lambda: told.readies == 1)
    (whole,) = sight.take().changes
    assert isinstance(whole, Patch)
    assert whole == Patch(Rectangle(0, 0, WIDTH, HEIGHT), bytes((255, 0, 0)) * WIDTH * HEIGHT)


def test_a_picture_is_taken_and_acknowledged_when_it_was_drawn(
    sight: ChannelSight, told: Told
) -> None:
    assert sight.canvas == (0, 0)
    assert sight.take().changes == ()
    feed(sight, CANVAS, pack_pointer(Pointer(0, 1, 1)))
    while sight.take().pointer is None:
        pass
    assert sight.canvas == (WIDTH, HEIGHT)
    # Nobody is called to look at nothing.
    assert told.readies == 0
    sight.drawn()
    assert told.numbers == []
    feed(sight, *update(7, "red"))
    told.until(lambda: told.readies == 1)
    picture = sight.take()
    assert (picture.width, picture.height) == (WIDTH, HEIGHT)
    patch = picture.changes[-1]
    assert isinstance(patch, Patch)
    assert patch.rgb == Image.new("RGB", (WIDTH, HEIGHT), "red").tobytes()
    assert told.numbers == []
    sight.drawn()
    sight.drawn()
    assert told.numbers == [7]


def test_a_face_is_told_once_until_it_takes(sight: ChannelSight, told: Told) -> None:
    feed(sight, CANVAS, *update(1, "red"), *update(2, "blue"))
    seen: list[object] = []

    def both() -> bool:
        seen.extend(sight.take().changes)
        sight.drawn()
        return told.numbers[-1:] == [2]

    told.until(lambda: told.readies)
    while not both():
        pass
    assert told.readies <= 3


def test_a_face_that_takes_nothing_needs_no_memory(sight: ChannelSight, told: Told) -> None:
    feed(sight, CANVAS)
    for number in range(50):
        feed(sight, *update(number, "red" if number % 2 else "blue"))
    sight.take()
    changes: tuple[Patch | Moved, ...] = ()

    def newest() -> bool:
        nonlocal changes
        picture = sight.take()
        changes = picture.changes or changes
        assert len(picture.changes) <= 3
        sight.drawn()
        return told.numbers[-1:] == [49]

    while not newest():
        pass
    last = changes[-1]
    assert isinstance(last, Patch)
    assert last.rgb[:3] == b"\xff\x00\x00"


def test_the_view_is_scaled_as_the_face_wants_it(sight: ChannelSight, told: Told) -> None:
    # Before anything is known, and again when it changes.
    sight.scale_to(32, 24)
    feed(sight, CANVAS, *update(1, "red"))
    told.until(lambda: told.readies)
    while not (picture := sight.take()).changes:
        pass
    assert (picture.width, picture.height) == (32, 24)
    sight.scale_to(0, 0)
    while (picture := sight.take()).width != WIDTH or not picture.changes:
        pass
    (patch,) = picture.changes
    assert isinstance(patch, Patch)
    assert patch.place == Rectangle(0, 0, WIDTH, HEIGHT)
    # Another monitor begins anew.
    feed(sight, pack_canvas(Canvas(1, 20, 10)))
    while (picture := sight.take()).width != 20:
        pass
    assert picture.pointer is None


def test_the_pointer_is_kept_with_its_newest_shape(sight: ChannelSight, told: Told) -> None:
    image = Image.new("RGBA", (2, 3), (1, 2, 3, 4))
    feed(sight, CANVAS, pack_shape(PointerShape(5, 2, 3, 1, 2, png(image))))
    feed(sight, pack_pointer(Pointer(5, 10, -3)))
    place = PointerPlace(10, -3, PointerPicture(2, 3, 1, 2, image.tobytes()))
    while sight.take().pointer != place:
        pass
    for shape in range(100, 100 + KEPT_SHAPES):
        feed(sight, pack_shape(PointerShape(shape, 2, 3, 1, 2, png(image))))
    feed(sight, pack_pointer(Pointer(5, 1, 1)))
    # So many others have come that it is forgotten.
    while sight.take().pointer != PointerPlace(1, 1, None):
        pass


@pytest.mark.parametrize(
    "messages",
    [
        [b"\xff"],
        [CANVAS, CANVAS[:-1]],
        update(1, "red"),
        [CANVAS, *update(1, "red", Rectangle(60, 0, 20, 20))],
        [CANVAS, *pack_update(Update(1, (Tile(Rectangle(0, 0, 9, 9), Format.PNG, b"no"),)))],
        [CANVAS, pack_shape(PointerShape(1, 2, 2, 0, 0, b"no"))],
    ],
)
def test_what_breaks_the_rules_is_refused_once(
    sight: ChannelSight, told: Told, messages: list[bytes]
) -> None:
    feed(sight, *messages)
    told.until(lambda: told.refusals)
    feed(sight, *update(2, "blue"), b"\xff")
    sight.join(PATIENCE)
    assert not sight.running
    assert told.refusals == 1


def test_a_sender_that_waits_for_nobody_is_refused(
    sight: ChannelSight, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sight_module, "MOST_WAITING_BYTES", 20_000)
    begun = threading.Event()
    monkeypatch.setattr(sight, "_next", lambda: begun.wait(PATIENCE) and None)
    for _ in range(21):
        feed(sight, bytes(1000))
    begun.set()
    told.until(lambda: told.refusals)
    assert told.refusals == 1


def test_the_figures_are_those_of_the_last_second(
    sight: ChannelSight, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sight.figures() == Figures(0.0, 0.0, None)
    feed(sight, CANVAS, pack_delay(0.025), *update(1, "red"))
    while told.numbers != [1]:
        sight.take()
        sight.drawn()
    monkeypatch.setattr(sight_module, "FIGURES_SECONDS", 0.0)
    figures = sight.figures()
    assert figures.frames_per_second > 0
    assert figures.megabits_per_second >= 0
    assert figures.delay_milliseconds == 25
    assert sight.figures().frames_per_second == 0
