"""Row locks. Order: Invite, reset and challenge, User, SecondFactor, BackupCode, Session, RefreshToken.

Never a network call while one is held.
"""

import uuid

from django.db.models import Q

from accounts.models import Invite, LoginChallenge, PasswordReset, SecondFactor, Session, User


def invite(pk: uuid.UUID) -> Invite:
    """The invitation, locked and read afresh; raises Invite.DoesNotExist."""
    return Invite.objects.select_for_update(no_key=True).get(pk=pk)


def user(pk: uuid.UUID) -> User:
    """The user, locked and read afresh; raises User.DoesNotExist."""
    return User.objects.select_for_update(no_key=True).get(pk=pk)


def session(pk: uuid.UUID) -> Session:
    """The session with its user, locked and read afresh; raises Session.DoesNotExist. The user's row is not locked."""
    return Session.objects.select_for_update(no_key=True, of=("self",)).select_related("user").get(pk=pk)


def challenge(pk: uuid.UUID) -> LoginChallenge:
    """The challenge, locked and read afresh; raises LoginChallenge.DoesNotExist."""
    return LoginChallenge.objects.select_for_update(no_key=True).get(pk=pk)


def open_challenges(user_id: uuid.UUID, *, free_only: bool = False) -> list[LoginChallenge]:
    """A user's challenges that have not ended, expired or not, oldest first.

    Call it before locking the user; afterwards only with `free_only`, which leaves out those that others hold.
    """
    rows = LoginChallenge.objects.filter(user_id=user_id, consumed_at__isnull=True, superseded_at__isnull=True)
    return list(rows.select_for_update(no_key=True, skip_locked=free_only).order_by("pk"))


def open_password_resets(user_id: uuid.UUID) -> list[PasswordReset]:
    """A user's reset links that have not ended, expired or not, oldest first. Call it before locking the challenges."""
    rows = PasswordReset.objects.filter(user_id=user_id, used_at__isnull=True, superseded_at__isnull=True)
    return list(rows.select_for_update(no_key=True).order_by("pk"))


def password_reset(pk: uuid.UUID, *, user_id: uuid.UUID) -> PasswordReset:
    """The reset link, locked with the other open ones of its user, and read afresh."""
    open_ones = {reset.pk: reset for reset in open_password_resets(user_id)}
    return open_ones.get(pk) or PasswordReset.objects.get(pk=pk)


def confirmed_factor(user: User) -> SecondFactor | None:
    """The user's confirmed factor, locked and read afresh."""
    return SecondFactor.objects.select_for_update(no_key=True).filter(user=user, confirmed=True).first()


def factors(user: User, *, pending: uuid.UUID) -> list[SecondFactor]:
    """The user's confirmed factor and the row of an enrolment, locked and read afresh, in the order of their keys."""
    wanted = Q(confirmed=True) | Q(pk=pending)
    rows = SecondFactor.objects.select_for_update(no_key=True).filter(wanted, user=user)
    return list(rows.order_by("pk"))
