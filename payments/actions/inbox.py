"""What providers tell us: stored with its job in one transaction, applied once by that job."""

import hashlib
import logging
import uuid
from datetime import datetime
from typing import Any

from django.db import transaction

from audit.actions import record
from common.actor import Actor
from common.clock import db_now
from common.errors import NotFound
from common.ids import uuid7
from common.inserts import insert_if_new
from common.target import Target
from jobs.actions import alert, enqueue, enqueue_with
from payments import locks, selectors
from payments.actions import adoption, apply, balances, looks
from payments.constants import EventState
from payments.models import Payment, PaymentEvent
from payments.providers import get, reader
from payments.providers.protocol import InboxEvent, PayoutSnapshot, Snapshot

logger = logging.getLogger(__name__)
APPLY_JOB = "payments.apply_event"
UNKNOWN_TYPE = "unknown_type"
OBJECT_UNREADABLE = "object_unreadable"
Sight = looks.Picture | PayoutSnapshot


class PaymentMissing(Exception):
    """The event is about a payment of ours of which there is no row and no booking."""


def receive(*, event: InboxEvent, body: bytes, provider: str, livemode: bool, by: Actor, now: datetime) -> bool:
    """Store a genuine event with its job; False when it came before. `livemode` is that of our own key."""
    row = _row(event, body, provider=provider, livemode=livemode, now=now)
    waits = row.state == EventState.RECEIVED
    if _store(row, by=by, now=now) if waits else _ignore(row, by=by):
        return True
    stored = PaymentEvent.objects.get(provider=provider, livemode=event.livemode, event_id=event.event_id)
    _compare(stored, row, by=by)
    return False


def process(*, event_id: uuid.UUID, picture: Sight | None, by: Actor) -> None:
    """Apply a stored event once, from its own object or from a fresh `picture`. Needs a transaction.

    Raises apply.Refetch when a (newer) picture is needed, and PaymentMissing.
    """
    event = PaymentEvent.objects.get(pk=event_id)
    if event.state != EventState.RECEIVED:
        return
    if reader(event.provider).payout_ref(event.payload):
        _pay_out(event_id, picture if isinstance(picture, PayoutSnapshot) else None)
    else:
        _settle(event, picture if isinstance(picture, looks.Picture) else None, by=by)


def replay(*, event_id: str, by: Actor) -> PaymentEvent:
    """Have a stored event applied again by a job, whatever became of it; audited.

    `event_id` is the provider's. One that would be ignored again today stays as it is. Raises NotFound.
    """
    with transaction.atomic():
        found = PaymentEvent.objects.select_for_update(no_key=True).filter(event_id=event_id).first()
        if found is None:
            raise NotFound(f"There is no event {event_id} in the inbox.")
        before = {"state": found.state, "outcome": found.outcome}
        outcome = _verdict(found, livemode=selectors.mode() == "live")
        found.state = EventState.IGNORED if outcome else EventState.RECEIVED
        found.outcome = outcome
        found.save(update_fields=["state", "outcome"])
        record(action="payment.event_replayed", by=by, target=Target.of(found), before=before)
        if not outcome:
            enqueue(kind=APPLY_JOB, args={"event_id": str(found.pk)}, by=by)
    return found


def _pay_out(event_id: uuid.UUID, fresh: PayoutSnapshot | None) -> None:
    """Book a payout once, from the event's own object where that can be trusted."""
    event = locks.event(event_id)
    if event.state != EventState.RECEIVED:
        return
    known = reader(event.provider)
    payout = fresh or known.payout(api_version=event.api_version, payload=event.payload)
    if payout is None:
        raise apply.Refetch(known.payout_ref(event.payload))
    booked = balances.book_payout(payout=payout, provider=event.provider, now=db_now())
    event.state, event.outcome = EventState.PROCESSED, apply.APPLIED if booked else apply.UNCHANGED
    event.save(update_fields=["state", "outcome"])


def _settle(event: PaymentEvent, picture: looks.Picture | None, *, by: Actor) -> None:
    """Apply an event about a payment under the payment's lock."""
    payment = _payment(event, picture, by=by)
    if payment is not None:
        locks.payment(payment.pk)
    event = locks.event(event.pk)
    if event.state != EventState.RECEIVED:
        return
    outcome = apply.FOREIGN if payment is None else _apply(event, payment, picture, by=by)
    ignored = outcome in {apply.FOREIGN, apply.OTHER_MODE}
    event.state = EventState.IGNORED if ignored else EventState.PROCESSED
    event.outcome = outcome
    event.payment = payment
    event.payload = _without_secret(event.payload)
    event.save(update_fields=["state", "outcome", "payment", "payload"])
    if payment is not None and ignored:
        _alert(event, "event_does_not_fit", "An event names a payment of ours but does not fit it.", by=by)


def look(*, event_id: uuid.UUID, ref: str) -> Sight:
    """Ask the provider about what an event is about, outside a transaction. Raises ProviderError."""
    event = PaymentEvent.objects.get(pk=event_id)
    provider = get(event.provider, background=True)
    if reader(event.provider).payout_ref(event.payload):
        return provider.payout(ref)
    payment = Payment.objects.filter(provider=event.provider, livemode=event.livemode, provider_ref=ref).first()
    return looks.look(ref=ref, payment=payment, provider=provider)


def _store(row: PaymentEvent, *, by: Actor, now: datetime) -> bool:
    """Whether the row was new: it and its job are one statement, for which the sender waits once."""
    return enqueue_with(row=row, kind=APPLY_JOB, args={"event_id": str(row.pk)}, by=by, now=now)


def _ignore(row: PaymentEvent, *, by: Actor) -> bool:
    """Whether the row was new, which nothing is to be done about but to say that it came from the other mode."""
    with transaction.atomic():
        is_new = insert_if_new(row)
        if is_new and row.outcome == apply.OTHER_MODE:
            _alert(row, "event_other_mode", "A webhook came from the other mode, test or live.", by=by)
    return is_new


def _row(event: InboxEvent, body: bytes, *, provider: str, livemode: bool, now: datetime) -> PaymentEvent:
    row = PaymentEvent(
        id=uuid7(),
        provider=provider,
        livemode=event.livemode,
        event_id=event.event_id,
        type=event.type,
        object_id=event.object_id,
        api_version=event.api_version,
        event_created=event.created,
        received_at=now,
        payload=event.payload,
        payload_sha256=hashlib.sha256(body).digest(),
        secret_id=event.secret_id,
    )
    row.outcome = _verdict(row, livemode=livemode)
    if row.outcome:
        row.state, row.payload = EventState.IGNORED, _without_secret(row.payload)
    return row


def _verdict(event: PaymentEvent, *, livemode: bool) -> str:
    """Why an event is ignored as it stands, or an empty text. `livemode` is that of our own key."""
    known = reader(event.provider)
    if event.livemode != livemode:
        return apply.OTHER_MODE
    if not known.handles(event.type):
        return UNKNOWN_TYPE
    readable = known.payment_ref(event.payload) or known.payout_ref(event.payload)
    return "" if readable else OBJECT_UNREADABLE


def _compare(stored: PaymentEvent, again: PaymentEvent, *, by: Actor) -> None:
    if bytes(stored.payload_sha256) != again.payload_sha256 and not _same(stored.payload, again.payload):
        _alert(stored, "event_id_payload_conflict", "One event id came with two bodies; the first is kept.", by=by)


def _same(first: dict[str, object], second: dict[str, object]) -> bool:
    """Equal but for `pending_webhooks`, which counts down from one delivery to the next."""
    return bool(_without_secret({**first, "pending_webhooks": 0}) == _without_secret({**second, "pending_webhooks": 0}))


def _without_secret(value: Any) -> Any:
    """What is kept of an event once it was looked at: all but the secret that lets a browser confirm the payment."""
    if isinstance(value, dict):
        return {name: _without_secret(inner) for name, inner in value.items() if name != "client_secret"}
    return [_without_secret(inner) for inner in value] if isinstance(value, list) else value


def _payment(event: PaymentEvent, picture: looks.Picture | None, *, by: Actor) -> Payment | None:
    """Our row; one that is missing is adopted. None for what is not ours."""
    snapshot = picture.snapshot if picture else _snapshot(event)
    if snapshot is None:
        raise apply.Refetch(reader(event.provider).payment_ref(event.payload))
    found = selectors.match(snapshot, provider=event.provider)
    if found is not None or not selectors.is_ours(snapshot):
        return found
    adopted = adoption.adopt(snapshot=snapshot, provider=event.provider, by=by, now=db_now())
    if adopted is None:
        raise PaymentMissing(f"{event.event_id} names the payment {snapshot.metadata['payment_id']}.")
    return adopted


def _snapshot(event: PaymentEvent) -> Snapshot | None:
    """The event's own object, where it says enough; None means that the provider must be asked."""
    return reader(event.provider).snapshot(
        kind=event.type, api_version=event.api_version, payload=event.payload, created=event.event_created
    )


def _apply(event: PaymentEvent, payment: Payment, picture: looks.Picture | None, *, by: Actor) -> str:
    now = db_now()
    if picture is not None:
        return looks.bring(payment_id=payment.pk, picture=picture, by=by, now=now).outcome
    snapshot = _snapshot(event)
    if snapshot is None:
        raise apply.Refetch(reader(event.provider).payment_ref(event.payload))
    return apply.apply(payment_id=payment.pk, snapshot=snapshot, by=by, now=now, is_event=True).outcome


def _alert(event: PaymentEvent, code: str, summary: str, *, by: Actor) -> None:
    logger.warning(code, extra={"event": event.event_id, "type": event.type})
    alert(
        code=code,
        record=event.event_id,
        summary=summary,
        path=f"/admin/payments/paymentevent/{event.pk}/change/",
        by=by,
    )
