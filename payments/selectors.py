"""Reads of payments; nothing here writes."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Max, Prefetch, QuerySet, Sum
from django.urls import reverse
from django.utils.translation import gettext as _

from bookings.selectors import booking_for
from common.attention import Attention
from common.clock import adjusted
from common.errors import NotFound
from common.health import Check
from payments.constants import (
    ANSWERABLE_DISPUTES,
    INQUIRIES,
    OPEN_STATUSES,
    DisputeFunds,
    DisputeState,
    DisputeStatus,
    PaymentState,
    Posting,
    Provider,
    RefundOrigin,
    RefundState,
    Status,
)
from payments.models import Dispute, Drift, LedgerTransaction, Payment, PaymentEvent, Refund
from payments.providers import chargeable, configured
from payments.providers.protocol import Snapshot

VIEW_PERMISSION = "payments.view_payment"
_STANDING = """
SELECT clock_timestamp(), coalesce(max(attempt), 0),
       coalesce(bool_or(wanted AND status = %s AND provider <> %s), false),
       coalesce(bool_or(wanted AND status = ANY(%s)), false)
FROM (SELECT *, purpose = %s AND is_current AS wanted FROM payments_payment WHERE booking_id = %s) AS payment
"""


def payment_for(*, payment_id: uuid.UUID, grant_or_user: Any) -> Payment:
    """The payment, for the holder of its booking's token or staff who may see bookings; NotFound otherwise."""
    payment = Payment.objects.select_related("booking").filter(pk=payment_id).first()
    if payment is None:
        raise NotFound
    booking_for(booking_id=payment.booking_id, grant_or_user=grant_or_user)
    return payment


def payment_by_id(payment_id: uuid.UUID | str) -> Payment:
    """Any payment, for callers that have proved their right to it; NotFound for an unknown id or what is none."""
    try:
        payment = Payment.objects.select_related("booking").filter(pk=payment_id).first()
    except ValidationError:
        raise NotFound from None
    if payment is None:
        raise NotFound
    return payment


def payments_of(booking_id: uuid.UUID) -> QuerySet[Payment]:
    """A booking's payments, newest first."""
    return Payment.objects.select_related("booking").filter(booking=booking_id).order_by("-created_at", "-id")


def live_payment(*, booking_id: uuid.UUID, purpose: str) -> Payment | None:
    """The payment that keeps others for the same purpose away: open or succeeded, and not made by hand."""
    live = payments_of(booking_id).filter(
        purpose=purpose, is_current=True, status__in=(*OPEN_STATUSES, Status.SUCCEEDED)
    )
    return live.exclude(provider=Provider.OFFLINE).first()


@dataclass(frozen=True, slots=True)
class Standing:
    """What a booking's payments for one purpose come to at the instant `now`."""

    now: datetime
    last_attempt: int
    is_paid: bool
    has_closed: bool


def standing(*, booking_id: uuid.UUID, purpose: str) -> Standing:
    """The time and the payments by one query; needs the booking's lock to stay true.

    `is_paid`: a provider's current payment succeeded. `has_closed`: a current one failed or was cancelled.
    """
    with connection.cursor() as cursor:
        closed = [Status.FAILED.value, Status.CANCELED.value]
        cursor.execute(_STANDING, [Status.SUCCEEDED, Provider.OFFLINE, closed, purpose, booking_id])
        now, last, is_paid, has_closed = cursor.fetchone()
    return Standing(adjusted(now), last, is_paid, has_closed)


def next_attempt(booking_id: uuid.UUID) -> int:
    """The number of the booking's next payment; needs the booking's lock to stay true."""
    return (Payment.objects.filter(booking=booking_id).aggregate(last=Max("attempt"))["last"] or 0) + 1


def newest_payment(booking_id: uuid.UUID) -> Payment | None:
    """What a waiting customer wants to know about: the newest payment of the booking."""
    return payments_of(booking_id).first()


def receipts_of(booking_id: uuid.UUID) -> QuerySet[Payment]:
    """A booking's payments that arrived, oldest first."""
    paid = Payment.objects.filter(booking=booking_id, status=Status.SUCCEEDED)
    first = Prefetch("postings", LedgerTransaction.objects.filter(kind=Posting.CAPTURE))
    return paid.order_by("created_at", "id").prefetch_related(first)


def arrived_at(payment: Payment) -> datetime:
    """When the money came: as staff say, else when it was posted (prefetch `postings` to spare a query a row)."""
    return payment.received_at or next((one.occurred_at for one in payment.postings.all()), payment.created_at)


def match(snapshot: Snapshot, *, provider: str) -> Payment | None:
    """Our row for what a provider shows: by the provider's id, else by the id that we gave it as metadata."""
    found = Payment.objects.filter(
        provider=provider, livemode=snapshot.livemode, provider_ref=snapshot.ref
    ).first()  # fmt: skip
    ours = metadata_id(snapshot.metadata, "payment_id")
    return found or (Payment.objects.filter(pk=ours).first() if ours else None)


def is_ours(snapshot: Snapshot) -> bool:
    """Whether the provider's object carries an id of a payment of ours."""
    return metadata_id(snapshot.metadata, "payment_id") is not None


def metadata_id(metadata: Mapping[str, str], name: str) -> uuid.UUID | None:
    """An id of ours in a provider's metadata; None when there is none, or something else."""
    try:
        return uuid.UUID(metadata[name])
    except (KeyError, ValueError, AttributeError, TypeError):
        return None


def payment_state(payment: Payment) -> str:
    """The state for readers: a member of `PaymentState`."""
    if payment.review_reason:
        return PaymentState.NEEDS_REVIEW
    if payment.status != Status.SUCCEEDED:
        waits = payment.status in {Status.PROCESSING, Status.AUTHORIZED}
        return PaymentState.PENDING if waits else PaymentState.UNPAID
    if payment.dispute_state == DisputeState.LOST:
        return PaymentState.CHARGED_BACK
    if payment.dispute_state == DisputeState.OPEN:
        return PaymentState.DISPUTED
    if not payment.amount_refunded:
        return PaymentState.PAID
    whole = payment.amount_refunded >= payment.amount_captured
    return PaymentState.REFUNDED if whole else PaymentState.PARTIALLY_REFUNDED


def holds_money(dispute: Dispute) -> bool:
    """Whether a dispute keeps its amount from us: while a real one is open, and for as long as the money is away."""
    fought = dispute.closed_at is None and dispute.status not in INQUIRIES
    return fought or dispute.funds == DisputeFunds.WITHDRAWN


def dispute_state(disputes: Iterable[Dispute]) -> DisputeState:
    """What all disputes of a payment come to: an open one counts first, then a lost one."""
    states = {_dispute_state(one) for one in disputes}
    order = (DisputeState.OPEN, DisputeState.LOST, DisputeState.INQUIRY, DisputeState.WON)
    return next((state for state in order if state in states), DisputeState.NONE)


def _dispute_state(dispute: Dispute) -> DisputeState:
    if dispute.closed_at is None:
        return DisputeState.INQUIRY if dispute.status in INQUIRIES else DisputeState.OPEN
    ended = {DisputeStatus.WON: DisputeState.WON, DisputeStatus.LOST: DisputeState.LOST}
    return ended.get(DisputeStatus(dispute.status), DisputeState.NONE)


def refunds_of(payment_id: uuid.UUID) -> QuerySet[Refund]:
    """A payment's refunds, newest first."""
    return Refund.objects.filter(payment=payment_id).order_by("-created_at", "-id")


def events_of(payment_id: uuid.UUID) -> QuerySet[PaymentEvent]:
    """What the provider told us about a payment, newest first, without the payloads."""
    return PaymentEvent.objects.filter(payment=payment_id).defer("payload").order_by("-received_at", "-id")


def dispute_by_id(dispute_id: uuid.UUID | str) -> Dispute:
    """Any dispute with its payment, for callers that have proved their right to it; NotFound for an unknown id."""
    try:
        found = Dispute.objects.select_related("payment__booking").filter(pk=dispute_id).first()
    except ValidationError:
        raise NotFound from None
    if found is None:
        raise NotFound
    return found


def refunds_by_hand(refunds: QuerySet[Refund]) -> QuerySet[Refund]:
    """Of these, the ones that a person must make and record with a receipt."""
    return refunds.filter(origin=RefundOrigin.MANUAL, state=RefundState.REQUESTED)


def refund_by_id(refund_id: uuid.UUID | str) -> Refund:
    """Any refund, for callers that have proved their right to it; NotFound for an unknown id or what is none."""
    try:
        found = Refund.objects.select_related("payment").filter(pk=refund_id).first()
    except ValidationError:
        raise NotFound from None
    if found is None:
        raise NotFound
    return found


def received_currency(payment: Payment) -> str:
    """The currency of what arrived, which need not be what was asked for."""
    return payment.provider_currency or payment.currency


def refundable(payment: Payment) -> int:
    """What of a payment can still be paid back."""
    reserved = payment.amount_refunded + payment.amount_refund_pending + payment.amount_disputed
    return max(0, payment.amount_captured - reserved)


def refund_pending_of(booking_id: uuid.UUID) -> int:
    """What is on its way back to a booking's customer."""
    found = Payment.objects.filter(booking=booking_id).aggregate(total=Sum("amount_refund_pending"))
    return int(found["total"] or 0)


def has_failed_refund(booking_id: uuid.UUID) -> bool:
    """Whether a refund of ours for this booking was refused, so that staff must see to it."""
    return Refund.objects.filter(payment__booking=booking_id, state=RefundState.FAILED).exists()


def mode() -> str:
    """`off`, `twin`, `test` or `live`."""
    return str(settings.PAYMENTS_MODE)


def health() -> Check:
    """Whether payments are configured, and in which mode."""
    mode = settings.PAYMENTS_MODE
    if mode == "off":
        return Check("payments", "degraded", "payments_not_configured", {"mode": mode})
    if not any(secret.strip() for secret in settings.STRIPE_WEBHOOK_SECRET):
        return Check("payments", "degraded", "webhook_secret_missing", {"mode": mode})
    return Check("payments", "ok", "", {"mode": mode})


def needs_you() -> list[Attention]:
    """What of the payments waits for staff."""
    payments = reverse("admin:payments_payment_changelist")
    drifts = reverse("admin:payments_drift_changelist")
    refunds = reverse("admin:payments_refund_changelist")
    review = Payment.objects.filter(review_reason__isnull=False).count()
    drift = Drift.objects.filter(resolved_at__isnull=True).count()
    failed = Refund.objects.filter(state=RefundState.FAILED).count()
    by_hand = refunds_by_hand(Refund.objects.all()).count()
    disputed = reverse("admin:payments_dispute_changelist")
    to_answer = Dispute.objects.filter(status__in=ANSWERABLE_DISPUTES).count()
    return [
        Attention(_("payments to look at"), review, f"{payments}?review=yes", VIEW_PERMISSION),
        Attention(_("differences from the provider"), drift, f"{drifts}?open=yes", "payments.view_drift"),
        Attention(_("refunds that failed"), failed, f"{refunds}?state__exact=failed", "payments.view_refund"),
        Attention(_("refunds to make by hand"), by_hand, f"{refunds}?by_hand=yes", "payments.view_refund"),
        Attention(_("disputes to answer"), to_answer, f"{disputed}?answer=yes", "payments.view_dispute"),
    ]


def currencies() -> list[str]:
    """What the configured providers charge in."""
    return sorted(chargeable()) if configured() else []


def providers() -> list[str]:
    """The names of the providers that are configured."""
    return configured()
