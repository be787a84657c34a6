"""What a credential that is no staff sign-in allows."""

import uuid
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class BookingGrant:
    """The bearer holds the token of this booking; `request.auth` of such a request."""

    booking_id: uuid.UUID


def grant_or_user(request: Any) -> Any:
    """Who asks, as selectors take it: the BookingGrant of a booking's token, else the user, perhaps anonymous."""
    return request.auth if isinstance(request.auth, BookingGrant) else request.user
