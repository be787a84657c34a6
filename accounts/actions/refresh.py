"""Renewing a session: each refresh token works once, and one that comes back late ends its whole family.

The successor follows from the token, a stored nonce and the pepper. So a client that lost the answer may ask again
within the grace seconds and gets the same successor: the family never forks.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F

import audit.actions
import mail.actions
from accounts import locks, rotation, selectors
from accounts.actions import sessions
from accounts.actions.sessions import TokenPair
from accounts.constants import NONCE_BYTES, PREFIX_REFRESH, REFRESH_AUDIT_EVERY
from accounts.errors import RefreshExpired, RefreshInvalid, RefreshReused, SessionRevoked, UserInactive
from accounts.models import RefreshToken, Session
from accounts.rotation import Found
from accounts.tokens import StaffAccessToken
from common import base64url, limits, tokens
from common.actor import Actor
from common.clock import db_now
from common.errors import DomainError
from common.retries import once_more
from jobs.actions import alert

REUSED_MAIL = "accounts/session_reused"


@dataclass(frozen=True)
class _Successor:
    raw: str
    expires_at: datetime


def rotate(*, raw: str, transport: Session.Transport) -> TokenPair:
    """Exchange a refresh token for its successor and a fresh access token. The actor is the session's user.

    Raises RefreshInvalid, RefreshExpired, RefreshReused (the family is revoked by then), SessionRevoked, UserInactive,
    RateLimited, SigningUnavailable (nothing is used up).
    """
    found = _find(raw, transport)
    limits.hit("REFRESH_SESSION", key=str(found.session.pk))
    access = ""
    if selectors.is_live(found.session, now=found.now) and found.session.user.is_active:
        access = StaffAccessToken.issue(session=found.session, now=found.now)
    session, outcome = _exchange(found, raw, signed=bool(access))
    if isinstance(outcome, DomainError):
        raise outcome
    return TokenPair(access, outcome.raw, outcome.expires_at, session)


@once_more
@transaction.atomic
def _exchange(found: Found, raw: str, *, signed: bool) -> tuple[Session, _Successor | DomainError]:
    """Rotate at once where nothing stands against it, as is the rule; else look closely, under the session's lock."""
    successor = _rotate(found, raw) if signed else None
    if successor is not None:
        return found.session, successor
    session = locks.session(found.session.pk)
    outcome = _decide(session, found, raw)
    if isinstance(outcome, _Successor) and not signed:
        raise UserInactive  # opened again since the first look: rolled back, the next try succeeds
    return session, outcome


def family_of(*, raw: str, transport: Session.Transport) -> Session | None:
    """The session that a refresh token belongs to, whatever its state; None for an unknown token."""
    try:
        return _find(raw, transport).session
    except RefreshInvalid:
        return None


def _find(raw: str, transport: Session.Transport) -> Found:
    found = rotation.find(raw) if tokens.well_formed(PREFIX_REFRESH, raw) else None
    if found is None or found.session.transport != transport:
        raise RefreshInvalid
    return found


def _decide(session: Session, found: Found, raw: str) -> _Successor | DomainError:
    """Under the session's lock: rotate, repeat, or refuse. A refusal is returned: what it wrote must be committed."""
    token = RefreshToken.objects.get(pk=found.token.pk)
    now = db_now()
    if session.revoked_at is not None:
        return SessionRevoked()
    if not session.user.is_active:
        return UserInactive()
    if token.rotated_at is None:
        return _rotate(found, raw) or RefreshExpired()
    if _is_retry(session, token, now):
        return _repeat(session, token, raw)
    return _reused(session, now)


def _is_retry(session: Session, token: RefreshToken, now: datetime) -> bool:
    grace = timedelta(seconds=settings.REFRESH_GRACE_SECONDS)
    return (
        token.rotated_at is not None
        and token.generation == session.generation - 1
        and bool(grace)
        and now - token.rotated_at <= grace
        and selectors.is_live(session, now=now)
    )


def _rotate(found: Found, raw: str) -> _Successor | None:
    """The successor, stored; None where the token, its session or its user no longer allows a rotation."""
    session, generation = found.session, found.token.generation + 1
    nonce = secrets.token_bytes(NONCE_BYTES)
    child = _derive(raw, session, generation, nonce, tokens.digest("refresh", raw).pepper_id)
    if not rotation.rotate(found, nonce=nonce, child=tokens.digest("refresh", child)):
        return None
    if generation % REFRESH_AUDIT_EVERY == 1:
        _record(session, "session.refreshed", {"generation": generation})
    return _Successor(child, session.idle_expires_at)


def _repeat(session: Session, token: RefreshToken, raw: str) -> _Successor | DomainError:
    """The same successor once more; nothing changes but the count of retries."""
    child = RefreshToken.objects.get(session=session, generation=token.generation + 1)
    if tokens.pepper(child.pepper_id) is None:
        return RefreshInvalid()
    RefreshToken.objects.filter(pk=token.pk).update(retries=F("retries") + 1)
    _record(session, "session.refresh_retried", {"generation": child.generation})
    nonce = bytes(token.nonce or b"")
    return _Successor(_derive(raw, session, child.generation, nonce, child.pepper_id), child.expires_at)


def _reused(session: Session, now: datetime) -> DomainError:
    by = Actor.system("sign-in")
    sessions.end(session=session, reason=Session.RevokeReason.REUSE, now=now)
    _record(session, "session.reuse_detected", {"generation": session.generation})
    alert(
        code="session_reuse_detected",
        record=str(session.pk),
        summary="A used refresh token came back. Its session was ended; the user was told.",
        path=f"/admin/accounts/user/{session.user_id}/change/",
        by=by,
    )
    mail.actions.send(
        template=REUSED_MAIL,
        to=session.user.email,
        context={"name": session.user.get_short_name()},
        key=f"accounts.session_reused:{session.pk}",
        by=by,
    )
    return RefreshReused()


def _derive(raw: str, session: Session, generation: int, nonce: bytes, pepper_id: str) -> str:
    """The successor: HMAC under a key of its own, derived from the named pepper."""
    pepper = tokens.pepper(pepper_id) or b""
    key = hmac.digest(pepper, b"rt-next-key", "sha256")
    message = b"\0".join([b"rt-next", session.pk.bytes, generation.to_bytes(8, "big"), nonce, raw.encode()])
    return PREFIX_REFRESH + base64url.encode(hmac.digest(key, message, "sha256"))


def _record(session: Session, action: str, meta: dict[str, int]) -> None:
    by = Actor.staff(session.user, session_id=str(session.pk))
    audit.actions.record(action=action, by=by, target=sessions.target(session=session), meta=meta)
