"""Runs the page's modules in Node, without a browser."""

import shutil
import subprocess

import pytest

from tests.paths import TESTS


def run_node(script: str, *arguments: str, patience: float = 50) -> int:
    """Run a script of this folder; return how many checks it made."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed")
    done = subprocess.run(
        [node, str(TESTS / "web" / script), *arguments],
        capture_output=True,
        text=True,
        timeout=patience,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)
