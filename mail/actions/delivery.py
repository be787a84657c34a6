"""The states of a message on its way out. The call to the provider stands between these, never inside one."""

from anymail.signals import EventType, RejectReason
from django.db import transaction

from common.actor import Actor
from common.clock import db_now
from mail import ports
from mail.actions import tracking
from mail.constants import ERROR_LENGTH
from mail.locks import locked_message
from mail.models import Message, State
from mail.providers.tracking import Report

HANDING_OVER = "hand_over"
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
    """Note that the provider took the message, and erase its secrets. Needs a transaction.

    The provider's webhook may have come first: what it said of the message stands.
    """
    row = locked_message(message.pk)
    if row.state == State.SENDING:
        row.state, row.error = State.SENT, ""
    row.sent_at = row.sent_at or db_now()
    row.provider_id, row.file_name, row.secrets = provider_id, file_name, None
    row.save(update_fields=["state", "error", "sent_at", "provider_id", "file_name", "secrets"])


def postpone(*, message: Message, error: str, by: Actor) -> None:
    """Queue the message again after an attempt that failed."""
    _end_attempt(message, State.QUEUED, error=error)


def fail(*, message: Message, error: str, by: Actor) -> None:
    """Give the message up."""
    _end_attempt(message, State.FAILED, error=error)


def bounce(*, message: Message, error: str, by: Actor) -> None:
    """The address was refused for good while the message was handed over: the same follows as from such a report.

    Needs a transaction.
    """
    refusal = Report(
        ours=message.pk,
        theirs="",
        fingerprint=HANDING_OVER,
        kind=EventType.BOUNCED,
        hard=True,
        reason=RejectReason.INVALID,
        detail=error[:ERROR_LENGTH],
        happened_at=db_now(),
    )
    tracking.take(reports=[refusal], provider=HANDING_OVER, by=by)


def lose(*, message: Message, error: str, provider_id: str, by: Actor) -> None:
    """Note that nobody knows whether the message left; `provider_id`, where known, is what its webhook would name."""
    Message.objects.filter(pk=message.pk, provider_id="").update(provider_id=provider_id)
    _end_attempt(message, State.UNKNOWN, error=f"{NOT_KNOWN}\n{error}")


def _end_attempt(message: Message, state: State, *, error: str) -> None:
    """Leave `sending`, unless the provider's webhook was faster."""
    Message.objects.filter(pk=message.pk, state=State.SENDING).update(state=state, error=error[:ERROR_LENGTH])


def _move(message: Message, state: State, *, error: str = "") -> None:
    message.state, message.error = state, error[:ERROR_LENGTH]
    message.save(update_fields=["state", "error"])
