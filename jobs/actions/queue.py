"""Puts work into the job table."""

from collections.abc import Mapping
from datetime import datetime
from typing import TypeAlias

from django.db.models import Model

from common import context, handlers
from common.actor import Actor
from common.clock import db_now
from common.inserts import insert_both_if_new, insert_if_new
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
    job = _job(kind, args, by, now=db_now(), dedupe_key=dedupe_key, run_at=run_at)
    if dedupe_key:
        return job if insert_if_new(job) else None
    job.save(force_insert=True)
    return job


def enqueue_with(*, row: Model, kind: str, args: Mapping[str, JSON], by: Actor, now: datetime) -> bool:
    """Insert `row` and its job in one statement: both, or neither when a unique constraint stands against the row.

    Returns whether they were inserted. For rows that come in great numbers: one statement needs no BEGIN and no COMMIT.
    """
    return insert_both_if_new(row, _job(kind, args, by, now=now))


def _job(
    kind: str,
    args: Mapping[str, JSON],
    by: Actor,
    *,
    now: datetime,
    dedupe_key: str = "",
    run_at: datetime | None = None,
) -> Job:
    handler = handlers.registry.get(kind)
    return Job(
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
