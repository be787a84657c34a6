"""Claims jobs to run, and buries those whose attempts are used up."""

from collections.abc import Collection, Iterable
from uuid import UUID

from jobs import locks
from jobs.engine import outcomes
from jobs.engine.counters import DUPLICATES_REFUSED, LEASE_EXPIRIES, counters
from jobs.models import Job, State


def take_due(*, kinds: Collection[str] = (), excluding: bool = False, limit: int) -> list[Job]:
    """Return up to `limit` due jobs of `kinds` (or of all others, when `excluding`), each now ours to run."""
    return _runnable(locks.claim_due(kinds=kinds, excluding=excluding, limit=limit))


def take_one(job_id: UUID) -> Job | None:
    """Return the job that a message named, if it is now ours to run."""
    job = locks.claim_one(job_id=job_id)
    if job is None:
        counters.add(DUPLICATES_REFUSED)
        return None
    return next(iter(_runnable([job])), None)


def _runnable(jobs: Iterable[Job]) -> list[Job]:
    running = []
    for job in jobs:
        if getattr(job, "was", "") == State.RUN:
            counters.add(LEASE_EXPIRIES, job.kind)
        if job.attempts > job.max_attempts:
            outcomes.bury(job)
        else:
            running.append(job)
    return running
