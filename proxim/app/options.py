"""The options of the command line, after they are parsed; those of hosts are in host_options.py."""

from dataclasses import dataclass
from typing import Final

from proxim.app.host_options import HostOptions, LogOptions, PipeOption, WindowOptions
from proxim.core.pairing.host_code import JoinTarget

_USUAL_LOG: Final = LogOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinOptions:
    """The options of `proxim join`."""

    # With None the face asks for the code, unless there is a device.
    target: JoinTarget | None = None
    # The name or id of a known device.
    device: str | None = None
    name: str | None = None
    # Dial an address outside the local network without asking.
    yes: bool = False
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
    log: LogOptions = _USUAL_LOG


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorOptions:
    """The options of `proxim doctor`."""

    json: bool = False
    # Remove what is kept of unfinished transfers, and do nothing else.
    clean: bool = False
    log: LogOptions = _USUAL_LOG


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrateOptions:
    """The options of `proxim integrate`."""

    # Remove what was written, and write nothing.
    remove: bool = False
    log: LogOptions = _USUAL_LOG


@dataclass(frozen=True, slots=True, kw_only=True)
class DevicesOptions:
    """The options of `proxim devices`; a change that is None was not asked for."""

    # The name or id of the only device that is meant.
    device: str | None = None
    rename: str | None = None
    forget: bool = False
    let_in: bool | None = None
    # An absolute path, or "" to ask about its files.
    files_to: str | None = None
    discovery: bool | None = None
    json: bool = False
    log: LogOptions = _USUAL_LOG


Options = (
    WindowOptions | HostOptions | JoinOptions | DevicesOptions | DoctorOptions | IntegrateOptions
)
