"""Draws Proxim's icon: two devices, joined by one line.

`python assets/draw_icon.py` writes the files again.

The shapes lie on a grid of 16 units, so that their edges fall on whole pixels at 16, 32, 48, 64,
... pixels. The tile has its own colour, so dark desktops need no second version.
"""

from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw

GRID: Final = 16
# ImageDraw draws hard edges. Drawing larger and averaging makes them smooth.
_OVERSAMPLING: Final = 8
# Tk and Linux desktops use a PNG of this size.
_PNG_SIZE: Final = 256
# Windows asks for these sizes at 100 % to 400 %.
_ICO_SIZES: Final = (
    16,
    20,
    24,
    32,
    40,
    48,
    64,
    128,
    256,
)
# macOS uses 16 to 512 points, plain and Retina.
_ICNS_SIZES: Final = (32, 64, 128, 256, 512, 1024)

_TILE: Final = (
    # This is the window's accent (proxim/ui/window/theme.py); it stands out on white and on black.
    "#0b5fc6"
)
_HERE: Final = "#ffffff"
# It is not white, because it is the other device.
_THERE: Final = "#8df0c8"

# A box is left, top, right and bottom in grid units.
Box = tuple[float, float, float, float]
Point = tuple[float, float]

_TILE_BOX: Final[Box] = (0, 0, 16, 16)
_TILE_RADIUS: Final = 3.5
_HERE_BOX: Final[Box] = (2, 9, 7, 14)
_THERE_BOX: Final[Box] = (9, 2, 14, 7)
_DEVICE_RADIUS: Final = 1.5
# The line is given by its four corners, because Pillow rounds the width of a diagonal line. It is
# two units wide and joins the centres of the devices.
_LINE: Final[tuple[Point, ...]] = ((3.75, 10.75), (10.75, 3.75), (12.25, 5.25), (5.25, 12.25))


def draw(size: int) -> Image.Image:
    """Return the icon, `size` pixels wide and high, on a transparent background."""
    large = size * _OVERSAMPLING
    unit = large / GRID
    # Transparent pixels have the tile's colour, so that averaged edges keep it.
    image = Image.new("RGBA", (large, large), _TILE + "00")
    pen = ImageDraw.Draw(image)

    def rounded(box: Box, radius: float, colour: str) -> None:
        left, top, right, bottom = (round(side * unit) for side in box)
        # For Pillow, the right and bottom coordinates belong to the shape.
        pen.rounded_rectangle((left, top, right - 1, bottom - 1), radius * unit, fill=colour)

    rounded(_TILE_BOX, _TILE_RADIUS, _TILE)
    pen.polygon([(x * unit, y * unit) for x, y in _LINE], fill=_HERE)
    rounded(_HERE_BOX, _DEVICE_RADIUS, _HERE)
    rounded(_THERE_BOX, _DEVICE_RADIUS, _THERE)
    return image.reduce(_OVERSAMPLING)


def write(window_folder: Path, executable_folder: Path) -> list[Path]:
    """Write the files for the running program and for its executables, and return their paths."""
    png = window_folder / "proxim.png"
    ico, icns = (executable_folder / f"proxim.{kind}" for kind in ("ico", "icns"))
    draw(_PNG_SIZE).save(png, optimize=True)
    # Each size is drawn separately, because shrinking by Pillow would blur edges that fall on whole
    # pixels.
    *smaller, largest = (draw(size) for size in _ICO_SIZES)
    largest.save(ico, sizes=[(size, size) for size in _ICO_SIZES], append_images=smaller)
    *smaller, largest = (draw(size) for size in _ICNS_SIZES)
    largest.save(icns, append_images=smaller)
    return [png, ico, icns]


if __name__ == "__main__":
    here = Path(__file__).parent
    write(here.parent / "proxim" / "ui" / "window", here)
