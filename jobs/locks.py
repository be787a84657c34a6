"""Takes rows of the job table and of the processes under lock.

Of jobs one row or a skip-locked batch: no order to keep. Of processes the row `gone` first, then a skip-locked batch.
"""

import os
import socket
from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from common import clock
from common.errors import NotFound
from jobs import constants
from jobs.models import Job, Process, Role, State

# `was` is the state before: a row that ran had outlived its lease. More attempts than allowed mean that its worker
# vanished each time: whoever claims such a row buries it instead of running it. SQL reads the clock itself, since this
# statement is half of what an empty job costs.
_CLAIM = """
    WITH due AS (
        SELECT id, state AS was, clock_timestamp() + %(shift)s AS taken_at FROM job
        WHERE {condition} ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    )
    UPDATE job SET
        state = 'run',
        attempts = attempts + 1,
        worker = %(worker)s || ':' || gen_random_uuid(),
        lease_until = due.taken_at + %(lease)s,
        redispatch_at = NULL
    FROM due WHERE job.id = due.id RETURNING job.*, due.was
"""
_NOW = "(SELECT clock_timestamp() + %(shift)s)"  # a subquery is read once, so the index on due_at serves
_DUE = f"due_at <= {_NOW} AND kind = ANY(%(kinds)s)"
_DUE_OTHER = f"due_at <= {_NOW} AND kind <> ALL(%(kinds)s)"
_ONE = f"id = %(id)s AND (state = 'sent' OR due_at <= {_NOW})"
_HOST = socket.gethostname()[:40]


def locked_job(job_id: UUID) -> Job:
    """Return the job, locked until the transaction ends. Raises NotFound."""
    job = Job.objects.select_for_update().filter(pk=job_id).first()
    if job is None:
        raise NotFound("There is no such job.")
    return job


def claim_due(*, kinds: Collection[str], excluding: bool, limit: int) -> list[Job]:
    """Claim up to `limit` due jobs of `kinds` (or of all others, when `excluding`), oldest first.

    A returned job runs under a fresh token in `worker`; `was` is its state before.
    """
    return _claim(_DUE_OTHER if excluding else _DUE, limit=limit, kinds=list(kinds))


def claim_one(*, job_id: UUID) -> Job | None:
    """Claim the job that a message named, or return None when it is finished, taken, or not yet due."""
    return next(iter(_claim(_ONE, limit=1, id=job_id)), None)


def take_for_dispatch(*, kinds: Collection[str], excluding: bool, limit: int, now: datetime) -> list[Job]:
    """Mark due jobs of `kinds` (or of all others) as sent, and return them as they were; inside a transaction.

    They are due again very soon, until `confirm_dispatch` says that the broker has them.
    """
    due = Job.objects.filter(due_at__lte=now)
    due = due.exclude(kind__in=kinds) if excluding else due.filter(kind__in=kinds)
    jobs = list(due.order_by("due_at").select_for_update(skip_locked=True)[:limit])
    again_at = now + timedelta(seconds=constants.PUBLISH_SECONDS)
    Job.objects.filter(pk__in=[job.pk for job in jobs]).update(
        state=State.SENT, redispatch_at=again_at, lease_until=None, worker=""
    )
    return jobs


def confirm_dispatch(ids: Collection[UUID], *, now: datetime) -> None:
    """Give the workers their time with what was published."""
    again_at = now + timedelta(seconds=constants.REDISPATCH_SECONDS)
    Job.objects.filter(pk__in=ids, state=State.SENT).update(redispatch_at=again_at)


def fold_processes(*, now: datetime, ids: Collection[UUID] | None = None, unseen_since: datetime | None = None) -> None:
    """Add the counts of processes, named or unseen for long, to the row `gone`, and delete their rows."""
    ended = Process.objects.exclude(role=Role.GONE)
    ended = ended.filter(seen_at__lt=unseen_since) if ids is None else ended.filter(pk__in=ids)
    if not ended.exists():
        return
    with transaction.atomic():
        times = {"started_at": now, "seen_at": now, "active_at": now}
        Process.objects.get_or_create(role=Role.GONE, defaults=times)
        total = Process.objects.select_for_update().get(role=Role.GONE)
        rows = list(ended.select_for_update(skip_locked=True))
        counted = Counter(total.counters)
        for row in rows:
            counted.update(row.counters)
        Process.objects.filter(pk=total.pk).update(counters=dict(counted), seen_at=now, active_at=now)
        Process.objects.filter(pk__in=[row.pk for row in rows]).delete()


def _claim(condition: str, **parameters: object) -> list[Job]:
    values = {
        "shift": clock.offset(),
        "lease": timedelta(seconds=constants.LEASE_SECONDS),
        "worker": f"{_HOST}:{os.getpid()}",  # not kept: a worker's children are forks
        **parameters,
    }
    claimed = list(Job.objects.raw(_CLAIM.format(condition=condition), values))
    return sorted(claimed, key=lambda job: job.run_at)
