"""Writes the log. Actions call these; nothing else does."""

import json
from collections.abc import Mapping
from typing import Any

from django.db import connection, transaction

from audit.constants import LABEL_LENGTH, USER_AGENT_LENGTH
from audit.models import AuditEvent, Outcome
from common import context, events, privacy
from common.actor import Actor
from common.masking import masked
from common.target import Target

Values = Mapping[str, Any]
_PLAIN = (
    *("action", "actor_kind", "actor_id", "actor_label", "on_behalf_of", "target_type", "target_id", "target_label"),
    *("session_id", "reason", "outcome", "ip", "user_agent", "request_id", "job_id", "schema_version"),
)
_COLUMNS = (*_PLAIN, "before", "after", "meta")
_INSERT = (
    f"INSERT INTO audit_event ({', '.join(_COLUMNS)}) VALUES ({', '.join(['%s'] * len(_COLUMNS))})"  # noqa: S608
    " RETURNING id, at, xid::text::bigint, row_hash"
)


def record(
    *,
    action: str,
    by: Actor,
    target: Target | None = None,
    before: Values | None = None,
    after: Values | None = None,
    meta: Values | None = None,
    reason: str = "",
    on_behalf_of: str = "",
) -> AuditEvent:
    """Write that `by` did `action`, in the transaction that holds the change, so that neither stands alone.

    `before` and `after` hold only the fields that changed; secrets in them are masked, and a personal field of the
    target's model is named without its values. Raises RuntimeError outside a transaction, LookupError for an action
    that no `events.py` registers.
    """
    if not _in_transaction():
        raise RuntimeError(f"Audit event {action!r} is written in the transaction of the change, and none is open.")
    return _write(
        action=action,
        by=by,
        target=target,
        before=before,
        after=after,
        meta=meta,
        reason=reason,
        on_behalf_of=on_behalf_of,
        outcome=Outcome.DONE,
    )


def record_refused(
    *, action: str, by: Actor, target: Target | None = None, reason: str = "", meta: Values | None = None
) -> AuditEvent:
    """Write that `by` tried `action` and was refused, in a transaction of its own, which no rollback takes along.

    Raises RuntimeError inside a transaction, LookupError for an unregistered action.
    """
    with transaction.atomic(durable=True):
        return _write(action=action, by=by, target=target, reason=reason, meta=meta, outcome=Outcome.REFUSED)


def _in_transaction() -> bool:
    """Say whether an action opened a transaction; the one that wraps a test does not count."""
    return any(not getattr(block, "_from_testcase", False) for block in getattr(connection, "atomic_blocks", []))


def _write(
    *,
    action: str,
    by: Actor,
    outcome: Outcome,
    target: Target | None,
    before: Values | None = None,
    after: Values | None = None,
    meta: Values | None = None,
    reason: str = "",
    on_behalf_of: str = "",
) -> AuditEvent:
    if action not in events.registry:
        raise LookupError(f"Audit event {action!r} is not registered in any events.py.")
    target = target or Target("", "")
    personal = privacy.personal_fields(target.type)
    now_serving = context.current()
    return _insert(
        AuditEvent(
            action=action,
            actor_kind=by.kind.value,
            actor_id=by.id,
            actor_label=by.label[:LABEL_LENGTH],
            on_behalf_of=on_behalf_of,
            target_type=target.type,
            target_id=target.id,
            target_label=target.label[:LABEL_LENGTH],
            session_id=by.session_id,
            before=None if before is None else masked(before, personal=personal),
            after=None if after is None else masked(after, personal=personal),
            meta=masked(meta or {}),
            reason=masked(reason),
            outcome=outcome,
            ip=now_serving.ip or None,
            user_agent=now_serving.user_agent[:USER_AGENT_LENGTH],
            request_id=now_serving.request_id,
            job_id=now_serving.job_id,
        )
    )


def _insert(event: AuditEvent) -> AuditEvent:
    """Insert the row by a statement that is written once: Django would take half of this call's time to write it."""
    plain = (getattr(event, name) for name in _PLAIN)
    values = [None if value is None else str(value) for value in plain]  # ids may come as UUIDs, words as choices
    values += [None if value is None else json.dumps(value) for value in (event.before, event.after, event.meta)]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, values)
        event.pk, event.at, event.xid, event.row_hash = cursor.fetchone()
    event._state.adding, event._state.db = False, connection.alias
    return event
