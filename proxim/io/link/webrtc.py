"""aiortc as Proxim uses it: for data channels, without PyAV.

aiortc imports PyAV for sound and pictures, and our links carry neither. PyAV's FFmpeg would take
two thirds of the executable, a third of aiortc's import time and 20 MB of memory. It would put the
GPL's conditions (x264, x265) on an MIT program, and would be ready to decode whatever a hostile
guest sends. Therefore empty modules replace it while aiortc is imported. Once a link carries video,
`_NoMedia` can go.

All other modules import aiortc's names from here.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Final, NoReturn

# The modules of PyAV that aiortc imports. If a newer aiortc imports another one, the import fails
# at once with "'av' is not a package", which every test of a link shows.
_MEDIA_MODULES: Final = ("av", "av.frame", "av.packet", "av.video", "av.video.codeccontext")


class _NoMedia(ModuleType):
    """Replaces a module of PyAV. Any name in it is a class that cannot be used."""

    def __getattr__(self, name: str) -> type:
        # The import system asks for these names itself.
        if name.startswith("__"):
            raise AttributeError(name)
        # FFmpegError appears in `except` clauses, where Python requires an exception.
        kind = type(name, (Exception,) if name.endswith("Error") else (), {"__init__": _refuse})
        setattr(self, name, kind)
        return kind


def _refuse(self: object, *arguments: object) -> NoReturn:
    raise RuntimeError("Proxim loads no codecs for sound and pictures")


@contextmanager
def _without_media() -> Iterator[None]:
    """Let `import av` find empty modules, unless PyAV is loaded already."""
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
        # Later imports of PyAV get the real one.
        for name in _MEDIA_MODULES:
            del sys.modules[name]


with _without_media():
    from aiortc import (
        RTCConfiguration,
        RTCDataChannel,
        RTCDtlsTransport,
        RTCIceServer,
        RTCPeerConnection,
        RTCSctpTransport,
        RTCSessionDescription,
    )
    from aiortc import __version__ as AIORTC_VERSION  # noqa: N812
    from aiortc.sdp import candidate_from_sdp

__all__ = [
    "AIORTC_VERSION",
    "RTCConfiguration",
    "RTCDataChannel",
    "RTCDtlsTransport",
    "RTCIceServer",
    "RTCPeerConnection",
    "RTCSctpTransport",
    "RTCSessionDescription",
    "candidate_from_sdp",
]
