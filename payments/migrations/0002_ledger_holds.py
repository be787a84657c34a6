"""The ledger's two rules, kept by the database.

Every transaction sums to zero in each currency, checked when it commits; nothing of it changes or goes afterwards.
ENABLE ALWAYS keeps the triggers on for a session with session_replication_role = replica.
"""

from django.conf import settings
from django.db import migrations

BALANCED = """
CREATE FUNCTION payments_ledger_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    checked uuid;
    entries bigint;
BEGIN
    IF TG_TABLE_NAME = 'payments_ledgerentry' THEN checked := NEW.transaction_id; ELSE checked := NEW.id; END IF;
    SELECT count(*) INTO entries FROM payments_ledgerentry WHERE transaction_id = checked;
    IF entries < 2 THEN
        RAISE EXCEPTION 'ledger transaction % has % entries', checked, entries USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (
        SELECT 1 FROM payments_ledgerentry WHERE transaction_id = checked GROUP BY currency HAVING sum(amount) <> 0
    ) THEN
        RAISE EXCEPTION 'ledger transaction % does not sum to zero', checked USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER payments_ledger_balanced AFTER INSERT ON payments_ledgerentry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION payments_ledger_balanced();
CREATE CONSTRAINT TRIGGER payments_ledger_not_empty AFTER INSERT ON payments_ledgertransaction
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION payments_ledger_balanced();
ALTER TABLE payments_ledgerentry ENABLE ALWAYS TRIGGER payments_ledger_balanced;
ALTER TABLE payments_ledgertransaction ENABLE ALWAYS TRIGGER payments_ledger_not_empty;
"""

APPEND_ONLY = """
CREATE FUNCTION payments_ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: % on % refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER payments_ledger_refuse BEFORE UPDATE OR DELETE ON payments_ledgertransaction
    FOR EACH ROW EXECUTE FUNCTION payments_ledger_refuse();
CREATE TRIGGER payments_ledger_refuse BEFORE UPDATE OR DELETE ON payments_ledgerentry
    FOR EACH ROW EXECUTE FUNCTION payments_ledger_refuse();
ALTER TABLE payments_ledgertransaction ENABLE ALWAYS TRIGGER payments_ledger_refuse;
ALTER TABLE payments_ledgerentry ENABLE ALWAYS TRIGGER payments_ledger_refuse;
"""

REFUSE_TRUNCATE = """
CREATE TRIGGER payments_ledger_refuse_truncate BEFORE TRUNCATE ON payments_ledgertransaction
    FOR EACH STATEMENT EXECUTE FUNCTION payments_ledger_refuse();
CREATE TRIGGER payments_ledger_refuse_truncate BEFORE TRUNCATE ON payments_ledgerentry
    FOR EACH STATEMENT EXECUTE FUNCTION payments_ledger_refuse();
ALTER TABLE payments_ledgertransaction ENABLE ALWAYS TRIGGER payments_ledger_refuse_truncate;
ALTER TABLE payments_ledgerentry ENABLE ALWAYS TRIGGER payments_ledger_refuse_truncate;
"""

UNDO = """
DROP TRIGGER IF EXISTS payments_ledger_refuse_truncate ON payments_ledgerentry;
DROP TRIGGER IF EXISTS payments_ledger_refuse_truncate ON payments_ledgertransaction;
DROP TRIGGER payments_ledger_refuse ON payments_ledgerentry;
DROP TRIGGER payments_ledger_refuse ON payments_ledgertransaction;
DROP TRIGGER payments_ledger_not_empty ON payments_ledgertransaction;
DROP TRIGGER payments_ledger_balanced ON payments_ledgerentry;
DROP FUNCTION payments_ledger_refuse();
DROP FUNCTION payments_ledger_balanced();
"""


def refuse_truncate(apps, schema_editor):
    """Leave the triggers out of test databases: TransactionTestCase empties tables with TRUNCATE."""
    if not settings.TESTING:
        schema_editor.execute(REFUSE_TRUNCATE)


class Migration(migrations.Migration):
    dependencies = [("payments", "0001_initial")]

    operations = [
        migrations.RunSQL(BALANCED + APPEND_ONLY, UNDO),
        migrations.RunPython(refuse_truncate, migrations.RunPython.noop),
    ]
