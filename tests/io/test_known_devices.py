"""Two devices become known to each other and come back, with all real parts below: sockets, SPAKE2,
X25519 and WebRTC.
"""

import secrets
from collections.abc import AsyncIterator
from ipaddress import ip_network
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.known import events as known_ev
from proxim.core.known.devices import Endpoint, KnownDevice, KnownFile
from proxim.core.known.status import KnownList, Remembering, RememberStage
from proxim.core.pairing.devices import DeviceInfo, KnownID, Verified
from proxim.core.pairing.invitations import Invitations
from proxim.io.pairing.opening import NetOptions
from tests.io.test_runtime import Side, closed, link, link_of, on


@pytest_asyncio.fixture
async def sides() -> AsyncIterator[list[Side]]:
    sides: list[Side] = []
    yield sides
    for side in sides:
        if not side.task.done():
            await side.stop()


async def test_from_six_digits_to_a_link_without_a_code(
    sides: list[Side], own_address: str
) -> None:
    host, guest = await link(sides, own_address)
    guest.runtime.report(ev.NetworksSeen(on(own_address)))
    for side in (host, guest):
        side.runtime.report(known_ev.KnownLoaded(KnownFile(discovery=False)))
        await side.told.wait(st.LinkStatus, lambda one: "known" in one.features)
    guest.runtime.report(known_ev.RememberDevice(link_of(guest).link))
    digits = set()
    for side in (host, guest):
        shown = await side.told.wait(Remembering, lambda one: one.stage is RememberStage.COMPARE)
        digits.add(shown.digits)
        side.runtime.report(known_ev.AnswerRemember(shown.link, True, shown.digits))
    assert len(digits) == 1
    for side in (host, guest):
        await side.told.wait(Remembering, lambda one: one.stage is RememberStage.KEPT)
        await side.told.wait(KnownList, lambda one: bool(one.devices))
    (entry,) = [one for one in host.told.all if isinstance(one, KnownList)][-1].devices
    host.runtime.report(known_ev.SetLetIn(entry.id, True))
    guest.runtime.report(ev.Disconnect(link_of(guest).link))
    await closed(host)

    (back,) = [one for one in guest.told.all if isinstance(one, KnownList)][-1].devices
    guest.runtime.report(known_ev.JoinKnown(back.id))
    for side, known in ((host, entry.id), (guest, back.id)):
        status = await side.told.wait(
            st.LinkStatus, lambda one: one.verified is Verified.KNOWN and "text" in one.features
        )
        assert status.known == known
        assert status.let_in is (side is host)
    guest.runtime.report(ev.SendText(link_of(guest).link, "here I am"))
    assert (await host.told.wait(st.TextReceived)).text == "here I am"


class Host(Side):
    """A program that is host and guest, of a device that knows another one."""

    def __init__(self, device: DeviceInfo, address: str) -> None:
        self.device = device
        first = ev.Invite(ev.SessionType.ONE_TIME)
        super().__init__(
            NetOptions(look=lambda: on(address)),
            invitations=Invitations(device, first, secrets.token_bytes),
        )

    def know(self, other: "Host", url: str, *, let_in: bool) -> KnownID:
        """Let the file of known devices name the other program, at the place of this URL."""
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        subnet = str(ip_network(f"{parts.hostname}/24", strict=False))
        record = KnownDevice(
            *(KnownID("other"), b"k" * 32, other.device.id, other.device.name, Verified.CODE),
            *(0.0, 0.0),
            endpoints=(Endpoint(parts.hostname, parts.port, subnet),),
            let_in=let_in,
        )
        self.runtime.report(ev.NetworksSeen(on(parts.hostname)))
        self.runtime.report(known_ev.KnownLoaded(KnownFile((record,), discovery=False)))
        return record.id

    @property
    def links(self) -> dict[ev.LinkID, st.LinkStatus]:
        """The newest status of each link and attempt."""
        return {one.link: one for one in self.told.all if isinstance(one, st.LinkStatus)}

    async def settles(self) -> None:
        """Wait until one link is open, and all others have ended."""
        while not self.settled:
            await self.told.wait(st.LinkStatus)

    @property
    def settled(self) -> bool:
        """Whether one link is open, and all others have ended."""
        stages = [one.stage for one in self.links.values()]
        others = [one for one in stages if one is not st.Stage.CONNECTED]
        return len(stages) == 2 and len(others) == 1 and others == [st.Stage.CLOSED]


@pytest.mark.parametrize("let_in", [True, False])
async def test_two_people_who_connect_at_once_get_one_link(
    sides: list[Side], own_address: str, *, let_in: bool
) -> None:
    hosts = [Host(DeviceInfo(name, f"uuid of {name}"), own_address) for name in ("Ada", "Ben")]
    sides += hosts
    ada, ben = hosts
    urls = [(await one.told.wait(st.Invitation)).url for one in hosts]
    known = ada.know(ben, urls[1], let_in=let_in), ben.know(ada, urls[0], let_in=let_in)
    for one, other in zip(hosts, known, strict=True):
        one.runtime.report(known_ev.JoinKnown(other))
    if not let_in:
        prompts = [await one.told.wait(st.Prompt) for one in hosts]
        # Both see the question, and both say yes.
        for one, prompt in zip(hosts, prompts, strict=True):
            one.runtime.report(ev.Decide(prompt.session_id, True, prompt.number))
    for one in hosts:
        await one.settles()
    for one in hosts:
        (over,) = (link for link in one.links.values() if link.stage is st.Stage.CLOSED)
        assert over.reason is Reason.DEVICE_LINKED
        troubles = (status for status in one.told.all if isinstance(status, st.Trouble))
        # These programs have no folder for the file.
        assert {status.problem.reason for status in troubles} <= {Reason.KNOWN_UNWRITABLE}
    (left,) = (link.link for link in ada.links.values() if link.stage is st.Stage.CONNECTED)
    ada.runtime.report(ev.SendText(left, "one link"))
    assert (await ben.told.wait(st.TextReceived)).text == "one link"
