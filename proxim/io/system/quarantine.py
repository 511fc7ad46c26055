"""Marks by which Windows and macOS know a file that came from another device, and ask before it is
opened.

Linux has no such mark. A disk that cannot hold one (FAT) is no reason to fail.
"""

import sys
import time
from typing import Final

# URLZONE_INTERNET: SmartScreen and Office's protected view look at it
ZONE: Final = b"[ZoneTransfer]\r\nZoneId=3\r\n"
ZONE_STREAM: Final = ":Zone.Identifier"
ATTRIBUTE: Final = b"com.apple.quarantine"
# As browsers set it: from elsewhere, not yet asked about
_FLAGS: Final = "0081"


def quarantine_value(now: float) -> bytes:
    """Flags, the moment, the program, no event of the database of downloads."""
    return f"{_FLAGS};{int(now):08x};Proxim;".encode()


if sys.platform == "win32":

    def mark(descriptor: int, path: str) -> None:
        """Say of a file that it came from elsewhere."""
        try:
            with open(path + ZONE_STREAM, "wb") as stream:
                stream.write(ZONE)
        except OSError:
            # FAT and most shares have no streams
            return

elif sys.platform == "darwin":

    def mark(descriptor: int, path: str) -> None:
        """Say of a file that it came from elsewhere."""
        # Late: 5 ms, for the first file only
        import ctypes

        value = quarantine_value(time.time())
        # Int fsetxattr(int, const char *, const void *, size_t, u_int32_t position, int options);
        # its result does not matter: FAT and shares have no such attributes.
        library = ctypes.CDLL(None)
        library.fsetxattr(
            descriptor, ATTRIBUTE, value, ctypes.c_size_t(len(value)), ctypes.c_uint32(0), 0
        )

else:

    def mark(descriptor: int, path: str) -> None:
        """There is no such mark here."""
