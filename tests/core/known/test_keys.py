"""The keys of a pair, checked against HKDF and X25519 of the library `cryptography`."""

import hashlib
import hmac
import json
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
from hypothesis import given
from hypothesis import strategies as st

from proxim.core.base64url import from_base64url, to_base64url
from proxim.core.known import keys
from proxim.core.known.host import KnownHost, blank_device
from proxim.core.known.keys import Contribution
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.proof import (
    Method,
    ProofKeys,
    Side,
    context,
    lv,
    start_host_proof,
)
from tests.core.handed_in import prover
from tests.core.known.test_finding import device
from tests.vectors import make_known_vectors

VECTORS: dict[str, Any] = json.loads(make_known_vectors.FILE.read_text("utf-8"))
FIRST, BACK = VECTORS["remembering"], VECTORS["coming_back"]
PAIR = bytes.fromhex(FIRST["pair_key_hex"])


def expand(purpose: bytes) -> bytes:
    info = b"proxim-known-1 " + purpose
    return HKDFExpand(SHA256(), 32, info).derive(PAIR)


def test_the_file_is_what_the_script_writes() -> None:
    assert make_known_vectors.vectors() == VECTORS


def test_the_pairs_key_is_an_hkdf_of_all_that_was_sent() -> None:
    parts = [
        value
        for side in ("guest", "host")
        for value in (
            from_base64url(FIRST[side]["nonce"], 32),
            from_base64url(FIRST[side]["key"], 32),
            FIRST[side]["id"].encode(),
        )
    ]
    salt = hashlib.sha256(lv(b"proxim-known-1", *parts)).digest()
    material = bytes.fromhex(FIRST["link_secret_hex"] + FIRST["x25519_hex"])
    derived = HKDF(SHA256(), 32, salt, b"proxim-known-1 pair").derive(material)
    assert derived == PAIR
    digits = int.from_bytes(expand(b"digits")[:8]) % 1_000_000
    assert FIRST["digits"] == f"{digits:06}"
    for side in ("guest", "host"):
        for name, purpose in (("yes_tag", b"confirm "), ("kept_tag", b"kept ")):
            tag = hmac.digest(expand(purpose + side.encode()), salt, "sha256")
            assert FIRST[side][name] == to_base64url(tag)
        commit = lv(
            b"proxim-known-1 commit",
            side.encode(),
            from_base64url(FIRST[side]["nonce"], 32),
            from_base64url(FIRST[side]["key"], 32),
            FIRST[side]["id"].encode(),
        )
        assert FIRST[side]["commit"] == to_base64url(hashlib.sha256(commit).digest())


def test_the_proof_is_made_of_new_keys_and_the_pairs() -> None:
    guest, host = FIRST["guest"]["id"].encode(), FIRST["host"]["id"].encode()
    secret = expand(b"proof " + lv(guest, host))
    z = hmac.digest(secret, bytes.fromhex(BACK["x25519_hex"]), "sha256")
    assert BACK["z_hex"] == z.hex()
    y_guest, y_host = (from_base64url(BACK[one], 32) for one in ("y_guest", "y_host"))
    name = hmac.digest(expand(b"name " + guest), y_guest, "sha256")[:16]
    assert BACK["sessionID"] == "@" + to_base64url(name)
    ctx = lv(
        b"proxim-auth-1",
        b"known",
        BACK["sessionID"].encode(),
        BACK["deviceInfo"]["name"].encode(),
        BACK["deviceInfo"]["id"].encode(),
    )
    transcript = hashlib.sha256(lv(ctx, y_guest, y_host)).digest()
    assert BACK["transcript_hex"] == transcript.hex()
    forgotten = hmac.digest(expand(b"tombstone " + host), b"forgotten" + transcript, "sha256")
    assert BACK["t_forgotten"] == to_base64url(forgotten)


def test_a_tag_of_an_announcement() -> None:
    for one in VECTORS["seen"]:
        message = b"seen" + one["announcer"].encode() + one["slot"].to_bytes(8, "big")
        assert one["tag_hex"] == hmac.digest(expand(b"seen"), message, "sha256")[:8].hex()


def test_no_derived_key_is_another() -> None:
    ids = ("a", "b")
    made = [
        *(keys.name_key(PAIR, one) for one in ids),
        *(keys.tombstone_key(PAIR, one) for one in ids),
        *(keys.proof_secret(PAIR, one, other) for one in ids for other in ids),
        *(keys.proof_secret(PAIR, "ab", ""), keys.proof_secret(PAIR, "", "ab")),
        keys.derive(PAIR, b"seen"),
        keys.derive(PAIR, b"digits"),
    ]
    assert len({*made}) == len(made)


texts = st.text(max_size=8)
nonces = st.binary(min_size=32, max_size=32)
contributions = st.builds(Contribution, nonces, nonces, texts)


@given(contributions, contributions, st.sampled_from(Side), st.sampled_from(Side))
def test_a_commitment_is_to_one_contribution_of_one_side(
    one: Contribution, other: Contribution, side: Side, other_side: Side
) -> None:
    same = (one, side) == (other, other_side)
    assert (one.commitment(side) == other.commitment(other_side)) is same


@given(contributions, contributions, nonces, nonces, st.integers(0, 4))
def test_whatever_differs_gives_another_key(
    guest: Contribution, host: Contribution, link: bytes, agreed: bytes, changed: int
) -> None:
    pair = keys.new_pair(guest, host, link, agreed)
    swapped = (
        keys.new_pair(guest, host, agreed, link),
        keys.new_pair(host, guest, link, agreed),
        keys.new_pair(guest, host, link, bytes(32)),
        keys.new_pair(guest, host, bytes(32), agreed),
        keys.new_pair(Contribution(guest.nonce, guest.public_key, "?"), host, link, agreed),
    )[changed]
    same = (
        (link == agreed, guest == host, agreed == bytes(32), link == bytes(32), guest.uuid == "?")
    )[changed]
    assert (pair.key == swapped.key) is same
    assert len(pair.digits) == 6
    assert pair.digits.isdecimal()
    assert pair.yes_tag(Side.GUEST) != pair.yes_tag(Side.HOST) != pair.kept_tag(Side.HOST)


def test_a_guest_and_its_host_agree_and_nobody_else() -> None:
    known = device(1)
    tools = prover()
    host = KnownHost(known, "own", lambda: (), search=False)
    blank = blank_device(tools.token_bytes)
    proof = host.start_proof(blank, tools)
    request = pair_msg.PairRequest(proof.name, blank, proof.auth)
    for guest_id, agrees in (("own", True), ("uuid-1", False), ("other", False)):
        secret = keys.proof_secret(known.key, guest=guest_id, host="uuid-1")
        answer = start_host_proof(request, proof.auth, Method.KNOWN, secret, tools)
        made = proof.finish(answer.auth)
        assert (made.guest_tag() == answer.keys.guest_tag()) is agrees
        # What says that the device has forgotten us does not need the proof to hold.
        told = keys.forgotten_tag(keys.tombstone_key(known.key, "uuid-1"), answer.keys.transcript)
        assert host.has_forgotten(made, pair_msg.Auth(t=to_base64url(told)))
        assert not host.has_forgotten(made, pair_msg.Auth(t=to_base64url(bytes(32))))
        assert not host.has_forgotten(made, None)
    assert repr(known.key) not in repr([proof, vars(host)["id"]])
    assert isinstance(made, ProofKeys)
    assert context(Method.KNOWN, proof.name, blank)
