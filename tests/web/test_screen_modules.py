"""The page's modules of shared screens that need no browser, run in Node; what reads the pictures
must say the same of every message as Python's reader does.
"""

import io
import json
import random
from pathlib import Path
from typing import Any, Final

from PIL import Image

from proxim.core.json_text import MessageError
from proxim.core.screen import updates
from proxim.core.screen.updates import (
    Canvas,
    Delay,
    Format,
    PictureMessage,
    Pointer,
    PointerShape,
    Rectangle,
    ScreenReader,
    Tile,
    Update,
)
from tests.web.node import run_node

JSON = dict[str, Any]
# Each is a few messages, and the random changes are the same in every run.
CHANGED: Final = 4000


def test_the_modules_do_what_they_say() -> None:
    assert run_node("screen_modules.mjs") > 100


def plain(message: PictureMessage | None) -> JSON | None:
    """Return a message as screen_reader.mjs writes it."""
    match message:
        case Update(number, tiles):
            return {"kind": "update", "number": number, "tiles": [plain_tile(one) for one in tiles]}
        case PointerShape(id, width, height, x, y, png):
            sides = {"width": width, "height": height}
            return {"kind": "shape", "id": id, **sides, "x": x, "y": y, "png": png.hex()}
        case Pointer(shape, x, y):
            return {"kind": "pointer", "shape": shape, "x": x, "y": y}
        case Canvas(monitor, width, height):
            return {"kind": "canvas", "monitor": monitor, "width": width, "height": height}
        case Delay(milliseconds):
            return {"kind": "delay", "milliseconds": milliseconds}
    return None


def plain_tile(tile: Tile) -> JSON:
    place = tile.place
    fields: JSON = {"x": place.x, "y": place.y, "width": place.width, "height": place.height}
    fields |= {"format": int(tile.format), "content": tile.content.hex()}
    if tile.format is Format.COPY:
        fields["fromX"], fields["fromY"] = tile.copied_from
    return fields


def channel(messages: list[bytes]) -> JSON:
    """Return what Python's reader makes of the messages of a channel, until the first bad one."""
    reader = ScreenReader()
    read: list[JSON] = []
    for message in messages:
        try:
            read.append({"message": message.hex(), "wanted": plain(reader.read(message))})
        except MessageError:
            read.append({"message": message.hex(), "broken": True})
            break
    return {"messages": read}


def honest() -> list[list[bytes]]:
    """Return channels that keep the rules; only the last one is long."""
    place = Rectangle(10, 20, 30, 40)
    tiles = (
        Tile(place, Format.PNG, b"png"),
        Tile(Rectangle(0, 0, 640, 480), Format.JPEG, b""),
        updates.copy(place, 600, 440),
    )
    canvas = updates.pack_canvas(Canvas(2**32 - 1, 640, 480))
    large = Update(2**32 - 1, (Tile(place, Format.PNG, bytes(150_000)),))
    return [
        [canvas, *updates.pack_update(Update(1, tiles)), *updates.pack_update(Update(2, ()))],
        [
            updates.pack_shape(PointerShape(65535, 512, 512, 511, 511, b"png")),
            updates.pack_pointer(Pointer(0, -(2**31), 2**31 - 1)),
            updates.pack_canvas(Canvas(0, 7680, 4320)),
            updates.pack_canvas(Canvas(0, 8192, 4050)),
        ],
        [canvas, *updates.pack_update(large), updates.pack_delay(0.123), updates.pack_delay(9e9)],
    ]


def dishonest() -> list[list[bytes]]:
    canvas = updates.pack_canvas(Canvas(0, 640, 480))

    def update(*tiles: Tile) -> list[bytes]:
        return [canvas, *updates.pack_update(Update(1, tiles))]

    all_of_it = Tile(Rectangle(0, 0, 640, 480), Format.PNG, b"")
    piece = bytes([0]) + bytes(60_000)
    return [
        [b""],
        [bytes([9])],
        [updates.pack_canvas(Canvas(0, 0, 5))],
        [updates.pack_canvas(Canvas(0, 8193, 5))],
        [updates.pack_canvas(Canvas(0, 8192, 8192))],
        [canvas, bytes([0])],
        [canvas, bytes([0, 1]), canvas],
        [canvas, bytes([1]) + bytes(5)],
        [canvas, *[piece] * 300],
        list(updates.pack_update(Update(1, (all_of_it,)))),
        update(all_of_it, all_of_it, all_of_it),
        update(Tile(Rectangle(0, 0, 641, 1), Format.PNG, b"")),
        update(Tile(Rectangle(639, 479, 1, 2), Format.PNG, b"")),
        update(Tile(Rectangle(5, 5, 0, 9), Format.PNG, b"")),
        update(Tile(Rectangle(5, 5, 9, 9), Format.COPY, b"abc")),
        update(updates.copy(Rectangle(0, 0, 10, 10), 631, 0)),
        [updates.pack_shape(PointerShape(0, 5, 5, 0, 0, b""))],
        [updates.pack_shape(PointerShape(1, 513, 5, 0, 0, b""))],
        [updates.pack_shape(PointerShape(1, 5, 5, 5, 0, b""))],
        [updates.pack_pointer(Pointer(1, 0, 0))[:-1]],
        [updates.pack_delay(1) + b"x"],
    ]


def changed(chance: random.Random) -> list[bytes]:
    """Return a short honest channel in which something was changed."""
    messages = chance.choice(honest()[:-1])
    at = chance.randrange(len(messages))
    one = bytearray(messages[at])
    for _ in range(chance.randint(1, 3)):
        # Contents are long and say nothing; the fields come first.
        where = chance.randrange(min(len(one), 80))
        match chance.randrange(4):
            case 0:
                one[where] = chance.choice((0, 1, 2, 255, chance.randrange(256)))
            case 1:
                del one[where:]
            case 2:
                one.insert(where, chance.randrange(256))
            case _:
                one += bytes(chance.randrange(1, 9))
        if not one:
            break
    return [*messages[:at], bytes(one), *messages[at + 1 :]]


def pictures() -> list[JSON]:
    """Return pictures and what is none, with the sizes that Pillow reads."""
    found: list[JSON] = []
    for size in ((1, 1), (640, 17), (3, 8000)):
        image = Image.new("RGB", size, "red")
        for format, name, more in (
            (Format.PNG, "PNG", {}),
            (Format.JPEG, "JPEG", {"quality": 45}),
            (Format.JPEG, "JPEG", {"progressive": True, "comment": b"x" * 3000}),
        ):
            written = io.BytesIO()
            image.save(written, name, **more)
            whole = written.getvalue()
            found.append({"format": int(format), "bytes": whole.hex(), "size": list(size)})
            other = Format.JPEG if format is Format.PNG else Format.PNG
            found.append({"format": int(other), "bytes": whole.hex(), "size": None})
            found.append({"format": int(format), "bytes": whole[:15].hex(), "size": None})
    return found


def test_the_reader_of_pictures_says_what_pythons_says(tmp_path: Path) -> None:
    chance = random.Random(16)
    channels = [channel(one) for one in (*honest(), *dishonest())]
    assert all("broken" in one["messages"][-1] for one in channels[len(honest()) :])
    channels += [channel(changed(chance)) for _ in range(CHANGED)]
    verdicts = {"broken" in one["messages"][-1] for one in channels[-CHANGED:]}
    assert verdicts == {True, False}
    vectors = tmp_path / "vectors.json"
    vectors.write_text(json.dumps({"channels": channels, "pictures": pictures()}))
    assert run_node("screen_reader.mjs", str(vectors)) > CHANGED
