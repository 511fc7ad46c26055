"""The other side's screen as it arrived, decoded and scaled.

Whoever sends may be hostile. Pillow is asked for the one format that a tile says, and decodes
nothing before the size in the picture's own header is the tile's, whose size the reader has checked
(core/screen/updates.py).
"""

import io
import math
from typing import Final

from PIL import Image

from proxim.core.errors import Reason
from proxim.core.json_text import MessageError
from proxim.core.screen.damage import merged
from proxim.core.screen.sight import Moved, Patch
from proxim.core.screen.updates import Format, PointerShape, Rectangle, Tile, Update

# So many pixels on each side count for one pixel of a picture that Lanczos scales, at the scale of
# the smaller of both pictures.
_LANCZOS_PIXELS: Final = 3


class Viewed:
    """A canvas, which is black at first, and the view on it."""

    def __init__(self, width: int, height: int) -> None:
        self._canvas = Image.new("RGB", (width, height))
        self._size = (width, height)
        # What was drawn last, until it is kept: what copies, and other tiles with their images.
        self._undone: tuple[list[Tile], list[tuple[Tile, Image.Image]]] = ([], [])

    @property
    def size(self) -> tuple[int, int]:
        """The width and height of the view."""
        return self._size

    def scale_to(self, width: int, height: int) -> None:
        """Scale to this size from now on; (0, 0) is the canvas's own."""
        self._size = (width, height) if width > 0 and height > 0 else self._canvas.size

    @property
    def _scaled(self) -> bool:
        return self._size != self._canvas.size

    def whole(self) -> Patch:
        """Return all of the view."""
        self.keep()
        return self._patch(Rectangle(0, 0, *self._canvas.size))

    def draw(self, update: Update) -> list[Patch | Moved]:
        """Draw an update, and return what has changed in the view, in its order.

        A face need not wait until `keep` has kept its pixels. Raises MessageError (BAD_MESSAGE).
        """
        self.keep()
        images = [
            (tile, _decoded(tile.content, tile.format, tile.place.width, tile.place.height))
            for tile in update.tiles
            if tile.format is not Format.COPY
        ]
        copies = [tile for tile in update.tiles if tile.format is Format.COPY]
        self._undone = (copies, images)
        if self._scaled:
            self.keep()
            places = merged((tile.place for tile in update.tiles), *self._canvas.size)
            return [self._patch(place) for place in places]
        changes: list[Patch | Moved] = []
        if len(copies) == 1:
            changes.append(Moved(copies[0].place, *copies[0].copied_from))
        else:
            # Those that move one after the other might move what has just come.
            changes += [Patch(tile.place, self._copied(tile).tobytes()) for tile in copies]
        return changes + [Patch(tile.place, image.tobytes()) for tile, image in images]

    def keep(self) -> None:
        """Keep the pixels of what was drawn last; what needs them does so itself."""
        copies, images = self._undone
        self._undone = ([], [])
        pixels = [self._copied(tile) for tile in copies]
        for tile, image in [*zip(copies, pixels, strict=True), *images]:
            self._canvas.paste(image, (tile.place.x, tile.place.y))

    def _copied(self, tile: Tile) -> Image.Image:
        x, y = tile.copied_from
        return self._canvas.crop((x, y, x + tile.place.width, y + tile.place.height))

    # --- scaling ----------------------------------------------------------------------------------

    def _patch(self, changed: Rectangle) -> Patch:
        """Return that part of the view that a part of the canvas has something to do with.

        A scaled pixel is made of those around it, so that is more than the part itself. Pillow
        looks at all pixels that count, also at those beyond the box that it scales; otherwise the
        edges of each patch would be seen.
        """
        if not self._scaled:
            box = changed.x, changed.y, changed.right, changed.bottom
            return Patch(changed, self._canvas.crop(box).tobytes())
        # Pixels that are joined or repeated keep every edge as sharp as it is.
        whole = all(
            one % other == 0 or other % one == 0
            for one, other in zip(self._canvas.size, self._size, strict=True)
        )
        across = _Axis(self._canvas.width, self._size[0], 0 if whole else _LANCZOS_PIXELS)
        down = _Axis(self._canvas.height, self._size[1], 0 if whole else _LANCZOS_PIXELS)
        left, right = across.reached(changed.x, changed.right)
        top, bottom = down.reached(changed.y, changed.bottom)
        scaled = self._canvas.resize(
            (right - left, bottom - top),
            Image.Resampling.BOX if whole else Image.Resampling.LANCZOS,
            (
                left * across.scale,
                top * down.scale,
                min(right * across.scale, self._canvas.width),
                min(bottom * down.scale, self._canvas.height),
            ),
        )
        return Patch(Rectangle(left, top, right - left, bottom - top), scaled.tobytes())


class _Axis:
    """How one side of a canvas is scaled to a side of the view."""

    def __init__(self, canvas: int, view: int, reach: int) -> None:
        self._view = view
        # So many pixels of the canvas are one of the view.
        self.scale = canvas / view
        # So many pixels of the canvas on each side count for one of the view.
        self._reach = reach * max(1.0, self.scale)

    def reached(self, start: int, end: int) -> tuple[int, int]:
        """Return the pixels of the view that these of the canvas count for."""
        first = math.floor((start - self._reach) / self.scale)
        last = math.ceil((end + self._reach) / self.scale)
        return max(0, first), min(self._view, last)


def pointer_pixels(shape: PointerShape) -> bytes:
    """Return a pointer's RGBA pixels. Raises MessageError (BAD_MESSAGE)."""
    return _decoded(shape.png, Format.PNG, shape.width, shape.height, "RGBA").tobytes()


def _decoded(
    content: bytes, format: Format, width: int, height: int, mode: str = "RGB"
) -> Image.Image:
    """Decode a picture that must have this format, size and mode."""
    try:
        image = Image.open(io.BytesIO(content), formats=(format.name,))
        # A JPEG of many passes takes longer than it is large.
        slow = "progressive" in image.info
        if image.format != format.name or image.size != (width, height) or slow:
            raise MessageError(Reason.BAD_MESSAGE, "a picture that is not its tile")
        if image.mode != mode:
            raise MessageError(Reason.BAD_MESSAGE, "a picture of other colours")
        image.load()
    except MessageError:
        raise
    except Exception as error:  # noqa: BLE001
        # A hostile picture makes Pillow raise nearly anything.
        raise MessageError(Reason.BAD_MESSAGE, type(error).__name__) from None
    return image
