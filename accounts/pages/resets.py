"""A forgotten password: asking for a link, and setting a new one with it."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from accounts import forms
from accounts.actions import password_resets
from accounts.pages import cookies
from accounts.pages.frame import VISITOR, form_page, page, refused, show, to
from common.errors import DomainError, ValidationFailed


@require_http_methods(["GET", "HEAD", "POST"])
@page
def ask(request: HttpRequest) -> HttpResponse:
    """Whose password; the answer is the same for everybody."""
    form = forms.AddressForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return form_page(request, "reset_ask", form)
    try:
        password_resets.request(email=form.cleaned_data["email"], by=VISITOR)
    except DomainError as refusal:
        return form_page(request, "reset_ask", form, error=refusal)
    return to("reset-asked")


@require_GET
@page
def asked(request: HttpRequest) -> HttpResponse:
    """What happens now, if there is such an account."""
    return show(request, "reset_asked")


@require_GET
@page
def open_link(request: HttpRequest, token: str) -> HttpResponse:
    """Take the token out of the address."""
    response = HttpResponseRedirect(reverse("accounts:new-password"), status=303)
    cookies.RESET.give(response, token)
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@page
def new_password(request: HttpRequest) -> HttpResponse:
    """The new password. It signs nobody in, and the second factor stays."""
    token = cookies.RESET.read(request)
    form = forms.NewPasswordForm(request.POST if request.method == "POST" else None)
    try:
        if not form.is_valid():
            password_resets.inspect(token=token)
            return form_page(request, "reset_new", form)
        password_resets.complete(token=token, password=form.cleaned_data["password"], by=VISITOR)
    except ValidationFailed as refusal:
        return form_page(request, "reset_new", form, error=refusal)
    except DomainError as refusal:
        return refused(request, refusal, {"eyebrow": "New password", "reset": True})
    response = to("password-set")
    cookies.RESET.take_back(response)
    return response


@require_GET
@page
def password_set(request: HttpRequest) -> HttpResponse:
    """Done; sign in with it."""
    return show(request, "reset_done")
