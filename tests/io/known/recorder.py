"""A stranger who records all multicast DNS of one interface: one line of hex for each packet, with
its Ethernet header.
"""

import socket
import sys

ETH_P_ALL = 3
MDNS = (5353).to_bytes(2)


def main(interface: str) -> None:
    if sys.platform != "linux":
        raise OSError("such sockets are Linux's")
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) as record:
        record.bind((interface, 0))
        _say("recording")
        while True:
            frame = record.recv(65536)
            # The UDP header follows an IPv4 header without options, or an IPv6 header.
            ports = frame[34:38] if frame[12:14] == b"\x08\x00" else frame[54:58]
            if MDNS in (ports[:2], ports[2:]):
                _say(frame.hex())


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
