"""One's own account: password and sessions, and the way to the second factor."""

import uuid
from dataclasses import replace

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import browsers, forms, selectors
from accounts.actions import admin_sessions, passwords, sessions
from accounts.actions.admin_sessions import Present
from accounts.errors import InvalidCredentials
from accounts.models import Session
from accounts.pages.frame import form_page, here, show, signed_in, to
from common import limits
from common.actor import actor_of
from common.errors import DomainError


@require_GET
@signed_in
def overview(request: HttpRequest) -> HttpResponse:
    """What there is, and the doors to each part."""
    found = here(request)
    user = found.session.user
    factor = selectors.second_factor(user)
    context = {
        "person": user,
        "roles": selectors.roles_of(user),
        "factor": factor,
        "codes_left": selectors.backup_codes_remaining(user) if factor else 0,
        "required": settings.STAFF_TWO_FACTOR == "required",
        "sessions": [(one, browsers.named(one.user_agent)) for one in _open_sessions(found)],
        "current": found.session.pk,
    }
    return show(request, "account", context)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def password(request: HttpRequest) -> HttpResponse:
    """Another password; all other sessions end."""
    form = forms.ChangePasswordForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return form_page(request, "password", form)
    session = here(request).session
    try:
        passwords.change(
            user=session.user,
            session=session,
            current=form.cleaned_data["current_password"],
            new=form.cleaned_data["password"],
            by=actor_of(request),
        )
    except InvalidCredentials:
        form.add_error("current_password", "That is not your present password.")
        return form_page(request, "password", form)
    except DomainError as refusal:
        return form_page(request, "password", form, error=_at_new_password(refusal))
    session.user.refresh_from_db()
    update_session_auth_hash(request, session.user)
    messages.success(request, "Your password is changed. All your other sessions were ended.")
    return to("account")


@require_POST
@signed_in
def end_session(request: HttpRequest, session_id: uuid.UUID) -> HttpResponse:
    """Sign one of one's own browsers or programs out."""
    found = here(request)
    if session_id == found.session.pk:
        admin_sessions.leave(request=request)
        return to("signed-out")
    sessions.revoke(user=found.session.user, session_id=session_id, by=actor_of(request))
    messages.success(request, "That session is ended.")
    return to("account")


@require_POST
@signed_in
def end_all_sessions(request: HttpRequest) -> HttpResponse:
    """Sign out everywhere, here too; or, with `others`, everywhere else."""
    session, others = here(request).session, "others" in request.POST
    limits.hit("LOGOUT_ALL_USER", key=str(session.user_id))
    sessions.log_out_all(user=session.user, keep=session.pk if others else None, by=actor_of(request))
    if others:
        messages.success(request, "All your other sessions are ended.")
        return to("account")
    admin_sessions.leave(request=request)
    return to("signed-out")


def _open_sessions(found: Present) -> QuerySet[Session]:
    return selectors.live_sessions(found.session.user, now=found.now).order_by("-last_used_at")


def _at_new_password(refusal: DomainError) -> DomainError:
    """The reasons at the field of the form, whatever the API calls it."""
    refusal.errors = tuple(replace(one, pointer="#/password") if one.pointer else one for one in refusal.errors)
    return refusal
