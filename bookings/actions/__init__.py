"""All writes of the bookings app."""

from bookings.actions import availability, cancellation, creation, decisions, holds, offers, payments

__all__ = ["availability", "cancellation", "creation", "decisions", "holds", "offers", "payments"]
