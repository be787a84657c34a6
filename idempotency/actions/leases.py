"""Single flight: of many processes one does a named piece of work."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID, uuid4

from django.db.models import Q

from common.clock import db_now
from idempotency.models import Lease


@contextmanager
def lease(name: str, *, seconds: int) -> Iterator[bool]:
    """Yield whether the work `name` is ours; if so, for at most `seconds`, and it is given back at the end.

    Call it outside a transaction, or others wait for its row instead of being refused.
    """
    token = uuid4()
    taken = _take(name, token, seconds)
    try:
        yield taken
    finally:
        if taken:
            Lease.objects.filter(name=name, token=token).update(token=None, held_until=None)


def _take(name: str, token: UUID, seconds: int) -> bool:
    now = db_now()
    Lease.objects.bulk_create([Lease(name=name)], ignore_conflicts=True)
    free = Lease.objects.filter(Q(held_until__isnull=True) | Q(held_until__lte=now), name=name)
    return free.update(token=token, held_until=now + timedelta(seconds=seconds)) == 1
