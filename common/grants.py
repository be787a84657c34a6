"""What a credential that is no staff sign-in allows."""

import uuid
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BookingGrant:
    """The bearer holds the token of this booking; `request.auth` of such a request."""

    booking_id: uuid.UUID
