"""Keeps the leases of the running jobs of this process, and holds jobs to the time limits of their kinds.

One thread serves all jobs of the process, with connections of its own. In a worker's child Celery enforces the
limits, by signals. In a runner a job is a thread, which nobody can kill: at the soft limit an exception is raised in
it, at the hard one the job is failed behind its back, and whatever the thread still does is rolled back as stale.
"""

import ctypes
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from celery.exceptions import SoftTimeLimitExceeded
from django.db import DatabaseError, connection
from django.db.models import Q

from common.clock import db_now
from common.handlers import Handler
from jobs import constants
from jobs.models import Job, State

logger = logging.getLogger(__name__)
TICK_SECONDS = 0.5
IDLE_SECONDS = 30.0


def soft_limit(handler: Handler) -> int:
    """Return after how many seconds a handler hears that its time is nearly over."""
    return max(1, handler.time_limit - constants.SOFT_LIMIT_AHEAD_SECONDS)


@dataclass(eq=False)
class Held:
    """A running job. `overdue` is called once when its hard limit has passed."""

    job: Job
    handler: Handler
    overdue: Callable[[], None] | None
    thread: int = field(default_factory=threading.get_ident)
    began: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)
    over: bool = False
    warned: bool = False
    expired: bool = False

    def warn(self) -> None:
        """Raise SoftTimeLimitExceeded in the job's thread, as Celery does in a worker, unless the job has ended."""
        with self.lock:
            if not self.over and not self.warned:
                self.warned = True
                thread, error = ctypes.c_ulong(self.thread), ctypes.py_object(SoftTimeLimitExceeded)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, error)

    def end(self) -> None:
        """Let nothing be raised in the thread, which is the caller's, from now on.

        Raises SoftTimeLimitExceeded when that was asked for and has not struck yet. It is not taken back: in Python
        3.11 that leaves every thread looking for it for ever, and under a tracer they stand still.
        """
        with self.lock:
            self.over = True
        _strike_now()


def _strike_now() -> None:
    """Enter a function: there at the latest Python raises what another thread has asked for."""


class Heartbeat:
    """The jobs that run in this process, and the thread that looks after them, started with the first job."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: set[Held] = set()
        self._thread: threading.Thread | None = None
        self._beaten = 0.0

    @contextmanager
    def hold(self, job: Job, handler: Handler, overdue: Callable[[], None] | None = None) -> Iterator[None]:
        """Extend the job's lease inside the block; with `overdue` hold it to its limits as well."""
        held = Held(job, handler, overdue)
        with self._lock:
            self._held.add(held)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            while held in self._held:
                try:
                    held.end()
                    with self._lock:
                        self._held.discard(held)
                except SoftTimeLimitExceeded:  # too late: the job has ended
                    logger.info("soft_limit_too_late", extra={"job_id": str(job.pk)})

    def begin_anew(self) -> None:
        """Forget all: a child of a fork runs none of its parent's jobs."""
        self.__init__()  # type: ignore[misc]

    def _run(self) -> None:
        idle_since = time.monotonic()
        self._beaten = time.monotonic()
        while True:
            time.sleep(min(TICK_SECONDS, constants.HEARTBEAT_SECONDS))
            with self._lock:
                held = list(self._held)
                if not held and time.monotonic() - idle_since > IDLE_SECONDS:
                    self._thread = None
                    return
            if held:
                idle_since = time.monotonic()
                self._look_after(held)

    def _look_after(self, held: list[Held]) -> None:
        now = time.monotonic()
        for one in held:
            ran = now - one.began
            if one.overdue is not None and ran > soft_limit(one.handler):
                one.warn()
            if ran > one.handler.time_limit and not one.expired:
                one.expired = True
                _tell(one)
        if now - self._beaten >= constants.HEARTBEAT_SECONDS:
            self._beaten = now
            _extend([one for one in held if not one.expired])


def _tell(held: Held) -> None:
    logger.error("job_over_time_limit", extra={"job_id": str(held.job.pk), "kind": held.job.kind})
    if held.overdue is not None:
        try:
            held.overdue()
        except DatabaseError:  # the lease ends as well, only later
            logger.warning("overdue_job_not_failed", extra={"job_id": str(held.job.pk)}, exc_info=True)
        finally:
            connection.close()


def _extend(held: list[Held]) -> None:
    """Extend the leases in one statement; a missed beat is made good by the next one."""
    mine = Q()
    for one in held:
        mine |= Q(pk=one.job.pk, worker=one.job.worker)
    if not mine:
        return
    try:
        until = db_now() + timedelta(seconds=constants.LEASE_SECONDS)
        Job.objects.filter(mine, state=State.RUN).update(lease_until=until)
    except DatabaseError:
        logger.warning("heartbeat_missed", exc_info=True)
    finally:
        connection.close()  # the next beat is far away


heartbeat = Heartbeat()
os.register_at_fork(after_in_child=heartbeat.begin_anew)
