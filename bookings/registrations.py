"""What this app tells the apps below it."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts import selectors as accounts
from bookings import selectors
from bookings.actions import notices
from bookings.api.serializers import offer_body
from bookings.constants import Mode, Status
from cms import ports as cms_ports
from common.actor import Actor, ActorKind
from common.errors import NotFound
from mail import ports as mail_ports
from uploads import ports as uploads_ports
from uploads.errors import InvalidState

CLOSED = {Status.CANCELLED, Status.DECLINED, Status.EXPIRED}


def register() -> None:
    """Fill the registries of cms, mail and uploads."""
    cms_ports.register_service_part(service_parts, only_bookable)
    uploads_ports.register_target("booking", may_attach=may_attach, may_read=may_read)
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
    """Whether the actor may bring a file to the booking: its customer, or staff who may change bookings.

    Raises InvalidState, to those who may, when the booking is over.
    """
    if not _allowed(actor, booking_id, "bookings.change_booking"):
        return False
    try:
        booking = selectors.booking_by_id(str(booking_id))
    except NotFound:
        return False
    if booking.status in CLOSED:
        raise InvalidState("The booking is closed.")
    return True


def may_read(actor: Actor, booking_id: UUID) -> bool:
    """Whether the actor may read a booking's files: its customer, or staff who may see bookings."""
    return _allowed(actor, booking_id, "bookings.view_booking")


def _allowed(actor: Actor, booking_id: UUID, permission: str) -> bool:
    if actor.kind is ActorKind.CUSTOMER:
        return actor.id == str(booking_id)
    user = accounts.user_by_id(actor.id) if actor.kind is ActorKind.STAFF else None
    return user is not None and user.is_active and user.has_perm(permission)
