"""The runtime passes events to the program's machine and executes the commands that it returns.

It runs on the loop thread and owns every socket, peer, timer and task.
"""

import asyncio
import contextlib
import gc
import logging
import socket
from collections import deque
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.crash_log import describe_crash
from proxim.core.errors import Problem, Reason
from proxim.core.link import commands as link_do
from proxim.core.link import events as link_ev
from proxim.core.pairing import commands as pair_do
from proxim.core.pairing import events as pair_ev
from proxim.core.pairing import messages as pair_msg
from proxim.core.program import Program, ProgramEvent
from proxim.io.control.panic_keys import PanicExecutor
from proxim.io.files.executor import TransferExecutor
from proxim.io.known.executor import KnownExecutor
from proxim.io.limits import (
    GIVE_BACK_SECONDS,
    SHUTDOWN_SECONDS,
    SLEEP_WATCH_SECONDS,
)
from proxim.io.link.transports import Transports
from proxim.io.pairing.listener import ListenError, open_listener
from proxim.io.pairing.opening import NetOptions, Opening
from proxim.io.screen.executor import ScreenExecutor
from proxim.io.system.memory import give_back_memory
from proxim.io.system.network_changes import NetworkChanges
from proxim.io.system.sleep import slept_seconds
from proxim.io.trace import log_step

# These modules are imported when first needed, because the window must show before they load.
if TYPE_CHECKING:
    from proxim.io.control.executor import ControlExecutor
    from proxim.io.link.peer import Peer
    from proxim.io.pairing.client import Client
    from proxim.io.pairing.server import Server

_log = logging.getLogger(__name__)


class Runtime:
    """Runs the program's machine and carries out its commands.

    All methods run on the loop's thread.
    """

    def __init__(
        self,
        program: Program,
        publish: Callable[[st.Status], None],
        options: NetOptions,
        opening: Opening,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._program = program
        self._publish = publish
        self._options = options
        self._inbox: deque[ProgramEvent] = deque()
        self._handling = False
        # Each timer has its due time, by the loop's clock, and its handle.
        self._timers: dict[ev.Timer, tuple[float, asyncio.TimerHandle]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._clients: dict[ev.ConnectionID, tuple[Client, asyncio.Task[None]]] = {}
        self._peers: dict[ev.LinkID, tuple[Peer, asyncio.Task[None]]] = {}
        self._closing_peers: set[asyncio.Task[None]] = set()
        self._giving_back: asyncio.TimerHandle | None = None
        self._transports = Transports(self.report, self._spawn, self._peers)
        self._executor = TransferExecutor(
            self.report,
            self._spawn,
            self._transports,
            save_to=options.save_to,
            data_dir=options.data_dir,
        )
        self._control: ControlExecutor | None = None
        self._screens = ScreenExecutor(self.report, publish, self._transports)
        self._panic = PanicExecutor(self.report, publish)
        self._known = KnownExecutor(
            self.report,
            publish,
            self._spawn,
            self._loaded,
            folder=options.config_dir,
            uuid=options.uuid or "",
        )
        self._loading: asyncio.Task[None] | None = None
        self._loading_names: asyncio.Task[None] | None = None
        self._server: Server | None = None
        self._listen_lock = asyncio.Lock()
        self._opening = opening
        self._wanted_address = opening.address
        self._shut_down = asyncio.Event()
        self._execute: dict[type[do.Command], Callable[[Any], None]] = {
            do.SetTimer: self._set_timer,
            do.CancelTimer: self._cancel_timer,
            do.Listen: self._listen,
            do.StopListening: self._stop_listening,
            pair_do.Dial: self._dial,
            pair_do.Send: self._send,
            pair_do.CloseConnection: self._close_connection,
            link_do.PreparePeer: self._prepare_peer,
            link_do.OpenPeer: self._open_peer,
            link_do.ApplyDescription: self._apply_description,
            link_do.AddCandidate: self._add_candidate,
            link_do.SendOnChannel: self._send_on_channel,
            link_do.ClosePeer: self._close_peer,
            **self._transports.execute,
            **self._executor.execute,
            **self._screens.execute,
            **self._panic.execute,
            **self._known.execute,
            do.SaveName: lambda command: self._saved(self._options.save_name(command.name)),
            do.SaveRequireProof: lambda command: self._saved(
                self._options.save_require_proof(command.required)
            ),
            do.Publish: lambda command: self._publish(command.status),
        }

    # --- the circuit ------------------------------------------------------------------------------

    async def run(self) -> None:
        """Run until Shutdown was reported and every peer has received a goodbye."""
        self._carry_out(self._program.start(self._loop.time()))
        self._executor.start()
        self._known.discovery.has_networks(self._opening.networks or ())
        if self._options.uuid is not None:
            self._known.start()
        if self._opening.listener is not None:
            self._spawn(self._serve(self._opening.listener), "server")
        if self._options.look is not None:
            self._spawn(
                self._watch_networks(self._options.look, self._opening.networks), "network watch"
            )
        self._spawn(self._watch_sleep(slept_seconds()), "sleep watch")
        await self._shut_down.wait()
        if self._giving_back is not None:
            # The end of the program returns everything.
            self._giving_back.cancel()
        try:
            async with asyncio.timeout(SHUTDOWN_SECONDS):
                await self._say_goodbye()
        except TimeoutError:
            _log.warning("not everything closed within %s s", SHUTDOWN_SECONDS)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._publish(st.Stopped())

    def report(self, event: ProgramEvent) -> None:
        """Hand an event to the machine and carry out the commands that it returns."""
        self._inbox.append(event)
        if self._handling:
            # The event was reported while a command was carried out. The loop below handles it
            # next.
            return
        self._handling = True
        try:
            while self._inbox:
                self._handle(self._inbox.popleft())
        finally:
            self._handling = False

    def _handle(self, event: ProgramEvent) -> None:
        try:
            log_step(event)
            commands = self._program.handle(event, self._loop.time())
        except Exception as error:  # noqa: BLE001
            # This is a bug of ours. The person is notified, and the program goes on for the others.
            self._report_bug(event, error)
        else:
            self._carry_out(commands)
        if isinstance(event, ev.Shutdown):
            self._shut_down.set()

    def _carry_out(self, commands: list[do.Command]) -> None:
        for command in commands:
            try:
                log_step(command)
                self._executor_of(type(command))(command)
            except Exception as error:  # noqa: BLE001
                # The machine relies on the other commands being carried out all the same.
                self._report_bug(command, error)

    def _executor_of(self, kind: type[do.Command]) -> Callable[[Any], None]:
        """Return what carries out commands of this kind. Control is loaded when it is granted."""
        if kind not in self._execute and self._control is None:
            from proxim.io.control.executor import ControlExecutor

            self._control = ControlExecutor(self.report, self._spawn)
            self._execute.update(self._control.execute)
        return self._execute[kind]

    def _report_bug(self, what: object, error: Exception) -> None:
        # The person comes first: a log may fail, too.
        self._publish(st.Trouble(Problem(Reason.INTERNAL, type(what).__name__)))
        _log.error("%s could not be handled: %s", type(what).__name__, describe_crash(error))

    # --- tasks and timers -------------------------------------------------------------------------

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = self._loop.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._publish(st.Trouble(Problem(Reason.INTERNAL, task.get_name())))
            _log.error("%s crashed: %s", task.get_name(), describe_crash(error))

    def _set_timer(self, command: do.SetTimer) -> None:
        self._cancel_timer(do.CancelTimer(command.timer))
        handle = self._loop.call_later(command.seconds, self._fire, command.timer)
        self._timers[command.timer] = (self._loop.time() + command.seconds, handle)

    def _cancel_timer(self, command: do.CancelTimer) -> None:
        if command.timer in self._timers:
            self._timers.pop(command.timer)[1].cancel()

    def _fire(self, timer: ev.Timer) -> None:
        del self._timers[timer]
        self.report(ev.TimerFired(timer))

    async def _watch_sleep(self, before: float) -> None:
        """Make timers expire as if the machine had been awake.

        A code must not outlive a night with the lid closed.
        """
        while True:
            await asyncio.sleep(SLEEP_WATCH_SECONDS)
            slept, before = slept_seconds() - before, slept_seconds()
            if slept > SLEEP_WATCH_SECONDS:
                left = {
                    timer: when - self._loop.time() - slept
                    for timer, (when, _) in self._timers.items()
                }
                for timer, seconds in left.items():
                    self._set_timer(do.SetTimer(timer, max(0.0, seconds)))

    # --- listening --------------------------------------------------------------------------------

    async def _watch_networks(
        self, look: Callable[[], tuple[ev.Network, ...]], seen: tuple[ev.Network, ...] | None
    ) -> None:
        changes = NetworkChanges()
        try:
            failing = False
            while True:
                await changes.wait()
                try:
                    # Looking asks the system, which may be slow.
                    networks = await asyncio.to_thread(look)
                except Exception as error:  # noqa: BLE001
                    # The next look may succeed. A host without a network reports that itself.
                    if not failing:
                        self._report_bug(look, error)
                    failing = True
                    continue
                failing = False
                if networks != seen:
                    seen = networks
                    self._known.discovery.has_networks(networks)
                    self.report(ev.NetworksSeen(networks))
        finally:
            changes.close()

    def _listen(self, command: do.Listen) -> None:
        self._wanted_address = command.address
        self._spawn(self._move_server(command.address), "server")

    def _stop_listening(self, command: do.StopListening) -> None:
        self._wanted_address = None
        self._spawn(self._move_server(None), "server stop")

    async def _move_server(self, address: str | None) -> None:
        """Stop the current server and listen at `address`. Moves happen one at a time, in order."""
        async with self._listen_lock:
            if self._server is not None:
                server, self._server = self._server, None
                self._known.discovery.listens(None)
                await server.stop()
            if address is None or address != self._wanted_address:
                # There is no new address, or the person has chosen another one in the meantime.
                return
            try:
                listener = open_listener(address, self._options.port)
            except ListenError as error:
                self.report(ev.ListenFailed(address, error.reason, error.problem.detail))
                return
            self.report(ev.Listening(address, listener.getsockname()[1]))
            await self._start_server(listener)

    async def _serve(self, listener: socket.socket) -> None:
        """Serve on the socket that was opened before the loop existed."""
        async with self._listen_lock:
            await self._start_server(listener)

    async def _start_server(self, listener: socket.socket) -> None:
        from proxim.io.pairing.server import Server

        self._server = Server(self.report, self._loaded, self._transports.accept)
        address = self._wanted_address or ""
        try:
            await self._server.start(listener)
        except OSError as error:
            listener.close()
            self._server = None
            self.report(ev.ListenFailed(address, Reason.PORT_REFUSED, type(error).__name__))
        else:
            self._known.discovery.listens((address, listener.getsockname()[1]))

    # --- WebSockets -------------------------------------------------------------------------------

    def _dial(self, command: pair_do.Dial) -> None:
        from proxim.io.pairing.client import Client

        client = Client(command.connection, self.report)
        task = self._spawn(self._run_client(client, command.url), "client")
        task.add_done_callback(lambda task: self._client_ended(command.connection, task))
        self._clients[command.connection] = (client, task)

    async def _run_client(self, client: "Client", url: str) -> None:
        await self._loaded()
        await client.run(url)

    def _client_ended(self, connection: ev.ConnectionID, task: asyncio.Task[None]) -> None:
        client, _ = self._clients.pop(connection)
        if not task.cancelled() and task.exception() is not None and not client.opened:
            # The bug has been reported already, but the attempt must end, too.
            self.report(pair_ev.DialFailed(connection, Reason.HOST_ERROR))

    def _send(self, command: pair_do.Send) -> None:
        text = pair_msg.dump_message(command.message)
        if command.connection in self._clients:
            self._clients[command.connection][0].send(text)
        elif self._server is not None:
            self._server.send(command.connection, text)

    def _close_connection(self, command: pair_do.CloseConnection) -> None:
        if command.connection in self._clients:
            client, task = self._clients[command.connection]
            if not client.close(command.code):
                task.cancel()
        elif self._server is not None:
            self._server.close(command.connection, command.code)

    # --- peers ------------------------------------------------------------------------------------

    async def _loaded(self, browser: bool = False) -> None:
        """Wait until the libraries for proof and link are imported.

        The import takes 0.3 s when the first guest comes or dials. It runs on a thread, so that the
        loop goes on. Every caller waits for the same import, because two threads that import the
        same libraries in different orders can block each other for good.
        """
        if self._loading is None:
            self._loading = self._spawn(asyncio.to_thread(_load_libraries), "loading libraries")
        await asyncio.shield(self._loading)
        if browser and self._loading_names is None:
            # It is ready long before the person has answered, and the link waits for it otherwise.
            self._loading_names = self._spawn(asyncio.to_thread(_load_names), "loading names")

    def _prepare_peer(self, command: link_do.PreparePeer) -> None:
        # If the import fails, OpenPeer reports it.
        with contextlib.suppress(ImportError):
            self._new_peer(command.link).prepare(offerer=command.offerer)

    def _open_peer(self, command: link_do.OpenPeer) -> None:
        try:
            peer = (
                self._peers[command.link][0]
                if command.link in self._peers
                else self._new_peer(command.link)
            )
        except ImportError as error:
            # The installation is broken.
            self.report(
                link_ev.PeerFailed(command.link, Reason.NO_DESCRIPTION, type(error).__name__)
            )
            return
        if command.offerer:
            peer.offer()

    def _new_peer(self, link: ev.LinkID) -> "Peer":
        from proxim.io.link.peer import Peer

        peer = Peer(link, self.report, self._options.stun)
        work = self._spawn(peer.run(), f"peer {link}")
        work.add_done_callback(lambda task: self._peer_crashed(link, task))
        self._peers[link] = (peer, work)
        return peer

    def _peer_crashed(self, link: ev.LinkID, work: asyncio.Task[None]) -> None:
        # The bug has been reported already, but the link must end, too.
        if not work.cancelled() and work.exception() is not None:
            self.report(link_ev.PeerFailed(link, Reason.PEER_ERROR))

    def _apply_description(self, command: link_do.ApplyDescription) -> None:
        # A missing peer could not be created, and the machine is being notified of that.
        if command.link in self._peers:
            self._peers[command.link][0].apply(command.type, command.sdp)

    def _add_candidate(self, command: link_do.AddCandidate) -> None:
        if command.link in self._peers:
            self._peers[command.link][0].add_candidate(command.candidate)

    def _send_on_channel(self, command: link_do.SendOnChannel) -> None:
        if command.channel == link_ev.LANE_CHANNEL:
            self._transports.lanes.send_text(command.link, command.text)
        elif command.link in self._peers:
            self._peers[command.link][0].send(command.channel, command.text)

    def _close_peer(self, command: link_do.ClosePeer) -> None:
        if command.link not in self._peers:
            return
        peer, work = self._peers.pop(command.link)
        work.cancel()
        closing = self._spawn(peer.close(command.said_bye), f"closing peer {command.link}")
        self._closing_peers.add(closing)
        closing.add_done_callback(self._peer_closed)

    def _peer_closed(self, closing: asyncio.Task[None]) -> None:
        self._closing_peers.discard(closing)
        if not self._linked and not self._shut_down.is_set():
            # Many links may end one soon after the other, and looking for garbage takes a while.
            if self._giving_back is not None:
                self._giving_back.cancel()
            self._giving_back = self._loop.call_later(GIVE_BACK_SECONDS, self._give_back)

    @property
    def _linked(self) -> bool:
        return bool(self._peers or self._closing_peers)

    def _give_back(self) -> None:
        """Return what links needed: garbage, and freed memory."""
        self._giving_back = None
        if self._linked:
            # Somebody else has come, and the end of that link calls this again.
            return
        # The window looks for garbage itself, on its own thread only, and has switched Python's
        # collector off.
        if gc.isenabled():
            gc.collect()
        self._spawn(_return_memory(), "returning memory")

    # --- the rest ---------------------------------------------------------------------------------

    def _saved(self, problem: Problem | None) -> None:
        if problem is not None:
            self._publish(st.Trouble(problem))

    async def _say_goodbye(self) -> None:
        if self._control is not None:
            # Nothing stays pressed, whatever else takes its time.
            await self._control.stop()
        self._panic.stop()
        await self._screens.stop()
        await asyncio.gather(self._executor.stop(), self._known.stop())
        waiting = {
            *self._closing_peers,
            *(task for _, task in self._clients.values()),
            *self._transports.goodbyes,
        }
        if waiting:
            await asyncio.wait(waiting)
        # The machine's StopListening began before this, so wait until it is done.
        async with self._listen_lock:
            if self._server is not None:
                await self._server.stop()


def _load_names() -> None:
    with contextlib.suppress(ImportError):
        from proxim.io.link.webrtc import load_names

        load_names()


async def _return_memory() -> None:
    if await asyncio.to_thread(give_back_memory):
        _log.debug("freed memory was returned to the system")


def _load_libraries() -> None:
    # Any code that needs a missing library raises the error again and reports it.
    with contextlib.suppress(ImportError):
        import spake2  # noqa: F401

        # They are imported only so that they are in memory when a person has approved.
        import proxim.io.link.lane
        import proxim.io.link.peer  # noqa: F401
