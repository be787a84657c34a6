"""HTTP/1.1 on loopback, one thread a connection, kept alive."""

import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from devkit.processes import LOOPBACK
from devkit.s3.messages import Answer, Request

LARGEST_BYTES = 64 * 1024 * 1024
IDLE_SECONDS = 60
BODILESS = {204, 304}


class Server(ThreadingHTTPServer):
    """Hands each request to `answer`. A taken port raises `OSError` with `EADDRINUSE`."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, answer: Callable[[Request], Answer]) -> None:
        self.answer = answer
        self._open: set[socket.socket] = set()
        super().__init__((LOOPBACK, port), Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Remember the connection, so that a kept-alive one can be ended."""
        connection, address = super().get_request()
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        """The connection is over."""
        self._open.discard(request)
        super().shutdown_request(request)

    def close_all(self) -> None:
        """Close the listening socket and every connection that a client holds open."""
        self.server_close()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no error; anything else is reported."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """Translates between the socket and `messages`."""

    protocol_version = "HTTP/1.1"
    server_version = "S3StandIn"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = IDLE_SECONDS
    server: Server

    def handle_expect_100(self) -> bool:
        """Let the body come at once: an SDK waits a second for this line, and ours is buffered."""
        proceed = super().handle_expect_100()
        self.wfile.flush()
        return proceed

    def _respond(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isascii() or not length.isdigit() or int(length) > LARGEST_BYTES:
            self.close_connection = True
            self._send(Answer(400))
            return
        body = self.rfile.read(int(length))
        complete = len(body) == int(length)
        path, _, query = self.path.partition("?")
        names = dict.fromkeys(name.lower() for name in self.headers)
        headers = {name: ",".join(self.headers.get_all(name, [])) for name in names}
        if not complete or "chunked" in headers.get("transfer-encoding", ""):
            self.close_connection = True  # what is left on the connection is no request
        self._send(self.server.answer(Request(self.command, path, query, headers, body, complete=complete)))

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_OPTIONS = _respond  # noqa: N815 - names of http.server

    def _send(self, reply: Answer) -> None:
        self.send_response(reply.status)
        told = {name.lower() for name in reply.headers}
        for name, value in reply.headers.items():
            if name.lower() != "content-length":
                self.send_header(name, value)
        length = reply.headers.get("content-length", "0") if self.command == "HEAD" else str(len(reply.body))
        if reply.status not in BODILESS:
            self.send_header("Content-Length", length)
        if reply.body and "content-type" not in told:
            self.send_header("Content-Type", "application/xml")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD" and reply.status not in BODILESS:
            self.wfile.write(reply.body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Say nothing: the address of a request may be a secret."""
