"""What all pages under /auth/ share: how they answer, what they refuse, where they lead next."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth import REDIRECT_FIELD_NAME
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters

from accounts.actions import admin_sessions
from accounts.actions.admin_sessions import Present
from common.actor import Actor
from common.admin import refusals
from common.errors import DomainError

VISITOR = Actor.system("visitor")
BAD_FORM = 400
SHOWN_WITH_STATUS = {429, 503}
View = Callable[..., HttpResponse]


def page(view: View) -> View:
    """A page that nothing stores, and whose referrer stays on this site (with no-referrer its form had no origin).

    A refusal that the view does not answer itself is shown in its words.
    """

    @wraps(view)
    @sensitive_post_parameters()
    def guarded(request: HttpRequest, **values: Any) -> HttpResponse:
        try:
            response = view(request, **values)
        except DomainError as refusal:
            response = refused(request, refusal)
        response["Cache-Control"] = "no-store"
        response["Referrer-Policy"] = "same-origin"
        return response

    return guarded


def signed_in(view: View) -> View:
    """A page for someone who may use the admin; others are led to the door and back."""

    @wraps(view)
    def guarded(request: HttpRequest, **values: Any) -> HttpResponse:
        if admin_sessions.present(request=request) is None:
            return to("sign-in", next_page=request.path if request.method == "GET" else "")
        return view(request, **values)

    return page(guarded)


def here(request: HttpRequest) -> Present:
    """The session of a page that only someone signed in sees."""
    found = admin_sessions.present(request=request)
    if found is None:
        raise RuntimeError("The page is not behind signed_in.")
    return found


def confirmed(view: View) -> View:
    """A page for someone who confirmed in the last five minutes; others do that first and come back."""

    @wraps(view)
    def guarded(request: HttpRequest, **values: Any) -> HttpResponse:
        if not admin_sessions.is_recent(request=request):
            return to("confirm", next_page=request.path)
        return view(request, **values)

    return signed_in(guarded)


def show(
    request: HttpRequest, name: str, context: Mapping[str, Any] | None = None, *, status: int = 200
) -> HttpResponse:
    """A page of `templates/pages/auth/`."""
    return render(request, f"pages/auth/{name}.html", {"noindex": True, **(context or {})}, status=status)


def form_page(
    request: HttpRequest, name: str, form: BaseForm, context: Mapping[str, Any] | None = None, *, error: Any = None
) -> HttpResponse:
    """A form as it stands; after a refusal with its words, and its status where clients must wait."""
    if isinstance(error, DomainError):
        refusals.add_to(form, refusals.Refusal.of(error))
    wait = isinstance(error, DomainError) and error.status in SHOWN_WITH_STATUS
    status = error.status if wait else BAD_FORM if form.errors else 200
    response = show(request, name, {"form": form, **(context or {})}, status=status)
    for header, value in (error.headers if wait else {}).items():
        response[header] = value
    return response


def refused(request: HttpRequest, refusal: DomainError, context: Mapping[str, Any] | None = None) -> HttpResponse:
    """The reason in words, where no form could help."""
    values = {"refusal": refusal, "about": type(refusal).about, "sign_in": False, **(context or {})}
    response = show(request, "refused", values, status=refusal.status)
    for header, value in refusal.headers.items():
        response[header] = value
    return response


def to(name: str, *, next_page: str = "", **query: str) -> HttpResponseRedirect:
    """On to another of these pages, which remembers where the person wanted to go."""
    values = query | ({REDIRECT_FIELD_NAME: next_page} if next_page else {})
    address = reverse(f"accounts:{name}")
    return HttpResponseRedirect(f"{address}?{urlencode(values)}" if values else address, status=303)


def wanted(request: HttpRequest) -> str:
    """The page that the person wanted, when it is one of this site; else an empty string."""
    asked = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME, "")
    safe = url_has_allowed_host_and_scheme(asked, allowed_hosts=None) and asked.startswith("/")
    return asked if safe else ""


def onward(request: HttpRequest) -> HttpResponseRedirect:
    """To that page, or to the start of the admin."""
    return HttpResponseRedirect(wanted(request) or reverse("admin:index"), status=303)
