"""The outside world of the faults: `POST /calls?key=K` is an effect out there, done once a key; `GET /counts` tells."""

import json
import sys
import threading
from collections import Counter
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

_lock = threading.Lock()
_calls: Counter[str] = Counter()


class Sink(BaseHTTPRequestHandler):
    """Counts in memory; this process is never killed."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Count a call: 201 for a new key, 200 for a known one."""
        (key,) = parse_qs(urlsplit(self.path).query)["key"]
        with _lock:
            _calls[key] += 1
            status = HTTPStatus.CREATED if _calls[key] == 1 else HTTPStatus.OK
        self._answer(status, b"{}")

    def do_GET(self) -> None:
        """Say how many calls and how many different keys there were."""
        with _lock:
            found = {"calls": _calls.total(), "keys": len(_calls)}
        self._answer(HTTPStatus.OK, json.dumps(found).encode())

    def log_message(self, *_: object) -> None:
        """Stay silent."""

    def _answer(self, status: HTTPStatus, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Sink).serve_forever()
