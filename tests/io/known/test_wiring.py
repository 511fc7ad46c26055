"""A whole running host that knows a device: its file, its announcement, and its end."""

import asyncio
import json
import secrets
import time
from pathlib import Path

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.known import commands as known_do
from proxim.core.known import events as known_ev
from proxim.core.known.announcement import SLOT_SECONDS
from proxim.core.known.devices import KnownFile
from proxim.core.known.feature import KnownDevices
from proxim.core.known.keys import seen_tag
from proxim.core.known.status import KnownList
from proxim.core.pairing.devices import DeviceInfo
from proxim.core.pairing.invitations import Invitations
from proxim.core.pairing.proof import Prover
from proxim.io.known.store import KnownStore
from proxim.io.pairing.opening import NetOptions, open_host
from proxim.io.pairing.spake import Spake2Exchange
from proxim.io.pairing.x25519 import X25519KeyPair
from proxim.io.runtime import Runtime
from proxim.io.system.addresses import list_networks, network_for
from tests.core.handed_in import program
from tests.io.known.test_executor import Program
from tests.io.known.test_store import DESK, OURS
from tests.io.support import PATIENCE, Events


async def test_a_host_reads_its_file_announces_its_server_saves_and_says_goodbye(
    tmp_path: Path, own_address: str
) -> None:
    KnownStore(tmp_path, OURS).save(KnownFile((DESK,)))
    network = network_for(own_address)
    assert network is not None
    options = NetOptions(
        look=lambda: (network, *(one for one in list_networks() if one != network)),
        uuid=OURS,
        config_dir=str(tmp_path),
    )
    invitations = Invitations(
        DeviceInfo("Desk", OURS), ev.Invite(ev.SessionType.ONE_TIME), secrets.token_bytes
    )
    prover = Prover(secrets.token_bytes, Spake2Exchange, X25519KeyPair)
    told = Events()
    opening = open_host(invitations, told, options)
    assert opening.listener is not None
    place = (own_address, opening.listener.getsockname()[1])
    machine = program(
        invitations.device,
        prover,
        invitations,
        known=KnownDevices(OURS, prover, time.time),
        networks=opening.networks or (),
    )
    runtime = Runtime(machine, told, options, opening)
    guest = Program(None)
    guest.do(known_do.LookForServices())

    def is_host(seen: known_ev.ServiceSeen) -> bool:
        slot = int(time.time() // SLOT_SECONDS)
        return any(seen.has(seen_tag(DESK.key, OURS, one)) for one in (slot - 1, slot, slot + 1))

    running = asyncio.create_task(runtime.run())
    assert [one.name for one in (await told.wait(KnownList)).devices] == [DESK.name]
    seen = await guest.told.wait(known_ev.ServiceSeen, is_host)
    assert place in [one[:2] for one in seen.endpoints]
    runtime.report(known_ev.RenameKnown(DESK.id, "Attic"))
    runtime.report(ev.Shutdown())
    await asyncio.wait_for(running, PATIENCE)
    await guest.told.wait(known_ev.ServiceGone, lambda gone: gone.service == seen.service)
    await guest.stop()
    assert not any(isinstance(status, st.Trouble) for status in told.all)
    assert json.loads((tmp_path / "known.json").read_text())["devices"][0]["name"] == "Attic"
