"""Reads a provider's tracking webhook through Anymail: is the caller the provider, and what does it report?"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from anymail.exceptions import AnymailAPIError, AnymailWebhookValidationFailure
from anymail.signals import EventType, RejectReason
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.urls import Resolver404, resolve

DETAIL_LENGTH = 2000
KIND_LENGTH = 20
REASON_LENGTH = 50
# Anymail calls every bounce `bounced`; these members of the providers' own reports mean "not now".
SOFT = {
    "type": {"blocked", "soft_bounced", "Transient"},  # SendGrid, MailerSend, Resend
    "Type": {"SoftBounce"},  # Postmark
    "event": {"soft_bounce"},  # Brevo, Mandrill
    "bounceType": {"Transient", "Undetermined"},  # Amazon SES
    "hard_bounce": {"False"},  # Mailjet
}
FOR_GOOD = {RejectReason.BOUNCED, RejectReason.INVALID}


class UnknownProvider(Exception):
    """Anymail has no tracking webhook of this name."""


class NotTheProvider(Exception):
    """The call does not prove that it comes from the provider."""


class NotReady(Exception):
    """The provider's own keys are not configured."""


class Unreadable(Exception):
    """The body is not what the provider sends."""


@dataclass(frozen=True, slots=True)
class Report:
    """One event of one message. `ours` is our id where the provider gave it back, `theirs` the provider's."""

    ours: UUID | None
    theirs: str
    fingerprint: str
    kind: str
    hard: bool
    reason: str
    detail: str
    happened_at: datetime | None


def is_known(provider: str) -> bool:
    """Say whether Anymail reads tracking events of this provider."""
    return _view(provider) is not None


def read(request: HttpRequest, *, provider: str, secret: str) -> list[Report]:
    """Return what a proven call reports.

    `secret` is `user:password` of HTTP's Basic scheme, compared in constant time; a provider that signs its calls is
    asked for its signature too. Raises UnknownProvider, NotReady, NotTheProvider or Unreadable.
    """
    view_class = _view(provider)
    if view_class is None:
        raise UnknownProvider(provider)
    try:
        view = view_class(webhook_secret=secret)
    except ImproperlyConfigured as error:
        raise NotReady(str(error)) from error
    try:
        view.run_validators(request)
    except AnymailWebhookValidationFailure as error:
        raise NotTheProvider(str(error)) from error
    try:
        return [_report(event, provider) for event in view.parse_events(request)]
    except (ValueError, LookupError, TypeError, AttributeError, ImproperlyConfigured, AnymailAPIError) as error:
        raise Unreadable(f"{type(error).__name__}: {error}") from error


def _view(provider: str) -> Any:
    try:
        return resolve(f"/{provider}/tracking/", urlconf="anymail.urls").func.view_class  # type: ignore[attr-defined]
    except Resolver404:
        return None


def _report(event: Any, provider: str) -> Report:
    raw: Mapping[str, Any] = event.esp_event if isinstance(event.esp_event, Mapping) else {}
    reason = str(event.reject_reason or "")
    detail = " ".join(str(part) for part in (event.description, event.mta_response) if part)
    return Report(
        ours=_uuid((event.metadata or {}).get("message_id")),
        theirs=str(event.message_id or ""),
        fingerprint=_fingerprint(event, provider),
        kind=str(event.event_type)[:KIND_LENGTH],
        hard=_is_hard(str(event.event_type), reason, raw),
        reason=reason[:REASON_LENGTH],
        detail=detail[:DETAIL_LENGTH],
        happened_at=event.timestamp,
    )


def _is_hard(kind: str, reason: str, raw: Mapping[str, Any]) -> bool:
    """Say whether the address itself refuses mail for good."""
    if kind == EventType.REJECTED:  # not even tried, because of an earlier bounce or a form that no address has
        return reason in FOR_GOOD
    return kind == EventType.BOUNCED and not any(value in SOFT.get(name, ()) for name, value in _members(raw))


def _members(raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield every member of a report, also of the objects inside: providers wrap what matters in various ways."""
    for name, value in raw.items():
        if isinstance(value, Mapping):
            yield from _members(value)
        else:
            yield name, str(value)


def _fingerprint(event: Any, provider: str) -> str:
    """Name the event by what it says: some providers number each delivery of a report anew, some number none."""
    when = event.timestamp.isoformat() if event.timestamp else str(event.event_id)
    said = [provider, str(event.event_type), when, str(event.reject_reason), str(event.recipient)]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None
