"""``/_control``: how a test looks into the twin and makes things happen that nobody asks Stripe for."""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from devkit.stripe import confirmation, disputes, endpoints, events, payouts, refunds
from devkit.stripe.calls import Call
from devkit.stripe.errors import ApiError, missing
from devkit.stripe.settings import Fault, Settings, Webhooks
from devkit.stripe.store import Json, Store
from devkit.stripe.webhooks import ORDERS

FAULTS_BEFORE = ("429", "500", "503")
FAULTS_AFTER = ("lost", "truncated", "500_stored")
HIDDEN_KINDS = frozenset({"waiting_deliveries", "failing_refunds"})
DELIVERY_STATES = ("delivered", "failed", "lost")


class Control:
    """Reads and changes the twin as a whole."""

    def __init__(self, store: Store, calls: Counter[str]) -> None:
        self._store = store
        self._calls = calls
        self._members: dict[str, Callable[[Any], None]] = {
            "reset": self._reset,
            "clock_offset_s": self._clock_offset,
            "latency_ms": self._latency,
            "faults": self._faults,
            "webhooks": self._webhooks,
            "resend": self._resend,
            "act": self._act,
        }

    def get(self) -> Json:
        """Settings, number of objects by kind, calls by route, deliveries by how they ended."""
        with self._store.lock:
            counts = {kind: count for kind, count in self._store.counts().items() if kind not in HIDDEN_KINDS}
            tally = Counter({"waiting": len(self._store.all("waiting_deliveries"))} | dict.fromkeys(DELIVERY_STATES, 0))
            for event in self._store.all("events"):
                tally.update(event["_tally"])
            settings = asdict(self._store.settings)
            return {"settings": settings, "objects": counts, "calls": dict(self._calls), "deliveries": dict(tally)}

    def post(self, members: Any) -> Json:
        """Apply the members in the order of the table, ``reset`` first; an unknown one refuses all of them."""
        if not isinstance(members, dict):
            raise ApiError("Send a JSON object.")
        unknown = sorted(set(members) - set(self._members))
        if unknown:
            raise ApiError(f"Unknown member: {', '.join(unknown)}", param=unknown[0])
        with self._store.lock:
            try:
                for name, apply in self._members.items():
                    if name in members:
                        apply(members[name])
                refunds.fail_due(self._store)
            finally:
                self._store.settings_changed()
                self._store.commit()
            return self.get()

    def _reset(self, value: Any) -> None:
        if value is not True:
            raise ApiError("reset takes true.", param="reset")
        for kind in self._store.counts():
            for stored in self._store.all(kind):
                if not stored.get("_own"):
                    self._store.remove(kind, stored["id"])
        self._store.settings = Settings()
        self._calls.clear()

    def _clock_offset(self, value: Any) -> None:
        self._store.settings.clock_offset_s = whole(value, "clock_offset_s")

    def _latency(self, value: Any) -> None:
        self._store.settings.latency_ms = whole(value, "latency_ms", least=0)

    def _faults(self, value: Any) -> None:
        if not isinstance(value, list):
            raise ApiError("faults takes an array.", param="faults")
        self._store.settings.faults = [_fault(item) for item in value]

    def _webhooks(self, value: Any) -> None:
        _members(value, "webhooks", allowed={"paused", "lose", "repeat", "order"})
        webhooks = Webhooks(**{**asdict(self._store.settings.webhooks), **value})
        whole(webhooks.lose, "lose", least=0)
        whole(webhooks.repeat, "repeat", least=1)
        if not isinstance(webhooks.paused, bool) or webhooks.order not in ORDERS:
            raise ApiError(f"webhooks: paused is a boolean, order one of {', '.join(ORDERS)}.", param="webhooks")
        self._store.settings.webhooks = webhooks

    def _resend(self, value: Any) -> None:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ApiError("resend takes an array of event ids.", param="resend")
        for event_id in value:
            events.resend(self._store, event_id)

    def _act(self, value: Any) -> None:
        deeds = {
            "authenticate": self._authenticate,
            "refund_fail": self._refund_fail,
            "dispute_close": self._dispute_close,
            "payout": self._payout,
            "payout_fail": self._payout_fail,
            "roll_secret": self._roll_secret,
        }
        _members(value, "act", allowed={"do", "id", "outcome", "secret", "currency"})
        if value.get("do") not in deeds:
            raise ApiError(f"act needs do, one of {', '.join(deeds)}.", param="act")
        deeds[value["do"]](value)

    def _named(self, act: Json, kind: str, noun: str) -> Json:
        if not isinstance(act.get("id"), str):
            raise ApiError(f"{act['do']} needs the id of a {noun}.", param="act")
        found = self._store.get(kind, act["id"])
        if found is None:
            raise missing(noun, act["id"])
        return found

    def _authenticate(self, act: Json) -> None:
        intent = self._named(act, "payment_intents", "payment_intent")
        confirmation.authenticate(Call(self._store), intent, passed=outcome(act))

    def _refund_fail(self, act: Json) -> None:
        refunds.fail(Call(self._store), self._named(act, "refunds", "refund"))

    def _dispute_close(self, act: Json) -> None:
        dispute = self._named(act, "disputes", "dispute")
        if act.get("outcome") not in ("won", "lost"):
            raise ApiError("outcome is won or lost.", param="outcome")
        disputes.close(Call(self._store), dispute, won=act["outcome"] == "won")

    def _payout(self, act: Json) -> None:
        if "id" in act or not isinstance(act.get("currency"), str):
            raise ApiError("payout needs a currency and no id.", param="currency")
        payouts.pay_out(Call(self._store), act["currency"].lower())

    def _payout_fail(self, act: Json) -> None:
        payouts.fail(Call(self._store), self._named(act, "payouts", "payout"))

    def _roll_secret(self, act: Json) -> None:
        endpoint = self._named(act, "webhook_endpoints", "webhook endpoint")
        if not isinstance(act.get("secret"), str) or not act["secret"]:
            raise ApiError("roll_secret needs a secret.", param="secret")
        endpoints.roll_secret(self._store, endpoint, act["secret"])


def outcome(members: Json) -> bool:
    """Whether 3-D Secure was passed."""
    if members.get("outcome") not in ("pass", "fail"):
        raise ApiError("outcome is pass or fail.", param="outcome")
    return bool(members["outcome"] == "pass")


def whole(value: Any, name: str, *, least: int | None = None) -> int:
    """A JSON integer, at least ``least``."""
    if not isinstance(value, int) or isinstance(value, bool) or (least is not None and value < least):
        raise ApiError(f"{name} takes an integer{'' if least is None else f' from {least}'}.", param=name)
    return value


def _members(value: Any, name: str, *, allowed: set[str]) -> None:
    if not isinstance(value, dict) or set(value) - allowed:
        raise ApiError(f"{name} takes an object with {', '.join(sorted(allowed))}.", param=name)


def _fault(item: Any) -> Fault:
    _members(item, "faults", allowed={"fault", "method", "path", "times"})
    if item.get("fault") not in FAULTS_BEFORE + FAULTS_AFTER:
        raise ApiError(f"fault is one of {', '.join(FAULTS_BEFORE + FAULTS_AFTER)}.", param="faults")
    fault = Fault(**item)
    whole(fault.times, "times", least=1)
    if not isinstance(fault.method, str) or not isinstance(fault.path, str):
        raise ApiError("method and path are strings.", param="faults")
    return fault
