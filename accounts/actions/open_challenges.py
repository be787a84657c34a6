"""Ending challenges that were not answered, because what they stand on has changed."""

from datetime import datetime

from accounts import locks
from accounts.models import LoginChallenge, User


def supersede_all(*, user: User, now: datetime) -> int:
    """End a user's open challenges, in the caller's transaction and *before* it locks the user; returns how many.

    For a change of password or factor, and for signing out everywhere.
    """
    ids = [one.pk for one in locks.open_challenges(user.pk)]
    return LoginChallenge.objects.filter(pk__in=ids).update(superseded_at=now)
