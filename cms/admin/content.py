"""The model admin that all types share."""

from typing import Any, ClassVar, NamedTuple

from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.widgets import AdminTextareaWidget
from django.db.models import CharField, F, Q, QuerySet
from django.forms import CheckboxSelectMultiple
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from cms import registry, snapshots, workflow
from cms.actions import drafts, publishing
from cms.admin import editor
from cms.constants import SEO_DESCRIPTION_MAX, SUMMARY_MAX, State
from cms.models import ContentItem, Publishable
from common.admin import ActionAdmin, ObjectAction, ObjectActionsMixin

PUBLISH = "_publish"
SEARCH_ENGINES: Any = (
    "Search engines",
    {"classes": ("collapse",), "fields": ("seo_title", "seo_description", "og_image", "canonical_url", "noindex")},
)
ORDER: Any = ("Place", {"fields": ("featured", "position")})


class Move(NamedTuple):
    """A move of `cms.workflow` as a button: `right` begins the permission's name, `done` is said afterwards."""

    move: str
    label: str
    right: str
    done: str
    explain: str = ""
    danger: bool = False


MOVES = (
    Move("submit", "Hand in for review", "submit", "It waits for a review."),
    Move("unsubmit", "Take back from review", "submit", "It is a draft again."),
    Move(
        "unpublish", "Unpublish", "publish", "It is off the site.", "Off the site; its address answers that it is gone."
    ),
    Move("archive", "Archive", "publish", "It is archived.", "Off the site, and out of the way."),
    Move("trash", "Move to the trash", "delete", "It is in the trash.", danger=True),
    Move("restore", "Take out of the trash", "delete", "It is a draft again."),
)


class StandsFilter(admin.SimpleListFilter):
    """Where items stand, in the words of the state column; the trash is shown only when asked for."""

    title = "state"
    parameter_name = "stands"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the choices."""
        return [
            ("live", "Live"),
            ("changed", "Live with unpublished changes"),
            ("draft", "Drafts"),
            ("review", "In review"),
            ("archived", "Archived"),
            ("trash", "Trash"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list."""
        if self.value() == "trash":
            return queryset.filter(deleted_at__isnull=False)
        wanted = {
            "live": Q(live_revision__isnull=False),
            "changed": Q(live_revision__isnull=False) & ~Q(live_revision=F("latest_revision")),
            "draft": Q(state=State.DRAFT),
            "review": Q(state=State.IN_REVIEW),
            "archived": Q(state=State.ARCHIVED),
        }.get(self.value() or "", Q())
        return queryset.filter(wanted, deleted_at__isnull=True)


class PublishableAdmin(ObjectActionsMixin, ActionAdmin):
    """Forms that show the newest draft; *Save draft* and *Save and publish* below them."""

    change_form_template = "cms/admin/content_form.html"  # type: ignore[misc]  # the mixin and Django disagree

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Give sentences room for more than a line."""
        if db_field.__class__ is CharField and (db_field.max_length or 0) in {SUMMARY_MAX, SEO_DESCRIPTION_MAX}:
            kwargs["widget"] = AdminTextareaWidget(attrs={"rows": 3})
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Show other rows as boxes to tick."""
        return super().formfield_for_manytomany(db_field, request, **{"widget": CheckboxSelectMultiple, **kwargs})

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return the row with the newest draft's values in memory; it is never saved."""
        found = super().get_object(request, object_id, from_field)
        if found is not None and self.may_see_draft(request, found):
            snapshots.load(found, snapshots.newest(found))
        return found

    def may_see_draft(self, request: HttpRequest, obj: Any) -> bool:
        """Whether this colleague may read what is not public yet."""
        return True

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show the form under the policy that the editor needs."""
        context = {
            **(extra_context or {}),
            "may_publish": self.may_publish(request),
            "publish_label": "Save and publish",
        }
        return editor.allowed(request, super().changeform_view(request, object_id, form_url, context))

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        """Say below the form where the item stands."""
        obj = kwargs.get("obj") or context.get("original")
        context["stands"] = state_words(obj) if obj else ""
        return super().render_change_form(request, context, *args, **kwargs)

    def may_publish(self, request: HttpRequest) -> bool:
        """Tell whether this person may publish items of this type."""
        user: Any = request.user
        return bool(user.has_perm(f"cms.publish_{self.opts.model_name}"))

    @admin.display(description="Version")
    def read_version(self, obj: Publishable) -> int:
        """The version that the form was read at, for those who may only look."""
        return obj.lock_version

    def perform_save(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> Publishable:
        """Save the draft, and publish it when that button was pressed."""
        by = self.actor(request)
        if change:
            row = self.model._default_manager.get(pk=obj.pk)
            version = form.cleaned_data["read_version"]
            item = drafts.save(item=row, values=form.draft_values(), by=by, expected_version=version)
        else:
            item = drafts.create(model=self.model, values=form.draft_values(), by=by)
        if PUBLISH in request.POST and self.may_publish(request):
            item = publishing.publish(item=item, by=by)
        saved: Publishable = item
        return saved

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Stay on the item."""
        if IS_POPUP_VAR in request.POST:
            popup: HttpResponse = super().response_add(request, obj, post_url_continue)
            return popup
        return self._saved(request, obj)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Stay on the item."""
        return self._saved(request, obj)

    def _saved(self, request: HttpRequest, obj: Any) -> HttpResponse:
        if PUBLISH in request.POST and self.may_publish(request):
            messages.success(request, "Published: readers see it now.")
        else:
            messages.success(request, "The draft is saved. Readers see it once it is published.")
        return HttpResponseRedirect(reverse(f"admin:cms_{self.opts.model_name}_change", args=[obj.pk]))


class ContentAdmin(PublishableAdmin):
    """Content with an address: lists with a state, moves as buttons."""

    list_per_page = 50
    list_filter: ClassVar[Any] = (StandsFilter, "featured")
    search_fields: ClassVar[Any] = ("draft_title", "slug", "draft_slug")
    ordering: ClassVar[Any] = ("position", "-edited_at")
    prepopulated_fields: ClassVar[Any] = {"slug": ("title",)}

    @property
    def object_actions(self) -> tuple[ObjectAction, ...]:  # type: ignore[override]  # made of the model's name
        """Return the moves, each for those who may make it."""
        return tuple(
            ObjectAction(
                one.move,
                one.label,
                f"cms.{one.right}_{self.opts.model_name}",
                danger=one.danger,
                explain=one.explain,
            )
            for one in MOVES
        )

    def is_offered(self, one: ObjectAction, obj: ContentItem) -> bool:
        """Tell whether the item's state allows the move."""
        return one.name in workflow.allowed(obj)

    def press(self, request: HttpRequest, obj: ContentItem, one: ObjectAction) -> str:
        """Make the move."""
        publishing.transition(item=obj, move=one.name, by=self.actor(request))
        return next(move.done for move in MOVES if move.move == one.name)

    def get_queryset(self, request: HttpRequest) -> Any:
        """All items; for authors what is public and what they began themselves."""
        items = super().get_queryset(request)
        if not self._writes_only_own(request):
            return items
        return items.filter(Q(live_revision__isnull=False) | Q(created_by=request.user.pk))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return the row; under the public title where the newest one is not for this colleague."""
        found = super().get_object(request, object_id, from_field)
        if found is not None and not self.may_see_draft(request, found):
            found.draft_title = found.title
        return found

    def may_see_draft(self, request: HttpRequest, obj: Any) -> bool:
        """Authors see the drafts that they began."""
        return not self._writes_only_own(request) or obj.created_by_id == request.user.pk

    def _writes_only_own(self, request: HttpRequest) -> bool:
        return self.has_add_permission(request) and not self.may_publish(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Those who may not publish change only what they began themselves and what is not public."""
        if not super().has_change_permission(request, obj):
            return False
        if obj is None or self.may_publish(request):
            return True
        return obj.created_by_id == request.user.pk and not obj.is_public

    def offered_actions(self, request: HttpRequest, obj: Any) -> list[ObjectAction]:
        """Offer moves only to those who may change the item: an author's hand stays off the drafts of others."""
        return super().offered_actions(request, obj) if self.has_change_permission(request, obj) else []

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Make the address of the title only while the item is new."""
        return {} if obj else self.prepopulated_fields

    @admin.display(description="Title", ordering="draft_title")
    def name(self, obj: ContentItem) -> str:
        """The newest title."""
        return obj.draft_title

    @admin.display(description="State", ordering="state")
    def stands(self, obj: ContentItem) -> SafeString:
        """A chip in words."""
        kind = "live" if obj.is_public else "wait" if obj.state == State.IN_REVIEW else "draft"
        return format_html('<span class="chip chip--{}">{}</span>', kind, state_words(obj))

    def view_on_site(self, obj: ContentItem) -> str | None:
        """Return the page of what is public."""
        kind = registry.get(str(self.opts.model_name))
        return f"/{kind.page}/{live_slug(obj)}" if obj.is_public else None


def live_slug(obj: ContentItem) -> str:
    """Return the public slug of an item that was loaded with its draft."""
    rows = type(obj)._default_manager.filter(pk=obj.pk)
    return str(rows.values_list("slug", flat=True).get())


def state_words(obj: Publishable) -> str:
    """Return where an item stands, in words."""
    if isinstance(obj, ContentItem) and obj.deleted_at is not None:
        return "In the trash"
    words = str(obj.get_state_display())
    return f"{words} · unpublished changes" if obj.has_unpublished_changes else words
