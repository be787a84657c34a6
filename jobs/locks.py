"""Takes rows of the job table under lock. One table, one row or a skip-locked batch: no order to keep."""

import os
import socket
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from common.errors import NotFound
from jobs import constants
from jobs.models import Job, State

# A row whose attempts are used up was held by a worker that vanished each time: it is buried instead of run.
_CLAIM = """
    WITH due AS (SELECT id FROM job WHERE {condition} ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
    UPDATE job SET
        state = CASE WHEN attempts >= max_attempts THEN 'dead' ELSE 'run' END,
        finished_at = CASE WHEN attempts >= max_attempts THEN %(now)s END,
        attempts = LEAST(attempts + 1, max_attempts),
        worker = %(worker)s || ':' || gen_random_uuid(),
        lease_until = %(lease_until)s,
        redispatch_at = NULL
    FROM due WHERE job.id = due.id RETURNING job.*
"""
_DUE = "due_at <= %(now)s AND kind = ANY(%(kinds)s)"
_DUE_OTHER = "due_at <= %(now)s AND kind <> ALL(%(kinds)s)"
_ONE = "id = %(id)s AND (state = 'sent' OR due_at <= %(now)s)"
_WORKER = f"{socket.gethostname()[:40]}:{os.getpid()}"


def locked_job(job_id: UUID) -> Job:
    """Return the job, locked until the transaction ends. Raises NotFound."""
    job = Job.objects.select_for_update().filter(pk=job_id).first()
    if job is None:
        raise NotFound("There is no such job.")
    return job


def claim_due(*, kinds: Collection[str], excluding: bool, limit: int, now: datetime) -> list[Job]:
    """Claim up to `limit` due jobs of `kinds` (or of all others, when `excluding`), oldest first.

    A returned job runs under a fresh token in `worker`, or is dead because its attempts are used up.
    """
    return _claim(_DUE_OTHER if excluding else _DUE, now, limit=limit, kinds=list(kinds))


def claim_one(*, job_id: UUID, now: datetime) -> Job | None:
    """Claim the job that a message named, or return None when it is finished, taken, or not yet due."""
    return next(iter(_claim(_ONE, now, limit=1, id=job_id)), None)


def take_for_dispatch(*, limit: int, now: datetime) -> list[Job]:
    """Mark due jobs as sent, and return them; inside a transaction."""
    due = Job.objects.filter(due_at__lte=now).order_by("due_at").select_for_update(skip_locked=True)
    jobs = list(due[:limit])
    Job.objects.filter(pk__in=[job.pk for job in jobs]).update(
        state=State.SENT,
        redispatch_at=now + timedelta(seconds=constants.REDISPATCH_SECONDS),
        lease_until=None,
        worker="",
    )
    return jobs


def _claim(condition: str, now: datetime, **parameters: object) -> list[Job]:
    lease_until = now + timedelta(seconds=constants.LEASE_SECONDS)
    values = {"now": now, "worker": _WORKER, "lease_until": lease_until, **parameters}
    claimed = list(Job.objects.raw(_CLAIM.format(condition=condition), values))
    return sorted(claimed, key=lambda job: job.run_at)
