"""What changes on a monitor becomes few tiles, which make the other side's picture the same."""

import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image, ImageChops

from proxim.core.screen.messages import Monitor
from proxim.core.screen.updates import MAX_SIDE, Format, Rectangle, Tile, Update
from proxim.io.screen import shown
from proxim.io.screen.pixels import Look, row_checksums
from proxim.io.screen.shown import CELL_HEIGHT, CELL_WIDTH, REST_SECONDS, ShownMonitor
from proxim.io.screen.viewed import Viewed
from tests.io.screen.desk import Desk
from tests.io.screen.pictures import photo, text_page

WIDTH, HEIGHT = 1000, 700
WHOLE = Rectangle(0, 0, WIDTH, HEIGHT)


def best(pixels: int) -> Look:
    return Look(80)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as made:
        yield made


class Pair:
    """A desktop's monitor, and its picture at the other side."""

    def __init__(
        self, desk: Desk, pool: ThreadPoolExecutor, monitor: Monitor | None = None
    ) -> None:
        self.desk = desk
        self.shown = ShownMonitor(monitor or desk.found[0], pool)
        self.viewed = Viewed(self.shown.width, self.shown.height)
        self.now = 0.0

    def update(self, *changed: Rectangle) -> list[Tile]:
        return [tile for portion in self.portions(*changed) for tile in portion]

    def portions(self, *changed: Rectangle) -> list[list[Tile]]:
        portions = list(self.shown.update(self.desk, changed, best, self.now))
        for tiles in portions:
            self.viewed.draw(Update(1, tuple(tiles)))
        return portions

    def rest(self) -> None:
        self.now += REST_SECONDS
        while tiles := self.shown.sharpen(self.now):
            self.viewed.draw(Update(1, tuple(tiles)))
        assert self.shown.rests_at() is None

    @property
    def seen(self) -> Image.Image:
        return Image.frombytes("RGB", self.viewed.size, self.viewed.whole().rgb)


def most(one: Image.Image, other: Image.Image) -> int:
    extremes = ImageChops.difference(one, other).getextrema()
    return max(high for _, high in extremes)  # type: ignore[misc]


def same(one: Image.Image, other: Image.Image) -> bool:
    return ImageChops.difference(one, other).getbbox() is None


def test_text_is_the_same_at_once(pool: ThreadPoolExecutor) -> None:
    pair = Pair(Desk(text_page(WIDTH, HEIGHT)), pool)
    tiles = pair.update(WHOLE)
    assert {tile.format for tile in tiles} == {Format.PNG}
    assert same(pair.seen, pair.desk.image)
    assert pair.shown.rests_at() is None


def test_what_was_drawn_again_as_it_was_is_not_sent(pool: ThreadPoolExecutor) -> None:
    pair = Pair(Desk(text_page(WIDTH, HEIGHT)), pool)
    pair.update(WHOLE)
    assert pair.update(WHOLE) == []


def test_only_what_differs_is_sent(pool: ThreadPoolExecutor) -> None:
    pair = Pair(Desk(text_page(WIDTH, HEIGHT)), pool)
    pair.update(WHOLE)
    pair.desk.paint(Image.new("RGB", (9, 11), "red"), 500, 300)
    # The program drew its whole window again.
    tiles = pair.update(WHOLE)
    assert [tile.place for tile in tiles] == [Rectangle(500, 300, 9, 11)]
    assert same(pair.seen, pair.desk.image)


def test_scrolled_text_is_copied(pool: ThreadPoolExecutor) -> None:
    tall = text_page(800, 900)
    pair = Pair(Desk(text_page(WIDTH, HEIGHT, 2)), pool)
    window = Rectangle(100, 50, 800, 600)
    pair.update(WHOLE)
    for top in (0, 17, 34, 17, 0):
        pair.desk.paint(tall.crop((0, top, 800, top + 600)), window.x, window.y)
        # Programs often draw more again than what they have scrolled.
        tiles = pair.update(WHOLE if top == 34 else window)
        if top:
            assert Format.COPY in {tile.format for tile in tiles}
        assert same(pair.seen, pair.desk.image)
    copies = [tile for tile in tiles if tile.format is Format.COPY]
    assert len(copies) == 1
    assert sum(tile.place.area for tile in tiles if tile.format is not Format.COPY) < 800 * 60


def test_photos_are_sharpened_when_they_rest(pool: ThreadPoolExecutor) -> None:
    page = text_page(WIDTH, HEIGHT)
    page.paste(photo(500, 400), (300, 200))
    pair = Pair(Desk(page), pool)
    tiles = pair.update(WHOLE)
    assert Format.JPEG in {tile.format for tile in tiles}
    assert not same(pair.seen, page)
    assert pair.shown.sharpen(pair.now) == []
    assert pair.shown.rests_at() == REST_SECONDS
    # What changes again rests later.
    pair.now = REST_SECONDS / 2
    pair.desk.paint(photo(500, 40, 2), 300, 200)
    pair.update(Rectangle(300, 200, 500, 40))
    pair.rest()
    text = 0, 0, WIDTH, CELL_HEIGHT
    assert same(pair.seen.crop(text), pair.desk.image.crop(text))
    difference = ImageChops.difference(pair.seen, pair.desk.image)
    assert max(high for _, high in difference.getextrema()) < 32  # type: ignore[misc]


def test_what_is_drawn_over_a_blur_need_not_be_sharpened(pool: ThreadPoolExecutor) -> None:
    pair = Pair(Desk(photo(WIDTH, HEIGHT)), pool)
    pair.update(WHOLE)
    pair.desk.paint(text_page(CELL_WIDTH + 20, CELL_HEIGHT), 0, 0)
    pair.update(Rectangle(0, 0, CELL_WIDTH + 20, CELL_HEIGHT))
    pair.now = 60.0
    places = [tile.place for tile in pair.shown.sharpen(pair.now)]
    assert Rectangle(0, 0, CELL_WIDTH, CELL_HEIGHT) not in places
    assert Rectangle(CELL_WIDTH, 0, CELL_WIDTH, CELL_HEIGHT) in places


def test_a_copied_blur_is_sharpened_too(pool: ThreadPoolExecutor) -> None:
    tall = text_page(WIDTH, HEIGHT + CELL_HEIGHT)
    tall.paste(photo(WIDTH, 444), (0, 5 * CELL_HEIGHT))
    pair = Pair(Desk(tall.crop((0, 0, WIDTH, HEIGHT))), pool)
    pair.update(Rectangle(0, 0, WIDTH, 5 * CELL_HEIGHT))
    pair.update(Rectangle(0, 5 * CELL_HEIGHT, WIDTH, HEIGHT))
    pair.desk.paint(tall.crop((0, CELL_HEIGHT, WIDTH, HEIGHT + CELL_HEIGHT)))
    assert Format.COPY in {tile.format for tile in pair.update(WHOLE)}
    # Where text was, the blurred photo is now.
    pair.now = 60.0
    first = pair.shown.sharpen(pair.now)[0].place
    assert first == Rectangle(0, 4 * CELL_HEIGHT, CELL_WIDTH, CELL_HEIGHT)


def test_a_part_that_changed_with_others_is_compared_with_what_it_is(
    pool: ThreadPoolExecutor,
) -> None:
    pair = Pair(Desk(text_page(WIDTH, HEIGHT)), pool)
    one, other = Rectangle(0, 0, 160, 160), Rectangle(800, 512, 160, 160)
    pair.update(WHOLE)
    for number, changed in enumerate([(one,), (one, other), (other,), (one,), (one, other)]):
        for place in changed:
            new = text_page(place.width, place.height, number)
            pair.desk.paint(new, place.x, place.y)
        pair.update(*changed)
        assert same(pair.seen, pair.desk.image)
    before = pair.desk.image
    pair.desk.paint(text_page(160, 160, 77), one.x, one.y)
    pair.update(one, other)
    pair.desk.paint(before.crop((0, 0, 160, 160)), one.x, one.y)
    pair.update(one)
    assert same(pair.seen, before)


def test_what_moves_is_copied_when_it_has_stopped(pool: ThreadPoolExecutor) -> None:
    dice = random.Random(3)
    tall = text_page(800, 1200)
    pair = Pair(Desk(text_page(WIDTH, HEIGHT, 2)), pool, Monitor(0, "A", 40, 20, 900, 660))
    window, beside = Rectangle(100, 64, 800, 576), Rectangle(80, 640, 160, 32)
    pair.update(WHOLE)

    def seen() -> Image.Image:
        return pair.desk.image.crop((40, 20, 940, 680))

    top = 0
    for number in range(120):
        changed = [window]
        match dice.randrange(6):
            case 0:
                # A film.
                pair.desk.paint(photo(800, 576, number), window.x, window.y)
            case 1:
                # A letter in a window that is drawn again as a whole.
                x, y = dice.randrange(100, 880), dice.randrange(64, 620)
                pair.desk.paint(Image.new("RGB", (9, 11), "red"), x, y)
            case 2:
                pair.desk.paint(text_page(160, 32, number), beside.x, beside.y)
                changed = [beside] if number % 2 else [window, beside]
            case 3:
                # Something over the window and beyond it.
                pair.desk.paint(Image.new("RGB", (90, 90), "blue"), 60, dice.randrange(0, 600))
                changed = [Rectangle(60, 0, 90, 700)]
            case _:
                top = (top + dice.choice([17, 34, -17])) % 600
                pair.desk.paint(tall.crop((0, top, 800, top + 576)), window.x, window.y)
        pair.update(*changed)
        # The newest pictures of films are a little blurred.
        if dice.random() < 0.4:
            pair.rest()
            assert most(pair.seen, seen()) < 32
    pair.desk.paint(text_page(800, 576, 5), window.x, window.y)
    pair.update(WHOLE)
    pair.rest()
    inside = 60, 44, 860, 620
    assert same(pair.seen.crop(inside), seen().crop(inside))


def test_what_scrolls_where_a_film_ran_is_found_again(pool: ThreadPoolExecutor) -> None:
    tall = text_page(600, 1200)
    pair = Pair(Desk(text_page(WIDTH, HEIGHT)), pool)
    # Beside it, within the grid of what changes, something stands still.
    window = Rectangle(103, 53, 600, 400)
    pair.update(WHOLE)
    for number in range(5):
        pair.desk.paint(photo(600, 400, number), window.x, window.y)
        pair.update(window)
    copied = 0
    for top in range(0, 17 * 20, 17):
        pair.desk.paint(tall.crop((0, top, 600, top + 400)), window.x, window.y)
        copied += Format.COPY in {tile.format for tile in pair.update(window)}
    assert copied >= 20 - 1 - shown.SETTLED_EVERY
    pair.rest()
    assert same(pair.seen, pair.desk.image)


def test_what_crosses_a_part_that_moves_is_compared_with_what_is_seen(
    pool: ThreadPoolExecutor,
) -> None:
    tall = text_page(WIDTH, HEIGHT + 200)
    pair = Pair(Desk(tall.crop((0, 0, WIDTH, HEIGHT))), pool)
    window, column = Rectangle(0, 224, WIDTH, 240), Rectangle(320, 0, 336, HEIGHT)
    above, below = Rectangle(320, 0, 336, 224), Rectangle(320, 464, 336, HEIGHT - 464)
    pair.update(WHOLE)

    def scroll(place: Rectangle, top: int) -> None:
        box = place.x, place.y + top, place.right, place.bottom + top
        pair.desk.paint(tall.crop(box), place.x, place.y)

    for top in (17, 34, 51):
        scroll(window, top)
        pair.update(window)
    scroll(window, 68)
    scroll(above, 17)
    scroll(below, 17)
    pair.update(window, above, below)
    assert same(pair.seen, pair.desk.image)
    # The column moved by 17 from what the window showed at first, and not from what is seen.
    scroll(window, 34)
    scroll(column, 34)
    pair.update(window, column)
    assert same(pair.seen, pair.desk.image)


def test_what_is_large_comes_in_portions_after_a_rest(pool: ThreadPoolExecutor) -> None:
    width, height = 1600, 2400
    pair = Pair(Desk(text_page(width, height)), pool)
    whole = Rectangle(0, 0, width, height)
    first = pair.portions(whole)
    assert 1 < len(first) <= shown.PORTIONS
    assert [tiles[0].place.y for tiles in first] == sorted(tiles[0].place.y for tiles in first)
    assert sum(tile.place.area for tiles in first for tile in tiles) == whole.area
    assert same(pair.seen, pair.desk.image)
    # A film is not torn.
    for number in range(3):
        pair.now += 0.04
        pair.desk.paint(text_page(width, height, number + 2))
        assert len(pair.portions(whole)) == 1
        assert same(pair.seen, pair.desk.image)
    pair.now += REST_SECONDS
    pair.desk.paint(text_page(width, height, 9))
    assert 1 < len(pair.portions(whole)) <= shown.PORTIONS
    # Neither is what is small.
    pair.now += REST_SECONDS
    pair.desk.paint(text_page(800, 600, 10))
    assert len(pair.portions(whole)) == 1
    assert same(pair.seen, pair.desk.image)


def test_what_two_parts_show_is_read_once_for_each_change(
    pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = Pair(Desk(text_page(WIDTH, HEIGHT)), pool)
    one, other = Rectangle(0, 0, 160, 160), Rectangle(800, 512, 160, 160)
    pair.update(WHOLE)
    read = 0

    def counted(rows: Sequence[memoryview]) -> list[int]:
        nonlocal read
        read += len(rows)
        return row_checksums(rows)

    monkeypatch.setattr(shown, "row_checksums", counted)
    for number in range(5):
        for place in (one, other):
            pair.desk.paint(text_page(160, 160, number), place.x, place.y)
        read = 0
        pair.update(one, other)
        assert same(pair.seen, pair.desk.image)
        # What it was before is known from the second time on.
        assert read == 2 * 160 * (1 if number else 2)
    # A part is not kept beyond a change of what overlaps it.
    pair.desk.paint(text_page(WIDTH, HEIGHT, 9))
    pair.update(WHOLE)
    read = 0
    pair.desk.paint(text_page(160, 160, 1))
    pair.update(one)
    assert read == 2 * 160
    assert same(pair.seen, pair.desk.image)


def test_a_part_beside_others_of_the_same_rows(pool: ThreadPoolExecutor) -> None:
    pair = Pair(Desk(text_page(WIDTH, HEIGHT)), pool)
    pair.update(WHOLE)
    # Many parts in turn: no more of them than a few are kept.
    for number in range(60):
        x, y = 160 * (number % 6), 96 * (number // 6 % 7)
        pair.desk.paint(text_page(90, 70, number), x, y)
        pair.update(Rectangle(x, y, 90, 70))
        assert same(pair.seen, pair.desk.image)
    assert len(pair.shown._checksums) <= shown.KEPT_PARTS


def test_a_monitor_beside_another_is_shown_alone(pool: ThreadPoolExecutor) -> None:
    desk = Desk(text_page(WIDTH, HEIGHT))
    right = Monitor(1, "RIGHT", 600, 100, 400, 500)
    pair = Pair(desk, pool, right)
    pair.update(WHOLE)
    assert same(pair.seen, desk.image.crop((600, 100, 1000, 600)))
    assert pair.update(Rectangle(0, 0, 590, 700)) == []


def test_a_monitor_that_reaches_beyond_the_desktop_is_black_there(
    pool: ThreadPoolExecutor,
) -> None:
    desk = Desk(text_page(WIDTH, HEIGHT))
    pair = Pair(desk, pool, Monitor(1, "GONE", 600, 100, 640, 900))
    pair.update(Rectangle(0, 0, 4000, 4000))
    assert same(pair.seen.crop((0, 0, 400, 600)), desk.image.crop((600, 100, 1000, 700)))
    assert same(pair.seen.crop((400, 0, 640, 900)), Image.new("RGB", (240, 900)))


def test_a_monitor_that_was_pulled_out_is_black(pool: ThreadPoolExecutor) -> None:
    desk = Desk(text_page(WIDTH, HEIGHT))
    pair = Pair(desk, pool, Monitor(1, "GONE", 2000, 900, 640, 480))
    assert pair.update(Rectangle(0, 0, 4000, 4000)) == []
    assert desk.grabs == 0


def test_a_monitor_that_is_too_large_is_made_smaller(pool: ThreadPoolExecutor) -> None:
    page = text_page(MAX_SIDE // 2 + 2, 32)
    desk = Desk(page.resize((MAX_SIDE + 4, 64), Image.Resampling.NEAREST))
    pair = Pair(desk, pool)
    assert (pair.shown.width, pair.shown.height) == (MAX_SIDE // 2 + 2, 32)
    pair.update(Rectangle(0, 0, MAX_SIDE + 4, 64))
    pair.rest()
    assert same(pair.seen, desk.image.reduce(2))
    desk.paint(Image.new("RGB", (8, 8), "red"), 40, 20)
    assert [tile.place for tile in pair.update(Rectangle(40, 20, 8, 8))] == [
        Rectangle(20, 10, 4, 4)
    ]
    assert same(pair.seen, desk.image.reduce(2))


def test_parts_that_overlap_do_not_break_the_rules(pool: ThreadPoolExecutor) -> None:
    pair = Pair(Desk(text_page(WIDTH, HEIGHT)), pool)
    pair.update(WHOLE)
    pair.desk.paint(photo(WIDTH, HEIGHT))
    # Long stripes that cross are not merged.
    across = [Rectangle(0, 100 * row, WIDTH, 20) for row in range(5)]
    down = [Rectangle(150 * column, 0, 20, HEIGHT) for column in range(6)]
    tiles = pair.update(*across, *down, WHOLE, WHOLE)
    assert sum(tile.place.area for tile in tiles) <= 2 * WHOLE.area
