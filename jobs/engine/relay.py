"""Sends the ids of due jobs to Celery. The row stays the truth: a lost message is sent again."""

import threading

from django.db import transaction
from kombu.exceptions import OperationalError

from common import handlers
from common.clock import db_now
from jobs.celery_tasks import run_job
from jobs.constants import DISPATCH_BATCH
from jobs.engine.poll import Stop, poll
from jobs.engine.schedule import Schedule
from jobs.locks import take_for_dispatch
from jobs.models import Job, State

SOFT_LIMIT_AHEAD_SECONDS = 20  # a handler hears of its time limit this long before it is killed
QUEUE_OF_UNKNOWN = "default"


class Relay:
    """Polls the table, inserts the schedule's slots, and publishes; any number of relays is harmless."""

    def __init__(self) -> None:
        self.stop = Stop()
        self._wake = threading.Event()
        self._schedule = Schedule()

    def run(self) -> None:
        """Relay until `stop` is asked."""
        poll(self.step, stop=self.stop, wake=self._wake, away=(OperationalError, OSError))

    def step(self) -> None:
        """Make one pass. Raises kombu's OperationalError when the broker is away; what it did not get is due again."""
        now = db_now()
        self._schedule.insert_due(now)
        with transaction.atomic():
            jobs = take_for_dispatch(limit=DISPATCH_BATCH, now=now)
        waiting = [job.pk for job in jobs]
        try:
            for job in jobs:
                _publish(job)
                waiting.remove(job.pk)
        finally:
            Job.objects.filter(pk__in=waiting, state=State.SENT).update(state=State.NEW, redispatch_at=None)
        if len(jobs) == DISPATCH_BATCH:
            self._wake.set()


def _publish(job: Job) -> None:
    handler = handlers.registry.get(job.kind)
    if handler is None:
        run_job.apply_async((str(job.pk),), queue=QUEUE_OF_UNKNOWN)
        return
    run_job.apply_async(
        (str(job.pk),),
        queue=handler.queue,
        time_limit=handler.time_limit,
        soft_time_limit=max(1, handler.time_limit - SOFT_LIMIT_AHEAD_SECONDS),
    )
