"""Rows of the log, and a superuser's hand in it."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from audit.actions import record, sealing
from audit.models import AuditEvent, AuditSeal
from common import context, events
from common.actor import Actor
from common.context import RequestContext
from common.target import Target

CHANGED = "thing.changed"
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
    seal = sealing.seal(by=Actor.system("test"))
    assert seal is not None
    return made, seal


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
