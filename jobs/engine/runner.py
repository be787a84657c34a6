"""Runs due jobs in threads of this process: all that a small installation needs."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping

from django.db import DatabaseError, close_old_connections, connections

from common import handlers
from common.clock import db_now
from jobs import constants
from jobs.engine import outcomes
from jobs.engine.claims import take_due
from jobs.engine.execution import execute
from jobs.engine.poll import Stop, poll
from jobs.engine.presence import Presence, Pulse, end_at_once
from jobs.engine.schedule import Schedule
from jobs.models import Job, Role

logger = logging.getLogger(__name__)


class Lane:
    """The threads of one queue, so that a slow queue holds up no other."""

    def __init__(
        self, name: str, size: int, *, stop: Stop, wake: threading.Event, crowded: Callable[[], None] = end_at_once
    ) -> None:
        self.name = name
        self._size = self._free = size
        self._stop = stop
        self._wake = wake
        self._crowded = crowded
        self._lock = threading.Lock()
        self._inbox: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._threads: set[threading.Thread] = set()
        self.lost = 0
        """Threads that were left to themselves at their jobs' time limits and have not ended."""

    def start(self) -> None:
        """Start the threads."""
        for _ in range(self._size):
            self._add_thread()

    def fill(self) -> None:
        """Claim a due job for each free thread."""
        with self._lock:
            free = self._free
        for job in self._claim(free) if free else []:
            with self._lock:
                self._free -= 1
            self._inbox.put(job)

    def finish(self, deadline: float) -> int:
        """Let the threads end their jobs; return how many are still busy at the deadline (monotonic seconds)."""
        with self._lock:
            threads = list(self._threads)
        for _ in threads:
            self._inbox.put(None)
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return self.lost + sum(thread.is_alive() for thread in threads)

    def _add_thread(self) -> None:
        thread = threading.Thread(target=self._work, name=self.name, daemon=True)
        with self._lock:
            self._threads.add(thread)
        thread.start()

    def _claim(self, limit: int) -> list[Job]:
        kinds, excluding = handlers.kinds_of(self.name)
        return take_due(kinds=kinds, excluding=excluding, limit=limit)

    def _work(self) -> None:
        try:
            while (job := self._inbox.get()) is not None:
                close_old_connections()
                while job is not None:
                    if not self._run(job):
                        return
                    job = self._next()
                with self._lock:
                    self._free += 1
                self._wake.set()
        finally:
            connections.close_all()

    def _next(self) -> Job | None:
        """Claim the next job without a pause: the poll is for threads that have nothing to do."""
        if self._stop.asked:
            return None
        try:
            return next(iter(self._claim(1)), None)
        except DatabaseError:  # the poll says so, and waits
            connections.close_all()
            return None

    def _run(self, job: Job) -> bool:
        """Run the job; False when this thread was given up meanwhile."""
        me = threading.current_thread()
        try:
            execute(job, overdue=lambda: self._give_up(me, job))
        except Exception:
            logger.exception("job_left_to_its_lease", extra={"job_id": str(job.pk), "kind": job.kind})
            connections.close_all()
        with self._lock:
            kept = me in self._threads
            self.lost -= not kept
        return kept

    def _give_up(self, thread: threading.Thread, job: Job) -> None:
        """Leave a thread to itself at its job's time limit, and put a fresh one in its place."""
        with self._lock:
            self._threads.discard(thread)
            self._free += 1
            self.lost += 1
            crowded = self.lost > constants.LOST_THREADS
        self._add_thread()
        handler = handlers.registry[job.kind]
        outcomes.fail(job, f"It ran for longer than {handler.time_limit} seconds.", permanent=False)
        if crowded:
            logger.critical("too_many_lost_threads", extra={"queue": self.name})
            self._crowded()


class Runner:
    """Polls the table, inserts the schedule's slots, and keeps the lanes busy."""

    def __init__(self, threads: Mapping[str, int] | None = None) -> None:
        self.stop = Stop()
        self._pulse = Pulse()
        self._wake = threading.Event()
        self._schedule = Schedule()
        sizes = constants.RUNNER_THREADS if threads is None else threads
        self._lanes = [Lane(name, size, stop=self.stop, wake=self._wake) for name, size in sizes.items()]

    def run(self) -> int:
        """Work until `stop` is asked, then let running jobs end; return how many had to be left to their leases."""
        presence = Presence(Role.RUNNER, self._pulse.silent_seconds)
        presence.start()
        for lane in self._lanes:
            lane.start()
        poll(self._step, stop=self.stop, wake=self._wake, pulse=self._pulse)
        deadline = time.monotonic() + constants.STOP_SECONDS
        left = sum(lane.finish(deadline) for lane in self._lanes)
        presence.stop()
        return left

    def _step(self) -> None:
        self._schedule.insert_due(db_now())
        for lane in self._lanes:
            lane.fill()
