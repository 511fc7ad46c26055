from pathlib import Path

from PIL import Image, ImageChops
from PIL.IcnsImagePlugin import IcnsImageFile
from PIL.IcoImagePlugin import IcoImageFile

from assets.draw_icon import draw, write
from tests.paths import ROOT

FILES = (
    ROOT / "proxim/ui/window/proxim.png",
    ROOT / "assets/proxim.ico",
    ROOT / "assets/proxim.icns",
)
# This is out of 255: another version of Pillow may smooth an edge differently.
SLIGHT = 24
WHITE, BLACK = (255, 255, 255), (0, 0, 0)


def on_white(picture: Image.Image) -> Image.Image:
    """Return the picture on white, because invisible pixels have no colour to compare."""
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture.convert("RGBA")).convert("RGB")


def difference(one: Image.Image, other: Image.Image) -> int:
    """Return the largest difference between two pixels at the same place."""
    assert one.size == other.size
    channels = ImageChops.difference(on_white(one), on_white(other)).split()
    return max(
        value for channel in channels for value, count in enumerate(channel.histogram()) if count
    )


def pictures(path: Path) -> dict[int, Image.Image]:
    """Return the pictures of all sizes that a file holds."""
    with Image.open(path) as image:
        if isinstance(image, IcoImageFile):
            found = [image.ico.getimage(size).copy() for size in image.ico.sizes()]
        elif isinstance(image, IcnsImageFile):
            found = [image.icns.getimage(size).copy() for size in image.icns.itersizes()]
        else:
            found = [image.copy()]
        return {picture.width: picture for picture in found}


def test_the_files_are_what_the_script_draws() -> None:
    drawn: dict[int, Image.Image] = {}
    wrong = []
    for file in FILES:
        for size, picture in pictures(file).items():
            if size not in drawn:
                drawn[size] = draw(size)
            if difference(picture, drawn[size]) > SLIGHT:
                wrong.append(f"{file.name} at {size}")
    assert wrong == []


def test_every_system_gets_its_sizes(tmp_path: Path) -> None:
    png, ico, icns = write(tmp_path, tmp_path)
    assert set(pictures(png)) == {256}
    assert {16, 24, 32, 48, 256} <= set(pictures(ico))
    assert {32, 256, 512, 1024} <= set(pictures(icns))
    assert FILES[0].stat().st_size < 20_000


def luminance(colour: tuple[int, ...]) -> float:
    """Return the relative luminance (WCAG 2.2)."""
    parts = [part / 255 for part in colour[:3]]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_readable_at_16_pixels_on_light_and_on_dark() -> None:
    icon = draw(16)

    def colour(x: int, y: int) -> tuple[int, ...]:
        pixel = icon.getpixel((x, y))
        assert isinstance(pixel, tuple)
        return pixel

    tile, here, line, there = colour(8, 13), colour(4, 11), colour(8, 7), colour(11, 4)
    assert contrast(tile, WHITE) >= 3
    assert contrast(tile, BLACK) >= 3
    for part in (here, line, there):
        assert contrast(part, tile) >= 3
    # The corners of the rounded tile are transparent.
    assert colour(0, 0)[3] < 128
