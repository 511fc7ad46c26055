"""The page's own SHA-256, HMAC, HKDF and proof, run in Node against tests/vectors/proof.json and
Node's own hashing.
"""

import shutil
import subprocess

import pytest

from tests.paths import ROOT


def test_the_pages_proof_agrees_with_the_vectors() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed")
    done = subprocess.run(
        [node, str(ROOT / "tests/web/vectors.mjs")],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100
