"""Audit events that this app writes."""

from common.events import register

register(
    "bookings",
    {
        "booking.held": "A time was held for a customer",
        "booking.requested": "A customer asked for a booking",
        "booking.confirmed": "A booking was confirmed",
        "booking.declined": "A request was declined",
        "booking.cancelled": "A booking was cancelled",
        "booking.expired": "A hold ran out",
        "booking.hold_extended": "A hold was extended while a payment is in process",
        "booking.paid": "Money arrived for a booking",
        "booking.refunded": "Money of a booking was paid back",
        "booking.needs_review": "Money arrived for a booking that could not be confirmed",
        "booking.reviewed": "Staff decided on money that could not confirm a booking",
        "booking.deleted": "A booking that came to nothing was deleted",
        "booking.spam": "A form that only robots fill in was sent",
        "offer.saved": "The offer of a service was changed",
        "resource.saved": "A resource was changed",
        "availability.saved": "Opening hours were changed",
        "availability.deleted": "Opening hours were deleted",
        "closure.saved": "A closure was changed",
        "closure.deleted": "A closure was deleted",
    },
)
