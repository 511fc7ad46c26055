"""Compresses parts of a picture of the screen, and tells what kind of picture a part is.

Pillow and ISA-L do the work in C without Python's lock, so that several parts are compressed at the
same time.
"""

import io
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Final, cast

from isal import isal_zlib
from PIL import Image

from proxim.core.screen.updates import Format, Rectangle, Tile

# The bytes of one pixel: blue, green, red, and one that means nothing.
PIXEL_BYTES: Final = 4
# So many rows of a part are compressed to find out what kind of picture it is.
SAMPLED_ROWS: Final = 24
# And before them so few: most photos can be told by these.
FIRST_ROWS: Final = 4
# What needs so many times as much as FLAT_BYTES in the first rows is a photo.
CLEARLY: Final = 2
# Text and flat surfaces need fewer bytes a pixel than this, photos more.
FLAT_BYTES: Final = 0.45
# What has so small a part of that is smaller than as JPEG: empty paper, and a few lines.
BLANK: Final = 0.2
# A part of a few hundred pixels is no larger without loss, whatever it shows: a JPEG begins with
# 600 bytes of tables.
SMALL_BYTES: Final = 500
# A part that would need more than this without loss is a photo, also where it stands still.
PHOTO_BYTES: Final = 0.8
# JPEG of this quality, with all of its colours, cannot be told from the original.
STILL_QUALITY: Final = 95
# Pillow's names of chroma subsampling: all colours, or a quarter of them.
_ALL_COLOURS: Final = 0
_QUARTER_OF_COLOURS: Final = 2
# ISA-L's quickest level that still finds repeated pixels.
_LEVEL: Final = 1

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_HEADER: Final = struct.Struct(">IIBBBBB")
# 8 bits for each of 3 colours (PNG, 11.2.2).
_BITS: Final = 8
_TRUECOLOUR: Final = 2


@dataclass(frozen=True, slots=True)
class Picture:
    """The pixels of a monitor: rows of `width` pixels, each of PIXEL_BYTES, from top to bottom."""

    width: int
    height: int
    pixels: memoryview = field(repr=False)

    def rows(self, place: Rectangle, every: int = 1) -> list[memoryview]:
        """Return the pixels of each row of a part, or of only some of its rows."""
        pixels, size = self.pixels, place.width * PIXEL_BYTES
        stride = self.width * PIXEL_BYTES
        first = place.x * PIXEL_BYTES
        starts = range(place.y * stride + first, place.bottom * stride + first, every * stride)
        return [pixels[start : start + size] for start in starts]


def row_checksums(rows: Iterable[memoryview]) -> list[int]:
    """Return a checksum of each row."""
    return [isal_zlib.crc32(row) for row in rows]


@dataclass(frozen=True, slots=True)
class Look:
    """How well what changes is pictured."""

    # The quality of JPEG.
    quality: int
    # Whether text is sent without loss, and not only what is smaller so than as JPEG.
    exact: bool = True


def is_flat(picture: Picture, place: Rectangle, most: float = 1) -> bool:
    """Whether a part is text or something as simple, which is small without loss.

    `most` is how many times as large as text it may be.
    """
    if _sampled(picture, place, FIRST_ROWS) > CLEARLY * most:
        return False
    return _sampled(picture, place, SAMPLED_ROWS) < most


def _sampled(picture: Picture, place: Rectangle, count: int) -> float:
    """Return how many times as large as text some rows of a part are, at least `count` of them."""
    rows = picture.rows(place, max(1, place.height // count))
    sample = Picture(place.width, len(rows), memoryview(b"".join(rows)))
    every = Rectangle(0, 0, sample.width, sample.height)
    size = len(isal_zlib.compress(_colours(sample, every), _LEVEL))
    return size / (FLAT_BYTES * every.area + SMALL_BYTES)


def moving_tile(picture: Picture, place: Rectangle, look: Look) -> Tile:
    """Compress a part that changes: without loss where it is flat, else as JPEG."""
    if not look.exact:
        if is_flat(picture, place, BLANK):
            return _png(picture, place)
    elif place.height <= SAMPLED_ROWS:
        # It is all sampled, and a line of text that is dense is better sent once than sharpened.
        tile = _png(picture, place)
        if len(tile.content) < PHOTO_BYTES * place.area + SMALL_BYTES:
            return tile
    elif is_flat(picture, place):
        return _png(picture, place)
    return _jpeg(picture, place, look.quality, _QUARTER_OF_COLOURS)


def still_tile(picture: Picture, place: Rectangle) -> Tile:
    """Compress a part that stands still: without loss, or as what cannot be told from it."""
    tile = _png(picture, place)
    if len(tile.content) > PHOTO_BYTES * place.area:
        return _jpeg(picture, place, STILL_QUALITY, _ALL_COLOURS)
    return tile


def _mapped(picture: Picture, place: Rectangle) -> Image.Image:
    """Return a part as an image of four bands whose first is blue.

    Nothing is copied, unless it is at the right lower end.
    """
    stride = picture.width * PIXEL_BYTES
    start, rows = place.y * stride, place.height
    left = start + place.x * PIXEL_BYTES
    if left + rows * stride <= len(picture.pixels):
        return _image(picture.pixels[left:], place.width, rows, stride)
    # Pillow wants to see whole rows.
    whole = _image(picture.pixels[start:], picture.width, rows, stride)
    return whole.crop((place.x, 0, place.right, rows))


def _image(pixels: memoryview, width: int, height: int, stride: int) -> Image.Image:
    # It accepts any buffer, and its annotation only some.
    buffer = cast(bytes, pixels)
    return Image.frombuffer("RGBX", (width, height), buffer, "raw", "RGBX", stride, 1)


def _colours(picture: Picture, place: Rectangle) -> bytes:
    """Return the red, green and blue of a part, and a zero behind each row."""
    return _mapped(picture, place).tobytes("raw", "BGR", 3 * place.width + 1)


def _jpeg(picture: Picture, place: Rectangle, quality: int, subsampling: int) -> Tile:
    image = _mapped(picture, place)
    if _encodes_blue_first():
        return Tile(place, Format.JPEG, _blue_first_jpeg(image, quality, subsampling))
    return Tile(place, Format.JPEG, _saved_jpeg(image, quality, subsampling))


def _blue_first_jpeg(image: Image.Image, quality: int, subsampling: int) -> bytes:
    """Compress an image whose first band is blue, without making another of it before.

    The arguments are those of Pillow's encoder in C, in its order: progressive, smooth, optimize,
    keep_rgb, streamtype, dpi, (subsampling,) restart markers, tables, comment, extra, exif.
    """
    before = (quality, False, 0, False, False, 0, (0, 0))
    return image.tobytes("jpeg", "BGR", *before, subsampling, 0, 0, None, None, b"", b"")


def _saved_jpeg(image: Image.Image, quality: int, subsampling: int) -> bytes:
    """Do the same by what Pillow documents, which takes a quarter longer."""
    colours = image.tobytes("raw", "BGR")
    out = io.BytesIO()
    plain = Image.frombytes("RGB", image.size, colours)
    plain.save(out, "JPEG", quality=quality, subsampling=subsampling)
    return out.getvalue()


@cache
def _encodes_blue_first() -> bool:
    """Whether this Pillow's encoder takes what `_blue_first_jpeg` gives it."""
    image = Image.frombytes("RGBX", (16, 16), bytes(range(256)) * PIXEL_BYTES)
    try:
        return _blue_first_jpeg(image, 50, 2) == _saved_jpeg(image, 50, 2)
    except (TypeError, ValueError, RuntimeError, OSError):
        return False


def _png(picture: Picture, place: Rectangle) -> Tile:
    """Compress a part as PNG.

    Pillow's own PNG takes fifteen times as long, because it compresses with zlib.
    """
    # Each row begins with the number of its filter; 0 is none (PNG, 9.2).
    rows = b"".join((b"\0", memoryview(_colours(picture, place))[:-1]))
    header = _HEADER.pack(place.width, place.height, _BITS, _TRUECOLOUR, 0, 0, 0)
    chunks = (
        (b"IHDR", header),
        (b"IDAT", isal_zlib.compress(rows, _LEVEL)),
        (b"IEND", b""),
    )
    return Tile(place, Format.PNG, _SIGNATURE + b"".join(_chunk(*one) for one in chunks))


def _chunk(name: bytes, content: bytes) -> bytes:
    checksum = isal_zlib.crc32(name + content)
    return len(content).to_bytes(4) + name + content + checksum.to_bytes(4)
