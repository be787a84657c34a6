"""What this app tells the apps below it."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from bookings import selectors
from bookings.actions import notices
from bookings.api.serializers import offer_body
from bookings.constants import Mode
from cms import ports as cms_ports
from common.actor import Actor
from mail import ports as mail_ports


def register() -> None:
    """Fill the registries of cms and mail."""
    cms_ports.register_service_part(service_parts, only_bookable)
    for template in notices.templates():
        mail_ports.register_resend(template, send_again)
        mail_ports.register_repeatable(template)


def service_parts(service_ids: Iterable[UUID]) -> dict[UUID, dict[str, Any] | None]:
    """The `booking` key of services, in one query; those that take no bookings are absent."""
    return {service_id: offer_body(offer) for service_id, offer in selectors.offers_of(service_ids).items()}


def only_bookable(services: QuerySet[Any], wanted: bool) -> QuerySet[Any]:  # noqa: FBT001 - a filter's value
    """Services that can be booked, or the others."""
    bookable = Q(booking_offer__isnull=False) & ~Q(booking_offer__mode=Mode.NONE)
    return services.filter(bookable) if wanted else services.exclude(bookable)


def send_again(*, mail: mail_ports.SentMail, by: Actor) -> None:
    """Send the present state of the booking again, with its token derived anew."""
    booking = selectors.booking_by_id(str(mail.context["booking_id"]))
    notices.send_again(booking=booking, template=mail.template, after=str(mail.id), by=by)
