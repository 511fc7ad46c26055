"""Tests of proxim.core.link.link: scripts of events and expected commands for one link."""

import json
from dataclasses import replace

import pytest

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import MachineMisuseError, Problem, Reason
from proxim.core.files import commands as file_do
from proxim.core.files import events as file_ev
from proxim.core.files import messages as file_msg
from proxim.core.files.manifest import START, Entry, TransferID, resume_tag
from proxim.core.link import commands as link_do
from proxim.core.link import events as link_ev
from proxim.core.link import lane
from proxim.core.link import messages as link_msg
from proxim.core.link import text as link_text
from proxim.core.link.link import (
    HEARTBEAT_SECONDS,
    LINK_OPEN_SECONDS,
    MAX_UNREADABLE_MESSAGES,
    SILENCE_SECONDS,
    Link,
    LinkInput,
    LinkState,
)
from proxim.core.pairing.proof import ProofKeys
from tests.core.handed_in import WORDS, counting_bytes, features, hello
from tests.core.playbook import Playbook
from tests.rows import each_row

ID = ev.LinkID("guest-1")
CONTROL = 4
OTHER = 6
OPEN_TIMER = ev.LinkTimer(ev.TimerName.LINK_OPEN, ID)
HEARTBEAT = ev.LinkTimer(ev.TimerName.HEARTBEAT, ID)
NEW = st.LinkStatus(ID, "session", st.Stage.APPROVED)
CONNECTED = st.LinkStatus(ID, "session", st.Stage.CONNECTED, was_connected=True, features=("text",))
T0 = 500.0


def say(message: link_msg.LinkMessage, channel: int = CONTROL) -> do.Command:
    return link_do.SendOnChannel(ID, channel, link_msg.dump_link_message(message))


def heard(message: link_msg.LinkMessage | str, channel: int = CONTROL) -> link_ev.ChannelMessage:
    return link_ev.ChannelMessage(
        ID, channel, message if isinstance(message, str) else link_msg.dump_link_message(message)
    )


def closed(
    link: Link, reason: Reason, status: st.LinkStatus = CONNECTED, *, said_bye: bool = False
) -> list[do.Command]:
    """Return the commands that end a link, except the goodbye; the link's owner publishes how it
    ended.
    """
    ended = st.LinkStatus(
        ID,
        "session",
        st.Stage.CLOSED,
        peer_name=status.peer_name,
        reason=reason,
        was_connected=status.was_connected,
    )
    assert link.publish_end() == do.Publish(ended)
    return [
        do.CancelTimer(OPEN_TIMER),
        do.CancelTimer(HEARTBEAT),
        link_do.ClosePeer(ID, said_bye),
    ]


class LinkBench(Link):
    """A link with features of its own, which get what a person wants of them."""

    def __init__(self, status: st.LinkStatus = NEW) -> None:
        self.features = features()
        super().__init__(status, "This PC", self.features, counting_bytes())

    def handle(self, event: LinkInput | ev.FeatureEvent, now: float) -> list[do.Command]:
        if isinstance(event, ev.FeatureEvent):
            return self.features.handle(event, now)
        return super().handle(event, now)


def new_link() -> LinkBench:
    return LinkBench()


def prepared_link() -> LinkBench:
    link = new_link()
    link.prepare(offerer=True)
    return link


def opening_link() -> LinkBench:
    link = new_link()
    link.open(offerer=True, keys=None)
    return link


def open_link() -> LinkBench:
    link = opening_link()
    link.handle(link_ev.ChannelOpened(ID, CONTROL, link_ev.CONTROL_LABEL), T0)
    return link


def greeted_link() -> LinkBench:
    link = open_link()
    link.handle(heard(hello("Phone")), T0)
    return link


# --- opening --------------------------------------------------------------------------------------


@each_row("offerer", [True, False])
def test_opening_starts_the_peer_and_its_15_seconds(offerer: bool) -> None:
    link = new_link()
    assert link.open(offerer=offerer, keys=None) == [
        link_do.OpenPeer(ID, offerer),
        do.SetTimer(OPEN_TIMER, 15.0),
    ]
    assert (link.state, link.id) == (LinkState.OPENING, ID)


@each_row("offerer", [True, False])
def test_a_prepared_peer_is_opened_or_closed(offerer: bool) -> None:
    link = new_link()
    assert link.prepare(offerer=offerer) == [link_do.PreparePeer(ID, offerer)]
    assert link.state is LinkState.PREPARED
    assert link.open(offerer=offerer, keys=None)[0] == link_do.OpenPeer(ID, offerer)
    assert prepared_link().close(Reason.DECLINED, T0) == [link_do.ClosePeer(ID)]


def test_the_control_channel_opens_the_link_with_a_greeting() -> None:
    link = opening_link()
    assert link.handle(link_ev.ChannelOpened(ID, CONTROL, link_ev.CONTROL_LABEL), T0) == [
        do.CancelTimer(OPEN_TIMER),
        do.SetTimer(HEARTBEAT, HEARTBEAT_SECONDS),
        say(hello("This PC")),
        do.Publish(CONNECTED),
    ]
    assert link.state is LinkState.OPEN


def test_a_channel_of_another_name_opens_the_link_too_and_is_told_unsupported() -> None:
    play = Playbook(opening_link(), T0)
    without_text = st.LinkStatus(ID, "session", st.Stage.CONNECTED, was_connected=True)
    play.on(
        link_ev.ChannelOpened(ID, OTHER, "chat"),
        do.CancelTimer(OPEN_TIMER),
        do.SetTimer(HEARTBEAT, HEARTBEAT_SECONDS),
        say(link_msg.Unsupported("channel"), OTHER),
        do.Publish(without_text),
    )
    play.on(ev.SendText(ID, "hello"), do.Publish(st.Trouble(Problem(Reason.UNSUPPORTED), ID)))
    play.on(heard("anything", OTHER))
    play.on(ev.TimerFired(HEARTBEAT), do.SetTimer(HEARTBEAT, HEARTBEAT_SECONDS), at=T0 + 1)
    # The control channel may still open, and then the link is like any other.
    play.on(
        link_ev.ChannelOpened(ID, CONTROL, link_ev.CONTROL_LABEL),
        say(hello("This PC")),
        do.Publish(CONNECTED),
    )


def test_further_channels_are_told_unsupported_even_a_second_control() -> None:
    play = Playbook(open_link(), T0)
    for number, label in ((OTHER, "files"), (8, link_ev.CONTROL_LABEL)):
        play.on(
            link_ev.ChannelOpened(ID, number, label), say(link_msg.Unsupported("channel"), number)
        )
    play.on(heard(link_text.TextPiece("not here"), 8))
    play.on(ev.SendText(ID, "here"), say(link_text.TextPiece("here")), ...)


def test_a_link_that_does_not_open_in_time_fails() -> None:
    link = opening_link()
    assert LINK_OPEN_SECONDS == 15.0
    assert link.handle(ev.TimerFired(OPEN_TIMER), T0) == closed(link, Reason.LINK_TIMEOUT, NEW)
    assert link.state is LinkState.CLOSED


@each_row("reason", [Reason.ICE_FAILED, Reason.BAD_DESCRIPTION, Reason.PEER_LEFT])
def test_a_peer_that_fails_before_it_opens_ends_the_link_with_its_reason(reason: Reason) -> None:
    link = opening_link()
    assert link.handle(link_ev.PeerFailed(ID, reason, "detail"), T0) == closed(link, reason, NEW)


# --- greeting -------------------------------------------------------------------------------------


def test_the_greeting_gives_the_peer_its_name_once() -> None:
    link = open_link()
    (told,) = link.handle(heard(hello("Bo\u202eb\n", features=("text",))), T0)
    assert told == do.Publish(
        st.LinkStatus(
            ID,
            "session",
            st.Stage.CONNECTED,
            peer_name="Bob",
            was_connected=True,
            features=("text",),
        )
    )
    assert link.handle(heard(hello("Alice", features=("text",))), T0) == []
    assert link.status.peer_name == "Bob"


def test_the_name_that_was_approved_is_not_replaced_by_the_greeting() -> None:
    link = LinkBench(st.LinkStatus(ID, "session", st.Stage.APPROVED, peer_name="Alice"))
    play = Playbook(link, T0)
    link.open(offerer=False, keys=None)
    play.on(link_ev.ChannelOpened(ID, CONTROL, link_ev.CONTROL_LABEL), ...)
    play.on(heard(hello("The boss", features=("text",))))
    play.on(heard(hello("The boss")), ...)
    assert link.status.peer_name == "Alice"


# --- text -----------------------------------------------------------------------------------------


@each_row("text", ["", "hello", "two\nlines", "é中😀", "\0"])
def test_text_goes_out_and_comes_in(text: str) -> None:
    link = open_link()
    assert link.handle(ev.SendText(ID, text), T0) == [
        say(link_text.TextPiece(text)),
        do.Publish(st.TextSent(ID, text)),
    ]
    assert link.handle(heard(link_text.TextPiece(text)), T0) == [
        do.Publish(st.TextReceived(ID, text))
    ]


def test_long_text_goes_in_pieces_both_ways() -> None:
    text = "a" * link_text.TEXT_PIECE_CHARACTERS + "b" * link_text.TEXT_PIECE_CHARACTERS + "c"
    first, second, third = link_text.cut_text(text)
    play = Playbook(open_link(), T0)
    play.on(
        ev.SendText(ID, text),
        say(first),
        say(second),
        say(third),
        do.Publish(st.TextSent(ID, text)),
    )
    play.on(heard(first))
    # A heartbeat between two pieces does no harm.
    play.on(heard(link_msg.Ping()))
    play.on(heard(second))
    play.on(heard(third), do.Publish(st.TextReceived(ID, text)))
    play.on(heard(link_text.TextPiece("next")), do.Publish(st.TextReceived(ID, "next")))


def test_text_of_1_mib_is_the_longest_that_goes_out() -> None:
    play = Playbook(open_link(), T0)
    longest = "é" * (link_text.MAX_TEXT_BYTES // 2)
    play.on(ev.SendText(ID, longest), ..., do.Publish(st.TextSent(ID, longest)))
    too_long = [do.Publish(st.Trouble(Problem(Reason.TEXT_TOO_LONG), ID))]
    play.on(ev.SendText(ID, longest + "x"), *too_long)
    play.on(ev.SendText(ID, "still here"), ..., do.Publish(st.TextSent(ID, "still here")))


def test_text_of_1_mib_is_the_longest_that_comes_in() -> None:
    def arrive(link: Link, text: str) -> list[do.Command]:
        commands: list[do.Command] = []
        for piece in link_text.cut_text(text):
            commands += link.handle(heard(piece), T0)
        return commands

    longest = "é" * (link_text.MAX_TEXT_BYTES // 2)
    assert arrive(open_link(), longest) == [do.Publish(st.TextReceived(ID, longest))]
    link = open_link()
    assert arrive(link, longest + "x") == [
        say(link_msg.Bye("peer_error")),
        *closed(link, Reason.PEER_ERROR, said_bye=True),
    ]


def test_the_limit_is_of_each_text_not_of_all_together() -> None:
    link = open_link()
    longest = "x" * link_text.MAX_TEXT_BYTES
    for _ in range(2):
        commands = [
            command
            for piece in link_text.cut_text(longest)
            for command in link.handle(heard(piece), T0)
        ]
        assert commands == [do.Publish(st.TextReceived(ID, longest))]


def test_a_text_without_end_is_cut_off_at_the_limit_and_not_kept_below_it() -> None:
    link = open_link()
    for _ in range(1000):
        assert link.handle(heard(link_text.TextPiece("", more=True)), T0) == []
    piece = link_text.TextPiece("x" * link_text.TEXT_PIECE_CHARACTERS, more=True)
    while link.state is LinkState.OPEN:
        commands = link.handle(heard(piece), T0)
    assert commands[-1] == closed(link, Reason.PEER_ERROR, said_bye=True)[-1]


def test_halves_of_characters_are_joined_or_replaced_before_they_go_out() -> None:
    link = open_link()
    assert link.handle(ev.SendText(ID, "\ud83d\ude00 \ud83d!\ude00"), T0) == [
        say(link_text.TextPiece("😀 \ufffd!\ufffd")),
        do.Publish(st.TextSent(ID, "😀 \ufffd!\ufffd")),
    ]
    assert link.handle(ev.SendText(ID, "\ufeffmark"), T0)[0] == say(
        link_text.TextPiece("\ufeffmark")
    )


# --- heartbeat ------------------------------------------------------------------------------------


def beat(link: Link, now: float) -> list[do.Command]:
    return link.handle(ev.TimerFired(HEARTBEAT), now)


def test_every_beat_says_ping_and_sets_the_next() -> None:
    link = open_link()
    assert beat(link, T0 + 1) == [say(link_msg.Ping()), do.SetTimer(HEARTBEAT, HEARTBEAT_SECONDS)]
    assert link.handle(heard(link_msg.Ping()), T0 + 1) == []


@each_row("offset", [0.0, 0.01, 0.5, 0.99])
def test_silence_is_noticed_within_6_seconds_of_the_last_message_and_not_before_4(
    offset: float,
) -> None:
    link = greeted_link()
    last = T0 + 10 + offset
    now = T0
    while now < T0 + 10:
        now += HEARTBEAT_SECONDS
        link.handle(heard(link_msg.Ping()), now)
        beat(link, now)
    link.handle(heard(link_msg.Ping()), last)
    while link.state is LinkState.OPEN:
        now += HEARTBEAT_SECONDS
        commands = beat(link, now)
    assert SILENCE_SECONDS <= now - last <= 6
    assert commands == closed(link, Reason.PEER_VANISHED, link.status)


def test_any_message_is_a_sign_of_life_also_one_that_is_not_understood() -> None:
    link = greeted_link()
    link.handle(link_ev.ChannelOpened(ID, OTHER, "chat"), T0)
    signs = [heard("rubbish"), heard("chatter", OTHER), heard(link_text.TextPiece("", more=True))]
    for count in range(1, 13):
        if count % 4 == 0:
            link.handle(signs[count // 4 - 1], T0 + count)
        beat(link, T0 + count)
    assert link.state is LinkState.OPEN


def test_silence_is_no_fault_of_the_peer_when_this_program_slept() -> None:
    link = greeted_link()
    beat(link, T0 + 1)
    assert beat(link, T0 + 3600) == [
        say(link_msg.Ping()),
        do.SetTimer(HEARTBEAT, HEARTBEAT_SECONDS),
    ]
    now = T0 + 3600
    # The peer gets its full time again.
    while link.state is LinkState.OPEN:
        now += HEARTBEAT_SECONDS
        beat(link, now)
    assert SILENCE_SECONDS <= now - (T0 + 3600) <= 6


def test_a_peer_that_never_greeted_may_stay_silent() -> None:
    link = open_link()
    for second in range(1, 120):
        beat(link, T0 + second)
    assert link.state is LinkState.OPEN


@each_row("host", [True, False])
def test_a_peer_that_proved_the_code_and_ended_before_its_hello_is_missed(host: bool) -> None:
    link, _ = made(host=host, keys=KEYS)
    link.handle(link_ev.ChannelOpened(ID, CONTROL, link_ev.CONTROL_LABEL), T0)
    now = T0
    while link.state is LinkState.OPEN:
        now += HEARTBEAT_SECONDS
        commands = beat(link, now)
    # It has time to find that WebRTC does not open at its end, and to take the lane.
    least = lane.LANE_OPEN_SECONDS + SILENCE_SECONDS
    assert least <= now - T0 <= least + HEARTBEAT_SECONDS
    assert link.status.reason is Reason.PEER_VANISHED
    assert link_do.ClosePeer(ID) in commands


@each_row("host", [True, False])
def test_its_channel_that_closes_before_its_hello_is_a_lost_link(host: bool) -> None:
    link, _ = made(host=host, keys=KEYS)
    link.handle(link_ev.ChannelOpened(ID, CONTROL, link_ev.CONTROL_LABEL), T0)
    link.handle(link_ev.ChannelClosed(ID, CONTROL), T0)
    assert link.status.reason is Reason.PEER_VANISHED


# --- strange messages -----------------------------------------------------------------------------


@each_row(
    "text, what",
    [
        ("rubbish", "bad_json"),
        ("", "bad_json"),
        ("[]", "bad_json"),
        ('{"type":"call"}', "call"),
        ('{"type":"announce"}', "bad_message"),
        ('{"type":"text","text":1}', "bad_message"),
        (json.dumps({"type": "text", "text": "x" * link_msg.MAX_LINK_MESSAGE_BYTES}), "too_large"),
    ],
)
def test_a_message_that_is_not_understood_is_told_unsupported(text: str, what: str) -> None:
    link = open_link()
    assert link.handle(heard(text), T0) == [say(link_msg.Unsupported(what))]
    # Such an answer is itself never answered.
    assert link.handle(heard(link_msg.Unsupported("x")), T0) == []


def test_too_many_unreadable_messages_end_the_link() -> None:
    link = open_link()
    for _ in range(MAX_UNREADABLE_MESSAGES):
        assert link.handle(heard("rubbish"), T0) == [say(link_msg.Unsupported("bad_json"))]
    assert link.handle(heard("rubbish"), T0) == [
        say(link_msg.Bye("peer_error")),
        *closed(link, Reason.PEER_ERROR, said_bye=True),
    ]


# --- the end --------------------------------------------------------------------------------------


@each_row(
    "said, reason",
    [
        ("expired", Reason.EXPIRED),
        ("closed", Reason.CLOSED),
        ("disconnected", Reason.PEER_LEFT),
        # Only a known device can have another link.
        ("device_linked", Reason.PEER_LEFT),
        ("internal", Reason.PEER_LEFT),
        ("no such reason", Reason.PEER_LEFT),
        (None, Reason.PEER_LEFT),
    ],
)
def test_a_goodbye_ends_the_link_with_the_reasons_that_a_peer_may_give(
    said: str | None, reason: Reason
) -> None:
    link = greeted_link()
    before = link.status
    assert link.handle(heard(link_msg.Bye(said)), T0) == closed(link, reason, before)
    assert link.state is LinkState.CLOSED


@each_row("reason", [Reason.PEER_LEFT, Reason.PEER_VANISHED, Reason.PEER_ERROR])
def test_a_peer_that_breaks_ends_the_link(reason: Reason) -> None:
    link = open_link()
    assert link.handle(link_ev.PeerFailed(ID, reason), T0) == closed(link, reason)


def test_a_peer_that_misbehaves_on_the_lane_that_carries_the_link_ends_it_too() -> None:
    link = over_lane()
    link.handle(link_ev.PeerFailed(ID, Reason.PEER_ERROR), T0)
    assert (link.state, link.status.reason) == (LinkState.CLOSED, Reason.PEER_ERROR)


def test_closing_says_goodbye_only_where_it_can_be_heard() -> None:
    link = open_link()
    assert link.close(Reason.DISCONNECTED, T0, bye=Reason.CLOSED) == [
        say(link_msg.Bye("closed")),
        *closed(link, Reason.DISCONNECTED, said_bye=True),
    ]
    link = open_link()
    assert link.close(Reason.HOST_ERROR, T0) == closed(link, Reason.HOST_ERROR)
    link = opening_link()
    assert link.close(Reason.DISCONNECTED, T0, bye=Reason.CLOSED) == closed(
        link, Reason.DISCONNECTED, NEW
    )
    stranger = opening_link()
    stranger.handle(link_ev.ChannelOpened(ID, OTHER, "chat"), T0)
    assert stranger.close(Reason.DISCONNECTED, T0, bye=Reason.CLOSED) == closed(
        stranger, Reason.DISCONNECTED, stranger.status
    )


def test_closing_before_there_is_a_peer_has_nothing_to_close() -> None:
    link = LinkBench(st.LinkStatus(ID, "session", st.Stage.ASKING, deadline=9.0))
    ended = st.LinkStatus(ID, "session", st.Stage.CLOSED, reason=Reason.DECLINED)
    assert link.close(Reason.DECLINED, T0, bye=Reason.CLOSED) == []
    assert link.publish_end() == do.Publish(ended)


# --- the lane beside the link ---------------------------------------------------------------------

KEYS = ProofKeys(b"request", b"guest share", b"host share", bytes(32))
OTHER_KEYS = ProofKeys(b"request", b"guest share", b"host share", bytes(range(32)))
URL = "ws://192.168.1.5:47800/lane"
LANE = ev.LinkTimer(ev.TimerName.LANE, ID)
TRANSFER = TransferID("A" * 22)
ANNOUNCED = file_msg.Announce(TRANSFER, (Entry("photo", 40),))
OFFERED = link_msg.OfferLane(b"T" * 16, b"K" * 32)


def made(
    *, host: bool = False, keys: ProofKeys | None = None
) -> tuple[LinkBench, list[do.Command]]:
    link = new_link()
    return link, link.open(offerer=not host, keys=keys, lane_url=None if host else URL)


def with_files(
    *,
    host: bool = False,
    keys: ProofKeys | None = None,
    features: tuple[str, ...] = WORDS,
) -> LinkBench:
    link, _ = made(host=host, keys=keys)
    link.handle(link_ev.ChannelOpened(ID, CONTROL, link_ev.CONTROL_LABEL), T0)
    link.handle(heard(hello("Phone", features=features)), T0)
    return link


def lane_commands(commands: list[do.Command]) -> list[do.Command]:
    return [
        one
        for one in commands
        if isinstance(one, link_do.ExpectLane | link_do.DialLane | link_do.CloseLane)
        or (isinstance(one, do.SetTimer | do.CancelTimer) and one.timer == LANE)
    ]


def offer_in(commands: list[do.Command]) -> link_msg.OfferLane:
    """Return the lane's offer, which the guest gets right after the host expects the lane."""
    (expect,) = [one for one in commands if isinstance(one, link_do.ExpectLane)]
    offer = link_msg.OfferLane(expect.token, expect.key)
    assert commands.index(expect) < commands.index(say(offer))
    return offer


def sends(link: LinkBench) -> list[do.Command]:
    """Let the person send a file, and the disk list it."""
    commands = link.handle(file_ev.SendPaths(ID, ("photo",)), T0)
    (looking,) = [one for one in commands if isinstance(one, file_do.ListSources)]
    return link.handle(file_ev.SourcesListed(looking.transfer, (Entry("photo", 40),)), T0)


def test_a_host_offers_a_lane_once_a_transfer_is_announced_by_either_side() -> None:
    link = with_files(host=True)
    commands = link.handle(heard(ANNOUNCED), T0)
    offer_in(commands)
    assert do.SetTimer(LANE, lane.LANE_OPEN_SECONDS) in commands
    assert (
        lane_commands(link.handle(heard(replace(ANNOUNCED, transfer=TransferID("B" * 22))), T0))
        == []
    )
    link, _ = made(host=True)
    link.handle(link_ev.ChannelOpened(ID, CONTROL, link_ev.CONTROL_LABEL), T0)
    assert lane_commands(link.handle(heard(hello("Phone")), T0)) == []
    commands = sends(link)
    offer_in(commands)


def test_a_guest_waits_a_moment_for_the_hosts_offer_and_dials_it() -> None:
    link = with_files()
    play = Playbook(link, T0)
    assert lane_commands(play.on(heard(ANNOUNCED), ...)) == [do.SetTimer(LANE, lane.WAIT_SECONDS)]
    assert link.lane_pending
    play.on(
        heard(OFFERED),
        link_do.DialLane(ID, URL, OFFERED.token, OFFERED.key),
        do.SetTimer(LANE, lane.LANE_OPEN_SECONDS),
    )
    assert lane_commands(play.on(link_ev.LaneOpened(ID), ...)) == [do.CancelTimer(LANE)]
    assert (link.lane_open, link.lane_pending) == (True, False)
    # The host does not know yet that the lane is open.
    play.on(heard(OFFERED))


def test_a_guest_that_is_offered_nothing_takes_the_data_channel() -> None:
    link = with_files()
    link.handle(heard(ANNOUNCED), T0)
    assert lane_commands(link.handle(ev.TimerFired(LANE), T0)) == [link_do.CloseLane(ID)]
    assert not link.lane_pending


@each_row("host", [True, False])
def test_a_peer_that_knows_of_no_lanes_is_offered_none_and_waited_for_by_nobody(host: bool) -> None:
    link = with_files(host=host, features=("text", "files"))
    assert lane_commands(link.handle(heard(ANNOUNCED), T0)) == []
    assert not link.lane_pending
    assert "files" in link.status.features


def test_a_lane_that_does_not_open_is_tried_again_and_given_up_at_last() -> None:
    link = with_files(host=True)
    tokens = [offer_in(link.handle(heard(ANNOUNCED), T0)).token]
    for _ in range(lane.MAX_TRIES - 1):
        assert lane_commands(link.handle(ev.TimerFired(LANE), T0)) == [
            link_do.CloseLane(ID),
            do.SetTimer(LANE, lane.RETRY_SECONDS),
        ]
        assert not link.lane_pending
        tokens.append(offer_in(link.handle(ev.TimerFired(LANE), T0)).token)
        assert link.lane_pending
    assert lane_commands(link.handle(ev.TimerFired(LANE), T0)) == [link_do.CloseLane(ID)]
    assert (
        lane_commands(link.handle(heard(replace(ANNOUNCED, transfer=TransferID("B" * 22))), T0))
        == []
    )
    assert len(set(tokens)) == lane.MAX_TRIES


def test_a_lane_that_breaks_is_offered_again_a_second_later() -> None:
    link = with_files(host=True)
    link.handle(heard(ANNOUNCED), T0)
    link.handle(link_ev.LaneOpened(ID), T0)
    assert link.lane_open
    assert lane_commands(link.handle(link_ev.LaneLost(ID), T0)) == [
        do.SetTimer(LANE, lane.RETRY_SECONDS)
    ]
    assert not link.lane_open
    offer_in(link.handle(ev.TimerFired(LANE), T0))
    link.handle(link_ev.LaneOpened(ID), T0)
    # The timer is out of date: it fired as the lane opened.
    assert lane_commands(link.handle(ev.TimerFired(LANE), T0)) == []
    guest = with_files()
    guest.handle(heard(OFFERED), T0)
    # The host will offer another lane.
    assert lane_commands(guest.handle(link_ev.LaneLost(ID), T0)) == [do.CancelTimer(LANE)]
    assert lane_commands(guest.handle(ev.TimerFired(LANE), T0)) == []


def test_a_lane_message_is_refused_at_a_host_and_where_it_is_repeated_without_end() -> None:
    assert with_files(host=True).handle(heard(OFFERED), T0) == [
        say(link_msg.Unsupported("not_allowed"))
    ]
    link = with_files()
    for _ in range(lane.MAX_TRIES):
        assert isinstance(link.handle(heard(OFFERED), T0)[0], link_do.DialLane)
    assert link.handle(heard(OFFERED), T0) == [say(link_msg.Unsupported("not_allowed"))]


@each_row("message", [ANNOUNCED, OFFERED, file_msg.Cancel(TRANSFER), file_msg.Resume((bytes(32),))])
def test_files_before_the_greeting_or_of_a_peer_without_them_are_refused(
    message: file_msg.FileMessage | link_msg.OfferLane,
) -> None:
    refused = [say(link_msg.Unsupported("not_allowed"))]
    assert open_link().handle(heard(message), T0) == refused
    # A lane is not the files' own.
    without = ("text",) if isinstance(message, link_msg.OfferLane) else ("text", "lane")
    assert with_files(features=without).handle(heard(message), T0) == refused


def test_what_a_peer_may_not_say_of_files_counts_as_unreadable() -> None:
    link = with_files()
    for _ in range(MAX_UNREADABLE_MESSAGES):
        link.handle(heard(replace(ANNOUNCED, transfer=TransferID("no id"))), T0)
    assert link.state is LinkState.OPEN
    link.handle(heard(replace(ANNOUNCED, transfer=TransferID("no id"))), T0)
    assert link.status.reason is Reason.PEER_ERROR


def test_a_stream_of_no_transfer_that_we_take_is_told_unsupported_and_one_of_ours_is_taken() -> (
    None
):
    link, _ = made(host=True)
    play = Playbook(link, T0)
    play.on(link_ev.ChannelOpened(ID, CONTROL, link_ev.CONTROL_LABEL), ...)
    play.on(heard(hello("Phone", features=("text", "files"))), ...)
    stream = link_ev.ChannelOpened(ID, OTHER, f"files/{TRANSFER}/0")
    unsupported = [say(link_msg.Unsupported("channel"), OTHER)]
    play.on(stream, *unsupported)
    play.on(heard(ANNOUNCED), ...)
    # Nobody has accepted the transfer.
    play.on(stream, *unsupported)
    link.handle(file_ev.AcceptTransfer(TRANSFER), T0)
    link.handle(file_ev.SinkReady(TRANSFER), T0)
    play.on(stream, file_do.ReceiveStream(TRANSFER, ID, OTHER, 0), ...)


def test_text_on_a_lane_that_does_not_carry_the_link_is_nothing() -> None:
    link = with_files(host=True)
    play = Playbook(link, T0)
    play.on(heard(ANNOUNCED), ...)
    play.on(link_ev.LaneOpened(ID), ...)
    play.on(heard(link_text.TextPiece("x"), link_ev.LANE_CHANNEL))
    assert link.status.via is st.Via.WEBRTC


def test_what_both_ends_know_of_a_link_is_its_own() -> None:
    same = [made(host=host, keys=KEYS)[0].binding for host in (True, False)]
    assert same[0] == same[1]
    assert made(keys=OTHER_KEYS)[0].binding != same[0]
    assert made()[0].binding == new_link().binding == b""
    assert resume_tag(TRANSFER, same[0]) != resume_tag(TRANSFER, made(keys=OTHER_KEYS)[0].binding)


# --- the lane for the whole link ------------------------------------------------------------------

SECRET = lane.LaneSecret(KEYS.key("lane token")[:16], KEYS.key("lane key"))
CARRIED = link_ev.LaneOpened(ID, carries_link=True)
OVER_LANE = replace(CONNECTED, via=st.Via.LANE)


def on_lane(message: link_msg.LinkMessage) -> link_ev.ChannelMessage:
    return heard(message, link_ev.LANE_CHANNEL)


def test_a_proof_prepares_a_lane_for_the_link_and_without_one_there_is_none() -> None:
    assert made(keys=KEYS)[1][-1] == do.SetTimer(LANE, lane.FALLBACK_SECONDS)
    assert made(host=True, keys=KEYS)[1][-1] == link_do.ExpectLane(ID, SECRET.token, SECRET.key)
    for host in (True, False):
        link, opening = made(host=host)
        assert lane_commands(opening) == []
        assert link.handle(link_ev.PeerFailed(ID, Reason.ICE_FAILED), T0) == closed(
            link, Reason.ICE_FAILED, NEW
        )


@each_row("event", [ev.TimerFired(LANE), link_ev.PeerFailed(ID, Reason.ICE_FAILED)])
def test_a_guest_that_finds_no_way_dials_once_for_the_whole_link(event: LinkInput) -> None:
    link, _ = made(keys=KEYS)
    play = Playbook(link, T0)
    dial = link_do.DialLane(ID, URL, SECRET.token, SECRET.key, carries_link=True)
    play.on(event, do.CancelTimer(LANE), dial)
    play.on(link_ev.PeerFailed(ID, Reason.ICE_FAILED))
    play.on(
        CARRIED,
        do.CancelTimer(OPEN_TIMER),
        do.SetTimer(HEARTBEAT, HEARTBEAT_SECONDS),
        do.CancelTimer(LANE),
        link_do.ClosePeer(ID),
        say(hello("This PC"), link_ev.LANE_CHANNEL),
        do.Publish(OVER_LANE),
    )


def test_a_host_waits_for_the_guests_first_word_on_it() -> None:
    link, _ = made(host=True, keys=KEYS)
    play = Playbook(link, T0)
    play.on(link_ev.PeerFailed(ID, Reason.ICE_FAILED))
    play.on(CARRIED)
    commands = play.on(on_lane(hello("Phone", features=("text",))), ...)
    named = replace(OVER_LANE, peer_name="Phone")
    assert commands[-3:] == [
        say(hello("This PC"), link_ev.LANE_CHANNEL),
        do.Publish(OVER_LANE),
        do.Publish(named),
    ]
    assert link_do.ClosePeer(ID) in commands
    play.reaches(LinkState.OPEN)


def over_lane(*, host: bool = False) -> LinkBench:
    link, _ = made(host=host, keys=KEYS)
    link.handle(ev.TimerFired(LANE), T0) if not host else None
    link.handle(CARRIED, T0)
    link.handle(on_lane(hello("Phone")), T0)
    assert link.status.via is st.Via.LANE
    return link


@each_row("host", [True, False])
def test_everything_goes_over_it(host: bool) -> None:
    link = over_lane(host=host)
    play = Playbook(link, T0)
    play.on(ev.SendText(ID, "hi"), say(link_text.TextPiece("hi"), link_ev.LANE_CHANNEL), ...)
    play.on(on_lane(link_text.TextPiece("hi")), do.Publish(st.TextReceived(ID, "hi")))
    assert say(link_msg.Ping(), link_ev.LANE_CHANNEL) in beat(link, T0 + 1)
    assert (link.lane_open, "files" in link.status.features) == (True, True)
    # No second lane is opened beside it.
    assert lane_commands(play.on(on_lane(ANNOUNCED), ...)) == []
    told = replace(
        link.status,
        stage=st.Stage.CLOSED,
        reason=Reason.DISCONNECTED,
        features=(),
    )
    commands = link.close(Reason.DISCONNECTED, T0, bye=Reason.CLOSED)
    # No peer has to be closed, because that was done when the lane took over.
    assert commands[-5:] == [
        say(link_msg.Bye("closed"), link_ev.LANE_CHANNEL),
        do.CancelTimer(OPEN_TIMER),
        do.CancelTimer(HEARTBEAT),
        do.CancelTimer(LANE),
        link_do.CloseLane(ID),
    ]
    assert link.publish_end() == do.Publish(told)


@each_row("host", [True, False])
def test_where_it_breaks_the_peer_has_vanished_and_where_it_says_bye_it_left(host: bool) -> None:
    link = over_lane(host=host)
    link.handle(link_ev.LaneLost(ID), T0)
    assert link.status.reason is Reason.PEER_VANISHED
    link = over_lane(host=host)
    link.handle(on_lane(link_msg.Bye()), T0)
    assert link.status.reason is Reason.PEER_LEFT
    link = over_lane(host=host)
    now = T0
    while link.state is LinkState.OPEN:
        now += HEARTBEAT_SECONDS
        beat(link, now)
    assert link.status.reason is Reason.PEER_VANISHED


@each_row("host", [True, False])
def test_a_link_that_opens_on_neither_way_says_what_webrtc_said(host: bool) -> None:
    link, _ = made(host=host, keys=KEYS)
    link.handle(link_ev.PeerFailed(ID, Reason.ICE_FAILED), T0)
    link.handle(ev.TimerFired(OPEN_TIMER), T0)
    assert link.status.reason is Reason.ICE_FAILED
    link, _ = made(host=host, keys=KEYS)
    link.handle(ev.TimerFired(OPEN_TIMER), T0)
    assert link.status.reason is Reason.LINK_TIMEOUT


@each_row("ice_first", [True, False])
def test_where_both_ways_have_failed_nothing_more_is_waited_for(ice_first: bool) -> None:
    events: list[LinkInput] = [link_ev.PeerFailed(ID, Reason.ICE_FAILED), link_ev.LaneLost(ID)]
    link, _ = made(keys=KEYS)
    play = Playbook(link, T0)
    play.on(ev.TimerFired(LANE), ...)
    first, second = events if ice_first else events[::-1]
    play.on(first)
    play.on(second, ...)
    assert (link.state, link.status.reason) == (LinkState.CLOSED, Reason.ICE_FAILED)


@each_row("reason", [Reason.BAD_DESCRIPTION, Reason.PEER_LEFT])
def test_only_where_ice_finds_no_way_a_lane_is_the_answer(reason: Reason) -> None:
    link, _ = made(keys=KEYS)
    link.handle(link_ev.PeerFailed(ID, reason), T0)
    assert link.status.reason is reason


def test_webrtc_opens_in_time_and_the_lane_is_not_needed() -> None:
    link, _ = made(keys=KEYS)
    assert lane_commands(
        link.handle(link_ev.ChannelOpened(ID, CONTROL, link_ev.CONTROL_LABEL), T0)
    ) == [do.CancelTimer(LANE)]
    host, _ = made(host=True, keys=KEYS)
    host.handle(link_ev.ChannelOpened(ID, CONTROL, link_ev.CONTROL_LABEL), T0)
    # The token also opens a lane beside the link.
    assert host.handle(link_ev.LaneOpened(ID), T0) == [do.CancelTimer(LANE)]


def test_a_guest_that_dialled_and_then_found_webrtc_hangs_up_and_its_host_stays_there_too() -> None:
    guest, _ = made(keys=KEYS)
    play = Playbook(guest, T0)
    play.on(ev.TimerFired(LANE), ...)
    commands = play.on(link_ev.ChannelOpened(ID, CONTROL, link_ev.CONTROL_LABEL), ...)
    assert lane_commands(commands) == [do.CancelTimer(LANE), link_do.CloseLane(ID)]
    # The event is out of date by then.
    play.on(CARRIED)
    play.on(link_ev.LaneLost(ID), ...)
    assert (guest.state, guest.status.via) == (LinkState.OPEN, st.Via.WEBRTC)
    for opens_late in (True, False):
        host, _ = made(host=True, keys=KEYS)
        channel = link_ev.ChannelOpened(ID, CONTROL, link_ev.CONTROL_LABEL)
        for event in (CARRIED, channel) if opens_late else (channel, CARRIED):
            host.handle(event, T0)
        assert host.handle(link_ev.LaneLost(ID), T0) == []
        assert (host.state, host.status.via) == (LinkState.OPEN, st.Via.WEBRTC)


def test_a_host_whose_webrtc_opened_follows_the_guests_word_on_the_lane() -> None:
    link, _ = made(host=True, keys=KEYS)
    play = Playbook(link, T0)
    play.on(link_ev.ChannelOpened(ID, CONTROL, link_ev.CONTROL_LABEL), ...)
    play.on(CARRIED, ...)
    commands = play.on(on_lane(hello("Phone")), ...)
    assert commands[:4] == [
        do.CancelTimer(LANE),
        link_do.ClosePeer(ID),
        say(hello("This PC"), link_ev.LANE_CHANNEL),
        do.Publish(OVER_LANE),
    ]
    play.on(heard(link_text.TextPiece("of the channel that is gone")))
    late: list[LinkInput] = [
        link_ev.ChannelClosed(ID, CONTROL),
        link_ev.ChannelOpened(ID, OTHER, "chat"),
        link_ev.PeerFailed(ID, Reason.PEER_LEFT),
    ]
    # These are late events of the closed peer.
    for event in late:
        play.on(event)


def test_what_moved_over_webrtc_until_then_goes_on_over_the_lane() -> None:
    """No honest guest has sent a hello over WebRTC before its lane takes over. If one has, its
    transfers still do not hang.
    """
    link, _ = made(host=True, keys=KEYS)
    play = Playbook(link, T0)
    play.on(link_ev.ChannelOpened(ID, CONTROL, link_ev.CONTROL_LABEL), ...)
    play.on(heard(hello("Phone", features=("text", "files"))), ...)
    play.on(heard(ANNOUNCED), ...)
    link.handle(file_ev.AcceptTransfer(TRANSFER), T0)
    link.handle(file_ev.SinkReady(TRANSFER), T0)
    play.on(link_ev.ChannelOpened(ID, OTHER, f"files/{TRANSFER}/0"), ...)
    play.on(CARRIED, ...)
    play.on(on_lane(hello("Phone")), ..., file_do.PauseSink(TRANSFER), ...)
    held = link.handle(file_ev.SinkPaused(TRANSFER, START), T0)
    assert file_do.ReceiveStream(TRANSFER, ID, link_ev.LANE_CHANNEL, 1) in held


@each_row("opened", [True, False])
@each_row(
    "event",
    [
        link_ev.PeerFailed(ID, Reason.PEER_LEFT),
        link_ev.PeerFailed(ID, Reason.ICE_FAILED),
        link_ev.ChannelClosed(ID, CONTROL),
    ],
)
def test_a_host_whose_webrtc_ends_before_that_word_goes_on_over_the_lane(
    opened: bool, event: LinkInput
) -> None:
    link, _ = made(host=True, keys=KEYS)
    if opened:
        link.handle(link_ev.ChannelOpened(ID, CONTROL, link_ev.CONTROL_LABEL), T0)
    elif isinstance(event, link_ev.ChannelClosed):
        return
    link.handle(CARRIED, T0)
    link.handle(event, T0)
    assert (link.state, link.status.via) == (LinkState.OPEN, st.Via.LANE)


def test_a_word_on_the_lane_that_nobody_understands_opens_the_link_and_is_told() -> None:
    link, _ = made(host=True, keys=KEYS)
    link.handle(CARRIED, T0)
    assert link.handle(heard("rubbish", link_ev.LANE_CHANNEL), T0)[-1] == say(
        link_msg.Unsupported("bad_json"), link_ev.LANE_CHANNEL
    )
    assert link.state is LinkState.OPEN


def test_a_lane_without_its_flag_is_no_way_for_a_link_that_is_not_open() -> None:
    link, _ = made(host=True, keys=KEYS)
    play = Playbook(link, T0)
    play.on(link_ev.LaneOpened(ID))
    play.on(on_lane(hello("Phone")))
    play.on(link_ev.LaneLost(ID))
    play.reaches(LinkState.OPENING)
    # The lane's token is used up.
    play.on(
        link_ev.PeerFailed(ID, Reason.ICE_FAILED),
        ...,
        link_do.CloseLane(ID),
    )
    ended = replace(NEW, stage=st.Stage.CLOSED, reason=Reason.ICE_FAILED)
    assert link.publish_end() == do.Publish(ended)


# --- misuse ---------------------------------------------------------------------------------------

INPUTS: list[LinkInput] = [
    link_ev.ChannelOpened(ID, CONTROL, link_ev.CONTROL_LABEL),
    heard(link_msg.Ping()),
    link_ev.PeerFailed(ID, Reason.PEER_LEFT),
    ev.TimerFired(OPEN_TIMER),
    ev.TimerFired(HEARTBEAT),
    ev.TimerFired(ev.LinkTimer(ev.TimerName.DIAL, ID)),
    link_ev.LaneOpened(ID),
    link_ev.LaneLost(ID),
    ev.TimerFired(ev.LinkTimer(ev.TimerName.LANE, ID)),
]
# The inputs that each state accepts, by their position in INPUTS.
WELCOME = {
    LinkState.IDLE: set[int](),
    LinkState.PREPARED: set[int](),
    LinkState.OPENING: {0, 2, 3, 6, 7, 8},
    LinkState.OPEN: {0, 1, 2, 4, 6, 7, 8},
    LinkState.CLOSED: set[int](),
}


def in_state(state: LinkState) -> Link:
    made = {
        LinkState.IDLE: new_link,
        LinkState.PREPARED: prepared_link,
        LinkState.OPENING: opening_link,
    }
    link = made.get(state, open_link)()
    if state is LinkState.CLOSED:
        link.close(Reason.CLOSED, T0)
    return link


@each_row("state", LinkState)
@each_row("number", range(len(INPUTS)))
def test_what_the_table_does_not_hold_is_misuse(state: LinkState, number: int) -> None:
    link = in_state(state)
    if number in WELCOME[state]:
        link.handle(INPUTS[number], T0)
    else:
        with pytest.raises(MachineMisuseError):
            link.handle(INPUTS[number], T0)
        assert link.state is state


def test_opening_or_closing_twice_is_misuse() -> None:
    link = opening_link()
    with pytest.raises(MachineMisuseError):
        link.open(offerer=True, keys=None)
    with pytest.raises(MachineMisuseError):
        link.prepare(offerer=True)
    link.close(Reason.CLOSED, T0)
    with pytest.raises(MachineMisuseError):
        link.close(Reason.CLOSED, T0)
    with pytest.raises(MachineMisuseError):
        link.open(offerer=True, keys=None)


def test_a_closed_control_channel_is_a_peer_that_left_and_another_is_nothing() -> None:
    link = open_link()
    assert link.handle(link_ev.ChannelClosed(ID, OTHER), T0) == []
    assert link.handle(link_ev.ChannelClosed(ID, CONTROL), T0) == closed(link, Reason.PEER_LEFT)


def test_a_peer_that_greeted_and_closes_without_goodbye_was_lost() -> None:
    link = open_link()
    link.handle(link_ev.ChannelMessage(ID, CONTROL, link_msg.dump_link_message(hello("Phone"))), T0)
    before = link.status
    assert link.handle(link_ev.ChannelClosed(ID, CONTROL), T0) == closed(
        link, Reason.PEER_VANISHED, before
    )
    assert link.status.reason is Reason.PEER_VANISHED
