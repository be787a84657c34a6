"""A Celery worker's row in `job_process`, those of its children, and its end when it no longer consumes."""

import mmap
import os
import time
from typing import Any

from billiard.process import current_process
from celery.signals import (
    celeryd_after_setup,
    task_postrun,
    task_prerun,
    worker_process_init,
    worker_process_shutdown,
    worker_shutdown,
)
from celery.worker import state

from jobs import constants
from jobs.engine.broker import pulse
from jobs.engine.presence import Presence, end_at_once
from jobs.models import Role

MOST_CHILDREN = 1024

_presences: dict[int, Presence] = {}
"""By process id, since a child begins with what its parent had."""
_at_work = mmap.mmap(-1, MOST_CHILDREN)
"""A byte for each place in the pool, shared with the children: 1 while the child there runs a job."""


def silent_seconds() -> float:
    """Return how long the worker has neither polled nor been at work: with all children busy it asks for nothing.

    The children say themselves whether they work. Celery's own list does not do: what they have told it stays unread
    while its loop hangs on a broker that does not answer.
    """
    return 0.0 if any(_at_work[:]) else pulse.silent_seconds()


def _note(*, works: bool) -> None:
    place = getattr(current_process(), "index", None)  # only the children of a pool have one
    if place is not None and place < MOST_CHILDREN:
        _at_work[place] = works


@task_prerun.connect
def _note_beginning(**_: Any) -> None:
    _note(works=True)


@task_postrun.connect
def _note_end(**_: Any) -> None:
    _note(works=False)


def leave() -> None:
    """Stop as on SIGTERM, then, since a loop that no longer turns hears nothing, at once; children end with us."""
    state.should_stop = constants.SILENT_EXIT_CODE  # type: ignore[assignment] # the stub knows only its first value
    time.sleep(constants.STOP_SECONDS)
    end_at_once()


@celeryd_after_setup.connect
def begin(**_: Any) -> None:
    """Start the row of a worker that runs by itself; one inside a test has none."""
    pulse.mark()
    _presences[os.getpid()] = presence = Presence(Role.WORKER, silent_seconds, leave)
    presence.start()


@worker_process_init.connect
def begin_child(**_: Any) -> None:
    """Start the row of a child, which counts for itself; whoever had its place in the pool before works no more."""
    _note(works=False)
    if _presences and os.getpid() not in _presences:
        _presences.clear()
        _presences[os.getpid()] = presence = Presence(Role.CHILD)
        presence.start()


@worker_process_shutdown.connect
@worker_shutdown.connect
def end(**_: Any) -> None:
    """Take this process's row away."""
    presence = _presences.pop(os.getpid(), None)
    if presence:
        presence.stop()
