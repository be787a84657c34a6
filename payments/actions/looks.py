"""Looking a payment up at its provider, and bringing our row up to what is found."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from audit.actions import record
from common.actor import Actor
from common.clock import db_now
from common.target import Target
from jobs.actions import enqueue
from payments import selectors
from payments.actions import apply, balances, disputes, opening, refunds
from payments.constants import (
    OPEN_STATUSES,
    PICTURE_TRIES,
    RETRY_AFTER_SECONDS,
    SYNC_AFTER_SECONDS,
    SYNC_JOB,
    Status,
)
from payments.errors import PaymentsNotConfigured, ProviderUnavailable
from payments.models import Payment
from payments.providers import get
from payments.providers.errors import NotConfigured, NotFound, ProviderError
from payments.providers.protocol import BalanceEntry, DisputeSnapshot, PaymentProvider, RefundSnapshot, Snapshot


@dataclass(frozen=True, slots=True)
class Picture:
    """A payment as its provider showed it while our row had the version `seen` (None: no row)."""

    snapshot: Snapshot
    seen: int | None
    refunds: Sequence[RefundSnapshot] = ()
    disputes: Sequence[DisputeSnapshot] = ()

    @property
    def entries(self) -> list[BalanceEntry]:
        """What the payment and its disputes did to the balance."""
        of_charge = [self.snapshot.entry] if self.snapshot.entry else []
        return [*of_charge, *(entry for dispute in self.disputes for entry in dispute.entries)]


def look(*, ref: str, payment: Payment | None, provider: PaymentProvider) -> Picture:
    """Ask the provider, outside a transaction; what follows money only where it has arrived. Raises ProviderError."""
    seen = payment.lock_version if payment else None
    snapshot = provider.fetch(ref)
    if snapshot.status != Status.SUCCEEDED:
        return Picture(snapshot, seen)
    return Picture(snapshot, seen, provider.refunds_of(ref), provider.disputes_of(ref))


def bring(*, payment_id: uuid.UUID, picture: Picture, by: Actor, now: datetime) -> apply.Applied:
    """Apply a picture: the payment first, then its refunds, disputes and fees.

    Needs a transaction; raises apply.Refetch.
    """
    applied = apply.apply(
        payment_id=payment_id, snapshot=picture.snapshot, by=by, now=now, seen=picture.seen
    )  # fmt: skip
    if picture.refunds:
        refunds.apply_set(payment_id=payment_id, found=picture.refunds, by=by, now=now)
    if picture.disputes:
        disputes.apply_set(payment_id=payment_id, found=picture.disputes, by=by, now=now)
    for entry in picture.entries:
        balances.book(entry=entry, provider=applied.payment.provider)
    now_is = Payment.objects.get(pk=payment_id)
    followed = applied.outcome == apply.UNCHANGED and now_is.lock_version != applied.payment.lock_version
    return apply.Applied(now_is, apply.APPLIED if followed else applied.outcome)


def sync(*, payment_id: uuid.UUID, by: Actor, background: bool = True) -> Payment:
    """Bring one payment up to date. Raises ProviderError when the provider does not tell.

    Raises apply.Refetch when our row went on changing while the provider was asked, several times.
    """
    payment = selectors.payment_by_id(payment_id)
    provider = get(payment.provider, background=background)
    if payment.status == Status.CREATING and payment.provider_ref is None:
        opening.resume(payment_id=payment_id, provider=provider, by=by)
        return selectors.payment_by_id(payment_id)
    for attempt in range(PICTURE_TRIES):
        payment = selectors.payment_by_id(payment_id)
        picture = look(ref=payment.provider_ref or "", payment=payment, provider=provider)
        try:
            with transaction.atomic():
                return bring(payment_id=payment_id, picture=picture, by=by, now=db_now()).payment
        except apply.Refetch:
            if attempt == PICTURE_TRIES - 1:
                raise
    return payment


def sync_now(*, payment_id: uuid.UUID, by: Actor) -> Payment:
    """The same for a person who waits for it, written to the audit log. Raises the problems of `payments.errors`."""
    try:
        payment = sync(payment_id=payment_id, by=by, background=False)
    except NotConfigured as error:
        raise PaymentsNotConfigured from error
    except NotFound as error:
        raise ProviderUnavailable("The provider does not know this payment.") from error
    except (ProviderError, apply.Refetch) as error:
        raise ProviderUnavailable(retry_after=RETRY_AFTER_SECONDS) from error
    with transaction.atomic():
        record(action="payment.synced", by=by, target=Target.of(payment), after={"status": payment.status})
    return payment


def refresh_if_stale(*, payment: Payment, by: Actor) -> None:
    """Queue a look at an open payment that was not looked at lately, one unfinished a payment."""
    looked = payment.provider_synced_at or payment.created_at
    stale = db_now() - looked > timedelta(seconds=SYNC_AFTER_SECONDS)
    if payment.status not in OPEN_STATUSES or not stale:
        return
    enqueue(kind=SYNC_JOB, args={"payment_id": str(payment.pk)}, by=by, dedupe_key=str(payment.pk))
