"""Jobs of the bookings app."""

from bookings.actions import holds
from common.clock import db_now
from common.handlers import JobRun, job, minutes


@job("bookings.expire_holds", every=minutes(1))
def expire_holds(run: JobRun) -> None:
    """Free the holds that have run out, those that nobody asked for since."""
    with run.effects():
        holds.expire_due(by=run.by, now=db_now())
