"""Accepting an invitation in a browser, without a separate front end and without JavaScript."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from accounts import forms
from accounts.actions import acceptance
from accounts.errors import InviteInvalid, InviteUsed
from accounts.models import Invite
from accounts.pages import cookies
from accounts.pages.frame import VISITOR, form_page, page, refused, to
from common.errors import DomainError, ValidationFailed


@require_GET
@page
def open_link(request: HttpRequest, token: str) -> HttpResponse:
    """Take the token out of the address."""
    response = HttpResponseRedirect(reverse("accounts:accept-invite"), status=303)
    cookies.INVITE.give(response, token)
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@page
def accept(request: HttpRequest) -> HttpResponse:
    """The form, and what becomes of it: the account exists, and its second factor comes next."""
    token = cookies.INVITE.read(request)
    try:
        invite = acceptance.inspect(token=token) if request.method != "POST" else acceptance.usable(token=token)
    except DomainError as refusal:
        return _refused(request, refusal)
    if request.method != "POST":
        names = {"first_name": invite.first_name, "last_name": invite.last_name}
        return _form(request, invite, forms.AcceptInviteForm(initial=names))
    form = forms.AcceptInviteForm(request.POST)
    return _accept(request, invite, token, form) if form.is_valid() else _form(request, invite, form)


def _accept(request: HttpRequest, invite: Invite, token: str, form: forms.AcceptInviteForm) -> HttpResponse:
    values = form.cleaned_data
    try:
        accepted = acceptance.accept(
            token=token,
            password=values["password"],
            first_name=values["first_name"],
            last_name=values["last_name"],
            by=VISITOR,
        )
    except ValidationFailed as refusal:
        return _form(request, invite, form, refusal)
    except DomainError as refusal:
        return _refused(request, refusal)
    response = to("enroll")
    cookies.INVITE.take_back(response)
    cookies.ENROLLMENT.give(response, accepted.enrollment.token)
    return response


def _form(
    request: HttpRequest, invite: Invite, form: forms.AcceptInviteForm, refusal: DomainError | None = None
) -> HttpResponse:
    required = settings.STAFF_TWO_FACTOR == "required"
    context = {"invite": invite, "inviter": invite.invited_by, "two_factor_required": required}
    return form_page(request, "accept", form, context, error=refusal)


def _refused(request: HttpRequest, refusal: DomainError) -> HttpResponse:
    """The reason in words; a link that is gone is no use in the cookie either."""
    context = {"eyebrow": "Invitation", "sign_in": isinstance(refusal, InviteUsed)}
    response = refused(request, refusal, context)
    if isinstance(refusal, InviteInvalid):
        cookies.INVITE.take_back(response)
    return response
