"""ClamAV's daemon over TCP or a Unix socket: the commands `zPING`, `zVERSION` and `zINSTREAM` of clamd(8).

A stream is sent in chunks, each after its length in four bytes, and ends with a length of 0. Every answer ends with
a NUL. One deadline holds for a whole call, so that a daemon that answers a byte now and then keeps nobody for long.
"""

import re
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from uploads.constants import (
    SCAN_CONNECT_SECONDS,
    SCAN_ENGINE_CHARACTERS,
    SCAN_PING_SECONDS,
    SCAN_SECONDS,
    ScanVerdict,
)
from uploads.scanning.base import Scan, ScannerUnavailableError

DEFAULT_PORT = 3310
CHUNK_BYTES = 128 * 1024
ANSWER_BYTES = 4096
FOUND = re.compile(r"stream: (?P<signature>.+) FOUND")
CLEAN = "stream: OK"
ALIVE = "PONG"


class ClamdScanner:
    """The adapter of `CLAMAV_URL`: `tcp://host:3310` or `unix:///run/clamav/clamd.ctl`."""

    def __init__(self, address: str) -> None:
        self.address = urlsplit(address)

    def scan(self, path: Path) -> Scan:
        """Stream the file to the daemon. An answer that is no verdict, such as its limit of size, is an error."""
        engine = self.version()
        with self._connected() as (connection, remaining):
            _send(connection, remaining, b"zINSTREAM\0")
            with path.open("rb") as source:
                while chunk := source.read(CHUNK_BYTES):
                    _send(connection, remaining, struct.pack(">I", len(chunk)) + chunk)
            _send(connection, remaining, struct.pack(">I", 0))
            answer = _answer(connection, remaining)
        if answer == CLEAN:
            return Scan(engine, ScanVerdict.CLEAN)
        found = FOUND.fullmatch(answer)
        if found is None:
            raise ScannerUnavailableError(f"The scanner gave no verdict: {answer[:200]!r}.")
        return Scan(engine, ScanVerdict.INFECTED, found["signature"])

    def ping(self) -> None:
        """Ask for the sign of life, and wait for it only as long as whoever asks for our health can wait."""
        with self._connected(SCAN_PING_SECONDS) as (connection, remaining):
            _send(connection, remaining, b"zPING\0")
            answer = _answer(connection, remaining)
        if answer != ALIVE:
            raise ScannerUnavailableError(f"What answers is no ClamAV: {answer[:200]!r}.")

    def version(self) -> str:
        """The daemon's first two words and numbers, as `ClamAV 1.4.3/27823`."""
        with self._connected() as (connection, remaining):
            _send(connection, remaining, b"zVERSION\0")
            answer = _answer(connection, remaining)
        if not answer.startswith("ClamAV "):
            raise ScannerUnavailableError(f"What answers is no ClamAV: {answer[:200]!r}.")
        return "/".join(answer.split("/")[:2])[:SCAN_ENGINE_CHARACTERS]

    @contextmanager
    def _connected(self, seconds: float | None = None) -> Iterator[tuple[socket.socket, Callable[[], float]]]:
        """A connection of one command, and how many seconds are left of its time."""
        seconds = SCAN_SECONDS if seconds is None else seconds
        end = time.monotonic() + seconds

        def remaining() -> float:
            left = end - time.monotonic()
            if left <= 0:
                raise ScannerUnavailableError(f"The scanner gave no verdict in {seconds} seconds.")
            return left

        try:
            with self._connect(min(seconds, SCAN_CONNECT_SECONDS)) as connection:
                yield connection, remaining
        except OSError as error:
            raise ScannerUnavailableError(f"The scanner is away: {type(error).__name__}.") from error

    def _connect(self, seconds: float) -> socket.socket:
        if self.address.scheme != "unix":
            place = (self.address.hostname or "", self.address.port or DEFAULT_PORT)
            return socket.create_connection(place, timeout=seconds)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(seconds)
            connection.connect(self.address.path)
        except OSError:
            connection.close()
            raise
        return connection


def _send(connection: socket.socket, remaining: Callable[[], float], data: bytes) -> None:
    connection.settimeout(remaining())
    connection.sendall(data)


def _answer(connection: socket.socket, remaining: Callable[[], float]) -> str:
    """Everything up to the NUL."""
    received = b""
    while b"\0" not in received:
        connection.settimeout(remaining())
        part = connection.recv(ANSWER_BYTES)
        if not part or len(received) > ANSWER_BYTES:
            raise ScannerUnavailableError("The scanner broke off in the middle of its answer.")
        received += part
    return received.partition(b"\0")[0].decode("utf-8", "replace").strip()
