"""Limits, lifetimes and the state table of bookings."""

from django.db import models
from django.utils.translation import gettext_lazy as _

HOLD_SECONDS = 15 * 60
PAGE_COOKIE_SECONDS = 24 * 60 * 60
NEAREST_SLOTS = 3
DEFAULT_SLOT_DAYS = 14
MAX_SLOT_DAYS = 62
MINUTES_A_DAY = 24 * 60

# No I, L, O, U, 0 or 1: a reference is read aloud and typed from paper.
REFERENCE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
REFERENCE_LENGTH = 8
REFERENCE_TRIES = 5

NAME_LENGTH = 200
NOTES_LENGTH = 2000
REASON_LENGTH = 500
PHONE_PATTERN = r"^\+[1-9][0-9]{6,14}$"

# The text of the consent box changes only together with this version, which each booking keeps.
CONSENT_VERSION = "2026-11"


class Mode(models.TextChoices):
    """How a service is booked."""

    NONE = "none", _("Not bookable")
    REQUEST = "request", _("On request: staff confirm")
    SLOT = "slot", _("A time is picked")


class Status(models.TextChoices):
    """The states of a booking."""

    HELD = "held", _("Held")
    REQUESTED = "requested", _("Requested")
    CONFIRMED = "confirmed", _("Confirmed")
    COMPLETED = "completed", _("Completed")
    NO_SHOW = "no_show", _("No-show")
    CANCELLED = "cancelled", _("Cancelled")
    DECLINED = "declined", _("Declined")
    EXPIRED = "expired", _("Expired")


class Purpose(models.TextChoices):
    """What a payment for a booking pays."""

    DEPOSIT = "deposit", _("Deposit")
    FULL = "full", _("Full price")
    BALANCE = "balance", _("Balance")


class MoneyState(models.TextChoices):
    """How far the money of a booking is, for readers."""

    FREE = "free", _("Free")
    UNPAID = "unpaid", _("Unpaid")
    DEPOSIT_PAID = "deposit_paid", _("Deposit paid")
    PAID = "paid", _("Paid")
    REFUND_DUE = "refund_due", _("Refund due")
    PARTIALLY_REFUNDED = "partially_refunded", _("Partly refunded")
    REFUNDED = "refunded", _("Refunded")
    NEEDS_REVIEW = "needs_review", _("To be looked at")


class ReviewReason(models.TextChoices):
    """Why money that arrived did not simply confirm its booking."""

    SEAT_GONE = "seat_gone", _("Paid after the hold ran out, and the time is taken")
    TOO_LATE = "too_late", _("Paid after the booked time had begun")
    CLOSED = "closed", _("Paid although the booking was no longer open")
    AMOUNT = "amount", _("Another amount than what was due")


OCCUPYING = (Status.HELD, Status.REQUESTED, Status.CONFIRMED)

# From each state to the states that an action may move it to; what is not listed is refused.
TRANSITIONS: dict[str, frozenset[str]] = {
    Status.HELD: frozenset({Status.CONFIRMED, Status.EXPIRED, Status.CANCELLED}),
    Status.REQUESTED: frozenset({Status.CONFIRMED, Status.DECLINED, Status.CANCELLED}),
    Status.CONFIRMED: frozenset({Status.COMPLETED, Status.NO_SHOW, Status.CANCELLED}),
    Status.EXPIRED: frozenset({Status.CONFIRMED}),
    Status.COMPLETED: frozenset(),
    Status.NO_SHOW: frozenset(),
    Status.CANCELLED: frozenset(),
    Status.DECLINED: frozenset(),
}
