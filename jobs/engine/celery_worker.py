"""A Celery worker's row in `job_process`, those of its children, and its end when it no longer consumes."""

import os
import time
from typing import Any

from celery.signals import celeryd_after_setup, worker_process_init, worker_process_shutdown, worker_shutdown
from celery.worker import state

from common import handlers
from jobs import constants
from jobs.engine.broker import pulse
from jobs.engine.presence import Presence, end_at_once
from jobs.models import Role

_presences: dict[int, Presence] = {}
"""By process id, since a child begins with what its parent had."""


def silent_seconds() -> float:
    """Return how long the worker has neither polled nor been at work: with all children busy it asks for nothing.

    No job lasts longer than its kind's limit, so requests that stay for longer are ghosts of a lost connection.
    """
    silent = pulse.silent_seconds()
    longest = max((handler.time_limit for handler in handlers.registry.values()), default=0)
    return 0.0 if state.active_requests and silent < longest + constants.SILENT_SECONDS else silent


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
    """Start the row of a child, which counts for itself."""
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
