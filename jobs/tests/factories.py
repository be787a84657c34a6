"""Jobs and handlers for tests."""

from contextlib import contextmanager

from common import handlers
from common.actor import Actor
from common.clock import db_now
from common.handlers import Handler
from jobs.actions import enqueue
from jobs.models import Job, Process

BY = Actor.system("test")


@contextmanager
def handler(run, kind="test.work", **options):
    """Register `run` for `kind` inside the block."""
    values = {"every": None, "queue": "default", "max_attempts": 5, "time_limit": 120} | options
    handlers.registry[kind] = Handler(kind=kind, run=run, **values)
    try:
        yield
    finally:
        del handlers.registry[kind]


def make_job(kind="test.work", **values):
    """Insert a job by the action, then set what the action does not."""
    job = enqueue(kind=kind, args=values.pop("args", {}), by=BY)
    if values:
        Job.objects.filter(pk=job.pk).update(**values)
        job.refresh_from_db()
    return job


def make_process(role, **values):
    """Insert the row of a process that was heard of just now."""
    times = dict.fromkeys(("started_at", "seen_at", "active_at"), now())
    return Process.objects.create(**{"role": role, "host": "here", "pid": 7} | times | values)


def now():
    """The database's clock."""
    return db_now()
