"""Sends the ids of due jobs to Celery. The row stays the truth: a lost message is sent again."""

import threading
from uuid import UUID

from django.db import transaction
from kombu.exceptions import OperationalError

from common import handlers
from common.clock import db_now
from jobs.celery_tasks import run_job
from jobs.constants import DISPATCH_BATCH
from jobs.engine.counters import LAG_BOUNDS, LEASE_EXPIRIES, PUBLISH_FAILURES, RELAY_LAG, counters
from jobs.engine.heartbeat import soft_limit
from jobs.engine.poll import Stop, poll
from jobs.engine.presence import Presence, Pulse
from jobs.engine.schedule import Schedule
from jobs.locks import confirm_dispatch, take_for_dispatch
from jobs.models import Job, Role, State

QUEUE_OF_UNKNOWN = "default"


class Relay:
    """Polls the table, inserts the schedule's slots, and publishes; any number of relays is harmless."""

    def __init__(self) -> None:
        self.stop = Stop()
        self._pulse = Pulse()
        self._wake = threading.Event()
        self._schedule = Schedule()

    def run(self) -> None:
        """Relay until `stop` is asked."""
        presence = Presence(Role.RELAY, self._pulse.silent_seconds)
        presence.start()
        poll(self.step, stop=self.stop, wake=self._wake, pulse=self._pulse, away=(OperationalError, OSError))
        presence.stop()

    def step(self) -> None:
        """Make one pass. Raises kombu's OperationalError when the broker is away; what it did not get is due again."""
        now = db_now()
        self._schedule.insert_due(now)
        with transaction.atomic():
            jobs = take_for_dispatch(limit=DISPATCH_BATCH, now=now)
        if not jobs:
            return
        published: list[UUID] = []
        try:
            for job in jobs:
                _publish(job)
                published.append(job.pk)
        except (OperationalError, OSError):
            counters.add(PUBLISH_FAILURES)
            raise
        finally:
            _settle(jobs, published)
        if len(jobs) == DISPATCH_BATCH:
            self._wake.set()


def _settle(jobs: list[Job], published: list[UUID]) -> None:
    """Write down what the broker has, and make due again what it has not."""
    now = db_now()
    confirm_dispatch(published, now=now)
    waiting = [job.pk for job in jobs[len(published) :]]
    if waiting:
        Job.objects.filter(pk__in=waiting, state=State.SENT).update(state=State.NEW, redispatch_at=None)
    for job in jobs[: len(published)]:
        if job.state == State.RUN:
            counters.add(LEASE_EXPIRIES, job.kind)
        elif job.state == State.NEW and job.due_at is not None:
            counters.observe(RELAY_LAG, (now - job.due_at).total_seconds(), LAG_BOUNDS)


def _publish(job: Job) -> None:
    handler = handlers.registry.get(job.kind)
    if handler is None:
        run_job.apply_async((str(job.pk),), queue=QUEUE_OF_UNKNOWN)
        return
    run_job.apply_async(
        (str(job.pk),), queue=handler.queue, time_limit=handler.time_limit, soft_time_limit=soft_limit(handler)
    )
