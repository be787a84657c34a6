"""Runs due jobs in threads of this process: all that a small installation needs."""

import logging
import queue
import threading
import time
from collections.abc import Mapping

from django.db import close_old_connections, connections

from common import handlers
from common.clock import db_now
from jobs import constants
from jobs.engine.claims import take_due
from jobs.engine.execution import execute
from jobs.engine.poll import Stop, poll
from jobs.engine.schedule import Schedule
from jobs.models import Job

logger = logging.getLogger(__name__)
DEFAULT_QUEUE = "default"


class Lane:
    """The threads of one queue, so that a slow queue holds up no other."""

    def __init__(self, name: str, size: int, wake: threading.Event) -> None:
        self.name = name
        self._free = size
        self._lock = threading.Lock()
        self._wake = wake
        self._inbox: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._work, name=f"{name}-{n}", daemon=True) for n in range(size)]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def fill(self) -> None:
        """Claim a due job for each free thread."""
        with self._lock:
            free = self._free
        if not free:
            return
        others = {h.kind for h in handlers.registry.values() if h.queue != DEFAULT_QUEUE}
        own = {h.kind for h in handlers.registry.values() if h.queue == self.name}
        is_default = self.name == DEFAULT_QUEUE  # which also takes the kinds that nobody knows
        for job in take_due(kinds=others if is_default else own, excluding=is_default, limit=free):
            with self._lock:
                self._free -= 1
            self._inbox.put(job)

    def finish(self, deadline: float) -> int:
        """Let the threads end their jobs; return how many are still busy at the deadline (monotonic seconds)."""
        for _ in self._threads:
            self._inbox.put(None)
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return sum(thread.is_alive() for thread in self._threads)

    def _work(self) -> None:
        try:
            while (job := self._inbox.get()) is not None:
                self._run(job)
        finally:
            connections.close_all()

    def _run(self, job: Job) -> None:
        close_old_connections()
        try:
            execute(job)
        except Exception:
            logger.exception("job_left_to_its_lease", extra={"job_id": str(job.pk), "kind": job.kind})
        finally:
            close_old_connections()
            with self._lock:
                self._free += 1
            self._wake.set()


class Runner:
    """Polls the table, inserts the schedule's slots, and keeps the lanes busy."""

    def __init__(self, threads: Mapping[str, int] = constants.RUNNER_THREADS) -> None:
        self.stop = Stop()
        self._wake = threading.Event()
        self._schedule = Schedule()
        self._lanes = [Lane(name, size, self._wake) for name, size in threads.items()]

    def run(self) -> int:
        """Work until `stop` is asked, then let running jobs end; return how many had to be left to their leases."""
        for lane in self._lanes:
            lane.start()
        poll(self._step, stop=self.stop, wake=self._wake)
        deadline = time.monotonic() + constants.STOP_SECONDS
        return sum(lane.finish(deadline) for lane in self._lanes)

    def _step(self) -> None:
        self._schedule.insert_due(db_now())
        for lane in self._lanes:
            lane.fill()
