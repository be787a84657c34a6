"""The form of a draft, with the bar that saves, previews, schedules and publishes it."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.widgets import AdminTextareaWidget
from django.db.models import CharField, Model
from django.forms import CheckboxSelectMultiple, SplitDateTimeField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from cms import rights, snapshots
from cms.actions import drafts, publishing
from cms.admin import conflicts, editor, preview_links, words
from cms.admin.item_pages import ItemPages
from cms.constants import SEO_DESCRIPTION_MAX, SUMMARY_MAX
from cms.models import ContentItem, Publishable
from common.admin import ActionAdmin, ObjectActionsMixin
from common.clock import db_now
from common.errors import DomainError, FieldError, PreconditionFailed

PUBLISH, PREVIEW, SCHEDULE = "_publish", "_preview", "_schedule"


class PublishableAdmin(ItemPages, ObjectActionsMixin, ActionAdmin):
    """Forms that show the newest draft; *Save draft*, *Preview*, *Schedule* and *Publish* below them."""

    change_form_template = "cms/admin/content_form.html"  # type: ignore[misc]  # the mixin and Django disagree

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Give sentences room for more than a line, and each half of an instant a name of its own."""
        if db_field.__class__ is CharField and (db_field.max_length or 0) in {SUMMARY_MAX, SEO_DESCRIPTION_MAX}:
            kwargs["widget"] = AdminTextareaWidget(attrs={"rows": 3})
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if isinstance(field, SplitDateTimeField):
            for half, word in zip(field.widget.widgets, ("date", "time"), strict=True):
                half.attrs["aria-label"] = f"{field.label}: {word}"
        return field

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Show other rows as boxes to tick."""
        return super().formfield_for_manytomany(db_field, request, **{"widget": CheckboxSelectMultiple, **kwargs})

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form, which knows for whom it names other content."""
        form = super().get_form(request, obj, change, **kwargs)
        form.reader = request.user
        return form

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return the row with the newest draft's values in memory, which is never saved; None for a hidden draft."""
        found = super().get_object(request, object_id, from_field)
        if found is not None and self.may_see_draft(request, found):
            snapshots.load(found, snapshots.newest(found))
            return found
        return found if found is not None and found.is_public else None

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave other content out of a form that is only looked at by somebody to whom drafts are hidden."""
        shown = super().get_fieldsets(request, obj)
        if obj is None or rights.sees_every_draft(request.user) or self.has_change_permission(request, obj):
            return shown
        return list(without_content(shown, self.model, self.form))

    def may_see_draft(self, request: HttpRequest, obj: Any) -> bool:
        """Whether this colleague may read what is not public yet."""
        return rights.may_see_draft(request.user, obj)

    def may_publish(self, request: HttpRequest) -> bool:
        """Tell whether this person may publish items of this type."""
        return rights.holds(request.user, "publish", self.model)

    def may_preview(self, request: HttpRequest) -> bool:
        """Tell whether this person may make preview links."""
        user: Any = request.user
        return bool(user.has_perm(rights.ADD_PREVIEW))

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show the form under the policy that the editor needs."""
        return editor.allowed(request, super().changeform_view(request, object_id, form_url, extra_context))

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        """Hand the bar its state and its rights, and after a conflict both versions."""
        obj: Any = kwargs.get("obj") or context.get("original")
        form = context["adminform"].form
        if obj:
            context |= {"title": str(obj), "subtitle": None}
        if obj and not self.has_change_permission(request, obj):
            editor.show_formatted(obj)
        context |= {
            "may_publish": self.may_publish(request),
            "may_preview": self.may_preview(request),
            "item": obj,
            "chip": words.chip(obj, now=db_now(), hidden=not self.may_see_draft(request, obj)) if obj else "",
            "sees_draft": obj is not None and self.may_see_draft(request, obj),
            "urls": self.item_urls(obj) if obj else {},
            "faults": form_faults(form) if context.get("errors") else [],
            "read_number": conflicts.read_number(request, obj),
            "conflict": conflicts.found(request, obj, form) if obj else None,
            "wants_publishing": PUBLISH in request.POST,
        }
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="Version")
    def read_version(self, obj: Publishable) -> int:
        """The version that the form was read at, for those who may only look."""
        return obj.lock_version

    def perform_save(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> Publishable:
        """Save the draft, and publish it when that button was pressed."""
        try:
            item = self._save(request, obj, form) if change else self._create(request, form)
            if PUBLISH in request.POST and self.may_publish(request):
                item = publishing.publish(item=item, by=self.actor(request))
        except PreconditionFailed:
            conflicts.note(request)
            raise
        except DomainError as refusal:
            refusal.errors = tuple(_at_its_field(fault, form) for fault in refusal.errors)
            raise
        return item

    def _create(self, request: HttpRequest, form: Any) -> Publishable:
        item: Publishable = drafts.create(model=self.model, values=form.draft_values(), by=self.actor(request))
        return item

    def _save(self, request: HttpRequest, obj: Any, form: Any) -> Publishable:
        """Save what was typed, without the fields for which the compare said to keep the others' words."""
        row = self.model._default_manager.get(pk=obj.pk)
        kept = conflicts.kept_of_theirs(request)
        values = {key: value for key, value in form.draft_values().items() if key not in kept}
        version, was_public = form.cleaned_data["read_version"], row.is_public
        item: Publishable = drafts.save(item=row, values=values, by=self.actor(request), expected_version=version)
        if was_public and not item.is_public:
            messages.warning(request, words.WITHDRAWN)
        return item

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Stay on the item."""
        if IS_POPUP_VAR in request.POST:
            popup: HttpResponse = super().response_add(request, obj, post_url_continue)
            return popup
        return self._saved(request, obj)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Stay on the item, or go on to its schedule."""
        return self._saved(request, obj)

    def _saved(self, request: HttpRequest, obj: Any) -> HttpResponse:
        row = self.model._default_manager.get(pk=obj.pk)
        urls = self.item_urls(row)
        if SCHEDULE in request.POST and self.may_publish(request):
            return HttpResponseRedirect(urls["schedule"])
        if PREVIEW in request.POST and self.may_preview(request):
            preview_links.offer(request, row, by=self.actor(request))
        elif PUBLISH in request.POST and self.may_publish(request):
            messages.success(request, "Published: readers see it now.")
        else:
            messages.success(request, "The draft is saved. Readers see it once it is published.")
        return HttpResponseRedirect(urls["change"])


def without_content(fieldsets: Any, model: type[Model], form: Any) -> Iterator[Any]:
    """The fieldsets without fields that name other content."""
    fields = (*model._meta.concrete_fields, *model._meta.many_to_many)
    naming = {field.name for field in fields if field.related_model and issubclass(field.related_model, ContentItem)}
    naming |= {name for name, relation in form.ROWS.items() if relation in naming}
    for heading, options in fieldsets:
        yield heading, {**options, "fields": [name for name in options["fields"] if name not in naming]}


def form_faults(form: Any) -> list[dict[str, str]]:
    """What is wrong on a form: the field's label, the words, and the anchor of the field's own message."""
    general = [{"label": "", "text": str(fault), "anchor": ""} for fault in form.non_field_errors()]
    return general + [
        {"label": str(form[name].label), "text": " ".join(map(str, faults)), "anchor": f"{form[name].auto_id}_error"}
        for name, faults in form.errors.items()
        if name in form.fields
    ]


def _at_its_field(fault: FieldError, form: Any) -> FieldError:
    """The fault with a pointer to the form's field that stands for the key."""
    key, *rest = fault.pointer.removeprefix("#/").split("/")
    return FieldError(fault.code, fault.detail, "/".join(["#", form.field_of(key), *rest]), fault.parameter)
