"""`create-intent` and the SDK's own call, one after the other in one process; prints both rates."""

import json
import time
import urllib.request

from django.conf import settings

from bookings.models import Booking
from bookings.tests.factories import make_booking, make_offer, make_resource, make_service
from common.actor import Actor
from payments.actions import intents
from payments.providers.stripe.client import client

BY = Actor.system("bench")


def measure(count: int, *, away_ms: int, backwards: bool) -> None:
    """Print the calls a second as JSON, with a twin that answers at once and one that is far away."""
    name = f"bench-{time.time_ns()}"  # each round is a process of its own on the same database
    offer = make_offer(make_service(name), resource=make_resource(name=name, capacity=3 * count))
    bookings = iter([make_booking(offer) for _ in range(2 * count + 1)])
    intents.create(wish=intents.Wish(booking_id=next(bookings).pk), by=BY)
    _alone(0)
    found = {}
    for suffix, latency, calls in (("", 0, count), (", far", away_ms, max(2, count // 4))):
        _latency(latency)
        subjects = {f"SDK alone{suffix}": _alone, f"create-intent{suffix}": lambda _: _create(next(bookings))}
        for name in reversed(list(subjects)) if backwards else list(subjects):
            began = time.perf_counter()
            for number in range(calls):
                subjects[name](number)
            found[name] = calls / (time.perf_counter() - began)
    _latency(0)
    print(json.dumps(found))


def _create(booking: Booking) -> None:
    intents.create(wish=intents.Wish(booking_id=booking.pk), by=BY)


def _alone(number: int) -> None:
    """The same parameters by the same client, and nothing of ours around it."""
    client(background=False).v1.payment_intents.create(
        {
            "amount": 75_000,
            "currency": "kes",
            "automatic_payment_methods": {"enabled": True},
            "description": "B-0000 Discovery workshop",
            "metadata": {"payment_id": str(number), "booking_id": "b", "purpose": "deposit", "attempt": "1"},
        },
        {"idempotency_key": f"bench-{time.perf_counter_ns()}-{number}"},
    )


def _latency(milliseconds: int) -> None:
    body = json.dumps({"latency_ms": milliseconds}).encode()
    with urllib.request.urlopen(f"{settings.STRIPE_API_BASE}/_control", body, timeout=10) as answer:
        answer.read()
