"""Taking a colleague's second factor away, when the app and the backup codes are lost."""

from datetime import timedelta

from django.db import transaction

import audit.actions
from accounts import locks, selectors
from accounts.actions import authority, codes, factor_mails, open_challenges, sessions
from accounts.constants import ENROLLMENT_WINDOW_HOURS
from accounts.errors import CannotResetSelf
from accounts.models import SecondFactor, Session, User
from common import limits
from common.actor import Actor, ActorKind
from common.clock import db_now
from common.errors import FieldError, ValidationFailed
from common.retries import once_more
from common.target import Target


def reset(*, user: User, reason: str, by: Actor) -> None:
    """Remove factor, codes and sessions, and open the enrolment window for 72 hours. The user gets a mail.

    Also for a user without a factor whose window has closed. The caller has checked `accounts.reset_second_factor` and
    a recent confirmation; the operator needs neither. Raises CannotResetSelf, RoleEscalation unless the actor holds all
    that the colleague does, ValidationFailed without a reason, RateLimited.
    """
    if not reason.strip():
        raise ValidationFailed(errors=[FieldError("blank", "Say why, for the audit log.", pointer="#/reason")])
    if by.kind == ActorKind.STAFF:
        limits.hit("RESET_SECOND_FACTOR_USER", key=by.id)
    if str(user.pk) == by.id:
        raise CannotResetSelf
    _reset(user, reason.strip(), by)


@once_more
@transaction.atomic
def _reset(user: User, reason: str, by: Actor) -> None:
    now = db_now()
    open_challenges.supersede_all(user=user, now=now)
    present = locks.user(user.pk)
    authority.demand(roles=selectors.roles_of(present), by=by)
    SecondFactor.objects.filter(user=present).delete()
    codes.forget_failures(user=present)
    sessions.end_all(user=present, reason=Session.RevokeReason.SECOND_FACTOR, now=now)
    present.enrollment_open_until = now + timedelta(hours=ENROLLMENT_WINDOW_HOURS)
    present.save(update_fields=["enrollment_open_until"])
    audit.actions.record(action="2fa.reset_by_admin", by=by, target=Target.of(present), reason=reason)
    factor_mails.changed(user=present, template=factor_mails.RESET, now=now, by=by)
