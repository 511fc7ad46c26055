"""Reads `file://` addresses, as file managers and terminals copy and drop them."""

import re
import sys
from typing import Final
from urllib.parse import unquote, urlsplit

_LOCAL_HOSTS: Final = frozenset({"", "localhost"})
_DRIVE: Final = re.compile(r"/[A-Za-z]:(/|$)")


def file_path(uri: str) -> str | None:
    """Return the absolute path that a `file://` address of this machine names, or None."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    if parts.scheme != "file" or parts.netloc not in _LOCAL_HOSTS:
        return None
    # Bytes that are no UTF-8 are kept, as in all paths that Python passes to the system.
    path = unquote(parts.path, errors=sys.getfilesystemencodeerrors())
    if not path.startswith("/") or "\0" in path:
        return None
    # "file:///C:/x" is "C:/x" on Windows.
    return path[1:] if sys.platform == "win32" and _DRIVE.match(path) else path
