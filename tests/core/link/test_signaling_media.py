"""Tests of offers with sections for sound and pictures beside the data channel: what reaches
aiortc, and how the answer rejects these sections.
"""

import json
import re
from typing import Any

from hypothesis import given, strategies

from proxim.core.link.signaling import MAX_CANDIDATES, MAX_SECTIONS, PeerFilter
from proxim.core.pairing import messages as pair_msg
from tests.core.descriptions import ANSWER_SDP, CANDIDATE, OFFER_SDP
from tests.paths import TESTS
from tests.rows import each_row

PEER = "192.168.1.7"
# These offers were made by Chromium, Firefox and aiortc for a page with a data channel that also
# wants sound and pictures: with transceivers, or ("hidden") as simple-peer does it with
# offerToReceiveVideo. Only the IPv4 address of the recording machine was changed.
RECORDED: list[dict[str, Any]] = json.loads(
    (TESTS / "core" / "recorded_media_offers.json").read_text("utf-8")
)
EACH_RECORDED = each_row("recorded", RECORDED, name_of=lambda recorded: recorded["name"])

AUDIO = "m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\na=mid:a\r\na=ice-ufrag:audio\r\n"
VIDEO = (
    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:v\r\na=candidate:9 1 udp 1 10.0.0.9 5000 typ host\r\n"
)
REJECTED_AUDIO = "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\na=mid:a\r\n"
REJECTED_VIDEO = "m=video 0 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\na=mid:v\r\n"


def sections(sdp: str) -> list[str]:
    """Return the part before the first section, and each section."""
    return re.split("^(?=m=)", sdp, flags=re.MULTILINE)


HEAD, CHANNEL = sections(OFFER_SDP)
ANSWER_HEAD, ANSWER_CHANNEL = sections(ANSWER_SDP)


def values(section: str, name: str) -> list[str]:
    return re.findall(f"^a={name}:(.*)\r$", section, re.MULTILINE)


def described(sdp: str) -> tuple[PeerFilter, str]:
    """Return the filter that read the description, and what would reach aiortc."""
    filter = PeerFilter(PEER)
    result = filter.description(sdp)
    assert result is not None
    return filter, result


# --- what real browsers offer ---------------------------------------------------------------------


def test_the_recorded_offers_are_of_all_kinds() -> None:
    assert {one["name"] for one in RECORDED} == {
        *("chromium-addresses", "chromium-hidden", "firefox-addresses", "firefox-hidden"),
        "aiortc-addresses",
    }
    for one in RECORDED:
        kinds = [section.split(" ")[0] for section in sections(one["offer"])[1:]]
        simple_peer = "hidden" in one["name"]
        assert kinds == [*([] if simple_peer else ["m=audio"]), "m=video", "m=application"]
        assert (".local" in one["offer"]) == simple_peer


@EACH_RECORDED
def test_only_the_data_channels_section_reaches_aiortc(recorded: dict[str, Any]) -> None:
    head, *_, channel = sections(recorded["offer"])
    _, result = described(recorded["offer"])
    assert result == described(head + channel)[1]
    assert len(sections(result)) == 2
    assert values(result, "group") == [f"BUNDLE {values(channel, 'mid')[0]}"]


@EACH_RECORDED
def test_the_answer_rejects_the_others_in_their_places(recorded: dict[str, Any]) -> None:
    offered = sections(recorded["offer"])[1:]
    filter, _ = described(recorded["offer"])
    (mid,) = values(offered[-1], "mid")
    from_aiortc = ANSWER_SDP.replace("a=mid:0", f"a=mid:{mid}").replace("BUNDLE 0", f"BUNDLE {mid}")
    head, *answered = sections(filter.answer(from_aiortc))
    assert head + answered[-1] == from_aiortc
    assert len(answered) == len(offered)
    for offer, answer in zip(offered[:-1], answered[:-1], strict=True):
        kind, _, protocol, *_ = offer.split("\r\n")[0].split(" ")
        assert answer == (
            f"{kind} 0 {protocol} 0\r\nc=IN IP4 0.0.0.0\r\na=mid:{values(offer, 'mid')[0]}\r\n"
        )


@EACH_RECORDED
def test_of_the_candidates_beside_it_only_the_data_channels_pass(recorded: dict[str, Any]) -> None:
    filter, _ = described(re.sub("a=candidate:.*\r\n", "", recorded["offer"]))
    index = len(sections(recorded["offer"])) - 2
    passed = [
        filter.candidate(pair_msg.Candidate(one["candidate"], one["sdpMid"], one["sdpMLineIndex"]))
        for one in recorded["candidates"]
    ]
    assert all(
        one["sdpMLineIndex"] == index
        for one, result in zip(recorded["candidates"], passed, strict=True)
        if result is not None
    )
    alone = PeerFilter(PEER)
    assert alone.description(OFFER_SDP) is not None
    assert [one for one in passed if one is not None] == [
        result
        for one in recorded["candidates"]
        if one["sdpMLineIndex"] == index
        and (result := alone.candidate(pair_msg.Candidate(one["candidate"]))) is not None
    ]
    # aiortc sees only one section, so its original place does not matter.
    assert {(one.sdp_mid, one.sdp_mline_index) for one in passed if one is not None} <= {
        (None, None)
    }


def test_candidates_were_recorded_of_every_browser() -> None:
    assert [bool(one["candidates"]) for one in RECORDED] == [True] * 4 + [False]


# --- what is written ------------------------------------------------------------------------------


@each_row(
    "offer, answer",
    [
        (HEAD + AUDIO + VIDEO + CHANNEL, REJECTED_AUDIO + REJECTED_VIDEO + ANSWER_CHANNEL),
        (HEAD + AUDIO + CHANNEL + VIDEO, REJECTED_AUDIO + ANSWER_CHANNEL + REJECTED_VIDEO),
        (HEAD + CHANNEL + VIDEO + VIDEO, ANSWER_CHANNEL + REJECTED_VIDEO + REJECTED_VIDEO),
        (HEAD + CHANNEL, ANSWER_CHANNEL),
    ],
)
def test_at_any_place(offer: str, answer: str) -> None:
    for text in (offer, offer.replace("\r\n", "\n")):
        filter, result = described(text)
        assert result == OFFER_SDP
        assert filter.answer(ANSWER_SDP) == ANSWER_HEAD + answer


@each_row(
    "opening, rejected",
    [
        ("m=video 0 UDP/TLS/RTP/SAVPF 96", "m=video 0 UDP/TLS/RTP/SAVPF 0"),
        ("m=audio 54400 RTP/AVP 0", "m=audio 0 RTP/AVP 0"),
        ("m=audio 9 RTP/SAVPF 0 8", "m=audio 0 RTP/SAVPF 0"),
        ("m=video 9 TCP/DTLS/RTP/SAVP 96 97", "m=video 0 TCP/DTLS/RTP/SAVP 0"),
    ],
)
def test_the_protocol_is_repeated(opening: str, rejected: str) -> None:
    filter, _ = described(OFFER_SDP + opening + "\r\n")
    assert filter.answer(ANSWER_SDP) == ANSWER_SDP + rejected + "\r\nc=IN IP4 0.0.0.0\r\n"


@each_row(
    "line, mids",
    [
        ("a=mid:audio-1", ["audio-1"]),
        ("a=mid:0\r\na=mid:1", ["1"]),
        ("a=mid:", []),
        ("a=mid:two words", []),
        ("a=mid:" + "x" * 33, []),
        ("a=mid:ä", []),
        ("a=mid:1\x85m=video", []),
        ("mid:1", []),
    ],
)
def test_a_mid_is_repeated_where_it_is_one(line: str, mids: list[str]) -> None:
    filter, _ = described(HEAD + f"m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n{line}\r\n" + CHANNEL)
    assert values(sections(filter.answer(ANSWER_SDP))[1], "mid") == mids


def test_nothing_else_of_such_a_section_counts() -> None:
    """Neither the candidates of such a section nor its keys are used. Only the keys of the
    channel's own section replace those of the head.
    """
    inside = "".join(
        f"a=candidate:{index} 1 udp 1 10.0.0.9 5000 typ host\r\n" for index in range(MAX_CANDIDATES)
    )
    keys = "a=ice-pwd:" + "q" * 22 + "\r\na=setup:passive\r\na=fingerprint:sha-256 x\r\n"
    filter, result = described(HEAD + AUDIO + keys + inside + CHANNEL + VIDEO + inside)
    assert result == OFFER_SDP
    assert filter.candidate(pair_msg.Candidate(CANDIDATE)) is not None


# --- candidates -----------------------------------------------------------------------------------


@each_row(
    "mid, index, passes",
    [
        ("0", 1, True),
        ("0", None, True),
        (None, 1, True),
        (None, None, True),
        ("a", 0, False),
        ("v", 2, False),
        (None, 0, False),
        ("a", None, False),
        ("other", 7, False),
    ],
)
@each_row("line", [CANDIDATE, ""])
def test_whose_candidate_it_is(line: str, mid: str | None, index: int | None, passes: bool) -> None:
    filter, _ = described(HEAD + AUDIO + CHANNEL + VIDEO)
    # An end of candidates without a section may belong to the first section.
    passes = passes and (line != "" or (mid, index) != (None, None))
    result = filter.candidate(pair_msg.Candidate(line, mid, index))
    assert result == (pair_msg.Candidate(line) if passes else None)


def test_a_section_without_a_mid_is_known_by_its_place() -> None:
    filter, _ = described(HEAD + AUDIO + CHANNEL.replace("a=mid:0\r\n", ""))
    assert filter.candidate(pair_msg.Candidate(CANDIDATE, None, 0)) is None
    assert filter.candidate(pair_msg.Candidate(CANDIDATE, "0", 0)) is None
    assert filter.candidate(pair_msg.Candidate(CANDIDATE, "0", 1)) is not None


@each_row("mid, index", [("a", 0), ("0", 1), (None, None)])
def test_before_the_offer_each_candidate_may_be_the_data_channels(
    mid: str | None, index: int | None
) -> None:
    filter = PeerFilter(PEER)
    assert filter.candidate(pair_msg.Candidate("", mid, index)) is None
    assert filter.candidate(pair_msg.Candidate(CANDIDATE, mid, index)) == pair_msg.Candidate(
        CANDIDATE
    )


# --- hostile offers -------------------------------------------------------------------------------


def test_so_many_sections_and_no_more() -> None:
    filter, _ = described(HEAD + AUDIO * (MAX_SECTIONS - 1) + CHANNEL)
    assert filter.answer(ANSWER_SDP).count("m=") == MAX_SECTIONS
    assert PeerFilter(PEER).description(HEAD + AUDIO * MAX_SECTIONS + CHANNEL) is None


@each_row(
    "sdp",
    [
        HEAD + AUDIO,
        HEAD + AUDIO + VIDEO,
        HEAD + AUDIO + CHANNEL + CHANNEL,
        HEAD + AUDIO + CHANNEL + VIDEO + CHANNEL,
        # Firefox with bundlePolicy "max-bundle" would use a rejected section's transport here.
        HEAD + AUDIO + CHANNEL.replace("application 9", "application 0"),
        *(
            HEAD + opening + "\r\n" + CHANNEL
            for opening in (
                "m=text 9 UDP/TLS/RTP/SAVPF 98",
                "m=image 9 udptl t38",
                "m=message 9 TCP/MSRP *",
                "m=audio",
                "m=audio 9 UDP/TLS/RTP/SAVPF",
                "m=audio 9 UDP/TLS/RTP/SAVPF ",
                "m=audio 9 UDP/TLS/RTP/SAVPF 0  8",
                "m=audio 9/2 UDP/TLS/RTP/SAVPF 0",
                "m=audio 123456 UDP/TLS/RTP/SAVPF 0",
                "m=audio -1 UDP/TLS/RTP/SAVPF 0",
                "m=audio ٩ UDP/TLS/RTP/SAVPF 0",
                "m=audio 9 UDP/DTLS/SCTP webrtc-datachannel",
                "m=audio 9 udp/tls/rtp/savpf 0",
                "m=audio 9 UDP/TLS/RTP/SAVPF ä",
                "m=audio 9 UDP/TLS/RTP/SAVPF 0\x85a=x",
                "m=audio 9 UDP/TLS/RTP/SAVPF 0\rm=video 9 UDP/TLS/RTP/SAVPF 0",
                "m=Audio 9 UDP/TLS/RTP/SAVPF 0",
                "m=",
            )
        ),
    ],
)
def test_refused(sdp: str) -> None:
    filter = PeerFilter(PEER)
    assert filter.description(sdp) is None
    assert not filter.rejects


HOSTILE_LINES = strategies.lists(
    strategies.sampled_from(
        ["a=mid:1", "a=mid:1 2", "a=mid:\u2028", "\x85", "a=x:m=video 9 RTP/AVP 0", "m=x"]
    )
    | strategies.text(),
    max_size=4,
).map("\r\n".join)
HOSTILE_SECTIONS = strategies.tuples(
    strategies.sampled_from([AUDIO, VIDEO, CHANNEL, "m=text 9 RTP/AVP 0\r\n"]), HOSTILE_LINES
).map(lambda pair: f"{pair[0]}{pair[1]}\r\n")


@given(strategies.lists(HOSTILE_SECTIONS, max_size=4))
def test_whatever_comes_the_answer_has_as_many_sections_and_known_lines_only(
    offered: list[str],
) -> None:
    filter = PeerFilter(PEER)
    sdp = HEAD + "".join(offered)
    result = filter.description(sdp)
    if result is None:
        return
    assert len(sections(result)) == 2
    head, *answered = sections(filter.answer(ANSWER_SDP))
    assert head == ANSWER_HEAD
    opened = [section.split(" ")[0] for section in sections(sdp.replace("\r\n", "\n"))[1:]]
    assert [section.split(" ")[0] for section in answered] == opened
    for section in answered:
        assert section == ANSWER_CHANNEL or re.fullmatch(
            r"m=(audio|video) 0 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0\.0\.0\.0\r\n"
            r"(a=mid:[!-~]{1,32}\r\n)?",
            section,
        )
    assert answered.count(ANSWER_CHANNEL) == 1
