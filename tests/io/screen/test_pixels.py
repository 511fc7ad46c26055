"""Parts of a picture are compressed, and read again by another decoder."""

import io
import random

import pytest
from isal import isal_zlib
from PIL import Image

from proxim.core.screen.updates import Format, Rectangle, Tile
from proxim.io.screen import pixels
from proxim.io.screen.pixels import (
    Look,
    Picture,
    is_flat,
    moving_tile,
    row_checksums,
    still_tile,
)

WIDTH, HEIGHT = 320, 200
DICE = random.Random(7)


def picture(image: Image.Image) -> Picture:
    """Return an RGB image as a screen has it: four bytes a pixel, blue first."""
    blue_first = Image.merge("RGB", tuple(reversed(image.split())))
    raw = bytearray(WIDTH * HEIGHT * 4)
    flat = blue_first.tobytes()
    for channel in range(3):
        raw[channel::4] = flat[channel::3]
    # The fourth byte means nothing.
    raw[3::4] = DICE.randbytes(WIDTH * HEIGHT)
    return Picture(WIDTH, HEIGHT, memoryview(raw))


@pytest.fixture(scope="module")
def text() -> Image.Image:
    """Something with few colours and sharp edges."""
    image = Image.new("RGB", (WIDTH, HEIGHT), "white")
    for row in range(5, HEIGHT, 12):
        for column in range(5, WIDTH, 9):
            image.paste("black", (column, row, column + DICE.randrange(1, 7), row + 7))
    return image


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    """Something with very many colours."""
    small = Image.frombytes("RGB", (40, 25), DICE.randbytes(3 * 40 * 25))
    soft = small.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    noise = Image.frombytes("RGB", (WIDTH, HEIGHT), DICE.randbytes(3 * WIDTH * HEIGHT))
    return Image.blend(soft, noise, 0.05)


def decoded(tile: Tile) -> Image.Image:
    image = Image.open(io.BytesIO(tile.content), formats=(tile.format.name,))
    assert image.mode == "RGB"
    assert image.size == (tile.place.width, tile.place.height)
    return image


def part(image: Image.Image, place: Rectangle) -> Image.Image:
    return image.crop((place.x, place.y, place.right, place.bottom))


@pytest.mark.parametrize(
    "place",
    [
        Rectangle(0, 0, WIDTH, HEIGHT),
        Rectangle(16, 32, 100, 60),
        Rectangle(WIDTH - 1, HEIGHT - 1, 1, 1),
    ],
    ids=str,
)
def test_text_is_sent_without_loss(text: Image.Image, place: Rectangle) -> None:
    shown = picture(text)
    assert is_flat(shown, Rectangle(0, 0, WIDTH, HEIGHT))
    tile = still_tile(shown, place)
    assert tile.format is Format.PNG or place.area == 1
    if place.area > 1:
        assert decoded(moving_tile(shown, place, Look(80))).tobytes() == part(text, place).tobytes()
        assert decoded(tile).tobytes() == part(text, place).tobytes()


def difference(one: Image.Image, other: Image.Image) -> float:
    """Return the mean difference of two images' samples."""
    pairs = list(zip(one.tobytes(), other.tobytes(), strict=True))
    return sum(abs(mine - theirs) for mine, theirs in pairs) / len(pairs)


def test_photos_are_jpeg_and_better_where_they_stand_still(photo: Image.Image) -> None:
    shown = picture(photo)
    place = Rectangle(16, 32, 160, 96)
    assert not is_flat(shown, place)
    moving, poor = moving_tile(shown, place, Look(80)), moving_tile(shown, place, Look(30))
    still = still_tile(shown, place)
    assert {tile.format for tile in (moving, poor, still)} == {Format.JPEG}
    assert len(poor.content) < len(moving.content) < len(still.content)
    original = part(photo, place)
    worst, bad, good = (difference(decoded(one), original) for one in (poor, moving, still))
    assert good < bad < worst
    assert good < 4


@pytest.mark.parametrize("rows", [1, 7, 24, 25, HEIGHT], ids=str)
@pytest.mark.parametrize("left", [0, 5, 64], ids=str)
def test_parts_at_every_edge_are_what_they_show(
    text: Image.Image, photo: Image.Image, rows: int, left: int
) -> None:
    for y in (0, HEIGHT - rows):
        for width in (WIDTH - left, 1):
            place = Rectangle(left, y, width, rows)
            shown = decoded(moving_tile(picture(text), place, Look(80)))
            assert shown.tobytes() == part(text, place).tobytes()
            if width > 1:
                still = decoded(still_tile(picture(text), place))
                assert still.tobytes() == part(text, place).tobytes()
                moving = decoded(moving_tile(picture(photo), place, Look(80)))
                assert difference(moving, part(photo, place)) < 12


def test_a_film_is_told_by_a_few_rows(monkeypatch: pytest.MonkeyPatch, photo: Image.Image) -> None:
    sampled: list[int] = []
    compress = isal_zlib.compress

    def compressed(content: bytes, level: int) -> bytes:
        sampled.append(len(content) // (3 * WIDTH + 1))
        return compress(content, level)

    monkeypatch.setattr(isal_zlib, "compress", compressed)
    place = Rectangle(0, 0, WIDTH, HEIGHT)
    assert moving_tile(picture(photo), place, Look(80)).format is Format.JPEG
    assert sampled == [pixels.FIRST_ROWS]


def test_on_a_slow_way_text_is_blurred_and_what_is_empty_is_not(text: Image.Image) -> None:
    page = text.copy()
    page.paste("white", (0, 100, WIDTH, HEIGHT))
    slow = Look(20, exact=False)
    written, empty = Rectangle(0, 0, WIDTH, 100), Rectangle(0, 100, WIDTH, 100)
    assert moving_tile(picture(text), written, Look(20)).format is Format.PNG
    assert moving_tile(picture(text), written, slow).format is Format.JPEG
    assert moving_tile(picture(page), empty, slow).format is Format.PNG


@pytest.mark.parametrize("quality", [20, 45, 80, 95])
@pytest.mark.parametrize("subsampling", [0, 2])
def test_jpeg_is_the_same_as_pillow_saves_it(
    photo: Image.Image, monkeypatch: pytest.MonkeyPatch, quality: int, subsampling: int
) -> None:
    shown, place = picture(photo), Rectangle(17, 32, 160, 96)
    assert pixels._encodes_blue_first()
    quick = pixels._jpeg(shown, place, quality, subsampling)
    monkeypatch.setattr(pixels, "_encodes_blue_first", lambda: False)
    assert pixels._jpeg(shown, place, quality, subsampling) == quick
    out = io.BytesIO()
    part(photo, place).save(out, "JPEG", quality=quality, subsampling=subsampling)
    assert quick.content == out.getvalue()


def test_another_pillow_is_used_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    def other(*_: object) -> bytes:
        raise TypeError

    monkeypatch.setattr(pixels, "_blue_first_jpeg", other)
    pixels._encodes_blue_first.cache_clear()
    assert not pixels._encodes_blue_first()
    pixels._encodes_blue_first.cache_clear()


def test_a_dense_line_of_text_is_sent_once(text: Image.Image) -> None:
    # As fine as a grid of single pixels, where each row would be too large for a page of text.
    dense = text.copy()
    for x in range(0, WIDTH, 2):
        dense.paste((DICE.randrange(256), 0, 0), (x, 0, x + 1, 16))
    shown = picture(dense)
    line, page = Rectangle(0, 0, WIDTH, 8), Rectangle(0, 0, WIDTH, HEIGHT)
    assert moving_tile(shown, line, Look(80)).format is Format.PNG
    assert moving_tile(shown, page, Look(80)).format is Format.PNG


def test_rows_with_the_same_pixels_have_the_same_checksum(text: Image.Image) -> None:
    shown = picture(text)
    raw = shown.pixels
    raw[WIDTH * 4 : 2 * WIDTH * 4] = raw[: WIDTH * 4]
    checksums = row_checksums(shown.rows(Rectangle(8, 0, 64, 3)))
    assert checksums[0] == checksums[1] != checksums[2]
