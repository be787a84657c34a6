"""Runs one claimed job: the same path for the runner, the Celery task and the tests."""

import logging
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from uuid import UUID

from django.db import connection, transaction
from structlog.contextvars import bound_contextvars

from common import context, handlers
from common.actor import Actor
from common.context import RequestContext
from common.handlers import Handler, PermanentError
from jobs.engine import outcomes
from jobs.engine.counters import ATTEMPTS, ATTEMPTS_BOUNDS, RUN_BOUNDS, RUN_SECONDS, counters
from jobs.engine.heartbeat import heartbeat
from jobs.errors import StaleLease
from jobs.models import Job

logger = logging.getLogger(__name__)


class Run:
    """What a handler is given: the job's id, the attempt's number, who acts, and the transaction of its effects."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self.id: UUID = job.pk
        self.attempt = job.attempts
        self.by = Actor.system(f"job:{job.kind}")
        self.finished = False

    @contextmanager
    def effects(self) -> Iterator[None]:
        """Commit what happens inside together with the job's `done`, or, when another worker took over, neither."""
        with transaction.atomic():
            yield
            outcomes.finish(self._job)
        self.finished = True

    def finish(self) -> None:
        """Say that the work is done, by one statement: there is nothing to commit with it."""
        outcomes.finish(self._job)
        self.finished = True

    @contextmanager
    def outside(self, step: str) -> Iterator[str]:
        """Write the step down, then yield the key of the effect outside. Raises StaleLease before it begins."""
        outcomes.begin_step(self._job, step)
        yield f"{self.id}:{step}"


def execute(job: Job, *, beats: bool = True, overdue: Callable[[], None] | None = None) -> None:
    """Run a claimed job to its outcome. Errors of the handler end here; errors of the database do not.

    With `overdue` the handler runs in a thread, is held to its time limits, and is abandoned by that call.
    """
    serving = RequestContext(request_id=job.request_id or str(job.pk), job_id=str(job.pk))
    with context.use(serving), bound_contextvars(request_id=serving.request_id, job_id=serving.job_id, kind=job.kind):
        handler = handlers.registry.get(job.kind)
        if handler is None or job.args_version > handler.args_version:
            outcomes.postpone(job)
            return
        began = time.monotonic()
        try:
            _attempt(job, handler, beats=beats, overdue=overdue)
        finally:
            counters.observe(RUN_SECONDS, time.monotonic() - began, RUN_BOUNDS, job.kind)


def _attempt(job: Job, handler: Handler, *, beats: bool, overdue: Callable[[], None] | None) -> None:
    run = Run(job)
    try:
        with heartbeat.hold(job, handler, overdue) if beats else nullcontext():
            handler.run(run, **job.args)
            if not run.finished:
                run.finish()
    except StaleLease:
        logger.warning("job_lease_lost")
    except Exception as error:
        if run.finished:
            logger.exception("job_failed_after_its_effects")
        else:
            _tell_failure(job, error)
    else:
        logger.info("job_done", extra={"attempt": run.attempt})
    if run.finished:
        counters.observe(ATTEMPTS, run.attempt, ATTEMPTS_BOUNDS)


def _tell_failure(job: Job, error: Exception) -> None:
    permanent = isinstance(error, PermanentError)
    logger.warning("job_failed", extra={"attempt": job.attempts, "permanent": permanent}, exc_info=error)
    if not connection.in_atomic_block:  # a broken one is replaced, or the row could not be told
        connection.close_if_unusable_or_obsolete()
    outcomes.fail(job, _describe(error), permanent=permanent)


def _describe(error: Exception) -> str:
    if isinstance(error, PermanentError):
        return str(error)
    return "".join(traceback.format_exception(error))
