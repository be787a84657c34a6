"""Claims jobs to run, and buries those whose attempts are used up."""

from collections.abc import Collection, Iterable
from uuid import UUID

from django.db import transaction

from common.clock import db_now
from jobs import locks
from jobs.engine import outcomes
from jobs.models import Job, State


def take_due(*, kinds: Collection[str] = (), excluding: bool = False, limit: int) -> list[Job]:
    """Return up to `limit` due jobs of `kinds` (or of all others, when `excluding`), each now ours to run."""
    with transaction.atomic():
        return _without_dead(locks.claim_due(kinds=kinds, excluding=excluding, limit=limit, now=db_now()))


def take_one(job_id: UUID) -> Job | None:
    """Return the job that a message named, if it is now ours to run."""
    with transaction.atomic():
        job = locks.claim_one(job_id=job_id, now=db_now())
        return next(iter(_without_dead([job] if job else [])), None)


def _without_dead(jobs: Iterable[Job]) -> list[Job]:
    running = []
    for job in jobs:
        if job.state == State.DEAD:
            outcomes.bury(job)
        else:
            running.append(job)
    return running
