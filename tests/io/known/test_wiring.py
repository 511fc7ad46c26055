"""A whole running host with a feature that knows devices: what the runtime does for it."""

import asyncio
import hashlib
import json
import secrets
from pathlib import Path

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.features import link_features
from proxim.core.known import commands as known_do
from proxim.core.known import events as known_ev
from proxim.core.known.devices import KnownFile
from proxim.core.link.features import Features, LinkFeature
from proxim.core.pairing.devices import DeviceInfo
from proxim.core.pairing.invitations import Invitations
from proxim.core.pairing.proof import Prover
from proxim.core.transitions import Kind
from proxim.io.pairing.opening import NetOptions, open_host
from proxim.io.pairing.spake import Spake2Exchange
from proxim.io.runtime import Runtime
from proxim.io.system.addresses import list_networks, network_for
from tests.core.handed_in import program
from tests.io.known.test_executor import Program
from tests.io.known.test_store import LAPTOP, OURS
from tests.io.support import PATIENCE, Events

TAG = hashlib.sha256(b"a pair").digest()[:8]


class Knowing(LinkFeature):
    """What a program knows, and does as soon as it does."""

    word = "test-known"
    events: frozenset[Kind] = frozenset(
        {known_ev.KnownLoaded, known_ev.SlotBegan, known_ev.ServiceSeen, known_ev.ServiceGone}
    )

    def __init__(self) -> None:
        self.told = Events()

    def handle(self, event: object, now: float) -> list[do.Command]:
        self.told(event)
        if isinstance(event, known_ev.KnownLoaded):
            return [known_do.Announce((TAG,)), known_do.SaveKnown(KnownFile((LAPTOP,)))]
        return []


async def test_a_host_reads_its_file_announces_its_server_saves_and_says_goodbye(
    tmp_path: Path, own_address: str
) -> None:
    (tmp_path / "known.json").write_text(json.dumps({"uuid": OURS}))
    network = network_for(own_address)
    assert network is not None
    # Another network than that of the server is there, too.
    options = NetOptions(
        look=lambda: (network, *(one for one in list_networks() if one != network)),
        uuid=OURS,
        config_dir=str(tmp_path),
    )
    invitations = Invitations(
        DeviceInfo("Desk", OURS), ev.Invite(ev.SessionType.ONE_TIME), secrets.token_bytes
    )
    feature = Knowing()
    others = Features(*link_features(secrets.token_bytes), feature)
    told = Events()
    opening = open_host(invitations, told, options)
    assert opening.listener is not None
    place = (own_address, opening.listener.getsockname()[1])
    machine = program(
        invitations.device,
        Prover(secrets.token_bytes, Spake2Exchange),
        invitations,
        features=others,
    )
    runtime = Runtime(machine, told, options, opening)
    guest = Program(None)
    guest.do(known_do.LookForServices())
    running = asyncio.create_task(runtime.run())
    assert (await feature.told.wait(known_ev.KnownLoaded)).file == KnownFile()
    seen = await guest.told.wait(known_ev.ServiceSeen, lambda seen: seen.has(TAG))
    assert place in [one[:2] for one in seen.endpoints]
    runtime.report(ev.Shutdown())
    await asyncio.wait_for(running, PATIENCE)
    await guest.told.wait(known_ev.ServiceGone, lambda gone: gone.service == seen.service)
    await guest.stop()
    assert not any(isinstance(status, st.Trouble) for status in told.all)
    assert json.loads((tmp_path / "known.json").read_text())["devices"][0]["name"] == LAPTOP.name
