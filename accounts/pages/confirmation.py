"""Step-up: password and code once more, before acts that ask for a fresh confirmation."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from accounts import forms, selectors
from accounts.actions import reauthentication
from accounts.errors import CodeInvalid, InvalidCredentials
from accounts.pages.frame import form_page, here, onward, show, signed_in, wanted
from common.actor import actor_of
from common.errors import DomainError


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def confirm(request: HttpRequest) -> HttpResponse:
    """Ask, and go back to where the question came from; opened in a window of its own it says so when it is done."""
    session = here(request).session
    kind = forms.ConfirmWithCodeForm if selectors.has_second_factor(session.user) else forms.ConfirmForm
    context = {"next": wanted(request), "app_only": "app_only" in request.GET}
    form = kind(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return form_page(request, "confirm", form, context)
    values = form.cleaned_data
    try:
        reauthentication.confirm(
            session=session, password=values["password"], code=values.get("code", ""), by=actor_of(request)
        )
    except InvalidCredentials:
        form.add_error("password", "That is not your password.")
        return form_page(request, "confirm", form, context)
    except CodeInvalid:
        form.add_error("code", "That code is not right, or was used before. Wait for the next one.")
        return form_page(request, "confirm", form, context)
    except DomainError as refusal:
        return form_page(request, "confirm", form, context, error=refusal)
    return onward(request) if wanted(request) else show(request, "confirmed")
