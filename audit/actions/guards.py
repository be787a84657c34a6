"""What `release` puts around the log and around the tables of money and permissions, as the tables' owner."""

import hashlib
from dataclasses import dataclass

from django.db import connection, transaction
from psycopg import sql

from audit.actions.recording import record
from audit.constants import GUARDED_TABLES
from audit.events import GUARDED
from common import watched
from common.actor import Actor
from common.watched import Watched

NET = "audit_net"
PUBLIC = "public"  # no role can be called so
NAME_DIGITS = 8
TAKEN_BACK = "UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER"
# Roles that were granted more than reading and inserting: not the owner, whose rights nobody can take away.
GRANTEES = """
SELECT DISTINCT CASE acl.grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(acl.grantee) END
FROM pg_class c, aclexplode(c.relacl) AS acl
WHERE c.oid = %s::regclass AND acl.grantee <> c.relowner
    AND acl.privilege_type IN ('UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER')
"""
OWNED = "SELECT pg_has_role(current_user, relowner, 'USAGE') FROM pg_class WHERE oid = %s::regclass"
FUNCTIONS = "audit_event_empty_person(text[], text[], text[], text[]), audit_event_empty_old(integer)"


@dataclass(frozen=True, slots=True)
class Guarded:
    """What was missing and is there now."""

    nets: list[str]
    roles: list[str]


def ensure(*, nets: bool = True, by: Actor) -> Guarded:
    """Put the net under every watched table, and leave other roles nothing of the log but reading and inserting.

    Safe to repeat; does nothing where the present database role does not own the tables.
    """
    with transaction.atomic():
        tables = watched.registered() if nets else []
        made = [one.table for one in tables if _owns(one.table) and _attach(one)]
        roles = sorted({role for table in GUARDED_TABLES if _owns(table) for role in _restrict(table)})
        if made or roles:
            record(action=GUARDED, by=by, meta={"nets": made, "roles": roles})
    return Guarded(made, roles)


def _attach(one: Watched) -> bool:
    """Make the triggers of a table unless just these are there; their name tells."""
    changed = " OR ".join(f'OLD."{name}" IS DISTINCT FROM NEW."{name}"' for name in one.columns)
    wanted = hashlib.sha256(repr(one).encode()).hexdigest()[:NAME_DIGITS]
    kinds = {f"{NET}_{wanted}": ("INSERT OR DELETE", "")}
    if changed:
        kinds[f"{NET}_{wanted}_update"] = ("UPDATE", f"WHEN ({changed})")
    standing = _nets(one.table)
    if standing == set(kinds):
        return False
    table = sql.Identifier(one.table)
    for name in standing:
        _run(sql.SQL("DROP TRIGGER {} ON {}").format(sql.Identifier(name), table))
    for name, (event, condition) in kinds.items():
        trigger = sql.SQL(
            f"CREATE CONSTRAINT TRIGGER {{name}} AFTER {event} ON {{table}} DEFERRABLE INITIALLY DEFERRED"
            f" FOR EACH ROW {condition} EXECUTE FUNCTION {NET}({{target}}, {{key}})"
        )
        names = {"name": sql.Identifier(name), "table": table}
        _run(trigger.format(**names, target=sql.Literal(one.target), key=sql.Literal(one.key)))
        _run(sql.SQL("ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}").format(**names))
    return True


def _nets(table: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND starts_with(tgname, %s)", [table, NET]
        )
        return {name for (name,) in cursor.fetchall()}


def _restrict(table: str) -> list[str]:
    """Take from every other role what default privileges or a hasty GRANT gave it."""
    with connection.cursor() as cursor:
        cursor.execute(GRANTEES, [table])
        roles = [name for (name,) in cursor.fetchall()]
    for role in roles:
        grantee = sql.SQL("PUBLIC") if role == PUBLIC else sql.Identifier(role)
        _run(sql.SQL(f"REVOKE {TAKEN_BACK} ON {{}} FROM {{}}").format(sql.Identifier(table), grantee))
        if role != PUBLIC:
            _run(sql.SQL(f"GRANT EXECUTE ON FUNCTION {FUNCTIONS} TO {{}}").format(grantee))
    return roles


def _owns(table: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(OWNED, [table])
        return bool(cursor.fetchone()[0])


def _run(statement: sql.Composable) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement.as_string(cursor.connection))
