"""The executor carries out the machine's commands about files.

It owns the sources, the outgoing streams, the sinks and the store. All disk work runs on the loop's
worker threads, at most one turn of each transfer at a time. A transfer's id is its secret: nothing
here logs an id or a path.
"""

import asyncio
import logging
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.crash_log import describe_crash
from proxim.core.errors import Reason
from proxim.core.files import commands as file_do
from proxim.core.files import events as file_ev
from proxim.core.files.manifest import Direction, TransferID
from proxim.core.link import events as link_ev
from proxim.io.files.receiver import Receiving
from proxim.io.files.sender import Sending
from proxim.io.files.sink import Sink
from proxim.io.files.source import Source, SourceFile, list_sources
from proxim.io.files.store import Store
from proxim.io.limits import SINK_CLOSE_SECONDS, SWITCH_SECONDS
from proxim.io.link.stream import Feed, Spawn, Transport, TransportClosedError
from proxim.io.system.disk_errors import FileError
from proxim.io.system.memory import keep_freed_memory
from proxim.io.system.user_folders import downloads_folder

_log = logging.getLogger(__name__)

# A link that goes down closes its channels first. The machine is notified a moment later and ends
# this stream. Only after this wait does a closed channel count as a failure of its own.
LINK_GOES_SECONDS: Final = 5.0


class LinkTransports(Protocol):
    """The part of link/transports.py that is used here."""

    def open(
        self, link: ev.LinkID, via: st.Via, transfer: TransferID, generation: int
    ) -> Transport | None:
        """Return what carries a stream; None if it has closed in the meantime."""

    def subscribe(
        self, link: ev.LinkID, channel: int, transfer: TransferID, generation: int, feed: Feed
    ) -> None:
        """From now on call `feed` with what arrives of a stream."""

    def unsubscribe(self, transfer: TransferID) -> None:
        """Drop what still arrives of a transfer."""


class TransferExecutor:
    """Carries out the commands of transfers."""

    def __init__(
        self,
        report: Callable[[file_ev.DiskEvent | link_ev.PeerFailed], None],
        spawn: Spawn,
        transports: LinkTransports,
        *,
        save_to: str | None = None,
        data_dir: str | None = None,
    ) -> None:
        self._report = report
        self._spawn = spawn
        self._transports = transports
        self._save_to = save_to
        self._data_dir = data_dir
        self._own_folder: tempfile.TemporaryDirectory[str] | None = None
        self._opened_store: Store | None = None
        self._sources: dict[TransferID, tuple[SourceFile, ...]] = {}
        self._sending: dict[TransferID, tuple[int, Sending | None, asyncio.Task[None]]] = {}
        self._receiving: dict[TransferID, tuple[Receiving, asyncio.Task[None]]] = {}
        # Sinks whose last bytes are being written.
        self._closing: dict[TransferID, asyncio.Task[None]] = {}
        # The latest update of the store for each transfer. Updates of one transfer run in order.
        self._stored: dict[TransferID, asyncio.Task[None]] = {}
        self.execute: dict[type[do.Command], Callable[[Any], None]] = {
            file_do.ListSources: self._list_sources,
            file_do.KeepSources: self._keep_sources,
            file_do.StartSending: self._start_sending,
            file_do.Acknowledge: self._acknowledge,
            file_do.StopSending: self._stop_sending,
            file_do.OpenSink: self._open_sink,
            file_do.ReceiveStream: self._receive_stream,
            file_do.PauseSink: self._pause_sink,
            file_do.CloseSink: self._close_sink,
        }

    # --- from start to end ------------------------------------------------------------------------

    def start(self) -> None:
        """Report what earlier runs left, if they could leave anything."""
        if self._data_dir is not None:
            self._spawn(self._find(), "unfinished transfers")

    async def _find(self) -> None:
        found = await asyncio.to_thread(self._left_over)
        if found:
            self._report(file_ev.TransfersFound(found))

    def _left_over(self) -> tuple[file_ev.StoredTransfer, ...]:
        self._store().expire(time.time())
        found = self._store().found()
        if found:
            self._store().hold()
        return found

    async def stop(self) -> None:
        """Stop everything within a bounded time. What has arrived of unfinished files is kept."""
        for transfer in list(self._sending):
            self._end_sending(transfer)
        for transfer in list(self._receiving):
            self._close_sink(file_do.CloseSink(transfer, keep=True))
        waiting = {*self._closing.values(), *self._stored.values()}
        if waiting:
            await asyncio.wait(waiting, timeout=SINK_CLOSE_SECONDS)
        if self._opened_store is not None:
            await asyncio.to_thread(self._opened_store.close)
        if self._own_folder is not None:
            await asyncio.to_thread(self._own_folder.cleanup)

    def _store(self) -> Store:
        """Return the store. Creating it is cheap, on a worker thread or on the loop's."""
        if self._opened_store is None:
            if self._data_dir is None:
                self._own_folder = tempfile.TemporaryDirectory(
                    prefix="proxim-", ignore_cleanup_errors=True
                )
            folder = self._data_dir if self._own_folder is None else self._own_folder.name
            self._opened_store = Store(Path(folder or ""))
        return self._opened_store

    # --- sources ----------------------------------------------------------------------------------

    def _list_sources(self, command: file_do.ListSources) -> None:
        self._spawn(self._look(command), "listing files")

    async def _look(self, command: file_do.ListSources) -> None:
        try:
            listing = await asyncio.to_thread(list_sources, command.paths, command.only)
        except FileError as error:
            self._report(file_ev.SourcesFailed(command.transfer, error.reason, error.detail))
            return
        except Exception as error:  # noqa: BLE001
            # A bug of ours must end this transfer and not leave it hanging.
            _log.error("listing files crashed: %s", describe_crash(error))
            self._report(
                file_ev.SourcesFailed(
                    command.transfer, Reason.TRANSFER_FAILED, type(error).__name__
                )
            )
            return
        self._sources[command.transfer] = listing.files
        entries = tuple(one.entry for one in listing.files)
        self._report(file_ev.SourcesListed(command.transfer, entries, listing.left_out))

    def _keep_sources(self, command: file_do.KeepSources) -> None:
        files = self._sources.get(command.transfer)
        if files is not None:
            self._update_store(
                command.transfer,
                lambda: self._store().keep_sources(command.transfer, files, command.peer_name),
            )

    def _forget(self, transfer: TransferID) -> None:
        self._sources.pop(transfer, None)
        self._update_store(transfer, lambda: self._store().forget(transfer, Direction.OUT))

    def _update_store(self, transfer: TransferID, update: Callable[[], object]) -> None:
        before = self._stored.get(transfer)

        async def write() -> None:
            if before is not None:
                await asyncio.wait([before])
            await asyncio.to_thread(update)

        task = self._spawn(write(), "remembering a transfer")
        self._stored[transfer] = task
        task.add_done_callback(lambda done: _forget_if(self._stored, transfer, done))

    # --- outgoing streams -------------------------------------------------------------------------

    def _start_sending(self, command: file_do.StartSending) -> None:
        _make_ready()
        self._end_sending(command.transfer)
        task = self._spawn(self._send(command), "sending")
        self._sending[command.transfer] = (command.generation, None, task)

    async def _send(self, command: file_do.StartSending) -> None:
        transport: Transport | None = None
        try:
            files = self._sources.get(command.transfer)
            if files is None:
                files = await asyncio.to_thread(lambda: self._store().sources_of(command.transfer))
            if files is None:
                self._failed(command, "what was to be sent is not known any more")
                return
            self._sources[command.transfer] = files
            transport = self._transports.open(
                command.link, command.via, command.transfer, command.generation
            )
            if transport is None:
                # The way closed in the meantime, and the machine is notified of that.
                return
            source = Source(files)
            messages = source.messages(
                command.skip,
                command.partial,
                command.position,
                size=transport.message_bytes,
                prefix=len(transport.prefix),
            )
            sending = Sending(transport, source, messages)
            task = asyncio.current_task()
            assert task is not None
            self._sending[command.transfer] = (command.generation, sending, task)
            try:
                await sending.run()
            except TransportClosedError:
                if command.via is not st.Via.LANE:
                    await asyncio.sleep(LINK_GOES_SECONDS)
                    self._failed(command, "the other side closed the channel")
            # The way stays open until the machine ends this stream.
            await asyncio.get_running_loop().create_future()
        except Exception as error:  # noqa: BLE001
            # This is a bug of ours or a disk's failure, and the machine must be notified.
            _log.error("sending crashed: %s", describe_crash(error))
            self._failed(command, type(error).__name__)
        finally:
            if transport is not None:
                transport.close()

    def _failed(self, command: file_do.StartSending, detail: str) -> None:
        self._report(file_ev.SendingFailed(command.transfer, command.generation, detail))

    def _acknowledge(self, command: file_do.Acknowledge) -> None:
        generation, sending, _ = self._sending.get(command.transfer, (None, None, None))
        if sending is not None and generation == command.generation:
            sending.acknowledge(command.written)

    def _stop_sending(self, command: file_do.StopSending) -> None:
        self._end_sending(command.transfer)
        if command.forget:
            self._forget(command.transfer)

    def _end_sending(self, transfer: TransferID) -> None:
        if transfer in self._sending:
            self._sending.pop(transfer)[2].cancel()

    # --- incoming streams -------------------------------------------------------------------------

    def _open_sink(self, command: file_do.OpenSink) -> None:
        if command.transfer in self._receiving:
            raise ValueError("this transfer has its sink")
        _make_ready()
        receiving = Receiving(command.transfer, self._report, self._cut_off)
        task = self._spawn(
            self._receive(command, receiving, self._closing.get(command.transfer)), "receiving"
        )
        self._receiving[command.transfer] = (receiving, task)

    async def _receive(
        self, command: file_do.OpenSink, receiving: Receiving, before: asyncio.Task[None] | None
    ) -> None:
        if before is not None:
            # Both sinks have the same files, which only one may write at a time.
            await asyncio.wait([before])
        await receiving.run(lambda: self._opened_sink(command))

    def _opened_sink(self, command: file_do.OpenSink) -> Sink:
        store = self._store()
        store.hold()
        return Sink.open(
            command.transfer,
            command.entries,
            command.declined,
            Path(command.directory) if command.directory is not None else self._default_folder(),
            store,
            command.peer_name,
            session_only=command.session_only,
        )

    def _default_folder(self) -> Path:
        folder = Path(self._save_to) if self._save_to is not None else downloads_folder()
        if folder is None:
            raise FileError(Reason.FOLDER_GONE, "this user has no home folder")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except PermissionError as error:
            raise FileError(Reason.FOLDER_READ_ONLY, type(error).__name__) from None
        except OSError as error:
            raise FileError(Reason.FOLDER_GONE, type(error).__name__) from None
        return folder

    def _receive_stream(self, command: file_do.ReceiveStream) -> None:
        entry = self._receiving.get(command.transfer)
        if entry is None:
            # The sink was closed in the meantime.
            return
        receiving, _ = entry
        receiving.attach(command.link, command.channel, command.generation)
        feed = partial(receiving.feed, command.link, command.channel, command.generation)
        self._transports.subscribe(
            command.link, command.channel, command.transfer, command.generation, feed
        )

    def _pause_sink(self, command: file_do.PauseSink) -> None:
        if command.transfer in self._receiving:
            self._receiving[command.transfer][0].pause()

    def _close_sink(self, command: file_do.CloseSink) -> None:
        if command.transfer not in self._receiving:
            # The transfer was waiting for its peer, without a sink. Its parts are no longer wanted.
            if not command.keep:
                self._forget_parts(command.transfer)
            return
        self._transports.unsubscribe(command.transfer)
        receiving, task = self._receiving.pop(command.transfer)
        receiving.close(keep=command.keep)
        self._closing[command.transfer] = task
        task.add_done_callback(lambda done: _forget_if(self._closing, command.transfer, done))

    def _forget_parts(self, transfer: TransferID) -> None:
        before = self._closing.get(transfer)

        async def forget() -> None:
            if before is not None:
                # The sink has the same files, which only one may change at a time.
                await asyncio.wait([before])
            await asyncio.to_thread(lambda: self._store().forget(transfer, Direction.IN))

        task = self._spawn(forget(), "removing parts")
        self._closing[transfer] = task
        task.add_done_callback(lambda done: _forget_if(self._closing, transfer, done))

    def _cut_off(self, link: ev.LinkID) -> None:
        self._report(link_ev.PeerFailed(link, Reason.PEER_ERROR, "more than the window"))


def _forget_if(
    tasks: dict[TransferID, asyncio.Task[None]], transfer: TransferID, done: asyncio.Task[None]
) -> None:
    if tasks.get(transfer) is done:
        del tasks[transfer]


def _make_ready() -> None:
    """Prepare for the first transfer. A process that only pairs does not need this."""
    keep_freed_memory()
    sys.setswitchinterval(SWITCH_SECONDS)
