"""The program that lanes are compared with: a file over one TCP stream under AES-256-GCM, as short
as Python allows.

Usage: python -m bench.other_lane receive|send PORT FILE. It does not hash, acknowledge or resume.
"""

import json
import socket
import struct
import sys
import time

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_CIPHER = AESGCM(bytes(32))
_PIECE = 1024 * 1024


def _send(port: int, path: str) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection, open(path, "rb") as file:
        count = 0
        while piece := file.read(_PIECE):
            sealed = _CIPHER.encrypt(count.to_bytes(12, "big"), piece, None)
            connection.sendall(struct.pack(">I", len(sealed)) + sealed)
            count += 1


def _receive(port: int, path: str) -> None:
    with socket.create_server(("127.0.0.1", port)) as server:
        print("ready", flush=True)
        with server.accept()[0].makefile("rb") as stream, open(path, "wb") as file:
            started, count = time.perf_counter(), 0
            while header := stream.read(4):
                sealed = stream.read(struct.unpack(">I", header)[0])
                file.write(_CIPHER.decrypt(count.to_bytes(12, "big"), sealed, None))
                count += 1
        print(json.dumps({"seconds": time.perf_counter() - started}))


if __name__ == "__main__":
    (_send if sys.argv[1] == "send" else _receive)(int(sys.argv[2]), sys.argv[3])
