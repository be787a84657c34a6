"""From Stripe's objects and errors to the core's."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import stripe

from payments.constants import DisputeFunds, DisputeStatus, RefundState, Status
from payments.providers import errors
from payments.providers.protocol import (
    Answer,
    BalanceEntry,
    DisputeSnapshot,
    EntryKind,
    PayoutSnapshot,
    RefundSnapshot,
    Snapshot,
)
from payments.providers.stripe.constants import SERVER_ERROR, TOO_MANY
from payments.providers.stripe.currencies import from_stripe

STATUSES = {
    "requires_payment_method": Status.REQUIRES_PAYMENT_METHOD,
    "requires_confirmation": Status.REQUIRES_PAYMENT_METHOD,
    "requires_action": Status.REQUIRES_ACTION,
    "processing": Status.PROCESSING,
    "requires_capture": Status.AUTHORIZED,
    "succeeded": Status.SUCCEEDED,
    "canceled": Status.CANCELED,
}
# By the words of Stripe's reports, which are finer than its types: a dispute's type is only `adjustment`.
KINDS = {kind.value: kind for kind in EntryKind}
KEY_IN_USE = "idempotency_key_in_use"
NOT_THERE = 404


def snapshot(intent: Mapping[str, Any], *, as_of: int = 0, answer: Answer | None = None) -> Snapshot:
    """A PaymentIntent as the core sees it. Raises KeyError or TypeError for an object of another shape."""
    currency = intent["currency"].upper()
    amount, rest = from_stripe(intent["amount"], currency)
    received, received_rest = from_stripe(intent["amount_received"], currency)
    error = intent.get("last_payment_error") or {}
    return Snapshot(
        ref=intent["id"],
        status=STATUSES[intent["status"]],
        raw_status=intent["status"],
        amount=amount,
        amount_received=received,
        provider_amount=intent["amount_received"],
        currency=currency,
        livemode=intent["livemode"],
        exact=not rest and not received_rest,
        metadata=dict(intent.get("metadata") or {}),
        charge_ref=ref_of(intent.get("latest_charge")),
        client_secret=intent.get("client_secret") or "",
        error_code=error.get("decline_code") or error.get("code") or "",
        error_message=error.get("message") or "",
        as_of=as_of,
        created=intent["created"],
        entry=_entry_of(intent.get("latest_charge")),
        answer=answer or Answer(),
    )


def refund_snapshot(refund: Mapping[str, Any], *, answer: Answer | None = None) -> RefundSnapshot:
    """A Refund as the core sees it."""
    currency = refund["currency"].upper()
    amount, rest = from_stripe(refund["amount"], currency)
    return RefundSnapshot(
        ref=refund["id"],
        state=RefundState(refund["status"]),
        amount=amount,
        exact=not rest,
        currency=currency,
        payment_ref=ref_of(refund.get("payment_intent")),
        reason=refund.get("reason") or "",
        failure_reason=refund.get("failure_reason") or "",
        metadata=dict(refund.get("metadata") or {}),
        answer=answer or Answer(),
    )


def dispute_snapshot(dispute: Mapping[str, Any]) -> DisputeSnapshot:
    """A Dispute as the core sees it; its balance transactions tell where the money is."""
    currency = dispute["currency"].upper()
    amount, rest = from_stripe(dispute["amount"], currency)
    due = (dispute.get("evidence_details") or {}).get("due_by")
    entries = tuple(balance_entry(entry) for entry in dispute.get("balance_transactions") or ())
    return DisputeSnapshot(
        ref=dispute["id"],
        status=DisputeStatus(dispute["status"]),
        funds=_funds(entries),
        amount=amount,
        exact=not rest,
        currency=currency,
        payment_ref=ref_of(dispute.get("payment_intent")),
        opened_at=_instant(dispute["created"]),
        reason=dispute.get("reason") or "",
        evidence_due_by=_instant(due) if due else None,
        entries=entries,
    )


def _funds(entries: tuple[BalanceEntry, ...]) -> DisputeFunds:
    if any(entry.kind == EntryKind.DISPUTE_REVERSAL for entry in entries):
        return DisputeFunds.REINSTATED
    return DisputeFunds.WITHDRAWN if entries else DisputeFunds.NONE


def balance_entry(entry: Mapping[str, Any]) -> BalanceEntry:
    """A BalanceTransaction as the core sees it."""
    currency = entry["currency"].upper()
    (amount, rest), (fee, rest_fee) = (from_stripe(entry[name], currency) for name in ("amount", "fee"))
    return BalanceEntry(
        ref=entry["id"],
        kind=KINDS.get(entry.get("reporting_category") or "", EntryKind.OTHER),
        amount=amount,
        fee=fee,
        net=amount - fee,
        currency=currency,
        source_ref=ref_of(entry.get("source")),
        created=_instant(entry["created"]),
        description=entry.get("description") or "",
        rest_net=rest - rest_fee,
        rest_fee=rest_fee,
    )


def _entry_of(charge: Any) -> BalanceEntry | None:
    """The balance transaction of a charge, where both were expanded."""
    entry = charge.get("balance_transaction") if isinstance(charge, Mapping) else None
    return balance_entry(entry) if isinstance(entry, Mapping) else None


def payout_snapshot(payout: Mapping[str, Any]) -> PayoutSnapshot:
    """A Payout as the core sees it."""
    currency = payout["currency"].upper()
    amount, rest = from_stripe(payout["amount"], currency)
    return PayoutSnapshot(
        ref=payout["id"],
        state=payout["status"],
        amount=amount,
        rest=rest,
        currency=currency,
        created=_instant(payout["created"]),
        complete=payout.get("reconciliation_status") == "completed",
    )


def _instant(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def ref_of(value: Any) -> str:
    """The id of a reference, expanded or not; empty for none."""
    if isinstance(value, Mapping):
        return str(value.get("id") or "")
    return value if isinstance(value, str) else ""


def answer_of(thing: stripe.StripeObject) -> Answer:
    """Status and request id of the answer that an object came in."""
    response = thing.last_response
    return Answer(response.code, response.request_id or "") if response else Answer()


def date_of(thing: stripe.StripeObject) -> int:
    """The provider's clock when it answered, in seconds; 0 without a Date header."""
    response = thing.last_response
    raw = response.headers.get("Date") if response and response.headers else None
    try:
        return int(parsedate_to_datetime(raw).timestamp()) if raw else 0
    except ValueError:
        return 0


@contextmanager
def reading() -> Iterator[None]:
    """Errors of calls that change nothing: whatever was lost may simply be asked again."""
    with _translated(lambda error, answer: errors.Unavailable(_text(error), answer=answer)):
        yield


@contextmanager
def writing() -> Iterator[None]:
    """Errors of calls that change something: without an answer nobody knows whether Stripe acted."""
    with _translated(
        lambda error, answer: errors.OutcomeUnknown(_text(error), final=_is_replayed(error), answer=answer)
    ):
        yield


@contextmanager
def _translated(lost: Callable[[stripe.StripeError, Answer], errors.ProviderError]) -> Iterator[None]:
    try:
        yield
    except stripe.StripeError as error:
        answer = Answer(error.http_status or 0, error.request_id or "")
        raise _refusal(error, answer) or lost(error, answer) from error


def _refusal(error: stripe.StripeError, answer: Answer) -> errors.ProviderError | None:
    """The error of an answer that is certain; None where the outcome is not."""
    code = error.code or ""
    if isinstance(error, stripe.RateLimitError) or answer.http_status == TOO_MANY:
        return errors.Unavailable(_text(error), retry_after=_retry_after(error), answer=answer)
    if isinstance(error, stripe.CardError):
        return errors.Declined(_text(error), code=code, answer=answer)
    if code == KEY_IN_USE or isinstance(error, stripe.APIConnectionError) or answer.http_status >= SERVER_ERROR:
        return None
    if answer.http_status == NOT_THERE:
        return errors.NotFound(_text(error), code=code, param=_param(error), answer=answer)
    certain = stripe.InvalidRequestError, stripe.AuthenticationError, stripe.PermissionError, stripe.IdempotencyError
    if isinstance(error, certain):
        return errors.InvalidRequest(_text(error), code=code, param=_param(error), answer=answer)
    return None


def _param(error: stripe.StripeError) -> str:
    return getattr(error, "param", "") or ""


def _is_replayed(error: stripe.StripeError) -> bool:
    """Whether Stripe answered from its memory of the key: it will do so again."""
    return _header(error, "idempotent-replayed") == "true"


def _retry_after(error: stripe.StripeError) -> float:
    raw = _header(error, "retry-after")
    return float(raw) if raw.isdecimal() else 1.0


def _header(error: stripe.StripeError, wanted: str) -> str:
    return next((value for name, value in (error.headers or {}).items() if name.lower() == wanted), "")


def _text(error: stripe.StripeError) -> str:
    return error.user_message or type(error).__name__
