"""Confirming the password again, before acts that ask for it."""

from datetime import datetime

from django.db import transaction

import audit.actions
from accounts import selectors
from accounts.actions import guesses, passwords, sessions
from accounts.constants import AMR_PASSWORD
from accounts.errors import InvalidCredentials, ReauthRequired
from accounts.models import Session
from common import tokens
from common.actor import Actor
from common.clock import db_now


def confirm(*, session: Session, password: str, by: Actor) -> datetime:
    """Take the user's password once more; returns until when it counts.

    Raises InvalidCredentials and RateLimited; the session goes on either way.
    """
    plain = passwords.check_input(password=password)
    now = db_now()
    key = tokens.derive("guess-reauth", str(session.user_id))
    rules = guesses.rated(name="REAUTHENTICATE_USER", key=key)
    attempt = guesses.begin(rules=rules, now=now)
    target = sessions.target(session=session)
    if not passwords.matches(user=session.user, password=plain):
        audit.actions.record_refused(action="reauth.failed", by=by, target=target)
        raise InvalidCredentials
    with transaction.atomic():
        guesses.succeed(attempt=attempt)
        session.reauth_at, session.reauth_amr = now, [AMR_PASSWORD]
        session.save(update_fields=["reauth_at", "reauth_amr"])
        audit.actions.record(action="reauth.succeeded", by=by, target=target)
    return selectors.reauth_until(session)


def demand(*, session: Session, now: datetime) -> None:
    """Raise ReauthRequired unless the password was given in the last five minutes."""
    if not selectors.recently_signed_in(session, now=now):
        raise ReauthRequired
