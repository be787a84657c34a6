"""What providers report of messages, and what follows: the message's state, and a mark on an address."""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeAlias

from anymail.signals import EventType
from django.db import transaction

from common.actor import Actor
from common.clock import db_now
from mail.actions.marking import mark
from mail.addresses import canonical
from mail.constants import ERROR_LENGTH
from mail.locks import locked_reported
from mail.models import Message, State, TrackingEvent
from mail.providers.tracking import Report

logger = logging.getLogger(__name__)
Told: TypeAlias = tuple[Message, Report]
SEEN_BY_THE_PROVIDER, SOFT_BOUNCE, DELIVERED, REFUSED, HARD_BOUNCE, COMPLAINED = range(1, 7)
# However reports are ordered on their way, the strongest one says what became of the message.
STRENGTH = {
    EventType.QUEUED: SEEN_BY_THE_PROVIDER,
    EventType.SENT: SEEN_BY_THE_PROVIDER,
    EventType.DEFERRED: SEEN_BY_THE_PROVIDER,
    EventType.BOUNCED: SOFT_BOUNCE,
    EventType.DELIVERED: DELIVERED,
    EventType.AUTORESPONDED: DELIVERED,
    EventType.OPENED: DELIVERED,
    EventType.CLICKED: DELIVERED,
    EventType.UNSUBSCRIBED: DELIVERED,
    EventType.REJECTED: REFUSED,
    EventType.FAILED: REFUSED,
    EventType.COMPLAINED: COMPLAINED,
}
STATES = {
    SEEN_BY_THE_PROVIDER: State.SENT,
    SOFT_BOUNCE: State.BOUNCED,
    DELIVERED: State.DELIVERED,
    REFUSED: State.FAILED,
    HARD_BOUNCE: State.BOUNCED,
    COMPLAINED: State.COMPLAINED,
}
FINE = {State.SENT, State.DELIVERED}


def take(*, reports: Sequence[Report], provider: str, by: Actor) -> int:
    """Store the reports on messages of ours and move those messages on; return how many reports were new.

    A report that was told before, and one on a message that we do not know, change nothing.
    """
    now = db_now()
    with transaction.atomic():
        messages = locked_reported(
            ours={report.ours for report in reports if report.ours},
            theirs={report.theirs for report in reports if report.theirs},
        )
        by_ours = {message.pk: message for message in messages}
        by_theirs = {message.provider_id: message for message in messages if message.provider_id}
        told = [((by_ours.get(one.ours) if one.ours else None) or by_theirs.get(one.theirs), one) for one in reports]
        known = [(message, report) for message, report in told if message is not None]
        if len(known) < len(told):
            logger.info("mail_reports_without_message", extra={"provider": provider, "count": len(told) - len(known)})
        stored = _store(known, provider, now)
        for message in sorted({message for message, _ in stored}, key=lambda one: one.pk):
            _move_on(message, [report for owner, report in stored if owner == message], now)
        _mark_addresses(stored, now)
    return len(stored)


def _store(told: Sequence[Told], provider: str, now: datetime) -> list[Told]:
    """Insert the events that are new and return them. The messages' locks keep a second telling out."""
    messages = {message.pk for message, _ in told}
    known = set(TrackingEvent.objects.filter(message__in=messages).values_list("message_id", "fingerprint"))
    new = {}
    for message, report in told:
        if (message.pk, report.fingerprint) not in known:
            new[message.pk, report.fingerprint] = (message, report)
    TrackingEvent.objects.bulk_create(
        TrackingEvent(
            message=message,
            fingerprint=report.fingerprint,
            kind=report.kind,
            provider=provider,
            hard=report.hard,
            reason=report.reason,
            detail=report.detail,
            happened_at=report.happened_at,
            received_at=now,
        )
        for message, report in new.values()
    )
    return list(new.values())


def _move_on(message: Message, reports: Sequence[Report], now: datetime) -> None:
    """Set the state that all events together tell. Whatever they are, the provider has the mail."""
    strongest = max(_strengths(message.events.values_list("kind", "hard")), default=0)
    if not strongest:
        return
    state = STATES[strongest]
    if state in FINE:
        message.error = ""
    for report in reports:
        if state not in FINE and _strength(report.kind, report.hard) == strongest:
            message.error = (report.detail or report.reason or report.kind)[:ERROR_LENGTH]
    message.state, message.secrets = state, None
    message.sent_at = message.sent_at or reports[0].happened_at or now
    message.provider_id = message.provider_id or reports[0].theirs
    message.save(update_fields=["state", "secrets", "error", "sent_at", "provider_id"])


def _strengths(events: Iterable[tuple[str, bool]]) -> list[int]:
    return [_strength(kind, hard) for kind, hard in events]


def _strength(kind: str, hard: bool) -> int:  # noqa: FBT001 - the pair is an event
    return HARD_BOUNCE if kind == EventType.BOUNCED and hard else STRENGTH.get(kind, 0)


def _mark_addresses(stored: Sequence[Told], now: datetime) -> None:
    for message, report in sorted(stored, key=lambda one: canonical(one[0].to)):
        if report.hard or report.kind == EventType.COMPLAINED:
            mark(
                message=message,
                complaint=report.kind == EventType.COMPLAINED,
                at=report.happened_at or now,
                detail=report.detail or report.reason,
            )
