"""Who among the staff reads and writes what is not public: one answer for the admin and the API.

A draft lives in a revision, so whoever may see revisions may see every draft. Whoever may not sees what is public,
and the items that they began themselves.
"""

from typing import Any

from django.contrib.auth import get_permission_codename
from django.db.models import Case, F, Model, Q, QuerySet, When

from cms.models import ContentItem, Publishable

VIEW_DRAFTS = "cms.view_revision"
ADD_PREVIEW = "cms.add_previewtoken"
REVOKE_PREVIEW = "cms.delete_previewtoken"


def holds(user: Any, verb: str, model: type[Model]) -> bool:
    """Whether the user has the permission `cms.<verb>_<model>`, such as `publish` or `submit`."""
    return bool(user.has_perm(f"{model._meta.app_label}.{get_permission_codename(verb, model._meta)}"))


def sees_every_draft(user: Any) -> bool:
    """Whether no draft is hidden from this colleague."""
    return bool(user.has_perm(VIEW_DRAFTS))


def may_see_draft(user: Any, item: Publishable) -> bool:
    """Whether this colleague may read the newest draft of an item."""
    return sees_every_draft(user) or (isinstance(item, ContentItem) and item.created_by_id == user.pk)


def may_write(user: Any, item: Publishable) -> bool:
    """Whether this colleague may change the draft: without the right to publish only their own, while nowhere public."""
    if not holds(user, "change", type(item)):
        return False
    if holds(user, "publish", type(item)):
        return True
    return isinstance(item, ContentItem) and item.created_by_id == user.pk and not item.is_public


def readable(user: Any, model: type[ContentItem]) -> QuerySet[Any]:
    """The items that this colleague may see; `shown_title` of each is the newest title that they may read."""
    items = model._default_manager.all()
    if sees_every_draft(user):
        return items.annotate(shown_title=F("draft_title"))
    theirs = items.filter(Q(live_revision__isnull=False) | Q(created_by=user.pk))
    own = When(created_by=user.pk, then=F("draft_title"))
    return theirs.annotate(shown_title=Case(own, default=F(model.NAME_KEY)))
