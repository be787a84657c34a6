"""The states of a message on its way out. The call to the provider stands between these, never inside one."""

from django.db import transaction

from common.actor import Actor
from common.clock import db_now
from mail import ports
from mail.constants import ERROR_LENGTH
from mail.locks import locked_message
from mail.models import Message, State

NOT_KNOWN = "The call ended without an answer; nobody knows whether the mail left."


def begin(*, message_id: str, by: Actor) -> Message | None:
    """Commit `sending`, and return the message to send; None when there is nothing (more) to do.

    A message that is found in `sending` was left there by a worker that died in the call: unless its template may be
    sent twice, it becomes `unknown`.
    """
    with transaction.atomic():
        message = locked_message(message_id)
        if message.state == State.SENDING and not ports.is_repeatable(message.template):
            _move(message, State.UNKNOWN, error=NOT_KNOWN)
            return None
        if message.state not in {State.QUEUED, State.SENDING, State.FAILED}:
            return None
        _move(message, State.SENDING)
        return message


def sent(*, message: Message, provider_id: str, file_name: str, by: Actor) -> None:
    """Note that the provider took the message, and erase its secrets."""
    Message.objects.filter(pk=message.pk).update(
        state=State.SENT, sent_at=db_now(), provider_id=provider_id, file_name=file_name, secrets=None, error=""
    )


def postpone(*, message: Message, error: str, by: Actor) -> None:
    """Queue the message again after an attempt that certainly sent nothing."""
    _move(message, State.QUEUED, error=error)


def fail(*, message: Message, error: str, by: Actor) -> None:
    """Give the message up."""
    _move(message, State.FAILED, error=error)


def lose(*, message: Message, error: str, by: Actor) -> None:
    """Note that nobody knows whether the message left."""
    _move(message, State.UNKNOWN, error=f"{NOT_KNOWN}\n{error}")


def _move(message: Message, state: State, *, error: str = "") -> None:
    message.state, message.error = state, error[:ERROR_LENGTH]
    Message.objects.filter(pk=message.pk).update(state=message.state, error=message.error)
