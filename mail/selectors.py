"""Reads of the outbox."""

from datetime import timedelta

from django.urls import reverse

from common.attention import Attention
from common.clock import db_now
from common.health import Check
from mail.constants import STUCK_SECONDS
from mail.models import Message, State


def health() -> Check:
    """Degraded when a message has been waiting for an hour: the provider, or whoever runs the jobs, is away."""
    stuck = Message.objects.filter(
        state__in=(State.QUEUED, State.SENDING), created_at__lte=db_now() - timedelta(seconds=STUCK_SECONDS)
    ).exists()
    return Check("mail", "degraded", "mail_stuck") if stuck else Check("mail", "ok")


def needs_you() -> list[Attention]:
    """Return what did not go out as something that waits for a person."""
    listing = reverse("admin:mail_message_changelist")
    waiting = [(State.FAILED, "messages that could not be sent"), (State.UNKNOWN, "messages that may not have left")]
    return [
        Attention(
            label, Message.objects.filter(state=state).count(), f"{listing}?state__exact={state}", "mail.view_message"
        )
        for state, label in waiting
    ]
