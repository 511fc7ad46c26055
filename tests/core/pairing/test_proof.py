"""Tests of proxim.core.pairing.proof: encodings, keys, tags and MACs, and the vectors, which two
other implementations confirm.
"""

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from proxim.core.base64url import from_base64url, to_base64url
from proxim.core.pairing import devices
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.proof import (
    Method,
    ProofKeys,
    PskExchange,
    Side,
    SignalMacs,
    context,
    identities,
    lv,
    tag_auth,
    tag_matches,
)
from tests.rows import each_row
from tests.vectors import make_proof_vectors

FILE = Path(make_proof_vectors.__file__).with_name("proof.json")
VECTORS: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
PAIRINGS = VECTORS["pairings"]
DEVICE = devices.DeviceInfo("Phone", "id")
KEYS = ProofKeys(context(Method.PSK, "abc", DEVICE), b"g" * 32, b"h" * 32, b"secret")

# --- encodings ------------------------------------------------------------------------------------


def test_lengths_go_before_the_parts() -> None:
    assert lv() == b""
    assert lv(b"") == b"\0\0\0\0"
    assert lv(b"ab", b"c") == b"\0\0\0\x02ab\0\0\0\x01c"


@given(st.lists(st.binary(max_size=6), max_size=4), st.lists(st.binary(max_size=6), max_size=4))
def test_no_two_lists_of_parts_look_alike(one: list[bytes], other: list[bytes]) -> None:
    assert (lv(*one) == lv(*other)) == (one == other)


# --- methods and exchanges ------------------------------------------------------------------------


def test_the_method_alone_decides_the_badge() -> None:
    assert [method.verified for method in Method] == [
        devices.Verified.CODE,
        devices.Verified.QR,
        None,
        devices.Verified.KNOWN,
    ]
    assert [method.share_bytes for method in Method] == [33, 32, 32, 32]


def test_a_secret_is_in_no_repr() -> None:
    assert "secret" not in repr(PskExchange(b"my bytes", b"share")).replace("PskExchange", "")
    assert "my bytes" not in repr(PskExchange(b"my bytes", b"share"))
    assert PskExchange(b"my bytes", b"share").finish(b"whatever") == b"my bytes"


# --- keys and tags --------------------------------------------------------------------------------


def test_every_input_of_the_schedule_changes_every_key() -> None:
    ctx = context(Method.PSK, "abc", DEVICE)
    variants = [
        ProofKeys(ctx, b"g", b"h", b"z"),
        ProofKeys(ctx, b"g", b"h", b"y"),
        ProofKeys(ctx, b"x", b"h", b"z"),
        ProofKeys(ctx, b"g", b"x", b"z"),
        ProofKeys(ctx, b"h", b"g", b"z"),
        ProofKeys(ctx, b"gh", b"", b"z"),
        ProofKeys(context(Method.SPAKE2, "abc", DEVICE), b"g", b"h", b"z"),
        ProofKeys(context(Method.PSK, "abd", DEVICE), b"g", b"h", b"z"),
        ProofKeys(context(Method.PSK, "abc", devices.DeviceInfo("Phon", "eid")), b"g", b"h", b"z"),
        ProofKeys(context(Method.PSK, "abc", devices.DeviceInfo("Phone", "ie")), b"g", b"h", b"z"),
    ]
    purposes = (
        "confirm guest",
        "confirm host",
        "signal guest",
        "signal host",
        "resume",
        "resume name",
    )
    keys = {one.key(purpose) for one in variants for purpose in purposes}
    assert len(keys) == len(variants) * len(purposes)
    tags = {
        tag
        for one in variants
        for tag in (one.guest_tag(), one.host_tag("approved"), one.host_tag("rejected"))
    }
    assert len(tags) == len(variants) * 3


def test_a_tag_matches_itself_alone() -> None:
    tag = KEYS.guest_tag()
    text = tag_auth(tag).t
    assert tag_matches(tag, text)
    for wrong in (
        None,
        "",
        "A",
        "=",
        "é",
        text and text + "=",
        to_base64url(tag + b"\0"),
        to_base64url(tag[:-1]),
    ):
        assert not tag_matches(tag, wrong)
    for bit in range(256):
        flipped = (int.from_bytes(tag) ^ (1 << bit)).to_bytes(32)
        assert not tag_matches(tag, to_base64url(flipped))


# --- signals --------------------------------------------------------------------------------------

OFFER, ANSWER = (
    pair_msg.Description("v=0 offer", pair_msg.SDPType.OFFER),
    pair_msg.Description("v=0 answer", pair_msg.SDPType.ANSWER),
)
LINE = pair_msg.Candidate("candidate:1", "0", 0)


def sides() -> tuple[SignalMacs, SignalMacs]:
    return SignalMacs(KEYS, Side.GUEST), SignalMacs(KEYS, Side.HOST)


def test_what_one_side_seals_the_other_takes_in_both_directions() -> None:
    guest, host = sides()
    for payload in (OFFER, LINE, pair_msg.Candidate("")):
        assert host.check(payload, guest.seal(payload))
    for answer in (
        ANSWER,
        LINE,
        LINE,
        pair_msg.Candidate("candidate:1", "0"),
        pair_msg.Candidate("candidate:1", None, 0),
    ):
        assert guest.check(answer, host.seal(answer))


def test_the_two_directions_never_share_a_mac() -> None:
    guest, host = sides()
    mac = guest.seal(LINE)
    assert not guest.check(LINE, mac)
    assert host.seal(LINE) != mac


def test_the_counter_moves_with_every_signal() -> None:
    guest, host = sides()
    assert len({guest.seal(LINE) for _ in range(300)}) == 300
    guest, host = sides()
    first, second = guest.seal(LINE), guest.seal(LINE)
    # The first signal was dropped.
    assert not host.check(LINE, second)
    guest, host = sides()
    first = guest.seal(LINE)
    assert host.check(LINE, first)
    assert not host.check(LINE, first)


def test_a_host_is_bound_to_the_offer_it_has_seen() -> None:
    guest, host = sides()
    guest.seal(OFFER)
    host.check(pair_msg.Description("v=0 another offer", pair_msg.SDPType.OFFER), "")
    assert not guest.check(ANSWER, host.seal(ANSWER))


fields = st.text(max_size=5)
candidates = st.builds(
    pair_msg.Candidate, fields, st.none() | fields, st.none() | st.integers(0, 255)
)


@given(
    candidates | st.builds(pair_msg.Description, fields),
    candidates | st.builds(pair_msg.Description, fields),
)
def test_different_signals_have_different_macs(
    one: pair_msg.Description | pair_msg.Candidate, other: pair_msg.Description | pair_msg.Candidate
) -> None:
    assert (sides()[0].seal(one) == sides()[0].seal(other)) == (one == other)


def test_a_missing_mac_never_matches() -> None:
    for wrong in (None, "", "A" * 43):
        assert not sides()[1].check(OFFER, wrong)


# --- the vectors ----------------------------------------------------------------------------------


def test_the_file_is_what_its_script_writes() -> None:
    assert FILE.read_text(encoding="utf-8") == make_proof_vectors.text()


def naive_lv(*parts: bytes) -> bytes:
    out = b""
    for part in parts:
        out += (
            bytes([len(part) >> 24, len(part) >> 16 & 255, len(part) >> 8 & 255, len(part) & 255])
            + part
        )
    return out


def naive_b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode().replace("+", "-").replace("/", "_").replace("=", "")


def naive_unb64(text: str) -> bytes:
    return base64.b64decode(text.replace("-", "+").replace("_", "/") + "==")


def naive_hmac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def naive_context(vector: dict[str, Any]) -> bytes:
    device = vector["deviceInfo"]
    texts = ("proxim-auth-1", vector["m"], vector["sessionID"], device["name"], device["id"])
    return naive_lv(*(text.encode("utf-8") for text in texts))


@each_row("vector", PAIRINGS, name_of=lambda vector: vector["m"])
def test_the_vectors_agree_with_a_second_implementation_of_the_specification(
    vector: dict[str, Any],
) -> None:
    """This implementation follows only the specification's section on the proof, and uses
    nothing of proof.py.
    """
    ctx = naive_context(vector)
    assert ctx.hex() == vector["ctx_hex"]
    digest = hashlib.sha256(ctx).digest()
    assert (b"guest" + digest).hex() == vector["identity_guest_hex"]
    assert (b"host" + digest).hex() == vector["identity_host_hex"]
    z = bytes.fromhex(vector["Z_hex"])
    if vector["m"] == "psk":
        assert z == naive_unb64(vector["k"])
    if vector["m"] == "resume":
        lost = PAIRINGS[int(vector["resumes"].removeprefix("pairings[").removesuffix("]"))]
        assert z.hex() == lost["keys_hex"]["resume"]
        assert vector["sessionID"] == lost["resume_name"]
    shares = naive_unb64(vector["y_guest"]), naive_unb64(vector["y_host"])
    assert {len(share) for share in shares} == {33 if vector["m"] == "spake2" else 32}
    th = hashlib.sha256(naive_lv(ctx, *shares)).digest()
    assert th.hex() == vector["TH_hex"]
    prk = naive_hmac(th, z)
    for purpose, expected in vector["keys_hex"].items():
        assert naive_hmac(prk, f"proxim-auth-1 {purpose}".encode() + b"\x01").hex() == expected
    keys = {purpose: bytes.fromhex(key) for purpose, key in vector["keys_hex"].items()}
    assert "@" + naive_b64(keys["resume name"][:16]) == vector["resume_name"]
    assert naive_b64(naive_hmac(keys["confirm guest"], th)) == vector["t_guest"]
    for status, tag in vector["t_host"].items():
        assert naive_b64(naive_hmac(keys["confirm host"], th + status.encode())) == tag
    counts = {"guest": 0, "host": 0}
    bound = b""
    for signal in vector["signals"]:
        side, payload = signal["from"], signal["payload"]
        parts: list[bytes] = []
        for name in ("sdp", "candidate", "sdpMid", "sdpMLineIndex"):
            if name in payload:
                parts += [name.encode(), str(payload[name]).encode("utf-8")]
        message = counts[side].to_bytes(8, "big") + naive_lv(
            naive_lv(*parts), bound if side == "host" else b""
        )
        assert naive_b64(naive_hmac(keys[f"signal {side}"], message)) == signal["mac"]
        counts[side] += 1
        if side == "guest" and "sdp" in payload:
            bound = hashlib.sha256(payload["sdp"].encode("utf-8")).digest()
    assert min(counts.values()) > 1


@each_row("vector", PAIRINGS, name_of=lambda vector: vector["m"])
def test_the_vectors_agree_with_the_cryptography_package(vector: dict[str, Any]) -> None:
    z, th = bytes.fromhex(vector["Z_hex"]), bytes.fromhex(vector["TH_hex"])
    for purpose, expected in vector["keys_hex"].items():
        info = f"proxim-auth-1 {purpose}".encode()
        assert HKDF(hashes.SHA256(), 32, salt=th, info=info).derive(z).hex() == expected
    tag = HMAC(bytes.fromhex(vector["keys_hex"]["confirm guest"]), hashes.SHA256())
    tag.update(th)
    tag.verify(naive_unb64(vector["t_guest"]))


@each_row("vector", PAIRINGS, name_of=lambda vector: vector["m"])
def test_the_vectors_are_what_a_reader_of_the_wire_accepts(vector: dict[str, Any]) -> None:
    """The module itself gets the file's messages and computes what a host or guest would."""
    ctx = context(
        Method(vector["m"]), vector["sessionID"], devices.DeviceInfo(**vector["deviceInfo"])
    )
    assert [one.hex() for one in identities(ctx)] == [
        vector["identity_guest_hex"],
        vector["identity_host_hex"],
    ]
    length = Method(vector["m"]).share_bytes
    guest_share, host_share = (
        from_base64url(vector[name], length) for name in ("y_guest", "y_host")
    )
    keys = ProofKeys(ctx, guest_share, host_share, bytes.fromhex(vector["Z_hex"]))
    assert tag_matches(keys.guest_tag(), vector["t_guest"])
    assert keys.resume_name() == vector["resume_name"]
    assert keys.resume_secret().hex() == vector["keys_hex"]["resume"]
    assert tag_matches(keys.host_tag("approved"), vector["t_host"]["approved"])
    readers = {side: SignalMacs(keys, side) for side in Side}
    for signal in vector["signals"]:
        named = signal["payload"]
        payload: pair_msg.Description | pair_msg.Candidate = (
            pair_msg.Description(named["sdp"])
            if "sdp" in named
            else pair_msg.Candidate(
                named["candidate"], named.get("sdpMid"), named.get("sdpMLineIndex")
            )
        )
        sender = Side(signal["from"])
        reader = Side.HOST if sender is Side.GUEST else Side.GUEST
        assert readers[reader].check(payload, signal["mac"])
        assert readers[sender].seal(payload) == signal["mac"]
