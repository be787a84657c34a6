"""Opening and ending sessions."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction

import audit.actions
from accounts import locks, selectors
from accounts.actions import open_challenges
from accounts.constants import AMR_SECOND_FACTOR, PREFIX_REFRESH, USER_AGENT_MAX_CHARS
from accounts.errors import InvalidCredentials, SessionRevoked
from accounts.models import RefreshToken, Session, User
from accounts.networks import network_of
from accounts.tokens import StaffAccessToken
from common import context, limits, tokens
from common.actor import Actor
from common.clock import db_now
from common.errors import NotFound
from common.retries import once_more
from common.target import Target


@dataclass(frozen=True)
class TokenPair:
    """What a client holds of a session; both tokens are shown this once."""

    access: str
    refresh: str
    refresh_expires_at: datetime
    session: Session


@dataclass(frozen=True)
class Prepared:
    """A session that is signed and not stored yet."""

    session: Session
    access: str
    refresh: str


def open(*, user: User, amr: Sequence[str], transport: Session.Transport, now: datetime) -> TokenPair:  # noqa: A001
    """Open a session for a user who has just proven to be one. The actor is that user.

    Signs first and writes then. Raises SigningUnavailable, and InvalidCredentials when the account was closed, its
    password changed or a second factor was enrolled meanwhile.
    """
    return _store_checked(prepare(user=user, amr=amr, transport=transport, now=now), user)


@once_more
@transaction.atomic
def _store_checked(prepared: Prepared, user: User) -> TokenPair:
    check_unchanged(user=user, amr=prepared.session.amr)
    return store(prepared=prepared)


def check_unchanged(*, user: User, amr: Sequence[str]) -> None:
    """Lock the user in the caller's transaction, and see that what `amr` proved still opens the account.

    Raises InvalidCredentials when the account was closed, its password changed or a second factor was enrolled since.
    """
    present = locks.user(user.pk)
    if not present.is_active or present.password != user.password:
        raise InvalidCredentials
    if AMR_SECOND_FACTOR.isdisjoint(amr) and selectors.has_second_factor(present):
        raise InvalidCredentials


def check_not_ended(*, session_id: uuid.UUID | str | None) -> None:
    """Raise SessionRevoked when the session of an act that took its time was ended meanwhile.

    In the caller's transaction, which holds the user's lock. Without a session (the shell) there is nothing to check.
    """
    if session_id and Session.objects.filter(pk=session_id, revoked_at__isnull=False).exists():
        raise SessionRevoked


def prepare(*, user: User, amr: Sequence[str], transport: Session.Transport, now: datetime) -> Prepared:
    """Sign the tokens of a session to come, so that nothing is used up when no key can sign (SigningUnavailable)."""
    session = new(user=user, amr=list(amr), transport=transport, now=now)
    return Prepared(session, StaffAccessToken.issue(session=session, now=now), tokens.issue(PREFIX_REFRESH))


def store(*, prepared: Prepared) -> TokenPair:
    """Write a prepared session in the caller's transaction, which holds the user's lock and has checked the user."""
    session = prepared.session
    digest = tokens.digest("refresh", prepared.refresh)
    session.save(force_insert=True)
    RefreshToken.objects.create(
        session=session,
        generation=0,
        token_hash=digest.hash,
        pepper_id=digest.pepper_id,
        created_at=session.created_at,
        expires_at=session.idle_expires_at,
    )
    User.objects.filter(pk=session.user_id).update(last_login=session.created_at)
    by = Actor.staff(session.user, session_id=str(session.pk))
    audit.actions.record(action="session.created", by=by, target=target(session=session), meta={"amr": session.amr})
    return TokenPair(prepared.access, prepared.refresh, session.idle_expires_at, session)


@once_more
def log_out(*, session_id: uuid.UUID, by: Actor | None = None) -> None:
    """End a session because its holder signs out; harmless when it has ended already or never was."""
    with transaction.atomic():
        session = Session.objects.select_related("user").filter(pk=session_id).first()
        if session is None or not end(session=session, reason=Session.RevokeReason.LOGOUT, now=db_now()):
            return
        actor = by or Actor.staff(session.user, session_id=str(session.pk))
        audit.actions.record(action="session.logged_out", by=actor, target=target(session=session))


@once_more
def log_out_all(*, user: User, keep: uuid.UUID | None, by: Actor) -> int:
    """End all of one's sessions, but for the one to keep, and all open challenges; returns how many sessions ended."""
    now = db_now()
    with transaction.atomic():
        open_challenges.supersede_all(user=user, now=now)
        locks.user(user.pk)
        ended = end_all(user=user, reason=Session.RevokeReason.LOGOUT_ALL, now=now, keep=keep)
        audit.actions.record(action="session.all_revoked", by=by, target=Target.of(user), meta={"revoked": ended})
    return ended


@once_more
def revoke(*, user: User, session_id: uuid.UUID, by: Actor) -> None:
    """End one of one's own sessions; raises NotFound, also for another person's. Ended already: nothing happens."""
    with transaction.atomic():
        session = Session.objects.filter(pk=session_id, user=user).first()
        if session is None:
            raise NotFound
        if end(session=session, reason=Session.RevokeReason.REVOKED, now=db_now()):
            audit.actions.record(action="session.revoked", by=by, target=target(session=session))


@once_more
def revoke_for(*, session: Session, by: Actor) -> None:
    """End a colleague's session; the caller has checked `accounts.revoke_sessions`. Ended already: nothing happens."""
    with transaction.atomic():
        if end(session=session, reason=Session.RevokeReason.REVOKED_BY_ADMIN, now=db_now()):
            audit.actions.record(action="session.revoked_by_admin", by=by, target=target(session=session))


def revoke_all_for(*, user: User, by: Actor) -> int:
    """End all of a colleague's sessions and open challenges; returns how many sessions ended.

    The caller has checked `accounts.revoke_sessions`. Raises RateLimited.
    """
    limits.hit("REVOKE_USER_SESSIONS_USER", key=by.id)
    return _revoke_all_for(user, by)


@once_more
@transaction.atomic
def _revoke_all_for(user: User, by: Actor) -> int:
    now = db_now()
    open_challenges.supersede_all(user=user, now=now)
    locks.user(user.pk)
    ended = end_all(user=user, reason=Session.RevokeReason.REVOKED_BY_ADMIN, now=now)
    audit.actions.record(action="session.revoked_by_admin", by=by, target=Target.of(user), meta={"revoked": ended})
    return ended


def end(*, session: Session, reason: Session.RevokeReason, now: datetime) -> bool:
    """Revoke a session in the caller's transaction; False when it was revoked before."""
    rows = Session.objects.filter(pk=session.pk, revoked_at__isnull=True)
    return rows.update(revoked_at=now, revoke_reason=reason) == 1


def end_all(*, user: User, reason: Session.RevokeReason, now: datetime, keep: uuid.UUID | None = None) -> int:
    """Revoke a user's live sessions in the caller's transaction, which holds the user's lock; returns how many."""
    rows = selectors.live_sessions(user, now=now)
    rows = rows.exclude(pk=keep) if keep else rows
    return rows.update(revoked_at=now, revoke_reason=reason)


def new(*, user: User, amr: list[str], transport: Session.Transport, now: datetime) -> Session:
    """A session of the present request, not saved yet."""
    here = context.current()
    absolute = now + settings.REFRESH_TOKEN_EXPIRY
    return Session(
        user=user,
        transport=transport,
        amr=amr,
        auth_time=now,
        reauth_at=now,
        reauth_amr=amr,
        created_at=now,
        last_used_at=now,
        idle_expires_at=min(now + settings.REFRESH_IDLE_EXPIRY, absolute),
        absolute_expires_at=absolute,
        ip=here.ip or None,
        network=network_of(here.ip),
        user_agent=here.user_agent[:USER_AGENT_MAX_CHARS],
    )


def target(*, session: Session) -> Target:
    """The session as the audit log names it, without its user's label."""
    return Target("accounts.session", str(session.pk))
