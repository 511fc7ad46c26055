"""What is done here with the mouse, as the input of the other side's screen: at most one move and
one turn of the wheel for each frame, of which the newest counts.
"""

from collections.abc import Callable
from typing import Final

from proxim.core.control.messages import MAX_WHEEL, Input, PointerInput, WheelInput

# Nobody sees more than 60 moves a second, and the other side takes 300 messages.
FRAME_MS: Final = 16
# While something is held down, the other side hears this often that it still is: it lets go of
# everything after 5 s of silence.
HOLD_MS: Final = 2000
NOTCH: Final = 120

# The bits of MouseEvent.buttons (UI Events).
LEFT, RIGHT, MIDDLE, BACK, FORWARD = 1, 2, 4, 8, 16
_BUTTONS: Final = {1: LEFT, 2: MIDDLE, 3: RIGHT, 8: BACK, 9: FORWARD}
_BUTTONS_MACOS: Final = {1: LEFT, 2: RIGHT, 3: MIDDLE}
# X11 has buttons for the wheel: what one press of each turns, right and down.
_WHEEL_X11: Final = {4: (0, -NOTCH), 5: (0, NOTCH), 6: (-NOTCH, 0), 7: (NOTCH, 0)}


class Mouse:
    """Turns Tk's mouse events into input; `system` is Tk's name of the windowing system.

    Places are 0..1 of the shown monitor. `later` and `cancel` are as for Keyboard.
    """

    def __init__(
        self,
        system: str,
        send: Callable[[Input], None],
        later: Callable[[int, Callable[[], None]], str],
        cancel: Callable[[str], None],
    ) -> None:
        self._system = system
        self._send = send
        self._later = later
        self._cancel = cancel
        self._buttons = 0
        self._place: tuple[float, float] | None = None
        # What was not sent yet.
        self._moved = False
        self._wheel = (0, 0)
        self._timer: str | None = None

    @property
    def holds(self) -> bool:
        """Whether a button is down."""
        return self._buttons != 0

    def move(self, x: float, y: float) -> None:
        """The pointer is there now."""
        if (x, y) == self._place:
            return
        self._place = (x, y)
        self._moved = True
        self._flush_soon()

    def press(self, button: int, x: float, y: float) -> None:
        """A button was pressed; on X11 this may be the wheel."""
        if self._system == "x11" and button in _WHEEL_X11:
            self.move(x, y)
            self._turn(*_WHEEL_X11[button])
            return
        self._press(self._bit(button), x, y, down=True)

    def release(self, button: int, x: float, y: float) -> None:
        """A button was released."""
        if self._system != "x11" or button not in _WHEEL_X11:
            self._press(self._bit(button), x, y, down=False)

    def turn(self, delta: int, *, sideways: bool) -> None:
        """The wheel was turned by Tk's `delta` (Windows and macOS), up for positive numbers."""
        # On macOS Tk 8.6 counts lines, elsewhere notches are 120.
        amount = delta * NOTCH if self._system == "aqua" else delta
        self._turn(-amount if sideways else 0, 0 if sideways else -amount)

    def hold(self) -> None:
        """Say again where the pointer is and what is down, so that it is not let go of."""
        if self._place is not None:
            self._send(PointerInput(*self._place, self._buttons))

    def release_all(self) -> None:
        """Forget what was pressed and not sent; ReleaseAll is the keyboard's to send."""
        self._buttons = 0
        self._moved = False
        self._wheel = (0, 0)
        if self._timer is not None:
            self._cancel(self._timer)
            self._timer = None

    def _bit(self, button: int) -> int:
        return (_BUTTONS_MACOS if self._system == "aqua" else _BUTTONS).get(button, 0)

    def _press(self, bit: int, x: float, y: float, *, down: bool) -> None:
        buttons = self._buttons | bit if down else self._buttons & ~bit
        if bit == 0 or buttons == self._buttons:
            return
        # What came before happens before.
        self._flush()
        self._place, self._moved, self._buttons = (x, y), False, buttons
        self._send(PointerInput(x, y, buttons))

    def _turn(self, dx: int, dy: int) -> None:
        across, down = self._wheel
        self._wheel = across + dx, down + dy
        self._flush_soon()

    def _flush_soon(self) -> None:
        """Send at once, unless this frame has had its move."""
        if self._timer is None:
            self._flush()
            self._timer = self._later(FRAME_MS, self._frame_over)

    def _frame_over(self) -> None:
        self._timer = None
        if self._moved or self._wheel != (0, 0):
            self._flush_soon()

    def _flush(self) -> None:
        if self._moved and self._place is not None:
            self._moved = False
            self._send(PointerInput(*self._place, self._buttons))
        (dx, dy), self._wheel = self._wheel, (0, 0)
        if dx or dy:
            self._send(WheelInput(_limited(dx), _limited(dy)))


def _limited(amount: int) -> int:
    return max(-MAX_WHEEL, min(amount, MAX_WHEEL))
