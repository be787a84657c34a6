"""Every call of the API that the twin answers, with the parameters that it takes."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from devkit.stripe import charges, confirmation, disputes, endpoints, events, intents, payouts, refunds
from devkit.stripe.calls import Call
from devkit.stripe.params import EXPAND, Spec
from devkit.stripe.store import Json


@dataclass(frozen=True)
class Route:
    """``{id}`` in the path stands for an object's id; ``browser`` routes are open to publishable keys."""

    method: str
    path: str
    handler: Callable[[Call], Json]
    spec: Spec = field(default_factory=dict)
    required: tuple[str, ...] = ()
    browser: bool = False

    @property
    def name(self) -> str:
        """The key of this route in the control page's ``calls``."""
        return f"{self.method} {self.path}"


ROUTES = (
    Route("POST", "/v1/payment_intents", intents.create, intents.CREATE_SPEC, ("amount", "currency")),
    Route("GET", "/v1/payment_intents", intents.list_page, intents.LIST_SPEC),
    Route("GET", "/v1/payment_intents/{id}", intents.retrieve, intents.RETRIEVE_SPEC, browser=True),
    Route("POST", "/v1/payment_intents/{id}", intents.update, intents.UPDATE_SPEC),
    Route("POST", "/v1/payment_intents/{id}/confirm", confirmation.confirm, confirmation.SPEC, browser=True),
    Route("POST", "/v1/payment_intents/{id}/capture", intents.capture, intents.CAPTURE_SPEC),
    Route("POST", "/v1/payment_intents/{id}/cancel", intents.cancel, intents.CANCEL_SPEC),
    Route("GET", "/v1/charges", charges.list_page, charges.LIST_SPEC),
    Route("GET", "/v1/charges/{id}", charges.retrieve, EXPAND),
    Route("POST", "/v1/refunds", refunds.create, refunds.CREATE_SPEC),
    Route("GET", "/v1/refunds", refunds.list_page, refunds.LIST_SPEC),
    Route("GET", "/v1/refunds/{id}", refunds.retrieve, EXPAND),
    Route("POST", "/v1/refunds/{id}", refunds.update, refunds.UPDATE_SPEC),
    Route("GET", "/v1/disputes", disputes.list_page, disputes.LIST_SPEC),
    Route("GET", "/v1/disputes/{id}", disputes.retrieve, EXPAND),
    Route("POST", "/v1/disputes/{id}", disputes.update, disputes.UPDATE_SPEC),
    Route("POST", "/v1/disputes/{id}/close", disputes.accept, EXPAND),
    Route("GET", "/v1/payouts", payouts.list_page, payouts.LIST_SPEC),
    Route("GET", "/v1/payouts/{id}", payouts.retrieve, EXPAND),
    Route("GET", "/v1/balance_transactions", charges.list_balance_transactions, charges.BALANCE_LIST_SPEC),
    Route("GET", "/v1/balance_transactions/{id}", charges.retrieve_balance_transaction, EXPAND),
    Route("GET", "/v1/events", events.list_page, events.LIST_SPEC),
    Route("GET", "/v1/events/{id}", events.retrieve, EXPAND),
    Route("POST", "/v1/webhook_endpoints", endpoints.create, endpoints.CREATE_SPEC, ("url", "enabled_events")),
    Route("GET", "/v1/webhook_endpoints", endpoints.list_page, endpoints.LIST_SPEC),
    Route("GET", "/v1/webhook_endpoints/{id}", endpoints.retrieve, EXPAND),
    Route("POST", "/v1/webhook_endpoints/{id}", endpoints.update, endpoints.UPDATE_SPEC),
    Route("DELETE", "/v1/webhook_endpoints/{id}", endpoints.delete),
)

_PATTERNS = [(re.compile(route.path.replace("{id}", "([A-Za-z0-9_]+)")), route) for route in ROUTES]


def match(method: str, path: str) -> tuple[Route, str] | None:
    """The route of a call and the id in its path, or None."""
    for pattern, route in _PATTERNS:
        found = pattern.fullmatch(path)
        if found and route.method == method:
            return route, found.group(1) if pattern.groups else ""
    return None
