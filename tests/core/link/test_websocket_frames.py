import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame as LibraryFrame
from websockets.frames import Opcode as LibraryOpcode

from proxim.core.link.websocket_frames import (
    LEAST_BUFFER_BYTES,
    MOST_CONTROL_BYTES,
    MOST_HEADER_BYTES,
    FrameError,
    FrameReader,
    Opcode,
    frame_header,
)
from tests.rows import each_row

MOST = 1 << 18
# Each form of the length, and both sides of where the next one begins.
SIZES = [0, 1, 125, 126, 127, 65_535, 65_536, LEAST_BUFFER_BYTES * 3, MOST]

Read = tuple[Opcode, bool, bytes]


def unmasked(payload: memoryview, mask: bytes) -> bytes:
    key = mask * (len(payload) // 4 + 1) if mask else bytes(len(payload))
    return bytes(one ^ other for one, other in zip(payload, key, strict=False))


def receive(reader: FrameReader, data: bytes, step: int) -> list[Read]:
    """Receive at most `step` bytes at a time, and return the frames as they become whole."""
    frames: list[Read] = []
    while data:
        room = reader.room()
        assert len(room) > 0
        count = min(step, len(room), len(data))
        room[:count] = data[:count]
        data = data[count:]
        reader.received(count)
        while (frame := reader.next_frame()) is not None:
            assert bytes(frame.raw).endswith(bytes(frame.payload))
            frames.append((frame.opcode, frame.final, unmasked(frame.payload, frame.mask)))
    return frames


def frames() -> st.SearchStrategy[Read]:
    small = st.binary(max_size=MOST_CONTROL_BYTES)
    control = st.tuples(
        st.sampled_from([Opcode.CLOSE, Opcode.PING, Opcode.PONG]), st.just(True), small
    )
    large = st.sampled_from(SIZES).map(lambda size: bytes(range(251)) * (size // 251 + 1))
    data = st.tuples(
        st.sampled_from([Opcode.CONTINUATION, Opcode.TEXT, Opcode.BINARY]),
        st.booleans(),
        st.one_of(small, large),
    )
    return st.one_of(control, data)


@given(
    st.lists(frames().map(lambda one: (one[0], one[1], one[2][:MOST])), max_size=8),
    st.sampled_from([1, 7, 1000, 65_536, 10 * MOST]),
    st.booleans(),
)
def test_frames_of_the_library_come_back_however_they_are_cut(
    sent: list[Read], step: int, masked: bool
) -> None:
    if step < 1000:
        # The large ones would take minutes byte by byte.
        sent = [(opcode, final, payload[:300]) for opcode, final, payload in sent]
    data = b"".join(
        LibraryFrame(LibraryOpcode(opcode), payload, final).serialize(mask=masked)
        for opcode, final, payload in sent
    )
    assert receive(FrameReader(masked=masked, most=MOST), data, step) == sent


def test_frames_that_come_together_are_read_one_after_the_other() -> None:
    """The last one in the buffer is not whole, and is moved to the buffer's front."""
    sent = [(Opcode.BINARY, True, bytes([number]) * 1000) for number in range(200)]
    assert len(sent) * 1000 > 2 * LEAST_BUFFER_BYTES
    data = b"".join(frame_header(opcode, 1000) + payload for opcode, _, payload in sent)
    assert receive(FrameReader(masked=False, most=MOST), data, len(data)) == sent


@each_row("size", SIZES)
def test_a_header_is_the_librarys(size: int) -> None:
    payload = bytes(size)
    expected = LibraryFrame(LibraryOpcode.BINARY, payload).serialize(mask=False)
    assert frame_header(Opcode.BINARY, size) + payload == expected
    # Zeros show the key in the place of the payload.
    header = frame_header(Opcode.BINARY, size, b"mask")
    assert len(header) <= MOST_HEADER_BYTES
    read = receive(FrameReader(masked=True, most=MOST), header + payload, 1 << 20)
    assert read == [(Opcode.BINARY, True, (b"mask" * size)[:size])]


def test_large_frames_are_received_in_place() -> None:
    """The room ends behind the frame, so that hardly anything of the next one has to be moved."""
    reader = FrameReader(masked=False, most=MOST)
    header = frame_header(Opcode.BINARY, MOST)
    for _ in range(3):
        assert receive(reader, header, len(header)) == []
        room = reader.room()
        assert MOST <= len(room) <= MOST + MOST_HEADER_BYTES
        reader.received(MOST)
        frame = reader.next_frame()
        assert frame is not None
        assert frame.payload == room[:MOST]


@each_row(
    "data, masked, why",
    [
        (b"\x82\x00", True, "masked"),
        (b"\x82\x80mask", False, "masked"),
        (b"\xc2\x00", False, "extension"),
        (b"\x83\x00", False, "no such"),
        (b"\x8f\x00", False, "no such"),
        (b"\x09\x00", False, "control"),
        (b"\x89\x7e\x00\x7e", False, "control"),
        (b"\x82\x7f" + (MOST + 1).to_bytes(8, "big"), False, "too large"),
        (b"\x82\x7f" + b"\xff" * 8, False, "too large"),
    ],
)
def test_what_is_no_frame_ends_the_reading(data: bytes, masked: bool, why: str) -> None:
    """Known from the header alone: no buffer grows for what is refused."""
    reader = FrameReader(masked=masked, most=MOST)
    with pytest.raises(FrameError, match=why):
        receive(reader, data, 1)
    assert len(reader.room()) <= LEAST_BUFFER_BYTES


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_frames_or_an_error(data: bytes, masked: bool) -> None:
    reader = FrameReader(masked=masked, most=MOST)
    try:
        receive(reader, data, 3)
    except FrameError:
        return
    assert len(reader.room()) <= MOST + 2 * MOST_HEADER_BYTES + len(data)
