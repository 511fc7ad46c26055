"""Tests of proxim.core.link.signaling: one side's signals, with and without MACs."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from proxim.core.errors import Reason
from proxim.core.json_text import MessageError
from proxim.core.link.signaling import Signaling
from proxim.core.pairing import devices
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.proof import Method, ProofKeys, Side, SignalMacs, context
from tests.core.descriptions import ANSWER_SDP, CANDIDATE, OFFER_SDP
from tests.rows import each_row

KEYS = ProofKeys(
    context(Method.PSK, "abc", devices.DeviceInfo("Phone", "id")), b"g" * 32, b"h" * 32, b"secret"
)
OFFER = pair_msg.Description(OFFER_SDP, pair_msg.SDPType.OFFER)
ANSWER = pair_msg.Description(ANSWER_SDP, pair_msg.SDPType.ANSWER)


def guest(*, proved: bool = True) -> Signaling:
    return Signaling(Side.GUEST, "192.168.1.5", KEYS if proved else None)


def host(*, proved: bool = True) -> Signaling:
    return Signaling(Side.HOST, "192.168.1.7", KEYS if proved else None)


def refusal(side: Signaling, signal: pair_msg.Signal) -> Reason:
    with pytest.raises(MessageError) as caught:
        side.receive(signal)
    return caught.value.reason


@each_row("proved", [True, False])
def test_offer_and_answer(proved: bool) -> None:
    one, other = guest(proved=proved), host(proved=proved)
    assert one.proved is proved
    offer = one.seal("@code", OFFER)
    assert (offer.session_id, offer.mac is not None) == ("@code", proved)
    assert not other.described
    assert other.receive(offer) == OFFER
    assert other.described
    assert one.receive(other.seal("@code", ANSWER)) == ANSWER


def test_a_candidate_is_filtered() -> None:
    side = host(proved=False)
    assert side.receive(pair_msg.Signal("x", pair_msg.Candidate(CANDIDATE))) == pair_msg.Candidate(
        CANDIDATE
    )
    assert (
        side.receive(
            pair_msg.Signal("x", pair_msg.Candidate(CANDIDATE.replace("192.168.1.7", "8.8.8.8")))
        )
        is None
    )
    assert not side.described


def test_a_description_without_use() -> None:
    assert (
        refusal(host(proved=False), pair_msg.Signal("x", pair_msg.Description("v=0")))
        is Reason.BAD_DESCRIPTION
    )
    assert refusal(host(), guest().seal("x", pair_msg.Description("v=0"))) is Reason.BAD_DESCRIPTION


@each_row("proved, reason", [(False, Reason.NOT_ALLOWED), (True, Reason.TAMPERED)])
@each_row(
    "one, other, own, wrong",
    [(guest, host, OFFER, pair_msg.SDPType.ANSWER), (host, guest, ANSWER, pair_msg.SDPType.OFFER)],
)
def test_out_of_turn(
    one: Callable[..., Signaling],
    other: Callable[..., Signaling],
    own: pair_msg.Description,
    wrong: pair_msg.SDPType,
    proved: bool,
    reason: Reason,
) -> None:
    """A second description is refused, and so is a changed type, which the MAC does not cover."""
    sender, receiver = one(proved=proved), other(proved=proved)
    if other is guest:
        sender.receive(receiver.seal("x", OFFER))
    signal = sender.seal("x", own)
    assert refusal(receiver, replace(signal, payload=replace(own, type=wrong))) is reason
    sender, receiver = one(proved=proved), other(proved=proved)
    if other is guest:
        sender.receive(receiver.seal("x", OFFER))
    assert receiver.receive(sender.seal("x", own)) == own
    assert refusal(receiver, sender.seal("x", own)) is reason


def test_a_description_without_a_type_is_the_one_that_is_due() -> None:
    untyped = replace(OFFER, type=None)
    assert host(proved=False).receive(pair_msg.Signal("x", untyped)) == OFFER


def test_an_answer_to_no_offer_is_out_of_turn() -> None:
    for proved, reason in ((True, Reason.TAMPERED), (False, Reason.NOT_ALLOWED)):
        answer = host(proved=proved).seal("x", ANSWER)
        assert refusal(guest(proved=proved), answer) is reason


@each_row("mac", [None, "", "A" * 43])
def test_a_wrong_mac(mac: str | None) -> None:
    for payload in (OFFER, pair_msg.Candidate(CANDIDATE)):
        assert refusal(host(), pair_msg.Signal("x", payload, mac)) is Reason.TAMPERED


# --- sound and pictures beside the data channel ---------------------------------------------------

VIDEO = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n"
REJECTED = "m=video 0 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\n"


@each_row("proved", [True, False])
def test_the_macs_cover_offer_and_answer_as_they_are_sent(proved: bool) -> None:
    offer = replace(OFFER, sdp=OFFER_SDP + VIDEO)
    one, other = guest(proved=proved), host(proved=proved)
    assert other.receive(one.seal("x", offer)) == OFFER
    answer = other.seal("x", ANSWER)
    assert answer.payload == replace(ANSWER, sdp=ANSWER_SDP + REJECTED)
    if proved:
        macs = SignalMacs(KEYS, Side.GUEST)
        macs.seal(offer)
        assert macs.check(answer.payload, answer.mac)


@each_row("proved", [True, False])
def test_an_answer_with_more_sections_than_our_offer_is_refused(proved: bool) -> None:
    one, other = guest(proved=proved), host(proved=proved)
    other.receive(one.seal("x", OFFER))
    answer = other.seal("x", replace(ANSWER, sdp=ANSWER_SDP + REJECTED))
    assert refusal(one, answer) is Reason.BAD_DESCRIPTION
