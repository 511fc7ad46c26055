"""Tests of proxim.core.link.features: a third feature works without a change of core, and
faces leave out what they do not know of it."""

from collections.abc import Mapping

import pytest

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Problem, Reason
from proxim.core.link import commands as link_do
from proxim.core.link import events as link_ev
from proxim.core.link import messages as link_msg
from proxim.core.link.features import Features, LinkFeature
from proxim.core.link.link import Link
from proxim.core.link.messages import Reader
from tests.core.bench import Bench
from tests.core.handed_in import (
    HOST_DEVICE,
    PHONE,
    counting_bytes,
    features,
    hello,
    invitations,
    program,
)
from tests.core.link.whiteboard import (
    DRYING_SECONDS,
    Draw,
    Drawn,
    Dry,
    Stroke,
    Whiteboard,
    with_whiteboard,
)
from tests.core.pairing.host_bench import HostBench
from tests.core.playbook import Playbook
from tests.core.two_programs import World

# The stream id of a link's control channel in tests/core/two_programs.py.
CONTROL = 0
LINK, NO_LINK = ev.LinkID("guest-1"), ev.LinkID("guest-7")
STATUS = st.LinkStatus(LINK, "session", st.Stage.APPROVED)


class BoardWorld(World):
    """A host with a whiteboard and a guest, which has one unless `guest_has_one` is False."""

    def __init__(self, *, guest_has_one: bool = True) -> None:
        bench = HostBench()
        known, self.board = with_whiteboard()
        bench.program = program(
            HOST_DEVICE, bench.prover, invitations(made_with=bench.prover), features=known
        )
        super().__init__(host=bench)
        others, self.guests_board = with_whiteboard()
        self.guest.program = program(
            PHONE, bench.prover, features=others if guest_has_one else features()
        )
        self.settle()
        self.link_up()

    def link_of(self, side: Bench) -> ev.LinkID:
        return self.status(side).link


# The words of what is registered.
OWN = ("text", "files", "known", "lane-channels", "screen", "control")


def heard(message: link_msg.LinkMessage) -> link_ev.ChannelMessage:
    return link_ev.ChannelMessage(LINK, CONTROL, link_msg.dump_link_message(message))


def unsupported(link: ev.LinkID, channel: int, what: str) -> do.Command:
    return link_do.SendOnChannel(
        link, channel, link_msg.dump_link_message(link_msg.Unsupported(what))
    )


def test_both_sides_name_its_word_and_show_it_in_the_status_of_the_link() -> None:
    world = BoardWorld()
    for side in (world.host, world.guest):
        assert world.status(side).features == (*OWN, "whiteboard")
    assert [*world.board.links] == [world.link_of(world.host)]


def test_what_a_person_wants_becomes_a_message_and_a_status() -> None:
    world = BoardWorld()
    world.handle(world.guest, Draw(world.link_of(world.guest), 5))
    assert world.host.told(Drawn) == [Drawn(world.link_of(world.host), 5)]
    not_connected = do.Publish(st.Trouble(Problem(Reason.NOT_CONNECTED), NO_LINK))
    world.guest.on(Draw(NO_LINK, 5), not_connected)


def test_its_timer_comes_back_to_it_at_the_host_and_at_a_guest() -> None:
    for at_host in (True, False):
        world = BoardWorld()
        drawer, other = (world.guest, world.host) if at_host else (world.host, world.guest)
        world.handle(drawer, Draw(world.link_of(drawer), 5))
        assert other.told(Dry) == []
        world.advance(DRYING_SECONDS)
        assert other.told(Dry) == [Dry(world.link_of(other))]


def test_its_channels_are_its_own_and_it_may_refuse_one() -> None:
    world = BoardWorld()
    link = world.link_of(world.host)
    assert world.host.program.handle(link_ev.ChannelOpened(link, 8, "whiteboard/1"), 0.0) == []
    assert world.board.channels == [(link, 8)]
    for label in ("whiteboard/2", "whiteboards/1", "board/1"):
        opened = link_ev.ChannelOpened(link, 10, label)
        assert world.host.program.handle(opened, 0.0) == [unsupported(link, 10, "channel")]


def test_it_does_not_begin_with_a_peer_that_does_not_know_it() -> None:
    world = BoardWorld(guest_has_one=False)
    assert world.status(world.host).features == OWN
    assert world.board.links == {}
    # Neither side accepts what belongs to it.
    link = world.link_of(world.host)
    opened = link_ev.ChannelOpened(link, 10, "whiteboard/1")
    assert world.host.program.handle(opened, 0.0) == [unsupported(link, 10, "channel")]
    stroke = link_msg.dump_link_message(Stroke(5))
    for side, what in ((world.host, "not_allowed"), (world.guest, "stroke")):
        link = world.link_of(side)
        assert side.program.handle(link_ev.ChannelMessage(link, CONTROL, stroke), 0.0) == [
            unsupported(link, CONTROL, what)
        ]


def test_it_says_what_a_peer_may_not_send_and_what_ends_the_link() -> None:
    world = BoardWorld()
    world.handle(world.guest, Draw(world.link_of(world.guest), 0))
    assert world.status(world.host).stage is st.Stage.CONNECTED
    world.handle(world.guest, Draw(world.link_of(world.guest), -1))
    assert world.status(world.host).reason is Reason.PEER_ERROR
    assert (world.board.links, world.guests_board.links) == ({}, {})


def test_a_feature_that_needs_nothing_defines_only_its_word() -> None:
    class Plain(LinkFeature):
        word = "plain"
        channel_prefix = "plain"

    plain = Plain()
    link = Link(STATUS, "This PC", Features(plain), counting_bytes())
    link.open(offerer=True, keys=None)
    play = Playbook(link, 0.0)
    play.on(link_ev.ChannelOpened(LINK, CONTROL, link_ev.CONTROL_LABEL), ...)
    play.on(heard(hello("Phone", ("plain",))), ...)
    assert link.status.features == ("plain",)
    play.on(link_ev.ChannelOpened(LINK, 8, "plain/1"), unsupported(LINK, 8, "channel"))
    play.on(link_ev.LaneOpened(LINK), ...)
    play.on(heard(link_msg.Bye()), ...)
    assert not link.status.features
    # It lists no events and no messages, so nobody passes any to it.
    with pytest.raises(NotImplementedError):
        plain.handle(Draw(LINK, 1), 0.0)
    with pytest.raises(NotImplementedError):
        plain.message(link, Stroke(1), 0.0)


def test_two_features_cannot_share_anything_nor_take_the_links_own() -> None:
    class Thief(LinkFeature):
        word = "thief"
        readers: Mapping[str, Reader] = {"bye": lambda fields: link_msg.Bye()}

    class Lane(LinkFeature):
        word = link_msg.LANE

    class Control(LinkFeature):
        word = "control"
        channel_prefix = link_ev.CONTROL_LABEL

    for wrong in ((Whiteboard(), Whiteboard()), (Thief(),), (Lane(),), (Control(),)):
        with pytest.raises(AssertionError):
            Features(*wrong)


def test_a_greeting_names_all_features_and_lanes() -> None:
    known, _ = with_whiteboard()
    assert (*known.words, link_msg.LANE) == (*OWN, "whiteboard", "lane")
    assert hello("x").features == (*OWN, "lane")
