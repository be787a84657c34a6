"""Who gets a job, and for how long."""

import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from common import clock
from jobs import locks, selectors
from jobs.constants import LEASE_SECONDS, REDISPATCH_SECONDS
from jobs.engine import claims, outcomes
from jobs.engine.execution import execute
from jobs.errors import StaleLease
from jobs.models import Job, State
from jobs.tests.factories import handler, make_job, now

pytestmark = pytest.mark.django_db


def in_threads(*functions):
    """Run the functions at once, each on a connection of its own; return their results in order."""
    results = [None] * len(functions)

    def work(place, function):
        try:
            results[place] = function()
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=pair) for pair in enumerate(functions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return results


def test_a_claim_is_a_counted_attempt_under_a_fresh_token():
    job = make_job()
    (claimed,) = claims.take_due(excluding=True, limit=5)
    assert (claimed.pk, claimed.state, claimed.attempts) == (job.pk, State.RUN, 1)
    assert claimed.worker
    assert timedelta(0) < claimed.lease_until - now() <= timedelta(seconds=LEASE_SECONDS)
    assert claims.take_due(excluding=True, limit=5) == []


def test_oldest_first_and_no_more_than_asked():
    jobs = [make_job(run_at=now() - timedelta(minutes=minutes)) for minutes in (1, 3, 2)]
    assert [job.pk for job in claims.take_due(excluding=True, limit=2)] == [jobs[1].pk, jobs[2].pk]


def test_not_before_run_at():
    make_job(run_at=now() + timedelta(seconds=30))
    assert claims.take_due(excluding=True, limit=5) == []
    with clock.shift(31):
        assert len(claims.take_due(excluding=True, limit=5)) == 1


def test_by_kind_and_by_all_other_kinds():
    mine, other = make_job("test.a"), make_job("test.b")
    assert [job.pk for job in claims.take_due(kinds=["test.a"], limit=5)] == [mine.pk]
    assert [job.pk for job in claims.take_due(kinds=["test.a"], excluding=True, limit=5)] == [other.pk]


def test_an_outlived_lease_is_claimed_again_with_another_token():
    make_job()
    (first,) = claims.take_due(excluding=True, limit=1)
    with clock.shift(LEASE_SECONDS - 1):
        assert claims.take_due(excluding=True, limit=1) == []
    with clock.shift(LEASE_SECONDS + 1):
        (second,) = claims.take_due(excluding=True, limit=1)
    assert (second.pk, second.attempts) == (first.pk, 2)
    assert second.worker != first.worker


def test_a_stale_finish_is_refused_and_its_effects_are_rolled_back():
    make_job()
    (stale,) = claims.take_due(excluding=True, limit=1)
    with clock.shift(LEASE_SECONDS + 1):
        (fresh,) = claims.take_due(excluding=True, limit=1)

    def work(run):
        with run.effects():
            make_job("test.effect")

    with handler(work):
        execute(stale, beats=False)
        assert Job.objects.filter(kind="test.effect").count() == 0
        assert Job.objects.get(pk=fresh.pk).state == State.RUN
        execute(fresh, beats=False)
    assert Job.objects.filter(kind="test.effect").count() == 1
    assert Job.objects.get(pk=fresh.pk).state == State.DONE
    with pytest.raises(StaleLease):
        outcomes.finish(stale)


def test_a_stale_failure_changes_nothing():
    make_job()
    (stale,) = claims.take_due(excluding=True, limit=1)
    with clock.shift(LEASE_SECONDS + 1):
        (fresh,) = claims.take_due(excluding=True, limit=1)
    outcomes.fail(stale, "late", permanent=True)
    row = Job.objects.get(pk=fresh.pk)
    assert (row.state, row.worker, row.last_error) == (State.RUN, fresh.worker, "")


def test_a_job_whose_worker_vanishes_each_time_ends_dead_with_one_alert():
    job = make_job(max_attempts=2)
    for attempt in (1, 2):
        with clock.shift(attempt * (LEASE_SECONDS + 1)):
            assert len(claims.take_due(kinds=[job.kind], limit=1)) == 1
    with clock.shift(4 * LEASE_SECONDS):
        assert claims.take_due(kinds=[job.kind], limit=1) == []
    job.refresh_from_db()
    assert (job.state, job.attempts) == (State.DEAD, 2)
    assert job.finished_at is not None
    assert "vanished" in job.last_error
    assert [a.args["record"] for a in Job.objects.filter(kind="mail.alert")] == [str(job.pk)]


def test_a_message_claims_its_job_once_and_only_when_it_is_due():
    job = make_job()
    assert claims.take_one(uuid4()) is None
    with transaction.atomic():
        assert [sent.pk for sent in locks.take_for_dispatch(kinds=[], excluding=True, limit=10, now=now())] == [job.pk]
    assert claims.take_one(job.pk).state == State.RUN
    assert claims.take_one(job.pk) is None
    later = make_job(run_at=now() + timedelta(hours=1))
    assert claims.take_one(later.pk) is None


def test_sending_again_and_again_never_keeps_the_worker_out():
    """Two clocks: what the relay pushes forward is not what the worker looks at."""
    job = make_job()
    for round_ in range(5):
        with clock.shift(round_ * (REDISPATCH_SECONDS + 1)), transaction.atomic():
            assert len(locks.take_for_dispatch(kinds=[], excluding=True, limit=10, now=now())) == 1
            assert locks.take_for_dispatch(kinds=[], excluding=True, limit=10, now=now()) == []
    assert claims.take_one(job.pk).pk == job.pk


@pytest.mark.concurrency
@pytest.mark.django_db(transaction=True)
def test_of_two_claims_at_once_one_wins():
    job = make_job()
    for _ in range(10):
        barrier = threading.Barrier(2)

        def claim(barrier=barrier):
            barrier.wait(10)
            return len(claims.take_due(excluding=True, limit=1))

        assert sorted(in_threads(claim, claim)) == [0, 1]
        Job.objects.filter(pk=job.pk).update(state=State.NEW, lease_until=None, worker="", attempts=0)


@pytest.mark.concurrency
@pytest.mark.django_db(transaction=True)
def test_negative_control_look_then_take_lets_both_win():
    job = make_job()
    barrier = threading.Barrier(2)

    def naive():
        found = Job.objects.filter(due_at__lte=now()).first()
        barrier.wait(10)  # both have looked before either takes
        return Job.objects.filter(pk=found.pk).update(state=State.RUN, worker="me", lease_until=now())

    assert in_threads(naive, naive) == [1, 1]
    assert Job.objects.get().pk == job.pk


@pytest.mark.concurrency
@pytest.mark.django_db(transaction=True)
def test_a_locked_row_is_skipped_and_not_waited_for():
    held, free = make_job(), make_job()
    with transaction.atomic():
        Job.objects.select_for_update().get(pk=held.pk)
        (claimed,) = in_threads(lambda: [job.pk for job in claims.take_due(excluding=True, limit=5)])
    assert claimed == [free.pk]


def test_looking_for_work_reads_only_what_is_due():
    """With 20,000 finished rows every poll goes by the index of open rows."""
    make_job()
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO job (id, kind, args, args_version, dedupe_key, state, attempts, max_attempts, run_at, worker,
                                last_error, created_at, finished_at, request_id, actor_kind, actor_id)
               SELECT gen_random_uuid(), 'test.work', '{}', 1, '', 'done', 1, 5, now(), '', '', now(), now(), '', '', ''
               FROM generate_series(1, 20000)"""
        )
        cursor.execute("ANALYZE job")
        with CaptureQueriesContext(connection) as asked:
            assert len(claims.take_due(kinds=["test.other"], excluding=True, limit=5)) == 1
            with transaction.atomic():
                locks.take_for_dispatch(kinds=["test.other"], excluding=True, limit=5, now=now())
            selectors.health()
        polls = [query["sql"] for query in asked if "due_at" in query["sql"] and "UPDATE" not in query["sql"][:7]]
        for sql in polls:
            cursor.execute(f"EXPLAIN {sql}")
            plan = "\n".join(row[0] for row in cursor.fetchall())
            assert "job_due" in plan, plan
            assert "Seq Scan on job" not in plan, plan
    assert len(polls) == 3
