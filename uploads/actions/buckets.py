"""Brings the settings of the buckets to what uploads need."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from django.conf import settings
from django.db import transaction

from audit.actions import record
from common.actor import Actor
from common.target import Target
from uploads.constants import Bucket
from uploads.storage import get_storage, rules
from uploads.storage.base import NotAllowedError
from uploads.storage.rules import BucketRules
from uploads.storage.s3 import S3Storage


class Outcome(StrEnum):
    """What became of one setting."""

    SAME = "as it should be"
    CHANGED = "set"
    DIFFERENT = "differs"
    NOT_ALLOWED = "not allowed"


@dataclass(frozen=True)
class Configured:
    """One bucket; `rules` are those that it should have."""

    bucket: Bucket
    name: str
    rules: BucketRules
    cors: Outcome
    lifecycle: Outcome


def configure(*, by: Actor, dry_run: bool = False) -> list[Configured]:
    """Set CORS and lifecycle of both buckets where they differ, and return what became of them.

    Lifecycle rules of others stay. With `dry_run` it only reads. An empty list means a store without buckets, such as
    `STORAGE=local`. Raises `StorageNotConfigured` and `StorageUnavailable`.
    """
    storage = get_storage()
    if not isinstance(storage, S3Storage):
        return []
    done = [_configured(storage, bucket, dry_run=dry_run) for bucket in Bucket if storage.buckets[bucket]]
    changed = [one.name for one in done if Outcome.CHANGED in {one.cors, one.lifecycle}]
    if changed:
        with transaction.atomic():
            record(action="bucket.configured", by=by, target=Target("uploads.bucket", ", ".join(changed)))
    return done


def _configured(storage: S3Storage, bucket: Bucket, *, dry_run: bool) -> Configured:
    wanted = rules.wanted(bucket, settings.CORS_ALLOWED_ORIGINS)
    name = storage.buckets[bucket]
    try:
        present = storage.rules(bucket)
    except NotAllowedError:
        return Configured(bucket, name, wanted, Outcome.NOT_ALLOWED, Outcome.NOT_ALLOWED)
    wanted = rules.merged(wanted, present)
    cors = partial(storage.set_cors, bucket, wanted.cors)
    lifecycle = partial(storage.set_lifecycle, bucket, wanted.lifecycle)
    return Configured(
        bucket=bucket,
        name=name,
        rules=wanted,
        cors=_settled(rules.same_cors(wanted.cors, present.cors), cors, dry_run=dry_run),
        lifecycle=_settled(rules.same_lifecycle(wanted.lifecycle, present.lifecycle), lifecycle, dry_run=dry_run),
    )


def _settled(same: bool, write: Callable[[], None], *, dry_run: bool) -> Outcome:  # noqa: FBT001 - one answer, asked once
    if same:
        return Outcome.SAME
    if dry_run:
        return Outcome.DIFFERENT
    try:
        write()
    except NotAllowedError:
        return Outcome.NOT_ALLOWED
    return Outcome.CHANGED
