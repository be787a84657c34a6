"""``Idempotency-Key``: https://docs.stripe.com/api/idempotent_requests. The caller holds the store's lock."""

import hashlib
import json
from typing import Any

from devkit.stripe.constants import IDEMPOTENCY_KEY_MAX_LENGTH, IDEMPOTENCY_LIFETIME_SECONDS
from devkit.stripe.errors import ApiError
from devkit.stripe.store import Json, Store

CONFLICT = 409


def fingerprint(method: str, path: str, raw: dict[str, Any]) -> str:
    """What a key is bound to: the endpoint and its parameters."""
    return hashlib.sha256(json.dumps([method, path, raw], sort_keys=True).encode()).hexdigest()


class Keys:
    """Which keys are running and what the finished ones answered."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._running: set[str] = set()

    def begin(self, key: str, print_: str) -> Json | None:
        """The stored answer to replay, or None: then the caller works, calls ``finish``, and always ``release``."""
        if len(key) > IDEMPOTENCY_KEY_MAX_LENGTH:
            message = f"Idempotency keys may be up to {IDEMPOTENCY_KEY_MAX_LENGTH} characters long."
            raise ApiError(message, kind="idempotency_error")
        if key in self._running:
            message = f"There is currently another in-progress request using this Idempotent Key ({key})."
            raise ApiError(message, status=CONFLICT, kind="idempotency_error", code="idempotency_key_in_use")
        stored = self._alive(key)
        if stored is None:
            self._running.add(key)
            return None
        if stored["fingerprint"] != print_:
            raise ApiError(
                "Keys for idempotent requests can only be used with the same endpoint and parameters they were first "
                f"used with. Try using a key other than '{key}' if you meant to execute a different request.",
                kind="idempotency_error",
            )
        return stored

    def _alive(self, key: str) -> Json | None:
        stored = self._store.get("idempotency_keys", key)
        if stored is not None and stored["created"] + IDEMPOTENCY_LIFETIME_SECONDS <= self._store.now():
            self._store.remove("idempotency_keys", key)
            return None
        return stored

    def finish(self, key: str, print_: str, answer: Json) -> None:
        """Store what was answered, to be replayed for the key's lifetime."""
        self._store.put(
            "idempotency_keys", {"id": key, "created": self._store.now(), "fingerprint": print_, "answer": answer}
        )

    def release(self, key: str) -> None:
        """The request is over, however it went."""
        self._running.discard(key)
