"""Puts machine and network side together for every face."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from proxim.app.options import HostOptions, JoinOptions, WindowOptions
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Problem
from proxim.core.pairing.devices import DeviceInfo
from proxim.core.pairing.invitations import Invitations
from proxim.io.pairing.opening import NetOptions, Opening, open_host

if TYPE_CHECKING:
    from proxim.core.files.events import AcceptPolicy
    from proxim.io.runtime import Runtime


def network_side(
    options: HostOptions | JoinOptions | WindowOptions,
) -> Callable[[Callable[[st.Status], None]], Callable[[], "Runtime"]]:
    """Return the function for Bridge.start. It and its imports run on the network side's thread."""

    def make(publish: Callable[[st.Status], None]) -> Callable[[], "Runtime"]:
        from proxim.io.system.settings import load_settings, save_device_name, save_require_proof

        loaded = load_settings()
        for problem in loaded.problems:
            publish(st.Trouble(problem))
        settings = loaded.settings
        device = DeviceInfo(options.name or settings.device_name, settings.uuid)

        def save_name(name: str) -> Problem | None:
            return next(iter(save_device_name(settings, name).problems), None)

        def save_policy(required: bool) -> Problem | None:
            return next(iter(save_require_proof(settings, required).problems), None)

        if isinstance(options, JoinOptions):
            joining = NetOptions(
                stun=options.stun,
                save_to=options.save_to,
                save_name=save_name,
                data_dir=str(_data_folder()),
            )
            return lambda: _runtime(device, None, options.save_to, publish, joining, Opening())

        wanted = options if isinstance(options, HostOptions) else options.without_display()
        invitations = Invitations(
            device,
            wanted.invite,
            os.urandom,
            wanted.address,
            require_proof=wanted.require_proof or settings.require_proof,
        )
        hosting = NetOptions(
            port=wanted.port,
            stun=wanted.stun,
            save_to=wanted.save_to,
            look=_look(wanted.address),
            save_name=save_name,
            save_require_proof=save_policy,
            data_dir=str(_data_folder()),
        )
        opening = open_host(invitations, publish, hosting)
        return lambda: _runtime(device, invitations, wanted.save_to, publish, hosting, opening)

    return make


def _accept(save_to: str | None) -> "AcceptPolicy":
    """Accept files without asking if the person has chosen a folder for them."""
    from proxim.core.files.events import AcceptPolicy

    return AcceptPolicy(without_asking=save_to is not None, directory=save_to)


def _runtime(
    device: DeviceInfo,
    invitations: Invitations | None,
    save_to: str | None,
    publish: Callable[[st.Status], None],
    options: NetOptions,
    opening: Opening,
) -> "Runtime":
    """Put machines and loop together.

    What guests need is loaded here, after the first paint.
    """
    from proxim.core.pairing.host import Host
    from proxim.core.pairing.proof import Prover
    from proxim.core.program import Program
    from proxim.io.pairing.spake import Spake2Exchange
    from proxim.io.runtime import Runtime

    accept = _accept(save_to)
    prover = Prover(os.urandom, Spake2Exchange)
    host = None if invitations is None else Host(invitations, prover, accept=accept)
    return Runtime(Program(device, host, prover, accept), publish, options, opening)


def _data_folder() -> Path:
    """Return the folder for unfinished transfers."""
    # Imported late, because it takes 10 ms.
    from platformdirs import user_data_path

    return user_data_path("proxim", appauthor=False) / "transfers"


def _look(pinned: str | None) -> Callable[[], tuple[ev.Network, ...]]:
    """Return a function that reads this machine's addresses.

    They include the one that the person named, even if no list contains it.
    """
    from proxim.io.system.addresses import list_networks, network_for

    def look() -> tuple[ev.Network, ...]:
        return tuple(_with_pinned(list_networks(), pinned and network_for(pinned)))

    return look


def _with_pinned(
    networks: tuple[ev.Network, ...], pinned: ev.Network | str | None
) -> Iterator[ev.Network]:
    yield from networks
    if isinstance(pinned, ev.Network) and pinned not in networks:
        yield pinned
