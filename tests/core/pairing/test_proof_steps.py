"""Tests of proxim.core.pairing.proof: the steps of a proof, with both sides together."""

from dataclasses import replace

import pytest

from proxim.core.base64url import to_base64url
from proxim.core.errors import Reason
from proxim.core.pairing import devices
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.host_code import JoinTarget, parse_target
from proxim.core.pairing.proof import (
    GuestProof,
    HostProof,
    MakeExchange,
    Method,
    ProofError,
    ProofKeys,
    Prover,
    Side,
    method_of,
    start_guest_proof,
    start_host_proof,
    start_resumption,
)
from proxim.io.pairing.spake import Spake2Exchange
from tests.core.handed_in import PHONE, prover
from tests.core.pairing.fake_spake2 import FakeSpake2
from tests.rows import each_row

CODE = "02501WK381"
SECRET = bytes(range(16))
TYPED = parse_target(CODE)
SCANNED = JoinTarget("192.168.1.5", 47800, "abc", qr_secret=to_base64url(SECRET))
WITHOUT_SECRET = JoinTarget("192.168.1.5", 47800, "abc")
PROVER = prover()


def started(target: JoinTarget, by: Prover = PROVER) -> GuestProof:
    proof = start_guest_proof(target, PHONE, by)
    assert proof is not None
    return proof


def answered(
    target: JoinTarget,
    proof: GuestProof,
    secret: bytes,
    by: Prover = PROVER,
    device: devices.DeviceInfo = PHONE,
) -> HostProof:
    request = pair_msg.PairRequest(target.session_id, device, proof.auth)
    return start_host_proof(request, proof.auth, method_of(proof.auth), secret, by)


def agree(guest: ProofKeys, host: ProofKeys) -> bool:
    return guest.guest_tag() == host.guest_tag()


@each_row(
    "target, secret, method, length",
    [(TYPED, CODE.encode(), "spake2", 44), (SCANNED, SECRET, "psk", 43)],
)
@each_row("spake2", [Spake2Exchange, FakeSpake2])
def test_both_sides_get_the_same_keys(
    target: JoinTarget, secret: bytes, method: str, length: int, spake2: MakeExchange
) -> None:
    by = prover(spake2)
    proof = started(target, by)
    host = answered(target, proof, secret, by)
    for auth in (proof.auth, host.auth):
        assert (auth.v, auth.m, auth.t) == (1, method, None)
        assert auth.y is not None
        assert len(auth.y) == length
    assert proof.auth.y != host.auth.y
    keys = proof.finish(host.auth)
    assert keys.transcript == host.keys.transcript
    assert keys.host_tag("approved") == host.keys.host_tag("approved")
    assert (host.request.device, host.method.value) == (PHONE, method)


@each_row("target, secret", [(TYPED, b"02501WK382"), (SCANNED, bytes(16))])
@each_row("spake2", [Spake2Exchange, FakeSpake2])
def test_another_secret_gives_other_keys(
    target: JoinTarget, secret: bytes, spake2: MakeExchange
) -> None:
    by = prover(spake2)
    proof = started(target, by)
    host = answered(target, proof, secret, by)
    assert not agree(proof.finish(host.auth), host.keys)


@each_row("target, secret", [(TYPED, CODE.encode()), (SCANNED, SECRET)])
@each_row("spake2", [Spake2Exchange, FakeSpake2])
def test_a_name_or_id_changed_on_the_way_gives_other_keys(
    target: JoinTarget, secret: bytes, spake2: MakeExchange
) -> None:
    by = prover(spake2)
    for device in (devices.DeviceInfo("Boss", PHONE.id), devices.DeviceInfo(PHONE.name, "other")):
        proof = started(target, by)
        host = answered(target, proof, secret, by, device)
        assert not agree(proof.finish(host.auth), host.keys)


def test_a_session_changed_on_the_way_gives_other_keys() -> None:
    proof = started(SCANNED)
    host = answered(replace(SCANNED, session_id="abd"), proof, SECRET)
    assert not agree(proof.finish(host.auth), host.keys)


def test_a_link_without_a_secret_proves_nothing() -> None:
    assert start_guest_proof(WITHOUT_SECRET, PHONE, PROVER) is None


@each_row("secret", ["", "AAAA", to_base64url(bytes(15)), to_base64url(bytes(17)), "*" * 22])
def test_a_qr_secret_of_a_wrong_length_is_refused(secret: str) -> None:
    with pytest.raises(ProofError):
        start_guest_proof(replace(SCANNED, qr_secret=secret), PHONE, PROVER)


@each_row(
    "auth",
    [
        pair_msg.Auth(),
        pair_msg.Auth(1),
        pair_msg.Auth(m="psk"),
        pair_msg.Auth(0, "psk"),
        pair_msg.Auth(2, "spake2"),
        pair_msg.Auth(1, "PSK"),
        pair_msg.Auth(1, "none"),
    ],
)
def test_a_version_or_method_that_nobody_knows_is_refused(auth: pair_msg.Auth) -> None:
    with pytest.raises(ProofError) as caught:
        method_of(auth)
    assert caught.value.reason is Reason.BAD_MESSAGE


@each_row("target", [TYPED, SCANNED])
def test_a_guest_takes_no_other_version_or_method(target: JoinTarget) -> None:
    proof = started(target)
    good = answered(target, proof, CODE.encode() if target is TYPED else SECRET).auth
    other = "psk" if good.m == "spake2" else "spake2"
    for wrong in (
        replace(good, v=2),
        replace(good, v=None),
        replace(good, m=other),
        replace(good, m=None),
    ):
        with pytest.raises(ProofError) as caught:
            proof.finish(wrong)
        assert caught.value.reason is Reason.HOST_UNPROVEN


@each_row("target", [TYPED, SCANNED])
@each_row("share", [None, "", "A", "AAAA", "A" * 42, "A" * 45, "A" * 128])
def test_a_share_of_a_wrong_length_is_refused_on_both_sides(
    target: JoinTarget, share: str | None
) -> None:
    proof = started(target)
    with pytest.raises(ProofError):
        proof.finish(replace(proof.auth, y=share))
    request = pair_msg.PairRequest(target.session_id, PHONE)
    with pytest.raises(ProofError):
        start_host_proof(request, replace(proof.auth, y=share), proof.method, SECRET, PROVER)


@each_row("spake2", [Spake2Exchange, FakeSpake2])
def test_the_fake_of_the_tests_refuses_what_the_real_one_refuses(spake2: MakeExchange) -> None:
    def guest() -> GuestProof:
        return started(TYPED, prover(spake2))

    proof = guest()
    with pytest.raises(ProofError):
        # The guest's own share is reflected.
        proof.finish(proof.auth)
    with pytest.raises(ProofError):
        # This share is another guest's.
        guest().finish(guest().auth)
    host = spake2(b"x", Side.HOST, b"a", b"b")
    with pytest.raises(ProofError):
        spake2(b"x", Side.GUEST, b"a", b"b").finish(host.share + b"\0")


def test_who_was_linked_proves_it_by_the_keys_of_that_link_alone() -> None:
    lost, others = (ProofKeys(b"ctx", b"g", b"h", secret) for secret in (b"one", b"other"))
    proof = start_resumption(lost, PHONE, PROVER)
    assert (proof.method, proof.auth.m) == (Method.RESUME, "resume")
    request = pair_msg.PairRequest(lost.resume_name(), PHONE, proof.auth)
    host = start_host_proof(
        request, proof.auth, method_of(proof.auth), lost.resume_secret(), PROVER
    )
    keys = proof.finish(host.auth)
    assert agree(keys, host.keys)
    assert keys.resume_name() == host.keys.resume_name() != lost.resume_name()
    stranger = start_host_proof(request, proof.auth, Method.RESUME, others.resume_secret(), PROVER)
    assert not agree(proof.finish(stranger.auth), stranger.keys)
    renamed = replace(request, device=devices.DeviceInfo("Boss", PHONE.id))
    changed = start_host_proof(renamed, proof.auth, Method.RESUME, lost.resume_secret(), PROVER)
    assert not agree(proof.finish(changed.auth), changed.keys)


def test_secrets_are_in_no_repr() -> None:
    proof = started(TYPED)
    host = answered(TYPED, proof, CODE.encode())
    for text in (repr(proof), repr(host)):
        assert CODE not in text
    assert proof.auth.y is not None
    assert proof.auth.y not in repr(proof)


def test_the_method_decides_the_share() -> None:
    assert {method.share_bytes for method in Method} == {32, 33}
