"""Shared reads of content. What is public starts from *live* rows, everywhere."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet
from django.urls import reverse

from cms import diffing, reading, registry, rights
from cms.constants import State
from cms.models import (
    Change,
    ContentVersion,
    MediaAsset,
    Post,
    PreviewToken,
    Project,
    Publishable,
    Revision,
    Service,
    SlugHistory,
    Testimonial,
)
from cms.output import Row
from cms.registry import ContentType, Singleton
from cms.validators import SLUG
from common.attention import Attention
from common.errors import Gone, NotFound


@dataclass(frozen=True)
class Version:
    """The content version and the instant since which it holds (None before the first change)."""

    number: int
    since: datetime | None


def content_version() -> Version:
    """Return the version on which every public cache hangs, by one query."""
    row = ContentVersion.objects.filter(pk=1).values_list("number", "changed_at").first()
    return Version(*row) if row else Version(1, None)


def changes_since(since: int) -> tuple[QuerySet[Change], Version]:
    """Return the changes after a content version, not beyond the newest one, and that one; two queries in all.

    Raises Gone when some of them are no longer kept.
    """
    row = ContentVersion.objects.filter(pk=1).values_list("number", "changed_at", "changes_after").first()
    number, changed_at, changes_after = row or (1, None, 0)
    if since < changes_after:
        raise Gone(f"Changes up to version {changes_after} are no longer kept: read the content anew.")
    return Change.objects.filter(version__gt=since, version__lte=number), Version(number, changed_at)


def live_services() -> QuerySet[Any]:
    """Return the public services in their order."""
    return Service.objects.all().live().order_by("position", "id")


def live_projects() -> QuerySet[Any]:
    """Return the public projects in their order; never private ones."""
    return Project.objects.all().live().order_by("position", "id")


def live_posts() -> QuerySet[Any]:
    """Return the public posts, pinned ones first, then the newest."""
    return Post.objects.all().live().order_by("-pinned", "-published_at", "-id")


def live_testimonials() -> QuerySet[Any]:
    """Return the public testimonials in their order."""
    return Testimonial.objects.all().live().order_by("position", "id")


def live_service(slug: str) -> Any | None:
    """Return the public service at `slug`, or None."""
    return live_services().filter(slug=slug).first()


def site_settings() -> dict[str, Any]:
    """Return the public settings in the API's shape, by one query."""
    return registry.singleton("settings").read()


def list_rows(type_name: str, queryset: QuerySet[Any] | None = None) -> list[Row]:
    """Return list rows in the API's shape: of `queryset` (live rows, maybe sliced), or of all that is live."""
    content_type = registry.get(type_name)
    return reading.list_rows(content_type, content_type.live() if queryset is None else queryset)


def detail(type_name: str, slug: str) -> Row:
    """Return a detail in the API's shape; raises Moved, Gone or NotFound as the API answers."""
    content_type = registry.get(type_name)
    found = reading.detail(content_type, slug)
    if found is None:
        raise_absent(content_type, slug)
    return found


class Moved(Exception):
    """The slug was renamed; `slug` is the one to go to."""

    def __init__(self, slug: str) -> None:
        super().__init__(slug)
        self.slug = slug


def raise_absent(content_type: ContentType, slug: str) -> NoReturn:
    """Say why nothing live is at `slug`: Moved to another, Gone, or NotFound for what never was public.

    Two queries for a slug that was public, one for any other, so that a draft cannot be told from nothing.
    """
    owner = SlugHistory.objects.filter(item_type=content_type.name, slug=slug).values_list("item_id", flat=True).first()
    if owner is None:
        raise NotFound
    now_at = content_type.live().filter(pk=owner).values_list("slug", flat=True).first()
    if now_at is None:
        raise Gone
    raise Moved(now_at)


def item_for(user: Any, kind: ContentType, name: str) -> Any:
    """Return an item by its live slug, its draft's slug or its id, with its revisions; also from the trash.

    Raises NotFound for what this colleague may not see, as for what is not there. An item in the trash gives way to
    one that has its slug now.
    """
    named, key = Q(slug=name) | Q(draft_slug=name, draft_hidden=False), _as_uuid(name)
    if key is None and not SLUG.fullmatch(name):
        raise NotFound
    rows = rights.readable(user, kind.model).select_related("latest_revision", "live_revision")
    rows = rows.filter(named if key is None else named | Q(pk=key))
    found = rows.filter(deleted_at__isnull=True).first()
    found = found or rows.filter(deleted_at__isnull=False).order_by("-deleted_at").first()
    if found is None:
        raise NotFound
    return found


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def the_row_of(one: Singleton) -> Any:
    """Return the row of a type that has one, with its revisions; None before it was written."""
    return one.model._default_manager.select_related("latest_revision", "live_revision").first()


def revisions_of(item: Publishable) -> QuerySet[Revision]:
    """Return the versions of an item, the newest first."""
    rows = Revision.objects.filter(item_type=str(item._meta.model_name), item_id=str(item.pk))
    return rows.order_by("-created_at", "-id")


def revision(item: Publishable, number: int) -> Revision:
    """Return one version of an item; raises NotFound."""
    found = revisions_of(item).filter(number=number).first()
    if found is None:
        raise NotFound
    return found


def names_of(model: type[Publishable], *compared: Mapping[str, Any]) -> dict[str, str]:
    """Return what people call the other rows that snapshots of a type name, by key: one query a type."""
    return {
        str(row.pk): str(row)
        for other, keys in diffing.referred(model, *compared).items()
        if keys
        for row in other._default_manager.filter(pk__in=keys)
    }


def previews_of(item: Publishable) -> QuerySet[PreviewToken]:
    """Return the preview links of an item, the newest first, with the versions that they show."""
    rows = PreviewToken.objects.filter(item_type=str(item._meta.model_name), item_id=str(item.pk))
    return rows.select_related("revision").order_by("-created_at", "-id")


def pepper_use(*, now: datetime) -> dict[str, int]:
    """By the id of each pepper of JWT_REFRESH_SECRET that preview links name: how many would no longer open."""
    usable = PreviewToken.objects.filter(expires_at__gt=now, revoked_at__isnull=True)
    return Counter(usable.values_list("pepper_id", flat=True))


def shows_file(file_id: UUID) -> bool:
    """Whether a picture of the library stands on this file, so that it must not be deleted."""
    return MediaAsset.objects.filter(file_id=file_id).exists()


def needs_you() -> list[Attention]:
    """Return what waits for a person: reviews, and changes that are not public yet; one query a type."""
    found = []
    for content_type in registry.all_types():
        model = content_type.model
        rows = model._default_manager.filter(deleted_at__isnull=True)
        url = reverse(f"admin:cms_{model._meta.model_name}_changelist")
        permission = f"cms.publish_{model._meta.model_name}"
        plural = str(model._meta.verbose_name_plural)
        newer = Q(live_revision__isnull=False) & ~Q(live_revision=F("latest_revision"))
        counts = rows.aggregate(
            reviews=Count("pk", filter=Q(state=State.IN_REVIEW)),
            changed=Count("pk", filter=newer),
            called_off=Count("pk", filter=~Q(schedule_problem="")),
        )
        found += [
            Attention(f"{plural} whose schedule failed", counts["called_off"], f"{url}?stands=called_off", permission),
            Attention(f"{plural} to review", counts["reviews"], f"{url}?stands=review", permission),
            Attention(f"{plural} with unpublished changes", counts["changed"], f"{url}?stands=changed", permission),
        ]
    return found
