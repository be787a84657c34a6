"""Removing for good: what lay in the trash long enough, and versions that nobody needs any more."""

import logging
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import ProtectedError, Q

from audit.actions import record
from cms import registry, workflow
from cms.constants import REVISIONS_KEPT, TRASH_DAYS
from cms.errors import InUse, InvalidTransition
from cms.locks import locked
from cms.models import ContentItem, Revision
from common.actor import Actor
from common.errors import NotFound
from common.target import Target
from uploads.actions import deletions

logger = logging.getLogger(__name__)
RUN_LIMIT = 500  # items of one run
REVISIONS_LIMIT = 20_000  # of one run; the next one takes the rest
_SUPERFLUOUS = """
    SELECT id FROM (
        SELECT id, kind, published_at,
            row_number() OVER (PARTITION BY item_type, item_id ORDER BY number DESC) AS place,
            row_number() OVER (
                PARTITION BY item_type, item_id, (created_at AT TIME ZONE %(zone)s)::date ORDER BY number DESC
            ) AS place_of_day
        FROM cms_revision
        WHERE (item_type, item_id) IN (
            SELECT item_type, item_id FROM cms_revision GROUP BY item_type, item_id HAVING count(*) > %(kept)s
        )
    ) AS ranked
    WHERE place > %(kept)s AND place_of_day > 1 AND published_at IS NULL AND kind <> 'publish'
    LIMIT %(limit)s
"""


def purge_due(*, by: Actor, now: datetime, limit: int = RUN_LIMIT) -> int:
    """Purge what has been in the trash for `TRASH_DAYS` by `now`; return how many items. What is in use stays."""
    done = 0
    models: list[Any] = [content_type.model for content_type in registry.all_types()]
    for model in models:
        old = model._default_manager.filter(deleted_at__lte=now - timedelta(days=TRASH_DAYS))
        for item in old.order_by("deleted_at")[:limit]:
            try:
                purge(item=item, by=by)
            except (InUse, InvalidTransition, NotFound) as refusal:  # not found: another run was faster
                logger.info("purge_refused", extra={"item": str(item.pk), "reason": refusal.code})
            else:
                done += 1
    return done


@transaction.atomic
def purge(*, item: ContentItem, by: Actor) -> None:
    """Remove an item of the trash for good, with its versions and everything that belongs to it alone.

    An address that was public goes on answering 410. Raises InvalidTransition for an item that is not in the trash,
    InUse for one that others cannot do without, such as a service that was booked.
    """
    row = locked(item)
    if row.deleted_at is None:
        members = {"state": row.state, "allowed": workflow.allowed(row)}
        raise InvalidTransition("Only what is in the trash can be removed for good.", members=members)
    target, kind, key = Target.of(row), str(row._meta.model_name), str(row.pk)
    try:
        with transaction.atomic():
            row.delete()
    except ProtectedError as fault:
        raise InUse from fault
    revisions = Revision.objects.filter(item_type=kind, item_id=key).delete()[1].get("cms.Revision", 0)
    before = {"slug": row.draft_slug, "deleted_at": row.deleted_at.isoformat(), "revisions": revisions}
    deletions.withdraw_files_of(target_kind=kind, target_id=UUID(key), by=by)
    record(action="content.purged", by=by, target=target, before=before)


def thin_revisions(*, by: Actor, limit: int = REVISIONS_LIMIT) -> int:
    """Delete superfluous versions, at most `limit`, and return how many: see `REVISIONS_KEPT`. Needs no lock.

    What is published, scheduled or newest is never among them, since it is one of the last or was published.
    """
    values: dict[str, str | int] = {"zone": settings.STUDIO_TIME_ZONE, "kept": REVISIONS_KEPT, "limit": limit}
    with connection.cursor() as cursor:
        cursor.execute(_SUPERFLUOUS, values)
        keys: set[UUID] = {key for (key,) in cursor.fetchall()}
    return Revision.objects.filter(_loose(), pk__in=keys).delete()[1].get("cms.Revision", 0)


def _loose() -> Q:
    """What no item stands on: a schedule may be far older than the last versions."""
    condition = Q()
    for model in registry.all_models():
        for column in ("live_revision", "latest_revision", "scheduled_revision"):
            used = model._default_manager.filter(**{f"{column}__isnull": False})
            condition &= ~Q(pk__in=used.values(column))
    return condition
