"""Files over bad networks: the lane cut or refused, UDP blocked, delay and loss, and all of these
together.

A gate (tests/gate.py) keeps each file on its way until the awaited event has happened.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.lossy_link import TCP, UDP, LossyLink, Packet, Verdict, lossy_link, missing
from tests.programs.file_programs import (
    Sides,
    end,
    linked,
    moving,
    names,
    send,
    sha256,
    until,
    write_file,
    write_sparse,
)
from tests.programs.program import Program, exchange_text

pytestmark = [pytest.mark.slow]

# The guest dials, so its port identifies a TCP connection.
GUEST = 1
OVER_CABLE = 20_000_000
# The channel's files are smaller because aiortc is slower.
OVER_CHANNEL = 4_000_000
BEGUN = 2_000_000
# The cable needs many minutes for this file; what the test does meanwhile takes seconds.
NEVER_DONE = 20_000_000_000
ROUND_TRIP_SECONDS = 0.1
LOSS = 0.05
# This is far more than text needs beside files; it took 0.1 s.
BAR_SECONDS = 5.0


@pytest.fixture
def sides(tmp_path: Path) -> Sides:
    return Sides(tmp_path)


@pytest.fixture
def cable() -> Iterator[LossyLink]:
    why = missing()
    if why is not None:
        pytest.skip(why)
    with lossy_link(0.0005, 0.0) as link:
        yield link


@dataclass
class Firewall:
    """A firewall that counts the guest's TCP connections to the host: the first is signaling, later
    ones are lanes.
    """

    # If true, every lane is refused.
    refuses: bool = False
    # So many lanes are cut as soon as they have carried `allowance` packets.
    cuts: int = 0
    # 1000 packets carry 1.5 MB at most.
    allowance: int = 1000
    lanes: list[int] = field(default_factory=list)
    _ports: list[int] = field(default_factory=list)
    _carried: int = 0

    def judge(self, packet: Packet) -> Verdict:
        if packet.protocol != TCP:
            return Verdict.PASS
        port = packet.ports[0 if packet.side == GUEST else 1]
        if packet.opens and port not in self._ports:
            self._ports.append(port)
            self.lanes = self._ports[1:]
            self._carried = 0
        if port not in self.lanes:
            return Verdict.PASS
        self._carried += port == self.lanes[-1]
        spent = port != self.lanes[-1] or self._carried > self.allowance
        cut = self.lanes.index(port) < self.cuts and spent
        return Verdict.RESET if self.refuses or cut else Verdict.PASS


def ways(program: Program) -> list[str]:
    """Return the ways that the bytes took, in order."""
    told = [
        event["via"] for event in program.seen if event["event"] == "transfer" and "via" in event
    ]
    return [via for place, via in enumerate(told) if place == 0 or told[place - 1] != via]


@contextmanager
def arriving(sides: Sides, both: tuple[Program, Program], sender: int, size: int) -> Iterator[None]:
    """Send a file that is on its way during the block, and check afterwards that it arrives."""
    file = write_file(sides.source / f"{sender}.bin", size)
    send(both[sender], file)
    yield
    assert end(both[1 - sender])["sha256"] == sha256(file)
    assert end(both[sender])["state"] == "done"
    assert names(sides.saved(("guest", "host")[sender])) == [file.name]


def check_arrives(sides: Sides, both: tuple[Program, Program], sender: int, size: int) -> None:
    with arriving(sides, both, sender, size):
        pass


# --- the lane -------------------------------------------------------------------------------------


@pytest.mark.parametrize("sender", [0, 1])
def test_the_lane_is_cut(sides: Sides, cable: LossyLink, sender: int) -> None:
    firewall = Firewall(cuts=1, allowance=4000)
    cable.judge = firewall.judge
    # This is far less than the 4000 packets carry, so the lane is seen in use before it is cut.
    sides.gate.close_after(1_000_000)
    with linked(sides, link=cable) as both:
        with arriving(sides, both, sender, OVER_CABLE):
            for side in both:
                moving(side, via="lane")
                assert ways(side) == ["lane"]
            # The bytes that pass now cut the lane (4000 packets carry 6 MB at most). The channel
            # then gets only a part of the rest, so the transfer is not done before there is another
            # lane.
            sides.gate.close_after(OVER_CABLE // 3)
            until(lambda: len(firewall.lanes) == 2)
            sides.gate.open()
        assert len(firewall.lanes) == 2
        assert not any(event.get("state") == "waiting" for side in both for event in side.seen)


@pytest.mark.parametrize("sender", [0, 1])
def test_every_lane_is_cut(sides: Sides, cable: LossyLink, sender: int) -> None:
    firewall = Firewall(cuts=100)
    cable.judge = firewall.judge
    # This is enough to cut the first lane, and too little for the channel to carry all the rest
    # alone.
    sides.gate.close_after(2_000_000)
    with linked(sides, link=cable) as both, arriving(sides, both, sender, 3 * OVER_CHANNEL):
        for side in both:
            moving(side, via="webrtc")
        until(lambda: len(firewall.lanes) >= 2)
        sides.gate.open()


def test_lanes_are_refused(sides: Sides, cable: LossyLink) -> None:
    firewall = Firewall(refuses=True)
    cable.judge = firewall.judge
    with linked(sides, link=cable) as both:
        for sender in (0, 1):
            check_arrives(sides, both, sender, OVER_CHANNEL)
        assert ways(both[0]) == ways(both[1]) == ["webrtc"]
        assert firewall.lanes


# --- no UDP ---------------------------------------------------------------------------------------


def block_udp(packet: Packet) -> Verdict:
    return Verdict.DROP if packet.protocol == UDP else Verdict.PASS


def test_without_udp_the_link_is_on_the_lane_and_goes_on_when_it_was_lost(
    sides: Sides, cable: LossyLink
) -> None:
    cable.judge = block_udp
    sides.gate.close_after(OVER_CABLE // 2)
    with sides.start_host(link=cable) as host:
        url = host.event("session")["url"]
        with sides.start_guest(url, link=cable) as guest:
            host.say(
                type="pair_response",
                sessionID=host.event("pair_prompt")["sessionID"],
                approved=True,
            )
            approved = time.monotonic()
            for side in (guest, host):
                assert side.event("link", state="connected")["via"] == "lane"
            assert time.monotonic() - approved < 15
            exchange_text(host, guest)
            with arriving(sides, (host, guest), 1, OVER_CABLE):
                moving(host, BEGUN)
                cable.cut = True
                left = [side.event("transfer", state="waiting") for side in (host, guest)]
                sides.gate.close_after(BEGUN)
                cable.cut = False
                again = moving(host, 0, via="lane")
                assert again["bytes"] >= left[0]["bytes"]
                sides.gate.open()
            check_arrives(sides, (host, guest), 0, OVER_CABLE // 2)
            assert ways(host) == ways(guest) == ["lane"]


# --- slow and lossy -------------------------------------------------------------------------------


def test_delay_and_loss(sides: Sides) -> None:
    why = missing()
    if why is not None:
        pytest.skip(why)
    file = write_file(sides.source / "a.bin", 2_000_000)
    sides.gate.close_after(500_000)
    with (
        lossy_link(ROUND_TRIP_SECONDS / 2, LOSS) as link,
        linked(sides, link=link) as (host, guest),
    ):
        send(guest, file)
        exchange_text(host, guest)
        sides.gate.open()
        assert end(host, patience=45)["sha256"] == sha256(file)
        assert end(guest)["state"] == "done"


@pytest.mark.parametrize("beside", ["lane", "channel", "all on the lane"])
def test_text_does_not_wait_behind_files(sides: Sides, cable: LossyLink, beside: str) -> None:
    if beside != "lane":
        cable.judge = Firewall(refuses=True).judge if beside == "channel" else block_udp
    file = write_sparse(sides.source / "a.bin", NEVER_DONE)
    with linked(sides, link=cable) as (host, guest):
        for side in (host, guest):
            send(side, file)
        for number in range(10):
            moving(host, direction="in")
            began = time.monotonic()
            guest.say(type="text", text=f"text {number}")
            assert host.event("text")["text"] == f"text {number}"
            took = time.monotonic() - began
            assert took < BAR_SECONDS
