"""`/metrics`: every figure of jobs and mail, from the rows of the database."""

from datetime import timedelta

import pytest
from django.db import DatabaseError
from prometheus_client.parser import text_string_to_metric_families

import jobs.selectors
from common.clock import db_now
from jobs.engine.counters import counters
from jobs.engine.presence import Presence
from jobs.models import Role, State
from jobs.tests.factories import make_job, make_process

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_counts():
    counters.begin_anew()


def _values(labels):
    return tuple(labels[name] for name in ("role", "process", "kind", "state", "le") if name in labels)


def samples(client):
    """Return every sample of the studio's own as {name: {labels: value}}."""
    text = client.get("/metrics").content.decode()
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name.startswith("studio_"):
                found.setdefault(sample.name, {})[_values(sample.labels)] = sample.value
    return found


def test_states_and_ages_come_from_the_rows(client):
    now = db_now()
    make_job(run_at=now - timedelta(seconds=90))
    make_job(run_at=now + timedelta(hours=1))
    make_job(state=State.SENT, redispatch_at=now - timedelta(seconds=120))
    make_job("test.other", state=State.DEAD, finished_at=now, slot=now - timedelta(seconds=300))
    found = samples(client)
    assert found["studio_jobs"] == {("test.work", "new"): 2, ("test.work", "sent"): 1, ("test.other", "dead"): 1}
    assert 90 <= found["studio_jobs_oldest_new_seconds"][()] < 100
    assert 120 <= found["studio_jobs_oldest_due_seconds"][()] < 130
    assert 300 <= found["studio_jobs_slot_age_seconds"][("test.other",)] < 310
    assert found["studio_mail_unknown"] == {(): 0}
    assert found["studio_database_up"] == {(): 1}


def test_counts_are_the_sum_of_all_processes(client):
    make_process(Role.GONE, counters={"dead|a": 1, "lease_expiries|a": 4})
    make_process(Role.CHILD, counters={"dead|a": 2, "dead|b": 1, "duplicates_refused|": 15})
    make_process(Role.RELAY, counters={"publish_failures|": 3, "relay_lag||0.25": 2, "relay_lag||sum": 0.4})
    make_process(Role.RUNNER, counters={"outside_repeats|a": 2, "attempts||1": 5, "attempts||2": 1, "attempts||sum": 7})
    found = samples(client)
    assert found["studio_jobs_dead_total"] == {("a",): 3, ("b",): 1}
    assert found["studio_jobs_lease_expiries_total"] == {("a",): 4}
    assert found["studio_jobs_duplicates_refused_total"] == {(): 15}
    assert found["studio_jobs_publish_failures_total"] == {(): 3}
    assert found["studio_jobs_outside_repeats_total"] == {("a",): 2}
    assert found["studio_jobs_attempts_bucket"][("1",)] == 5
    assert found["studio_jobs_attempts_bucket"][("2",)] == found["studio_jobs_attempts_bucket"][("+Inf",)] == 6
    assert found["studio_jobs_attempts_count"] == {(): 6}
    assert found["studio_jobs_attempts_sum"] == {(): 7}
    assert found["studio_jobs_relay_lag_seconds_bucket"][("0.1",)] == 0
    assert found["studio_jobs_relay_lag_seconds_count"] == {(): 2}


def test_run_seconds_are_a_distribution_a_kind(client):
    for seconds in (0.02, 0.02, 7):
        counters.observe("run_seconds", seconds, (0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 120, 300), "a.b")
    Presence(Role.RUNNER).write()
    found = samples(client)
    buckets = found["studio_jobs_run_seconds_bucket"]
    assert [buckets[("a.b", bound)] for bound in ("0.01", "0.05", "5", "10", "+Inf")] == [0, 2, 2, 3, 3]
    assert found["studio_jobs_run_seconds_sum"][("a.b",)] == pytest.approx(7.04)


def test_who_is_alive_and_how_long_the_others_are_silent(client):
    make_process(Role.RUNNER, host="one")
    make_process(Role.RUNNER, host="two", active_at=db_now() - timedelta(seconds=200))
    found = samples(client)
    assert found["studio_jobs_processes_alive"] == {("runner",): 1, ("relay",): 0, ("worker",): 0}
    silent = found["studio_jobs_process_silent_seconds"]
    assert silent[("runner", "one:7")] < 10
    assert 200 <= silent[("runner", "two:7")] < 210


def test_without_counts_every_figure_is_there(client):
    found = samples(client)
    assert found["studio_jobs_duplicates_refused_total"] == {(): 0}
    assert found["studio_jobs_attempts_count"] == {(): 0}
    assert found["studio_jobs_relay_lag_seconds_count"] == {(): 0}


def test_without_the_database_it_says_so(client, monkeypatch):
    def away():
        raise DatabaseError("away")

    monkeypatch.setattr(jobs.selectors, "figures", away)
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert samples(client) == {"studio_database_up": {(): 0}}
