"""*Send again*."""

from django.db import transaction

from audit.actions import record
from common.actor import Actor
from common.target import Target
from mail import ports, secrets_box
from mail.actions.outbox import Attachment, send
from mail.errors import CannotResend
from mail.events import RESENT
from mail.locks import locked_message
from mail.models import Message


def resend(*, message: Message, by: Actor) -> None:
    """Send a message again: as the template's app registered, else a new row with the same context.

    Raises CannotResend when the message held a secret that is erased and nobody registered how to make a new one.
    """
    with transaction.atomic():
        row = locked_message(message.pk)
        again = ports.resend_of(row.template)
        if again:
            again(mail=ports.SentMail(row.pk, row.template, row.to, row.key, row.context), by=by)
        else:
            _copy(row, by)
        record(action=RESENT, by=by, target=Target.of(row), meta={"template": row.template})


def _copy(row: Message, by: Actor) -> None:
    if row.secret_names and row.secrets is None:
        raise CannotResend
    send(
        template=row.template,
        to=row.to,
        context=row.context,
        secrets=secrets_box.opened(row),
        key=f"{row.key}:again:{row.resends.count() + 1}",
        attachments=[Attachment(a.name, bytes(a.content), a.content_type) for a in row.attachments.all()],
        resend_of=row,
        by=by,
    )
