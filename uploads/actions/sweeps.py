"""Clears away what nobody finished. Each pass is capped; the next one goes on."""

from datetime import timedelta

from django.db import transaction

from audit.actions import record
from common.actor import Actor
from common.clock import db_now
from common.target import Target
from uploads.constants import (
    CONFIRM_GRACE_SECONDS,
    EXPIRE_BATCH,
    QUARANTINE_BATCH,
    QUARANTINE_HOURS,
    Bucket,
    State,
)
from uploads.locks import StateChangedError, transition
from uploads.models import File
from uploads.storage import get_storage, is_configured

NEEDS_QUARANTINE = (State.PENDING, State.UPLOADED, State.PROCESSING, State.FAILED)


def expire(*, by: Actor) -> int:
    """Close signed uploads that can no longer be confirmed and delete what arrived of them; return how many."""
    # Twice the grace: nobody can be in the middle of a confirmation that began in time.
    deadline = db_now() - timedelta(seconds=2 * CONFIRM_GRACE_SECONDS)
    overdue = File.objects.filter(state=State.PENDING, expires_at__lt=deadline).order_by("expires_at")
    return sum(_expire(file, by) for file in overdue[:EXPIRE_BATCH])


def clear_quarantine(*, by: Actor) -> int:
    """Delete objects older than a day that no unfinished file needs; return how many."""
    if not is_configured():
        return 0
    storage, oldest = get_storage(), db_now() - timedelta(hours=QUARANTINE_HOURS)
    found = storage.list(Bucket.PRIVATE, "quarantine/", limit=QUARANTINE_BATCH)
    old = [info.key for info in found if info.modified_at < oldest]
    needed = File.objects.filter(quarantine_key__in=old, state__in=NEEDS_QUARANTINE)
    useless = set(old) - set(needed.values_list("quarantine_key", flat=True))
    for key in sorted(useless):
        storage.delete(Bucket.PRIVATE, key)
    return len(useless)


def _expire(file: File, by: Actor) -> bool:
    get_storage().delete(Bucket.PRIVATE, file.quarantine_key)
    try:
        with transaction.atomic():
            transition(file, State.EXPIRED)
            record(action="file.expired", by=by, target=Target.of(file), after={"state": file.state})
    except StateChangedError:
        return False
    return True
