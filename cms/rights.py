"""Who among the staff reads and writes what is not public: one answer for the admin and the API.

A draft lives in a revision, so whoever may see revisions may see every draft. Whoever may not sees what is public,
and the items that they began themselves.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_permission_codename
from django.db.models import Case, F, Model, Q, QuerySet, Value, When

from cms.models import ContentItem, Publishable

VIEW_DRAFTS = "cms.view_revision"
ADD_PREVIEW = "cms.add_previewtoken"
REVOKE_PREVIEW = "cms.delete_previewtoken"
SOMEBODYS_DRAFT = "A colleague's draft"


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
    """Whether this colleague may change the draft: without the right to publish only their own that is not public."""
    if not holds(user, "change", type(item)):
        return False
    if holds(user, "publish", type(item)):
        return True
    return isinstance(item, ContentItem) and item.created_by_id == user.pk and not item.is_public


def readable(user: Any, model: type[ContentItem], *, keep: Iterable[Any] = ()) -> QuerySet[Any]:
    """The items that this colleague may see, and those in `keep` (keys) whatever they are.

    `shown_title` of each is the newest title that they may read, and `draft_hidden` says that there may be a newer one.
    """
    items: QuerySet[Any] = model._default_manager.all()
    if sees_every_draft(user):
        all_of_them: QuerySet[Any] = items.annotate(shown_title=F("draft_title"), draft_hidden=Value(value=False))
        return all_of_them
    own, public = Q(created_by=user.pk), Q(live_revision__isnull=False)
    some: QuerySet[Any] = items.filter(public | own | Q(pk__in=list(keep))).annotate(
        shown_title=Case(
            When(own, then=F("draft_title")), When(public, then=F(model.NAME_KEY)), default=Value(SOMEBODYS_DRAFT)
        ),
        draft_hidden=Case(When(own, then=Value(value=False)), default=Value(value=True)),
    )
    return some


def offered(user: Any, model: type[ContentItem], *, keep: Iterable[Any] = ()) -> QuerySet[Any]:
    """What a form offers to choose: what the colleague may see outside the trash, and what is chosen already."""
    chosen = list(keep)
    return readable(user, model, keep=chosen).filter(Q(deleted_at__isnull=True) | Q(pk__in=chosen))
