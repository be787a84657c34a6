"""When the studio takes bookings, changed by staff."""

from django.db import IntegrityError, transaction

from audit.actions import record
from bookings.actions import rows
from bookings.errors import RuleOverlaps
from bookings.models import AvailabilityRule, Closure
from common.actor import Actor
from common.target import Target

_OVERLAP = "bookings_rule_no_overlap"


def save_rule(*, rule: AvailabilityRule, by: Actor) -> AvailabilityRule:
    """Store opening hours as given. Raises ValidationFailed, and RuleOverlaps when others stand in their way."""
    try:
        with transaction.atomic():
            return rows.store(row=rule, event="availability.saved", by=by)
    except IntegrityError as error:
        if _OVERLAP in str(error):
            raise RuleOverlaps from error
        raise


def delete_rule(*, rule: AvailabilityRule, by: Actor) -> None:
    """Delete opening hours; bookings that exist stay."""
    with transaction.atomic():
        record(action="availability.deleted", by=by, target=Target.of(rule), before=rows.columns(row=rule))
        rule.delete()


def save_closure(*, closure: Closure, by: Actor) -> Closure:
    """Store a closure as given; bookings that exist in it stay. Raises ValidationFailed."""
    with transaction.atomic():
        return rows.store(row=closure, event="closure.saved", by=by)


def delete_closure(*, closure: Closure, by: Actor) -> None:
    """Delete a closure."""
    with transaction.atomic():
        record(action="closure.deleted", by=by, target=Target.of(closure), before=rows.columns(row=closure))
        closure.delete()
