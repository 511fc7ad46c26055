"""The executor carries out the commands about shared screens, but for mouse and keyboard.

It owns the threads that capture and decode, and their channels. A share's id is its secret: nothing
here logs one.
"""

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.control.controlling import INPUT
from proxim.core.control.messages import input_fields
from proxim.core.errors import Reason
from proxim.core.json_text import MessageError
from proxim.core.screen import commands as screen_do
from proxim.core.screen import events as screen_ev
from proxim.core.screen import sight as screen_sight
from proxim.core.screen.messages import Monitor, channel_label
from proxim.core.screen.sharing import PICTURES
from proxim.core.screen.updates import pack_drawn, read_drawn
from proxim.io.limits import SWITCH_SECONDS
from proxim.io.screen import sender as wishes
from proxim.io.screen.sender import Sender, load
from proxim.io.screen.sight import ChannelSight

if TYPE_CHECKING:
    from proxim.io.link.stream import Begin, Channel, Feed
    from proxim.io.screen.capture import Capture

# How long the end of the program waits for a thread that captures or decodes: much longer than one
# picture takes.
END_SECONDS: Final = 2.0


class LinkChannels(Protocol):
    """The part of link/transports.py that is used here."""

    def open_channel(self, link: ev.LinkID, label: str, lane: bool) -> "Channel | None":
        """Open a channel of our own; None if its way has closed in the meantime."""

    def channel(self, link: ev.LinkID, channel: int) -> "Channel | None":
        """Return a data channel of the other side; None if it has closed."""

    def hear(self, link: ev.LinkID, label: str, begin: "Begin") -> None:
        """Call `begin` with the channel of this label on each lane of the link."""

    def unhear(self, link: ev.LinkID, label: str) -> None:
        """Drop what arrives over lanes of this channel."""


class _Outlet:
    """Lets a thread send on a channel, which belongs to the loop, until it is shut."""

    def __init__(self, channel: "Channel", post: Callable[..., None]) -> None:
        self._channel = channel
        self._post = post
        # After that nothing leaves, not even what the thread was making at that moment.
        self.shut = False

    @property
    def waiting(self) -> int:
        return self._channel.waiting

    def send(self, messages: list[bytes]) -> None:
        self._post(self._send, messages)

    def _send(self, messages: list[bytes]) -> None:
        if not self.shut:
            for message in messages:
                self._channel.send(message)


class _Shown:
    """This device's screen on one link."""

    def __init__(self, executor: "ScreenExecutor", link: ev.LinkID) -> None:
        self._executor = executor
        self._link = link
        self.channel: Channel | None = None
        # The share and way that the channel is for.
        self.way: tuple[str, bool] | None = None
        self.outlet: _Outlet | None = None
        # What was asked for last; None while it is paused.
        self.monitor: Monitor | None = None
        self.heard: str | None = None
        self.sender = Sender(self, executor.open_screen)

    def found(self, monitors: tuple[Monitor, ...]) -> None:
        self._later(self._report, screen_ev.ScreensFound(self._link, monitors))

    def failed(self, reason: Reason) -> None:
        self._later(self._report, screen_ev.ScreenFailed(self._link, reason))

    def measured(self, figures: screen_sight.Figures) -> None:
        status = screen_sight.SharingFigures(self._link, figures)
        self._later(self._executor.publish, status)

    def _report(self, event: screen_ev.ScreenAnswer) -> None:
        if isinstance(event, screen_ev.ScreensFound):
            # The machine says which of them is shown from now on.
            self.monitor = None
        self._executor.report(event)

    def _later(self, call: Callable[[Any], None], what: object) -> None:
        self._executor.post(self._unless_over, call, what)

    def _unless_over(self, call: Callable[[Any], None], what: object) -> None:
        if self._executor.shown.get(self._link) is self:
            call(what)

    def show(self, command: screen_do.SendPictures, channels: LinkChannels) -> None:
        way = (command.share, command.lane)
        if self.channel is None or self.way != way:
            self.close_channel()
            label = channel_label(PICTURES, command.share)
            channel = channels.open_channel(command.link, label, command.lane)
            if channel is None:
                # It has closed in the meantime, and the machine is being notified of that.
                return
            channel.subscribe(partial(self._acknowledged, channel))
            self.channel, self.way = channel, way
        elif command.monitor == self.monitor:
            # Only the view at the other side is another.
            return
        if self.outlet is not None:
            self.outlet.shut = True
        self.monitor = command.monitor
        self.outlet = _Outlet(self.channel, self._executor.post)
        self.sender.wish(wishes.Show(command.monitor, self.outlet))

    def pause(self) -> None:
        self.monitor = None
        if self.outlet is not None:
            self.outlet.shut = True
        self.sender.wish(wishes.Pause())

    def _acknowledged(self, channel: "Channel", message: bytes | memoryview) -> None:
        if channel is not self.channel:
            return
        try:
            number = read_drawn(bytes(message))
        except MessageError:
            self.failed(Reason.PEER_ERROR)
            return
        self.sender.wish(wishes.Drawn(number))

    def close_channel(self) -> None:
        if self.channel is not None:
            self.channel.close()
        self.channel = self.way = self.monitor = None


class _Seen:
    """The other side's screen on one link."""

    def __init__(self, executor: "ScreenExecutor", link: ev.LinkID, share: str) -> None:
        self._executor = executor
        self._link = link
        self.share = share
        self.label = channel_label(PICTURES, share)
        # The data channel on which it arrives, or arrived last. Another one may have its number.
        self.channel: Channel | None = None
        self.sight: ChannelSight | None = None
        self._face: _ChannelFace | None = None

    def begin(self, channel: "Channel") -> "Feed":
        """Show what arrives on another channel from now on."""
        self.close()
        self._face = _ChannelFace(self, channel)
        self.sight = ChannelSight(self._face)
        self._executor.publish(screen_sight.ScreenSight(self._link, self.sight))
        return self.sight.feed

    def close(self) -> None:
        if self.sight is not None:
            self.sight.close()
            self._executor.ending.append(self.sight)
            self.sight = None

    def ready(self) -> None:
        self._executor.publish(screen_sight.PicturesReady(self._link))

    def refused(self) -> None:
        self._executor.report(screen_ev.PicturesRefused(self._link))

    def is_newest(self, face: "_ChannelFace") -> bool:
        """Whether this is what people see of the link."""
        return self._face is face and self._executor.seen.get(self._link) is self

    def post(self, call: Callable[..., None], *arguments: object) -> None:
        """Call something on the loop."""
        self._executor.post(call, *arguments)


class _ChannelFace:
    """What a sight tells, on its way to the loop. It means nothing once another one is seen."""

    def __init__(self, seen: _Seen, channel: "Channel") -> None:
        self._seen = seen
        self._channel = channel

    def ready(self) -> None:
        self._later(self._seen.ready)

    def refused(self) -> None:
        self._later(self._seen.refused)

    def drawn(self, number: int) -> None:
        self._later(self._channel.send, pack_drawn(number))

    def _later(self, call: Callable[..., None], *arguments: object) -> None:
        self._seen.post(self._unless_over, call, *arguments)

    def _unless_over(self, call: Callable[..., None], *arguments: object) -> None:
        if self._seen.is_newest(self):
            call(*arguments)


class ScreenExecutor:
    """Carries out the commands of shared screens, on the loop's thread."""

    def __init__(
        self,
        report: Callable[[screen_ev.ScreenAnswer], None],
        publish: Callable[[st.Status], None],
        channels: LinkChannels,
        open_screen: "Callable[[], Capture] | None" = None,
    ) -> None:
        """`open_screen` is this system's way to look at the screen, unless a test has another."""
        self.report = report
        self.publish = publish
        self.open_screen = open_screen
        self.shown: dict[ev.LinkID, _Shown] = {}
        self.seen: dict[ev.LinkID, _Seen] = {}
        # Threads that were told to end.
        self.ending: list[Sender | ChannelSight] = []
        self._channels = channels
        self._loop = asyncio.get_running_loop()
        # The input channel of each link, and the share and way that it is for.
        self._inputs: dict[ev.LinkID, tuple[tuple[str, bool], Channel]] = {}
        self.execute: dict[type[do.Command], Callable[[Any], None]] = {
            screen_do.PrepareScreens: self._prepare_screens,
            screen_do.FindScreens: self._find_screens,
            screen_do.SendPictures: self._send_pictures,
            screen_do.PausePictures: self._pause_pictures,
            screen_do.StopPictures: self._stop_pictures,
            screen_do.ShowPictures: self._show_pictures,
            screen_do.HidePictures: self._hide_pictures,
            screen_do.ReceiveInput: self._receive_input,
            screen_do.SendInput: self._send_input,
        }

    def post(self, call: Callable[..., None], *arguments: object) -> None:
        """Call something on the loop, from any thread."""
        # After the loop's end nobody waits for anything.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(call, *arguments)

    async def stop(self) -> None:
        """End all threads within a bounded time."""
        for link in list(self.shown):
            self._stop_pictures(screen_do.StopPictures(link))
        for link in list(self.seen):
            self._hide_pictures(screen_do.HidePictures(link))
        ending, self.ending = self.ending, []
        await asyncio.gather(*(asyncio.to_thread(one.join, END_SECONDS) for one in ending))

    def _forget_ended(self) -> None:
        self.ending = [one for one in self.ending if one.running]

    def _prepare_screens(self, command: screen_do.PrepareScreens) -> None:
        # What goes wrong there is reported where it is needed.
        self._loop.run_in_executor(None, load)

    # --- this device's screen ---------------------------------------------------------------------

    def _find_screens(self, command: screen_do.FindScreens) -> None:
        _make_ready()
        self._stop_pictures(screen_do.StopPictures(command.link))
        self.shown[command.link] = _Shown(self, command.link)

    def _send_pictures(self, command: screen_do.SendPictures) -> None:
        if command.link in self.shown:
            self.shown[command.link].show(command, self._channels)

    def _pause_pictures(self, command: screen_do.PausePictures) -> None:
        if command.link in self.shown:
            self.shown[command.link].pause()

    def _stop_pictures(self, command: screen_do.StopPictures) -> None:
        shown = self.shown.pop(command.link, None)
        if shown is None:
            return
        shown.sender.wish(wishes.Stop())
        shown.close_channel()
        if shown.heard is not None:
            self._channels.unhear(command.link, shown.heard)
        self._forget_ended()
        self.ending.append(shown.sender)

    def _receive_input(self, command: screen_do.ReceiveInput) -> None:
        def begin(channel: "Channel") -> "Feed":
            return lambda message: self.report(
                screen_ev.InputReceived(command.link, command.share, bytes(message))
            )

        if command.channel is not None:
            channel = self._channels.channel(command.link, command.channel)
            if channel is not None:
                channel.subscribe(begin(channel))
        elif command.link in self.shown:
            label = channel_label(INPUT, command.share)
            self.shown[command.link].heard = label
            self._channels.hear(command.link, label, begin)

    # --- the other side's screen ------------------------------------------------------------------

    def _show_pictures(self, command: screen_do.ShowPictures) -> None:
        _make_ready()
        seen = self.seen.get(command.link)
        if seen is None or seen.share != command.share:
            self._hide_pictures(screen_do.HidePictures(command.link))
            seen = self.seen[command.link] = _Seen(self, command.link, command.share)
            self._channels.hear(command.link, seen.label, seen.begin)
        if command.channel is not None:
            channel = self._channels.channel(command.link, command.channel)
            if channel is not None and channel is not seen.channel:
                seen.channel = channel
                channel.subscribe(seen.begin(channel))

    def _hide_pictures(self, command: screen_do.HidePictures) -> None:
        way = self._inputs.pop(command.link, None)
        if way is not None:
            way[1].close()
        seen = self.seen.pop(command.link, None)
        if seen is not None:
            self._channels.unhear(command.link, seen.label)
            self._forget_ended()
            seen.close()

    def _send_input(self, command: screen_do.SendInput) -> None:
        way = (command.share, command.lane)
        before = self._inputs.get(command.link)
        if before is None or before[0] != way:
            if before is not None:
                before[1].close()
                del self._inputs[command.link]
            label = channel_label(INPUT, command.share)
            channel = self._channels.open_channel(command.link, label, command.lane)
            if channel is None:
                # It has closed in the meantime, and the machine is being notified of that.
                return
            self._inputs[command.link] = way, channel
        text = json.dumps(input_fields(command.input), separators=(",", ":"))
        self._inputs[command.link][1].send(text.encode())


def _make_ready() -> None:
    """Prepare for pictures: a thread that waits for another one shows them late."""
    sys.setswitchinterval(SWITCH_SECONDS)
