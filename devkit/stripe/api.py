"""``/v1``: authentication, faults, idempotency and expansion around the handlers."""

import base64
import binascii
import json
import time
from collections import Counter

from devkit.stripe import idempotency
from devkit.stripe.calls import Call
from devkit.stripe.constants import API_VERSION
from devkit.stripe.control import FAULTS_BEFORE
from devkit.stripe.endpoints import version
from devkit.stripe.errors import ApiError
from devkit.stripe.expansion import expand
from devkit.stripe.messages import Answer, Request
from devkit.stripe.params import decode, read
from devkit.stripe.routes import Route, match
from devkit.stripe.store import Json, Store, new_id

UNAUTHORIZED, FORBIDDEN, NOT_FOUND, TOO_MANY, BROKEN = 401, 403, 404, 429, 500


class Api:
    """Answers the calls of the SDK and of the browser script."""

    def __init__(self, store: Store, calls: Counter[str]) -> None:
        self._store = store
        self._calls = calls
        self._keys = idempotency.Keys(store)

    def answer(self, request: Request) -> Answer:
        """Never raises for what a client sends; every answer has Stripe's headers."""
        headers = {"Request-Id": new_id("req_", 14), "Stripe-Version": API_VERSION}
        try:
            asked = request.headers.get("stripe-version")
            if asked:
                headers["Stripe-Version"] = version(asked, "Stripe-Version")
            reply = self._routed(request, headers["Request-Id"])
        except ApiError as error:
            reply = Answer(error.status, _encode(error.body()), error.headers)
        key = request.headers.get("idempotency-key")
        reply.headers = headers | ({"Idempotency-Key": key} if key else {}) | reply.headers
        return reply

    def _routed(self, request: Request, request_id: str) -> Answer:
        publishable = _authenticate(request)
        found = match(request.method, request.path)
        if found is None:
            raise ApiError(f"Unrecognized request URL ({request.method}: {request.path}).", status=NOT_FOUND)
        route, object_id = found
        if publishable and not route.browser:
            message = "This API call cannot be made with a publishable API key. Please use a secret API key."
            raise ApiError(message, status=FORBIDDEN, code="secret_key_required")
        with self._store.lock:
            self._calls[route.name] += 1
            fault = self._store.settings.take_fault(request.method, request.path)
        if fault in FAULTS_BEFORE:
            raise _fault(fault)
        raw = decode(_text(request.body) if request.method == "POST" else request.query)
        call = Call(
            store=self._store,
            params=read(raw, route.spec, required=route.required),
            object_id=object_id,
            request_id=request_id,
            idempotency_key=request.headers.get("idempotency-key") if request.method == "POST" else None,
            publishable=publishable,
        )
        return self._damaged(
            self._once(route, call, idempotency.fingerprint(request.method, request.path, raw), fault), fault
        )

    def _once(self, route: Route, call: Call, print_: str, fault: str) -> Answer:
        """Run the handler, or replay what it answered under the same key."""
        key = call.idempotency_key
        with self._store.lock:
            stored = self._keys.begin(key, print_) if key else None
            latency = self._store.settings.latency_ms
        time.sleep(latency / 1000)
        if stored is not None:
            answer = stored["answer"]
            replayed = {"Idempotent-Replayed": "true", "Original-Request": answer["request_id"]}
            return Answer(answer["status"], answer["body"].encode(), replayed)
        try:
            return self._work(route, call, print_, fault)
        finally:
            with self._store.lock:
                self._keys.release(key or "")

    def _work(self, route: Route, call: Call, print_: str, fault: str) -> Answer:
        """The handler's effects and the stored answer become durable together."""
        with self._store.lock:
            reply = _execute(route, call)
            if fault == "500_stored":
                reply = Answer(BROKEN, _encode(_fault("500").body()))
            if call.idempotency_key:
                kept = {"status": reply.status, "body": reply.body.decode(), "request_id": call.request_id}
                self._keys.finish(call.idempotency_key, print_, kept)
            self._store.commit()
        return reply

    @staticmethod
    def _damaged(reply: Answer, fault: str) -> Answer:
        if fault == "truncated":
            reply.body = reply.body[: len(reply.body) // 2]
        reply.cut = fault == "lost"
        return reply


def _execute(route: Route, call: Call) -> Answer:
    try:
        body = route.handler(call)
        expand(call.store, body, call.params.get("expand", []))
    except ApiError as error:
        return Answer(error.status, _encode(error.body()), error.headers)
    return Answer(200, _encode(body))


def _encode(body: Json) -> bytes:
    return json.dumps(body).encode()


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise ApiError("Invalid request: the body is not UTF-8.") from error


def _fault(name: str) -> ApiError:
    if name == str(TOO_MANY):
        headers = {"Retry-After": "1"}
        return ApiError(
            "Too many requests hit the API too quickly.", status=TOO_MANY, code="rate_limit", headers=headers
        )
    return ApiError("An unknown error occurred.", status=int(name), kind="api_error")


def _authenticate(request: Request) -> bool:
    """Whether the key is publishable. Any test key is good; a live key is refused like a wrong one."""
    key = _key(request.headers.get("authorization", ""))
    if key.startswith("sk_test_"):
        return False
    if key.startswith("pk_test_"):
        return True
    if not key:
        raise ApiError("You did not provide an API key.", status=UNAUTHORIZED)
    raise ApiError(f"Invalid API Key provided: {key[:8]}***", status=UNAUTHORIZED)


def _key(header: str) -> str:
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""
