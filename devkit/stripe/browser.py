"""What a browser gets from the twin: its script, the end of the 3-D Secure dialog, and a page that says what it is."""

import hmac
import html
import json
from importlib.resources import files
from typing import Any

from devkit.stripe import confirmation
from devkit.stripe.calls import Call
from devkit.stripe.control import outcome
from devkit.stripe.errors import ApiError, missing
from devkit.stripe.messages import Answer, Request
from devkit.stripe.store import Json, Store

NO_CONTENT, NOT_FOUND = 204, 404
CORS = {"Access-Control-Allow-Origin": "*"}
PREFLIGHT = CORS | {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "authorization, content-type, idempotency-key, stripe-version",
    "Access-Control-Max-Age": "600",
}
SCRIPT_HEADERS = CORS | {"Cross-Origin-Resource-Policy": "cross-origin", "Cache-Control": "no-cache"}
PAGE_HEADERS = {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Stripe twin</title></head>
<body><h1>Stripe twin</h1>
<p>This is a stand-in of Stripe for development. No card is charged and no money moves.</p>
<p>It answers Stripe's API under <code>/v1</code>, serves <a href="/stripe.js">stripe.js</a> and shows its state at
<a href="/_control">/_control</a>.</p>
<table><caption>Objects</caption>{rows}</table></body></html>
"""


class Browser:
    """Answers every path outside ``/v1`` and ``/_control``."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._script = files("devkit.stripe").joinpath("stripe.js").read_bytes()

    def answer(self, request: Request) -> Answer:
        """One of the three, or 404."""
        if (request.method, request.path) == ("GET", "/stripe.js"):
            return Answer(200, self._script, dict(SCRIPT_HEADERS), "text/javascript; charset=utf-8")
        if (request.method, request.path) == ("POST", "/_3ds"):
            return self._three_d_secure(request)
        if (request.method, request.path) == ("GET", "/"):
            return Answer(200, self._page().encode(), dict(PAGE_HEADERS), "text/html; charset=utf-8")
        return Answer(NOT_FOUND, json.dumps({"error": {"message": "Not found."}}).encode())

    @staticmethod
    def preflight() -> Answer:
        """What any ``OPTIONS`` request gets."""
        return Answer(NO_CONTENT, b"", dict(PREFLIGHT))

    def _three_d_secure(self, request: Request) -> Answer:
        try:
            members = parse(request.body)
            with self._store.lock:
                call = Call(self._store, publishable=True)
                intent = self._by_secret(members.get("client_secret"))
                try:
                    confirmation.authenticate(call, intent, passed=outcome(members))
                finally:
                    self._store.commit()
                return Answer(200, json.dumps(call.show(intent)).encode(), dict(CORS))
        except ApiError as error:
            return Answer(error.status, json.dumps(error.body()).encode(), dict(CORS))

    def _by_secret(self, secret: object) -> Json:
        text = secret if isinstance(secret, str) else ""
        intent = self._store.get("payment_intents", text.partition("_secret_")[0])
        if intent is None or not hmac.compare_digest(text.encode(), intent["client_secret"].encode()):
            raise missing("payment_intent", text.partition("_secret_")[0], param="client_secret")
        return intent

    def _page(self) -> str:
        with self._store.lock:
            counts = self._store.counts()
        rows = (f"<tr><th scope=row>{html.escape(kind)}</th><td>{count}</td></tr>" for kind, count in counts.items())
        return PAGE.replace("{rows}", "".join(rows))


def parse(body: bytes) -> dict[str, Any]:
    """A JSON object, or 400."""
    try:
        members = json.loads(body)
    except ValueError as error:
        raise ApiError("Send a JSON object.") from error
    if not isinstance(members, dict):
        raise ApiError("Send a JSON object.")
    return members
