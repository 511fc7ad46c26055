"""aiortc as Proxim uses it: for data channels, without PyAV and without libsrtp.

aiortc imports PyAV for sound and pictures, and our links carry neither. PyAV's FFmpeg would take
two thirds of the executable, a third of aiortc's import time and 20 MB of memory. It would put the
GPL's conditions (x264, x265) on an MIT program, and would be ready to decode whatever a hostile
guest sends. Therefore empty modules replace it while aiortc is imported. Once a link carries video,
`_NoMedia` can go.

pylibsrtp encrypts sound and pictures. It has its own OpenSSL, which takes 7 MB of memory. In each
handshake aiortc agrees on a cipher for them, and then makes a session, which sees only packets of
sound and pictures. `_NoSRTP` makes sessions that refuse every packet.

aioice imports dnspython only to resolve the names (`3f2c.local`) behind which browsers hide their
addresses. That takes 5 MB and a fifth of aiortc's import time, so it is loaded for browsers only
(`load_names`). `_LateMDNS` loads it when the first such name comes.

All other modules import aiortc's names from here.
"""

import asyncio
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Final, NoReturn

# The modules of PyAV that aiortc imports. If a newer aiortc imports another one, the import fails
# at once with "'av' is not a package", which every test of a link shows.
_MEDIA_MODULES: Final = ("av", "av.frame", "av.packet", "av.video", "av.video.codeccontext")
_MDNS: Final = "aioice.mdns"
_NO_MEDIA: Final = "Proxim loads no codecs for sound and pictures"


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


class _SRTPError(Exception):
    """The error of pylibsrtp. aiortc drops a received packet that causes it."""


class _SRTPPolicy:
    """Replaces pylibsrtp's Policy. The numbers are libsrtp's (srtp.h); nothing uses them."""

    SRTP_PROFILE_AES128_CM_SHA1_80: Final = 1
    SRTP_PROFILE_AEAD_AES_128_GCM: Final = 7
    SRTP_PROFILE_AEAD_AES_256_GCM: Final = 8
    SSRC_ANY_INBOUND: Final = 2
    SSRC_ANY_OUTBOUND: Final = 3

    def __init__(self, key: bytes = b"", ssrc_type: int = 0, srtp_profile: int = 0) -> None:
        # aiortc sets both.
        self.allow_repeat_tx = False
        self.window_size = 0


class _SRTPSession:
    """Replaces pylibsrtp's Session."""

    def __init__(self, policy: _SRTPPolicy) -> None:
        pass

    def protect(self, packet: bytes) -> NoReturn:
        """Refuse a packet. The other three methods do the same."""
        raise _SRTPError(_NO_MEDIA)

    protect_rtcp = unprotect = unprotect_rtcp = protect


class _NoSRTP(ModuleType):
    """Replaces pylibsrtp."""

    Error = _SRTPError
    Policy = _SRTPPolicy
    Session = _SRTPSession


class _LateMDNS(ModuleType):
    """Replaces aioice.mdns until a name is to be resolved. It has all that aioice.ice uses."""

    # This stands in an annotation.
    MDnsProtocol = object
    _HOSTNAME: Final = re.compile(r"^[a-zA-Z0-9-]{1,63}\.local$")

    @classmethod
    def is_mdns_hostname(cls, name: str) -> bool:
        """Return whether this is a name that mDNS resolves."""
        return cls._HOSTNAME.match(name) is not None

    @staticmethod
    async def create_mdns_protocol() -> Any:
        """Return what resolves names."""
        # The loop goes on while another thread imports it.
        return await (await asyncio.to_thread(load_names)).create_mdns_protocol()


def load_names() -> Any:
    """Import what resolves the names of browsers, and return its module."""
    import aioice.mdns

    return aioice.mdns


def _refuse(self: object, *arguments: object) -> NoReturn:
    raise RuntimeError(_NO_MEDIA)


def _stand_ins() -> dict[str, ModuleType]:
    """Return the modules that replace those that are not loaded already."""
    made: dict[str, ModuleType] = {}
    if "av" not in sys.modules:
        for name in _MEDIA_MODULES:
            made[name] = _NoMedia(name)
            parent, _, own = name.rpartition(".")
            if parent:
                setattr(made[parent], own, made[name])
    if "pylibsrtp" not in sys.modules:
        made["pylibsrtp"] = _NoSRTP("pylibsrtp")
    if "aioice" not in sys.modules:
        made[_MDNS] = _LateMDNS(_MDNS)
    return made


@contextmanager
def _replaced() -> Iterator[None]:
    """Let imports find what replaces these packages, unless they are loaded already."""
    made = _stand_ins()
    sys.modules |= made
    try:
        yield
    finally:
        # Later imports of these packages get the real ones.
        for name in made:
            del sys.modules[name]


with _replaced():
    from aioice.ice import get_host_addresses
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
    "get_host_addresses",
    "load_names",
]
