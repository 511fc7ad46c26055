"""The network side of a transfer alone, without the state machines: two processes, a lane, a source
and a sink.

Usage: python -m bench.lane_ends host|guest receive|send PORT PATH. Each end prints when it is done;
the host prints "ready" once it listens.
"""

import asyncio
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from proxim.app.bridge import new_event_loop
from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.files import commands as file_do
from proxim.core.files import events as file_ev
from proxim.core.files.manifest import START, Entry, TransferID
from proxim.core.link import commands as link_do
from proxim.core.link import events as link_ev
from proxim.io.files.executor import TransferExecutor
from proxim.io.link.transports import Transports
from proxim.io.pairing.listener import open_listener
from proxim.io.pairing.server import Server

_TRANSFER = TransferID("b" * 22)
_LINK = ev.LinkID("bench-1")
_TOKEN, _KEY = bytes(16), bytes(32)


class End:
    """One end; it sends acknowledgements as texts on the lane, as Proxim does on a lane link."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.done = asyncio.Event()
        self.tasks: set[asyncio.Task[None]] = set()
        transports = Transports(self.report, self.spawn, peers={})
        self.executor = TransferExecutor(self.report, self.spawn, transports, save_to=str(path))
        self.lanes = transports.lanes
        self.started, self.used = time.perf_counter(), time.process_time()
        self.events = 0

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Start a task, as Runtime does."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    def do(self, command: do.Command) -> None:
        """Carry out one command."""
        self.executor.execute[type(command)](command)

    def report(self, event: object) -> None:
        """Handle an event as the state machines would."""
        self.events += 1
        match event:
            case link_ev.LaneOpened():
                self.started, self.used = time.perf_counter(), time.process_time()
                if sys.argv[2] == "send":
                    self.do(file_do.ListSources(_TRANSFER, (str(self.path),)))
            case file_ev.SourcesListed(_, entries):
                listed = ";".join(f"{e.path}|{e.size}|{int(e.directory)}" for e in entries)
                for at in range(0, len(listed), 100_000):
                    self.lanes.send_text(_LINK, "part " + listed[at : at + 100_000])
                self.lanes.send_text(_LINK, "open ")
            case file_ev.SinkReady():
                self.do(file_do.ReceiveStream(_TRANSFER, _LINK, link_ev.LANE_CHANNEL, 0))
                self.lanes.send_text(_LINK, "accept ")
            case file_ev.SinkWrote(_, _, written):
                self.lanes.send_text(_LINK, f"wrote {written}")
            case file_ev.SinkFinished():
                self.lanes.send_text(_LINK, "finished ")
                self.finish()
            case _ if hasattr(event, "text"):
                self.text(*event.text.partition(" ")[::2])
            case _:
                # A lane closes at the end, which needs no answer.
                pass

    parts = ""

    def text(self, what: str, rest: str) -> None:
        """Handle a text from the other end."""
        match what:
            case "part":
                self.parts += rest
            case "open":
                rows = [row.split("|") for row in self.parts.split(";")]
                entries = tuple(
                    Entry(path, int(size), None, directory == "1") for path, size, directory in rows
                )
                self.do(file_do.OpenSink(_TRANSFER, entries))
            case "accept":
                self.do(file_do.StartSending(_TRANSFER, _LINK, 0, st.Via.LANE, (), (), START))
            case "wrote":
                self.do(file_do.Acknowledge(_TRANSFER, 0, int(rest)))
            case "finished":
                self.finish()

    def finish(self) -> None:
        """Print the figures of this end."""
        print(
            f"{time.perf_counter() - self.started:.3f} s"
            f" CPU {time.process_time() - self.used:.3f} s{_usage()} events {self.events}",
            flush=True,
        )
        self.done.set()


def _usage() -> str:
    if sys.platform == "win32":
        return ""
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    return (
        f" user {used.ru_utime:.2f} system {used.ru_stime:.2f}"
        f" faults {used.ru_minflt} rss {used.ru_maxrss // 1024} MiB"
    )


async def main(role: str, port: int, path: Path) -> None:
    """Run one end."""
    end = End(path)
    if role == "host":

        async def loaded(browser: bool) -> None:
            """There is nothing left to load."""

        server = Server(end.report, loaded, end.lanes.accept)
        await server.start(open_listener("127.0.0.1", port))
        end.lanes.expect(link_do.ExpectLane(_LINK, _TOKEN, _KEY))
        print("ready", flush=True)
    else:
        end.lanes.dial(
            link_do.DialLane(_LINK, f"ws://127.0.0.1:{port}/lane", _TOKEN, _KEY, carries_link=True)
        )
    await end.done.wait()
    end.lanes.close(_LINK)
    await end.executor.stop()
    if end.tasks:
        await asyncio.wait(end.tasks, timeout=1)


if __name__ == "__main__":
    # The program's own loop, because another one reads and writes in another way.
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(main(sys.argv[1], int(sys.argv[3]), Path(sys.argv[4])))
