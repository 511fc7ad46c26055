"""This machine's addresses as Linux' kernel lists them (rtnetlink(7)).

getifaddrs(3) asks the same. ifaddr calls it, but takes 10 ms to load, as it looks for the C library
in a child process, and a person waits for the code meanwhile.
"""

import socket
import struct
import sys
from collections.abc import Iterator
from typing import Final

# struct nlmsghdr: length, type, flags, number and sender (linux/netlink.h).
_HEADER: Final = struct.Struct("=IHHII")
# struct ifaddrmsg: family, length of the prefix, flags, scope, interface (linux/if_addr.h).
_ADDRESS: Final = struct.Struct("=BBBBI")
# struct rtattr: length and type (linux/rtnetlink.h).
_ATTRIBUTE: Final = struct.Struct("=HH")
# Messages and attributes begin at multiples of this (NLMSG_ALIGNTO, RTA_ALIGNTO).
_ALIGNED: Final = 4

_NLMSG_ERROR: Final = 2
_NLMSG_DONE: Final = 3
_RTM_NEWADDR: Final = 20
_RTM_GETADDR: Final = 22
_NLM_F_REQUEST: Final = 0x1
_NLM_F_DUMP: Final = 0x300
_IFA_ADDRESS: Final = 1
_IFA_LOCAL: Final = 2
_IFA_LABEL: Final = 3

# The kernel writes no longer messages.
_MESSAGE_BYTES: Final = 64 * 1024
# The kernel answers at once. A sandbox that drops the question must not stop the program.
_ANSWER_SECONDS: Final = 1.0

# The interface's name or its label, such as "eth0:1"; the address without a zone; the length of its
# prefix.
KernelAddress = tuple[str, str, int]


def kernel_addresses() -> list[KernelAddress]:
    """Return all addresses in the kernel's order.

    Raises OSError where a sandbox does not let the kernel be asked.
    """
    if sys.platform != "linux":
        raise OSError("this is not Linux")
    else:  # noqa: RET506 - mypy reads a branch for another system, but not what follows a raise
        question = _HEADER.pack(
            _HEADER.size + _ADDRESS.size, _RTM_GETADDR, _NLM_F_REQUEST | _NLM_F_DUMP, 1, 0
        ) + _ADDRESS.pack(socket.AF_UNSPEC, 0, 0, 0, 0)
        found: list[KernelAddress] = []
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
            kernel.settimeout(_ANSWER_SECONDS)
            kernel.sendto(question, (0, 0))
            while True:
                for kind, body in read_messages(kernel.recv(_MESSAGE_BYTES)):
                    if kind == _NLMSG_DONE:
                        return found
                    if kind == _NLMSG_ERROR:
                        raise OSError("the kernel does not list its addresses")
                    if kind == _RTM_NEWADDR:
                        found += read_address(body)


def read_messages(received: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the type and the content of each message."""
    at = 0
    while at + _HEADER.size <= len(received):
        length, kind, _, _, _ = _HEADER.unpack_from(received, at)
        if length < _HEADER.size:
            # Nothing could be read after a message that has no length.
            return
        yield kind, received[at + _HEADER.size : at + length]
        at += _aligned(length)


def read_address(message: bytes) -> list[KernelAddress]:
    """Return the address in a message; nothing if it is none of IP."""
    if len(message) < _ADDRESS.size:
        return []
    family, prefix_length, _, _, interface = _ADDRESS.unpack_from(message)
    if family not in (socket.AF_INET, socket.AF_INET6):
        return []
    values = _attributes(message[_ADDRESS.size :])
    # Where both are given, the other one is that of the far end of a tunnel.
    packed = values.get(_IFA_LOCAL) or values.get(_IFA_ADDRESS)
    if packed is None:
        return []
    label = values.get(_IFA_LABEL)
    if label is not None:
        name = label.rstrip(b"\0").decode(errors="replace")
    else:
        try:
            name = socket.if_indextoname(interface)
        except OSError:
            # It was removed after the kernel had listed it.
            return []
    return [(name, socket.inet_ntop(family, packed), prefix_length)]


def _attributes(content: bytes) -> dict[int, bytes]:
    found = {}
    at = 0
    while at + _ATTRIBUTE.size <= len(content):
        length, kind = _ATTRIBUTE.unpack_from(content, at)
        if length < _ATTRIBUTE.size:
            break
        found[kind] = content[at + _ATTRIBUTE.size : at + length]
        at += _aligned(length)
    return found


def _aligned(length: int) -> int:
    return -(-length // _ALIGNED) * _ALIGNED
