"""Writing the log."""

import ast
import threading
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError, connection, transaction

from audit import selectors
from audit.actions import record, record_refused
from audit.models import AuditEvent, Outcome
from common import context, events, privacy
from common.actor import Actor
from common.context import RequestContext
from common.target import Target

pytestmark = pytest.mark.django_db
ANA = Actor(Actor.operator().kind, "ana", "Ana Otieno", session_id="s-1")
THING = Target("shop.thing", "7", "Lamp")


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    monkeypatch.setitem(events.registry, "thing.changed", "A thing was changed")


def test_a_row_says_who_did_what_to_what_from_where():
    serving = RequestContext(request_id="r-1", ip="2001:db8::1", user_agent="curl/8", job_id="j-1")
    with context.use(serving), transaction.atomic():
        made = record(
            action="thing.changed",
            by=ANA,
            target=THING,
            before={"price": 1},
            after={"price": 2},
            meta={"note": "x"},
            reason="asked",
            on_behalf_of="b-1",
        )
    row = AuditEvent.objects.get()
    assert (row.action, row.actor_kind, row.actor_id, row.actor_label) == (
        "thing.changed",
        "operator",
        "ana",
        "Ana Otieno",
    )
    assert (row.target_type, row.target_id, row.target_label) == ("shop.thing", "7", "Lamp")
    assert (row.before, row.after, row.meta, row.reason) == ({"price": 1}, {"price": 2}, {"note": "x"}, "asked")
    assert (row.ip, row.user_agent, row.request_id, row.job_id) == ("2001:db8::1", "curl/8", "r-1", "j-1")
    assert (row.session_id, row.on_behalf_of, row.outcome) == ("s-1", "b-1", Outcome.DONE)
    assert (made.pk, made.at, made.xid) == (row.pk, row.at, row.xid)
    assert bytes(made.row_hash) == bytes(row.row_hash)
    assert len(bytes(row.row_hash)) == 32


def test_record_outside_a_transaction_is_refused():
    with pytest.raises(RuntimeError, match="transaction"):
        record(action="thing.changed", by=ANA)
    assert AuditEvent.objects.count() == 0


def test_an_unregistered_action_is_refused():
    with pytest.raises(LookupError), transaction.atomic():
        record(action="thing.invented", by=ANA)
    with pytest.raises(LookupError):
        record_refused(action="thing.invented", by=ANA)
    assert AuditEvent.objects.count() == 0


def test_the_row_goes_with_its_transaction():
    with transaction.atomic():
        record(action="thing.changed", by=ANA)
        transaction.set_rollback(True)
    assert AuditEvent.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_refused_attempt_stands_alone():
    record_refused(action="thing.changed", by=ANA, target=THING, reason="not allowed", meta={"role": "Sales"})
    row = AuditEvent.objects.get()
    assert (row.outcome, row.reason, row.meta) == (Outcome.REFUSED, "not allowed", {"role": "Sales"})
    with pytest.raises(RuntimeError), transaction.atomic():
        record_refused(action="thing.changed", by=ANA)
    assert AuditEvent.objects.count() == 1


def test_personal_fields_are_named_without_values(monkeypatch):
    monkeypatch.setitem(privacy.registry, "shop.thing", {"email": "erase"})
    with transaction.atomic():
        record(
            action="thing.changed",
            by=ANA,
            target=THING,
            before={"email": "a@b.c", "n": 1},
            after={"email": None, "n": 2},
        )
    row = AuditEvent.objects.get()
    assert row.before == {"email": "[personal]", "n": 1}
    assert row.after == {"email": None, "n": 2}


def test_events_for_a_target_newest_first():
    with transaction.atomic():
        first = record(action="thing.changed", by=ANA, target=THING)
        second = record(action="thing.changed", by=ANA, target=THING)
        record(action="thing.changed", by=ANA, target=Target("shop.thing", "8"))
    assert list(selectors.events_for(THING)) == [second, first]


@pytest.mark.concurrency
@pytest.mark.django_db(transaction=True)
def test_record_in_a_thread_without_transaction_is_refused_too():
    caught = []

    def work():
        try:
            record(action="thing.changed", by=ANA)
        except RuntimeError as error:
            caught.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)
    assert len(caught) == 1


class Ghost:
    """A kind of actor that nobody knows."""

    value = "ghost"


def test_when_the_log_cannot_be_written_the_change_falls():
    """The row and the change stand or fall together, in this direction too."""

    def act():
        with transaction.atomic():
            Group.objects.create(name="Ghosts")
            record(action="thing.changed", by=Actor(Ghost(), "g", "Ghost"))  # a kind that the table refuses

    with pytest.raises(DatabaseError):
        act()
    assert Group.objects.filter(name="Ghosts").count() == 0
    assert AuditEvent.objects.count() == 0


def test_a_refused_attempt_inside_a_lost_transaction_must_be_written_outside():
    """What `record` wrote goes with the rollback; that is why refusals have a function of their own."""
    with transaction.atomic():
        record(action="thing.changed", by=ANA)
        with pytest.raises(RuntimeError):
            record_refused(action="thing.changed", by=ANA)
        transaction.set_rollback(True)
    record_refused(action="thing.changed", by=ANA)
    assert [row.outcome for row in AuditEvent.objects.all()] == [Outcome.REFUSED]


def test_every_name_that_the_code_records_is_registered():
    """A typo in an action would show only when somebody acts."""
    root = Path(__file__).parents[2]
    apps = ("audit", "jobs", "mail", "accounts", "uploads", "cms", "bookings", "payments", "backoffice")
    wrong = []
    for path in (one for app in apps for one in (root / app).rglob("*.py") if "tests" not in one.parts):
        for node in ast.walk(ast.parse(path.read_text())):
            called = getattr(getattr(node, "func", None), "attr", getattr(getattr(node, "func", None), "id", ""))
            if called not in {"record", "record_refused"}:
                continue
            names = [word.value for word in node.keywords if word.arg == "action"]
            texts = (one.value for name in names for one in ast.walk(name) if isinstance(one, ast.Constant))
            wrong += [
                f"{path.relative_to(root)}: {text}"
                for text in texts
                if isinstance(text, str) and "." in text and not any(name.startswith(text) for name in events.registry)
            ]
    assert wrong == []


def test_no_action_hands_over_a_whole_row():
    """`before` and `after` are lists of allowed fields that the action writes out, never whatever a model holds."""
    root = Path(__file__).parents[2]
    whole = ("model_to_dict", "__dict__", "vars(", ".values()[0]")
    apps = ("jobs", "mail", "accounts", "uploads", "cms", "bookings", "payments", "backoffice")
    paths = [one for app in apps for one in (root / app).rglob("*.py") if "tests" not in one.parts]
    calls = [
        ast.unparse(word.value)
        for path in paths
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        for word in node.keywords
        if word.arg in {"before", "after"}
    ]
    assert len(calls) > 20
    assert [call for call in calls if any(word in call for word in whole)] == []
