"""Answers a request with an `Idempotency-Key` once, and the same way again."""

import hashlib
import json
import re
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response

from common.clock import db_now
from common.errors import DomainError, FieldError
from common.grants import BookingGrant
from idempotency.constants import FORGOTTEN_STATUSES, KEEP_SECONDS, KEY_LENGTH, RUNNING_SECONDS
from idempotency.errors import (
    IdempotencyKeyRequired,
    IdempotencyKeyReused,
    InvalidIdempotencyKey,
    RequestInProgress,
)
from idempotency.models import StoredAnswer

ANONYMOUS = "anon"
REPLAYED = {"Idempotent-Replayed": "true"}
PRINTABLE = re.compile(r"[\x21-\x7e][\x20-\x7e]*")
SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class Outcome:
    """What `perform` did: the status and body of the first answer, and the id by which a replay renders it again."""

    status: int
    object_id: str
    body: Any


def run_once(
    request: Request,
    *,
    route: str,
    required: bool,
    perform: Callable[[], Outcome],
    render: Callable[[str], Any],
    atomic: bool = False,
) -> Response:
    """Answer `request` by `perform`; once its key was answered, by the stored status and `render(object_id)`.

    A refusal is stored and raised again too, unless the caller may repeat it (400, 401, 403, 429, 5xx). With `atomic`
    the effects of `perform` and the stored answer are one transaction, so that a crash between them cannot make the
    effect happen twice; use it wherever `perform` makes no network call.
    """
    principal = _principal(request)
    key = _key(request, required=required, must_be_uuid=principal == ANONYMOUS)
    if key is None:
        outcome = perform()
        return Response(outcome.body, status=outcome.status)
    answer, ours = _claim(principal=principal, route=route, key=key, fingerprint=_fingerprint(request))
    if not ours:
        return _replay(answer, render)
    return _first(answer, perform, atomic=atomic)


def _principal(request: Request) -> str:
    if isinstance(request.auth, BookingGrant):
        return f"booking:{request.auth.booking_id}"
    return f"user:{request.user.pk}" if request.user and request.user.is_authenticated else ANONYMOUS


def _key(request: Request, *, required: bool, must_be_uuid: bool) -> str | None:
    """Read the header: a string of draft-ietf-httpapi-idempotency-key-header-07 in quotes, or bare."""
    raw = request.headers.get("Idempotency-Key")
    if raw is None:
        if required:
            raise IdempotencyKeyRequired
        return None
    key = raw.strip()
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = re.sub(r"\\([\"\\])", r"\1", key[1:-1])
    if len(key) > KEY_LENGTH or not PRINTABLE.fullmatch(key):
        raise InvalidIdempotencyKey
    if must_be_uuid:
        try:
            return str(UUID(key))
        except ValueError:
            raise InvalidIdempotencyKey("Without a credential the key must be a UUID.") from None
    return key


def _fingerprint(request: Request) -> bytes:
    body = json.dumps(request.data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(f"{request.method} {request.path}\n{body}".encode()).digest()


def _claim(*, principal: str, route: str, key: str, fingerprint: bytes) -> tuple[StoredAnswer, bool]:
    """Return the key's row and whether this request owns it, hence has to do the work."""
    now = db_now()
    mine = StoredAnswer(
        principal=principal,
        route=route,
        key=key,
        fingerprint=fingerprint,
        token=uuid4(),
        lease_until=now + timedelta(seconds=RUNNING_SECONDS),
        created_at=now,
    )
    StoredAnswer.objects.bulk_create([mine], ignore_conflicts=True)
    found = StoredAnswer.objects.filter(principal=principal, route=route, key=key).first()
    if found is None:  # deleted in between: the first request gave the key up
        raise RequestInProgress
    if found.token == mine.token:
        return found, True
    outlived = found.created_at <= now - timedelta(seconds=KEEP_SECONDS)
    if not outlived and bytes(found.fingerprint) != fingerprint:
        raise IdempotencyKeyReused
    if outlived or (found.status is None and found.lease_until <= now):
        return _take_over(found, mine, now), True
    if found.status is None:
        raise RequestInProgress
    return found, False


def _take_over(found: StoredAnswer, mine: StoredAnswer, now: datetime) -> StoredAnswer:
    """Make the row of a dead request, or of one that is too old to count, ours."""
    taken = StoredAnswer.objects.filter(pk=found.pk, token=found.token).update(
        token=mine.token,
        fingerprint=mine.fingerprint,
        lease_until=mine.lease_until,
        created_at=now,
        status=None,
        object_id="",
        problem=None,
    )
    if not taken:
        raise RequestInProgress
    found.token = mine.token
    return found


def _first(answer: StoredAnswer, perform: Callable[[], Outcome], *, atomic: bool) -> Response:
    try:
        with transaction.atomic() if atomic else nullcontext():
            outcome = perform()
            kept = _keep(answer, status=outcome.status, object_id=outcome.object_id)
            if atomic and not kept:  # another request took the key over: its effect stands, ours does not
                raise RequestInProgress
    except DomainError as error:
        if error.status in FORGOTTEN_STATUSES or error.status >= SERVER_ERROR or isinstance(error, RequestInProgress):
            _forget(answer)
        else:
            _keep(answer, status=error.status, problem=_problem(error))
        raise
    except BaseException:
        _forget(answer)
        raise
    return Response(outcome.body, status=outcome.status)


def _keep(answer: StoredAnswer, **values: Any) -> bool:
    return StoredAnswer.objects.filter(pk=answer.pk, token=answer.token).update(**values) == 1


def _forget(answer: StoredAnswer) -> None:
    StoredAnswer.objects.filter(pk=answer.pk, token=answer.token).delete()


def _problem(error: DomainError) -> dict[str, Any]:
    return {
        "code": error.code,
        "detail": error.detail,
        "errors": [
            {"pointer": e.pointer, "parameter": e.parameter, "code": e.code, "detail": e.detail, "members": e.members}
            for e in error.errors
        ],
        "members": error.members,
        "headers": error.headers,
    }


def _replay(answer: StoredAnswer, render: Callable[[str], Any]) -> Response:
    if answer.problem is None:
        return Response(render(answer.object_id), status=answer.status, headers=REPLAYED)
    raise _stored_error(answer.problem)


def _stored_error(problem: dict[str, Any]) -> DomainError:
    """Make the refusal again, past whatever arguments its own class may want."""
    kind = DomainError.registry[problem["code"]]
    error = kind.__new__(kind)
    DomainError.__init__(
        error,
        problem["detail"],
        errors=[FieldError(**place) for place in problem["errors"]],
        members=problem["members"],
        headers=problem["headers"] | REPLAYED,
    )
    return error
