"""Webhook messages on their way: queued with the change, sent by a job, kept for a while to be looked at."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from audit.actions import record
from cms.constants import DEBOUNCE_SECONDS, DELIVER
from cms.errors import EndpointOff
from cms.locks import locked_delivery
from cms.models import Change, Delivery, PublishEndpoint
from cms.models.outward import ERROR_MAX, TEST_TYPE, ChangeType, DeliveryState
from cms.webhook.call import Answer
from common.actor import Actor
from common.clock import db_now
from common.target import Target
from jobs.actions import enqueue

KEEP_DAYS = 30
TEST_DATA: Mapping[str, Any] = {"type": TEST_TYPE, "slug": "test", "previous_slug": None, "paths": [], "tags": []}


def queue(*, change: Change, by: Actor, now: datetime) -> list[Delivery]:
    """Put the change into a delivery to each active endpoint, and return these; needs the item locked.

    A delivery that still collects takes the change in; else there is a new one, sent after the debounce.
    """
    collecting = {
        row.endpoint_id: row
        for row in Delivery.objects.select_for_update(of=("self",), no_key=True)
        .filter(item_type=change.item_type, item_id=change.item_id, state=DeliveryState.COLLECTING)
        .order_by("pk")
    }
    rows = []
    for endpoint_id in PublishEndpoint.objects.filter(active=True).values_list("pk", flat=True):
        row = collecting.get(endpoint_id)
        rows.append(_joined(row, change, by=by) if row else _started(endpoint_id, change, by=by, now=now))
    return rows


def _started(endpoint_id: UUID, change: Change, *, by: Actor, now: datetime) -> Delivery:
    row = Delivery.objects.create(
        endpoint_id=endpoint_id,
        type=change.type,
        item_type=change.item_type,
        item_id=change.item_id,
        data=change.data,
        created_at=now,
    )
    _enqueue(row, by=by, run_at=db_now() + timedelta(seconds=DEBOUNCE_SECONDS))
    return row


def _joined(row: Delivery, change: Change, *, by: Actor) -> Delivery:
    """Merge the change in; whoever cancelled the job has not called off what comes later."""
    row.type, row.data, row.changes = change.type, _merged(row.data, change.data), row.changes + 1
    row.save(update_fields=["type", "data", "changes"])
    _enqueue(row, by=by, run_at=db_now() + timedelta(seconds=DEBOUNCE_SECONDS))
    return row


def _merged(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return `after` with the addresses and tags of both, and the first slug of both as the previous one."""
    first = before["previous_slug"] or before["slug"]
    previous = after["previous_slug"] if first == after["slug"] else first
    return {
        **after,
        "previous_slug": None if previous == after["slug"] else previous,
        "paths": list(dict.fromkeys([*after["paths"], *before["paths"]])),
        "tags": list(dict.fromkeys([*after["tags"], *before["tags"]])),
    }


def _enqueue(row: Delivery, *, by: Actor, run_at: datetime | None = None) -> bool:
    """Queue the job; False while there is an unfinished one."""
    key = str(row.pk)
    return enqueue(kind=DELIVER, args={"delivery_id": key}, by=by, dedupe_key=key, run_at=run_at) is not None


@transaction.atomic
def begin(*, delivery_id: str, by: Actor, now: datetime) -> Delivery | None:
    """Close the delivery for further changes, count the try, and return it with its endpoint.

    None when there is nothing to send: it was delivered, or its endpoint is gone or was switched off meanwhile.
    """
    row = locked_delivery(delivery_id)
    if row is None or row.state == DeliveryState.DELIVERED:
        return None
    if not row.endpoint.active:
        row.state, row.error, row.answered_at = DeliveryState.FAILED, "The endpoint is switched off.", now
        row.save(update_fields=["state", "error", "answered_at"])
        return None
    row.state, row.attempts = DeliveryState.SENDING, row.attempts + 1
    row.save(update_fields=["state", "attempts"])
    return row


@transaction.atomic
def settle(*, delivery: Delivery, answer: Answer, final: bool, by: Actor, now: datetime) -> Delivery | None:
    """Write down the answer of a try, here and at the endpoint, and return the row; None when it is gone.

    With `final` nothing further is tried.
    """
    error = answer.error[:ERROR_MAX]
    endpoint = PublishEndpoint.objects.filter(pk=delivery.endpoint_id)
    endpoint.update(last_at=now, last_status=answer.status, last_error=error)
    row = locked_delivery(str(delivery.pk))
    if row is None:
        return None
    row.status, row.error, row.answered_at = answer.status, error, now
    if not error:
        row.state = DeliveryState.DELIVERED
    elif final:
        row.state = DeliveryState.FAILED
    row.save(update_fields=["status", "error", "answered_at", "state"])
    return row


@transaction.atomic
def send_again(*, delivery: Delivery, by: Actor) -> Delivery:
    """Send a delivery once more, with the same message id, and return it; nothing happens while it is on its way.

    Raises EndpointOff when its endpoint is gone or switched off.
    """
    row = locked_delivery(str(delivery.pk))
    if row is None or not row.endpoint.active:
        raise EndpointOff
    if not _enqueue(row, by=by):
        return row
    row.state = DeliveryState.SENDING
    row.save(update_fields=["state"])
    record(action="delivery.sent_again", by=by, target=Target.of(row), meta={"endpoint": str(row.endpoint_id)})
    return row


@transaction.atomic
def send_test(*, endpoint: PublishEndpoint, by: Actor, now: datetime | None = None) -> Delivery:
    """Queue a message that names no content, and return it; raises EndpointOff."""
    if not PublishEndpoint.objects.filter(pk=endpoint.pk, active=True).exists():
        raise EndpointOff
    row = Delivery.objects.create(
        endpoint=endpoint,
        state=DeliveryState.SENDING,
        type=ChangeType.PUBLISHED,
        item_type=TEST_TYPE,
        item_id="",
        data=dict(TEST_DATA),
        created_at=now or db_now(),
    )
    _enqueue(row, by=by)
    record(action="publish_endpoint.tested", by=by, target=Target.of(endpoint))
    return row


def forget(*, by: Actor, now: datetime) -> int:
    """Delete deliveries older than 30 days, and return how many there were; none is tried for so long."""
    return Delivery.objects.filter(created_at__lt=now - timedelta(days=KEEP_DAYS)).delete()[0]
