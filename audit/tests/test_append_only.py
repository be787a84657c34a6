"""What PostgreSQL refuses, however the statement came in."""

import importlib

import pytest
from django.db import DatabaseError, connection, transaction

from audit.actions import record
from audit.models import AuditEvent
from common import context, events
from common.actor import Actor
from common.context import RequestContext
from common.target import Target

pytestmark = pytest.mark.django_db
migration = importlib.import_module("audit.migrations.0002_append_only")


@pytest.fixture
def row(monkeypatch):
    monkeypatch.setitem(events.registry, "thing.changed", "A thing was changed")
    with context.use(RequestContext(ip="192.0.2.1", user_agent="curl")), transaction.atomic():
        return record(action="thing.changed", by=Actor.operator(), target=Target("t", "1", "Lamp"), after={"n": 1})


def refused(sql):
    with pytest.raises(DatabaseError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    return str(caught.value)


def run(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else None


def snapshot():
    return run("SELECT * FROM audit_event ORDER BY id")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_event SET action = 'forged'",
        "UPDATE audit_event SET actor_label = 'Somebody else'",
        "UPDATE audit_event SET actor_label = '', action = 'forged'",
        "UPDATE audit_event SET row_hash = sha256('x')",
        "UPDATE audit_event SET after = '{}'",
        "DELETE FROM audit_event",
    ],
)
def test_change_and_delete_are_refused(row, change):
    before = snapshot()
    assert "append-only" in refused(change)
    assert snapshot() == before


@pytest.mark.parametrize(
    "change",
    [
        lambda row: AuditEvent.objects.update(action="forged"),
        lambda row: AuditEvent.objects.all().delete(),
        lambda row: AuditEvent(pk=row.pk, action="forged").save(update_fields=["action"]),
        lambda row: row.delete(),
        lambda row: AuditEvent.objects.bulk_update([AuditEvent(pk=row.pk, reason="forged")], ["reason"]),
    ],
)
def test_nor_does_the_orm_change_anything(row, change):
    before = snapshot()

    def act():
        with transaction.atomic():
            change(AuditEvent.objects.get(pk=row.pk))

    with pytest.raises(DatabaseError, match="append-only"):
        act()
    assert snapshot() == before


def test_replica_role_does_not_switch_the_triggers_off(row):
    with transaction.atomic():
        run("SET LOCAL session_replication_role = replica")
        assert "append-only" in refused("DELETE FROM audit_event")
    assert AuditEvent.objects.count() == 1


def test_truncate_is_refused_where_the_trigger_stands(row):
    run(migration.REFUSE_TRUNCATE)  # test databases lack it; undone with this test's transaction
    assert "append-only" in refused("TRUNCATE audit_event")
    assert AuditEvent.objects.count() == 1


def test_emptying_the_columns_that_name_a_person_is_allowed_and_keeps_the_hash(row):
    run("UPDATE audit_event SET actor_label = '', target_label = '', ip = NULL, user_agent = ''")
    emptied = AuditEvent.objects.get()
    assert (emptied.actor_label, emptied.target_label, emptied.ip, emptied.user_agent) == ("", "", None, "")
    assert run("SELECT row_hash = audit_event_hash(e) FROM audit_event e") == [(True,)]


def test_forged_instant_transaction_and_hash_are_overwritten(row):
    run(
        "INSERT INTO audit_event (at, xid, row_hash, action, actor_kind, actor_id, actor_label, on_behalf_of,"
        " target_type,"
        " target_id, target_label, session_id, meta, reason, outcome, user_agent, request_id, job_id, schema_version)"
        " VALUES ('2001-01-01', '1', 'forged', 'x', 'system', '', '', '', '', '', '', '', '{}', '', 'done',"
        " '', '', '', 1)"
    )
    forged = AuditEvent.objects.get(action="x")
    assert forged.at >= row.at
    assert forged.xid == row.xid  # both in the transaction that wraps this test
    assert bytes(forged.row_hash) != b"forged"
    assert run("SELECT bool_and(row_hash = audit_event_hash(e)) FROM audit_event e") == [(True,)]


def test_an_explicit_id_is_refused(row):
    message = refused(
        "INSERT INTO audit_event (id, action, actor_kind, actor_id, actor_label, on_behalf_of, target_type, target_id,"
        " target_label, session_id, meta, reason, outcome, user_agent, request_id, job_id, schema_version)"
        " VALUES (99, 'x', 'system', '', '', '', '', '', '', '', '{}', '', 'done', '', '', '', 1)"
    )
    assert "non-DEFAULT value" in message


def test_the_hash_does_not_hang_on_the_sessions_time_zone(row):
    with transaction.atomic():
        run("SET LOCAL TimeZone = 'Asia/Kathmandu'")
        assert run("SELECT row_hash = audit_event_hash(e) FROM audit_event e") == [(True,)]


def test_the_hash_sees_every_column_that_counts(row):
    """Each column but the exempt ones changes the hash when it changes."""
    exempt = {"actor_label", "target_label", "ip", "user_agent", "row_hash"}
    columns = {field.column: field for field in AuditEvent._meta.concrete_fields if field.column not in exempt}
    values = {"id": "0", "at": "now()", "xid": "'1'::xid8", "schema_version": "9"}
    values |= dict.fromkeys(("before", "after", "meta"), "'[7]'::jsonb")
    for column in columns:
        value = values.get(column, "'changed'")
        query = (
            f"SELECT audit_event_hash(jsonb_populate_record(e, jsonb_build_object('{column}', {value}))) = row_hash"
            " FROM audit_event e"
        )
        assert run(query) == [(False,)], column
    for column in exempt - {"row_hash", "ip"}:
        query = (
            f"SELECT audit_event_hash(jsonb_populate_record(e, jsonb_build_object('{column}', 'x'))) = row_hash"
            " FROM audit_event e"
        )
        assert run(query) == [(True,)], column


def test_unknown_actor_kinds_and_outcomes_are_refused(row):
    insert = (
        "INSERT INTO audit_event (action, actor_kind, actor_id, actor_label, on_behalf_of, target_type, target_id,"
        " target_label, session_id, meta, reason, outcome, user_agent, request_id, job_id, schema_version)"
        " VALUES ('x', '{}', '', '', '', '', '', '', '', '{{}}', '', '{}', '', '', '', 1)"
    )
    assert "audit_event_known_actor" in refused(insert.format("ghost", "done"))
    assert "audit_event_known_outcome" in refused(insert.format("system", "maybe"))
