"""Sessions of browsers that are signed in to the admin. They hold no token, so none of them ever opens the API."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import django_otp
from django.conf import settings
from django.contrib import auth
from django.db import transaction
from django.http import HttpRequest

import audit.actions
from accounts import selectors
from accounts.actions import reauthentication, sessions
from accounts.constants import (
    ADMIN_SESSION_KEY,
    AMR_PASSWORD,
    AMR_SECOND_FACTOR,
    LAST_USED_EVERY_SECONDS,
)
from accounts.errors import ReauthRequired
from accounts.models import Session, User
from common.actor import Actor
from common.clock import db_now

BACKEND = "django.contrib.auth.backends.ModelBackend"
_CACHED = "_studio_admin_session"


@dataclass(frozen=True)
class Present:
    """The session of the browser that asks, and the database's clock when it was read."""

    session: Session
    now: datetime

    @property
    def session_id(self) -> str:
        """What the audit log names as the session of an act."""
        return str(self.session.pk)


def enter(*, request: HttpRequest, user: User, amr: Sequence[str]) -> Session:
    """Sign a browser in: the person has just proven, by `amr`, to be that user. The actor is that user.

    The browser gets a new session key. Raises InvalidCredentials when the account was closed, its password
    changed or a second factor was enrolled meanwhile.
    """
    session = _open(user, list(amr))
    if former := request.session.get(ADMIN_SESSION_KEY):
        sessions.log_out(session_id=former)
    auth.login(request, user, backend=BACKEND)
    request.session[ADMIN_SESSION_KEY] = str(session.pk)
    factor = selectors.second_factor(user)
    if factor is not None:
        django_otp.login(request, factor)
    request.__dict__.pop(_CACHED, None)
    return session


def leave(*, request: HttpRequest) -> None:
    """Sign the browser out; harmless when it is signed in no more. The actor is the one who was signed in."""
    if key := request.session.get(ADMIN_SESSION_KEY):
        sessions.log_out(session_id=key)
    auth.logout(request)
    request.__dict__.pop(_CACHED, None)


def factor_changed(*, request: HttpRequest) -> None:
    """Let the browser in which its person changed the second factor go on, verified by the factor of now."""
    found, user = present(request=request), request.user
    if found is None or not isinstance(user, User):
        return
    factor = selectors.second_factor(user)
    if factor is not None:
        django_otp.login(request, factor)
    else:
        Session.objects.filter(pk=found.session.pk).update(amr=[AMR_PASSWORD])


def present(*, request: HttpRequest) -> Present | None:
    """The session of the request's browser when it opens the admin, else None. Looked up once a request.

    It opens it as long as it is neither ended nor older than a day, the account is open, its password is the one of
    then, and the person was verified by the factor of now, or the policy asks for none and there is none.
    """
    if _CACHED not in request.__dict__:
        found = _find(request)
        request.__dict__[_CACHED] = found
        if found is not None:
            request.auth = found  # type: ignore[attr-defined]  # where `common.actor` finds the session's id
            _touch(found)
    return request.__dict__[_CACHED]  # type: ignore[no-any-return]  # put there above


def is_recent(*, request: HttpRequest) -> bool:
    """Whether the person signed in or confirmed in the last five minutes, by the factor if there is one."""
    found = present(request=request)
    if found is None:
        return False
    try:
        reauthentication.demand(session=found.session, now=found.now)
    except ReauthRequired:
        return False
    return True


def _open(user: User, amr: list[str]) -> Session:
    now = db_now()
    session = sessions.new(user=user, amr=amr, transport=Session.Transport.ADMIN, now=now)
    session.idle_expires_at = session.absolute_expires_at = now + timedelta(seconds=settings.SESSION_COOKIE_AGE)
    with transaction.atomic():
        sessions.check_unchanged(user=user, amr=amr)
        session.save(force_insert=True)
        by = Actor.staff(user, session_id=str(session.pk))
        target = sessions.target(session=session)
        audit.actions.record(action="session.created", by=by, target=target, meta={"amr": amr})
    return session


def _find(request: HttpRequest) -> Present | None:
    key = request.session.get(ADMIN_SESSION_KEY)
    if not key or not request.user.is_authenticated:
        return None
    found = selectors.admin_session_now(key)
    if found is None or found.session.user_id != request.user.pk or not selectors.is_live(found.session, now=found.now):
        return None
    began_with_factor = not AMR_SECOND_FACTOR.isdisjoint(found.session.amr)
    if began_with_factor != found.has_factor or not found.session.user.is_active:
        return None
    verified: bool = request.user.is_verified()  # type: ignore[attr-defined]  # django-otp's middleware adds it
    alone = settings.STAFF_TWO_FACTOR == "optional" and not found.has_factor
    return Present(found.session, found.now) if verified or alone else None


def _touch(found: Present) -> None:
    """Remember the last use, once a minute at most."""
    if found.now - found.session.last_used_at > timedelta(seconds=LAST_USED_EVERY_SECONDS):
        Session.objects.filter(pk=found.session.pk).update(last_used_at=found.now)
