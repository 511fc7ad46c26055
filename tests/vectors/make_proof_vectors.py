"""Writes proof.json: inputs and every intermediate value of the proof, for whoever implements it in
another language.

Run it from the project's folder: python -m tests.vectors.make_proof_vectors. Python's tests check
that the file is what this script writes, and check its figures against independent implementations.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spake2 import SPAKE2_A, SPAKE2_B

from proxim.core.base64url import to_base64url
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.devices import DeviceInfo
from proxim.core.pairing.proof import Method, ProofKeys, Side, SignalMacs, context, identities

FILE = Path(__file__).with_name("proof.json")

OFFER = pair_msg.Description(
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=fingerprint:sha-256 AA:BB\r\n"
)
ANSWER = pair_msg.Description(
    "v=0\r\no=- 2 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=fingerprint:sha-256 CC:DD\r\n"
)
CANDIDATE = pair_msg.Candidate("candidate:1 1 udp 2130706431 192.168.1.21 50000 typ host", "0", 0)
BARE_CANDIDATE = pair_msg.Candidate("candidate:2 1 udp 1694498815 10.0.0.7 50001 typ host")
END = pair_msg.Candidate("")
SIGNALS: tuple[tuple[Side, pair_msg.Description | pair_msg.Candidate], ...] = (
    (Side.GUEST, OFFER),
    (Side.GUEST, CANDIDATE),
    (Side.HOST, ANSWER),
    (Side.HOST, BARE_CANDIDATE),
    (Side.GUEST, END),
    (Side.HOST, END),
)


def stream(seed: str) -> Any:
    """A source of bytes that are the same each time; of no use for anything but vectors."""

    def read(count: int) -> bytes:
        return hashlib.shake_256(seed.encode()).digest(count)

    return read


def signal_vectors(keys: ProofKeys) -> Iterator[dict[str, Any]]:
    macs = {side: SignalMacs(keys, side) for side in Side}
    for side, payload in SIGNALS:
        other = Side.HOST if side is Side.GUEST else Side.GUEST
        mac = macs[side].seal(payload)
        if not macs[other].check(payload, mac):
            raise AssertionError("the two sides disagree")
        if isinstance(payload, pair_msg.Description):
            fields: dict[str, Any] = {"sdp": payload.sdp}
        else:
            fields = {"candidate": payload.candidate}
            fields |= {} if payload.sdp_mid is None else {"sdpMid": payload.sdp_mid}
            fields |= (
                {}
                if payload.sdp_mline_index is None
                else {"sdpMLineIndex": payload.sdp_mline_index}
            )
        yield {"from": side.value, "payload": fields, "mac": mac}


def pairing(
    method: Method,
    session_id: str,
    device: DeviceInfo,
    secret: dict[str, str],
    exchange: tuple[bytes, bytes, bytes],
) -> dict[str, Any]:
    ctx = context(method, session_id, device)
    guest_share, host_share, z = exchange
    keys = ProofKeys(ctx, guest_share, host_share, z)
    purposes = (
        "confirm guest",
        "confirm host",
        "signal guest",
        "signal host",
        "resume",
        "resume name",
    )
    return {
        "m": method.value,
        "sessionID": session_id,
        "deviceInfo": {"name": device.name, "id": device.id},
        **secret,
        "y_guest": to_base64url(guest_share),
        "y_host": to_base64url(host_share),
        "ctx_hex": ctx.hex(),
        "identity_guest_hex": identities(ctx)[0].hex(),
        "identity_host_hex": identities(ctx)[1].hex(),
        "Z_hex": z.hex(),
        "TH_hex": keys.transcript.hex(),
        "keys_hex": {purpose: keys.key(purpose).hex() for purpose in purposes},
        "t_guest": to_base64url(keys.guest_tag()),
        "t_host": {
            status: to_base64url(keys.host_tag(status)) for status in ("approved", "rejected")
        },
        "resume_name": keys.resume_name(),
        "signals": list(signal_vectors(keys)),
    }


def spake2_exchange(code: str, ctx: bytes) -> tuple[bytes, bytes, bytes]:
    guest_identity, host_identity = identities(ctx)
    guest = SPAKE2_A(code.encode(), guest_identity, host_identity, entropy_f=stream("guest"))
    host = SPAKE2_B(code.encode(), guest_identity, host_identity, entropy_f=stream("host"))
    guest_share, host_share = guest.start(), host.start()
    z = guest.finish(host_share)
    if z != host.finish(guest_share):
        raise AssertionError("the two sides disagree")
    return guest_share, host_share, z


def vectors() -> dict[str, Any]:
    """Everything that stands in the file."""
    laptop = DeviceInfo("Client-PC-123", "device-xyz")
    named_in_greek = DeviceInfo("Ὀδυσσεύς 🛶", "9b2f0c5e-7a61-4c0e-8d7f-0a1b2c3d4e5f")
    code = "02501WK381"
    secret = bytes(range(16))
    typed = context(Method.SPAKE2, "@code", laptop)
    scanned = (Method.PSK, "Ve_LsYULJILMPLcbihYWmA", named_in_greek)
    shares = (stream("psk guest")(32), stream("psk host")(32))
    lost = ProofKeys(context(*scanned), *shares, secret)
    return {
        "about": (
            "Proof version 1 of Proxim's signaling; see docs/protocol.md. Bytes are hex where a "
            "key ends in _hex, else base64url without padding, as on the wire."
        ),
        "pairings": [
            pairing(Method.SPAKE2, "@code", laptop, {"code": code}, spake2_exchange(code, typed)),
            pairing(*scanned, {"k": to_base64url(secret)}, (*shares, secret)),
            pairing(
                Method.RESUME,
                lost.resume_name(),
                named_in_greek,
                {"resumes": "pairings[1]"},
                (stream("resume guest")(32), stream("resume host")(32), lost.resume_secret()),
            ),
        ],
    }


def text() -> str:
    """The file's content."""
    return json.dumps(vectors(), ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
