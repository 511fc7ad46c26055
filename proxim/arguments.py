"""The command line: what may be written, what it means, and a plain sentence for what may not.

Must never be here: doing any of it; an import that takes time, as --help and a mistyped option must answer at once.
"""

import argparse
import os
import re
import sys
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, NoReturn

from proxim import __version__
from proxim.core.errors import SENTENCES, Reason
from proxim.core.events import MAX_LIFETIME_SECONDS, MIN_LIFETIME_SECONDS, Invite, SessionType
from proxim.core.host_code import CodeError, JoinTarget, parse_target
from proxim.core.texts import display_name, is_usable_name
from proxim.options import DoctorOptions, HostOptions, JoinOptions, LogOptions, Options, Theme, WindowOptions

USAGE_STATUS: Final = 2  # what argparse and most programs exit with

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LIFETIME: Final = re.compile(r"([0-9]{1,9})([smhd])")
# RFC 7064, but for an IPv6 address in brackets, which aiortc does not read.
_STUN: Final = re.compile(r"stun:([A-Za-z0-9.-]{1,253})(:[0-9]{1,5})?")
_MAX_PORT: Final = 65535


class UsageError(Exception):
    """What was typed cannot be meant; its text is one plain sentence, and quotes nothing that could be a code."""


def parse_arguments(arguments: Sequence[str]) -> Options:
    """Read the command line (without the program's name).

    Raises SystemExit: 0 after --help and --version, USAGE_STATUS after one sentence on standard error.
    """
    parser = _parser()
    try:
        found, extras = parser.parse_known_args(arguments)
        if extras:
            raise UsageError(_unknown(extras, found.command))
        return _READERS[found.command](found)
    except UsageError as error:
        sys.stderr.write(f"proxim: {error}\n")
        raise SystemExit(USAGE_STATUS) from None


# --- what may be written -------------------------------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    """Tells a mistake in one sentence instead of a page of usage."""

    def error(self, message: str) -> NoReturn:
        """Argparse's own complaints; those that would quote what was typed are put in our words."""
        if "invalid choice" in message:
            raise UsageError("The commands are host, join and doctor (to join: proxim join CODE); see proxim --help.")
        raise UsageError(f"{message[:1].upper()}{message[1:]}; see {self.prog} --help.")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="proxim",
        allow_abbrev=False,
        description="Connect two devices in one room directly: one code, one approval, no account, no cloud. "
        "Without a command the window opens.",
        epilog="'proxim COMMAND --help' explains a command.",
    )
    parser.add_argument("--version", action="version", version=f"proxim {__version__}")
    parser.add_argument("--theme", metavar="THEME", default=Theme.SYSTEM, help="system (default), light or dark")
    _add_common(parser)
    _add_device(parser)
    _add_require_proof(parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    _add_host(commands)
    _add_join(commands)
    _add_doctor(commands)
    return parser


def _add_command(commands: Any, name: str, summary: str, details: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=summary, description=details, allow_abbrev=False)
    assert isinstance(parser, argparse.ArgumentParser)
    _add_common(parser)
    return parser


def _add_host(commands: Any) -> None:
    parser = _add_command(
        commands,
        "host",
        "show a code here in the terminal and let a device join",
        "Show a QR code and a host code, ask about each device that wants to join, then exchange text and files.",
    )
    parser.add_argument(
        "--type",
        metavar="TYPE",
        help="one-time (default: 15 minutes to be joined, ends with its link), temporary (ends after its lifetime) or "
        "persistent (until you end it)",
    )
    parser.add_argument(
        "--lifetime", metavar="TIME", help="of a temporary session: 90s, 30m, 2h or 1d; 1 minute to 7 days"
    )
    _add_require_proof(parser)
    parser.add_argument("--address", metavar="IP", help="which of this machine's addresses to use")
    parser.add_argument("--port", metavar="N", help="TCP port (default: 47800, or the next free one)")
    _add_device(parser)
    _add_terminal(parser)


def _add_join(commands: Any) -> None:
    parser = _add_command(
        commands,
        "join",
        "join a device that shows a code",
        "Join the device that shows CODE. Without CODE it is asked for, which is safer on a machine that others use "
        "too: they can read the command lines of running programs.",
    )
    parser.add_argument("code", nargs="*", metavar="CODE", help="the host code, or the link of the QR code")
    parser.add_argument("--yes", action="store_true", help="do not ask before going outside the local network")
    _add_device(parser)
    _add_terminal(parser)


def _add_doctor(commands: Any) -> None:
    parser = _add_command(
        commands,
        "doctor",
        "find what keeps others from reaching this machine",
        "Look at this machine's addresses, ports and firewall, and say what to do.",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")


def _add_common(parser: argparse.ArgumentParser) -> None:
    # SUPPRESS: they may stand before or after the command, and the command's default must not undo the first.
    parser.add_argument("--log-file", metavar="PATH", default=argparse.SUPPRESS, help="write the log there")
    parser.add_argument("--verbose", action="store_true", default=argparse.SUPPRESS, help="log every step")


def _add_require_proof(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--require-proof",
        action="store_true",
        default=argparse.SUPPRESS,
        help="refuse devices that cannot prove that they know the code, instead of showing them as not verified",
    )


def _add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", metavar="NAME", default=argparse.SUPPRESS, help="what others see this device as")
    parser.add_argument(
        "--stun",
        metavar="URL",
        nargs="+",
        action="extend",
        default=argparse.SUPPRESS,
        help="ask these servers for this network's outside address (stun:HOST:PORT); none is asked otherwise",
    )


def _add_terminal(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--save-to", metavar="DIR", help="put received files into this folder, and accept them without asking"
    )
    parser.add_argument(
        "--send",
        metavar="PATH",
        nargs="+",
        action="extend",
        help="send these files and folders to the device as soon as it is connected",
    )
    parser.add_argument(
        "--once",
        action="store_true",
        help="end when what --send names has arrived (without --send: when the first files have come); the exit status "
        "is 0 only if all of it was verified",
    )
    parser.add_argument("--json", action="store_true", help="JSON lines for scripts, see docs/json-lines.md")


# --- what it means -------------------------------------------------------------------------------------------------


def _window(found: argparse.Namespace) -> Options:
    if found.theme not in tuple(Theme):
        raise UsageError("A theme is system, light or dark.")
    return WindowOptions(
        theme=Theme(found.theme),
        require_proof=_proof(found),
        name=_name(found),
        stun=_stun(found),
        log=_log(found),
    )


def _host(found: argparse.Namespace) -> Options:
    return HostOptions(
        invite=_invite(found),
        require_proof=_proof(found),
        address=_address(found),
        port=_port(found),
        name=_name(found),
        stun=_stun(found),
        save_to=_save_to(found),
        send=_send(found),
        once=found.once,
        json=found.json,
        log=_log(found),
    )


def _join(found: argparse.Namespace) -> Options:
    return JoinOptions(
        target=_target(found),
        name=_name(found),
        yes=found.yes,
        stun=_stun(found),
        save_to=_save_to(found),
        send=_send(found),
        once=found.once,
        json=found.json,
        log=_log(found),
    )


def _doctor(found: argparse.Namespace) -> Options:
    return DoctorOptions(json=found.json, log=_log(found))


_READERS: Final[dict[str | None, Callable[[argparse.Namespace], Options]]] = {
    None: _window,
    "host": _host,
    "join": _join,
    "doctor": _doctor,
}


def _unknown(extras: list[str], command: str | None) -> str:
    see = f"see proxim {command} --help." if command else "see proxim --help."
    option = next((extra for extra in extras if extra.startswith("-")), None)
    if option is None:
        return f"There is a word too many; {see}"
    return f"Proxim does not know the option {display_name(option.partition('=')[0])} here; {see}"


def _save_to(found: argparse.Namespace) -> str | None:
    folder: str | None = found.save_to
    if folder is None:
        return None
    if not os.path.isdir(folder):
        raise UsageError("--save-to needs a folder that is there; make it first, or name another.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError("Nothing can be written to the folder of --save-to; name another.")
    return os.path.abspath(folder)


def _send(found: argparse.Namespace) -> tuple[str, ...]:
    for number, path in enumerate(found.send or (), 1):  # not quoted: a code may have got among them
        if not os.path.exists(path):
            raise UsageError(f"Path {number} after --send is not there; a code or other words go before --send.")
        if not os.access(path, os.R_OK):
            raise UsageError(f"Path {number} after --send may not be read; check its permissions.")
    return tuple(os.path.abspath(path) for path in found.send or ())


def _invite(found: argparse.Namespace) -> Invite:
    if found.type is not None and found.type not in tuple(SessionType):
        raise UsageError("A session's type is one-time, temporary or persistent.")
    lifetime = None if found.lifetime is None else _lifetime(found.lifetime)
    implied = SessionType.ONE_TIME if lifetime is None else SessionType.TEMPORARY
    session_type = implied if found.type is None else SessionType(found.type)
    if lifetime is not None and session_type is not SessionType.TEMPORARY:
        raise UsageError("Only a temporary session has a lifetime to choose; use --type temporary or no --lifetime.")
    return Invite(session_type, lifetime)


def _lifetime(text: str) -> float:
    match = _LIFETIME.fullmatch(text.strip().lower())
    if match is None:
        raise UsageError("A lifetime is a number with s, m, h or d behind it, such as 90s, 30m, 2h or 1d.")
    seconds = float(int(match[1]) * _SECONDS[match[2]])
    if not MIN_LIFETIME_SECONDS <= seconds <= MAX_LIFETIME_SECONDS:
        raise UsageError("A lifetime is 1 minute to 7 days; for longer use --type persistent.")
    return seconds


def _address(found: argparse.Namespace) -> str | None:
    if found.address is None:
        return None
    try:
        address = ip_address(found.address.strip().strip("[]"))
    except ValueError:
        raise UsageError(
            "An address is one of this machine's, such as 192.168.1.5; proxim doctor lists them."
        ) from None
    if address.is_unspecified or address.is_multicast:
        raise UsageError("Proxim uses one address of this machine, not all; proxim doctor lists them.")
    return str(address)


def _port(found: argparse.Namespace) -> int | None:
    if found.port is None:
        return None
    text = found.port.strip()
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= _MAX_PORT:
        raise UsageError(f"A port is a number from 1 to {_MAX_PORT}.")
    return int(text)


def _name(found: argparse.Namespace) -> str | None:
    name: str | None = getattr(found, "name", None)
    if name is None:
        return None
    if not is_usable_name(name):
        raise UsageError(SENTENCES[Reason.NAME_UNUSABLE])
    return name.strip()


def _stun(found: argparse.Namespace) -> tuple[str, ...]:
    urls = tuple(getattr(found, "stun", ()))
    for url in urls:
        match = _STUN.fullmatch(url)
        if match is None or int((match[2] or ":1")[1:]) not in range(1, _MAX_PORT + 1):
            raise UsageError(
                "A STUN server is written stun:HOST or stun:HOST:PORT; whatever else you write goes before --stun."
            )
    return urls


def _target(found: argparse.Namespace) -> JoinTarget | None:
    if not found.code:
        return None
    try:
        return parse_target(" ".join(found.code))  # people type the groups of a code apart
    except CodeError as error:
        raise UsageError(error.problem.sentence) from None


def _proof(found: argparse.Namespace) -> bool:
    return bool(getattr(found, "require_proof", False))


def _log(found: argparse.Namespace) -> LogOptions:
    path = getattr(found, "log_file", None)
    if path is not None and not path.strip():
        raise UsageError("--log-file needs the path of a file.")
    return LogOptions(file=None if path is None else Path(path), verbose=getattr(found, "verbose", False))
