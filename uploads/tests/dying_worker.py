"""A worker of its own process that runs one job and is killed at a point of it: `python -m … POINT`."""

import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import django

POINTS = ("fetched", "decoding", "first_put", "published", "recorded", "finished", "never")


def die(*_: Any, **__: Any) -> Any:
    """As `kill -9` would."""
    os.kill(os.getpid(), signal.SIGKILL)


def after(act: Callable[..., Any], *, calls: int = 1) -> Callable[..., Any]:
    """Do it, and die when it has been done so often."""
    left = [calls]

    def inner(*args: Any, **kwargs: Any) -> Any:
        found = act(*args, **kwargs)
        left[0] -= 1
        return found if left[0] else die()

    return inner


def patched(point: str) -> Any:
    """What has to be changed for the worker to die there."""
    from uploads import decoding
    from uploads.actions import processing
    from uploads.storage.local import LocalStorage

    if point == "decoding":  # while the child is at work; it is the child that does it
        program = Path(tempfile.mkdtemp()) / "program.py"
        program.write_text("import os, signal; os.kill(os.getppid(), signal.SIGKILL)")
        return mock.patch.object(decoding, "PROGRAM", program)
    places: dict[str, tuple[Any, str, Any]] = {
        "fetched": (processing, "_fetch", after(processing._fetch)),
        "first_put": (LocalStorage, "put", after(LocalStorage.put)),
        "published": (processing, "publish_objects", after(processing.publish_objects)),
        "recorded": (processing, "_record_outcome", after(processing._record_outcome)),  # inside the transaction
        "finished": (processing, "_leave_quarantine", die),
        "never": (processing, "workspace", processing.workspace),
    }
    return mock.patch.object(*places[point])


def main(point: str) -> None:
    """Claim the job that is due, and run it."""
    django.setup()
    from jobs.engine.claims import take_due
    from jobs.engine.execution import execute

    [job] = take_due(kinds=["uploads.process"], limit=1)
    with patched(point):
        execute(job)


if __name__ == "__main__":
    main(sys.argv[1])
