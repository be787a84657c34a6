"""Compares the objects in the store with the rows that they belong to, page by page in the order of their keys.

A page of clean objects is compared in both directions with one listing: an object without a row is a stray, a row
without its original or one of its thumbnails is missing. Every pass may be repeated, stopped anywhere and run twice
at once.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeVar

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Collate
from django.db.models.lookups import GreaterThan, LessThanOrEqual

from audit.actions import record
from common.actor import Actor
from common.clock import db_now
from common.target import Target
from jobs.actions import alert
from uploads.constants import (
    CLEAN_PREFIX,
    EXTENSIONS,
    MOST_MISSING,
    NEEDS_CLEAN_OBJECTS,
    NEEDS_QUARANTINE,
    OBJECTS_A_PASS,
    QUARANTINE_HOURS,
    QUARANTINE_PREFIX,
    RULES,
    STRAY_DAYS,
    STRAY_GRACE_HOURS,
    Bucket,
    Found,
    State,
)
from uploads.locks import StateChangedError, transition
from uploads.models import File, StrayObject
from uploads.objects import clean_prefix, served_keys
from uploads.reports import Finding, Pass
from uploads.storage import ObjectInfo, get_storage, holds

MISSING_CODE = "file_missing"
TOO_MANY_CODE = "files_missing_at_once"
Row = TypeVar("Row", File, StrayObject)


def clear_quarantine(*, by: Actor, after: str = "", dry_run: bool = False) -> Pass:
    """Delete objects older than a day that no unfinished file needs."""
    if not holds(Bucket.PRIVATE):
        return Pass()
    storage, oldest = get_storage(), db_now() - timedelta(hours=QUARANTINE_HOURS)
    page = storage.list(Bucket.PRIVATE, QUARANTINE_PREFIX, limit=OBJECTS_A_PASS, after=after)
    old = [info.key for info in page if info.modified_at < oldest]
    needed = File.objects.filter(quarantine_key__in=old, state__in=NEEDS_QUARANTINE)
    useless = sorted(set(old) - set(needed.values_list("quarantine_key", flat=True)))
    for key in () if dry_run else useless:
        storage.delete(Bucket.PRIVATE, key)
    return Pass(len(page), tuple(Finding(Found.LEFTOVER, key, "deleted") for key in useless), _end_of(page))


def abort_partial(*, by: Actor, after: str = "", dry_run: bool = False) -> Pass:
    """Give up uploads in parts that were begun a day ago: no URL of ours allows them, and no listing shows them."""
    oldest, findings, seen = db_now() - timedelta(hours=QUARANTINE_HOURS), [], 0
    for bucket, prefix in ((Bucket.PRIVATE, QUARANTINE_PREFIX), *((one, CLEAN_PREFIX) for one in Bucket)):
        if not holds(bucket):
            continue
        for partial in get_storage().partial_uploads(bucket, prefix, limit=OBJECTS_A_PASS):
            seen += 1
            if partial.begun_at < oldest:
                findings.append(Finding(Found.PARTIAL, f"{bucket.value}/{partial.key}", "aborted"))
                if not dry_run:
                    get_storage().abort(bucket, partial)
    return Pass(seen, tuple(findings))


def compare_private(*, by: Actor, after: str = "", dry_run: bool = False) -> Pass:
    """Compare the clean objects of the private bucket with their rows."""
    return _compare(Bucket.PRIVATE, by, after, dry_run=dry_run)


def compare_public(*, by: Actor, after: str = "", dry_run: bool = False) -> Pass:
    """Compare the clean objects of the public bucket with their rows."""
    return _compare(Bucket.PUBLIC, by, after, dry_run=dry_run)


def find_again(*, by: Actor, after: str = "", dry_run: bool = False) -> Pass:
    """Make missing files ready again whose objects are all back, as after a restored bucket; name the others."""
    rows = File.objects.filter(state=State.MISSING).order_by("pk")
    page = list((rows.filter(pk__gt=after) if after else rows)[:MOST_MISSING])
    there = [file for file in page if holds(_bucket(file)) and not _has_lost(file)]
    back = [file for file in there if dry_run or _move(file, State.READY, "file.found", by)]
    findings = [Finding(Found.BACK, str(file.pk), "made ready") for file in back]
    still = [file for file in page if file not in there]
    findings += [Finding(Found.MISSING, str(file.pk), "still missing", is_open=True) for file in still]
    return Pass(len(page), tuple(findings), after=str(page[-1].pk) if len(page) == MOST_MISSING else "")


def _compare(bucket: Bucket, by: Actor, after: str, *, dry_run: bool) -> Pass:
    if not holds(bucket):
        return Pass()
    page = get_storage().list(bucket, CLEAN_PREFIX, limit=OBJECTS_A_PASS, after=after)
    end = _end_of(page)
    strays = _strays(bucket, page)
    findings = _see_to_strays(bucket, strays, (after, end), by, dry_run=dry_run)
    findings += _see_to_missing(bucket, page, (after, end), by, dry_run=dry_run)
    return Pass(len(page), tuple(findings), end)


def _end_of(page: Sequence[ObjectInfo]) -> str:
    return page[-1].key if len(page) == OBJECTS_A_PASS else ""


def _strays(bucket: Bucket, page: Sequence[ObjectInfo]) -> list[str]:
    """The keys of a page that no row vouches for, without those that may be in the middle of being written."""
    youngest = db_now() - timedelta(hours=STRAY_GRACE_HOURS)
    owners = _owners(bucket, {clean_prefix(info.key) for info in page})
    return [info.key for info in page if info.modified_at < youngest and not _owned(info.key, owners)]


def _owners(bucket: Bucket, folders: Collection[str]) -> dict[str, File]:
    """The living row of each folder that has one."""
    names = [f"{folder}original.{extension}" for folder in folders for extension in EXTENSIONS.values()]
    rows = File.objects.filter(clean_key__in=names, purpose__in=_purposes(bucket), state__in=NEEDS_CLEAN_OBJECTS)
    return {clean_prefix(file.clean_key): file for file in rows}


def _owned(key: str, owners: dict[str, File]) -> bool:
    """A ready file owns what it names; one on its way owns its folder, for another attempt writes there again."""
    file = owners.get(clean_prefix(key))
    if file is None or file.state != State.READY:
        return file is not None
    return key in served_keys(file)


def _see_to_strays(
    bucket: Bucket, strays: Sequence[str], between: tuple[str, str], by: Actor, *, dry_run: bool
) -> list[Finding]:
    """Report strays, and delete those that were reported a week ago."""
    now = db_now()
    known = dict(StrayObject.objects.filter(bucket=bucket, key__in=strays).values_list("key", "seen_at"))
    ripe = [key for key in strays if key in known and known[key] <= now - timedelta(days=STRAY_DAYS)]
    if not dry_run:
        _remember(bucket, strays, between, now)
        _delete(bucket, ripe, by)
    return [
        Finding(Found.STRAY, f"{bucket.value}/{key}", "deleted" if key in ripe else "reported", key not in ripe)
        for key in strays
    ]


def _remember(bucket: Bucket, strays: Sequence[str], between: tuple[str, str], now: datetime) -> None:
    """Note the new ones, and forget those that are gone or belong to a row again."""
    rows = [StrayObject(bucket=bucket, key=key, seen_at=now) for key in strays]
    StrayObject.objects.bulk_create(rows, ignore_conflicts=True)
    kept = StrayObject.objects.filter(bucket=bucket)
    _within(kept, "key", between).exclude(key__in=strays).delete()


def _delete(bucket: Bucket, ripe: Sequence[str], by: Actor) -> None:
    if not ripe:
        return
    for key in ripe:
        get_storage().delete(bucket, key)
    with transaction.atomic():
        StrayObject.objects.filter(bucket=bucket, key__in=ripe).delete()
        record(
            action="file.strays_deleted",
            by=by,
            target=Target("uploads.bucket", bucket.value),
            meta={"count": len(ripe), "first": ripe[0], "last": ripe[-1]},
        )


def _see_to_missing(
    bucket: Bucket, page: Sequence[ObjectInfo], between: tuple[str, str], by: Actor, *, dry_run: bool
) -> list[Finding]:
    """Mark ready files of the page's range that lost an object, unless there are so many that the store is wrong."""
    rows = File.objects.filter(state=State.READY, purpose__in=_purposes(bucket))
    seen = {info.key for info in page}
    lost = (file for file in _within(rows, "clean_key", between).iterator() if _has_lost(file, seen))
    gone = list(islice(lost, MOST_MISSING + 1))
    if len(gone) > MOST_MISSING:
        if not dry_run:
            _alert_wrong_store(bucket, by)
        return [Finding(Found.MISSING, f"{bucket.value} bucket", f"more than {MOST_MISSING}: reported", is_open=True)]
    marked = [file for file in gone if dry_run or _move(file, State.MISSING, "file.missing", by)]
    return [Finding(Found.MISSING, str(file.pk), "marked", is_open=True) for file in marked]


def _has_lost(file: File, seen: Collection[str] = ()) -> bool:
    """Whether an object of the file is gone; what was not seen is asked for, as its folder may begin a page before."""
    storage, bucket = get_storage(), _bucket(file)
    return any(key not in seen and storage.head(bucket, key) is None for key in served_keys(file))


def _move(file: File, state: State, event: str, by: Actor) -> bool:
    before = file.state
    try:
        with transaction.atomic():
            transition(file, state)
            record(action=event, by=by, target=Target.of(file), before={"state": before}, after={"state": state.value})
            if state == State.MISSING:
                _alert_missing(file, by)
    except StateChangedError:
        return False
    return True


def _alert_missing(file: File, by: Actor) -> None:
    alert(
        code=MISSING_CODE,
        record=f"{file.pk}:{file.version}",
        summary=f"The file {file.name} has lost an object.",
        path=f"/admin/uploads/file/{file.pk}/change/",
        by=by,
    )


def _alert_wrong_store(bucket: Bucket, by: Actor) -> None:
    alert(
        code=TOO_MANY_CODE,
        record=f"{bucket.value}:{db_now():%Y-%m-%d}",
        summary=f"More than {MOST_MISSING} ready files have no object in the {bucket.value} bucket.",
        path="/admin/uploads/file/",
        by=by,
    )


def _within(rows: QuerySet[Row], column: str, between: tuple[str, str]) -> QuerySet[Row]:
    """Rows whose key lies behind the first bound and, if there is one, up to the second, in the order of stores."""
    after, end = between
    place = Collate(column, "C")
    beyond = rows.filter(GreaterThan(place, after)) if after else rows
    return beyond.filter(LessThanOrEqual(place, end)) if end else beyond


def _bucket(file: File) -> Bucket:
    return RULES[file.purpose].bucket


def _purposes(bucket: Bucket) -> list[str]:
    return [purpose for purpose, rule in RULES.items() if rule.bucket is bucket]
