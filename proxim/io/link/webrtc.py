"""aiortc as Proxim uses it: data channels, without PyAV.

aiortc imports PyAV for sound and pictures, and our links carry neither. Its FFmpeg would be two
thirds of the executable, a third of what importing aiortc takes and 20 MB of memory; it would put
the GPL's conditions (x264, x265) on an MIT program, and would stand ready to decode whatever a
hostile guest sends. So modules without content stand in for it while aiortc is imported. Once a
link carries video, `_NoMedia` goes.

All other modules import aiortc's names from here.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Final, NoReturn

# What aiortc imports of PyAV. A module that is missing here is imported for real where PyAV is
# installed, and fails loudly in the executable: tests/programs/test_executable.py opens a link.
_MEDIA_MODULES: Final = ("av", "av.frame", "av.packet", "av.video", "av.video.codeccontext")


class _NoMedia(ModuleType):
    """Stands where a module of PyAV would be: any name in it is a class that cannot be used."""

    def __getattr__(self, name: str) -> type:
        # The import system's own questions
        if name.startswith("__"):
            raise AttributeError(name)
        # FFmpegError stands in `except` clauses, where Python wants an exception.
        kind = type(name, (Exception,) if name.endswith("Error") else (), {"__init__": _refuse})
        setattr(self, name, kind)
        return kind


def _refuse(self: object, *arguments: object) -> NoReturn:
    raise RuntimeError("Proxim loads no codecs for sound and pictures")


@contextmanager
def _without_media() -> Iterator[None]:
    """Let `import av` find modules without content, unless PyAV is loaded already."""
    if "av" in sys.modules:
        yield
        return
    for name in _MEDIA_MODULES:
        module = sys.modules[name] = _NoMedia(name)
        parent, _, own = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], own, module)
    try:
        yield
    finally:
        # Whoever wants PyAV itself later gets it
        for name in _MEDIA_MODULES:
            del sys.modules[name]


with _without_media():
    from aiortc import (
        RTCConfiguration,
        RTCDataChannel,
        RTCIceServer,
        RTCPeerConnection,
        RTCSctpTransport,
        RTCSessionDescription,
    )
    from aiortc.sdp import candidate_from_sdp

__all__ = [
    "RTCConfiguration",
    "RTCDataChannel",
    "RTCIceServer",
    "RTCPeerConnection",
    "RTCSctpTransport",
    "RTCSessionDescription",
    "candidate_from_sdp",
]
