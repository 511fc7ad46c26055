"""Writes known.json: how two devices become known, come back and are found, with every value, for
whoever implements it in another language.

Run it from the project's folder: python -m tests.vectors.make_known_vectors. Python's tests check
that the file is what this script writes, and check its figures against independent implementations.
"""

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from proxim.core.base64url import to_base64url
from proxim.core.known import keys
from proxim.core.pairing.devices import DeviceInfo
from proxim.core.pairing.proof import Method, ProofKeys, Side, context

FILE = Path(__file__).with_name("known.json")
GUEST_ID = "0c7a6d0e-54d2-4b0a-8a4d-6f4f3d0f6d11"
HOST_ID = "7f0c2d1e-5b7a-4c3e-9a51-0d9f6b8e2c47"
SLOT = 2_000_000


def stream(seed: str, size: int = 32) -> bytes:
    """Bytes that are the same each time; of no use for anything but vectors."""
    return hashlib.shake_256(seed.encode()).digest(size)


def _public(private: bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def _agreed(private: bytes, public: bytes) -> bytes:
    own = X25519PrivateKey.from_private_bytes(private)
    return own.exchange(X25519PublicKey.from_public_bytes(public))


def remembering() -> tuple[keys.NewPair, dict[str, Any]]:
    """Two devices become known to each other."""
    link = stream("K(link)")
    private = {side: stream(f"{side} private") for side in Side}
    own = {
        side: keys.Contribution(stream(f"{side} nonce"), _public(private[side]), uuid)
        for side, uuid in ((Side.GUEST, GUEST_ID), (Side.HOST, HOST_ID))
    }
    agreed = _agreed(private[Side.GUEST], own[Side.HOST].public_key)
    if agreed != _agreed(private[Side.HOST], own[Side.GUEST].public_key):
        raise AssertionError("the two sides disagree")
    pair = keys.new_pair(own[Side.GUEST], own[Side.HOST], link, agreed)
    return pair, {
        "link_secret_hex": link.hex(),
        **{
            str(side): {
                "id": own[side].uuid,
                "private_hex": private[side].hex(),
                "key": to_base64url(own[side].public_key),
                "nonce": to_base64url(own[side].nonce),
                "commit": to_base64url(own[side].commitment(side)),
                "yes_tag": to_base64url(pair.yes_tag(side)),
                "kept_tag": to_base64url(pair.kept_tag(side)),
            }
            for side in Side
        },
        "x25519_hex": agreed.hex(),
        "pair_key_hex": pair.key.hex(),
        "digits": pair.digits,
    }


def coming_back(pair: keys.NewPair) -> dict[str, Any]:
    """The guest of before joins the host of before."""
    private = {side: stream(f"{side} private, later") for side in Side}
    share = {side: _public(private[side]) for side in Side}
    secret = keys.proof_secret(pair.key, guest=GUEST_ID, host=HOST_ID)
    name = keys.asking_name(keys.name_key(pair.key, GUEST_ID), share[Side.GUEST])
    device = DeviceInfo("Proxim", "AAAAAAAAAAAAAAAAAAAAAA")
    agreed = _agreed(private[Side.GUEST], share[Side.HOST])
    extracted = hmac.digest(secret, agreed, "sha256")
    ctx = context(Method.KNOWN, name, device)
    proof = ProofKeys(ctx, share[Side.GUEST], share[Side.HOST], extracted)
    tombstone = keys.tombstone_key(pair.key, HOST_ID)
    return {
        "deviceInfo": {"name": device.name, "id": device.id},
        "guest_private_hex": private[Side.GUEST].hex(),
        "host_private_hex": private[Side.HOST].hex(),
        "y_guest": to_base64url(share[Side.GUEST]),
        "y_host": to_base64url(share[Side.HOST]),
        "name_key_hex": keys.name_key(pair.key, GUEST_ID).hex(),
        "sessionID": name,
        "proof_secret_hex": secret.hex(),
        "x25519_hex": agreed.hex(),
        "z_hex": extracted.hex(),
        "transcript_hex": proof.transcript.hex(),
        "t_guest": to_base64url(proof.guest_tag()),
        "t_host_approved": to_base64url(proof.host_tag("approved")),
        "tombstone_key_hex": tombstone.hex(),
        "t_forgotten": to_base64url(keys.forgotten_tag(tombstone, proof.transcript)),
    }


def vectors() -> dict[str, Any]:
    """Return the whole file."""
    pair, first = remembering()
    return {
        "remembering": first,
        "coming_back": coming_back(pair),
        "seen": [
            {
                "announcer": announcer,
                "slot": slot,
                "tag_hex": keys.seen_tag(pair.key, announcer, slot).hex(),
            }
            for announcer in (GUEST_ID, HOST_ID)
            for slot in (SLOT, SLOT + 1)
        ],
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(vectors(), indent=2) + "\n", "utf-8")
