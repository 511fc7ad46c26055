"""The picture of the other side's screen, drawn from its Sight: fitted into the place there is, or
pixel for pixel with scrolling; with the other side's pointer.

All lengths are pixels of this screen.
"""

import struct
import tkinter
import zlib
from collections.abc import Callable
from tkinter import ttk
from typing import Final

from proxim.core.screen.sight import Moved, Patch, Picture, PointerPicture, PointerPlace, Sight
from proxim.ui.window.theme import Theme

# After each part Tk looks through the whole picture for what is transparent, which takes a
# millisecond. Parts of this height, as they come, are still a little quicker than all at once.
_BAND_ROWS: Final = 360
# Nothing is transparent, so no pixel needs to be mixed with what was there.
_OPAQUE: Final = ("-compositingrule", "set")
# A little larger would only be less sharp; from here on it is worth it.
_WORTH_ENLARGING: Final = 1.25
# How near to an edge the pointer moves the picture, how far it moves it, and how often.
_EDGE: Final = 3
_PAN_STEP: Final = 24
_PAN_MS: Final = 20
# So long after the person moved the mouse here, the pointer is drawn where they moved it.
OWN_POINTER_MS: Final = 1000


def fitted(width: int, height: int, across: int, down: int) -> tuple[int, int]:
    """Return the size of a screen of `width` x `height` in a place of `across` x `down`."""
    factor = min(across / width, down / height)
    if 1 <= factor < _WORTH_ENLARGING:
        factor = 1
    return max(1, round(width * factor)), max(1, round(height * factor))


def ppm(width: int, height: int, rgb: bytes | memoryview) -> bytes:
    """Return rows of red, green and blue as a file that Tk reads."""
    return b"P6 %d %d 255\n" % (width, height) + rgb


def png(picture: PointerPicture) -> bytes:
    """Return a pointer as a file that Tk reads with what is transparent."""
    row = picture.width * 4
    raw = b"".join(
        b"\0" + picture.rgba[at : at + row] for at in range(0, row * picture.height, row)
    )

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    eight_bits_rgba = struct.pack(">IIBBBBB", picture.width, picture.height, 8, 6, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", eight_bits_rgba)
        + chunk(b"IDAT", zlib.compress(raw, 1))
        + chunk(b"IEND", b"")
    )


class ScreenPicture(tkinter.Frame):
    """The picture, with scroll bars where it is larger than its place.

    `resized` is called when the place has another size.
    """

    def __init__(self, master: tkinter.Misc, theme: Theme, resized: Callable[[], None]) -> None:
        super().__init__(master, borderwidth=0, highlightthickness=0)
        self._theme = theme
        self._resized = resized
        self._sight: Sight | None = None
        self.fits = True
        # Whether the bars may be shown; without them the edges move the picture.
        self._bars = True
        self.columnconfigure(0, weight=1)
        self.rowconfigure(0, weight=1)
        canvas = self.canvas = tkinter.Canvas(
            self, borderwidth=0, highlightthickness=0, background="black", takefocus=True
        )
        canvas.grid(row=0, column=0, sticky="nsew")
        self._across = ttk.Scrollbar(self, orient="horizontal", command=canvas.xview)
        self._down = ttk.Scrollbar(self, orient="vertical", command=canvas.yview)
        canvas.configure(
            xscrollcommand=self._across.set,
            yscrollcommand=self._down.set,
            xscrollincrement=1,
            yscrollincrement=1,
        )
        self._photo = tkinter.PhotoImage(master=self, width=1, height=1)
        self._image = canvas.create_image(0, 0, anchor="nw", image=self._photo)
        # Pictures of the sizes that came lately, into which Tk reads before it copies.
        self._scratch: dict[tuple[int, int], tkinter.PhotoImage] = {}
        self._pointer_shape: PointerPicture | None = None
        self._pointer_photo: tkinter.PhotoImage | None = None
        self._pointer = canvas.create_image(0, 0, anchor="nw", state="hidden")
        self._pointer_place: PointerPlace | None = None
        self._pointer_shown = False
        self._own_pointer: tuple[int, int] | None = None
        self._own_timer: str | None = None
        # The size of the view, as drawn last.
        self._size = (0, 0)
        self._acknowledge: str | None = None
        self._again: str | None = None
        # The size that the sight was last given.
        self._scaled = (0, 0)
        self._pan_timer: str | None = None
        self._pan_by = (0, 0)
        canvas.bind("<Configure>", self._configured)
        self.bind("<Destroy>", self._destroyed, add=True)

    # --- for the window ---------------------------------------------------------------------------

    @property
    def place_size(self) -> tuple[int, int]:
        """The size of the place for the picture, without scroll bars."""
        return self.winfo_width(), self.winfo_height()

    def show_sight(self, sight: Sight) -> None:
        """Draw this screen from now on."""
        self._sight = sight
        self._scaled = (0, 0)
        self.draw()

    def set_fits(self, fits: bool) -> None:
        """Fit the picture into its place, or show it pixel for pixel."""
        self.fits = fits
        self._arrange()
        self.draw()

    def set_bars(self, bars: bool) -> None:
        """Allow scroll bars, or let the edges move the picture instead."""
        self._bars = bars
        self._arrange()

    def clear(self) -> None:
        """Show nothing any more."""
        self._sight = None
        self._size = (0, 0)
        self._photo.configure(width=1, height=1)
        self._photo.blank()
        self._scratch.clear()
        self._pointer_place = None
        self._hide_pointer()

    def draw(self) -> None:
        """Draw what is new, if anybody can see it; otherwise no more is sent."""
        sight = self._sight
        if sight is None or not self.winfo_viewable():
            return
        self._scale(sight)
        picture = sight.take()
        self._resize(picture)
        for change in picture.changes:
            if isinstance(change, Patch):
                self._put(change)
            else:
                self._move(change)
        self._pointer_place = picture.pointer
        self._show_pointer()
        if self._acknowledge is None:
            # Tk draws before it runs this.
            self._acknowledge = str(self.after_idle(self._drawn))
        if self._scale(sight):
            # The screen has another size since a moment ago.
            self._start_again()

    def restyle(self) -> None:
        """Apply the current palette."""
        self.configure(background=self._theme.palette.background)

    # --- places -----------------------------------------------------------------------------------

    def share_of(self, x: int, y: int) -> tuple[float, float] | None:
        """Return which point of the screen (0..1) a point of the canvas shows; None if none.

        Beyond an edge it is the edge, so that what is dragged there stops there.
        """
        width, height = self._size
        if not width or not height:
            return None
        left, top = self._corner
        across = (self.canvas.canvasx(x) - left + 0.5) / width
        down = (self.canvas.canvasy(y) - top + 0.5) / height
        return min(max(across, 0.0), 1.0), min(max(down, 0.0), 1.0)

    def contains(self, x: int, y: int) -> bool:
        """Whether a point of the canvas shows a part of the screen."""
        left, top = self._corner
        width, height = self._size
        across, down = self.canvas.canvasx(x) - left, self.canvas.canvasy(y) - top
        return 0 <= across < width and 0 <= down < height

    def pointed(self, x: int, y: int, *, own: bool) -> None:
        """The mouse is at this point of the canvas; with `own` the pointer is drawn there, too."""
        if own:
            self._own_pointer = round(self.canvas.canvasx(x)), round(self.canvas.canvasy(y))
            if self._own_timer is not None:
                self.after_cancel(self._own_timer)
            self._own_timer = self.after(OWN_POINTER_MS, self._forget_own)
            self._show_pointer()
        self._pan(x, y)

    def left(self) -> None:
        """The mouse is elsewhere."""
        self._pan_by = (0, 0)
        self._forget_own()

    @property
    def _corner(self) -> tuple[int, int]:
        """The left upper corner of the picture on the canvas: it stands in the middle."""
        width, height = self._size
        return (
            max(0, (self.canvas.winfo_width() - width) // 2),
            max(0, (self.canvas.winfo_height() - height) // 2),
        )

    # --- drawing ----------------------------------------------------------------------------------

    def _resize(self, picture: Picture) -> None:
        size = (picture.width, picture.height)
        if size != self._size:
            self._size = size
            self._photo.configure(width=max(1, size[0]), height=max(1, size[1]))
            self._photo.blank()
            self._scratch.clear()
            self._arrange()

    def _put(self, patch: Patch) -> None:
        place, row = patch.place, 3 * patch.place.width
        pixels = memoryview(patch.rgb)
        for top in range(0, place.height, _BAND_ROWS):
            rows = min(_BAND_ROWS, place.height - top)
            scratch = self._scratch_of(place.width, rows)
            part = pixels[top * row : (top + rows) * row]
            scratch.configure(data=ppm(place.width, rows, part), format="ppm")
            to = ("-to", place.x, place.y + top)
            self.tk.call(str(self._photo), "copy", str(scratch), *to, *_OPAQUE)

    def _scratch_of(self, width: int, height: int) -> tkinter.PhotoImage:
        scratch = self._scratch.get((width, height))
        if scratch is None:
            # Screens have a few sizes of parts; those of a window that moves are countless.
            if len(self._scratch) >= 8:
                self._scratch.pop(next(iter(self._scratch)))
            scratch = self._scratch[(width, height)] = tkinter.PhotoImage(master=self)
        return scratch

    def _move(self, moved: Moved) -> None:
        place = moved.place
        right, bottom = moved.from_x + place.width, moved.from_y + place.height
        self.tk.call(
            str(self._photo),
            "copy",
            str(self._photo),
            "-from",
            moved.from_x,
            moved.from_y,
            right,
            bottom,
            "-to",
            place.x,
            place.y,
            *_OPAQUE,
        )

    def _drawn(self) -> None:
        self._acknowledge = None
        if self._sight is not None:
            # The answer of the display shows that it has drawn, too.
            self.winfo_pointerxy()
            self._sight.drawn()

    # --- the pointer ------------------------------------------------------------------------------

    def _show_pointer(self) -> None:
        place = self._pointer_place
        sight = self._sight
        shape = None if place is None else place.picture
        if place is None or shape is None or sight is None or not all(sight.canvas):
            self._hide_pointer()
            return
        if shape is not self._pointer_shape:
            self._pointer_shape = shape
            self._pointer_photo = tkinter.PhotoImage(master=self, data=png(shape), format="png")
            self.canvas.itemconfigure(self._pointer, image=self._pointer_photo)
        if self._own_pointer is not None:
            x, y = self._own_pointer
        else:
            (across, down), (width, height) = sight.canvas, self._size
            left, top = self._corner
            x = left + place.x * width // across
            y = top + place.y * height // down
        self.canvas.coords(self._pointer, x - shape.hot_x, y - shape.hot_y)
        self.canvas.itemconfigure(self._pointer, state="normal")
        self._pointer_shown = True

    def _hide_pointer(self) -> None:
        self.canvas.itemconfigure(self._pointer, state="hidden")
        self._pointer_shown = False

    @property
    def draws_pointer(self) -> bool:
        """Whether the other side's pointer is on the picture."""
        return self._pointer_shown

    def _forget_own(self) -> None:
        if self._own_timer is not None:
            self.after_cancel(self._own_timer)
            self._own_timer = None
        if self._own_pointer is not None:
            self._own_pointer = None
            self._show_pointer()

    # --- size and scrolling -----------------------------------------------------------------------

    def _configured(self, _event: object) -> None:
        self._arrange()
        self.draw()
        self._resized()

    def _scale(self, sight: Sight) -> bool:
        """Tell the sight the size in which it is to be drawn; return True if that is another."""
        across, down = sight.canvas
        place = self.place_size
        size = (0, 0)
        if self.fits and across and down and min(place) > 1:
            size = fitted(across, down, *place)
            size = (0, 0) if size == (across, down) else size
        if size == self._scaled:
            return False
        self._scaled = size
        sight.scale_to(*size)
        return True

    def _start_again(self) -> None:
        if self._again is None:
            self._again = str(self.after_idle(self._draw_again))

    def _draw_again(self) -> None:
        self._again = None
        self.draw()

    def _arrange(self) -> None:
        """Put the picture into the middle, and show the scroll bars that it needs."""
        width, height = self._size
        across, down = self.place_size
        wide = self._bars and not self.fits and width > across
        high = self._bars and not self.fits and height > down
        if wide:
            self._across.grid(row=1, column=0, sticky="ew")
        else:
            self._across.grid_remove()
        if high:
            self._down.grid(row=0, column=1, sticky="ns")
        else:
            self._down.grid_remove()
        left, top = self._corner
        self.canvas.coords(self._image, left, top)
        self.canvas.configure(scrollregion=(0, 0, left + width, top + height))
        self._show_pointer()

    def _pan(self, x: int, y: int) -> None:
        """Move the picture while the pointer is at an edge and there are no bars."""
        if self._bars or self.fits:
            return
        width, height = self.canvas.winfo_width(), self.canvas.winfo_height()
        self._pan_by = (
            _PAN_STEP * ((x >= width - _EDGE) - (x < _EDGE)),
            _PAN_STEP * ((y >= height - _EDGE) - (y < _EDGE)),
        )
        if self._pan_by != (0, 0) and self._pan_timer is None:
            self._pan_timer = self.after(_PAN_MS, self._pan_on)

    def _pan_on(self) -> None:
        self._pan_timer = None
        across, down = self._pan_by
        if (across, down) == (0, 0):
            return
        self.canvas.xview_scroll(across, "units")
        self.canvas.yview_scroll(down, "units")
        self._pan_timer = self.after(_PAN_MS, self._pan_on)

    def _destroyed(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        if event.widget is self:
            for timer in (self._acknowledge, self._again, self._pan_timer, self._own_timer):
                if timer is not None:
                    self.after_cancel(timer)
            self._acknowledge = self._again = self._pan_timer = self._own_timer = None
