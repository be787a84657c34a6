"""Offers and opening hours of the demo studio, for services that its content has planted."""

from datetime import time
from typing import Any

from bookings.actions import availability, offers
from bookings.constants import Mode
from bookings.models import AvailabilityRule, BookingResource, ServiceOffer
from cms.selectors import live_service
from common import seeds
from common.actor import Actor
from common.weekdays import Weekday

RESOURCE_NAME = "Workshop team"
OPENS, CLOSES = time(9), time(17)
WORKDAYS = (Weekday.MONDAY, Weekday.TUESDAY, Weekday.WEDNESDAY, Weekday.THURSDAY, Weekday.FRIDAY)
OFFERS: dict[str, dict[str, Any]] = {
    "discovery-workshop": {
        "mode": Mode.SLOT,
        "duration_minutes": 240,
        "price_amount": 4_500_000,
        "deposit_percent": 30,
        "min_notice_hours": 24,
    },
    "office-hours": {
        "mode": Mode.SLOT,
        "duration_minutes": 60,
        "buffer_minutes": 30,
        "price_amount": 850_000,
        "min_notice_hours": 4,
    },
    "web-applications": {"mode": Mode.REQUEST, "duration_minutes": 45, "min_notice_hours": 24},
}


def run(*, by: Actor) -> None:
    """Plant what is missing; what staff have changed stays."""
    resource = BookingResource.objects.filter(name=RESOURCE_NAME).first()
    if resource is None:
        resource = offers.save_resource(resource=BookingResource(name=RESOURCE_NAME, capacity=2), by=by)
        for weekday in WORKDAYS:
            rule = AvailabilityRule(weekday=weekday, starts=OPENS, ends=CLOSES)
            availability.save_rule(rule=rule, by=by)
    for slug, values in OFFERS.items():
        service = live_service(slug)
        if service is None or ServiceOffer.objects.filter(service=service).exists():
            continue
        timed = values["mode"] == Mode.SLOT
        offer = ServiceOffer(service=service, resource=resource if timed else None, **values)
        offers.save(offer=offer, by=by)


seeds.register("bookings", run, order=200)  # after the services that it offers
