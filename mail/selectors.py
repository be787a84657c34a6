"""Reads of the outbox."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.template import TemplateDoesNotExist, TemplateSyntaxError
from django.urls import reverse

from common.attention import Attention
from common.clock import db_now
from common.health import Check
from mail import secrets_box
from mail.addresses import canonical
from mail.constants import STUCK_SECONDS
from mail.models import MarkedAddress, Message, State
from mail.rendering import render


@dataclass(frozen=True, slots=True)
class AddressTrouble:
    """Why mail to an address is in vain or unwelcome; one instant may be absent, not both."""

    bounced_at: datetime | None
    complained_at: datetime | None
    detail: str

    @property
    def words(self) -> str:
        """One sentence for staff."""
        said = [
            f"{what} on {at:%Y-%m-%d}"
            for what, at in (("bounced", self.bounced_at), ("complained", self.complained_at))
            if at
        ]
        return f"Mail to this address {' and '.join(said)}." + (f" {self.detail}" if self.detail else "")


def address_trouble(address: str) -> AddressTrouble | None:
    """Return what is known against an address, in whatever spelling; None when mail reaches it as far as we know."""
    row = MarkedAddress.objects.filter(address=canonical(address)).first()
    return AddressTrouble(row.bounced_at, row.complained_at, row.detail) if row else None


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as its reader got it, the secrets in it masked; `text` is empty when its template is gone."""

    subject: str
    text: str
    state: str
    created_at: datetime
    sent_at: datetime | None


def letters_about(name: str, value: str) -> list[Letter]:
    """Return the messages whose context says `name` is `value`, oldest first: the mails about one booking."""
    found = Message.objects.filter(**{f"context__{name}": value}).order_by("created_at", "id")
    return [_letter(message) for message in found]


def _letter(message: Message) -> Letter:
    try:
        text = render(message.template, message.context | secrets_box.masks(message)).text
    except (TemplateDoesNotExist, TemplateSyntaxError):
        text = ""
    return Letter(message.subject, text, message.get_state_display(), message.created_at, message.sent_at)


def count_unknown() -> int:
    """Return how many messages may or may not have left."""
    return Message.objects.filter(state=State.UNKNOWN).count()


def health() -> Check:
    """Degraded when a message has been waiting for an hour: the provider, or whoever runs the jobs, is away."""
    stuck = Message.objects.filter(
        state__in=(State.QUEUED, State.SENDING), created_at__lte=db_now() - timedelta(seconds=STUCK_SECONDS)
    ).exists()
    return Check("mail", "degraded", "mail_stuck") if stuck else Check("mail", "ok")


def needs_you() -> list[Attention]:
    """Return what did not go out as something that waits for a person."""
    listing = reverse("admin:mail_message_changelist")
    waiting = [
        (State.FAILED, "messages that could not be sent"),
        (State.UNKNOWN, "messages that may not have left"),
        (State.HELD, "messages that are held back"),
    ]
    return [
        Attention(
            label, Message.objects.filter(state=state).count(), f"{listing}?state__exact={state}", "mail.view_message"
        )
        for state, label in waiting
    ]
