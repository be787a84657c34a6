"""Single flight: of many processes one does a named piece of work."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from django.db.models import Q

from common.clock import db_now
from idempotency.models import Lease


@dataclass(frozen=True, slots=True)
class Hold:
    """A lease that was asked for: true when it is ours."""

    name: str
    token: UUID
    seconds: int
    taken: bool

    def __bool__(self) -> bool:
        return self.taken

    def renew(self) -> bool:
        """Hold it for its seconds from now on; False when it was outlived and is another's."""
        until = db_now() + timedelta(seconds=self.seconds)
        return Lease.objects.filter(name=self.name, token=self.token).update(held_until=until) == 1


@contextmanager
def lease(name: str, *, seconds: int) -> Iterator[Hold]:
    """Yield whether the work `name` is ours: then for `seconds` after its last renewal, and given back at the end.

    Call it outside a transaction, or others wait for its row instead of being refused.
    """
    token = uuid4()
    hold = Hold(name, token, seconds, _take(name, token, seconds))
    try:
        yield hold
    finally:
        if hold:
            Lease.objects.filter(name=name, token=token).update(token=None, held_until=None)


def _take(name: str, token: UUID, seconds: int) -> bool:
    now = db_now()
    Lease.objects.bulk_create([Lease(name=name)], ignore_conflicts=True)
    free = Lease.objects.filter(Q(held_until__isnull=True) | Q(held_until__lte=now), name=name)
    return free.update(token=token, held_until=now + timedelta(seconds=seconds)) == 1
