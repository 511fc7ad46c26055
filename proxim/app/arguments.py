"""The command line: what may be written, what it means, and a plain sentence for each mistake."""

import argparse
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, NoReturn

from proxim import __version__
from proxim.app.host_options import (
    HostOptions,
    LogOptions,
    PipeOption,
    ShareOption,
    ThemeOption,
    WindowOptions,
)
from proxim.app.options import DevicesOptions, DoctorOptions, IntegrateOptions, JoinOptions, Options
from proxim.core import events as ev
from proxim.core.errors import SENTENCES, Reason
from proxim.core.i18n import closest, tr
from proxim.core.pairing.host_code import CodeError, JoinTarget, parse_target
from proxim.core.sanitize import display_id, given_name, is_encodable, is_usable_name

# argparse and most programs exit with this status.
USAGE_STATUS: Final = 2

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LIFETIME: Final = re.compile(r"([0-9]{1,9})([smhd])")
# RFC 7064, except for an IPv6 address in brackets, which aiortc does not read.
_STUN: Final = re.compile(r"stun:([A-Za-z0-9.-]{1,253})(:[0-9]{1,5})?")
_MAX_PORT: Final = 65535
# The options of the window that each command has, too; they may stand before the command.
_SHARED: Final[dict[str, frozenset[str]]] = {
    "host": frozenset({"name", "stun", "require_proof", "share_screen", "quiet"}),
    "join": frozenset({"name", "stun", "quiet"}),
    "send": frozenset({"quiet"}),
}
# All options that stand before a command, and belong to the window where there is none.
_WINDOW: Final = ("theme", "name", "stun", "require_proof", "share_screen", "quiet", "new")
# What --qr takes.
INVERT: Final = "invert"
# What --send and --save-to take for standard input and output.
PIPE: Final = "-"
# What standard input is called as a file, unless --send-name says so.
STDIN_NAME: Final = "stdin"
# What --files-to takes for asking each time.
ASK: Final = "ask"
_SWITCH: Final = {"on": True, "off": False}
_SWITCH_WORDS: Final = "|".join(_SWITCH)
# The beginnings of argparse's own complaints, which are English in every language.
_COMPLAINTS: Final = (
    (re.compile(r"argument ([^:]*): expected one argument"), "usage.oneArgument"),
    (re.compile(r"argument ([^:]*): expected at least one argument"), "usage.someArguments"),
    (re.compile(r"argument ([^:]*): ignored explicit argument"), "usage.noArgument"),
)


class UsageError(Exception):
    """What was typed has no meaning.

    The text is one plain sentence, and quotes nothing that could be a code.
    """


def parse_arguments(arguments: Sequence[str]) -> Options:
    """Read the command line (without the program's name).

    Raises SystemExit: 0 after --help and --version, USAGE_STATUS after one sentence on standard
    error.
    """
    parser = _parser()
    try:
        found, extras = parser.parse_known_args(arguments)
        if extras:
            raise UsageError(_unknown(extras, found.command))
        _refuse_ignored(found)
        # app/language.py has chosen the language already, so this only checks the option.
        if closest([getattr(found, "language", "en")]) is None:
            raise UsageError(tr("usage.badLanguage"))
        return _READERS[found.command](found)
    except UsageError as error:
        sys.stderr.write(f"proxim: {error}\n")
        raise SystemExit(USAGE_STATUS) from None


# --- what may be written --------------------------------------------------------------------------


class _Formatter(argparse.HelpFormatter):
    """argparse's formatter, except for the one word that cannot be chosen otherwise."""

    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[argparse._MutuallyExclusiveGroup],
        prefix: str | None = None,
    ) -> None:
        """Add the usage with our own word instead of argparse's "usage: "."""
        super().add_usage(usage, actions, groups, tr("usage.usage") if prefix is None else prefix)


class _Parser(argparse.ArgumentParser):
    """Reports a mistake in one sentence instead of a page of usage.

    `options` replaces argparse's own group.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, add_help=False, formatter_class=_Formatter, **settings)
        self.positionals = self.add_argument_group(tr("usage.arguments"))
        self.options = self.add_argument_group(tr("usage.options"))
        self.options.add_argument("-h", "--help", action="help", help=tr("usage.help"))

    def error(self, message: str) -> NoReturn:
        """Raise UsageError with a complaint of argparse in our words.

        argparse may quote what was typed, and we never do.
        """
        if "invalid choice" in message:
            raise UsageError(tr("usage.whichCommands"))
        for complaint, key in _COMPLAINTS:
            if found := complaint.match(message):
                raise UsageError(tr(key, option=found[1], program=self.prog))
        raise UsageError(tr("usage.unclear", program=self.prog))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="proxim", description=tr("usage.program"), epilog=tr("usage.epilog"))
    version = f"proxim {__version__}"
    parser.options.add_argument(
        "--version", action="version", version=version, help=tr("usage.version")
    )
    parser.options.add_argument(
        "--theme",
        metavar=tr("usage.metaTheme"),
        default=argparse.SUPPRESS,
        help=tr("usage.theme"),
    )
    _add_common(parser)
    _add_device(parser)
    _add_require_proof(parser)
    _add_share_screen(parser)
    _add_quiet(parser)
    _add_new(parser)
    commands = parser.add_subparsers(
        dest="command", metavar=tr("usage.metaCommand"), title=tr("usage.commands")
    )
    _add_host(commands)
    _add_join(commands)
    _add_send(commands)
    _add_integrate(commands)
    _add_devices(commands)
    _add_doctor(commands)
    return parser


def _add_command(commands: Any, name: str, summary: str, details: str) -> _Parser:
    parser = commands.add_parser(name, help=summary, description=details)
    assert isinstance(parser, _Parser)
    _add_common(parser)
    return parser


def _add_host(commands: Any) -> None:
    parser = _add_command(commands, "host", tr("usage.host"), tr("usage.hostMore"))
    add = parser.options.add_argument
    add("--known", action="store_true", help=tr("usage.known"))
    add("--type", metavar=tr("usage.metaType"), help=tr("usage.type"))
    add("--lifetime", metavar=tr("usage.metaTime"), help=tr("usage.lifetime"))
    _add_require_proof(parser)
    _add_share_screen(parser)
    add("--address", metavar="IP", help=tr("usage.address"))
    add("--port", metavar="N", help=tr("usage.port"))
    add("--qr", metavar=INVERT, help=tr("usage.qr"))
    add("--qr-file", metavar=tr("usage.metaPath"), help=tr("usage.qrFile"))
    _add_device(parser)
    _add_terminal(parser)


def _add_join(commands: Any) -> None:
    parser = _add_command(commands, "join", tr("usage.join"), tr("usage.joinMore"))
    parser.positionals.add_argument(
        "code", nargs="*", metavar=tr("usage.metaCode"), help=tr("usage.code")
    )
    parser.options.add_argument(
        "--device", metavar=tr("usage.metaName"), help=tr("usage.joinDevice")
    )
    parser.options.add_argument("--yes", action="store_true", help=tr("usage.yes"))
    _add_device(parser)
    _add_terminal(parser)


def _add_devices(commands: Any) -> None:
    parser = _add_command(commands, "devices", tr("usage.devices"), tr("usage.devicesMore"))
    parser.positionals.add_argument(
        "device", nargs="*", metavar=tr("usage.metaName"), help=tr("usage.deviceName")
    )
    add = parser.options.add_argument
    add("--rename", metavar=tr("usage.metaName"), help=tr("usage.rename"))
    add("--forget", action="store_true", help=tr("usage.forget"))
    add("--let-in", metavar=_SWITCH_WORDS, help=tr("usage.letIn"))
    add("--files-to", metavar=tr("usage.metaFilesTo"), help=tr("usage.filesTo"))
    add("--discovery", metavar=_SWITCH_WORDS, help=tr("usage.discovery"))
    add("--json", action="store_true", help=tr("usage.devicesJson"))


def _add_doctor(commands: Any) -> None:
    parser = _add_command(commands, "doctor", tr("usage.doctor"), tr("usage.doctorMore"))
    parser.options.add_argument("--json", action="store_true", help=tr("usage.doctorJson"))
    parser.options.add_argument("--clean", action="store_true", help=tr("usage.clean"))


def _add_send(commands: Any) -> None:
    parser = _add_command(commands, "send", tr("usage.sendFiles"), tr("usage.sendFilesMore"))
    parser.positionals.add_argument(
        "send", nargs="*", metavar=tr("usage.metaPath"), help=tr("usage.sendPaths")
    )
    parser.options.add_argument("--to", metavar=tr("usage.metaName"), help=tr("usage.sendTo"))
    _add_quiet(parser)


def _add_integrate(commands: Any) -> None:
    parser = _add_command(commands, "integrate", tr("usage.integrate"), tr("usage.integrateMore"))
    parser.options.add_argument("--remove", action="store_true", help=tr("usage.integrateRemove"))


def _add_quiet(parser: _Parser) -> None:
    parser.options.add_argument(
        "--quiet", action="store_true", default=argparse.SUPPRESS, help=tr("usage.quiet")
    )


def _add_new(parser: _Parser) -> None:
    parser.options.add_argument(
        "--new", action="store_true", default=argparse.SUPPRESS, help=tr("usage.new")
    )


def _add_common(parser: _Parser) -> None:
    # These options may stand before or after the command. SUPPRESS keeps the command's default from
    # overwriting the first value.
    add, suppress = parser.options.add_argument, argparse.SUPPRESS
    add(
        "--language",
        metavar=tr("usage.metaLanguage"),
        default=suppress,
        help=tr("usage.language"),
    )
    add("--log-file", metavar=tr("usage.metaPath"), default=suppress, help=tr("usage.logFile"))
    add("--verbose", action="store_true", default=suppress, help=tr("usage.verbose"))


def _add_require_proof(parser: _Parser) -> None:
    parser.options.add_argument(
        "--require-proof",
        action="store_true",
        default=argparse.SUPPRESS,
        help=tr("usage.requireProof"),
    )


def _add_share_screen(parser: _Parser) -> None:
    parser.options.add_argument(
        "--share-screen",
        metavar=tr("usage.metaShare"),
        default=argparse.SUPPRESS,
        help=tr("usage.shareScreen"),
    )


def _add_device(parser: _Parser) -> None:
    add, suppress = parser.options.add_argument, argparse.SUPPRESS
    add("--name", metavar=tr("usage.metaName"), default=suppress, help=tr("usage.name"))
    add(
        "--stun",
        metavar="URL",
        nargs="+",
        action="extend",
        default=suppress,
        help=tr("usage.stun"),
    )


def _add_terminal(parser: _Parser) -> None:
    add = parser.options.add_argument
    _add_quiet(parser)
    add("--save-to", metavar=tr("usage.metaDir"), help=tr("usage.saveTo"))
    add("--send", metavar=tr("usage.metaPath"), nargs="+", action="extend", help=tr("usage.send"))
    add(
        "--send-name",
        metavar=tr("usage.metaName"),
        help=tr("usage.sendName", name=STDIN_NAME),
    )
    add("--once", action="store_true", help=tr("usage.once"))
    add("--json", action="store_true", help=tr("usage.json"))


# --- what it means --------------------------------------------------------------------------------


def _window(found: argparse.Namespace) -> Options:
    theme: str = getattr(found, "theme", ThemeOption.SYSTEM)
    if theme not in tuple(ThemeOption):
        raise UsageError(tr("usage.badTheme"))
    return WindowOptions(
        theme=ThemeOption(theme),
        require_proof=_proof(found),
        share_screen=_share_screen(found),
        name=_name(found),
        stun=_stun(found),
        quiet=_quiet(found),
        new=getattr(found, "new", False),
        log=_log(found),
    )


def _send_files(found: argparse.Namespace) -> Options:
    if found.to is not None and not is_usable_name(found.to):
        raise UsageError(SENTENCES[Reason.NAME_UNUSABLE])
    return WindowOptions(
        send=_send(found, "usage.sendPathGone", "usage.sendPathUnreadable", codes=False),
        to=found.to,
        quiet=_quiet(found),
        log=_log(found),
    )


def _integrate(found: argparse.Namespace) -> Options:
    return IntegrateOptions(remove=found.remove, log=_log(found))


def _host(found: argparse.Namespace) -> Options:
    only_for_codes = (found.type, found.lifetime, found.qr, found.qr_file)
    if found.known and (_proof(found) or any(one is not None for one in only_for_codes)):
        raise UsageError(tr("usage.knownWithoutCode"))
    pipe = _pipe(found)
    return HostOptions(
        invite=_invite(found),
        known=found.known,
        require_proof=_proof(found),
        share_screen=_share_screen(found),
        address=_address(found),
        port=_port(found),
        invert_qr=_invert_qr(found),
        qr_file=_qr_file(found),
        name=_name(found),
        stun=_stun(found),
        save_to=_save_to(found),
        send=_send(found),
        pipe=pipe,
        # A pipe ends with its file.
        once=found.once or pipe is not None,
        json=found.json,
        quiet=_quiet(found),
        log=_log(found),
    )


def _join(found: argparse.Namespace) -> Options:
    if found.device is not None and found.code:
        raise UsageError(tr("usage.codeOrDevice"))
    pipe = _pipe(found)
    return JoinOptions(
        target=_target(found),
        device=found.device,
        name=_name(found),
        yes=found.yes,
        stun=_stun(found),
        save_to=_save_to(found),
        send=_send(found),
        pipe=pipe,
        # A pipe ends with its file.
        once=found.once or pipe is not None,
        json=found.json,
        quiet=_quiet(found),
        log=_log(found),
    )


def _devices(found: argparse.Namespace) -> Options:
    # People type a name of several words without quotation marks.
    device = " ".join(found.device) if found.device else None
    of_one = (found.rename, found.let_in, found.files_to)
    if device is None and (found.forget or any(one is not None for one in of_one)):
        raise UsageError(tr("usage.nameForChange"))
    if found.forget and any(one is not None for one in of_one):
        raise UsageError(tr("usage.forgetAlone"))
    return DevicesOptions(
        device=device,
        rename=None if found.rename is None else _given(found.rename),
        forget=found.forget,
        let_in=_switch("--let-in", found.let_in),
        files_to=_files_to(found),
        discovery=_switch("--discovery", found.discovery),
        json=found.json,
        log=_log(found),
    )


def _switch(option: str, word: str | None) -> bool | None:
    if word is not None and word not in _SWITCH:
        raise UsageError(tr("usage.badSwitch", option=option))
    return None if word is None else _SWITCH[word]


def _files_to(found: argparse.Namespace) -> str | None:
    folder: str | None = found.files_to
    if folder is None:
        return None
    if folder == ASK:
        return ""
    if not os.path.isdir(folder) or not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(tr("usage.noFilesTo"))
    return os.path.abspath(folder)


def _doctor(found: argparse.Namespace) -> Options:
    return DoctorOptions(json=found.json, clean=found.clean, log=_log(found))


_READERS: Final[dict[str | None, Callable[[argparse.Namespace], Options]]] = {
    None: _window,
    "host": _host,
    "join": _join,
    "send": _send_files,
    "integrate": _integrate,
    "devices": _devices,
    "doctor": _doctor,
}


def _refuse_ignored(found: argparse.Namespace) -> None:
    """Raise UsageError for an option before a command that does not have it.

    The command would ignore it, and who typed it believes that it counts.
    """
    if found.command is None:
        return
    shared = _SHARED.get(found.command, frozenset())
    for option in _WINDOW:
        if option not in shared and hasattr(found, option):
            raise UsageError(
                tr(
                    "usage.unknownOption",
                    option=f"--{option.replace('_', '-')}",
                    program=f"proxim {found.command}",
                )
            )


def _unknown(extras: list[str], command: str | None) -> str:
    program = f"proxim {command}" if command else "proxim"
    option = next((extra for extra in extras if extra.startswith("-")), None)
    if option is None:
        return tr("usage.wordTooMany", program=program)
    return tr("usage.unknownOption", option=display_id(option.partition("=")[0]), program=program)


def _save_to(found: argparse.Namespace) -> str | None:
    folder: str | None = found.save_to
    if folder is None or folder == PIPE:
        return None
    if not os.path.isdir(folder):
        raise UsageError(tr("usage.noFolder"))
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(tr("usage.folderReadOnly"))
    return os.path.abspath(folder)


def _send(
    found: argparse.Namespace,
    gone: str = "usage.pathGone",
    unreadable: str = "usage.pathUnreadable",
    *,
    codes: bool = True,
) -> tuple[str, ...]:
    if found.send == [PIPE]:
        return ()
    for number, path in enumerate(found.send or (), 1):
        if not os.path.exists(path):
            raise UsageError(tr(gone, path=_path_words(path, number, codes=codes)))
        if not os.access(path, os.R_OK):
            raise UsageError(tr(unreadable, path=_path_words(path, number, codes=codes)))
    return tuple(os.path.abspath(path) for path in found.send or ())


def _path_words(path: str, number: int, *, codes: bool) -> str:
    """Return a path as people know it, or its number if it may be a code or a link by mistake: they
    are secrets, and what goes wrong may be kept in a log. Without `codes`, the command takes none.
    """
    from proxim.ui.wording import name_words

    is_link = "://" in path or "#" in path
    if codes and (is_link or not {"/", ".", os.sep} & {*path}):
        return tr("usage.pathNumber", number=number)
    return name_words(path)


def _pipe(found: argparse.Namespace) -> PipeOption | None:
    sends, saves = PIPE in (found.send or ()), found.save_to == PIPE
    name: str | None = found.send_name
    if sends and len(found.send) > 1:
        raise UsageError(tr("usage.pipeAlone"))
    if name is not None and not sends:
        raise UsageError(tr("usage.sendNameAlone"))
    if not sends and not saves:
        return None
    if sends and saves:
        raise UsageError(tr("usage.onePipe"))
    if found.json:
        raise UsageError(tr("usage.pipeNoJson"))
    if saves:
        return PipeOption(None)
    name = STDIN_NAME if name is None else name
    if not is_encodable(name) or name in ("", ".", "..") or set(name) & set("/\\\0"):
        raise UsageError(tr("usage.badSendName"))
    return PipeOption(name)


def _invite(found: argparse.Namespace) -> ev.Invite:
    if found.type is not None and found.type not in tuple(ev.SessionType):
        raise UsageError(tr("usage.badType"))
    lifetime = None if found.lifetime is None else _lifetime(found.lifetime)
    implied = ev.SessionType.ONE_TIME if lifetime is None else ev.SessionType.TEMPORARY
    session_type = implied if found.type is None else ev.SessionType(found.type)
    if lifetime is not None and session_type is not ev.SessionType.TEMPORARY:
        raise UsageError(tr("usage.onlyTemporary"))
    return ev.Invite(session_type, lifetime)


def _lifetime(text: str) -> float:
    match = _LIFETIME.fullmatch(text.strip().lower())
    if match is None:
        raise UsageError(tr("usage.badLifetime"))
    seconds = float(int(match[1]) * _SECONDS[match[2]])
    if not ev.MIN_LIFETIME_SECONDS <= seconds <= ev.MAX_LIFETIME_SECONDS:
        raise UsageError(tr("usage.lifetimeRange"))
    return seconds


def _address(found: argparse.Namespace) -> str | None:
    if found.address is None:
        return None
    try:
        address = ip_address(found.address.strip().strip("[]"))
    except ValueError:
        raise UsageError(tr("usage.badAddress")) from None
    if address.is_unspecified or address.is_multicast:
        raise UsageError(tr("usage.allAddresses"))
    return str(address)


def _port(found: argparse.Namespace) -> int | None:
    if found.port is None:
        return None
    text = found.port.strip()
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= _MAX_PORT:
        raise UsageError(tr("usage.badPort", last=_MAX_PORT))
    return int(text)


def _invert_qr(found: argparse.Namespace) -> bool:
    if found.qr not in (None, INVERT):
        raise UsageError(tr("usage.badQR"))
    return found.qr is not None


def _qr_file(found: argparse.Namespace) -> Path | None:
    if found.qr_file is None:
        return None
    path: str = found.qr_file
    # A device or a pipe must not be replaced by a picture. os.path answers False to any odd path.
    is_other = os.path.exists(path) and not os.path.isfile(path)
    if not path or "\0" in path or is_other or not os.path.isdir(os.path.dirname(path) or "."):
        raise UsageError(tr("usage.badQRFile"))
    return Path(path).absolute()


def _name(found: argparse.Namespace) -> str | None:
    name: str | None = getattr(found, "name", None)
    return None if name is None else _given(name)


def _given(name: str) -> str:
    """Return the name that a device is to have."""
    given = given_name(name)
    if given is None:
        raise UsageError(SENTENCES[Reason.NAME_UNUSABLE])
    return given


def _stun(found: argparse.Namespace) -> tuple[str, ...]:
    urls = tuple(getattr(found, "stun", ()))
    for url in urls:
        match = _STUN.fullmatch(url)
        if match is None or int((match[2] or ":1")[1:]) not in range(1, _MAX_PORT + 1):
            raise UsageError(tr("usage.badStun"))
    return urls


def _target(found: argparse.Namespace) -> JoinTarget | None:
    if not found.code:
        return None
    try:
        # People type spaces between the groups of a code.
        return parse_target(" ".join(found.code))
    except CodeError as error:
        raise UsageError(error.problem.sentence) from None


def _quiet(found: argparse.Namespace) -> bool:
    return bool(getattr(found, "quiet", False))


def _proof(found: argparse.Namespace) -> bool:
    return bool(getattr(found, "require_proof", False))


def _share_screen(found: argparse.Namespace) -> ShareOption | None:
    share: str | None = getattr(found, "share_screen", None)
    if share is not None and share not in tuple(ShareOption):
        raise UsageError(tr("usage.badShare"))
    return None if share is None else ShareOption(share)


def _log(found: argparse.Namespace) -> LogOptions:
    path = getattr(found, "log_file", None)
    if path is not None and not path.strip():
        raise UsageError(tr("usage.badLogFile"))
    return LogOptions(
        file=None if path is None else Path(path), verbose=getattr(found, "verbose", False)
    )
