import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxim.core.files.manifest import TRANSFER_ID_CHARACTERS, TransferID
from proxim.core.json_text import MessageError
from proxim.core.link.lane_frames import (
    STREAM_ID_CHARACTERS,
    STREAM_PREFIX_BYTES,
    ChannelPart,
    FrameKind,
    LaneHello,
    Stream,
    Text,
    channel_frame,
    direction_key,
    hello_frame,
    nonce,
    read_frame,
    stream_prefix,
    text_frame,
)
from proxim.core.pairing.proof import Side
from tests.rows import each_row

ID = TransferID("A" * 22)


def test_each_direction_has_the_key_that_the_protocol_names() -> None:
    key = bytes(range(32))
    assert (
        direction_key(key, Side.GUEST)
        == hmac.new(key, b"proxim-lane-1 guest\x01", hashlib.sha256).digest()
    )
    assert (
        direction_key(key, Side.HOST)
        == hmac.new(key, b"proxim-lane-1 host\x01", hashlib.sha256).digest()
    )


def test_no_two_frames_share_a_nonce() -> None:
    assert nonce(0) == bytes(12)
    assert nonce(258) == bytes(10) + b"\x01\x02"


@each_row("carries_link", [True, False])
def test_a_hello_says_whether_the_link_comes_with_it(carries_link: bool) -> None:
    assert read_frame(hello_frame(carries_link=carries_link)) == LaneHello(carries_link)


def test_a_hello_of_a_later_version_may_say_more() -> None:
    assert read_frame(b"\x03\x81" + bytes(63)) == LaneHello(carries_link=True)


@given(st.text())
def test_a_text_comes_back(text: str) -> None:
    assert read_frame(text_frame(text)) == Text(text)


@given(st.integers(0, 2**32 - 1), st.binary(min_size=1))
def test_a_stream_comes_back(generation: int, records: bytes) -> None:
    prefix = stream_prefix(ID, generation)
    assert len(prefix) == STREAM_PREFIX_BYTES
    frame = read_frame(prefix + records)
    assert frame == Stream(ID, generation, memoryview(records))


@given(st.text(st.characters(max_codepoint=127), min_size=1, max_size=255), st.binary())
def test_a_channels_message_comes_back(label: str, message: bytes) -> None:
    assert read_frame(channel_frame(label, message)) == ChannelPart(label, message)


def test_a_channels_frame_is_as_the_protocol_says() -> None:
    assert channel_frame("screen/x", b"\x01\x02") == b"\x04\x08screen/x\x01\x02"
    with pytest.raises(ValueError, match="must be in range"):
        channel_frame("x" * 256, b"")


@each_row("plain", [b"\x04", b"\x04\x00", b"\x04\x00abc", b"\x04\x03ab", b"\x04\x02\xff\xffabc"])
def test_a_channel_without_a_label_is_no_frame(plain: bytes) -> None:
    with pytest.raises(MessageError):
        read_frame(plain)


def test_a_transfers_id_is_one_of_a_stream() -> None:
    assert TRANSFER_ID_CHARACTERS == STREAM_ID_CHARACTERS


@each_row("id", ["", "A" * 21, "A" * 23, "ä" * 22, "ä" * 11])
def test_an_id_that_no_frame_holds_is_refused(id: str) -> None:
    with pytest.raises(ValueError, match=r"id|ascii"):
        stream_prefix(id, 0)


@each_row(
    "plain",
    [
        b"",
        b"\x00",
        b"\x04x",
        b"\x01\xff",
        b"\x03",
        b"\x03" + bytes(65),
        stream_prefix(ID, 1),
        b"\x02" + b"\xff" * 30,
    ],
)
def test_anything_else_is_no_frame(plain: bytes) -> None:
    with pytest.raises(MessageError):
        read_frame(plain)


@given(st.binary())
def test_whatever_comes_is_a_frame_or_a_message_error(plain: bytes) -> None:
    try:
        read_frame(plain)
    except MessageError:
        return
    assert plain[0] in [*FrameKind]


def test_what_is_printed_of_a_frame_holds_no_id_and_no_text() -> None:
    assert "A" * 22 not in repr(read_frame(stream_prefix(ID, 1) + b"x"))
    assert "secret" not in repr(read_frame(text_frame("secret")))
