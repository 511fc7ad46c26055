"""Tiles are drawn and scaled, and hostile ones are refused."""

import io
import random
import struct
import zlib

import pytest
from PIL import Image, ImageChops

from proxim.core.json_text import MessageError
from proxim.core.screen.sight import Moved, Patch
from proxim.core.screen.updates import Format, PointerShape, Rectangle, Tile, Update, copy
from proxim.io.screen.viewed import Viewed, pointer_pixels
from tests.io.screen.pictures import photo, text_page
from tests.rows import each_row

WIDTH, HEIGHT = 400, 300


def tile(image: Image.Image, x: int = 0, y: int = 0, format: Format = Format.PNG) -> Tile:
    out = io.BytesIO()
    image.save(out, format.name)
    return Tile(Rectangle(x, y, image.width, image.height), format, out.getvalue())


def applied(view: Image.Image, changes: list[Patch | Moved]) -> None:
    """Do what a face does."""
    for one in changes:
        place = one.place
        if isinstance(one, Moved):
            box = one.from_x, one.from_y, one.from_x + place.width, one.from_y + place.height
            view.paste(view.crop(box), (place.x, place.y))
        else:
            new = Image.frombytes("RGB", (place.width, place.height), one.rgb)
            view.paste(new, (place.x, place.y))


def whole(viewed: Viewed) -> Image.Image:
    return Image.frombytes("RGB", viewed.size, viewed.whole().rgb)


def most_different(one: Image.Image, other: Image.Image) -> int:
    bands = ImageChops.difference(one, other).getextrema()
    return max(high for _, high in bands)  # type: ignore[misc]


def test_what_was_there_before_is_copied_first() -> None:
    viewed = Viewed(WIDTH, HEIGHT)
    page = text_page(WIDTH, HEIGHT)
    view = Image.new("RGB", (WIDTH, HEIGHT))
    applied(view, viewed.draw(Update(1, (tile(page),))))
    assert most_different(view, page) == 0
    red = tile(Image.new("RGB", (WIDTH, 20), "red"), 0, 280)
    moved = copy(Rectangle(0, 0, WIDTH, 280), 0, 20)
    changes = viewed.draw(Update(2, (red, moved)))
    assert isinstance(changes[0], Moved)
    applied(view, changes)
    expected = page.crop((0, 20, WIDTH, HEIGHT + 20))
    expected.paste("red", (0, 280, WIDTH, 300))
    assert most_different(view, expected) == 0
    assert most_different(whole(viewed), expected) == 0


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "not kept"])
def test_what_is_kept_late_is_the_same(kept: bool) -> None:
    viewed = Viewed(WIDTH, HEIGHT)
    page = text_page(WIDTH, HEIGHT + 90)
    view = Image.new("RGB", (WIDTH, HEIGHT))
    applied(view, viewed.draw(Update(1, (tile(page.crop((0, 0, WIDTH, HEIGHT))),))))
    for top in (30, 60, 90):
        new = page.crop((0, top + HEIGHT - 30, WIDTH, top + HEIGHT))
        moved = copy(Rectangle(0, 0, WIDTH, HEIGHT - 30), 0, 30)
        applied(view, viewed.draw(Update(2, (moved, tile(new, 0, HEIGHT - 30)))))
        if kept:
            viewed.keep()
            viewed.keep()
    assert most_different(view, page.crop((0, 90, WIDTH, HEIGHT + 90))) == 0
    assert most_different(whole(viewed), view) == 0
    # What is scaled from now on is made of all that was drawn.
    viewed.draw(Update(3, (tile(Image.new("RGB", (WIDTH, HEIGHT), "red")),)))
    viewed.scale_to(WIDTH // 2, HEIGHT // 2)
    half = viewed.draw(Update(4, (tile(Image.new("RGB", (2, 2), "red")),)))
    assert isinstance(half[0], Patch)
    assert set(half[0].rgb[::3]) == {255}
    assert whole(viewed).getcolors() == [(viewed.size[0] * viewed.size[1], (255, 0, 0))]


def test_copies_of_one_another_are_of_what_was_before() -> None:
    viewed = Viewed(WIDTH, HEIGHT)
    page = text_page(WIDTH, HEIGHT)
    view = Image.new("RGB", (WIDTH, HEIGHT))
    applied(view, viewed.draw(Update(1, (tile(page),))))
    left, right = Rectangle(0, 0, 200, 300), Rectangle(200, 0, 200, 300)
    applied(view, viewed.draw(Update(2, (copy(left, 200, 0), copy(right, 0, 0)))))
    assert most_different(view.crop((0, 0, 200, 300)), page.crop((200, 0, 400, 300))) == 0
    assert most_different(view.crop((200, 0, 400, 300)), page.crop((0, 0, 200, 300))) == 0


@pytest.mark.parametrize(
    "size", [(200, 150), (133, 100), (333, 199), (400, 300), (401, 300), (777, 583), (800, 600)]
)
def test_parts_are_scaled_without_a_seam(size: tuple[int, int]) -> None:
    dice = random.Random(5)
    viewed = Viewed(WIDTH, HEIGHT)
    viewed.scale_to(*size)
    view = Image.new("RGB", size)
    page = text_page(WIDTH, HEIGHT)
    page.paste(photo(150, 150), (100, 60))
    applied(view, viewed.draw(Update(1, (tile(page),))))
    for number in range(12):
        x, y = dice.randrange(350), dice.randrange(250)
        part = tile(text_page(dice.randrange(1, 50), dice.randrange(1, 50), number), x, y)
        part_two = tile(Image.new("RGB", (20, 8), "blue"), 380, 10 * number)
        applied(view, viewed.draw(Update(number, (part, part_two))))
    applied(view, viewed.draw(Update(99, (copy(Rectangle(0, 0, 300, 200), 7, 11),))))
    # Where Pillow begins to count makes one of 255 steps.
    assert most_different(view, whole(viewed)) <= 1


def test_text_stays_crisp_where_each_pixel_becomes_several() -> None:
    viewed = Viewed(WIDTH, HEIGHT)
    page = text_page(WIDTH, HEIGHT)
    viewed.draw(Update(1, (tile(page),)))
    viewed.scale_to(2 * WIDTH, 2 * HEIGHT)
    assert most_different(whole(viewed), page.resize(viewed.size, Image.Resampling.NEAREST)) == 0
    viewed.scale_to(0, 0)
    assert most_different(whole(viewed), page) == 0


def chunk(name: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )


def png_of(width: int, height: int, *chunks: bytes) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + chunk(b"IEND", b"")


def saved(image: Image.Image, format: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


PLAIN = Image.new("RGB", (16, 16), "red")


@each_row(
    "format, content",
    [
        # A bomb: the header says more than the tile has.
        (Format.PNG, png_of(60000, 60000, chunk(b"IDAT", zlib.compress(b"\0" * 2**20)))),
        (Format.PNG, png_of(17, 16, chunk(b"IDAT", zlib.compress(b"\0" * 2**10)))),
        # The pixels end too early, or are none.
        (Format.PNG, png_of(16, 16, chunk(b"IDAT", zlib.compress(b"\0\0")))),
        (Format.PNG, png_of(16, 16, chunk(b"IDAT", b"\xff" * 50))),
        (Format.PNG, png_of(16, 16)),
        (Format.PNG, b""),
        (Format.PNG, b"\x89PNG\r\n\x1a\n"),
        # Another format than the tile says, or one that is in none.
        (Format.PNG, saved(PLAIN, "JPEG")),
        (Format.JPEG, saved(PLAIN, "PNG")),
        (Format.PNG, saved(PLAIN, "GIF")),
        (Format.JPEG, saved(PLAIN, "TIFF")),
        # Other colours.
        (Format.PNG, saved(PLAIN.convert("RGBA"), "PNG")),
        (Format.PNG, saved(PLAIN.convert("P"), "PNG")),
        (Format.JPEG, saved(PLAIN.convert("L"), "JPEG")),
        (Format.JPEG, saved(PLAIN.convert("CMYK"), "JPEG")),
        # Many passes of a small file take long.
        (Format.JPEG, saved(PLAIN, "JPEG", progressive=True)),
        (Format.JPEG, saved(PLAIN, "JPEG")[:100]),
    ],
)
def test_a_hostile_picture_is_refused(format: Format, content: bytes) -> None:
    viewed = Viewed(WIDTH, HEIGHT)
    with pytest.raises(MessageError):
        viewed.draw(Update(1, (Tile(Rectangle(0, 0, 16, 16), format, content),)))


def test_a_pointer_has_its_colours_and_opacity() -> None:
    image = Image.new("RGBA", (3, 2), (10, 20, 30, 40))
    shape = PointerShape(1, 3, 2, 0, 0, saved(image, "PNG"))
    assert pointer_pixels(shape) == image.tobytes()
    with pytest.raises(MessageError):
        pointer_pixels(PointerShape(1, 3, 2, 0, 0, saved(image.convert("RGB"), "PNG")))
    with pytest.raises(MessageError):
        pointer_pixels(PointerShape(1, 300, 200, 0, 0, saved(image, "PNG")))
