"""Finds rows that nobody finishes, and closes them. Each pass is capped and may be repeated or run twice at once."""

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from audit.actions import record
from common.actor import Actor
from common.clock import db_now
from common.target import Target
from jobs import selectors as jobs
from jobs.actions import enqueue
from uploads.actions.processing import REASON_ATTEMPTS
from uploads.constants import (
    CONFIRM_GRACE_SECONDS,
    DELETE_JOB,
    ERASE_KEY,
    PROCESS_JOB,
    ROWS_A_PASS,
    Bucket,
    Found,
    State,
)
from uploads.errors import StorageUnavailable
from uploads.locks import StateChangedError, transition
from uploads.models import File
from uploads.reports import Finding, Pass
from uploads.storage import get_storage, is_configured

logger = logging.getLogger(__name__)


def expire(*, by: Actor, after: str = "", dry_run: bool = False) -> Pass:
    """Close signed uploads that can no longer be confirmed and delete what arrived of them.

    Raises `StorageUnavailable` when the store does not say what arrived; the row then stays as it is.
    """
    if not is_configured():
        return Pass()
    # Twice the grace: nobody can be in the middle of a confirmation that began in time.
    deadline = db_now() - timedelta(seconds=2 * CONFIRM_GRACE_SECONDS)
    rows = _page(File.objects.filter(state=State.PENDING, expires_at__lt=deadline), after)
    return _passed(rows, [file for file in rows if dry_run or _expire(file, by)], Found.OVERDUE, "expired")


def fail_stuck(*, by: Actor, after: str = "", dry_run: bool = False) -> Pass:
    """Fail files that are to be processed and have no job any more: its last worker was killed, or it was cancelled.

    The state and the job's end are written in one transaction, so a file that still has its state has lost its job.
    """
    rows = _page(File.objects.filter(state__in=[State.UPLOADED, State.PROCESSING]), after)
    stuck = _without_job(rows, PROCESS_JOB)
    return _passed(rows, [file for file in stuck if dry_run or _fail(file, by)], Found.STUCK, "failed")


def remove_due(*, by: Actor, after: str = "", dry_run: bool = False) -> Pass:
    """Queue the removal of deleted files whose time has come, and again of those whose job is dead."""
    due = Q(remove_after__isnull=True) | Q(remove_after__lte=db_now())
    rows = _page(File.objects.filter(due, state=State.DELETING), after)
    waiting = _without_job(rows, DELETE_JOB, prefixes=("", ERASE_KEY))
    if not dry_run:
        for file in waiting:
            enqueue(kind=DELETE_JOB, args={"file_id": str(file.pk)}, by=by, dedupe_key=str(file.pk))
    return _passed(rows, waiting, Found.UNREMOVED, "queued")


def _page(rows: QuerySet[File], after: str) -> list[File]:
    beyond = rows.filter(pk__gt=after) if after else rows
    return list(beyond.order_by("pk")[:ROWS_A_PASS])


def _passed(rows: list[File], found: list[File], kind: Found, action: str) -> Pass:
    findings = tuple(Finding(kind, str(file.pk), action) for file in found)
    return Pass(len(rows), findings, after=str(rows[-1].pk) if len(rows) == ROWS_A_PASS else "")


def _without_job(rows: list[File], kind: str, *, prefixes: tuple[str, ...] = ("",)) -> list[File]:
    keys = {f"{prefix}{file.pk}": file.pk for file in rows for prefix in prefixes}
    busy = {keys[key] for key in jobs.unfinished_keys(kind=kind, keys=keys)}
    return [file for file in rows if file.pk not in busy]


def _expire(file: File, by: Actor) -> bool:
    """The state first: were it the object, a confirmation that was faster would have lost its bytes."""
    arrived = get_storage().head(Bucket.PRIVATE, file.quarantine_key) is not None
    try:
        with transaction.atomic():
            transition(file, State.EXPIRED)
            record(
                action="file.expired",
                by=by,
                target=Target.of(file),
                after={"state": file.state},
                meta={"arrived": arrived},
            )
    except StateChangedError:
        return False
    if arrived:
        try:
            get_storage().delete(Bucket.PRIVATE, file.quarantine_key)
        except StorageUnavailable:  # the sweep of the quarantine finds it
            logger.warning("The quarantined object of file %s could not be deleted.", file.pk)
    return True


def _fail(file: File, by: Actor) -> bool:
    try:
        with transaction.atomic():
            transition(file, State.FAILED, reason=REASON_ATTEMPTS)
            record(action="file.failed", by=by, target=Target.of(file), reason=REASON_ATTEMPTS)
    except StateChangedError:
        return False
    return True
