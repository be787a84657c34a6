"""What staff send to a customer's bank: one file with all that we know of the booking that it disputes."""

import uuid
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone

from audit.actions import record
from audit.selectors import events_about
from bookings import selectors as bookings
from common.actor import Actor
from common.clock import db_now
from common.money import format_money
from common.target import Target
from mail.selectors import letters_about
from payments import selectors
from payments.bodies import receipt_line
from payments.models import Dispute, PaymentEvent

TEMPLATE = "payments/evidence.html"


def export(*, dispute_id: uuid.UUID | str, by: Actor) -> tuple[str, str]:
    """The file's name and its HTML, which needs nothing else and prints to a PDF. Raises NotFound."""
    dispute = selectors.dispute_by_id(dispute_id)
    with timezone.override(ZoneInfo(settings.STUDIO_TIME_ZONE)):
        page = render_to_string(TEMPLATE, _context(dispute))
    with transaction.atomic():
        record(action="dispute.evidence_exported", by=by, target=Target.of(dispute))
    booking = dispute.payment.booking
    return f"evidence-{booking.reference}-{dispute.provider_ref}.html", page


def _context(dispute: Dispute) -> dict[str, Any]:
    booking = bookings.booking_by_id(dispute.payment.booking_id)
    return {
        "studio": settings.STUDIO_NAME,
        "zone": settings.STUDIO_TIME_ZONE,
        "made_at": db_now(),
        "dispute": dispute,
        "disputed": format_money(dispute.amount, dispute.currency),
        "booking": booking,
        "price": format_money(booking.price_amount, booking.currency),
        "receipt": [receipt_line(payment) for payment in selectors.receipts_of(booking.pk)],
        "mails": letters_about("booking_id", str(booking.pk)),
        "timeline": _timeline(dispute),
    }


def _timeline(dispute: Dispute) -> list[tuple[Any, str, str]]:
    """Everything that was done or told, oldest first: (when, what, by whom)."""
    payments = list(selectors.payments_of(dispute.payment.booking_id).prefetch_related("refunds", "disputes"))
    rows: list[Any] = [dispute.payment.booking, *payments]
    for payment in payments:
        rows += [*payment.refunds.all(), *payment.disputes.all()]
    done = [(one.at, one.action, one.actor_label) for one in events_about([Target.of(row) for row in rows])]
    told = PaymentEvent.objects.filter(payment__in=payments).defer("payload")
    return sorted([*done, *((one.received_at, one.type, one.provider) for one in told)], key=lambda row: row[0])
