"""Draws loads on an X display, for the row `screen`: `python -m bench.drawing`, and one JSON line
on standard input for each load. Every change has its time in the picture.

The time is written in black and white squares in the left upper corner, so that whoever sees the
picture can tell its age: wall-clock milliseconds, or the number of keys that came, modulo
2 ** TIME_BITS, and a checksum of them, since a picture may be seen while only half of it has come.
A flip has it in the left lower corner, too: it is seen when all of it has come.
"""

import json
import random
import select
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import xcffib
import xcffib.xproto
from PIL import Image, ImageDraw, ImageFont

WIDTH: Final = 1920
HEIGHT: Final = 1080
TIME_BITS: Final = 20
CHECK_BITS: Final = 4
# A square is as large as the grid of many encoders, so that each is either new or old.
SQUARE: Final = 16
# The loads that change the whole picture, and so have the time at its lower end, too.
BOTH_ENDS: Final = ("flip",)
STRIP_WIDTH: Final = (TIME_BITS + CHECK_BITS) * SQUARE

_FONT: Final = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf"
_WORDS: Final = tuple(
    word
    for line in (
        "the of link session guest host proof channel window screen frame pixel import return",
        "class def self async await None True False value bytes length offset tile damage pointer",
    )
    for word in line.split()
)
_LINE: Final = 17
# An X request carries at most 256 KiB without an extension.
_PUT_BYTES: Final = 240_000


def coded(value: int) -> int:
    """Return the bits of a value, and behind them its checksum."""
    value %= 1 << TIME_BITS
    check = sum((value >> at) & 15 for at in range(0, TIME_BITS, CHECK_BITS)) & 15
    return value << CHECK_BITS | check


def milliseconds() -> int:
    """Return the wall clock's milliseconds, which all programs of a machine share."""
    return int(time.time() * 1000)


def text_page(width: int, height: int, seed: int, *, dark: bool = False) -> Image.Image:
    """Return a page of coloured text, as an editor shows it."""
    words = random.Random(seed)
    page = Image.new("RGB", (width, height), (24, 26, 30) if dark else (255, 255, 255))
    draw = ImageDraw.Draw(page)
    font = ImageFont.truetype(_FONT, 13)
    inks = (
        [(220, 220, 220), (110, 170, 255), (255, 130, 120), (130, 220, 140)]
        if dark
        else [(40, 40, 40), (0, 0, 160), (150, 20, 20), (0, 110, 30)]
    )
    for y in range(4, height - 14, _LINE):
        x = 8 + 16 * words.randrange(4)
        while x < width - 100 and words.random() > 0.05:
            word = words.choice(_WORDS) + words.choice(["", ",", "(", ")", ": ", " = ", "."])
            draw.text((x, y), word, font=font, fill=words.choice(inks))
            x += 8 * len(word) + 8
    return page


def photo(width: int, height: int, seed: int) -> Image.Image:
    """Return something that is as hard to compress as a photo: soft shapes, and grain."""
    shades = random.Random(seed)
    bands = []
    for _ in "RGB":
        whole = Image.new("L", (width, height), 128)
        for side in (4, 9, 20, 50, 120):
            small = Image.new("L", (side, side * 9 // 16 + 2))
            small.putdata([shades.randrange(256) for _ in range(small.width * small.height)])
            large = small.resize((width, height), Image.Resampling.BICUBIC)
            whole = Image.blend(whole, large, 0.35)
        bands.append(whole)
    grain = Image.effect_noise((width, height), 20).convert("RGB")
    return Image.blend(Image.merge("RGB", bands), grain, 0.15)


class Drawing:
    """A window over the whole screen, on which loads are drawn."""

    def __init__(self) -> None:
        self._connection = xcffib.Connection()
        core = self._connection.core
        screen = self._connection.get_setup().roots[0]
        self._screen = screen
        self._window = self._connection.generate_id()
        event_mask = xcffib.xproto.EventMask.KeyPress
        attributes = xcffib.xproto.CW
        core.CreateWindow(
            *(screen.root_depth, self._window, screen.root, 0, 0, WIDTH, HEIGHT, 0),
            *(xcffib.xproto.WindowClass.InputOutput, screen.root_visual),
            attributes.BackPixel | attributes.OverrideRedirect | attributes.EventMask,
            [screen.white_pixel, 1, event_mask],
        )
        self._black, self._white = self._ink(0), self._ink(0xFFFFFF)
        core.MapWindow(self._window, is_checked=True).check()
        core.SetInputFocus(1, self._window, 0, is_checked=True).check()
        self._loads: dict[str, Callable[[float], int]] = {
            "idle": self._still,
            "text": self._still,
            "small": lambda seconds: self._moving("small", self._small(), 30, seconds),
            "scroll": lambda seconds: self._moving("scroll", self._scroll(), 30, seconds),
            "flip": lambda seconds: self._moving("flip", self._flip(), 2, seconds),
            "video": lambda seconds: self._moving("video", self._video(), 25, seconds),
        }
        self._made: dict[str, Any] = {}

    def draw(self, load: str, seconds: float, keys: int) -> int:
        """Draw a load for so long, or `echo` until so many keys came; return how many pictures
        there were.
        """
        page = self._once("page", lambda: self._pixels(text_page(WIDTH, HEIGHT, 1)))
        self._show(page, 0, 0, WIDTH, HEIGHT, 0, 0)
        self._flush()
        return self._echo(keys) if load == "echo" else self._loads[load](seconds)

    def prepare(self) -> None:
        """Make all pictures, which takes longer than to show them."""
        for frames in (self._small(), self._scroll(), self._flip(), self._video()):
            next(frames)

    # --- loads ------------------------------------------------------------------------------------

    def _still(self, seconds: float) -> int:
        self._strip(milliseconds())
        self._flush()
        time.sleep(seconds)
        return 1

    def _echo(self, keys: int) -> int:
        """Show the number of the keys that came, and a letter for each, until all have come."""
        count = 0
        self._strip(0)
        self._flush()
        while count < keys:
            select.select([self._connection.get_file_descriptor()], [], [])
            while (event := self._connection.poll_for_event()) is not None:
                if isinstance(event, xcffib.xproto.KeyPressEvent):
                    count += 1
                    self._fill(
                        self._ink(count * 53 % 256 << 16), 600 + count % 20 * 16, 400, 14, 20
                    )
                    self._strip(count)
            self._flush()
        return count

    def _moving(self, load: str, frames: Iterator[None], per_second: float, seconds: float) -> int:
        began = time.monotonic()
        drawn = 0
        while time.monotonic() - began < seconds:
            next(frames)
            now = milliseconds()
            self._strip(now)
            if load in BOTH_ENDS:
                self._strip(now, HEIGHT - SQUARE)
            self._flush()
            drawn += 1
            time.sleep(max(0.0, began + drawn / per_second - time.monotonic()))
        return drawn

    def _small(self) -> Iterator[None]:
        ground = photo(320, 240, 3)

        def make(number: int) -> int:
            frame = ground.copy()
            draw = ImageDraw.Draw(frame)
            draw.pieslice((60, 20, 260, 220), number * 12, number * 12 + 100, fill=(255, 200, 0))
            draw.ellipse((20 + number * 8, 100, 60 + number * 8, 140), fill=(0, 60, 200))
            return self._pixels(frame)

        frames = self._once("small", lambda: [make(number) for number in range(30)])
        while True:
            for frame in frames:
                self._show(frame, 0, 0, 320, 240, 800, 400)
                yield

    def _scroll(self) -> Iterator[None]:
        steps = 120
        tall = self._once(
            "scroll", lambda: self._pixels(text_page(1600, 900 + _LINE * steps, 5, dark=True))
        )
        while True:
            for step in range(steps):
                self._show(tall, 0, step * _LINE, 1600, 900, 160, 100)
                yield

    def _flip(self) -> Iterator[None]:
        def make() -> list[int]:
            mixed = text_page(WIDTH, HEIGHT, 15)
            mixed.paste(photo(700, 500, 16), (900, 300))
            pages = (
                text_page(WIDTH, HEIGHT, 11),
                photo(WIDTH, HEIGHT, 12),
                text_page(WIDTH, HEIGHT, 13, dark=True),
                photo(WIDTH, HEIGHT, 14),
                mixed,
            )
            return [self._pixels(page) for page in pages]

        pages = self._once("flip", make)
        while True:
            for page in pages:
                self._show(page, 0, 0, WIDTH, HEIGHT, 0, 0)
                yield

    def _video(self) -> Iterator[None]:
        def make() -> list[int]:
            large = photo(1600, 1000, 21)
            frames = []
            for number in range(24):
                left, top = number * 8, number * 6
                frame = large.crop((left, top, left + 1280, top + 720))
                shade = (200, 40 + number * 5, 60)
                place = (100 + number * 40, 300, 300 + number * 40, 500)
                ImageDraw.Draw(frame).ellipse(place, fill=shade)
                frames.append(self._pixels(frame))
            return frames

        frames = self._once("video", make)
        while True:
            for frame in frames:
                self._show(frame, 0, 0, 1280, 720, 320, 180)
                yield

    # --- X ----------------------------------------------------------------------------------------

    def _once(self, name: str, make: Callable[[], Any]) -> Any:
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]

    def _ink(self, colour: int) -> int:
        ink: int = self._connection.generate_id()
        self._connection.core.CreateGC(ink, self._window, xcffib.xproto.GC.Foreground, [colour])
        return ink

    def _pixels(self, picture: Image.Image) -> int:
        """Return a pixmap of the server's with this picture."""
        core = self._connection.core
        pixmap: int = self._connection.generate_id()
        depth = self._screen.root_depth
        core.CreatePixmap(depth, pixmap, self._screen.root, picture.width, picture.height)
        pixels = picture.convert("RGB").tobytes("raw", "BGRX")
        line = picture.width * 4
        rows = _PUT_BYTES // line
        for y in range(0, picture.height, rows):
            height = min(rows, picture.height - y)
            part = pixels[y * line : (y + height) * line]
            core.PutImage(
                *(xcffib.xproto.ImageFormat.ZPixmap, pixmap, self._black),
                *(picture.width, height, 0, y, 0, depth, len(part), part),
            )
        self._flush()
        return pixmap

    def _show(
        self, pixmap: int, from_x: int, from_y: int, width: int, height: int, x: int, y: int
    ) -> None:
        self._connection.core.CopyArea(
            pixmap, self._window, self._black, from_x, from_y, x, y, width, height
        )

    def _fill(self, ink: int, x: int, y: int, width: int, height: int) -> None:
        place = xcffib.xproto.RECTANGLE.synthetic(x, y, width, height)
        self._connection.core.PolyFillRectangle(self._window, ink, 1, [place])

    def _strip(self, value: int, top: int = 0) -> None:
        bits = coded(value)
        for number in range(TIME_BITS + CHECK_BITS):
            one = bits >> (TIME_BITS + CHECK_BITS - 1 - number) & 1
            self._fill(self._white if one else self._black, number * SQUARE, top, SQUARE, SQUARE)

    def _flush(self) -> None:
        # The answer to any question says that all before it was carried out.
        self._connection.core.GetInputFocus().reply()


def main() -> None:
    """Draw what standard input asks for."""
    drawing = Drawing()
    drawing.prepare()
    print(json.dumps({"event": "ready"}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps({"event": "begins", "load": asked["load"]}), flush=True)
        drawn = drawing.draw(asked["load"], asked.get("seconds", 0.0), asked.get("keys", 0))
        print(json.dumps({"event": "drawn", "count": drawn}), flush=True)


if __name__ == "__main__":
    main()
