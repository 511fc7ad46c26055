"""The options of a host: those of the window, and of `proxim host`.

They are apart from all others (options.py), because a window loads them before its code is shown.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from proxim.core.pairing.opening import Invite, SessionType


class ThemeOption(StrEnum):
    """Colours of the window."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class ShareOption(StrEnum):
    """What the person allows beforehand with this device's screen (core.screen.events.Grant).

    A device that were let in unasked must never get it: then nobody would have said yes to either.
    """

    VIEW = "view"
    CONTROL = "control"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """Where the log goes, and how detailed it is."""

    # None means standard error, or for the window a file in the user's log folder.
    file: Path | None = None
    verbose: bool = False


@dataclass(frozen=True, slots=True)
class PipeOption:
    """The one file that standard input is, or that goes to standard output."""

    # The name of the file that standard input is; None if the file goes to standard output.
    send_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostOptions:
    """The options of `proxim host`."""

    invite: Invite = Invite(SessionType.ONE_TIME)  # noqa: RUF009 - immutable
    # Serve known devices only, and show no code.
    known: bool = False
    # Refuse guests that cannot prove that they know the code.
    require_proof: bool = False
    # What each guest that proves itself may do with this device's screen without a question.
    share_screen: ShareOption | None = None
    # None means the best address of this machine.
    address: str | None = None
    # None means the default port with its fallbacks.
    port: int | None = None
    invert_qr: bool = False
    # Where a picture of the QR code is written.
    qr_file: Path | None = None
    # None means the name in the settings.
    name: str | None = None
    stun: tuple[str, ...] = ()
    # A folder. If it is given, incoming files are accepted without asking.
    save_to: str | None = None
    # Absolute paths of files and folders.
    send: tuple[str, ...] = ()
    pipe: PipeOption | None = None
    once: bool = False
    json: bool = False
    # Show no notifications on the desktop.
    quiet: bool = False
    log: LogOptions = LogOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowOptions:
    """The options of `proxim` alone and of `proxim send`: the window, or `proxim host` if there is
    no display.
    """

    theme: ThemeOption = ThemeOption.SYSTEM
    require_proof: bool = False
    share_screen: ShareOption | None = None
    name: str | None = None
    stun: tuple[str, ...] = ()
    # Show no notifications on the desktop.
    quiet: bool = False
    # Open another window, although there is one.
    new: bool = False
    # Absolute paths of files and folders, and the name of the device that gets them; None if the
    # person chooses.
    send: tuple[str, ...] = ()
    to: str | None = None
    log: LogOptions = LogOptions()

    @property
    def shape_the_window(self) -> bool:
        """Whether some of these say how the program runs, which one that runs already cannot
        follow.
        """
        rest = replace(self, quiet=False, new=False, send=(), to=None, log=LogOptions())
        return rest != WindowOptions()

    def without_display(self) -> HostOptions:
        """Return the same options for a host in a terminal."""
        return HostOptions(
            require_proof=self.require_proof,
            share_screen=self.share_screen,
            name=self.name,
            stun=self.stun,
            send=self.send,
            quiet=self.quiet,
            log=self.log,
        )
