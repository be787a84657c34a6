"""One call of the API on its way through the handlers."""

from dataclasses import dataclass, field
from typing import Any

from devkit.stripe.errors import missing
from devkit.stripe.store import Json, Store, render

BROWSER_FIELDS = frozenset(
    [
        "id",
        "object",
        "amount",
        "amount_details",
        "automatic_payment_methods",
        "canceled_at",
        "cancellation_reason",
        "capture_method",
        "client_secret",
        "confirmation_method",
        "created",
        "currency",
        "description",
        "last_payment_error",
        "livemode",
        "next_action",
        "payment_method",
        "payment_method_types",
        "processing",
        "receipt_email",
        "setup_future_usage",
        "shipping",
        "status",
    ]
)
"""What a publishable key may see of a payment intent: no metadata and no charge."""


@dataclass
class Call:
    """Checked parameters, the id in the path, and who asks; without a request id, nobody did: Stripe acts by itself."""

    store: Store
    params: dict[str, Any] = field(default_factory=dict)
    object_id: str = ""
    request_id: str | None = None
    idempotency_key: str | None = None
    publishable: bool = False

    def find(self, kind: str, noun: str, *, param: str = "id") -> Json:
        """The object that the path names, or Stripe's 404."""
        stored = self.store.get(kind, self.object_id)
        if stored is None:
            raise missing(noun, self.object_id, param=param)
        return stored

    def show(self, intent: Json) -> Json:
        """A payment intent as this caller may see it."""
        shown = render(intent)
        return {name: shown[name] for name in shown if name in BROWSER_FIELDS} if self.publishable else shown
