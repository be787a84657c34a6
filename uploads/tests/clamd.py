"""A small ClamAV daemon: `zPING`, `zVERSION` and `zINSTREAM` over TCP or a Unix socket, with their framing."""

import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

VERSION = b"ClamAV 1.4.3/27823/Sat Nov 21 09:26:04 2026\0"
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


def verdict(content: bytes) -> bytes:
    """What the daemon says of a stream."""
    return b"stream: Win.Test.EICAR_HDB-1 FOUND\0" if EICAR in content else b"stream: OK\0"


class Daemon:
    """What it was sent, and how it answers: `answers` gives the bytes for a stream, or None for silence."""

    def __init__(self) -> None:
        self.streams: list[bytes] = []
        self.answers: Callable[[bytes], bytes | None] = verdict
        self.version: bytes | None = VERSION
        self.pong: bytes | None = b"PONG\0"
        self.pause = 0.0
        self.over = threading.Event()

    def serve(self, connection: socket.socket) -> None:
        """One command, as clamd takes it outside a session."""
        with connection.makefile("rb") as reader:
            command = _until_nul(reader)
            if command == b"zPING":
                self.answer(connection, self.pong)
            elif command == b"zVERSION":
                self.answer(connection, self.version)
            elif command == b"zINSTREAM":
                content = _stream(reader)
                self.streams.append(content)
                self.answer(connection, self.answers(content))
            else:
                connection.sendall(b"UNKNOWN COMMAND\0")

    def answer(self, connection: socket.socket, words: bytes | None) -> None:
        """Byte by byte when it is to be slow; nothing until the end of the test when it is to be silent."""
        if words is None:
            self.over.wait(20)
        elif not self.pause:
            connection.sendall(words)
        else:
            for place in range(len(words)):
                if self.over.wait(self.pause):
                    return
                connection.sendall(words[place : place + 1])


def _until_nul(reader: Any) -> bytes:
    found = b""
    while not found.endswith(b"\0"):
        byte = reader.read(1)
        if not byte:
            return found
        found += byte
    return found[:-1]


def _stream(reader: Any) -> bytes:
    content = b""
    while True:
        [length] = struct.unpack(">I", reader.read(4))
        if not length:
            return content
        content += reader.read(length)


class _Tcp(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class _Unix(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


@contextmanager
def clamd(path: Path | None = None) -> Iterator[tuple[Daemon, str]]:
    """A running daemon and its address; with a path it listens there."""
    daemon = Daemon()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            daemon.serve(self.request)

    server: Any = _Unix(str(path), Handler) if path else _Tcp(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield daemon, f"unix://{path}" if path else f"tcp://127.0.0.1:{server.server_address[1]}"
    finally:
        daemon.over.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
