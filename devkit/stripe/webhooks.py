"""Deliveries: a thread that sends signed events to the endpoints until each has answered 2xx.

The signature is Stripe's scheme v1: https://docs.stripe.com/webhooks#verify-manually.
"""

import hashlib
import hmac
import http.client
import json
import random
import time
from threading import Event, Thread
from urllib.parse import urlsplit

from devkit.stripe import events, refunds
from devkit.stripe.constants import API_VERSION
from devkit.stripe.endpoints import signing_secrets
from devkit.stripe.store import Json, Store, render

TIMEOUT_SECONDS = 10
BACKOFF_MAX_SECONDS = 60
GIVE_UP_AFTER_SECONDS = 3 * 24 * 3600
IDLE_SECONDS = 0.25
STOP_SECONDS = 2
ORDERS = ("fifo", "reverse", "shuffle")


def signature(body: bytes, secrets: list[str], moment: int) -> str:
    """The value of ``Stripe-Signature``, with one ``v1`` for each secret."""
    signed = str(moment).encode() + b"." + body
    marks = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={moment}", *(f"v1={mark}" for mark in marks)])


class Sender(Thread):
    """Takes what is due, one after the other; a failed delivery waits ``backoff_s``, then twice as long each time."""

    def __init__(self, store: Store, *, backoff_s: float) -> None:
        super().__init__(name="twin-webhooks", daemon=True)
        self._store = store
        self._backoff_s = backoff_s
        self._random = random.Random(0)
        self._wake = Event()
        self._stopped = False

    def wake(self) -> None:
        """Something may have become due."""
        self._wake.set()

    def stop(self) -> None:
        """End, after the delivery under way if it is quick; one that is cut short waits for the next start."""
        self._stopped = True
        self._wake.set()
        self.join(STOP_SECONDS)

    def run(self) -> None:
        """Deliver until stopped."""
        while not self._stopped:
            self._wake.clear()
            with self._store.lock:
                refunds.fail_due(self._store)
                delivery = self._next()
                prepared = self._prepare(delivery) if delivery else None
            if delivery is None:
                self._wake.wait(IDLE_SECONDS)
                continue
            accepted = prepared is not None and _post(*prepared)
            with self._store.lock:
                self._settle(delivery, accepted=accepted)
                self._store.commit()

    def _next(self) -> Json | None:
        webhooks, moment = self._store.settings.webhooks, time.time()
        due = [waiting for waiting in self._store.all("waiting_deliveries") if waiting["due"] <= moment]
        if webhooks.paused or not due:
            return None
        if webhooks.order == "shuffle":
            return self._random.choice(due)
        return due[-1] if webhooks.order == "reverse" else due[0]

    def _prepare(self, delivery: Json) -> tuple[str, bytes, str] | None:
        """Address, body and signature; None when the endpoint is gone or disabled."""
        endpoint = self._store.get("webhook_endpoints", delivery["endpoint"])
        event = self._store.get("events", delivery["event"])
        if endpoint is None or event is None or endpoint["status"] != "enabled":
            return None
        shown = render(event) | {"api_version": endpoint["api_version"] or API_VERSION}
        body = json.dumps(shown, indent=2).encode()
        return endpoint["url"], body, signature(body, signing_secrets(self._store, endpoint), self._store.now())

    def _settle(self, delivery: Json, *, accepted: bool) -> None:
        if self._store.get("waiting_deliveries", delivery["id"]) is None:
            return
        event, moment = self._store.get("events", delivery["event"]), time.time()
        endpoint = self._store.get("webhook_endpoints", delivery["endpoint"])
        over = endpoint is None or endpoint["status"] != "enabled" or moment - delivery["since"] > GIVE_UP_AFTER_SECONDS
        if not accepted and not over:
            delivery["attempts"] += 1
            delivery["due"] = moment + min(self._backoff_s * 2 ** (delivery["attempts"] - 1), BACKOFF_MAX_SECONDS)
            self._store.put("waiting_deliveries", delivery)
            return
        self._store.remove("waiting_deliveries", delivery["id"])
        if event is not None:
            events.note(event, delivery["endpoint"], "delivered" if accepted else "failed")
            self._store.put("events", event)


def _post(url: str, body: bytes, signed: str) -> bool:
    """Send one delivery; True when it was answered with 2xx."""
    parts = urlsplit(url)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": signed,
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    }
    target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("POST", target, body, headers)
        return connection.getresponse().status // 100 == 2
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
