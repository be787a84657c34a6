"""Stand-in of SendGrid's send call (`POST /v3/mail/send`): `with SendGrid() as server` or `python -m devkit.sendgrid`.

It judges a mail as SendGrid documents it, and misbehaves on demand: `mode` is an HTTP status that it answers, `hang`
(it takes the mail and never answers) or `close` (it takes the mail and closes the connection). A program's mode is set
by `POST /_control {"mode": "429"}`; `GET /_control` tells the mode and the mails that were taken.
"""

import argparse
import json
import signal
import sys
import threading
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from devkit.processes import LOOPBACK

SEND = "/v3/mail/send"
CONTROL = "/_control"
LARGEST_BYTES = 30 * 1024 * 1024
MODES = ("202", "400", "401", "413", "429", "500", "hang", "close")
SILENT = {"hang", "close"}
WORDS = {
    "400": "Bad Request",
    "401": "The provided authorization grant is invalid, expired, or revoked",
    "413": "Request Entity Too Large",
    "429": "too many requests",
    "500": "Internal Server Error",
}


class SendGrid:
    """A server on a loopback port; `taken` holds the mails that it accepted, as the JSON that came."""

    def __init__(self, *, port: int = 0, mode: str = "202", key: str = "") -> None:
        """Listen at once, answer from `start` on. Without a `key` any key is right."""
        self.taken: list[dict[str, Any]] = []
        self.calls = 0
        self._key = key
        self._changed = threading.Condition()
        self._mode = mode
        self._stopping = False
        handler = type("Handler", (_Handler,), {"stand_in": self})
        self._server = ThreadingHTTPServer((LOOPBACK, port), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="sendgrid", daemon=True)
        self.port: int = self._server.server_address[1]

    @property
    def api_url(self) -> str:
        """What `ANYMAIL["SENDGRID_API_URL"]` takes."""
        return f"http://{LOOPBACK}:{self.port}/v3/"

    @property
    def mode(self) -> str:
        """How it answers."""
        return self._mode

    @mode.setter
    def mode(self, mode: str) -> None:
        if mode not in MODES:
            raise ValueError(f"The mode {mode!r} is none of {', '.join(MODES)}.")
        with self._changed:
            self._mode = mode
            self._changed.notify_all()

    def judge(self, authorization: str, body: bytes) -> tuple[str, str]:
        """Return the status to answer, or a silent mode, and the field that is wrong."""
        self.calls += 1
        if self._mode != "202":
            return self._mode, ""
        if not authorization.startswith("Bearer ") or (self._key and authorization != f"Bearer {self._key}"):
            return "401", ""
        if len(body) > LARGEST_BYTES:
            return "413", ""
        try:
            mail = json.loads(body)
        except ValueError:
            return "400", "body"
        wrong = _wrong_field(mail)
        if wrong:
            return "400", wrong
        self.taken.append(mail)
        return "202", ""

    def wait_while_hanging(self) -> None:
        """Block a caller until the mode changes or the server stops."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or self._mode != "hang")

    def start(self) -> Self:
        """Answer from now on."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Close the port, and let go of those who hang."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


def _wrong_field(mail: Any) -> str:
    """Return the name of the first member that SendGrid would refuse, or nothing."""
    if not isinstance(mail, dict):
        return "body"
    people = mail.get("personalizations")
    if not (isinstance(people, list) and people and all(isinstance(one, dict) and one.get("to") for one in people)):
        return "personalizations"
    if not (isinstance(mail.get("from"), dict) and "@" in str(mail["from"].get("email"))):
        return "from"
    if not (mail.get("subject") or all(one.get("subject") for one in people)):
        return "subject"
    kinds = [part.get("type") for part in mail.get("content") or [{}] if isinstance(part, dict)]
    return "" if kinds and kinds[0] and kinds == sorted(kinds, key=_place_of) else "content"


def _place_of(kind: str | None) -> int:
    """Text comes first, then HTML, then the rest."""
    return {"text/plain": 0, "text/html": 1}.get(kind or "", 2)


class _Handler(BaseHTTPRequestHandler):
    stand_in: SendGrid

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == CONTROL:
            self._control(body)
        elif self.path == SEND:
            self._send(body)
        else:
            self._answer("404", {"errors": [{"message": "not found"}]})

    def do_GET(self) -> None:
        known = self.path == CONTROL
        shown = {"mode": self.stand_in.mode, "calls": self.stand_in.calls, "taken": self.stand_in.taken}
        self._answer("200" if known else "404", shown if known else {})

    def _control(self, body: bytes) -> None:
        try:
            self.stand_in.mode = str(json.loads(body)["mode"])
        except (ValueError, KeyError, TypeError) as error:
            self._answer("400", {"error": str(error)})
        else:
            self._answer("200", {"mode": self.stand_in.mode})

    def _send(self, body: bytes) -> None:
        status, field = self.stand_in.judge(self.headers.get("Authorization", ""), body)
        if status in SILENT:
            if status == "hang":
                self.stand_in.wait_while_hanging()
            self.close_connection = True
            return
        headers = {"X-Message-Id": uuid4().hex} if status == "202" else {}
        error = {"message": WORDS.get(status, ""), "field": field or None, "help": None}
        self._answer(status, None if status == "202" else {"errors": [error]}, headers)

    def _answer(self, status: str, body: Any, headers: Mapping[str, str] | None = None) -> None:
        sent = b"" if body is None else json.dumps(body).encode()
        self.send_response(int(status), HTTPStatus(int(status)).phrase)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


def main(arguments: list[str] | None = None) -> int:
    """Serve in the foreground until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m devkit.sendgrid", description="A stand-in of SendGrid.")
    parser.add_argument("--port", type=int, default=0, help="0 takes any free port")
    parser.add_argument("--mode", choices=MODES, default="202")
    options = parser.parse_args(arguments)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})  # before the threads, which inherit it
    try:
        server = SendGrid(port=options.port, mode=options.mode)
    except OSError as error:
        print(f"The stand-in of SendGrid cannot listen on port {options.port}: {error.strerror}.", file=sys.stderr)
        return 1
    with server:
        print(server.api_url, flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
    return 0


if __name__ == "__main__":
    sys.exit(main())
