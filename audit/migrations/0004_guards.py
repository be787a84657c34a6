"""Seals and keys become append-only too, the net learns to see changes without an event, and labels can be emptied.

The functions that empty labels run as their owner, so that a database role which may only read and insert can still
do what erasing a person asks for; each changes nothing that the rows' hashes cover.
"""

from django.conf import settings
from django.db import migrations

# The transaction's place comes before the instant: a row never claims an instant before its transaction began.
STAMP = """
CREATE OR REPLACE FUNCTION audit_event_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.xid := pg_current_xact_id();
    NEW.at := clock_timestamp();
    NEW.row_hash := audit_event_hash(NEW);
    IF NEW.action <> 'system.unaudited_change' THEN
        PERFORM set_config('audit.recorded', NEW.xid::text, true);
    END IF;
    RETURN NEW;
END $$;
"""

OLD_STAMP = """
CREATE OR REPLACE FUNCTION audit_event_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.at := clock_timestamp();
    NEW.xid := pg_current_xact_id();
    NEW.row_hash := audit_event_hash(NEW);
    RETURN NEW;
END $$;
"""

REFUSE = """
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    resealed audit_signing_key;
BEGIN
    IF TG_TABLE_NAME = 'audit_signing_key' AND TG_OP = 'UPDATE' THEN
        resealed := OLD;
        resealed.private_ciphertext := NEW.private_ciphertext;
        IF NEW IS NOT DISTINCT FROM resealed AND NEW.private_ciphertext IS NOT NULL THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_seal_refuse_change BEFORE UPDATE OR DELETE ON audit_seal
    FOR EACH ROW EXECUTE FUNCTION audit_refuse();
ALTER TABLE audit_seal ENABLE ALWAYS TRIGGER audit_seal_refuse_change;
CREATE TRIGGER audit_signing_key_refuse_change BEFORE UPDATE OR DELETE ON audit_signing_key
    FOR EACH ROW EXECUTE FUNCTION audit_refuse();
ALTER TABLE audit_signing_key ENABLE ALWAYS TRIGGER audit_signing_key_refuse_change;
"""

REFUSE_TRUNCATE = """
CREATE TRIGGER audit_seal_refuse_truncate BEFORE TRUNCATE ON audit_seal
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
ALTER TABLE audit_seal ENABLE ALWAYS TRIGGER audit_seal_refuse_truncate;
CREATE TRIGGER audit_signing_key_refuse_truncate BEFORE TRUNCATE ON audit_signing_key
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
ALTER TABLE audit_signing_key ENABLE ALWAYS TRIGGER audit_signing_key_refuse_truncate;
"""

# Deferred to the commit, since an action records its event after the change. Arguments: the target's type, and the
# column that holds its id. One event a table and transaction.
NET = """
CREATE FUNCTION audit_net() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    here text := pg_current_xact_id()::text;
    noted text := coalesce(current_setting('audit.noted', true), '');
    changed jsonb;
BEGIN
    IF current_setting('audit.recorded', true) = here OR noted LIKE '% ' || here || ':' || TG_TABLE_NAME || ' %' THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'DELETE' THEN changed := to_jsonb(OLD); ELSE changed := to_jsonb(NEW); END IF;
    INSERT INTO audit_event (action, actor_kind, actor_id, actor_label, on_behalf_of, target_type, target_id,
        target_label, session_id, meta, reason, outcome, user_agent, request_id, job_id, schema_version)
    VALUES ('system.unaudited_change', 'system', 'database', session_user, '', TG_ARGV[0],
        coalesce(changed ->> TG_ARGV[1], ''), '', '',
        jsonb_build_object('table', TG_TABLE_NAME, 'operation', TG_OP,
            'application', coalesce(current_setting('application_name', true), '')),
        '', 'done', '', '', '', 1);
    PERFORM set_config('audit.noted', noted || ' ' || here || ':' || TG_TABLE_NAME || ' ', true);
    RETURN NULL;
END $$;
"""

EMPTY = """
CREATE FUNCTION audit_event_empty_person(kinds text[], actors text[], types text[], targets text[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    acted bigint;
    concerned bigint;
BEGIN
    UPDATE audit_event e SET actor_label = '', ip = NULL, user_agent = ''
    FROM unnest(kinds, actors) AS person(kind, id)
    WHERE e.actor_kind = person.kind AND e.actor_id = person.id
        AND (e.actor_label <> '' OR e.ip IS NOT NULL OR e.user_agent <> '');
    GET DIAGNOSTICS acted = ROW_COUNT;
    UPDATE audit_event e SET target_label = ''
    FROM unnest(types, targets) AS thing(type, id)
    WHERE e.target_type = thing.type AND e.target_id = thing.id AND e.target_label <> '';
    GET DIAGNOSTICS concerned = ROW_COUNT;
    RETURN acted + concerned;
END $$;
CREATE FUNCTION audit_event_empty_old(most integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    emptied bigint;
BEGIN
    UPDATE audit_event SET actor_label = '', target_label = '', ip = NULL, user_agent = ''
    WHERE id IN (
        SELECT id FROM audit_event
        WHERE at < clock_timestamp() - interval '24 months'
            AND (actor_label <> '' OR target_label <> '' OR ip IS NOT NULL OR user_agent <> '')
        ORDER BY at LIMIT most);
    GET DIAGNOSTICS emptied = ROW_COUNT;
    RETURN emptied;
END $$;
REVOKE ALL ON FUNCTION audit_event_empty_person(text[], text[], text[], text[]), audit_event_empty_old(integer)
    FROM PUBLIC;
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION audit_event_empty_person(text[], text[], text[], text[]) SET search_path = %I, pg_temp',
        current_schema());
    EXECUTE format('ALTER FUNCTION audit_event_empty_old(integer) SET search_path = %I, pg_temp', current_schema());
END $$;
"""

UNDO = """
DROP FUNCTION audit_event_empty_old(integer);
DROP FUNCTION audit_event_empty_person(text[], text[], text[], text[]);
DROP FUNCTION audit_net() CASCADE;
DROP TRIGGER IF EXISTS audit_signing_key_refuse_truncate ON audit_signing_key;
DROP TRIGGER IF EXISTS audit_seal_refuse_truncate ON audit_seal;
DROP TRIGGER audit_signing_key_refuse_change ON audit_signing_key;
DROP TRIGGER audit_seal_refuse_change ON audit_seal;
DROP FUNCTION audit_refuse();
"""


def refuse_truncate(apps, schema_editor):
    """Leave these triggers out of test databases: TransactionTestCase empties tables with TRUNCATE."""
    if not settings.TESTING:
        schema_editor.execute(REFUSE_TRUNCATE)


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_seals")]

    operations = [
        migrations.RunSQL(STAMP + REFUSE + NET + EMPTY, UNDO + OLD_STAMP),
        migrations.RunPython(refuse_truncate, migrations.RunPython.noop),
    ]
