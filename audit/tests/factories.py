"""Rows of the log, and a superuser's hand in it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from audit.actions import keys, record, sealing
from audit.models import AuditEvent, AuditSeal
from common import context, events
from common.actor import Actor
from common.context import RequestContext
from common.target import Target

CHANGED = "thing.changed"
SETTLE_SECONDS = 60
ANA = Actor(Actor.operator().kind, "ana", "Ana Otieno")
SERVING = RequestContext(ip="192.0.2.1", user_agent="curl/8", request_id="r-1")


def rows(count: int = 1, *, by: Actor = ANA, label: str = "Lamp") -> list[AuditEvent]:
    """Record so many events, each in a transaction of its own."""
    events.registry.setdefault(CHANGED, "A thing was changed")
    made = []
    for number in range(count):
        with context.use(SERVING), transaction.atomic():
            target = Target("shop.thing", str(number), label)
            made.append(record(action=CHANGED, by=by, target=target, after={"n": number}))
    return made


def sealed(count: int) -> tuple[list[AuditEvent], AuditSeal]:
    """Record so many events and seal them."""
    made = rows(count)
    seal = seal_all()
    assert seal is not None
    return made, seal


def seal_all() -> AuditSeal | None:
    """Seal whatever is committed by now, the event of a new key included."""
    keys.ensure(by=Actor.system("test"))
    settle()
    return sealing.seal(by=Actor.system("test"))


def settle(xid: int = 0) -> None:
    """Wait until every transaction up to `xid` (0: up to now) has ended.

    The counter is the whole cluster's, and the tests of other workers are transactions on it too.
    """
    xid = xid or sql("SELECT pg_current_xact_id()::text::bigint")[0][0]
    ends = time.monotonic() + SETTLE_SECONDS
    while sql("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")[0][0] <= xid:
        assert time.monotonic() < ends, "a transaction elsewhere does not end"
        time.sleep(0.02)


def sql(statement: str, *values: object) -> list[tuple]:
    """Run a statement."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []


@contextmanager
def triggers_off(table: str = "audit_event") -> Iterator[None]:
    """What a superuser can do to any table."""
    sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    try:
        yield
    finally:
        for (name,) in sql("SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal", table):
            sql(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")


INSERT = """
INSERT INTO audit_event (id, at, xid, row_hash, action, actor_kind, actor_id, actor_label, on_behalf_of, target_type,
    target_id, target_label, session_id, meta, reason, outcome, user_agent, request_id, job_id, schema_version)
OVERRIDING SYSTEM VALUE
VALUES (%s, {at}, {xid}::text::xid8, '', 'thing.changed', 'operator', 'eve', '', '', '', '', '', '', '{{}}', '',
    'done', '', '', '', 1)
"""
REHASH = "UPDATE audit_event e SET row_hash = audit_event_hash(e) WHERE id = %s"


def forge(pk: int, *, at: str, xid: str) -> None:
    """Put a row in with its triggers off: its hash fits, its id, instant and transaction are what is said."""
    with triggers_off():
        sql(INSERT.format(at=at, xid=xid), pk)
        sql(REHASH, pk)
