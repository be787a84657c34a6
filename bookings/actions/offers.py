"""What can be booked, changed by staff."""

from django.db import transaction
from django.db.models import ProtectedError

from audit.actions import record
from bookings.actions import rows
from bookings.errors import ResourceInUse
from bookings.models import BookingResource, ServiceOffer
from cms.actions import version
from common.actor import Actor
from common.target import Target

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


def delete_resource(*, resource: BookingResource, by: Actor) -> None:
    """Delete a resource that no offer and no booking uses. Raises ResourceInUse."""
    with transaction.atomic():
        record(action="resource.deleted", by=by, target=Target.of(resource), before=rows.columns(row=resource))
        try:
            resource.delete()
        except ProtectedError as error:
            raise ResourceInUse from error
