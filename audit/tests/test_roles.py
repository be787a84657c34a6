"""Two database roles, set up by the statements of docs/operations.md on a cluster of its own."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import errors

from devkit.postgres import Postgres

ROOT = Path(__file__).parents[2]
WEB, OWNER, DATABASE = "studio_web", "studio_owner", "studio"
SECRETS = {name: f"roles-{name}-0123456789-0123456789" for name in ("SECRET_KEY", "FIELD_KEY", "JWT_REFRESH_SECRET")}
AS_WEB = """
import json
from django.db import transaction
from audit import selectors, verification
from audit.actions import erasure, keys, record, record_refused, sealing
from audit.models import AuditEvent
from common import context
from common.actor import Actor

by = Actor.system("web")
with context.use(context.RequestContext(ip="192.0.2.1", user_agent="curl")), transaction.atomic():
    record(action="job.requeued", by=Actor.customer(id="b-1", label="Brian"))
record_refused(action="job.cancelled", by=by, reason="not allowed")
seal = sealing.seal(by=by)
erased = erasure.erase_person(actors=[("customer", "b-1")], targets=[], by=by)
emptied = erasure.empty_old(by=by)
row = AuditEvent.objects.get(actor_id="b-1")
report = verification.run(verification.Scope())
found = [selectors.is_out_of_reach(), seal.n, seal.count > 2, erased, emptied, row.actor_label, row.ip, report.summary]
print(json.dumps(found))
"""


def blocks() -> list[str]:
    """The two SQL blocks of the runbook."""
    page = (ROOT / "docs" / "operations.md").read_text()
    return re.findall(r"```sql\n(.*?)```", page[page.index("### Two database roles") :], re.DOTALL)[:2]


def run(url: str, *command: str) -> str:
    env = {"PATH": os.environ["PATH"], **SECRETS, "DJANGO_ENV": "local", "DATABASE_URL": url, "REDIS_URL": ""}
    env |= {"MEDIA_ROOT": str(ROOT / "var" / "roles-media"), "PUBLIC_URL": "http://localhost:21590"}
    done = subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def addresses(tmp_path_factory):
    """The owner's and the web's address of a released system with two roles."""
    with Postgres(tmp_path_factory.mktemp("roles") / "pg", fsync=False) as cluster:
        make, grant = blocks()
        with psycopg.connect(cluster.url, autocommit=True) as admin:
            for statement in make.split(";\n"):
                if statement.strip():
                    admin.execute(statement)

        def address(role):
            parts = urlsplit(cluster.url_of(DATABASE))
            return parts._replace(netloc=f"{role}@{parts.hostname}:{parts.port}").geturl()

        with psycopg.connect(address(OWNER), autocommit=True) as owner:
            owner.execute(grant)
        run(address(OWNER), "release")
        yield address(OWNER), address(WEB)


CHANGES = {"audit_event": "reason = ''", "audit_seal": "count = 0", "audit_signing_key": "key_id = ''"}
ON_EACH_TABLE = (
    "UPDATE {} SET {change}",
    "DELETE FROM {}",
    "TRUNCATE {}",
    "DROP TABLE {}",
    "DROP TABLE {} CASCADE",
    "ALTER TABLE {} DISABLE TRIGGER USER",
    "ALTER TABLE {} DISABLE TRIGGER ALL",
    "ALTER TABLE {} OWNER TO studio_web",
    "DROP TRIGGER {}_refuse_change ON {}",
    "CREATE TRIGGER mine BEFORE INSERT ON {} EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "CREATE RULE mine AS ON INSERT TO {} DO INSTEAD NOTHING",
)
AROUND = (
    "SET session_replication_role = replica",
    "CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "DROP FUNCTION audit_event_stamp() CASCADE",
    "ALTER TABLE payments_payment DISABLE TRIGGER USER",
    "SET ROLE studio_owner",
    "UPDATE audit_event SET actor_label = ''",
)


def web_is_refused_whatever_changes_the_log_or_takes_its_guards_down(addresses):
    wanted = [one.format(table, table, change=change) for table, change in CHANGES.items() for one in ON_EACH_TABLE]
    done = []
    for statement in (*wanted, *AROUND):
        with psycopg.connect(addresses[1]) as web:
            try:
                web.execute(statement)
            except errors.InsufficientPrivilege:
                continue
            done.append(statement)
    assert done == []


def owner_is_refused_by_the_triggers(addresses):
    for statement in ("DELETE FROM audit_event", "TRUNCATE audit_event", "TRUNCATE audit_seal"):
        with psycopg.connect(addresses[0]) as owner, pytest.raises(errors.InsufficientPrivilege, match="append-only"):
            owner.execute(statement)


def app_works_with_the_web_role(addresses):
    found = json.loads(run(addresses[1], "shell", "--no-imports", "-c", AS_WEB).splitlines()[-1])
    assert found[:7] == [True, 1, True, 1, 0, "", None]
    assert found[7].startswith("The log is as it was sealed: 1 seals")
    assert json.loads(run(addresses[0], "shell", "--no-imports", "-c", OUT_OF_REACH)) is False


OUT_OF_REACH = "import json; from audit import selectors; print(json.dumps(selectors.is_out_of_reach()))"


def net_holds_under_the_web_role(addresses):
    with psycopg.connect(addresses[1]) as web:
        web.execute("INSERT INTO auth_group (name) VALUES ('Ghosts')")
        web.execute(
            "INSERT INTO auth_group_permissions (group_id, permission_id)"
            " SELECT g.id, p.id FROM auth_group g, auth_permission p WHERE g.name = 'Ghosts' LIMIT 1"
        )
        web.commit()
        row = web.execute(
            "SELECT actor_label, target_type FROM audit_event WHERE action = 'system.unaudited_change'"
        ).fetchone()
    assert row == (WEB, "auth.group")


def test_two_roles(addresses):
    """One test, since the cluster behind it takes half a minute to make and every worker would make its own."""
    web_is_refused_whatever_changes_the_log_or_takes_its_guards_down(addresses)
    owner_is_refused_by_the_triggers(addresses)
    app_works_with_the_web_role(addresses)
    net_holds_under_the_web_role(addresses)
