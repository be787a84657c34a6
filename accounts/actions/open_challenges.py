"""Ending challenges and links that wait, because what they stand on has changed."""

from datetime import datetime

from accounts import locks
from accounts.models import LoginChallenge, PasswordReset, User


def supersede_all(*, user: User, now: datetime) -> int:
    """End a user's open challenges, in the caller's transaction and *before* it locks the user; returns how many.

    For a change of password or factor, and for signing out everywhere.
    """
    ids = [one.pk for one in locks.open_challenges(user.pk)]
    return LoginChallenge.objects.filter(pk__in=ids).update(superseded_at=now)


def supersede_locked(*, user: User, now: datetime) -> None:
    """End a user's open challenges and reset links, in the caller's transaction, which holds the locks of both."""
    LoginChallenge.objects.filter(user=user, consumed_at=None, superseded_at=None).update(superseded_at=now)
    PasswordReset.objects.filter(user=user, used_at=None, superseded_at=None).update(superseded_at=now)
