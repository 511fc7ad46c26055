"""Everything that a share asks of this device's screen, and of its channels."""

from dataclasses import dataclass, field

from proxim.core import events as ev
from proxim.core.control.messages import Input
from proxim.core.screen.messages import Monitor


@dataclass(frozen=True, slots=True)
class PrepareScreens:
    """Load what pictures need, while a person decides about them. Nothing is looked at."""

    link: ev.LinkID


@dataclass(frozen=True, slots=True)
class FindScreens:
    """Look for this device's monitors; answered by ScreensFound or ScreenFailed.

    ScreensFound follows again whenever they change, until StopPictures.
    """

    link: ev.LinkID


@dataclass(frozen=True, slots=True)
class SendPictures:
    """Send pictures of a monitor on the share's channel from now on, and open that if need be.

    Repeated for another monitor, or for another view at the other side.
    """

    link: ev.LinkID
    share: str = field(repr=False)
    monitor: Monitor
    # How many pixels of its own the other side has for it.
    width: int
    height: int
    # Whether they may go over the link's lane, which is quicker than its data channels.
    lane: bool = False


@dataclass(frozen=True, slots=True)
class PausePictures:
    """Send no pictures until the next SendPictures."""

    link: ev.LinkID


@dataclass(frozen=True, slots=True)
class StopPictures:
    """End what FindScreens and SendPictures began."""

    link: ev.LinkID


@dataclass(frozen=True, slots=True)
class ShowPictures:
    """Show what arrives as a monitor of the other side.

    It arrives on this data channel or, also before there is one, over the lane under the share's
    label. Repeated for another monitor.
    """

    link: ev.LinkID
    share: str = field(repr=False)
    monitor: Monitor
    channel: int | None = None


@dataclass(frozen=True, slots=True)
class HidePictures:
    """Show nothing of the other side any more."""

    link: ev.LinkID


@dataclass(frozen=True, slots=True)
class ReceiveInput:
    """Report what arrives as InputReceived: on this data channel or, also before there is one, over
    the lane under the share's label.
    """

    link: ev.LinkID
    share: str = field(repr=False)
    channel: int | None = None


@dataclass(frozen=True, slots=True)
class SendInput:
    """Tell the other side what was done here with its mouse and keyboard.

    The first one of a share opens the input channel.
    """

    link: ev.LinkID
    share: str = field(repr=False)
    input: Input
    # Whether it may go over the lane, as in SendPictures.
    lane: bool = False


@dataclass(frozen=True, slots=True)
class StartControl:
    """Somebody may control this screen from now on: get its mouse and keyboard ready.

    ControlFailed says that it cannot be done, at once or later; LocalInput, until EndControl, that
    the mouse was moved here.
    """

    link: ev.LinkID


@dataclass(frozen=True, slots=True)
class EndControl:
    """Nobody of this link controls any longer: do nothing that waits, and release everything."""

    link: ev.LinkID


@dataclass(frozen=True, slots=True)
class Inject:
    """Do with this device's mouse and keyboard what somebody did who controls its screen."""

    link: ev.LinkID
    monitor: Monitor
    input: Input


@dataclass(frozen=True, slots=True)
class LetGo:
    """Release every key and button that Inject pressed for this link."""

    link: ev.LinkID
    # Whether what waits to be done, such as a long text, is done before; otherwise it is dropped.
    in_turn: bool = False


@dataclass(frozen=True, slots=True)
class ReadClipboard:
    """Read the text that was copied here since StartControl; answered by ClipboardRead."""

    link: ev.LinkID


@dataclass(frozen=True, slots=True)
class WatchPanicKeys:
    """Report PanicKeysPressed when somebody presses the keys that end everything, whatever window
    has the focus, until ForgetPanicKeys; published as PanicKeys.
    """

    link: ev.LinkID


@dataclass(frozen=True, slots=True)
class ForgetPanicKeys:
    """This link needs no panic keys any longer."""

    link: ev.LinkID


ScreenCommand = (
    PrepareScreens
    | FindScreens
    | SendPictures
    | PausePictures
    | StopPictures
    | ShowPictures
    | HidePictures
    | ReceiveInput
    | SendInput
    | StartControl
    | EndControl
    | Inject
    | LetGo
    | WatchPanicKeys
    | ForgetPanicKeys
    | ReadClipboard
)
