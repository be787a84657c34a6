"""The model admin that all types with an address share: lists with a state, moves as buttons."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils.safestring import SafeString

from cms import addresses, rights, workflow
from cms.actions import publishing
from cms.admin import moves, words
from cms.admin.filters import StandsFilter
from cms.admin.publishable import PublishableAdmin
from cms.models import ContentItem
from common.admin import ObjectAction

__all__ = ["ORDER", "SEARCH_ENGINES", "ContentAdmin", "PublishableAdmin", "StandsFilter"]

SEARCH_ENGINES: Any = (
    "Search engines",
    {"classes": ("collapse",), "fields": ("seo_title", "seo_description", "og_image", "canonical_url", "noindex")},
)
ORDER: Any = ("Place", {"fields": ("featured", "position")})


class ContentAdmin(PublishableAdmin):
    """Content with an address of its own."""

    list_per_page = 50
    list_filter: ClassVar[Any] = (StandsFilter, "featured")
    search_fields: ClassVar[Any] = ("draft_title", "slug", "draft_slug")
    ordering: ClassVar[Any] = ("position", "-edited_at")
    prepopulated_fields: ClassVar[Any] = {"slug": ("title",)}

    @property
    def object_actions(self) -> tuple[ObjectAction, ...]:  # type: ignore[override]  # made of the model's name
        """Return the moves, each for those who may make it."""
        return moves.buttons(str(self.opts.model_name))

    def is_offered(self, one: ObjectAction, obj: ContentItem) -> bool:
        """Tell whether the item's state allows the move."""
        return one.name in workflow.allowed(obj)

    def press(self, request: HttpRequest, obj: ContentItem, one: ObjectAction) -> str:
        """Make the move."""
        publishing.transition(item=obj, move=one.name, by=self.actor(request))
        return moves.done(one.name)

    def get_queryset(self, request: HttpRequest) -> Any:
        """What this colleague may see, each row under the newest title that they may read."""
        items = rights.readable(request.user, self.model).annotate(read_at=Now())
        return items.order_by(*self.get_ordering(request))

    def get_search_fields(self, request: HttpRequest) -> Any:
        """Search drafts only for those who may read them all; a search could ask for their words one by one."""
        hidden = set() if rights.sees_every_draft(request.user) else {"draft_title", "draft_slug"}
        shown = [name for name in self.search_fields if name not in hidden]
        return shown if not hidden else [self.model.NAME_KEY, *shown]

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return the row; under the public title where the newest one is not for this colleague."""
        found = super().get_object(request, object_id, from_field)
        if found is not None and not self.may_see_draft(request, found):
            found.draft_title = found.shown_title
        return found

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Those who may write the draft; nobody while it lies in the trash, where its address may become another's."""
        if obj is None or not super().has_change_permission(request, obj):
            return bool(super().has_change_permission(request, obj))
        return obj.deleted_at is None and rights.may_write(request.user, obj)

    def offered_actions(self, request: HttpRequest, obj: Any) -> list[ObjectAction]:
        """Offer moves only to those who may change the item: an author's hand stays off the drafts of others."""
        return super().offered_actions(request, obj) if rights.may_write(request.user, obj) else []

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Make the address of the title only while the item is new."""
        return {} if obj else self.prepopulated_fields

    @admin.display(description="Title", ordering="shown_title")
    def name(self, obj: Any) -> str:
        """The newest title that the reader of the list may see."""
        return str(obj.shown_title)

    @admin.display(description="State", ordering="state")
    def stands(self, obj: Any) -> SafeString:
        """A chip in words."""
        return words.chip(obj, now=obj.read_at, hidden=obj.draft_hidden)

    def view_on_site(self, obj: ContentItem) -> str | None:
        """Return the page of what is public."""
        if not obj.is_public:
            return None
        slug = type(obj)._default_manager.filter(pk=obj.pk).values_list("slug", flat=True).get()
        return addresses.page_path(addresses.kind_of(obj), slug)
