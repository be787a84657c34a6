"""Mails to the customer, one for each state that they should know of."""

from typing import Any

from bookings import ics, selectors, tokens, words
from bookings.constants import Status
from bookings.models import Booking
from common.actor import Actor
from common.links import page_url
from common.money import format_money
from mail.actions import Attachment
from mail.actions import send as send_mail

_TEMPLATES = {
    Status.HELD: "bookings/held",
    Status.REQUESTED: "bookings/requested",
    Status.CONFIRMED: "bookings/confirmed",
    Status.CANCELLED: "bookings/cancelled",
    Status.DECLINED: "bookings/declined",
}
_WITH_CALENDAR = (Status.CONFIRMED, Status.CANCELLED)


def send(*, booking: Booking, by: Actor) -> None:
    """Queue the mail that tells the present state, once a state and sequence. Needs a transaction."""
    status = Status(booking.status)
    _queue(booking, _TEMPLATES[status], key=f"booking:{booking.pk}:{status}:{booking.sequence}", by=by)


def send_again(*, booking: Booking, template: str, after: str, by: Actor) -> None:
    """Queue the mail of the present state (where that has none: `template`) once more, with a token derived anew.

    `after` is the id of the message that is repeated; each is repeated once a state.
    """
    now_fitting = _TEMPLATES.get(Status(booking.status), template)
    _queue(booking, now_fitting, key=f"booking:{booking.pk}:after:{after}:{booking.status}", by=by)


def _queue(booking: Booking, template: str, *, key: str, by: Actor) -> None:
    send_mail(
        template=template,
        to=booking.customer_email,
        context=_context(booking),
        key=key,
        by=by,
        secrets={"manage_url": page_url("booking", id=booking.pk, token=tokens.make(booking))},
        attachments=_attachments(booking),
    )


def templates() -> list[str]:
    """The names of all templates that this app sends."""
    return list(_TEMPLATES.values())


def _context(booking: Booking) -> dict[str, Any]:
    due = selectors.due(booking)
    return {
        "booking_id": str(booking.pk),
        "name": booking.customer_name,
        "reference": booking.reference,
        "service": booking.service_title,
        "when": words.when(booking),
        "held_until": words.clock_time(booking.hold_expires_at, booking.zone),
        "price": format_money(booking.price_amount, booking.currency) if booking.price_amount else "",
        "due": format_money(due.amount, due.currency) if due.amount else "",
        "refund": format_money(booking.refund_due_amount, booking.currency) if booking.refund_due_amount else "",
        "cancellation_hours": booking.cancellation_hours,
    }


def _attachments(booking: Booking) -> list[Attachment]:
    if booking.status not in _WITH_CALENDAR or booking.starts_at is None:
        return []
    return [Attachment(ics.filename(booking), ics.calendar(booking), ics.CONTENT_TYPE)]
