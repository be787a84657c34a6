"""Model admins that write only through actions, or not at all."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from common.actor import Actor, actor_of
from common.admin import refusals, step_up
from common.errors import DomainError

REFUSAL = "_studio_refusal"
NUL = "\x00"


class NoLogEntries:
    """The audit log records every act; Django's own LogEntry would be a second, weaker one."""

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Nothing: the action wrote an audit event."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Nothing: the action wrote an audit event."""

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Nothing: the action wrote an audit event."""


class OfferedFilters:
    """A list's address filters by what the list offers.

    Django lets it name any column, and `?password__startswith=…` would tell a hash letter by letter.
    """

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Refuse columns outside `list_filter` and `date_hierarchy`; what is no column is a filter's own parameter."""
        listed: Any = self
        entries = (entry[0] if isinstance(entry, tuple) else entry for entry in listed.list_filter)
        offered = {_root(entry) for entry in entries if isinstance(entry, str)} | {listed.date_hierarchy}
        columns = {
            column
            for field in listed.model._meta.get_fields()
            for column in ("pk", field.name, getattr(field, "attname", field.name))
        }
        if NUL in value or _root(lookup) in columns - offered:  # PostgreSQL takes no NUL, and would make it a 500
            return False
        return bool(super().lookup_allowed(lookup, value, request))  # type: ignore[misc]  # ModelAdmin's, by the MRO

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        """Django's search; its pickers hand on what was typed as it came."""
        term = search_term.replace(NUL, "")
        return super().get_search_results(request, queryset, term)  # type: ignore[misc]  # as above


class ReadOnlyAdmin(NoLogEntries, OfferedFilters, admin.ModelAdmin):  # type: ignore[type-arg]  # generic only in the stubs
    """Lists and shows; adds, changes and deletes nothing."""

    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never; viewing is a permission of its own."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False


class ActionAdmin(NoLogEntries, OfferedFilters, admin.ModelAdmin):  # type: ignore[type-arg]  # generic only in the stubs
    """Its forms call an action; a refusal of the action is shown on the form, with everything typed kept.

    `reauth_to_save` asks whoever saves or deletes to have confirmed, in the last minutes, that it is them.
    """

    actions = None
    reauth_to_save = False

    def perform_save(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> Model:
        """Call the action that creates or changes; `obj` has the form's values and is not saved."""
        raise NotImplementedError(f"{type(self).__name__} allows writing but names no action.")

    def perform_delete(self, request: HttpRequest, obj: Any) -> None:
        """Call the action that removes; closed unless overridden together with `has_delete_permission`."""
        raise NotImplementedError(f"{type(self).__name__} allows deleting but names no action.")

    def actor(self, request: HttpRequest) -> Actor:
        """Who acts."""
        return actor_of(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never, unless a subclass opens it."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Hand over to the action, then let the form's object stand for the saved row."""
        saved = self.perform_save(request, obj, form, change)
        obj.pk = saved.pk
        obj._state.adding = False

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing: the action was given the related values too."""

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Hand over to the action."""
        self.perform_delete(request, obj)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form, which also carries the refusal of an action that was just tried."""
        form = super().get_form(request, obj, change, **kwargs)
        refusal = getattr(request, REFUSAL, None)
        return refusals.refused_form(form, refusal) if refusal else form

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Django's view; when the action refuses, the same form again with the reason."""
        if self.reauth_to_save and not step_up.is_recent(request):
            if request.method == "POST":
                return self._unconfirmed(request, object_id, form_url, extra_context)
            if object_id is None and self.has_add_permission(request):
                return HttpResponseRedirect(step_up.address(request.get_full_path()))
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except DomainError as refusal:
            setattr(request, REFUSAL, refusals.Refusal.of(refusal))
            return super().changeform_view(request, object_id, form_url, extra_context)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Django's view, behind the confirmation where saving is."""
        if self.reauth_to_save and not step_up.is_recent(request):
            return HttpResponseRedirect(step_up.address(request.get_full_path()))
        return super().delete_view(request, object_id, extra_context)

    def _unconfirmed(self, request: HttpRequest, object_id: str | None, form_url: str, extra: Any) -> HttpResponse:
        """The form as it was sent, with a link that opens the confirmation in a window of its own."""
        setattr(request, REFUSAL, refusals.UNCONFIRMED)
        context = {**(extra or {}), "step_up_url": step_up.address()}
        return super().changeform_view(request, object_id, form_url, context)


def _root(lookup: str) -> str:
    return lookup.split(LOOKUP_SEP, maxsplit=1)[0]
