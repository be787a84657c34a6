"""Parameters of the bookings' operations, as the description shows them."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from bookings.constants import Status

ID = OpenApiParameter("booking_id", OpenApiTypes.UUID, OpenApiParameter.PATH)
_FROM = OpenApiParameter("from", OpenApiTypes.DATE, description="First day, in the zone.")
_TO = OpenApiParameter("to", OpenApiTypes.DATE, description="Last day, included.")

SLOT_DESCRIBED = [
    OpenApiParameter("slug", OpenApiTypes.STR, OpenApiParameter.PATH),
    _FROM,
    _TO,
    OpenApiParameter("zone", OpenApiTypes.STR, description="IANA name of the zone that the days are meant in."),
]
LIST_DESCRIBED = [
    OpenApiParameter("status", OpenApiTypes.STR, enum=Status.values),
    OpenApiParameter("service", OpenApiTypes.STR, description="Slug."),
    OpenApiParameter("from", OpenApiTypes.DATE, description="Bookings that start on this day or later."),
    OpenApiParameter("to", OpenApiTypes.DATE, description="Bookings that start on this day or earlier."),
    OpenApiParameter("q", OpenApiTypes.STR, description="Reference, or part of a name or an address."),
    OpenApiParameter("cursor", OpenApiTypes.STR),
    OpenApiParameter("per_page", OpenApiTypes.INT),
]
