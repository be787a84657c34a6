"""Runs one claimed job: the same path for the runner, the Celery task and the tests."""

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import connection, transaction
from structlog.contextvars import bound_contextvars

from common import context, handlers
from common.actor import Actor
from common.context import RequestContext
from common.handlers import Handler, PermanentError
from jobs.engine import outcomes
from jobs.engine.heartbeat import beating
from jobs.errors import StaleLease
from jobs.models import Job

logger = logging.getLogger(__name__)
KNOWN_ARGS_VERSION = 1


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


def execute(job: Job, *, heartbeat: bool = True) -> None:
    """Run a claimed job to its outcome. Errors of the handler end here; errors of the database do not."""
    serving = RequestContext(request_id=job.request_id or str(job.pk), job_id=str(job.pk))
    with context.use(serving), bound_contextvars(request_id=serving.request_id, job_id=serving.job_id, kind=job.kind):
        handler = handlers.registry.get(job.kind)
        if handler is None or job.args_version > KNOWN_ARGS_VERSION:
            outcomes.postpone(job)
            return
        with beating(job, handler.time_limit, enabled=heartbeat):
            _attempt(job, handler)


def _attempt(job: Job, handler: Handler) -> None:
    run = Run(job)
    try:
        handler.run(run, **job.args)
        if not run.finished:
            with run.effects():
                pass
    except StaleLease:
        logger.warning("job_lease_lost")
    except Exception as error:
        if run.finished:
            logger.exception("job_failed_after_its_effects")
            return
        permanent = isinstance(error, PermanentError)
        logger.warning("job_failed", extra={"attempt": run.attempt, "permanent": permanent}, exc_info=True)
        if not connection.in_atomic_block:  # a broken one is replaced, or the row could not be told
            connection.close_if_unusable_or_obsolete()
        outcomes.fail(job, _describe(error), permanent=permanent)
    else:
        logger.info("job_done", extra={"attempt": run.attempt})


def _describe(error: Exception) -> str:
    if isinstance(error, PermanentError):
        return str(error)
    return "".join(traceback.format_exception(error))
