"""Jobs of the content app."""

from cms.actions import changes, deliveries, previews, purging, scheduling, sending, totals
from cms.constants import DELIVER, DELIVER_ATTEMPTS
from cms.errors import DeliveryFailed
from common.clock import db_now
from common.handlers import JobRun, PermanentError, hours, job, seconds


@job(DELIVER, max_attempts=DELIVER_ATTEMPTS, time_limit=60)
def deliver_webhook(run: JobRun, *, delivery_id: str) -> None:
    """Send one message; what was answered is kept with it, and a refusal is tried again later."""
    delivery = deliveries.begin(delivery_id=delivery_id, by=run.by, now=db_now())
    if delivery is None:
        return
    answer = sending.attempt(delivery=delivery, outside=run.outside("post"), by=run.by, now=db_now())
    if not answer.error:
        with run.effects():
            deliveries.settle(delivery=delivery, answer=answer, final=True, by=run.by, now=db_now())
        return
    final = answer.final or run.attempt >= DELIVER_ATTEMPTS
    deliveries.settle(delivery=delivery, answer=answer, final=final, by=run.by, now=db_now())
    raise PermanentError(answer.error) if answer.final else DeliveryFailed(answer.error)


@job("cms.forget_outward", every=hours(24))
def forget_outward(run: JobRun) -> None:
    """Delete old changes, finished deliveries and preview links that are long over; count what is public."""
    with run.effects():
        changes.forget(by=run.by, now=db_now())
        deliveries.forget(by=run.by, now=db_now())
        previews.forget(by=run.by, now=db_now())
        totals.recount(by=run.by)


@job("cms.move_scheduled", every=seconds(30))
def move_scheduled(run: JobRun) -> None:
    """Publish and take off the site what was planned for a time that has come."""
    scheduling.run_due(by=run.by, now=db_now())


@job("cms.purge_trash", every=hours(1))
def purge_trash(run: JobRun) -> None:
    """Remove for good what has been in the trash for 30 days."""
    purging.purge_due(by=run.by, now=db_now())


@job("cms.thin_revisions", every=hours(24), time_limit=600)
def thin_revisions(run: JobRun) -> None:
    """Delete versions that are neither published, nor among the last ones, nor the last of their day."""
    purging.thin_revisions(by=run.by)
