"""What every system's way of using mouse and keyboard has in common, and the choice among them."""

from typing import Protocol

from proxim.core.control.messages import Input
from proxim.core.errors import ProximError
from proxim.core.screen.messages import Monitor


class ControlError(ProximError):
    """The mouse and keyboard cannot be used for others, or no longer."""


class Injector(Protocol):
    """Uses this device's mouse and keyboard. All methods belong to one thread at a time."""

    def inject(self, monitor: Monitor, what: Input) -> None:
        """Do what somebody did who sees this monitor. Raises ControlError.

        It is not done to windows of this process. A text should be short, since nothing else is
        done meanwhile.
        """

    def moved_here(self) -> bool:
        """Whether somebody else has moved the mouse since the last call, or since `inject` put it
        somewhere. Raises ControlError.
        """

    def let_go(self) -> None:
        """Release every key and button that was pressed. Raises ControlError."""

    def close(self) -> None:
        """Release everything, and touch nothing any more."""
