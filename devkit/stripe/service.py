"""The twin put together: store, API, control, browser, deliveries, and the server in front of them."""

import json
from collections import Counter
from pathlib import Path
from threading import Thread

from devkit.stripe import endpoints, refunds
from devkit.stripe.api import Api
from devkit.stripe.browser import CORS, Browser, parse
from devkit.stripe.control import Control
from devkit.stripe.errors import ApiError
from devkit.stripe.messages import Answer, Request
from devkit.stripe.server import Server
from devkit.stripe.store import Store
from devkit.stripe.webhooks import Sender

FORBIDDEN, NOT_ALLOWED = 403, 405
BACKOFF_SECONDS = 1.0


class Service:
    """A running twin. ``port`` 0 takes a free one; ``state`` is the file that outlives it."""

    def __init__(self, *, port: int, state: Path | None = None, backoff_s: float = BACKOFF_SECONDS) -> None:
        self.store = Store(state)
        calls: Counter[str] = Counter()
        self.control = Control(self.store, calls)
        self._api = Api(self.store, calls)
        self._browser = Browser(self.store)
        self.sender = Sender(self.store, backoff_s=backoff_s)
        self._server = Server(port, self.answer)
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), name="twin-server", daemon=True)

    @property
    def base_url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def register_webhook(self, url: str, secret: str) -> str:
        """Point the twin's own endpoint to ``url``, signed with ``secret``; returns its id."""
        with self.store.lock:
            endpoint = endpoints.register_own(self.store, url=url, secret=secret)
            self.store.commit()
        return str(endpoint["id"])

    def start(self) -> None:
        """Serve in the background."""
        self.sender.start()
        self._thread.start()

    def stop(self) -> None:
        """Stop serving and delivering, and write what is left."""
        self._server.shutdown()
        self._thread.join()
        self._server.close_all()
        self.sender.stop()
        with self.store.lock:
            self.store.commit()

    def answer(self, request: Request) -> Answer:
        """Route by the first part of the path, after what has become due meanwhile."""
        with self.store.lock:
            refunds.fail_due(self.store)
            self.store.commit()
        try:
            return self._answer(request)
        finally:
            self.sender.wake()

    def _answer(self, request: Request) -> Answer:
        if request.path == "/_control":
            return self._controlled(request)
        if request.method == "OPTIONS":
            return self._browser.preflight()
        if request.path.startswith("/v1/"):
            reply = self._api.answer(request)
            if "origin" in request.headers:
                reply.headers |= CORS
            return reply
        return self._browser.answer(request)

    def _controlled(self, request: Request) -> Answer:
        try:
            if "origin" in request.headers:
                raise ApiError("Pages may not control the twin.", status=FORBIDDEN)
            if request.method not in ("GET", "POST"):
                raise ApiError("Use GET or POST.", status=NOT_ALLOWED)
            state = self.control.get() if request.method == "GET" else self.control.post(parse(request.body))
        except ApiError as error:
            return Answer(error.status, json.dumps(error.body()).encode())
        return Answer(200, json.dumps(state, indent=2).encode())
