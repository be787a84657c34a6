"""What happens to public content, written down for whoever follows: the list of changes and the webhooks."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Max
from django.db.models.functions import Greatest

from cms import registry
from cms.actions import deliveries, totals
from cms.models import Change, ContentItem, ContentVersion, Publishable
from cms.models.outward import ChangeType
from common.actor import Actor

KEEP_DAYS = 90


def note(
    *, item: Publishable, published: bool, previous_slug: str | None, version: int, by: Actor, now: datetime
) -> Change:
    """Write the change that raised the content version to `version`, and queue its webhooks; needs a transaction.

    Call it after `version.bump` with what that returned. `previous_slug` is the slug under which the item was public
    before this move, None where it was not public (or has no slug): what is taken off the site is told by that one,
    since its row may hold a newer draft's by now.
    """
    change_type = ChangeType.PUBLISHED if published else ChangeType.UNPUBLISHED
    change = Change.objects.create(
        version=version,
        at=now,
        type=change_type,
        item_type=str(item._meta.model_name),
        item_id=str(item.pk),
        data=_data(item, published=published, previous_slug=previous_slug),
    )
    if isinstance(item, ContentItem) and published != (previous_slug is not None):
        totals.moved(kind=registry.of_model(type(item)), step=1 if published else -1, by=by)
    deliveries.queue(change=change, by=by, now=now)
    return change


def _data(item: Publishable, *, published: bool, previous_slug: str | None) -> dict[str, Any]:
    """The member `data` of the answer: what it is, and which addresses and tags it concerns."""
    if not isinstance(item, ContentItem):
        one = registry.singleton_of(type(item))
        return _told(one.name, None, None, [f"/api/{one.path}"], [one.tag])
    kind = registry.of_model(type(item))
    slug = item.slug if published else previous_slug or item.slug
    previous = previous_slug if previous_slug != slug else None
    slugs = [slug, previous] if previous else [slug]
    paths = [*(f"/api/{kind.path}/{one}" for one in slugs), f"/api/{kind.path}"]
    return _told(kind.name, slug, previous, paths, [kind.tag, *(f"{kind.tag}:{one}" for one in slugs)])


def _told(name: str, slug: str | None, previous: str | None, paths: list[str], tags: list[str]) -> dict[str, Any]:
    return {"type": name, "slug": slug, "previous_slug": previous, "paths": paths, "tags": tags}


@transaction.atomic
def forget(*, by: Actor, now: datetime) -> int:
    """Delete changes older than 90 days, remember up to which version they are gone, and return how many there were."""
    old = Change.objects.filter(at__lt=now - timedelta(days=KEEP_DAYS))
    newest = old.aggregate(newest=Max("version"))["newest"]
    if newest is None:
        return 0
    ContentVersion.objects.filter(pk=1).update(changes_after=Greatest(F("changes_after"), newest))
    return Change.objects.filter(version__lte=newest).delete()[0]
