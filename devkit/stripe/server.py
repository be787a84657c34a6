"""HTTP/1.1 on loopback, one thread a connection, kept alive."""

import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from devkit.stripe.constants import MAX_BODY_BYTES
from devkit.stripe.messages import Answer, Request

BAD_REQUEST, TOO_LARGE = 400, 413
IDLE_SECONDS = 60


class Server(ThreadingHTTPServer):
    """Hands each request to ``answer``. A taken port raises ``OSError`` with ``EADDRINUSE``."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, answer: Callable[[Request], Answer]) -> None:
        self.answer = answer
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), Handler)

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
    """Translates between the socket and ``messages``."""

    protocol_version = "HTTP/1.1"
    server_version = "StripeTwin"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = IDLE_SECONDS
    server: Server

    def _respond(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isascii() or not length.isdigit():
            self._send(Answer(BAD_REQUEST, b""), close=True)
            return
        if int(length) > MAX_BODY_BYTES:
            self._send(Answer(TOO_LARGE, b""), close=True)
            return
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(length))
        reply = self.server.answer(Request(self.command, unquote(parts.path), parts.query, headers, body))
        if reply.cut:
            self.close_connection = True
        else:
            self._send(reply)

    do_GET = do_POST = do_DELETE = do_OPTIONS = _respond  # noqa: N815 - names that http.server looks up

    def _send(self, reply: Answer, *, close: bool = False) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.body:
            self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        if close:
            self.close_connection = True
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(reply.body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Say nothing: ``GET /_control`` counts the calls."""
