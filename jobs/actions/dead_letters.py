"""What people do to jobs: run one again, cancel one."""

from django.db import transaction

from audit.actions import record
from common.actor import Actor
from common.clock import db_now
from common.target import Target
from jobs.errors import JobNotOpen
from jobs.events import CANCELLED, REQUEUED
from jobs.locks import locked_job
from jobs.models import Job, State


def requeue(*, job: Job, by: Actor) -> Job:
    """Make a dead or cancelled job due now, with all its attempts before it. Raises JobNotOpen otherwise."""
    with transaction.atomic():
        row = locked_job(job.pk)
        if row.state not in {State.DEAD, State.CANCELLED}:
            raise JobNotOpen(f"The job is {row.get_state_display().lower()}; only dead and cancelled jobs run again.")
        before = row.state
        if row.dedupe_key and Job.objects.filter(kind=row.kind, dedupe_key=row.dedupe_key, finished_at=None).exists():
            raise JobNotOpen("Another job for the same work is already waiting.")
        row.state, row.attempts, row.run_at = State.NEW, 0, db_now()
        row.finished_at = row.lease_until = row.redispatch_at = None
        row.worker = ""
        row.save()
        _audit(REQUEUED, row, before, by)
    return row


def cancel(*, job: Job, by: Actor) -> Job:
    """Cancel a job that nobody has begun. Raises JobNotOpen for one that runs or has ended."""
    with transaction.atomic():
        row = locked_job(job.pk)
        if row.state not in {State.NEW, State.SENT}:
            raise JobNotOpen(f"The job is {row.get_state_display().lower()}; only waiting jobs can be cancelled.")
        before = row.state
        row.state, row.finished_at, row.redispatch_at = State.CANCELLED, db_now(), None
        row.save()
        _audit(CANCELLED, row, before, by)
    return row


def _audit(action: str, row: Job, before: str, by: Actor) -> None:
    record(
        action=action,
        by=by,
        target=Target.of(row),
        before={"state": before},
        after={"state": row.state},
        meta={"kind": row.kind},
    )
