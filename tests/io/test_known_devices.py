"""Two devices become known to each other and come back, with all real parts below: sockets, SPAKE2,
X25519 and WebRTC.
"""

from collections.abc import AsyncIterator

import pytest_asyncio

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.known import events as known_ev
from proxim.core.known.devices import KnownFile
from proxim.core.known.status import KnownList, Remembering, RememberStage
from proxim.core.pairing.devices import Verified
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
