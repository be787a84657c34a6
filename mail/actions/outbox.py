"""The one way to send a mail."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from django.db import transaction

from common import context as serving
from common.actor import Actor
from common.clock import db_now
from common.ids import uuid7
from jobs.actions import enqueue
from mail import models, secrets_box
from mail.constants import ABANDONED_SECONDS, DELIVER
from mail.models import Message, State
from mail.rendering import render_subject

NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a mail."""

    name: str
    content: bytes
    content_type: str


def send(
    *,
    template: str,
    to: str,
    context: Mapping[str, Any],
    key: str,
    by: Actor,
    secrets: Mapping[str, Any] = NOTHING,
    attachments: Sequence[Attachment] = (),
    resend_of: Message | None = None,
) -> Message:
    """Put a mail and its job into the caller's transaction; a key that came before returns the first row unchanged.

    `context` and `secrets` are JSON values, and together the template's context; what is under `secrets` (links with
    tokens) is encrypted, erased once sent, and never shown. The key says what the mail is about, as
    `payment:<id>:receipt`. Raises TemplateDoesNotExist when there is no such template.
    """
    subject = render_subject(template, {**context, **dict.fromkeys(secrets, "")})
    message_id = uuid7()
    message = Message(
        id=message_id,
        key=key,
        template=template,
        to=to,
        subject=subject,
        context=dict(context),
        secret_names=sorted(secrets),
        secrets=secrets_box.seal(secrets, message_id),
        resend_of=resend_of,
        request_id=serving.current().request_id,
        actor_kind=by.kind.value,
        actor_id=by.id,
        created_at=db_now(),
    )
    with transaction.atomic():
        Message.objects.bulk_create([message], ignore_conflicts=True)
        kept = Message.objects.get(key=key)
        if kept.pk == message_id:
            _attach(kept, attachments)
            queue(message=kept, by=by)
    return kept


def requeue_abandoned(*, by: Actor) -> int:
    """Enqueue the delivery of messages that stay in `sending`; return how many needed it. Needs a transaction.

    It is harmless while a worker is at it, whose job is unfinished. The delivery then judges what that state means.
    """
    before = db_now() - timedelta(seconds=ABANDONED_SECONDS)
    abandoned = Message.objects.filter(state=State.SENDING, created_at__lte=before)
    return sum(queue(message=message, by=by) for message in abandoned.only("pk"))


def queue(*, message: Message, by: Actor) -> bool:
    """Enqueue the message's delivery, unless one is unfinished already; say whether it was needed."""
    args = {"message_id": str(message.pk)}
    return enqueue(kind=DELIVER, args=args, by=by, dedupe_key=str(message.pk)) is not None


def _attach(message: Message, attachments: Sequence[Attachment]) -> None:
    models.Attachment.objects.bulk_create(
        models.Attachment(
            message=message, position=position, name=file.name, content_type=file.content_type, content=file.content
        )
        for position, file in enumerate(attachments)
    )
