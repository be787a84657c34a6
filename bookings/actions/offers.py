"""What can be booked, changed by staff."""

from django.db import transaction

from bookings.actions import rows
from bookings.models import BookingResource, ServiceOffer
from cms.actions import version
from common.actor import Actor


def save(*, offer: ServiceOffer, by: Actor) -> ServiceOffer:
    """Store the offer as given, and let every cached answer that shows it go. Raises ValidationFailed."""
    with transaction.atomic():
        saved = rows.store(row=offer, event="offer.saved", by=by)
        version.bump(by=by)
        return saved


def save_resource(*, resource: BookingResource, by: Actor) -> BookingResource:
    """Store the resource as given. Raises ValidationFailed."""
    with transaction.atomic():
        return rows.store(row=resource, event="resource.saved", by=by)
