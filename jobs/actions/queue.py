"""Puts work into the job table."""

from collections.abc import Mapping
from datetime import datetime
from typing import TypeAlias

from common import context, handlers
from common.actor import Actor
from common.clock import db_now
from jobs.constants import DEFAULT_MAX_ATTEMPTS
from jobs.models import Job

JSON: TypeAlias = "str | int | float | bool | list[JSON] | dict[str, JSON] | None"


def enqueue(
    *, kind: str, args: Mapping[str, JSON], by: Actor, dedupe_key: str = "", run_at: datetime | None = None
) -> Job | None:
    """Insert a job in the caller's transaction: it exists if, and only if, that transaction commits.

    `args` become the handler's keyword arguments. `run_at` (default: now) is the earliest instant. With `dedupe_key`
    the answer is None, and nothing is inserted, while an unfinished job of this kind has the same key.
    """
    now = db_now()
    handler = handlers.registry.get(kind)
    job = Job(
        kind=kind,
        args=dict(args),
        args_version=handler.args_version if handler else 1,
        dedupe_key=dedupe_key,
        max_attempts=handler.max_attempts if handler else DEFAULT_MAX_ATTEMPTS,
        run_at=run_at or now,
        created_at=now,
        request_id=context.current().request_id,
        actor_kind=by.kind.value,
        actor_id=by.id,
    )
    if not dedupe_key:
        job.save(force_insert=True)
        return job
    Job.objects.bulk_create([job], ignore_conflicts=True)
    return job if Job.objects.filter(pk=job.pk).exists() else None
