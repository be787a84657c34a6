"""What rows plant by `stage.shell`."""

from django.db import transaction

from common.actor import Actor
from jobs.actions import enqueue
from tests.faults.studio.tasks import WORK

BY = Actor.system("faults")


def jobs(count: int, kind: str = WORK) -> None:
    """Enqueue in one transaction."""
    with transaction.atomic():
        for _ in range(count):
            enqueue(kind=kind, args={}, by=BY)
