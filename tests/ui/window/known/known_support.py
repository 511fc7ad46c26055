"""Helpers for the tests of known devices in the window: their statuses, as core publishes them."""

import time
from dataclasses import replace
from typing import Final

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.known.status import (
    KnownEntry,
    KnownList,
    Presence,
    Remembering,
    RememberStage,
)
from proxim.core.link.lane_channels import LANE_CHANNELS
from proxim.core.pairing.devices import KnownID, Verified
from proxim.ui.window.known.device_list import DeviceList
from proxim.ui.window.known.known import Known
from tests.ui.tk_support import LONG_NAME, Bench, link

LINK: Final = ev.LinkID("host-1")
# What two programs of the present have in common.
FEATURES: Final = (st.TEXT, st.FILES, st.KNOWN, LANE_CHANNELS, st.SCREEN, "control")
DAY: Final = 24 * 60 * 60.0
NAMES: Final = ("Ada's PC", "Grace's laptop", LONG_NAME, "NAS", "Workshop")


def entry(
    number: int = 0,
    presence: Presence = Presence.AWAY,
    *,
    name: str | None = None,
    let_in: bool = False,
    files_to: str | None = None,
    link: ev.LinkID | None = None,
) -> KnownEntry:
    """Return a known device; those of higher numbers were seen more days ago."""
    now = time.time()
    named = NAMES[number] if number < len(NAMES) else f"Device {number}"
    return KnownEntry(
        KnownID(f"device-{number}"),
        name or named,
        Verified.CODE,
        now - 40 * DAY,
        now - number * DAY,
        presence if link is None else Presence.LINKED,
        let_in,
        files_to,
        link,
    )


def known(*entries: KnownEntry, discovery: bool = True, trouble: Reason | None = None) -> KnownList:
    """Return the status of all known devices."""
    return KnownList(entries, discovery, trouble)


def few() -> KnownList:
    """Return known devices of every presence, one of them with a long name."""
    return known(
        entry(0, Presence.REACHABLE),
        entry(1, link=LINK),
        entry(2, Presence.REACHABLE),
        entry(3, Presence.AWAY),
        entry(4, Presence.UNKNOWN),
    )


def many(count: int = 40) -> KnownList:
    """Return so many known devices."""
    presences = (Presence.REACHABLE, Presence.AWAY)
    return known(*(entry(number, presences[number % 2]) for number in range(count)))


def app_link(
    name: str = "Ada's PC",
    stage: st.Stage = st.Stage.CONNECTED,
    link_id: str = "host-1",
    verified: Verified | None = Verified.CODE,
) -> st.LinkStatus:
    """Return the status of a link with a program that can be remembered."""
    features = FEATURES if stage is st.Stage.CONNECTED else ()
    return replace(link(name, stage, link_id, verified), features=features)


def known_link(
    number: int = 0,
    stage: st.Stage = st.Stage.CONNECTED,
    link_id: str = "host-1",
    *,
    let_in: bool = False,
) -> st.LinkStatus:
    """Return the status of a link with a known device."""
    status = app_link(NAMES[number], stage, link_id, Verified.KNOWN)
    return replace(status, known=KnownID(f"device-{number}"), let_in=let_in)


def remembering(
    bench: Bench,
    stage: RememberStage,
    *,
    ours: bool = True,
    reason: Reason | None = None,
    digits: str = "482913",
    name: str = "Ada's PC",
) -> Remembering:
    """Return what becomes of the wish that the devices of the bench's link know each other."""
    open_ = stage in (RememberStage.COMPARE, RememberStage.WAITING)
    return Remembering(
        LINK,
        stage,
        name,
        ours,
        digits if open_ else None,
        bench.clock.now + 60 if open_ else None,
        reason,
        KnownID("device-0") if stage is RememberStage.KEPT else None,
    )


def known_of(bench: Bench) -> Known:
    """Return what the window has about known devices, which exists by now."""
    assert bench.window._known is not None
    return bench.window._known


def list_of(bench: Bench) -> DeviceList:
    """Return the list of known devices, which is on the home page by now."""
    found = known_of(bench).list
    assert found is not None
    return found
