"""The program that lanes are compared with: a file over one TCP stream under AES-256-GCM, as short
as Python allows.

Usage: python -m bench.other_lane receive|send PORT FILE [hash]. It does not acknowledge or resume.
With `hash` both ends hash what they move with SHA-256, as Proxim does, and print it.
"""

import hashlib
import json
import socket
import struct
import sys
import time

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_CIPHER = AESGCM(bytes(32))
_PIECE = 1024 * 1024
_HASHES = sys.argv[4:] == ["hash"]


def _send(port: int, path: str) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection, open(path, "rb") as file:
        count, hasher = 0, hashlib.sha256()
        while piece := file.read(_PIECE):
            if _HASHES:
                hasher.update(piece)
            sealed = _CIPHER.encrypt(count.to_bytes(12, "big"), piece, None)
            connection.sendall(struct.pack(">I", len(sealed)) + sealed)
            count += 1
    print(json.dumps({"sha256": hasher.hexdigest()}))


def _receive(port: int, path: str) -> None:
    with socket.create_server(("127.0.0.1", port)) as server:
        print("ready", flush=True)
        with server.accept()[0].makefile("rb") as stream, open(path, "wb") as file:
            started, count, hasher = time.perf_counter(), 0, hashlib.sha256()
            while header := stream.read(4):
                sealed = stream.read(struct.unpack(">I", header)[0])
                piece = _CIPHER.decrypt(count.to_bytes(12, "big"), sealed, None)
                if _HASHES:
                    hasher.update(piece)
                file.write(piece)
                count += 1
        seconds = time.perf_counter() - started
        print(json.dumps({"seconds": seconds, "sha256": hasher.hexdigest()}))


if __name__ == "__main__":
    (_send if sys.argv[1] == "send" else _receive)(int(sys.argv[2]), sys.argv[3])
