"""Payments of ours that only the provider still knows, as after the restore of an older backup."""

from datetime import datetime

from audit.actions import record
from bookings.actions import payments as booking_money
from bookings.constants import Purpose
from common.actor import Actor
from common.errors import NotFound
from common.target import Target
from payments import selectors
from payments.constants import Status
from payments.models import Payment
from payments.providers.protocol import Snapshot


def adopt(*, snapshot: Snapshot, provider: str, by: Actor, now: datetime) -> Payment | None:
    """A row for it, not yet brought up to date; None when its booking is unknown too. Needs a transaction."""
    payment_id = selectors.metadata_id(snapshot.metadata, "payment_id")
    booking_id = selectors.metadata_id(snapshot.metadata, "booking_id")
    if payment_id is None or booking_id is None or snapshot.amount <= 0:
        return None
    try:
        booking_money.lock(booking_id=booking_id)
    except NotFound:
        return None
    purpose = snapshot.metadata.get("purpose", "")
    purpose = purpose if purpose in Purpose.values else Purpose.FULL.value
    row = Payment(
        id=payment_id,
        booking_id=booking_id,
        purpose=purpose,
        provider=provider,
        attempt=selectors.next_attempt(booking_id),
        livemode=snapshot.livemode,
        amount=snapshot.amount,
        currency=snapshot.currency,
        is_current=selectors.live_payment(booking_id=booking_id, purpose=purpose) is None,
        status=Status.CREATING,
        provider_ref=snapshot.ref,
        created_at=now,
        updated_at=now,
    )
    Payment.objects.bulk_create([row], ignore_conflicts=True)
    adopted = Payment.objects.filter(pk=payment_id).first()
    if adopted is not None and adopted.lock_version == 1:
        record(action="payment.adopted", by=by, target=Target.of(adopted), after={"provider_ref": snapshot.ref})
    return adopted
