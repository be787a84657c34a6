"""Something on the admin's start page that waits for a person."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attention:
    """`label` reads after the count ("2 bookings to confirm"); only holders of `permission` see it."""

    label: str
    count: int
    url: str
    permission: str
