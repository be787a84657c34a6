"""The right to enrol a first second factor."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from accounts import selectors
from accounts.constants import ENROLLMENT_TOKEN_TTL_SECONDS, PREFIX_ENROLLMENT
from accounts.errors import EnrollmentInvalid
from accounts.models import EnrollmentToken, User
from common import tokens


@dataclass(frozen=True)
class EnrollmentNeeded:
    """The user has to enrol a factor first; the token is shown this once."""

    token: str
    expires_in: int


def issue(*, user: User, now: datetime) -> EnrollmentNeeded:
    """Make an enrolment token for a user without a factor; earlier ones stay until they expire."""
    raw = tokens.issue(PREFIX_ENROLLMENT)
    digest = tokens.digest("enrollment", raw)
    EnrollmentToken.objects.create(
        user=user,
        token_hash=digest.hash,
        pepper_id=digest.pepper_id,
        password_fingerprint=selectors.password_fingerprint(user),
        created_at=now,
        expires_at=now + timedelta(seconds=ENROLLMENT_TOKEN_TTL_SECONDS),
    )
    return EnrollmentNeeded(raw, ENROLLMENT_TOKEN_TTL_SECONDS)


def usable(*, token: str, now: datetime) -> EnrollmentToken:
    """The row behind a raw token with its user, who has no factor yet; raises EnrollmentInvalid.

    It is worth nothing once it is used, ten minutes old, or the password is another one.
    """
    found = selectors.enrollment_token(token) if tokens.well_formed(PREFIX_ENROLLMENT, token) else None
    if found is None or found.consumed_at is not None or found.expires_at <= now or not found.user.is_active:
        raise EnrollmentInvalid
    user = found.user
    if selectors.has_second_factor(user) or not selectors.has_fingerprint(user, found.password_fingerprint):
        raise EnrollmentInvalid
    return found


def use_up(*, token: EnrollmentToken | None, now: datetime) -> None:
    """Consume a token in the caller's transaction, before it locks the user; raises EnrollmentInvalid if it was used.

    Without a token there is nothing to consume.
    """
    if token is not None and not _unused().filter(pk=token.pk).update(consumed_at=now):
        raise EnrollmentInvalid


def use_up_all(*, user: User, now: datetime) -> None:
    """End a user's other enrolment tokens, in the caller's transaction: there is a factor now."""
    _unused().filter(user=user).update(consumed_at=now)


def _unused() -> QuerySet[EnrollmentToken]:
    return EnrollmentToken.objects.filter(consumed_at__isnull=True)
