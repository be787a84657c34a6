"""Putting work into the table."""

from datetime import timedelta

import pytest
from django.db import DataError, IntegrityError, transaction

from common import context
from common.actor import Actor
from common.context import RequestContext
from idempotency.models import Lease
from jobs.actions import enqueue, enqueue_with
from jobs.models import Job, State
from jobs.tests.factories import BY, handler, make_job, now

pytestmark = pytest.mark.django_db


def test_a_job_carries_who_asked_and_on_which_request():
    with handler(lambda run: None, max_attempts=9), context.use(RequestContext(request_id="r-7")):
        made = enqueue(kind="test.work", args={"id": "x", "n": 1}, by=Actor.customer(id="b-1"))
    job = Job.objects.get()
    assert made == job
    assert (job.kind, job.args, job.args_version, job.state) == ("test.work", {"id": "x", "n": 1}, 1, State.NEW)
    assert (job.request_id, job.actor_kind, job.actor_id) == ("r-7", "customer", "b-1")
    assert (job.attempts, job.max_attempts) == (0, 9)
    assert job.due_at == job.run_at == job.created_at


def test_rollback_takes_the_job_along():
    with transaction.atomic():
        make_job()
        transaction.set_rollback(True)
    assert Job.objects.count() == 0


def test_run_at_is_kept():
    later = now() + timedelta(hours=1)
    assert enqueue(kind="test.work", args={}, by=BY, run_at=later).due_at == later


def test_one_unfinished_job_a_dedupe_key():
    first = enqueue(kind="test.work", args={}, by=BY, dedupe_key="k")
    assert enqueue(kind="test.work", args={}, by=BY, dedupe_key="k") is None
    assert enqueue(kind="test.other", args={}, by=BY, dedupe_key="k") is not None
    assert Job.objects.count() == 2
    Job.objects.filter(pk=first.pk).update(state=State.DONE, finished_at=now())
    assert enqueue(kind="test.work", args={}, by=BY, dedupe_key="k") is not None
    assert Job.objects.count() == 3


def test_without_a_key_nothing_is_deduplicated():
    make_job()
    make_job()
    assert Job.objects.count() == 2


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"state": "lost", "finished_at": "2026-11-22T12:00:00Z"}, "job_known_state"),
        ({"state": State.RUN}, "job_run_has_lease"),
        ({"state": State.SENT}, "job_sent_has_redispatch"),
        ({"state": State.DONE}, "job_finished_has_instant"),
    ],
)
def test_the_database_refuses_half_states(values, constraint):
    job = make_job()
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Job.objects.filter(pk=job.pk).update(**values)


def test_the_database_refuses_a_second_row_of_a_slot():
    slot = now()
    make_job(slot=slot)
    other = make_job()
    with pytest.raises(IntegrityError, match="job_one_slot"), transaction.atomic():
        Job.objects.filter(pk=other.pk).update(slot=slot)


def test_one_statement_a_job_with_a_key(django_assert_num_queries):
    with django_assert_num_queries(2):  # the clock, the insert
        first = enqueue(kind="test.work", args={}, by=BY, dedupe_key="k")
    assert (first.due_at, first._state.adding) == (first.run_at, False)
    with django_assert_num_queries(2):
        assert enqueue(kind="test.work", args={}, by=BY, dedupe_key="k") is None


def test_a_row_and_its_job_are_inserted_together_or_not_at_all(django_assert_num_queries):
    row, again = Lease(name="a"), Lease(name="a")
    instant = now()
    with django_assert_num_queries(1):
        assert enqueue_with(row=row, kind="test.work", args={"n": [1, "x"]}, by=BY, now=instant)
    assert not row._state.adding
    job = Job.objects.get()
    assert (job.kind, job.args, job.actor_kind, job.state) == ("test.work", {"n": [1, "x"]}, BY.kind.value, State.NEW)
    assert job.due_at == job.run_at == job.created_at == instant
    assert not enqueue_with(row=again, kind="test.work", args={}, by=BY, now=instant)
    assert again._state.adding
    assert (Lease.objects.count(), Job.objects.count()) == (1, 1)


def test_a_job_that_the_database_refuses_takes_its_row_along():
    with pytest.raises(DataError), transaction.atomic():
        enqueue_with(row=Lease(name="a"), kind="x" * 101, args={}, by=BY, now=now())
    assert (Lease.objects.count(), Job.objects.count()) == (0, 0)
