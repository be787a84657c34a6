"""The right to enrol a first second factor."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.constants import ENROLLMENT_TOKEN_TTL_SECONDS, PREFIX_ENROLLMENT
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
        created_at=now,
        expires_at=now + timedelta(seconds=ENROLLMENT_TOKEN_TTL_SECONDS),
    )
    return EnrollmentNeeded(raw, ENROLLMENT_TOKEN_TTL_SECONDS)
