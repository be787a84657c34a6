"""An enrolment on a page, which may be loaded twice: what waits is shown again instead of being replaced."""

from datetime import datetime

from accounts import selectors
from accounts.actions import codes, second_factor
from accounts.actions.second_factor import EnrollmentBegun
from accounts.constants import ENROLLMENT_FAILURES
from accounts.models import SecondFactor, User
from common.actor import Actor
from common.clock import db_now


def begin_or_resume(*, user: User, shown: str, by: Actor) -> EnrollmentBegun:
    """The enrolment of this user that waits for its code and that this browser was `shown` before, else a new one.

    Another's is never shown: who knows the password could begin one, and own a copy of the factor that its user then
    confirms. The caller has checked, by an enrolment token or a fresh confirmation, that it is the user who looks.
    Raises RateLimited when a new one is needed too often.
    """
    now = db_now()
    pending = selectors.pending_factor(user, now=now)
    found = _shown(pending, now) if pending is not None and _may_resume(pending, shown) else None
    return found or second_factor.begin(user=user, by=by)


def _may_resume(pending: SecondFactor, shown: str) -> bool:
    return str(pending.pk) == shown and pending.failures < ENROLLMENT_FAILURES


def _shown(pending: SecondFactor, now: datetime) -> EnrollmentBegun | None:
    secret = codes.secret_of(factor=pending)
    if secret is None or pending.expires_at is None:
        return None
    left = int((pending.expires_at - now).total_seconds())
    return second_factor.shown(pending=pending, secret=secret, expires_in=left)
