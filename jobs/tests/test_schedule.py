"""Slots: each once, whoever inserts them."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from common import handlers
from jobs.engine.schedule import Schedule, slot_of
from jobs.models import Job, State
from jobs.tests.factories import handler, now

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _only_ours(monkeypatch):
    monkeypatch.setattr(handlers, "registry", {})
    sweep = handler(lambda run: None, "test.sweep", every=timedelta(minutes=5), max_attempts=2)
    with sweep, handler(lambda run: None, "test.unscheduled"):
        yield


def slots():
    return list(Job.objects.order_by("slot").values_list("kind", "slot"))


@pytest.mark.parametrize(("minute", "second", "slot"), [(0, 0, 0), (4, 59, 0), (5, 0, 5), (59, 59, 55)])
def test_slots_are_counted_from_a_fixed_point(minute, second, slot):
    assert slot_of(NOON + timedelta(minutes=minute, seconds=second), timedelta(minutes=5)) == NOON + timedelta(
        minutes=slot
    )


def test_two_relays_insert_each_slot_once():
    relays = [Schedule(), Schedule()]
    for second in range(0, 601, 20):
        for relay in relays:
            relay.insert_due(NOON + timedelta(seconds=second))
        Job.objects.update(state=State.DONE, finished_at=now())
    assert slots() == [("test.sweep", NOON + timedelta(minutes=minute)) for minute in (0, 5, 10)]
    assert set(Job.objects.values_list("max_attempts", "actor_id")) == {(2, "schedule")}


def test_slots_do_not_pile_up_while_nobody_works():
    schedule = Schedule()
    for minute in range(0, 60, 5):
        schedule.insert_due(NOON + timedelta(minutes=minute))
    assert slots() == [("test.sweep", NOON)]


def test_a_slot_that_is_being_retried_does_not_hold_up_the_next():
    Schedule().insert_due(NOON)
    Job.objects.update(attempts=1)
    Schedule().insert_due(NOON + timedelta(minutes=5))
    assert len(slots()) == 2


def test_one_process_asks_the_database_once_a_slot(django_assert_num_queries):
    schedule = Schedule()
    schedule.insert_due(NOON)
    with django_assert_num_queries(0):
        assert schedule.insert_due(NOON + timedelta(seconds=299)) == 0


@pytest.mark.concurrency
@pytest.mark.django_db(transaction=True)
def test_two_at_the_same_instant():
    barrier = threading.Barrier(2)

    def insert():
        try:
            barrier.wait(10)
            Schedule().insert_due(NOON)
        finally:
            connection.close()

    threads = [threading.Thread(target=insert) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert slots() == [("test.sweep", NOON)]
