"""Sends the ids of due jobs to Celery. The row stays the truth: a lost message is sent again."""

import threading
from collections import Counter
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Count
from kombu.exceptions import OperationalError

from common import handlers
from common.clock import db_now
from jobs.celery_tasks import run_job
from jobs.constants import DISPATCH_WINDOW
from jobs.engine.counters import LAG_BOUNDS, LEASE_EXPIRIES, PUBLISH_FAILURES, RELAY_LAG, counters
from jobs.engine.heartbeat import soft_limit
from jobs.engine.poll import Stop, poll
from jobs.engine.presence import Presence, Pulse
from jobs.engine.schedule import Schedule
from jobs.locks import confirm_dispatch, take_for_dispatch
from jobs.models import Job, Role, State


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
        if not Job.objects.filter(due_at__lte=now).exists():
            return
        waiting = _waiting(now)
        for queue in handlers.queues():
            room = DISPATCH_WINDOW - waiting[queue]
            if room > 0 and self._dispatch(queue, room, now) == room:
                self._wake.set()

    def _dispatch(self, queue: str, limit: int, now: datetime) -> int:
        kinds, excluding = handlers.kinds_of(queue)
        with transaction.atomic():
            jobs = take_for_dispatch(kinds=kinds, excluding=excluding, limit=limit, now=now)
        published: list[UUID] = []
        try:
            for job in jobs:
                _publish(job, queue)
                published.append(job.pk)
        except (OperationalError, OSError):
            counters.add(PUBLISH_FAILURES)
            raise
        finally:
            _settle(jobs, published)
        return len(jobs)


def _waiting(now: datetime) -> Counter[str]:
    """Count by queue the messages that no worker has taken up, and that are not given up yet.

    A backlog stays in the table: messages for all of it would be sent again and again while they wait their turn, and
    refusing those costs the workers more than the jobs.
    """
    sent = Job.objects.order_by().filter(state=State.SENT, due_at__gt=now).values_list("kind").annotate(Count("id"))
    waiting: Counter[str] = Counter()
    for kind, count in sent:
        waiting[handlers.queue_of(kind)] += count
    return waiting


def _settle(jobs: list[Job], published: list[UUID]) -> None:
    """Write down what the broker has, and make due again what it has not."""
    if not jobs:
        return
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


def _publish(job: Job, queue: str) -> None:
    handler = handlers.registry.get(job.kind)
    if handler is None:
        run_job.apply_async((str(job.pk),), queue=queue)
        return
    run_job.apply_async((str(job.pk),), queue=queue, time_limit=handler.time_limit, soft_time_limit=soft_limit(handler))
