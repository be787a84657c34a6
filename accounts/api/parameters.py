"""Parameters of sign-in's operations, as the description shows them."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from accounts.models import Invite, Session

ID = OpenApiParameter("id", OpenApiTypes.UUID, OpenApiParameter.PATH)
CURSOR = OpenApiParameter("cursor", OpenApiTypes.STR, description="From `links` of the page before.")
PER_PAGE = OpenApiParameter("per_page", OpenApiTypes.INT, description="1 to 100, 20 unless given.")
STATUS = OpenApiParameter("status", OpenApiTypes.STR, enum=Invite.Status.values)
TRANSPORT = OpenApiParameter(
    "X-Refresh-Transport",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    enum=Session.Transport.values,
    description="How the refresh token will travel; `body` unless given.",
)
