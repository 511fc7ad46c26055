"""The program's entry.

Reads the command line, starts the face it asks for, gives the exit status.
"""

import contextlib
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Final

# Nothing of ours is imported up here: each face loads what it needs, when it is its turn.
if TYPE_CHECKING:
    from proxim.app.bridge import Bridge
    from proxim.app.desktop import Desktop
    from proxim.app.options import DoctorOptions, HostOptions, JoinOptions, Options, WindowOptions
    from proxim.ui.text.face import LineFace

# How late a Ctrl-C may be noticed on Windows, where it cannot interrupt a wait
POLL_SECONDS: Final = 0.5
# What shells report for a program ended by Ctrl-C (128 + SIGINT)
INTERRUPTED: Final = 130
FAILED_STATUS: Final = 1
USAGE_STATUS: Final = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run Proxim; returns the process's exit status."""
    # Until there is somebody to say goodbye to: end without a word
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    given = sys.argv[1:] if arguments is None else arguments
    from proxim.app.language import choose_language, speak
    from proxim.app.logs import set_up_logging
    from proxim.app.options import DoctorOptions, WindowOptions

    speak(choose_language(given))
    options = _parse(given) if given else WindowOptions()
    set_up_logging(options.log, window=isinstance(options, WindowOptions))
    match options:
        case WindowOptions():
            return _run_window(options)
        case DoctorOptions():
            return _run_doctor(options)
        case _:
            return _run_lines(options)


def _parse(given: Sequence[str]) -> "Options":
    # Late: who types nothing need not wait for it
    from proxim.app.arguments import parse_arguments

    # Argparse writes the help as it is: a letter that this terminal's encoding lacks must not keep
    # it away.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    return parse_arguments(given)


def _goodbye_on_signals(bridge: "Bridge") -> Callable[[], bool]:
    """Ctrl-C and SIGTERM end the program with goodbyes; a second one ends it at once.

    Tells whether Ctrl-C was seen.
    """
    seen: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        if seen:
            raise SystemExit(INTERRUPTED)
        seen.append(number)
        bridge.interrupt()

    # SIGHUP, where there is one: the terminal's window was closed.
    for number in (signal.SIGINT, signal.SIGTERM, *filter(None, [getattr(signal, "SIGHUP", None)])):
        signal.signal(number, interrupt)
    return lambda: signal.SIGINT in seen


def _run_window(options: "WindowOptions") -> int:
    # Until the window stands: nothing that start-up makes is garbage, and looking for it takes 15
    # ms
    gc.disable()
    # All is loaded before the network side's thread starts: two threads that import at once keep
    # each other waiting (60 ms of 250).
    import proxim.io.system.addresses
    import proxim.io.system.settings  # noqa: F401
    from proxim.app.bridge import Bridge
    from proxim.app.logs import set_up_logging
    from proxim.app.startup import network_side
    from proxim.core.errors import SENTENCES, Reason

    bridge = Bridge()
    cancelled = _goodbye_on_signals(bridge)
    desktop = _open_desktop(options, bridge)
    if desktop is not None:
        return desktop.run()

    gc.enable()
    in_terminal = options.without_display()
    set_up_logging(in_terminal.log, window=False)
    sys.stderr.write(f"{SENTENCES[Reason.NO_DISPLAY]}\n")
    bridge.start(network_side(in_terminal))
    return _drive(_face(in_terminal, bridge), bridge, cancelled)


def _open_desktop(options: "WindowOptions", bridge: "Bridge") -> "Desktop | None":
    """Make the window; None where there is no display, or no Tk."""
    try:
        from proxim.app.desktop import open_desktop
    except ImportError:
        # Debian has Tk in a package of its own
        return None
    return open_desktop(options, bridge)


def _run_lines(options: "HostOptions | JoinOptions") -> int:
    from dataclasses import replace

    from proxim.app.bridge import Bridge
    from proxim.app.options import HostOptions
    from proxim.app.startup import network_side

    if isinstance(options, HostOptions) and options.address is not None:
        from proxim.core.errors import SENTENCES, Reason
        from proxim.io.system.addresses import network_for

        own = network_for(options.address)
        if own is None:
            sys.stderr.write(f"proxim: {SENTENCES[Reason.NOT_OUR_ADDRESS]}\n")
            return USAGE_STATUS
        # A link-local one may have been typed without its zone
        options = replace(options, address=own.address)
    bridge = Bridge()
    cancelled = _goodbye_on_signals(bridge)
    bridge.start(network_side(options))
    return _drive(_face(options, bridge), bridge, cancelled)


def _face(options: "HostOptions | JoinOptions", bridge: "Bridge") -> "LineFace":
    from proxim.app.options import HostOptions
    from proxim.ui.text.face import FaceOptions, Role

    # Closed by whoever started us: there is nobody to tell anything
    if sys.stdout is None:
        raise SystemExit(FAILED_STATUS)
    _use_utf8(options.json)
    accepts = options.save_to is not None
    if isinstance(options, HostOptions):
        wanted = FaceOptions(
            Role.HOST,
            invite=options.invite,
            once=options.once,
            send=options.send,
            accept_files=accepts,
        )
    else:
        wanted = FaceOptions(
            Role.JOIN,
            target=options.target,
            far_allowed=options.yes,
            own_networks=_own_networks(),
            once=options.once,
            send=options.send,
            accept_files=accepts,
        )
    if options.json:
        from proxim.ui.text.jsonlines import JsonLinesFace

        return JsonLinesFace(wanted, bridge.post, sys.stdout, time.monotonic, time.time)
    import shutil

    from proxim.ui.text.terminal import TerminalFace

    return TerminalFace(
        wanted,
        bridge.post,
        sys.stdout,
        time.monotonic,
        time.time,
        environ=os.environ,
        columns=lambda: shutil.get_terminal_size().columns,
    )


def _own_networks() -> tuple[str, ...]:
    from proxim.io.system.addresses import list_networks

    return tuple(
        f"{network.address.partition('%')[0]}/{network.prefix_length}"
        for network in list_networks()
    )


def _use_utf8(json: bool) -> None:
    """JSON lines are UTF-8 everywhere; bytes on stdin that are not become surrogates, which the
    faces refuse.
    """
    encoding = "utf-8" if json else None
    if hasattr(sys.stdin, "reconfigure"):
        sys.stdin.reconfigure(encoding=encoding, errors="surrogateescape")
    if json and hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding=encoding, newline="\n")


def _drive(face: "LineFace", bridge: "Bridge", cancelled: Callable[[], bool]) -> int:
    """Carry statuses and lines between bridge and face until the face has finished.

    Ctrl-C cancels what moves; a terminal that is closed and a system that shuts down leave it to be
    resumed.
    """
    if sys.stdin is not None:
        bridge.read_lines(sys.stdin)
    # A terminal has nothing to paint first
    bridge.painted()
    # The face has its stream. What a library prints (uvloop does, of a packet that it could not
    # send) is no line of it.
    with contextlib.redirect_stdout(sys.stderr):
        face.start()
        while not face.finished:
            _carry(face, bridge, cancelled)
            face.catch_up()
    return face.exit_status


def _carry(face: "LineFace", bridge: "Bridge", cancelled: Callable[[], bool]) -> None:
    from proxim.app.bridge import InputEnded, InputLine, Interrupted

    match bridge.wait(POLL_SECONDS):
        case None:
            return
        case InputLine(text):
            face.line(text)
        case InputEnded():
            face.end_of_input()
        case Interrupted():
            face.interrupt() if cancelled() else face.close()
        case status:
            face.show(status)


def _run_doctor(options: "DoctorOptions") -> int:
    import asyncio
    import shutil

    from proxim.core.i18n import tr
    from proxim.io.system.doctor import examine
    from proxim.ui.text.doctor import DoctorFace

    _use_utf8(options.json)
    face = DoctorFace(
        sys.stdout,
        os.environ,
        json=options.json,
        columns=lambda: shutil.get_terminal_size().columns,
    )

    async def run() -> None:
        async for finding in examine():
            face.show(finding)

    try:
        asyncio.run(run())
    except OSError as error:
        # A full disk, a reader that has gone away
        sys.stderr.write(tr("doctor.cannotWrite", why=error.strerror) + "\n")
        return FAILED_STATUS
    return face.exit_status
