"""Links under which people without an account see a draft."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F

from audit.actions import record
from cms import addresses, workflow
from cms.errors import InvalidTransition
from cms.models import ContentItem, PreviewToken, Publishable, Revision
from common import tokens
from common.actor import Actor
from common.clock import db_now
from common.errors import FieldError, NotFound, ValidationFailed
from common.links import absolute, page_url
from common.target import Target

PREFIX, KIND = "pv_", "preview"
HOURS, HOURS_MAX = 72, 30 * 24
KEPT_AFTER_EXPIRY_DAYS = 30


@dataclass(frozen=True)
class IssuedPreview:
    """A link that was just made; its token and address are known only now."""

    id: UUID
    url: str
    expires_at: datetime
    token: str


@transaction.atomic
def issue(
    *, item: Publishable, by: Actor, hours: int = HOURS, revision: Revision | None = None, now: datetime | None = None
) -> IssuedPreview:
    """Make a link to `revision`, or to what is the newest version now, and return it with its token.

    Raises ValidationFailed for hours outside 1 to 720, NotFound for another item's revision, and InvalidTransition
    for an item in the trash.
    """
    if not 1 <= hours <= HOURS_MAX:
        fault = FieldError("out_of_range", f"From 1 to {HOURS_MAX} hours.", "#/expires_in_hours")
        raise ValidationFailed(errors=[fault])
    row = type(item)._default_manager.select_related("latest_revision").get(pk=item.pk)
    if isinstance(row, ContentItem) and row.deleted_at is not None:
        members = {"state": row.state, "allowed": workflow.allowed(row)}
        raise InvalidTransition("An item in the trash has no preview.", members=members)
    shown = revision or row.latest_revision
    if shown is None or (shown.item_type, shown.item_id) != (row._meta.model_name, str(row.pk)):
        raise NotFound
    now, token = now or db_now(), tokens.issue(PREFIX)
    digest = tokens.digest(KIND, token)
    link = PreviewToken.objects.create(
        item_type=shown.item_type,
        item_id=shown.item_id,
        revision=shown,
        token_hash=digest.hash,
        pepper_id=digest.pepper_id,
        author_label=by.label[:254],
        created_at=now,
        expires_at=now + timedelta(hours=hours),
    )
    after = {"version": shown.number, "expires_at": link.expires_at.isoformat()}
    record(action="preview.issued", by=by, target=Target.of(row), after=after)
    return IssuedPreview(link.pk, _url(row, shown, token), link.expires_at, token)


@transaction.atomic
def revoke(*, item: Publishable, token_id: UUID, by: Actor, now: datetime | None = None) -> PreviewToken:
    """Close a link of the item, and return it; one that was closed before stays as it is. NotFound for another's."""
    link = PreviewToken.objects.filter(item_type=item._meta.model_name, item_id=str(item.pk), pk=token_id).first()
    if link is None:
        raise NotFound
    now = now or db_now()
    if PreviewToken.objects.filter(pk=link.pk, revoked_at__isnull=True).update(revoked_at=now):
        link.revoked_at = now
        record(action="preview.revoked", by=by, target=Target.of(item), after={"opened": link.opened})
    return link


@transaction.atomic
def opened(*, token: str, kind_name: str, now: datetime | None = None) -> tuple[Publishable, Revision]:
    """Count an opening of a link to an item of the type, and return the item with the version to show.

    NotFound for a token that is malformed, unknown, expired or revoked, for one of another type, and for an item that
    is gone or in the trash. Whoever has the link is nobody that we know, so no audit event is written.
    """
    kind = addresses.kind_named(kind_name)
    if kind is None or not tokens.well_formed(PREFIX, token):
        raise NotFound
    usable = PreviewToken.objects.filter(
        token_hash__in=[one.hash for one in tokens.candidates(KIND, token)],
        item_type=kind.model._meta.model_name,
        revoked_at__isnull=True,
        expires_at__gt=(now := now or db_now()),
    )
    link = usable.select_related("revision").first()
    found = (
        kind.model._default_manager.select_related("latest_revision").filter(pk=link.item_id).first() if link else None
    )
    if link is None or not isinstance(found, Publishable) or getattr(found, "deleted_at", None) is not None:
        raise NotFound
    shown = link.revision or found.latest_revision
    counted = usable.filter(pk=link.pk).update(opened=F("opened") + 1, last_opened_at=now)
    if shown is None or not counted:
        raise NotFound
    return found, shown


@transaction.atomic
def forget(*, by: Actor, now: datetime | None = None) -> int:
    """Delete links that expired long ago, and return how many; who made them stands in the audit log."""
    limit = (now or db_now()) - timedelta(days=KEPT_AFTER_EXPIRY_DAYS)
    deleted, _ = PreviewToken.objects.filter(expires_at__lt=limit).delete()
    return deleted


def _url(item: Publishable, shown: Revision, token: str) -> str:
    """The separate front end's preview page where there is one, else the item's page here."""
    kind, slug = addresses.kind_of(item), str(shown.snapshot.get("slug", ""))
    if settings.FRONTEND_URL:
        return page_url("preview", type=kind.name, slug=slug, token=token)
    return absolute(f"{addresses.page_path(kind, slug)}?preview={token}")
