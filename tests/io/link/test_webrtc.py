"""Tests of proxim.io.link.webrtc in a process of its own, because this one may have loaded PyAV."""

import subprocess
import sys

from tests.paths import ROOT


def run(program: str) -> str:
    """Return what the program prints."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stdout.strip()


def test_a_link_loads_no_codecs() -> None:
    loaded = run("import sys, proxim.io.link.peer; print(*sys.modules)").split()
    assert [name for name in loaded if name.partition(".")[0] == "av"] == []
    assert "aiortc" in loaded


def test_who_wants_pyav_itself_gets_it() -> None:
    assert run("import proxim.io.link.webrtc, av; print(av.VideoFrame(2, 2).width)") == "2"
    assert run("import av, proxim.io.link.webrtc; print(av.VideoFrame(2, 2).width)") == "2"


def test_sound_and_pictures_are_refused_and_not_silently_wrong() -> None:
    refused = run(
        "import proxim.io.link.webrtc\n"
        "from aiortc.codecs.vpx import VideoFrame\n"
        "try: VideoFrame(2, 2)\n"
        "except RuntimeError as error: print(error)"
    )
    assert refused == "Proxim loads no codecs for sound and pictures"
