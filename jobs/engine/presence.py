"""A process's row in `job_process`, and its end when it has fallen silent.

"Alive" means that it has claimed or polled lately, not that it is there: a worker that no longer consumes looks well
from outside. Two threads, so that a database that never answers does not keep the watch from ending the process.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from django.db import DatabaseError, connection

from common.clock import db_now
from common.ids import uuid7
from jobs import constants
from jobs.engine.counters import counters
from jobs.locks import fold_processes
from jobs.models import Process, Role

logger = logging.getLogger(__name__)
WATCH_SECONDS = 1.0


class Pulse:
    """When this process last claimed or polled."""

    def __init__(self) -> None:
        self._at = time.monotonic()

    def mark(self) -> None:
        """Say that it has just done so."""
        self._at = time.monotonic()

    def silent_seconds(self) -> float:
        """Seconds since then."""
        return time.monotonic() - self._at


def end_at_once() -> None:
    """End the process where it stands; leases and the supervisor do the rest."""
    os._exit(constants.SILENT_EXIT_CODE)


class Presence:
    """Keeps the row of this process until `stop`. `silent_seconds` tells how long it has neither claimed nor polled."""

    def __init__(
        self, role: Role, silent_seconds: Callable[[], float] = lambda: 0.0, leave: Callable[[], None] = end_at_once
    ) -> None:
        self._role = role
        self._silent_seconds = silent_seconds
        self._leave = leave
        self._id = uuid7()
        self._written: dict[str, float] = {}
        self._is_new = True
        self._stopped = threading.Event()
        self._writer = threading.Thread(target=self._keep_writing, name="presence", daemon=True)
        self._watch = threading.Thread(target=self._keep_watching, name="watch", daemon=True)

    def start(self) -> None:
        """Start the two threads."""
        self._writer.start()
        self._watch.start()

    def stop(self) -> None:
        """Write the last counts and take the row away: the process ends as it should."""
        self._stopped.set()
        self._writer.join(constants.BEAT_SECONDS)

    def _keep_watching(self) -> None:
        while not self._stopped.wait(WATCH_SECONDS):
            silent = self._silent_seconds()
            if silent > constants.SILENT_SECONDS:
                logger.critical("process_silent", extra={"role": self._role.value, "seconds": round(silent)})
                self._leave()
                return

    def _keep_writing(self) -> None:
        missed = False
        while True:
            over = self._stopped.is_set()
            try:
                self.write()
                if over:
                    fold_processes(ids=[self._id], now=db_now())
                missed = False
            except DatabaseError:
                if not missed:
                    logger.warning("presence_not_written", exc_info=True)
                missed = True
            finally:
                connection.close()  # one write in ten seconds is not worth a connection a process
            if over:
                return
            self._stopped.wait(constants.BEAT_SECONDS)

    def write(self) -> None:
        """Write the row, and fold away those of processes that nobody has heard of for long."""
        now = db_now()
        counted = counters.values()
        seen = {"seen_at": now, "active_at": now - timedelta(seconds=self._silent_seconds()), "counters": counted}
        if not Process.objects.filter(pk=self._id).update(**seen):
            if not self._is_new:  # we were taken for dead, and what we had written was added up
                counters.subtract(self._written)
                seen["counters"] = counted = counters.values()
            host = socket.gethostname()[:100]
            Process.objects.create(id=self._id, role=self._role, host=host, pid=os.getpid(), started_at=now, **seen)
        self._is_new, self._written = False, counted
        if self._role != Role.CHILD:
            fold_processes(unseen_since=now - timedelta(seconds=constants.GONE_SECONDS), now=now)
