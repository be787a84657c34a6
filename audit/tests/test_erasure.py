"""Names leave the log; proofs stay."""

import pytest

from audit.actions import erasure
from audit.models import AuditEvent
from audit.tests.factories import ANA, rows, sealed, sql, triggers_off
from audit.verification import Scope, run
from common import handlers
from common.actor import Actor
from jobs.actions import enqueue
from jobs.testing import run_due

pytestmark = pytest.mark.django_db(transaction=True)
BY = Actor.operator()
BRIAN = Actor.customer(id="b-1", label="Brian Mwangi")


def test_a_persons_labels_address_and_browser_are_emptied_and_the_ids_stay():
    (acted,) = rows(1, by=BRIAN, label="A lamp of Brian's")
    (concerned,) = rows(1, by=ANA, label="Brian Mwangi")
    (foreign,) = rows(1, by=Actor.customer(id="b-2", label="Wanjiru"))
    sql("SELECT 1")
    sealed(1)
    before = {row.pk: bytes(row.row_hash) for row in AuditEvent.objects.all()}
    pairs = [("shop.thing", concerned.target_id)]
    assert erasure.erase_person(actors=[("customer", "b-1")], targets=pairs, by=BY, reason="asked") == 5
    acted.refresh_from_db()
    assert (acted.actor_label, acted.ip, acted.user_agent, acted.target_label) == ("", None, "", "")
    assert (acted.actor_kind, acted.actor_id, acted.target_id) == ("customer", "b-1", "0")
    concerned.refresh_from_db()
    assert (concerned.target_label, concerned.actor_label, concerned.ip) == ("", "Ana Otieno", "192.0.2.1")
    foreign.refresh_from_db()
    assert (foreign.actor_label, foreign.ip, foreign.user_agent) == ("Wanjiru", "192.0.2.1", "curl/8")
    after = {row.pk: bytes(row.row_hash) for row in AuditEvent.objects.filter(pk__in=before)}
    assert after == before
    assert run(Scope()).is_clean
    event = AuditEvent.objects.get(action="audit.erased")
    assert (event.meta, event.reason) == ({"emptied": 5, "people": ["customer:b-1"]}, "asked")
    assert "Brian" not in str(sql("SELECT * FROM audit_event"))


def test_a_second_time_nothing_is_left_to_erase():
    rows(2, by=BRIAN)
    assert erasure.erase_person(actors=[("customer", "b-1")], targets=[], by=BY) == 2
    count = AuditEvent.objects.count()
    assert erasure.erase_person(actors=[("customer", "b-1")], targets=[], by=BY) == 0
    assert erasure.erase_person(actors=[], targets=[], by=BY) == 0
    assert AuditEvent.objects.count() == count


def aged(made, months):
    with triggers_off():
        sql("UPDATE audit_event SET at = now() - make_interval(months => %s) WHERE id = %s", months, made.pk)
        sql("UPDATE audit_event e SET row_hash = audit_event_hash(e) WHERE id = %s", made.pk)


def test_after_24_months_names_are_forgotten(monkeypatch):
    monkeypatch.setattr(erasure, "RETENTION_ROWS_AT_ONCE", 2)
    made = rows(6)
    for row in made[:5]:
        aged(row, 25)
    aged(made[5], 23)
    assert erasure.empty_old(by=BY) == 5
    kept = AuditEvent.objects.filter(pk__in=[row.pk for row in made]).order_by("pk")
    assert [row.actor_label for row in kept] == [""] * 5 + ["Ana Otieno"]
    assert [row.ip for row in kept] == [None] * 5 + ["192.0.2.1"]
    assert AuditEvent.objects.get(action="audit.emptied").meta == {"rows": 5}
    assert erasure.empty_old(by=BY) == 0
    assert AuditEvent.objects.filter(action="audit.emptied").count() == 1
    assert run(Scope()).is_clean


def test_a_job_does_it_every_day():
    assert handlers.registry["audit.empty_old"].every.total_seconds() == 86400
    (old,) = rows(1)
    aged(old, 25)
    enqueue(kind="audit.empty_old", args={}, by=BY)
    run_due()
    old.refresh_from_db()
    assert old.actor_label == ""
