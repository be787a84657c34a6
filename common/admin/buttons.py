"""Buttons on an object's page, each one action. What has to be asked first is asked on a page of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from common.admin import refusals, step_up
from common.errors import DomainError


@dataclass(frozen=True, slots=True)
class ObjectAction:
    """`method` names a method `(request, obj) -> str` of the admin; its text is shown as the result.

    `permission` is `app.codename`; `when` names a method `(obj) -> bool` that says whether the button is offered. An
    admin whose buttons are alike overrides `press` and `is_offered` instead and leaves both empty.
    `reauth` wants a confirmation of the last minutes first. With `form` the button leads to that form, and `method` is
    `(request, obj, values) -> str`; a refusal is shown on it with everything typed kept. With `leads_to`, a method
    `(obj) -> str`, the button is a link to that address and presses nothing here.
    """

    name: str
    label: str
    permission: str
    method: str = ""
    when: str = ""
    danger: bool = False
    explain: str = ""
    reauth: bool = False
    form: type[forms.Form] | None = None
    leads_to: str = ""


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

    def press_with(self, request: HttpRequest, obj: Any, one: ObjectAction, values: dict[str, Any]) -> str:
        """Do it with the values of its form, by the method `method`; returns the text of the result."""
        return str(getattr(self, one.method)(request, obj, values))

    def action_form(self, request: HttpRequest, obj: Any, one: ObjectAction, data: Any = None) -> forms.Form:
        """The form of a button; an admin whose form depends on the object overrides this."""
        return (one.form or forms.Form)(data)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        """Hand the buttons with their addresses to the template, which would call a form's class and so not see it."""
        obj = kwargs.get("obj") or context.get("original")
        context["object_actions"] = [
            {"action": one, "url": self._action_url(obj, one), "is_link": bool(one.form or one.leads_to)}
            for one in (self.offered_actions(request, obj) if obj else [])
        ]
        return super().render_change_form(request, context, *args, **kwargs)  # type: ignore[misc]

    def object_action_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """Press a button, or show what it asks first."""
        obj = self.get_object(request, object_id)  # type: ignore[attr-defined]
        one = next((one for one in self.offered_actions(request, obj) if one.name == name), None) if obj else None
        if one is None or one.leads_to:
            raise PermissionDenied
        asks = one.reauth or one.form is not None
        if request.method != "POST" and not (asks and request.method == "GET"):
            return HttpResponseNotAllowed(["GET", "POST"] if asks else ["POST"])
        late = one.reauth and not step_up.is_recent(request)
        if late and (request.method == "GET" or one.form is None):
            return HttpResponseRedirect(step_up.address(request.path))
        if request.method == "GET":
            return self._ask(request, obj, one, self.action_form(request, obj, one))
        return self._press_form(request, obj, one, late=late) if one.form else self._press_plain(request, obj, one)

    def _press_plain(self, request: HttpRequest, obj: Any, one: ObjectAction) -> HttpResponse:
        """The action, its message, and back to the object's page."""
        try:
            messages.success(request, self.press(request, obj, one))
        except DomainError as refusal:
            messages.error(request, refusal.in_one_line)
        return HttpResponseRedirect(self._object_url(obj))

    def _press_form(self, request: HttpRequest, obj: Any, one: ObjectAction, *, late: bool) -> HttpResponse:
        """The action with what was typed; on a refusal the form again."""
        form = self.action_form(request, obj, one, request.POST)
        if form.is_valid() and not late:
            try:
                messages.success(request, self.press_with(request, obj, one, form.cleaned_data))
            except DomainError as refusal:
                refusals.add_to(form, refusals.Refusal.of(refusal))
            else:
                return HttpResponseRedirect(self._object_url(obj))
        elif late:
            refusals.add_to(form, refusals.UNCONFIRMED)
        return self._ask(request, obj, one, form, late=late)

    def _ask(
        self, request: HttpRequest, obj: Any, one: ObjectAction, form: forms.Form, *, late: bool = False
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": one.label,
            "opts": self.opts,
            "original": obj,
            "action": one,
            "form": form,
            "object_url": self._object_url(obj),
            "step_up_url": step_up.address() if late else "",
            "media": self.media + form.media,  # type: ignore[attr-defined]
        }
        return TemplateResponse(request, "admin/object_action.html", context)

    def _object_url(self, obj: Any) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[obj.pk])

    def _action_url(self, obj: Any, one: ObjectAction) -> str:
        if one.leads_to:
            return str(getattr(self, one.leads_to)(obj))
        info = f"admin:{self.opts.app_label}_{self.opts.model_name}_action"
        return reverse(info, args=[obj.pk, one.name])
