"""A scripted host that shows its screen to the page of a real browser, over real data channels."""

import base64
import io
import json
from collections.abc import Callable, Iterable
from typing import Any, Final

from PIL import Image, ImageDraw

from proxim.core.screen import updates
from proxim.core.screen.messages import Monitor, ScreenState
from proxim.core.screen.updates import Canvas, Format, Pointer, PointerShape, Rectangle, Tile
from tests.paths import TESTS

SHARE: Final = "A" * 22
MONITOR: Final = Monitor(0, "DP-1", 0, 0, 1920, 1080)
SECOND: Final = Monitor(3, "HDMI-2", 1920, 0, 1280, 1024)
_SCRIPT: Final = (TESTS / "web" / "screen_host.mjs").read_text(encoding="utf-8")

JSON = dict[str, Any]
Run = Callable[[str], Any]


def png(image: Image.Image) -> bytes:
    """Return a picture as PNG."""
    written = io.BytesIO()
    image.save(written, "PNG")
    return written.getvalue()


def jpeg(image: Image.Image) -> bytes:
    """Return a picture as JPEG."""
    written = io.BytesIO()
    image.save(written, "JPEG", quality=95, subsampling=0)
    return written.getvalue()


def desktop(width: int = 1920, height: int = 1080, name: str = "DP-1") -> Image.Image:
    """Draw what looks like a screen."""
    image = Image.new("RGB", (width, height), "#30507a")
    draw = ImageDraw.Draw(image)
    for x in range(0, width, 120):
        draw.line((x, 0, x, height), "#3a5c8a")
    draw.rectangle((0, 0, width, 32), "#202428")
    draw.text((12, 10), f"Activities   {name}   12:34", "#ffffff")
    draw.rectangle((200, 120, 1100, 760), "#ffffff", "#202428", 2)
    draw.rectangle((200, 120, 1100, 156), "#e0e4ea")
    draw.text((216, 132), "report.txt - Editor", "#202428")
    for line in range(34):
        draw.text((216, 170 + 17 * line), f"{line + 1:3}  The quick brown fox jumps. " * 4, "black")
    draw.rectangle((width - 620, height - 460, width - 60, height - 80), "#101418", "#8899aa")
    for line in range(20):
        draw.text(
            (width - 605, height - 445 + 17 * line), f"$ make target-{line} ... ok", "#80ff90"
        )
    return image


def arrow() -> PointerShape:
    """Return the shape of an ordinary pointer."""
    image = Image.new("RGBA", (24, 24))
    draw = ImageDraw.Draw(image)
    draw.polygon([(1, 1), (1, 18), (5, 14), (8, 21), (11, 20), (8, 13), (14, 13)], "black", "white")
    return PointerShape(7, 24, 24, 1, 1, png(image))


def whole(image: Image.Image, x: int = 0, y: int = 0, *, lossless: bool = True) -> Tile:
    """Return a tile that shows a picture at this place."""
    place = Rectangle(x, y, image.width, image.height)
    return Tile(
        place,
        Format.PNG if lossless else Format.JPEG,
        png(image) if lossless else jpeg(image),
    )


class ScreenHost:
    """Runs in the page itself, which is driven by `run`: it returns the value of an expression."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._number = 0

    def begin(self) -> None:
        """Link the page with this host. The page is at a real host, and not linked with that."""
        self._run(f"(async () => {{{_SCRIPT}}})()")

    def connect(self) -> None:
        """Link them once more."""
        self._run("host.connect()")

    def lose(self) -> None:
        """Lose the link, which may come back."""
        self._run("host.lose()")

    def say(self, message: JSON) -> None:
        """Send a message on the control channel."""
        self._run(f"host.say({json.dumps(message)})")

    def allow(
        self,
        *,
        control: bool = False,
        reason: str | None = None,
        monitor: int = 0,
        monitors: tuple[Monitor, ...] = (MONITOR,),
        share: str = SHARE,
    ) -> None:
        """Say what the page may do."""
        self.say(ScreenState(True, share, control, reason, monitor, monitors).fields())

    def end(self, reason: str) -> None:
        """Refuse, or end what was allowed."""
        self.say(ScreenState(view=False, reason=reason).fields())

    def _take(self, name: str) -> list[Any]:
        # WebDriver has a notation of its own for lists.
        taken: list[Any] = json.loads(self._run(f"JSON.stringify(host.{name}.splice(0))"))
        return taken

    def said(self) -> list[JSON]:
        """What the page has said on the control channel since the last call."""
        return self._take("said")

    def inputs(self) -> list[JSON]:
        """What the page has sent on the input channels since the last call."""
        return self._take("inputs")

    def drawn(self) -> list[int]:
        """The updates that the page says are drawn since the last call."""
        return self._take("drawn")

    def open_pictures(self, share: str = SHARE) -> None:
        """Open the channel of the pictures."""
        self._run(f"host.openPictures('screen/{share}')")

    def send(self, messages: Iterable[bytes]) -> None:
        """Send messages on the channel of the pictures."""
        encoded = [base64.b64encode(one).decode() for one in messages]
        self._run(f"host.send({json.dumps(encoded)})")

    def canvas(self, monitor: Monitor = MONITOR) -> None:
        """Begin a picture of a monitor."""
        self.send([updates.pack_canvas(Canvas(monitor.id, monitor.width, monitor.height))])

    def update(self, *tiles: Tile) -> int:
        """Show tiles; return the number of the update."""
        self._number += 1
        self.send(updates.pack_update(updates.Update(self._number, tiles)))
        return self._number

    def point(self, x: int, y: int, shape: PointerShape | None = None) -> None:
        """Show the pointer there."""
        if shape is not None:
            self.send([updates.pack_shape(shape)])
        self.send([updates.pack_pointer(Pointer(7, x, y))])

    def show(self, image: Image.Image, monitor: Monitor = MONITOR) -> int:
        """Show the whole of a monitor, with a pointer."""
        self.open_pictures()
        self.canvas(monitor)
        number = self.update(whole(image))
        self.point(960, 540, arrow())
        return number
