"""A model of a disk for the transfers' tests. Outgoing files are listed and read from it, and
incoming files are kept on it.

It answers the machines' commands with the same events as proxim.io does, and survives a restart of
its program. The bytes of a stream are records here; other tests cover their format on the wire.
"""

import hashlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from proxim.core import events as ev
from proxim.core.errors import Reason
from proxim.core.files import commands as file_do
from proxim.core.files import events as file_ev
from proxim.core.files.manifest import (
    Direction,
    Entry,
    FailedFile,
    Partial,
    Position,
    TransferID,
    indices,
    spans,
)

# A DATA record holds at most this many bytes here.
CHUNK = 4
# A record is its kind, the file's position, and an offset, bytes, a digest or a reason.
Record = tuple[str, int, object]


@dataclass
class Kept:
    """What a disk keeps of an incoming transfer."""

    entries: tuple[Entry, ...]
    declined: frozenset[int]
    peer_name: str | None
    whole: set[int] = field(default_factory=set)
    parts: dict[int, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class FinishedSink:
    """What had arrived when a sink finished."""

    transfer: TransferID
    entries: tuple[Entry, ...]
    declined: frozenset[int]
    failed: tuple[FailedFile, ...]
    arrived: dict[str, bytes]


class FakeSink:
    """An open sink. It accepts records and answers as proxim.io does."""

    def __init__(self, disk: "Disk", command: file_do.OpenSink) -> None:
        self.disk = disk
        self.id = command.transfer
        self.way: tuple[ev.LinkID, int, int] | None = None
        self.generation = 0
        self.written = 0
        self.ended = False
        self.failed: dict[int, Reason] = {}
        kept = disk.kept.get(self.id)
        if kept is None or kept.entries != command.entries:
            kept = Kept(command.entries, frozenset(command.declined), command.peer_name)
        self.kept = disk.kept[self.id] = kept
        # The file that has begun in this attempt, and the number of its bytes so far.
        self.current: tuple[int, int] | None = None
        # Every wanted file up to this position has come to its end.
        self._done = -1
        whole = (
            kept.declined | kept.whole | {i for i, one in enumerate(kept.entries) if one.directory}
        )
        parts = {index: part for index, part in kept.parts.items() if part}
        self.wanted = [index for index in range(len(kept.entries)) if index not in whole]
        if disk.full:
            self.end(file_ev.SinkFailed(self.id, Reason.DISK_FULL))
            return
        partials = tuple(
            Partial(i, len(part), hashlib.sha256(part).digest())
            for i, part in sorted(parts.items())
        )
        self.answer(file_ev.SinkReady(self.id, spans(sorted(whole)), partials))
        self.look_whether_finished()

    def answer(self, event: file_ev.DiskEvent) -> None:
        if not self.ended:
            self.disk.answers.append(event)

    def end(self, event: file_ev.DiskEvent) -> None:
        self.answer(event)
        self.ended = True

    @property
    def position(self) -> Position:
        if self.current is not None:
            return Position(*self.current)
        return Position(
            next((index for index in self.wanted if index > self._done), len(self.kept.entries)), 0
        )

    def attach(self, command: file_do.ReceiveStream) -> None:
        assert command.generation == self.generation or not self.written, (
            "a new generation without a hold"
        )
        self.way, self.generation = (
            (command.link, command.channel, command.generation),
            command.generation,
        )

    def pause(self) -> None:
        self.way = None
        self.answer(file_ev.SinkPaused(self.id, self.position))
        self.written = 0
        # No stream belongs to the sink until the next ReceiveStream.
        self.generation = -1

    def feed(self, way: tuple[ev.LinkID, int, int], message: list[Record]) -> None:
        if way != self.way or self.ended:
            return
        if self.disk.full:
            self.end(file_ev.SinkFailed(self.id, Reason.DISK_FULL))
            return
        for record in message:
            if not self._write(*record):
                self.end(file_ev.SinkFailed(self.id, Reason.TRANSFER_FAILED))
                return
        self.answer(file_ev.SinkWrote(self.id, self.generation, self.written))
        self.look_whether_finished()

    def _write(self, kind: str, file: int, what: object) -> bool:
        if (
            file not in self.wanted
            or file <= self._done
            or (self.current is not None and self.current[0] != file)
        ):
            return False
        have = self.kept.parts.get(file, b"")
        if kind == "start":
            assert isinstance(what, int)
            if what > len(have) or (self.current is not None and self.current[1] != what):
                return False
            self.kept.parts[file] = have[:what]
            self.current = (file, what)
            return True
        if self.current is None:
            have = self.kept.parts[file] = b""
        if kind == "data":
            assert isinstance(what, bytes)
            self.written += len(what)
            self.kept.parts[file] = have + what
            self.current = (file, len(have) + len(what))
            return len(have + what) <= self.kept.entries[file].size
        self.current, self._done = None, file
        part = self.kept.parts.pop(file, b"")
        if kind == "failed":
            assert isinstance(what, Reason)
            self.failed[file] = what
        elif hashlib.sha256(part).digest() == what and len(part) == self.kept.entries[file].size:
            self.kept.whole.add(file)
            self.disk.arrived.setdefault(self.id, {})[self.kept.entries[file].path] = part
        else:
            self.failed[file] = Reason.FILE_DAMAGED
        return True

    def look_whether_finished(self) -> None:
        if all(index <= self._done for index in self.wanted):
            failed = tuple(
                FailedFile(index, reason) for index, reason in sorted(self.failed.items())
            )
            self.end(file_ev.SinkFinished(self.id, failed, "folder", None))
            # The same transfer may later bring other versions of its files.
            arrived = dict(self.disk.arrived.get(self.id, {}))
            self.disk.finished.append(
                FinishedSink(self.id, self.kept.entries, self.kept.declined, failed, arrived)
            )


class Disk:
    """The files and transfers that survive a restart of the program."""

    def __init__(self) -> None:
        # Each path has its bytes and the version of the file.
        self.files: dict[str, tuple[bytes, int]] = {}
        self.versions: dict[tuple[str, int], bytes] = {}
        self.sources: dict[TransferID, tuple[tuple[Entry, ...], str | None]] = {}
        self.listed: dict[TransferID, tuple[Entry, ...]] = {}
        self.kept: dict[TransferID, Kept] = {}
        self.arrived: dict[TransferID, dict[str, bytes]] = {}
        self.finished: list[FinishedSink] = []
        self.sinks: dict[TransferID, FakeSink] = {}
        self.answers: deque[file_ev.DiskEvent] = deque()
        self.full = False

    def put(self, path: str, content: bytes) -> None:
        version = self.files.get(path, (b"", 0))[1] + 1
        self.files[path] = (content, version)
        self.versions[path, version] = content

    def look(self, command: file_do.ListSources) -> file_ev.DiskEvent:
        entries: list[Entry] = []
        for top in command.paths:
            inside = {path for path in self.files if path == top or path.startswith(top + "/")}
            wanted = sorted(path for path in inside if command.only is None or path in command.only)
            if top not in inside and wanted and command.only is None:
                entries.append(Entry(top, directory=True))
            entries += [
                Entry(path, len(self.files[path][0]), self.files[path][1]) for path in wanted
            ]
        if not entries:
            return file_ev.SourcesFailed(command.transfer, Reason.FILE_GONE)
        self.listed[command.transfer] = tuple(entries)
        return file_ev.SourcesListed(command.transfer, tuple(entries))

    def read(self, command: file_do.StartSending) -> Iterator[list[Record]]:
        """Yield the messages of a stream."""
        entries = self.listed.get(command.transfer) or self.sources[command.transfer][0]
        skip = set(indices(command.skip))
        partials = {one.index: one for one in command.partial}
        for index in range(command.position.index, len(entries)):
            entry = entries[index]
            if index in skip or entry.directory:
                continue
            content, version = self.files.get(entry.path, (b"", 0))
            if version != entry.modified:
                yield [("failed", index, Reason.FILE_CHANGED)]
                continue
            offset = command.position.offset if index == command.position.index else 0
            if not offset and index in partials:
                known = partials[index]
                same = hashlib.sha256(content[: known.offset]).digest() == known.sha256
                offset = known.offset if same else 0
                yield [("start", index, offset)]
            elif offset:
                yield [("start", index, offset)]
            for start in range(offset, len(content), CHUNK):
                yield [("data", index, content[start : start + CHUNK])]
            yield [("end", index, hashlib.sha256(content).digest())]

    def stored(self) -> tuple[file_ev.StoredTransfer, ...]:
        out = [
            file_ev.StoredTransfer(one, Direction.OUT, *kept) for one, kept in self.sources.items()
        ]
        return (
            *out,
            *(
                file_ev.StoredTransfer(one, Direction.IN, kept.entries, kept.peer_name)
                for one, kept in self.kept.items()
            ),
        )
