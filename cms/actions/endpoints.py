"""Publish webhooks: the addresses that are told of every change, each with a secret of its own."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import transaction

from audit.actions import record
from cms.locks import locked_endpoint
from cms.models import PublishEndpoint
from cms.webhook import address
from cms.webhook.signature import new_secret
from common import crypto, rekeying
from common.actor import Actor
from common.clock import db_now
from common.errors import FieldError, ValidationFailed
from common.rekeying import Rekeyed
from common.target import Target
from common.validation import check

PREVIOUS_HOURS = 24


class Issued(NamedTuple):
    """An endpoint with its new secret in plain, which can be read only now."""

    endpoint: PublishEndpoint
    secret: str


@transaction.atomic
def create(*, values: Mapping[str, Any], by: Actor, now: datetime | None = None) -> Issued:
    """Add an endpoint of `values` (label, url, active) with a fresh secret; raises ValidationFailed."""
    now = now or db_now()
    row = PublishEndpoint(**values, created_at=now, secret_made_at=now)
    secret = new_secret()
    row.secret_ciphertext = _sealed(row, secret)
    _check(row)
    row.save(force_insert=True)
    record(action="publish_endpoint.created", by=by, target=Target.of(row), after=dict(values))
    return Issued(row, secret)


@transaction.atomic
def update(*, endpoint: PublishEndpoint, values: Mapping[str, Any], by: Actor) -> PublishEndpoint:
    """Change label, url or active, and return the row; its secret stays."""
    row = locked_endpoint(endpoint)
    before = {key: getattr(row, key) for key in values}
    changed = {key: value for key, value in values.items() if value != before[key]}
    if not changed:
        return row
    for key, value in changed.items():
        setattr(row, key, value)
    _check(row)
    row.save(update_fields=list(changed))
    record(
        action="publish_endpoint.updated",
        by=by,
        target=Target.of(row),
        before={key: before[key] for key in changed},
        after=changed,
    )
    return row


@transaction.atomic
def rotate(*, endpoint: PublishEndpoint, by: Actor, now: datetime | None = None) -> Issued:
    """Give the endpoint a fresh secret; messages carry a signature of the old one too for a day."""
    row = locked_endpoint(endpoint)
    secret = new_secret()
    row.previous_ciphertext = _sealed(row, _opened(row, row.secret_ciphertext))
    row.secret_ciphertext, row.secret_made_at = _sealed(row, secret), now or db_now()
    row.save(update_fields=["previous_ciphertext", "secret_ciphertext", "secret_made_at"])
    record(action="publish_endpoint.rotated", by=by, target=Target.of(row))
    return Issued(row, secret)


@transaction.atomic
def delete(*, endpoint: PublishEndpoint, by: Actor) -> None:
    """Remove the endpoint with the list of what was sent to it."""
    row = locked_endpoint(endpoint)
    target, before = Target.of(row), {"label": row.label, "url": row.url}
    row.delete()
    record(action="publish_endpoint.deleted", by=by, target=target, before=before)


def signing_secrets(*, endpoint: PublishEndpoint, by: Actor, now: datetime) -> list[str]:
    """Return the secrets that sign a message now, the newest first; raises `crypto.DecryptionFailed`."""
    sealed = [endpoint.secret_ciphertext]
    if endpoint.previous_ciphertext and now < endpoint.secret_made_at + timedelta(hours=PREVIOUS_HOURS):
        sealed.append(endpoint.previous_ciphertext)
    return [_opened(endpoint, one) for one in sealed]


def rekey(*, by: Actor) -> Rekeyed:
    """Encrypt the secrets again under the newest FIELD_KEY; the command's event is their record."""
    columns = ("secret_ciphertext", "previous_ciphertext")
    found = [rekeying.rekey(PublishEndpoint.objects.all(), column=one, sealed_again=_again(one)) for one in columns]
    return Rekeyed(sum(one.done for one in found), sum(one.unreadable for one in found))


def _again(column: str) -> Any:
    return lambda row: _sealed(row, _opened(row, getattr(row, column)))


def _check(row: PublishEndpoint) -> None:
    check(row)
    try:
        address.parse(row.url)
    except address.Refused as refusal:
        raise ValidationFailed(errors=[FieldError("invalid", str(refusal), "#/url")]) from refusal


def _sealed(row: PublishEndpoint, secret: str) -> bytes:
    return crypto.encrypt(secret.encode(), aad=_aad(row))


def _opened(row: PublishEndpoint, sealed: "bytes | memoryview[int]") -> str:
    return crypto.decrypt(bytes(sealed), aad=_aad(row)).decode()


def _aad(row: PublishEndpoint) -> str:
    return f"cms.PublishEndpoint.secret:{row.pk}"
