"""Who works, who has fallen silent, and what each of them counts."""

import os
import threading
from contextlib import suppress
from datetime import timedelta
from queue import Empty
from types import SimpleNamespace

import pytest
from celery.signals import task_postrun, task_prerun, worker_process_init
from celery.worker import state as celery_state
from django.db import IntegrityError, connection, transaction

from common import clock
from jobs import constants, selectors
from jobs.engine import celery_worker
from jobs.engine import presence as presence_module
from jobs.engine.broker import Transport, pulse
from jobs.engine.counters import Counters, counters
from jobs.engine.presence import Presence, Pulse, end_at_once
from jobs.locks import fold_processes
from jobs.models import Process, Role
from jobs.tests.factories import make_job, make_process, now

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _no_counts():
    counters.begin_anew()


class Watched:
    """A presence whose end is noted, not lived."""

    def __init__(self, silent_seconds=0.0, role=Role.RUNNER):
        self.silent = silent_seconds
        self.left = threading.Event()
        self.presence = Presence(role, lambda: self.silent, self.left.set)


def test_a_row_says_when_the_process_was_seen_and_when_it_was_active():
    watched = Watched(silent_seconds=7)
    watched.presence.write()
    row = Process.objects.get()
    assert (row.role, row.pid) == (Role.RUNNER, os.getpid())
    assert row.seen_at - row.active_at == timedelta(seconds=7)
    assert row.started_at == row.seen_at
    assert selectors.is_alive(row, now())
    with clock.shift(constants.SILENT_SECONDS + 1):
        assert not selectors.is_alive(row, now())
        watched.presence.write()
        row.refresh_from_db()
        assert selectors.is_alive(row, now())
    assert Process.objects.count() == 1


def test_up_but_silent_is_not_alive():
    row = make_process(Role.WORKER, active_at=now() - timedelta(seconds=constants.SILENT_SECONDS + 1))
    assert not selectors.is_alive(row, now())


@pytest.mark.parametrize(
    ("alive", "reason"),
    [
        ((), "nobody_works"),
        ((Role.RELAY,), "nobody_works"),
        ((Role.WORKER,), "nobody_works"),
        ((Role.RELAY, Role.WORKER), ""),
        ((Role.RUNNER,), ""),
    ],
)
def test_health_asks_for_a_runner_or_for_relay_and_worker(alive, reason):
    for role in alive:
        make_process(role)
    make_process(Role.RUNNER, seen_at=now() - 2 * MINUTE)
    found = selectors.health()
    assert found.reason == reason
    assert (found.details["processes"], found.details["silent"]) == (len(alive), 1)


def test_health_knows_no_children_and_nobody_who_is_gone():
    make_process(Role.GONE)
    make_process(Role.CHILD)
    found = selectors.health()
    assert (found.reason, found.details["processes"], found.details["silent"]) == ("nobody_works", 0, 0)


def test_the_database_keeps_one_row_of_the_gone():
    make_process(Role.GONE)
    with pytest.raises(IntegrityError, match="job_process_one_gone"), transaction.atomic():
        make_process(Role.GONE)
    with pytest.raises(IntegrityError, match="job_process_known_role"), transaction.atomic():
        make_process("ghost")


@pytest.mark.concurrency
@pytest.mark.django_db(transaction=True)
def test_silence_ends_the_process(monkeypatch, caplog):
    monkeypatch.setattr(presence_module, "WATCH_SECONDS", 0.01)
    watched = Watched(silent_seconds=constants.SILENT_SECONDS)
    watched.presence.start()
    assert not watched.left.wait(0.1)
    watched.silent += 1
    assert watched.left.wait(10)
    watched.presence.stop()
    assert "process_silent" in caplog.text


def test_the_end_has_a_code_of_its_own(monkeypatch):
    codes = []
    monkeypatch.setattr(os, "_exit", codes.append)
    end_at_once()
    assert codes == [70]


@pytest.mark.concurrency
@pytest.mark.django_db(transaction=True)
def test_a_process_that_ends_well_leaves_its_counts_and_no_row():
    watched = Watched()
    watched.presence.start()
    counters.add("dead", "test.work")
    watched.presence.stop()
    row = Process.objects.get()
    assert (row.role, row.counters) == (Role.GONE, {"dead|test.work": 1})


def test_rows_of_killed_processes_are_added_up_once():
    old = now() - timedelta(seconds=constants.GONE_SECONDS + 1)
    make_process(Role.CHILD, counters={"dead|a": 2, "run_seconds|a|sum": 0.5}, seen_at=old)
    make_process(Role.RUNNER, counters={"dead|a": 1}, seen_at=old)
    kept = make_process(Role.WORKER, counters={"dead|a": 10})
    for _ in range(2):
        fold_processes(unseen_since=now() - timedelta(seconds=constants.GONE_SECONDS), now=now())
    assert set(Process.objects.values_list("role", flat=True)) == {Role.GONE, Role.WORKER}
    assert Process.objects.get(role=Role.GONE).counters == {"dead|a": 3, "run_seconds|a|sum": 0.5}
    assert Process.objects.get(pk=kept.pk).counters == {"dead|a": 10}
    assert selectors.figures().counters["dead|a"] == 13


def test_one_that_was_taken_for_dead_counts_on_without_counting_twice():
    watched = Watched()
    counters.add("dead", "a", 5)
    watched.presence.write()
    fold_processes(ids=Process.objects.values_list("pk", flat=True), now=now())
    counters.add("dead", "a", 2)
    for _ in range(2):
        watched.presence.write()
    assert Process.objects.get(role=Role.RUNNER).counters == {"dead|a": 2}
    assert selectors.figures().counters == {"dead|a": 7}


def test_counts_of_threads_add_up():
    counted = Counters()

    def count():
        for _ in range(1000):
            counted.add("figure")
            counted.observe("seconds", 0.2, (0.1, 0.5), "kind")

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = counted.values()
    assert found.pop("seconds|kind|sum") == pytest.approx(800)
    assert found == {"figure|": 4000, "seconds|kind|0.5": 4000}


@pytest.mark.parametrize(("value", "bound"), [(0, "0.1"), (0.1, "0.1"), (0.11, "1"), (1, "1"), (1.01, "+Inf")])
def test_a_value_belongs_to_the_first_bound_that_holds_it(value, bound):
    counted = Counters()
    counted.observe("seconds", value, (0.1, 1))
    assert counted.values() == {f"seconds||{bound}": 1, "seconds||sum": value}


def test_a_busy_worker_polls_for_nothing_and_is_not_silent(monkeypatch):
    monkeypatch.setattr(pulse, "silent_seconds", lambda: 100.0)
    monkeypatch.setattr(celery_worker, "current_process", lambda: SimpleNamespace(index=3))
    assert celery_worker.silent_seconds() == 100
    in_child(lambda: task_prerun.send(sender=None))
    assert celery_worker.silent_seconds() == 0
    in_child(lambda: task_postrun.send(sender=None))
    assert celery_worker.silent_seconds() == 100


def test_a_child_that_was_killed_at_work_is_not_busy_once_another_has_its_place(monkeypatch):
    monkeypatch.setattr(pulse, "silent_seconds", lambda: 100.0)
    monkeypatch.setattr(celery_worker, "current_process", lambda: SimpleNamespace(index=3))
    in_child(lambda: task_prerun.send(sender=None))
    assert celery_worker.silent_seconds() == 0
    in_child(lambda: worker_process_init.send(sender=None))
    assert celery_worker.silent_seconds() == 100


def test_what_celery_believes_to_be_at_work_excuses_no_silence(monkeypatch):
    monkeypatch.setattr(pulse, "silent_seconds", lambda: 100.0)
    monkeypatch.setattr(celery_state, "active_requests", {"a child's word that nobody has read"})
    assert celery_worker.silent_seconds() == 100


def test_a_process_without_a_place_in_a_pool_notes_nothing():
    task_prerun.send(sender=None)
    assert not any(celery_worker._at_work[:])


def in_child(act):
    """Run `act` in a fork, which ends at once."""
    child = os.fork()
    if not child:
        try:
            act()
        finally:
            os._exit(0)
    assert os.waitpid(child, 0) == (child, 0)


def test_a_silent_worker_stops_politely_and_then_at_once(monkeypatch):
    done = []
    monkeypatch.setattr(celery_state, "should_stop", None)
    monkeypatch.setattr(celery_worker.time, "sleep", lambda seconds: done.append((seconds, celery_state.should_stop)))
    monkeypatch.setattr(celery_worker, "end_at_once", lambda: done.append("ended"))
    celery_worker.leave()
    assert done == [(constants.STOP_SECONDS, 70), "ended"]


def test_each_answer_of_the_broker_is_a_sign_of_life(monkeypatch):
    answers = [True, Empty(), ConnectionError()]

    def answer(_channel):
        said = answers.pop(0)
        if isinstance(said, Exception):
            raise said
        return said

    monkeypatch.setattr(Transport.Channel.__mro__[1], "_brpop_read", answer)
    channel = object.__new__(Transport.Channel)
    for is_life in (True, True, False):
        monkeypatch.setattr(pulse, "_at", 0.0)
        with suppress(Empty, ConnectionError):
            channel._brpop_read()
        assert (pulse.silent_seconds() < 1) is is_life


def test_a_pulse_starts_now():
    assert 0 <= Pulse().silent_seconds() < 1


def test_writing_costs_few_queries(django_assert_num_queries):
    watched = Watched()
    watched.presence.write()
    make_job()
    with django_assert_num_queries(3):  # clock, row, who is gone
        watched.presence.write()
    assert connection.in_atomic_block
