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
from common.actor import Actor, ActorKind
from common.clock import db_now
from mail import ports as mail_ports
from uploads import ports as uploads_ports
from uploads.errors import InvalidState


def register() -> None:
    """Fill the registries of cms, mail and uploads."""
    cms_ports.register_service_part(service_parts, only_bookable)
    uploads_ports.register_target(
        "booking",
        attach="bookings.change_booking",
        read=selectors.VIEW_PERMISSION,
        may_attach=may_attach,
        may_read=may_read,
        model="bookings.Booking",
    )
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


def may_attach(actor: Actor, booking_id: UUID) -> bool:
    """Whether there is such a booking for its customer, or for staff, who have the permission already.

    Raises InvalidState, to those who may know of it, when the booking is over.
    """
    booking = selectors.booking_standing(booking_id) if _may_know(actor, booking_id) else None
    if booking is None or (booking.spam and actor.kind is not ActorKind.CUSTOMER):
        return False
    if booking.spam or selectors.is_over(booking, now=db_now()):
        raise InvalidState("The booking takes no more files.")
    return True


def may_read(actor: Actor, booking_id: UUID) -> bool:
    """Whether the actor may read a booking's files: its customer, or staff, who have the permission already."""
    if actor.kind is ActorKind.CUSTOMER:
        return _may_know(actor, booking_id)
    booking = selectors.booking_standing(booking_id) if _may_know(actor, booking_id) else None
    return booking is not None and not booking.spam


def _may_know(actor: Actor, booking_id: UUID) -> bool:
    return actor.kind is ActorKind.STAFF or (actor.kind is ActorKind.CUSTOMER and actor.id == str(booking_id))
