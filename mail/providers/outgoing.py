"""Hands a message to the configured backend: Anymail, SMTP, files."""

from contextlib import closing
from dataclasses import dataclass
from email.utils import make_msgid

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection

from mail import secrets_box
from mail.models import Message
from mail.providers.verdicts import Verdict, judge
from mail.rendering import render


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the backend said: the provider's id of the message, or the name of its file."""

    provider_id: str
    file_name: str


class HandoverFailed(Exception):
    """The backend refused or broke off; `verdict` says what that means.

    `provider_id` is the id that the provider's webhook would name, where it was chosen before the call.
    """

    def __init__(self, verdict: Verdict, detail: str, provider_id: str = "") -> None:
        super().__init__(detail)
        self.verdict = verdict
        self.provider_id = provider_id


def build(message: Message) -> EmailMultiAlternatives:
    """Render the message, secrets included."""
    rendered = render(message.template, message.context | secrets_box.opened(message))
    email = EmailMultiAlternatives(
        subject=rendered.subject,
        body=rendered.text,
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[message.to],
        headers={"Message-ID": make_msgid(idstring=str(message.pk), domain=settings.EMAIL_FROM.rpartition("@")[2])},
    )
    email.attach_alternative(rendered.html, "text/html")
    for file in message.attachments.all():
        email.attach(file.name, bytes(file.content), file.content_type)
    email.metadata = {"message_id": str(message.pk)}  # type: ignore[attr-defined]  # Anymail gives it back to us
    return email


def hand_over(email: EmailMultiAlternatives) -> Receipt:
    """Send through the configured backend. Raises HandoverFailed."""
    connected = False
    try:
        backend = get_connection()
        backend.open()
        connected = True
        with closing(backend):
            backend.send_messages([email])
    except Exception as error:
        verdict = judge(error, connected=connected)
        raise HandoverFailed(verdict, f"{type(error).__name__}: {error}", _chosen_id(error)) from error
    status = getattr(email, "anymail_status", None)
    return Receipt(str(getattr(status, "message_id", None) or ""), getattr(email, "file_name", ""))


def _chosen_id(error: Exception) -> str:
    """Return the `anymail_id` that Anymail made up for the one recipient, as it does for SendGrid."""
    ids = getattr(getattr(error, "payload", None), "message_ids", None) or {}
    return str(next(iter(ids.values()), ""))
