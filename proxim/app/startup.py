"""Puts machine and network side together for every face."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from proxim.app.host_options import HostOptions, ShareOption, WindowOptions
from proxim.core.errors import Problem
from proxim.core.pairing.devices import DeviceInfo
from proxim.core.pairing.invitations import Invitations
from proxim.core.pairing.opening import Network
from proxim.io.pairing.opening import NetOptions, Opening, open_host

if TYPE_CHECKING:
    from proxim.app.options import DevicesOptions, JoinOptions
    from proxim.core import events as ev
    from proxim.core import status as st
    from proxim.io.runtime import Runtime
    from proxim.io.system.settings import Settings


class Publisher(Protocol):
    """The part of the bridge that is used here."""

    def publish(self, status: st.Status) -> None:
        """Pass a status to the face, which sees every one."""

    def publish_newest(self, key: Hashable, status: st.Status) -> None:
        """Pass a status to the face that replaces an earlier one of this key."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """What `open` leaves for `run`."""

    device: DeviceInfo
    # None if this program only joins.
    invitations: Invitations | None
    options: NetOptions
    opening: Opening
    share_screen: ShareOption | None = None
    # Whether the one file that comes goes to standard output.
    saves_to_pipe: bool = False


class Startup:
    """Starts the network side in two steps, both on the bridge's thread: what the first paint
    shows, and then all the rest.
    """

    def __init__(
        self,
        options: HostOptions | JoinOptions | DevicesOptions | WindowOptions,
        publisher: Publisher,
    ) -> None:
        self._options = options
        self._publisher = publisher
        self._opened: _Opened | None = None
        self._runtime: Runtime | None = None

    def open(self) -> None:
        """Read the settings and publish the first statuses; a host listens and shows its code."""
        from proxim.io.system.settings import load_settings, save_device_name, save_require_proof

        loaded = load_settings()
        if loaded.problems:
            # This is imported late, as the first code must not wait for it.
            from proxim.core.status import Trouble

            for problem in loaded.problems:
                self._publisher.publish(Trouble(problem))
        settings = loaded.settings
        config_dir = None if loaded.folder is None else str(loaded.folder)

        def save_name(name: str) -> Problem | None:
            return next(iter(save_device_name(settings, name).problems), None)

        def save_policy(required: bool) -> Problem | None:
            return next(iter(save_require_proof(settings, required).problems), None)

        if not isinstance(self._options, HostOptions | WindowOptions):
            self._opened = _open_guest(self._options, settings, config_dir, save_name)
            return

        device = DeviceInfo(self._options.name or settings.device_name, settings.uuid)
        wanted = (
            self._options
            if isinstance(self._options, HostOptions)
            else self._options.without_display()
        )
        invitations = Invitations(
            device,
            wanted.invite,
            os.urandom,
            wanted.address,
            require_proof=wanted.require_proof or settings.require_proof,
            known_only=wanted.known,
        )
        hosting = NetOptions(
            port=wanted.port,
            stun=wanted.stun,
            save_to=wanted.save_to,
            look=_look(wanted.address),
            save_name=save_name,
            save_require_proof=save_policy,
            data_dir=_transfers_folder(),
            uuid=settings.uuid,
            config_dir=config_dir,
        )
        opening = open_host(invitations, self._publisher.publish, hosting)
        self._opened = _Opened(
            device,
            invitations,
            hosting,
            opening,
            wanted.share_screen,
            saves_to_pipe=_saves_to_pipe(wanted),
        )

    async def run(self) -> None:
        """Serve and join until Shutdown is reported.

        What guests need is loaded here, after the first paint.
        """
        assert self._opened is not None, "open comes first"
        self._runtime = _runtime(self._opened, self._publisher)
        await self._runtime.run()

    def report(self, intent: ev.Intent) -> None:
        """Handle a person's intent, once `run` has begun."""
        assert self._runtime is not None
        self._runtime.report(intent)


def _open_guest(
    options: JoinOptions | DevicesOptions,
    settings: Settings,
    config_dir: str | None,
    save_name: Callable[[str], Problem | None],
) -> _Opened:
    """Return what a program goes on with that lets nobody in."""
    # This is imported late, as the first code must not wait for it.
    from proxim.app.options import DevicesOptions

    if isinstance(options, DevicesOptions):
        # It makes no links, and only looks for known devices.
        device = DeviceInfo(settings.device_name, settings.uuid)
        looking = NetOptions(look=_look(None), uuid=settings.uuid, config_dir=config_dir)
        return _Opened(device, None, looking, Opening())
    device = DeviceInfo(options.name or settings.device_name, settings.uuid)
    joining = NetOptions(
        stun=options.stun,
        # Known devices are dialled where they were seen, so in the same networks only.
        look=_look(None),
        save_to=options.save_to,
        save_name=save_name,
        data_dir=_transfers_folder(),
        uuid=settings.uuid,
        config_dir=config_dir,
    )
    return _Opened(device, None, joining, Opening(), saves_to_pipe=_saves_to_pipe(options))


def _runtime(opened: _Opened, publisher: Publisher) -> Runtime:
    """Put machines and loop together."""
    from proxim.core.features import link_features
    from proxim.core.files.events import AcceptPolicy
    from proxim.core.files.newest_progress import NewestProgress
    from proxim.core.known.feature import KnownDevices
    from proxim.core.pairing.host import Host
    from proxim.core.pairing.proof import Prover
    from proxim.core.program import Program
    from proxim.core.screen.events import Grant
    from proxim.core.screen.sight import PicturesReady
    from proxim.io.pairing.spake import Spake2Exchange
    from proxim.io.pairing.x25519 import X25519KeyPair
    from proxim.io.runtime import Runtime

    progress = NewestProgress()

    def publish(status: st.Status) -> None:
        if isinstance(status, PicturesReady):
            publisher.publish_newest(status, status)
            return
        key = progress.key_of(status)
        if key is None:
            publisher.publish(status)
        else:
            publisher.publish_newest(key, status)

    # Who has chosen a folder for files accepts them without being asked. For a pipe, the face
    # takes one file of all that come.
    save_to = opened.options.save_to
    accept = AcceptPolicy(
        without_asking=save_to is not None, directory=save_to, ask_always=opened.saves_to_pipe
    )
    share = Grant.NOTHING if opened.share_screen is None else Grant(opened.share_screen.value)
    prover = Prover(os.urandom, Spake2Exchange, X25519KeyPair)
    known = KnownDevices(opened.device.id, prover, time.time)
    features = link_features(os.urandom, accept, share, known)
    opening = opened.opening
    if opened.invitations is None:
        host = None
        assert opened.options.look is not None, "every program knows its networks"
        opening = Opening(networks=opened.options.look())
    else:
        host = Host(opened.invitations, prover, features, known)
    program = Program(opened.device, host, prover, features, known, opening.networks or ())
    return Runtime(program, publish, opened.options, opening)


def _saves_to_pipe(options: HostOptions | JoinOptions) -> bool:
    return options.pipe is not None and options.pipe.send_name is None


def _transfers_folder() -> str | None:
    """Return the folder for unfinished transfers; None if this user has none."""
    from proxim.io.system.user_folders import transfers_folder

    folder = transfers_folder()
    return None if folder is None else str(folder)


def _look(pinned: str | None) -> Callable[[], tuple[Network, ...]]:
    """Return a function that reads this machine's addresses.

    They include the one that the person named, even if no list contains it.
    """
    from proxim.io.system.addresses import list_networks, network_for

    def look() -> tuple[Network, ...]:
        return tuple(_with_pinned(list_networks(), pinned and network_for(pinned)))

    return look


def _with_pinned(networks: tuple[Network, ...], pinned: Network | str | None) -> Iterator[Network]:
    yield from networks
    if isinstance(pinned, Network) and pinned not in networks:
        yield pinned
