"""How much one owner may have at once. Count under the owner's lock, or two requests take the same last place."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Min, Q, Sum

from common.actor import Actor
from uploads.constants import CONFIRM_GRACE_SECONDS, State
from uploads.errors import QuotaExceeded, TooManyPending
from uploads.models import File

KEPT = (State.UPLOADED, State.PROCESSING, State.READY, State.FAILED)
GRACE = timedelta(seconds=CONFIRM_GRACE_SECONDS)


@dataclass(frozen=True)
class Usage:
    """What an owner has: `bytes` of all files that take or may still take room, and when the next place is free."""

    pending: int
    bytes: int
    next_free_at: datetime | None


def usage_of(*, owner: Actor, now: datetime) -> Usage:
    """Count an owner's files in one query; a signature that can no longer be confirmed holds no place."""
    waiting = Q(state=State.PENDING, expires_at__gte=now - GRACE)
    found = File.objects.filter(waiting | Q(state__in=KEPT), owner_kind=owner.kind, owner_id=owner.id).aggregate(
        pending=Count("pk", filter=waiting), bytes=Sum("declared_size"), first=Min("expires_at", filter=waiting)
    )
    return Usage(found["pending"], int(found["bytes"] or 0), found["first"] and found["first"] + GRACE)


def require_room(*, owner: Actor, size: int, now: datetime) -> None:
    """Raise `TooManyPending`, with the seconds until a place is free, or `QuotaExceeded` for `size` bytes more."""
    usage = usage_of(owner=owner, now=now)
    if usage.pending >= settings.UPLOAD_MAX_PENDING:
        waiting = (usage.next_free_at - now).total_seconds() if usage.next_free_at else 0.0
        raise TooManyPending(retry_after=max(1.0, waiting))
    if usage.bytes + size > settings.UPLOAD_MAX_OWNER_BYTES:
        raise QuotaExceeded(members={"max_bytes": settings.UPLOAD_MAX_OWNER_BYTES})
