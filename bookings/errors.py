"""What the bookings app refuses, each with its stable code."""

from cms.errors import InvalidTransition
from common.errors import Conflict, Unprocessable

__all__ = [
    "InvalidTransition",
    "NotBookable",
    "NothingToReview",
    "RuleOverlaps",
    "SlotNotOffered",
    "SlotTaken",
    "TooLateToCancel",
]


class NotBookable(Conflict):
    """The service takes no bookings."""

    code = "not_bookable"
    title = "The service cannot be booked"
    about = (
        "The service is public, but it takes no bookings at the moment. Its `booking` key is null or its mode "
        "is `none`. Show its contact details in place of the booking form."
    )


class SlotTaken(Conflict):
    """Somebody else has the time; the member `nearest` names up to three free ones."""

    code = "slot_taken"
    title = "The time is taken"
    about = (
        "The time is offered, but every place at it is held or booked. The member `nearest` lists up to three "
        "free times, the closest first; send the request again with one of them and a new Idempotency-Key."
    )


class SlotNotOffered(Unprocessable):
    """The time is not one that the service offers."""

    code = "slot_not_offered"
    title = "The time is not offered"
    about = (
        "The service never offered this time: it is outside the opening hours, in a closure, in the past, too soon, "
        "too far ahead or between two start times. Ask `GET /api/services/{slug}/slots` for those that are offered."
    )


class TooLateToCancel(Conflict):
    """The customer's time to cancel is over."""

    code = "too_late_to_cancel"
    title = "It is too late to cancel"
    about = (
        "The customer could cancel until the number of hours before the start that was agreed when booking. That "
        "time is over; staff can still cancel and choose what is paid back."
    )


class NothingToReview(Conflict):
    """No money of the booking waits for a decision."""

    code = "nothing_to_review"
    title = "There is nothing to decide"
    about = "No money of this booking waits for a decision: it was settled before, perhaps by somebody else just now."


class RuleOverlaps(Conflict):
    """Opening hours overlap with others that apply to the same service."""

    code = "rule_overlaps"
    title = "The opening hours overlap"
    about = (
        "Two opening hours that apply to the same service on the same weekday may not overlap; those for every service "
        "count too. Change the existing ones, or make the new ones begin where they end."
    )
