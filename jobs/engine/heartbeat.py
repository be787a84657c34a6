"""Keeps the lease of a running job, up to its kind's time limit."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import DatabaseError, connection

from common.clock import db_now
from jobs import constants
from jobs.models import Job, State

logger = logging.getLogger(__name__)


@contextmanager
def beating(job: Job, time_limit: int, *, enabled: bool = True) -> Iterator[None]:
    """Extend the job's lease inside the block, from a thread with a connection of its own.

    After `time_limit` seconds the beats stop: a thread cannot be killed, but its job is then taken over, and whatever
    it still does is rolled back as stale.
    """
    if not enabled:
        yield
        return
    stop = threading.Event()
    thread = threading.Thread(target=_beat, args=(job, time_limit, stop), name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _beat(job: Job, time_limit: int, stop: threading.Event) -> None:
    ends = time.monotonic() + time_limit
    try:
        while not stop.wait(constants.HEARTBEAT_SECONDS) and time.monotonic() < ends:
            try:
                until = db_now() + timedelta(seconds=constants.LEASE_SECONDS)
                held = Job.objects.filter(pk=job.pk, worker=job.worker, state=State.RUN).update(lease_until=until)
            except DatabaseError:
                logger.warning("heartbeat_missed", extra={"job_id": str(job.pk)}, exc_info=True)
                connection.close()
                continue
            if not held:
                return
    finally:
        connection.close()
