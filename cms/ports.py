"""What higher apps tell content: bookings fills in how a service is booked."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

Serialize = Callable[[Iterable[UUID]], Mapping[UUID, Any]]
Bookable = Callable[[QuerySet[Any], bool], QuerySet[Any]]


@dataclass
class _ServicePart:
    serialize: Serialize | None = None
    bookable: Bookable | None = None


_service_part = _ServicePart()


def register_service_part(serialize: Serialize, bookable: Bookable) -> None:
    """Fill the key `booking` and the filter `bookable` of services.

    `serialize` maps ids of services to their part (absent or None: not bookable) in one query; `bookable` narrows a
    queryset of services to those that are, or are not, bookable.
    """
    _service_part.serialize, _service_part.bookable = serialize, bookable


def service_parts(ids: Iterable[UUID]) -> Mapping[UUID, Any]:
    """Return the booking part of each service; empty while no app has registered."""
    return _service_part.serialize(ids) if _service_part.serialize else {}


def only_bookable(queryset: QuerySet[Any], wanted: bool) -> QuerySet[Any]:  # noqa: FBT001 - a filter's value
    """Narrow services by whether they can be booked."""
    if _service_part.bookable is None:
        return queryset.none() if wanted else queryset
    return _service_part.bookable(queryset, wanted)
