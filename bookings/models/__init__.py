"""Tables of the bookings app."""

from bookings.models.availability import AvailabilityRule, Closure
from bookings.models.booking import Booking
from bookings.models.offer import BookingResource, ServiceOffer

__all__ = ["AvailabilityRule", "Booking", "BookingResource", "Closure", "ServiceOffer"]
