"""The page's own SHA-256, HMAC, HKDF and proof, run in Node and compared with
tests/vectors/proof.json and Node's own hashing.
"""

from tests.web.node import run_node


def test_the_pages_proof_agrees_with_the_vectors() -> None:
    assert run_node("vectors.mjs") > 100
