"""The net under the tables of money and permissions: what changed them without an event is an event."""

import pytest
from django.contrib.auth.models import Group
from django.db import connection, transaction

from accounts.actions import users
from accounts.models import User
from accounts.tests.factories import PASSWORD, make_user
from audit.actions import guards, record
from audit.models import AuditEvent
from audit.tests.factories import sql
from common import watched
from common.actor import Actor
from payments.models import Payment, Refund

pytestmark = pytest.mark.django_db(transaction=True)
OPERATOR = Actor.operator()
UNAUDITED = "system.unaudited_change"


@pytest.fixture
def ana():
    return make_user("ana@example.com", held=("Editor",))


@pytest.fixture
def net(ana):
    """Tests plant rows by hand, so their database has no net but here."""
    made = guards.ensure(by=OPERATOR)
    yield made
    for table in made.nets:
        for name in guards._nets(table):
            sql(f"DROP TRIGGER {name} ON {table}")


def unaudited():
    return [
        (event.target_type, event.target_id, event.meta["table"], event.meta["operation"])
        for event in AuditEvent.objects.filter(action=UNAUDITED).order_by("id")
    ]


def test_every_watched_table_and_column_exists_and_gets_its_net(net):
    assert net.nets == [one.table for one in watched.registered()]
    assert {"accounts_user", "accounts_user_groups", "auth_group_permissions", "payments_payment"} <= set(net.nets)
    assert guards.ensure(by=OPERATOR).nets == []  # safe to repeat
    assert AuditEvent.objects.filter(action="audit.guarded").count() == 1
    enabled = sql("SELECT DISTINCT tgenabled::text FROM pg_trigger WHERE starts_with(tgname, 'audit_net')")
    assert enabled == [("A",)]


def test_a_net_whose_columns_changed_is_made_anew(net, monkeypatch):
    before = guards._nets("accounts_user")
    wider = watched.Watched("accounts_user", "accounts.user", "id", ("email", "is_active", "is_superuser", "password"))
    monkeypatch.setitem(watched._registry, "accounts_user", wider)
    assert guards.ensure(by=OPERATOR).nets == ["accounts_user"]
    assert guards._nets("accounts_user").isdisjoint(before)
    assert len(guards._nets("accounts_user")) == 2


def test_what_an_action_changes_with_its_event_passes(net, ana):
    users.set_roles(user=ana, roles=["Sales"], by=OPERATOR)
    users.set_active(user=ana, active=False, by=OPERATOR)
    users.create_owner(email="eve@example.com", password=PASSWORD, by=OPERATOR)
    assert unaudited() == []


def test_changes_behind_the_actions_backs_are_seen(net, ana):
    User.objects.filter(pk=ana.pk).update(is_superuser=True)
    ana.groups.set(Group.objects.filter(name="Owner"))
    sql("UPDATE accounts_user SET email = 'mallory@example.com' WHERE id = %s", ana.pk)
    with transaction.atomic():
        sql("SET LOCAL session_replication_role = replica")
        sql("UPDATE accounts_user SET is_active = false WHERE id = %s", ana.pk)
    user = ("accounts.user", str(ana.pk))
    assert unaudited() == [
        (*user, "accounts_user", "UPDATE"),
        (*user, "accounts_user_groups", "DELETE"),
        (*user, "accounts_user", "UPDATE"),
        (*user, "accounts_user", "UPDATE"),
    ]
    event = AuditEvent.objects.filter(action=UNAUDITED).first()
    assert (event.actor_kind, event.actor_id, event.before, event.after) == ("system", "database", None, None)
    assert event.actor_label == connection.settings_dict["USER"]


def test_columns_that_say_nothing_of_rights_are_not_watched(net, ana):
    User.objects.filter(pk=ana.pk).update(first_name="Anna", last_login=None)
    User.objects.filter(pk=ana.pk).update(is_active=True, email=ana.email)  # written, and not changed
    assert unaudited() == []


def test_one_event_a_table_and_transaction(net, ana):
    with transaction.atomic():
        for name in ("a", "b", "c"):
            User.objects.filter(pk=ana.pk).update(email=f"{name}@example.com")
        ana.groups.clear()
    assert [table for _, _, table, _ in unaudited()] == ["accounts_user", "accounts_user_groups"]


def test_an_event_that_is_rolled_back_covers_nothing(net, ana):
    with transaction.atomic():
        User.objects.filter(pk=ana.pk).update(is_superuser=True)
        with transaction.atomic():
            record(action="user.activated", by=OPERATOR)
            transaction.set_rollback(True)
    assert len(unaudited()) == 1


def test_the_event_of_another_transaction_covers_nothing(net, ana):
    with transaction.atomic():
        record(action="user.activated", by=OPERATOR)
    User.objects.filter(pk=ana.pk).update(is_superuser=True)
    assert len(unaudited()) == 1


def test_a_change_that_is_rolled_back_leaves_no_event(net, ana):
    with transaction.atomic():
        User.objects.filter(pk=ana.pk).update(is_superuser=True)
        transaction.set_rollback(True)
    assert unaudited() == []


def test_money_tables_are_watched_by_their_amounts():
    by_table = {one.table: one for one in watched.registered()}
    for model in (Payment, Refund):
        columns = {field.column for field in model._meta.concrete_fields}
        assert {"amount", "currency"} <= set(by_table[model._meta.db_table].columns) <= columns
