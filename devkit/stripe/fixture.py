"""The twin for tests: a thread on a free port, and nothing on disk unless asked."""

import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from devkit.stripe import confirmation
from devkit.stripe.calls import Call
from devkit.stripe.service import Service
from devkit.stripe.store import new_id

BACKOFF_SECONDS = 0.05
POLL_SECONDS = 0.01


class Twin:
    """A running Stripe twin; stop it, or use it as a context manager."""

    def __init__(
        self, *, webhook_url: str = "", webhook_secret: str = "", state: Path | None = None, port: int = 0
    ) -> None:
        self.secret_key = new_id("sk_test_twin")
        self.publishable_key = new_id("pk_test_twin")
        self.webhook_secret = webhook_secret or new_id("whsec_", 32)
        self._service = Service(port=port, state=state, backoff_s=BACKOFF_SECONDS)
        self.base_url = self._service.base_url
        self.stripe_js_url = f"{self.base_url}/stripe.js"
        if webhook_url:
            self.send_webhooks_to(webhook_url)
        self._service.start()

    def send_webhooks_to(self, url: str) -> str:
        """Deliver every event to ``url``, signed with ``webhook_secret``; returns the endpoint's id."""
        return self._service.register_webhook(url, self.webhook_secret)

    def control(self, **members: Any) -> dict[str, Any]:
        """``POST /_control`` with the members given, or ``GET`` with none; the answer is the same."""
        state = self._service.control.post(members) if members else self._service.control.get()
        self._service.sender.wake()
        return state

    def pay(self, intent_id: str, payment_method: str = "pm_card_visa") -> dict[str, Any]:
        """Confirm as the customer's browser does, and return the intent. A declined card raises ``ApiError``."""
        store = self._service.store
        try:
            with store.lock:
                params = {"payment_method": payment_method, "return_url": f"{self.base_url}/"}
                try:
                    return confirmation.confirm(Call(store, params, intent_id))
                finally:
                    store.commit()
        finally:
            self._service.sender.wake()

    def events(self, kind: str = "") -> list[dict[str, Any]]:
        """The events so far in the order in which they happened, or those of one type."""
        with self._service.store.lock:
            return [event for event in self._service.store.all("events") if kind in ("", event["type"])]

    def wait_delivered(self, *, seconds: float = 5) -> dict[str, int]:
        """Wait until no delivery is waiting and return the counts. ``TimeoutError`` when some still do."""
        deadline = time.monotonic() + seconds
        while (deliveries := self.control()["deliveries"])["waiting"]:
            if time.monotonic() > deadline:
                raise TimeoutError(f"Deliveries still wait: {deliveries}")
            time.sleep(POLL_SECONDS)
        return dict(deliveries)

    def stop(self) -> None:
        """Close the port and end the threads."""
        self._service.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
