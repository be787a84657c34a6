"""What the start page of the admin shows."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from audit import selectors as audit
from audit.constants import MAY_VIEW
from bookings import selectors as bookings
from cms import selectors as cms
from common import events
from common.attention import Attention
from common.health import Check
from jobs import selectors as jobs
from mail import selectors as mail
from payments import selectors as payments
from uploads import selectors as uploads

NEEDS: tuple[Callable[[], list[Attention]], ...] = (
    cms.needs_you,
    bookings.needs_you,
    payments.needs_you,
    uploads.needs_you,
    mail.needs_you,
    jobs.needs_you,
)
HEALTH: tuple[Callable[[], Check], ...] = (
    jobs.health,
    uploads.health,
    uploads.scanner_health,
    mail.health,
    payments.health,
)
STAFF_HEALTH = (*HEALTH, audit.health)
"""With what only those who work here need to know."""
ACTIVITY_ROWS = 8
VIEW_JOBS = "jobs.view_job"


def needs_you(user: Any) -> list[Attention]:
    """What waits for a person who may see to it; nothing that counts zero."""
    return [one for need in NEEDS for one in need() if one.count and user.has_perm(one.permission)]


def health(user: Any) -> list[Check]:
    """The state of what we depend on, for those who look after jobs."""
    return [check() for check in STAFF_HEALTH] if user.has_perm(VIEW_JOBS) else []


class Act(NamedTuple):
    """One line of the activity list."""

    at: datetime
    words: str
    target: str
    actor: str


def activity(user: Any) -> list[Act]:
    """The newest audit events in words, for those who may read the audit log."""
    if not user.has_perm(MAY_VIEW):
        return []
    return [
        Act(event.at, events.registry.get(event.action, event.action), event.target_label, event.actor_label)
        for event in audit.newest(limit=ACTIVITY_ROWS)
    ]
