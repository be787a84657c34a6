"""What `GET /api/admin/audit` can be asked for."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from audit.constants import WINDOW_DAYS
from audit.models import AuditEvent
from common import events
from common.actor import ActorKind
from common.api.serializers import InstantField
from common.errors import FieldError, ValidationFailed
from common.instants import instant
from common.parameters import refuse_unknown, single

WINDOW = timedelta(days=WINDOW_DAYS)
NAMES = ("actor", "action", "target", "from", "to", "cursor", "per_page")
LONGEST_NAME = 201  # of a type and an id, with the colon between
DESCRIBED = [
    OpenApiParameter("actor", OpenApiTypes.STR, description="A kind, or `kind:id` as in `staff:019ab3c4-…`."),
    OpenApiParameter("action", OpenApiTypes.STR, description="An event, `invite.created`, or its area, `invite`."),
    OpenApiParameter("target", OpenApiTypes.STR, description="A type, or `type:id` as in `accounts.user:019ab3c4-…`."),
    OpenApiParameter("from", OpenApiTypes.DATETIME, description="Events at this instant or later."),
    OpenApiParameter("to", OpenApiTypes.DATETIME, description=f"Events before this; at most {WINDOW_DAYS} days later."),
    OpenApiParameter("cursor", OpenApiTypes.STR, description="From `links` of the page before."),
    OpenApiParameter("per_page", OpenApiTypes.INT, description="1 to 100, 20 unless given."),
]


@dataclass(frozen=True, slots=True)
class Asked:
    """The filters of one query; texts are empty where nothing was asked."""

    actor: str = ""
    action: str = ""
    target: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def as_dict(self) -> dict[str, str]:
        """For the cursor, which is bound to it, and for the event that says who read."""
        times = {"from": instant(self.since) or "", "to": instant(self.until) or ""}
        return {"actor": self.actor, "action": self.action, "target": self.target, **times}

    def narrow(self, found: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        """The rows that were asked for."""
        if self.actor:
            found = found.filter(**_pair(self.actor, "actor_kind", "actor_id"))
        if self.target:
            found = found.filter(**_pair(self.target, "target_type", "target_id"))
        if self.action:
            exact = self.action in events.registry
            found = found.filter(action=self.action) if exact else found.filter(action__startswith=f"{self.action}.")
        if self.since and self.until:
            found = found.filter(at__gte=self.since, at__lt=self.until)
        return found


def parse(request: Request) -> Asked:
    """Read the parameters. Raises ValidationFailed for an unknown one, and for what cannot be an answer's filter."""
    refuse_unknown(request, NAMES)
    given = {name: single(request, name) or "" for name in ("actor", "action", "target")}
    kind = given["actor"].partition(":")[0]
    if given["actor"] and kind not in ActorKind.values:
        raise _refused("actor", f"Begin with one of: {', '.join(ActorKind.values)}.", code="invalid_choice")
    known = {*events.registry, *(name.partition(".")[0] for name in events.registry)}
    if given["action"] and given["action"] not in known:
        raise _refused("action", "There is no such event, and no such area.", code="invalid_choice")
    if len(given["actor"]) > LONGEST_NAME or len(given["target"]) > LONGEST_NAME:
        raise _refused("target" if len(given["target"]) > LONGEST_NAME else "actor", "It is too long.", code="too_long")
    since, until = _window(request)
    return Asked(**given, since=since, until=until)


def _window(request: Request) -> tuple[datetime | None, datetime | None]:
    """Both ends or none: one that is missing lies 31 days from the other."""
    since, until = _instant(request, "from"), _instant(request, "to")
    if since is None and until is None:
        return None, None
    try:
        since = since or (until - WINDOW if until else None)
        until = until or (since + WINDOW if since else None)
    except OverflowError as fault:
        raise _refused("from", "This instant is out of range.") from fault
    if since and until and not timedelta() < until - since <= WINDOW:
        raise _refused("to", f"It must lie after `from`, by {WINDOW_DAYS} days at most.")
    return since, until


def _instant(request: Request, name: str) -> datetime | None:
    text = single(request, name)
    if text is None:
        return None
    try:
        found: datetime = InstantField().to_internal_value(text)
    except ValidationError as fault:
        raise _refused(name, "An instant is wanted, as in 2026-11-22T09:00:00Z.") from fault
    return found


def _pair(text: str, kind: str, key: str) -> dict[str, Any]:
    first, _, second = text.partition(":")
    return {kind: first, key: second} if second else {kind: first}


def _refused(parameter: str, detail: str, *, code: str = "invalid") -> ValidationFailed:
    return ValidationFailed(errors=[FieldError(code, detail, parameter=parameter)])
