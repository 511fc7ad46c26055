"""Row: the CPU time that the proof adds to a pairing, on both sides together."""

import importlib
import json
import secrets
import statistics
import sys
import time
from collections.abc import Callable
from typing import Final

from bench.measure import Figure, Options, progress, with_spread
from bench.programs import module, running
from proxim.core.base64url import from_base64url
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.devices import DeviceInfo
from proxim.core.pairing.host_code import CODE_SESSION_ID, JoinTarget
from proxim.core.pairing.proof import (
    Method,
    Prover,
    Side,
    SignalMacs,
    start_guest_proof,
    start_host_proof,
    tag_auth,
    tag_matches,
)
from proxim.io.pairing.spake import Spake2Exchange
from proxim.io.pairing.x25519 import X25519KeyPair

REACH_MS: Final = 60.0
# So many pairings follow the first. Their median is the price when both programs have paired
# before.
_PAIRINGS: Final = 20
_CODE: Final = "02501WK381"
_QR_SECRET: Final = "A" * 22
# The description is as long as aiortc's.
_SDP: Final = "v=0\r\n" * 200
# This argument makes the fresh process first load what every pairing loads.
_WITH_LINK: Final = "link"
_DEVICE: Final = DeviceInfo("bench", "bench")
_HOW: Final = (
    "CPU time of everything that a pairing without proof does not do: shares, keys, both tags made "
    "and checked, the "
    "MAC of offer and answer made and checked; guest and host one after the other in a fresh "
    "process, which has loaded "
    "what every pairing loads (aiortc, and with it most of cryptography), and now loads the SPAKE2 "
    "library as well: "
    "that is counted twice, for each side loads it in its own program. Below, the same in "
    "processes without aiortc, "
    "where what SPAKE2 and the link share is counted as the proof's: no program of ours pairs like "
    "that."
)


async def figures(options: Options) -> list[Figure]:
    """Measure this row: a first pairing by code, as people experience it, and beside it later ones
    and those by QR.
    """
    taken: dict[str, list[float]] = {"first": [], "later": [], "qr": []}
    alone: list[float] = []
    for _ in range(options.rounds):
        async with running(module("proof", _WITH_LINK)) as child:
            told = await child.event()
        for name, values in taken.items():
            values.append(told[name])
        async with running(module("proof")) as child:
            alone.append((await child.event())["first"])
        progress(".", end="")
    progress("")
    first = statistics.median(taken["first"])
    return [
        Figure(
            "proof of a typed code, both sides",
            with_spread(taken["first"], "ms CPU"),
            f"<= {REACH_MS:g} ms",
            first <= REACH_MS,
            how=_HOW,
        ),
        Figure("  the same, nothing shared", with_spread(alone, "ms CPU")),
        Figure("  the same, not the first", with_spread(taken["later"], "ms CPU")),
        Figure("  by the QR's secret", with_spread(taken["qr"], "ms CPU")),
    ]


def _pair(target: JoinTarget, method: Method, secret: bytes, prover: Prover) -> None:
    """Do what both machines do, without their messages."""
    proof = start_guest_proof(target, _DEVICE, prover)
    assert proof is not None
    request = pair_msg.PairRequest(target.session_id, _DEVICE, proof.auth)
    host = start_host_proof(request, proof.auth, method, secret, prover)
    keys = proof.finish(host.auth)
    assert tag_matches(host.keys.guest_tag(), tag_auth(keys.guest_tag()).t)
    assert tag_matches(keys.host_tag("approved"), tag_auth(host.keys.host_tag("approved")).t)
    guests, hosts = SignalMacs(keys, Side.GUEST), SignalMacs(host.keys, Side.HOST)
    for sender, receiver in ((guests, hosts), (hosts, guests)):
        assert receiver.check(pair_msg.Description(_SDP), sender.seal(pair_msg.Description(_SDP)))


def _milliseconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1000


def main() -> None:
    """Run in a fresh process: print the cost of a first pairing and of later ones."""
    if _WITH_LINK in sys.argv:
        importlib.import_module("proxim.io.link.peer")
    prover = Prover(secrets.token_bytes, Spake2Exchange, X25519KeyPair)
    by_code = JoinTarget("192.168.1.2", 47800, CODE_SESSION_ID, code=_CODE)
    by_qr = JoinTarget("192.168.1.2", 47800, "session", qr_secret=_QR_SECRET)

    def code() -> None:
        _pair(by_code, Method.SPAKE2, _CODE.encode(), prover)

    def qr() -> None:
        _pair(by_qr, Method.PSK, from_base64url(_QR_SECRET, 16), prover)

    loading = _milliseconds(lambda: importlib.import_module("spake2"))
    first = 2 * loading + _milliseconds(code)
    later = statistics.median(_milliseconds(code) for _ in range(_PAIRINGS))
    by_secret = statistics.median(_milliseconds(qr) for _ in range(_PAIRINGS))
    sys.stdout.write(json.dumps({"first": first, "later": later, "qr": by_secret}) + "\n")


if __name__ == "__main__":
    main()
