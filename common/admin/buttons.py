"""Buttons on an object's page: POST only, each one action."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse

from common.errors import DomainError


@dataclass(frozen=True, slots=True)
class ObjectAction:
    """`method` names a method `(request, obj) -> str` of the admin; its text is shown as the result.

    `permission` is `app.codename`; `when` names a method `(obj) -> bool` that says whether the button is offered. An
    admin whose buttons are alike overrides `press` and `is_offered` instead and leaves both empty.
    """

    name: str
    label: str
    permission: str
    method: str = ""
    when: str = ""
    danger: bool = False
    explain: str = ""


class ObjectActionsMixin:
    """Adds `object_actions` to a ModelAdmin; the change page's template draws them from the context."""

    object_actions: Sequence[ObjectAction] = ()
    change_form_template: Any = "admin/object_actions_form.html"
    opts: Any
    admin_site: Any

    def get_urls(self) -> list[URLPattern]:
        """One address for all buttons of an object."""
        info = f"{self.opts.app_label}_{self.opts.model_name}_action"
        view = self.admin_site.admin_view(self.object_action_view)
        own = [path("<path:object_id>/action/<slug:name>/", view, name=info)]
        return own + super().get_urls()  # type: ignore[misc,no-any-return]  # ModelAdmin's, by the MRO

    def offered_actions(self, request: HttpRequest, obj: Any) -> list[ObjectAction]:
        """The buttons that this user may press on this object now."""
        user: Any = request.user
        return [one for one in self.object_actions if user.has_perm(one.permission) and self.is_offered(one, obj)]

    def is_offered(self, one: ObjectAction, obj: Any) -> bool:
        """Whether the object's state allows it: what the method `when` says."""
        return not one.when or bool(getattr(self, one.when)(obj))

    def press(self, request: HttpRequest, obj: Any, one: ObjectAction) -> str:
        """Do it, by the method `method`; returns the text of the result."""
        return str(getattr(self, one.method)(request, obj))

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        """Hand the buttons with their addresses to the template."""
        obj = kwargs.get("obj") or context.get("original")
        context["object_actions"] = [
            {"action": one, "url": self._action_url(obj, one)}
            for one in (self.offered_actions(request, obj) if obj else [])
        ]
        return super().render_change_form(request, context, *args, **kwargs)  # type: ignore[misc]

    def object_action_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """Press a button: the action, its message, and back to the object's page."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        obj = self.get_object(request, object_id)  # type: ignore[attr-defined]
        offered = [one for one in self.offered_actions(request, obj) if one.name == name] if obj else []
        if not offered:
            raise PermissionDenied
        try:
            messages.success(request, self.press(request, obj, offered[0]))
        except DomainError as refusal:
            lines = [refusal.detail, *(fault.detail for fault in refusal.errors)]
            messages.error(request, " ".join(lines))
        info = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        return HttpResponseRedirect(reverse(info, args=[object_id]))

    def _action_url(self, obj: Any, one: ObjectAction) -> str:
        info = f"admin:{self.opts.app_label}_{self.opts.model_name}_action"
        return reverse(info, args=[obj.pk, one.name])
