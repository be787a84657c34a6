"""The gate behind a port, with a control of its own that no real store has."""

import json
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from devkit.processes import LOOPBACK
from devkit.s3.gate import Gate
from devkit.s3.messages import Answer, Request
from devkit.s3.server import Server
from devkit.s3.settings import Settings
from devkit.s3.signatures import Verifier

CONTROL = "/_control"


class Service:
    """A running stand-in.

    `POST /_control` takes `{"clear": true}`, `{"clock_offset_s": 601}` and `{"away": true}`; `GET` tells the last two
    and, as `calls`, how often each method met each status.
    """

    def __init__(self, settings: Settings) -> None:
        """Listen at once, answer from `start` on."""
        self._offset = 0
        self._calls: Counter[str] = Counter()
        self._gate = Gate(
            verifier=Verifier(settings.secrets, settings.region),
            buckets=(settings.private, settings.public),
            public=(settings.public,),
            objects_only=settings.objects_key,
        )
        self._server = Server(settings.port, self._answer)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="s3", daemon=True)
        self.url = f"http://{LOOPBACK}:{self._server.server_address[1]}"

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Close the port and every connection."""
        self._server.shutdown()
        self._thread.join()
        self._server.close_all()

    def _answer(self, request: Request) -> Answer:
        if request.path == CONTROL:
            return self._control(request)
        reply = self._gate.answer(request, datetime.now(UTC) + timedelta(seconds=self._offset))
        self._calls[f"{request.method} {reply.status}"] += 1
        return reply

    def _control(self, request: Request) -> Answer:
        try:
            wanted: dict[str, Any] = json.loads(request.body or b"{}")
            self._offset = int(wanted.get("clock_offset_s", self._offset))
            self._gate.away = bool(wanted.get("away", self._gate.away))
        except (ValueError, TypeError, AttributeError):
            return Answer(400)
        if wanted.get("clear"):
            self._gate.clear()
            self._calls.clear()
        state = {"clock_offset_s": self._offset, "away": self._gate.away, "calls": dict(self._calls)}
        return Answer(200, {"Content-Type": "application/json"}, json.dumps(state).encode())
