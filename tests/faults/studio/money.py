"""What the rows about money plant, and how their processes die at one exact line."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bookings import tokens
from bookings.actions import cancellation
from bookings.models import Booking
from bookings.tests.factories import make_booking, make_offer
from common.actor import Actor
from payments.actions import calls, inbox, sweeping
from payments.providers.stripe.adapter import StripeProvider

BY = Actor.system("faults")
STALE_SECONDS = 2
DEATHS = 3


def bookings(count: int) -> str:
    """Hold so many bookings; the ids and tokens as JSON."""
    offer = make_offer(capacity=count)
    held = [make_booking(offer) for _ in range(count)]
    return json.dumps([[str(one.pk), tokens.make(one)] for one in held])


def cancel_all() -> None:
    """Cancel every booking, so that what was paid is owed back."""
    for booking in Booking.objects.all():
        cancellation.cancel(booking_id=booking.pk, by=BY)


def sweep() -> None:
    """One pass of the net below the rest."""
    quick()
    sweeping.sweep(by=BY)


def quick() -> None:
    """Count a call as lost after seconds, not after a minute."""
    calls.CALL_STALE_SECONDS = sweeping.CALL_STALE_SECONDS = STALE_SECONDS


def die_after_create() -> None:
    """Kill the process and its group when the provider has made a payment, before that is written down."""
    quick()
    _kill_after(StripeProvider, "create")


def die_after_refund() -> None:
    """Kill the process when the provider has paid back, before that is written down."""
    quick()
    _kill_after(StripeProvider, "refund")


def die_before_commit() -> None:
    """Kill the process when an event was applied, before its transaction is committed."""
    quick()
    _kill_after(inbox, "process")


def _kill_after(owner: Any, name: str) -> None:
    act: Callable[..., Any] = getattr(owner, name)

    def dies(*args: Any, **kwargs: Any) -> Any:
        done = act(*args, **kwargs)
        if _may_die():
            os.killpg(0, signal.SIGKILL)
        return done

    setattr(owner, name, dies)


def _may_die() -> bool:
    """True for the first few who ask, in whichever process."""
    folder = Path(os.environ["FAULTS_DEATHS"])
    for number in range(DEATHS):
        try:
            (folder / str(number)).touch(exist_ok=False)
        except FileExistsError:
            continue
        return True
    return False
