"""The program's entry.

It reads the command line, starts the face that it asks for, and returns the exit status.
"""

import contextlib
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Final, Protocol, TextIO

# Nothing of ours is imported up here, because each face loads what it needs when it is started.
if TYPE_CHECKING:
    from proxim.app.bridge import Bridge
    from proxim.app.desktop import Desktop
    from proxim.app.hearing import Hearing
    from proxim.app.host_options import HostOptions, WindowOptions
    from proxim.app.options import (
        DevicesOptions,
        DoctorOptions,
        IntegrateOptions,
        JoinOptions,
        Options,
    )
    from proxim.app.pipes import Streams
    from proxim.app.qr_file import QRFile
    from proxim.core.status import Status
    from proxim.io.desktop.instance import Claim
    from proxim.ui.text.model import FaceModel

# How late a Ctrl-C may be noticed on Windows, where it cannot interrupt a wait. An idle program in
# a terminal also looks this often whether anything has become due.
POLL_SECONDS: Final = 1.0
# Shells report this status for a program that Ctrl-C ended (128 + SIGINT).
INTERRUPTED: Final = 130
FAILED_STATUS: Final = 1
USAGE_STATUS: Final = 2


class LineFace(Protocol):
    """A face of lines, the terminal or JSON lines, as this module drives it."""

    @property
    def model(self) -> "FaceModel":
        """What the face knows, and what ends the program."""

    def start(self) -> None:
        """Start the face, before everything else."""

    def show(self, status: "Status") -> None:
        """Show a new status."""

    def line(self, text: str) -> None:
        """Handle a line of stdin."""

    def line_was_cut(self) -> None:
        """Refuse a line of stdin that the terminal has cut."""

    def end_of_input(self) -> None:
        """Handle the end of stdin: no more decisions can come, but links go on."""

    def catch_up(self) -> None:
        """Show what has become due although nothing happened; called regularly."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run Proxim. Returns the process's exit status."""
    # Until the window is complete, start-up makes no garbage, and looking for it would take 20 ms.
    # From then on the window looks for it (Desktop).
    gc.disable()
    # Until there is anybody to say goodbye to, Ctrl-C ends the program silently.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    given = sys.argv[1:] if arguments is None else arguments
    # The folder into which the one-file executable has unpacked itself (PyInstaller's "Run-time
    # Information"). Some of what is there is read days later.
    unpacked = getattr(sys, "_MEIPASS", None)
    if unpacked is not None:
        from proxim.io.system.file_lock import hold_folder

        hold_folder(unpacked)
    from proxim.app.host_options import WindowOptions
    from proxim.app.language import choose_language, speak
    from proxim.app.logs import set_up_logging

    speak(choose_language(given))
    options = _parse(given) if given else WindowOptions()
    set_up_logging(options.log, window=isinstance(options, WindowOptions))
    if isinstance(options, WindowOptions):
        return _run_window(options)
    # These are imported late, as a window must show soon.
    from proxim.app.options import DevicesOptions, DoctorOptions, IntegrateOptions

    match options:
        case DoctorOptions():
            return _run_doctor(options)
        case IntegrateOptions():
            return _run_integrate(options)
        case DevicesOptions():
            return _run_devices(options)
        case _ if options.pipe is not None:
            from proxim.app.pipes import run_piped

            return run_piped(options, _run_lines)
        case _:
            return _run_lines(options)


def _parse(given: Sequence[str]) -> "Options":
    # A face of lines leaves garbage to Python; a window stops that again.
    gc.enable()
    # Imported late, because a start without arguments must not wait for it.
    from proxim.app.arguments import parse_arguments

    # argparse writes the help unchanged. A letter that this terminal's encoding lacks must not keep
    # the help from being shown.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    return parse_arguments(given)


def _goodbye_on_signals(bridge: "Bridge") -> Callable[[], bool]:
    """Make Ctrl-C, SIGTERM and SIGHUP end the program with goodbyes.

    A second signal ends it at once. Returns a function that reports whether Ctrl-C was seen.
    """
    seen: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        if seen:
            raise SystemExit(INTERRUPTED)
        seen.append(number)
        bridge.interrupt()

    # Some systems have SIGHUP, which means that the terminal's window was closed. What was ignored
    # when we were started stays ignored: `nohup`, and `&` in a script.
    for number in (signal.SIGINT, signal.SIGTERM, *filter(None, [getattr(signal, "SIGHUP", None)])):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)
    # A shell's background job that reads its terminal would be stopped, with all sockets. When it
    # is ignored, the read fails, and that is the end of input.
    if hasattr(signal, "SIGTTIN"):
        signal.signal(signal.SIGTTIN, signal.SIG_IGN)
    return lambda: signal.SIGINT in seen


def _run_window(options: "WindowOptions") -> int:
    gc.disable()
    # Everything is loaded before the network side's thread starts, because two threads that import
    # at once keep each other waiting (60 ms of 250).
    import proxim.io.system.addresses
    import proxim.io.system.settings  # noqa: F401
    from proxim.app.bridge import Bridge
    from proxim.app.logs import set_up_logging
    from proxim.app.startup import Startup
    from proxim.core.errors import SENTENCES, Reason

    claim = _claim(options)
    if isinstance(claim, int):
        return claim
    bridge = Bridge()
    cancelled = _goodbye_on_signals(bridge)
    desktop = _open_desktop(options, bridge, claim)
    if desktop is not None:
        return desktop.run()

    if claim is not None:
        claim.close()
    gc.enable()
    if options.to is not None:
        from proxim.core.i18n import tr

        sys.stderr.write(f"proxim: {tr('handover.needsWindow')}\n")
        return FAILED_STATUS
    in_terminal = options.without_display()
    set_up_logging(in_terminal.log, window=False)
    sys.stderr.write(f"{SENTENCES[Reason.NO_DISPLAY]}\n")
    bridge.start(Startup(in_terminal, bridge))
    if in_terminal.share_screen is not None:
        _warn_of_no_screen(bridge)
    return _drive(_face(in_terminal, bridge), bridge, cancelled, options=in_terminal)


def _claim(options: "WindowOptions") -> "Claim | int | None":
    """Become the first window of this folder and display, or hand the wishes to the one that is.

    Returns the exit status after that, and None where there is nothing to be the first of.
    """
    from proxim.io.desktop.instance import FirstEndedError, place_of

    place = place_of(os.environ)
    if place is None:
        return None
    claim = place.claim()
    # One that ends meanwhile makes room.
    while claim is None and not options.new:
        from proxim.app.handing import hand_to_first

        try:
            return hand_to_first(place, options)
        except FirstEndedError:
            claim = place.claim()
    return claim


def _open_desktop(
    options: "WindowOptions", bridge: "Bridge", claim: "Claim | None"
) -> "Desktop | None":
    """Make the window. Returns None if there is no display, or no Tk."""
    try:
        from proxim.app.desktop import open_desktop
    except ImportError:
        # Debian has Tk in a separate package.
        return None
    return open_desktop(options, bridge, claim)


def _run_lines(options: "HostOptions | JoinOptions", streams: "Streams | None" = None) -> int:
    """Run a program in a terminal or for a script; `streams` are not None for a pipe."""
    from dataclasses import replace

    from proxim.app.bridge import Bridge
    from proxim.app.host_options import HostOptions
    from proxim.app.startup import Startup

    if isinstance(options, HostOptions) and options.address is not None:
        from proxim.core.errors import SENTENCES, Reason
        from proxim.io.system.addresses import network_for

        own = network_for(options.address)
        if own is None:
            sys.stderr.write(f"proxim: {SENTENCES[Reason.NOT_OUR_ADDRESS]}\n")
            return USAGE_STATUS
        # A link-local address may have been typed without its zone.
        options = replace(options, address=own.address)
    bridge = Bridge()
    cancelled = _goodbye_on_signals(bridge)
    bridge.start(Startup(options, bridge))
    if isinstance(options, HostOptions) and options.share_screen is not None:
        _warn_of_no_screen(bridge)
    picture = None
    if isinstance(options, HostOptions) and options.qr_file is not None:
        from proxim.app.qr_file import QRFile

        picture = QRFile(options.qr_file)
    face = _face(options, bridge, streams)
    return _drive(face, bridge, cancelled, picture, streams, options)


def _run_devices(options: "DevicesOptions") -> int:
    from proxim.app.bridge import Bridge
    from proxim.app.handing import linked_elsewhere
    from proxim.app.startup import Startup
    from proxim.ui.text.known.devices import DevicesFace, DevicesWish

    # The parent process has closed standard output, so nothing can be shown.
    if sys.stdout is None:
        return FAILED_STATUS
    _use_utf8(options.json)
    bridge = Bridge()
    cancelled = _goodbye_on_signals(bridge)
    bridge.start(Startup(options, bridge))
    wish = DevicesWish(
        options.device,
        options.rename,
        options.forget,
        options.let_in,
        options.files_to,
        options.discovery,
    )
    face = DevicesFace(
        wish,
        bridge.post,
        sys.stdout,
        time.monotonic,
        json=options.json,
        environ=os.environ,
        columns=lambda: _columns(sys.stdout),
        linked_elsewhere=linked_elsewhere,
    )
    return _drive(face, bridge, cancelled)


def _columns(out: TextIO) -> int:
    """Return the width of the terminal that is written to."""
    import shutil

    if out is sys.stdout:
        return shutil.get_terminal_size().columns
    try:
        return os.get_terminal_size(out.fileno()).columns or shutil.get_terminal_size().columns
    except OSError:
        return shutil.get_terminal_size().columns


def _warn_of_no_screen(bridge: "Bridge") -> None:
    """Say at once, and not only to who asks, that there is nothing to be seen here."""
    from proxim.core.errors import Problem, Reason
    from proxim.core.status import Trouble
    from proxim.io.system.screens import has_screen

    if not has_screen(os.environ):
        bridge.publish(Trouble(Problem(Reason.NO_SCREEN)))


def _face(
    options: "HostOptions | JoinOptions", bridge: "Bridge", streams: "Streams | None" = None
) -> LineFace:
    from proxim.app.host_options import HostOptions
    from proxim.ui.text.model import FaceOptions, Role

    # The parent process has closed standard output, so nothing can be shown.
    if sys.stdout is None:
        raise SystemExit(FAILED_STATUS)
    _use_utf8(options.json)
    if isinstance(options, HostOptions):
        wanted = FaceOptions(
            Role.HOST,
            invite=options.invite,
            known_only=options.known,
            invert_qr=options.invert_qr,
            once=options.once,
            send=options.send,
            share_screen=None if options.share_screen is None else options.share_screen.value,
            piped=streams is not None,
            pipe_folder=None if streams is None else streams.save_folder,
        )
    else:
        from proxim.io.system.addresses import list_networks

        wanted = FaceOptions(
            Role.JOIN,
            target=options.target,
            device=options.device,
            agreed=options.yes,
            own_networks=tuple(network.subnet for network in list_networks()),
            once=options.once,
            send=options.send,
            piped=streams is not None,
            pipe_folder=None if streams is None else streams.save_folder,
        )
    if options.json:
        from proxim.ui.text.jsonlines import JsonLinesFace

        return JsonLinesFace(wanted, bridge.post, sys.stdout, time.monotonic, time.time)
    from proxim.ui.text.terminal import TerminalFace

    out = sys.stdout if streams is None else streams.out
    return TerminalFace(
        wanted,
        bridge.post,
        out,
        time.monotonic,
        time.time,
        environ=os.environ,
        columns=lambda: _columns(out),
    )


def _use_utf8(json: bool) -> None:
    """Make JSON lines UTF-8 everywhere.

    Other bytes on stdin become surrogates, which the faces refuse.
    """
    encoding = "utf-8" if json else None
    if hasattr(sys.stdin, "reconfigure"):
        sys.stdin.reconfigure(encoding=encoding, errors="surrogateescape")
    if json and hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding=encoding, newline="\n")


def _hearing(options: "HostOptions | JoinOptions | None") -> "Hearing | None":
    """Return what lets the person of a terminal hear of things; a script decides that itself."""
    if options is None or options.quiet or options.json:
        return None
    if sys.stdin is None or not sys.stdin.isatty():
        return None
    from proxim.io.system.desktop_session import Desktop as Kind
    from proxim.io.system.desktop_session import desktop_in_use

    if desktop_in_use() is Kind.NONE:
        return None
    from proxim.app.hearing import Hearing
    from proxim.io.desktop.notifications import open_notifier

    # Nothing says which of the desktop's windows this terminal is, so a click raises none.
    return Hearing(open_notifier(None), time.monotonic)


def _drive(
    face: LineFace,
    bridge: "Bridge",
    cancelled: Callable[[], bool],
    picture: "QRFile | None" = None,
    streams: "Streams | None" = None,
    options: "HostOptions | JoinOptions | None" = None,
) -> int:
    """Carry statuses and lines between bridge and face until the face has finished.

    Ctrl-C cancels running transfers. After a closed terminal or a system shutdown they can be
    resumed.
    """
    person = sys.stdin if streams is None else streams.person
    if person is not None:
        bridge.read_lines(person)
    elif streams is not None:
        import io

        # Standard input is a file's and there is no terminal, so nobody types anything.
        bridge.read_lines(io.StringIO())
    # A terminal has nothing to paint first.
    bridge.painted()
    hearing = _hearing(options)
    # The face has its own reference to stdout. What a library prints must not appear there (uvloop
    # prints about a packet that it could not send).
    with contextlib.redirect_stdout(sys.stderr):
        face.start()
        while not face.model.finished:
            status = _dispatch_next(face, bridge, cancelled, picture)
            if hearing is not None and status is not None:
                hearing.follow(status)
            if not face.model.finished:
                face.catch_up()
    if hearing is not None:
        hearing.close()
    return face.model.exit_status


def _dispatch_next(
    face: LineFace, bridge: "Bridge", cancelled: Callable[[], bool], picture: "QRFile | None"
) -> "Status | None":
    """Pass on what comes next, if it comes soon; return it if it is a status."""
    from proxim.app.bridge import HandoverWanted, Interrupted, WindowWanted
    from proxim.app.input_lines import InputEnded, InputLine

    match bridge.wait(POLL_SECONDS):
        case None | WindowWanted() | HandoverWanted():
            # There is no window.
            return None
        case InputLine(text, cut):
            face.line_was_cut() if cut else face.line(text)
        case InputEnded():
            face.end_of_input()
        case Interrupted():
            face.model.interrupt() if cancelled() else face.model.close()
        case status:
            # Whoever reads of an invitation finds its picture.
            trouble = None if picture is None else picture.follow(status)
            face.show(status)
            if trouble is not None:
                face.show(trouble)
            return status
    return None


def _run_integrate(options: "IntegrateOptions") -> int:
    from proxim.app.integrating import integrate

    return integrate(remove=options.remove)


def _run_doctor(options: "DoctorOptions") -> int:
    import asyncio
    import shutil

    from proxim.core.i18n import tr
    from proxim.io.system.doctor import clean_kept, examine
    from proxim.ui.text.doctor import DoctorFace

    _use_utf8(options.json)
    face = DoctorFace(
        sys.stdout,
        os.environ,
        json=options.json,
        columns=lambda: shutil.get_terminal_size().columns,
    )

    async def run() -> None:
        if options.clean:
            for finding in clean_kept():
                face.show(finding)
            return
        async for finding in examine():
            face.show(finding)

    try:
        asyncio.run(run())
    except OSError as error:
        # The disk is full, or the reader has gone away.
        sys.stderr.write(tr("doctor.cannotWrite", why=error.strerror) + "\n")
        return FAILED_STATUS
    return face.exit_status
