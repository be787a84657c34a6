"""Who acts: every action takes an `Actor` as `by=`."""

from dataclasses import dataclass
from typing import Any, Protocol

from django.db.models import TextChoices

from common.grants import BookingGrant

REF_LENGTH = 80


class ActorKind(TextChoices):
    """The five kinds of actors."""

    STAFF = "staff"
    CUSTOMER = "customer"
    PROVIDER = "provider"
    SYSTEM = "system"
    OPERATOR = "operator"


class StaffUser(Protocol):
    """What an actor needs of a user."""

    pk: Any
    email: str


@dataclass(frozen=True, slots=True)
class Actor:
    """`id` is the user's or booking's id, or a name; `label` is for people and is not part of a proof."""

    kind: ActorKind
    id: str
    label: str
    session_id: str = ""

    @property
    def ref(self) -> str:
        """Kind and id in one text, as `staff:…`, for columns that say who; at most `REF_LENGTH` characters."""
        return f"{self.kind.value}:{self.id}"[:REF_LENGTH]

    @classmethod
    def staff(cls, user: StaffUser, *, session_id: str = "") -> "Actor":
        """A signed-in member of staff."""
        return cls(ActorKind.STAFF, str(user.pk), user.email, session_id)

    @classmethod
    def customer(cls, *, id: object, label: str = "") -> "Actor":  # noqa: A002 - the field's name
        """The holder of a booking's token; `id` is the booking's."""
        return cls(ActorKind.CUSTOMER, str(id), label)

    @classmethod
    def provider(cls, name: str) -> "Actor":
        """An outside service that tells us something, such as Stripe."""
        return cls(ActorKind.PROVIDER, name, name)

    @classmethod
    def system(cls, name: str) -> "Actor":
        """This back end itself: a job, or a visitor who is nobody yet."""
        return cls(ActorKind.SYSTEM, name, name)

    @classmethod
    def operator(cls) -> "Actor":
        """The person at the shell."""
        return cls(ActorKind.OPERATOR, "operator", "operator")


def actor_of(request: Any) -> Actor:
    """The actor of a request: staff by session or JWT, a customer by a booking's token, else the visitor."""
    auth = getattr(request, "auth", None)
    if isinstance(auth, BookingGrant):
        return Actor.customer(id=auth.booking_id)
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        return Actor.staff(user, session_id=str(getattr(auth, "session_id", "") or ""))
    return Actor.system("visitor")
