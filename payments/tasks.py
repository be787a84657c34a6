"""Jobs of payments. None holds a transaction while it asks a provider."""

import uuid

from bookings.actions.cancellation import REFUND_JOB
from common.actor import Actor
from common.handlers import JobRun, hours, job, minutes
from payments.actions import apply, disputes, inbox, looks, reconciling, repayments, sweeping
from payments.constants import PICTURE_TRIES, SYNC_JOB
from payments.providers.errors import NotConfigured

HOURLY_WINDOW = 3
NIGHTLY_WINDOW = 72


@job(inbox.APPLY_JOB, max_attempts=8)
def apply_event(run: JobRun, *, event_id: str) -> None:
    """Apply one stored event; where it may be old, what the provider shows now."""
    picture: inbox.Sight | None = None
    by = Actor.provider("stripe")
    for attempt in range(PICTURE_TRIES):
        try:
            with run.effects():
                inbox.process(event_id=uuid.UUID(event_id), picture=picture, by=by)
        except apply.Refetch as needed:
            if attempt == PICTURE_TRIES - 1:
                raise
            picture = inbox.look(event_id=uuid.UUID(event_id), ref=needed.ref)
        else:
            return


@job(SYNC_JOB)
def sync(run: JobRun, *, payment_id: str) -> None:
    """Look one payment up at its provider."""
    looks.sync(payment_id=uuid.UUID(payment_id), by=run.by)


@job(REFUND_JOB, max_attempts=8)
def refund_cancelled(run: JobRun, *, booking_id: str) -> None:
    """Pay back what a cancelled booking owes."""
    repayments.refund_cancelled(booking_id=uuid.UUID(booking_id), by=run.by)


@job("payments.sweep", every=minutes(1))
def sweep(run: JobRun) -> None:
    """Resolve what has no answer, give up what nobody pays, ask for owed refunds."""
    sweeping.sweep(by=run.by)


@job("payments.dispute_deadlines", every=hours(1))
def dispute_deadlines(run: JobRun) -> None:
    """Remind of disputes whose evidence is due soon."""
    disputes.remind(by=run.by)


@job(reconciling.RECONCILE_JOB, every=hours(1), time_limit=600)
def reconcile(run: JobRun, *, window_hours: int = HOURLY_WINDOW) -> None:
    """Compare the last hours with Stripe."""
    _reconcile(run, window_hours)


@job("payments.reconcile_nightly", every=hours(24), time_limit=1800)
def reconcile_nightly(run: JobRun) -> None:
    """Compare the last days with Stripe."""
    _reconcile(run, NIGHTLY_WINDOW)


def _reconcile(run: JobRun, window_hours: int) -> None:
    try:
        reconciling.run_scheduled(window_hours=window_hours, by=run.by)
    except NotConfigured:
        return  # an installation that takes no payments has nothing to compare
