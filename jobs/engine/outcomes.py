"""Writes what became of a run. Each write matches the run's token, so a worker that lost its lease changes nothing."""

import logging
import random
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import DateTimeField, F, QuerySet
from django.db.models.expressions import RawSQL

from common import clock
from common.actor import Actor
from common.clock import db_now
from jobs import constants
from jobs.actions import alerts
from jobs.constants import ALERT_KIND, ERROR_LENGTH, JITTER, UNKNOWN_KIND_DELAY_SECONDS
from jobs.engine.counters import ATTEMPTS, ATTEMPTS_BOUNDS, DEAD, OUTSIDE_REPEATS, counters
from jobs.errors import StaleLease
from jobs.models import Job, State

logger = logging.getLogger(__name__)
DEAD_CODE = "job_dead"
VANISHED = "Its worker vanished at the last attempt."
UNKNOWN = "This release knows no handler for the kind or the version of its arguments."


def retry_delay(attempt: int) -> timedelta:
    """Return the pause after the given attempt (from 1), with jitter so that failures do not return in step."""
    steps = constants.RETRY_SECONDS
    seconds = steps[attempt - 1] if attempt <= len(steps) else constants.LAST_RETRY_SECONDS
    return timedelta(seconds=seconds * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311 - not a secret


def begin_step(job: Job, step: str) -> None:
    """Write down, before it happens, that this attempt begins an effect outside. Raises StaleLease like `finish`."""
    if step in job.steps:
        counters.add(OUTSIDE_REPEATS, job.kind)
        logger.warning("outside_effect_repeated", extra={"step": step, "first_attempt": job.steps[step]})
    steps = {step: job.attempts, **job.steps}
    if not _mine(job).update(steps=steps):
        raise StaleLease(f"{job.kind} {job.pk} was taken over.")
    job.steps = steps


def finish(job: Job) -> None:
    """Mark the run as done. Raises StaleLease when another worker has taken the job over."""
    now = RawSQL("clock_timestamp() + %s", [clock.offset()], output_field=DateTimeField())
    changed = _mine(job).update(
        state=State.DONE, finished_at=now, lease_until=None, redispatch_at=None, worker="", last_error=""
    )
    if not changed:
        raise StaleLease(f"{job.kind} {job.pk} was taken over.")


def fail(job: Job, error: str, *, permanent: bool) -> None:
    """Plan the next attempt, or bury the job: at once when `permanent`, else once its attempts are used up."""
    if permanent or job.attempts >= job.max_attempts:
        _die(job, error[-ERROR_LENGTH:])
        return
    _mine(job).update(
        state=State.NEW,
        run_at=db_now() + retry_delay(job.attempts),
        lease_until=None,
        worker="",
        last_error=error[-ERROR_LENGTH:],
    )


def bury(job: Job) -> None:
    """End a job that was claimed with more attempts than it has: its worker vanished at each of them."""
    _die(job, f"{VANISHED}\n{job.last_error}".strip()[:ERROR_LENGTH])


def postpone(job: Job) -> None:
    """Put back, uncounted, a job whose kind this release does not know: a newer worker will."""
    _mine(job).update(
        state=State.NEW,
        attempts=F("attempts") - 1,
        run_at=db_now() + timedelta(seconds=UNKNOWN_KIND_DELAY_SECONDS),
        lease_until=None,
        worker="",
        last_error=UNKNOWN,
    )


def alert(job: Job, now: datetime) -> None:
    """Tell people that the job is dead: of a scheduled kind once a day, since every slot may fail alike."""
    attempts = min(job.attempts, job.max_attempts)
    logger.error("job_dead", extra={"job_id": str(job.pk), "kind": job.kind, "attempts": attempts})
    if job.kind == ALERT_KIND:
        return
    record = f"{job.kind}:{now:%Y-%m-%d}" if job.slot else str(job.pk)
    alerts.alert(
        code=DEAD_CODE,
        record=record,
        summary=f"The job {job.kind} failed for good.",
        path=f"/admin/jobs/job/{job.pk}/change/",
        by=Actor.system("jobs"),
    )


def _die(job: Job, error: str) -> None:
    now, attempts = db_now(), min(job.attempts, job.max_attempts)
    ended = {"state": State.DEAD, "finished_at": now, "lease_until": None, "attempts": attempts, "last_error": error}
    with transaction.atomic():
        if not _mine(job).update(**ended):
            return
        alert(job, now)
    counters.add(DEAD, job.kind)
    counters.observe(ATTEMPTS, attempts, ATTEMPTS_BOUNDS)


def _mine(job: Job) -> QuerySet[Job]:
    return Job.objects.filter(pk=job.pk, worker=job.worker, state=State.RUN)
