"""Sets the marks by which Windows and macOS recognise a file from another device, and ask before it
is opened.

Linux has no such mark. A disk that cannot store one (FAT) is no reason to fail.
"""

import sys
import time
from typing import Final

# This is URLZONE_INTERNET, which SmartScreen and Office's protected view check.
ZONE: Final = b"[ZoneTransfer]\r\nZoneId=3\r\n"
ZONE_STREAM: Final = ":Zone.Identifier"
ATTRIBUTE: Final = b"com.apple.quarantine"
# Browsers set the same flags: the file is from elsewhere, and nobody was asked about it yet.
_FLAGS: Final = "0081"


def quarantine_value(now: float) -> bytes:
    """Return flags, time and program, without an event of the database of downloads."""
    return f"{_FLAGS};{int(now):08x};Proxim;".encode()


if sys.platform == "win32":

    def mark(descriptor: int, path: str) -> None:
        """Mark a file as coming from elsewhere."""
        try:
            with open(path + ZONE_STREAM, "wb") as stream:
                stream.write(ZONE)
        except OSError:
            # FAT and most shares have no streams.
            return

elif sys.platform == "darwin":

    def mark(descriptor: int, path: str) -> None:
        """Mark a file as coming from elsewhere."""
        # Imported late, because it takes 5 ms and is needed only once a file arrives.
        import ctypes

        value = quarantine_value(time.time())
        # The signature is int fsetxattr(int, const char *, const void *, size_t, u_int32_t
        # position, int options). Its result does not matter, because FAT and shares have no such
        # attributes.
        library = ctypes.CDLL(None)
        library.fsetxattr(
            descriptor, ATTRIBUTE, value, ctypes.c_size_t(len(value)), ctypes.c_uint32(0), 0
        )

else:

    def mark(descriptor: int, path: str) -> None:
        """Do nothing, because there is no such mark here."""
