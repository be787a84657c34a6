"""Ending what is over, and deleting what has been kept long enough."""

from datetime import datetime, timedelta

from django.contrib.sessions.models import Session as BrowserSession

from accounts.actions import keys
from accounts.constants import INVITE_RETENTION_DAYS, KNOWN_NETWORK_DAYS, SESSION_RETENTION_DAYS
from accounts.models import (
    EnrollmentToken,
    GuessCounter,
    Invite,
    KnownNetwork,
    LoginChallenge,
    PasswordReset,
    SecondFactor,
    Session,
)
from common.actor import Actor

_DAY = timedelta(days=1)


def run(*, now: datetime, by: Actor) -> dict[str, int]:
    """Mark overdue invitations, delete past retention, erase retired private keys; returns the counts. Repeatable.

    Runs in the caller's transaction. A session is kept until its tokens cannot come back any more, and for as long as
    it proves that its network is known.
    """
    session_age = max(timedelta(days=SESSION_RETENTION_DAYS), timedelta(days=KNOWN_NETWORK_DAYS))
    finished = Invite.objects.exclude(status=Invite.Status.PENDING)
    ended = Session.objects.filter(absolute_expires_at__lt=now - timedelta(days=SESSION_RETENTION_DAYS))
    networks = KnownNetwork.objects.filter(last_seen_at__lt=now - timedelta(days=KNOWN_NETWORK_DAYS))
    return {
        "invites_expired": Invite.objects.filter(status=Invite.Status.PENDING, expires_at__lte=now).update(
            status=Invite.Status.EXPIRED
        ),
        "invites_deleted": finished.filter(created_at__lt=now - timedelta(days=INVITE_RETENTION_DAYS)).delete()[0],
        "sessions_deleted": ended.filter(last_used_at__lt=now - session_age).delete()[0],
        "browsers_forgotten": BrowserSession.objects.filter(expire_date__lt=now).delete()[0],
        "enrollments_deleted": EnrollmentToken.objects.filter(expires_at__lt=now - _DAY).delete()[0],
        "challenges_deleted": LoginChallenge.objects.filter(expires_at__lt=now - _DAY).delete()[0],
        "pending_factors_deleted": SecondFactor.objects.filter(expires_at__lt=now - _DAY).delete()[0],
        "resets_deleted": PasswordReset.objects.filter(expires_at__lt=now - _DAY).delete()[0],
        "counters_deleted": GuessCounter.objects.filter(window_ends_at__lt=now - _DAY).delete()[0],
        "networks_forgotten": networks.delete()[0],
        "keys_erased": keys.erase_retired(now=now),
    }
