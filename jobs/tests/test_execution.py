"""From a claimed row to its outcome."""

import logging
from datetime import timedelta

import pytest
import structlog
from django.db import connection, transaction

from common import clock, context
from common.context import RequestContext
from common.handlers import PermanentError
from jobs import constants
from jobs.celery_tasks import run_job
from jobs.engine import claims
from jobs.engine.counters import counters
from jobs.engine.execution import execute
from jobs.engine.outcomes import retry_delay
from jobs.models import Job, State
from jobs.testing import run_due
from jobs.tests.factories import BY, handler, make_job, now

pytestmark = pytest.mark.django_db


def alerts():
    return list(Job.objects.filter(kind="mail.alert").order_by("id"))


def drop_alerts():
    Job.objects.filter(kind="mail.alert").delete()


def test_done_with_its_arguments_actor_and_context():
    seen = {}

    def work(run, *, name):
        seen.update(name=name, id=run.id, attempt=run.attempt, by=run.by, serving=context.current())
        seen["bound"] = structlog.contextvars.get_contextvars()

    with context.use(RequestContext(request_id="r-9")):
        job = make_job(args={"name": "Ana"})
    with handler(work):
        assert run_due() == 1
    job.refresh_from_db()
    assert (job.state, job.worker, job.lease_until, job.due_at) == (State.DONE, "", None, None)
    assert (seen["name"], seen["id"], seen["attempt"]) == ("Ana", job.pk, 1)
    assert (seen["by"].kind, seen["by"].id) == ("system", "job:test.work")
    assert (seen["serving"].request_id, seen["serving"].job_id) == ("r-9", str(job.pk))
    assert seen["bound"] == {"request_id": "r-9", "job_id": str(job.pk), "kind": "test.work"}
    assert context.current().job_id == ""


def test_jobs_of_jobs_run_too():
    def first(run):
        with run.effects():
            make_job("test.second")

    with handler(first), handler(lambda run: None, "test.second"):
        make_job()
        assert run_due() == 2
    assert set(Job.objects.values_list("state", flat=True)) == {State.DONE}


def test_an_error_inside_effects_rolls_them_back_and_plans_a_retry():
    def work(run):
        with run.effects():
            make_job("test.effect")
            raise ZeroDivisionError("no luck")

    job = make_job()
    with handler(work):
        assert run_due() == 1
        assert run_due() == 0  # not due yet
    job.refresh_from_db()
    assert (job.state, job.attempts, job.worker) == (State.NEW, 1, "")
    assert "ZeroDivisionError: no luck" in job.last_error
    assert timedelta(seconds=47) < job.run_at - now() <= timedelta(seconds=72)
    assert Job.objects.filter(kind="test.effect").count() == 0


def test_retries_end_in_dead_with_one_alert():
    job = make_job()

    def work(run):
        raise ZeroDivisionError

    with handler(work):
        for attempt in range(1, 6):
            with clock.shift(attempt * 24 * 3600):
                for due in claims.take_due(kinds=["test.work"], limit=1):
                    execute(due, beats=False)
                job.refresh_from_db()
                assert job.attempts == attempt
    assert job.state == State.DEAD
    (alert,) = alerts()
    assert alert.args["code"] == "job_dead"
    assert alert.args["record"] == str(job.pk)
    assert alert.args["path"] == f"/admin/jobs/job/{job.pk}/change/"


def test_a_permanent_error_is_dead_at_once():
    def work(run):
        raise PermanentError("The address is refused.")

    job = make_job()
    (claimed,) = claims.take_due(kinds=["test.work"], limit=1)
    with handler(work):
        execute(claimed, beats=False)
    job.refresh_from_db()
    assert (job.state, job.attempts, job.last_error) == (State.DEAD, 1, "The address is refused.")
    assert len(alerts()) == 1


def test_a_dead_alert_raises_none():
    make_job("mail.alert", max_attempts=1)

    def work(run):
        raise PermanentError("no")

    (claimed,) = claims.take_due(kinds=["mail.alert"], limit=1)
    claimed.args = {}
    execute(claimed, beats=False)  # its arguments are missing: TypeError at the last attempt
    assert [job.state for job in alerts()] == [State.DEAD]


def test_a_scheduled_kind_alerts_once_a_day():
    def work(run):
        raise PermanentError("no")

    with handler(work):
        for minute in range(3):
            make_job(slot=now() + timedelta(minutes=minute))
        for due in claims.take_due(kinds=["test.work"], limit=5):
            execute(due, beats=False)
    (alert,) = alerts()
    assert alert.args["record"] == f"test.work:{now():%Y-%m-%d}"


def test_an_error_after_the_effects_does_not_undo_done(caplog):
    def work(run):
        with run.effects():
            make_job("test.effect", run_at=now() + timedelta(hours=1))
        raise ZeroDivisionError

    job = make_job()
    with handler(work), caplog.at_level(logging.ERROR):
        run_due()
    job.refresh_from_db()
    assert job.state == State.DONE
    assert Job.objects.filter(kind="test.effect").count() == 1
    assert "job_failed_after_its_effects" in caplog.text


@pytest.mark.parametrize("values", [{"kind": "test.unheard"}, {"kind": "test.work", "args_version": 2}])
def test_what_this_release_does_not_know_waits_uncounted(values):
    ran = []
    job = make_job(**values)
    with handler(lambda run: ran.append(1)):
        assert run_due() == 1
    job.refresh_from_db()
    assert (job.state, job.attempts, ran) == (State.NEW, 0, [])
    assert timedelta(seconds=290) < job.run_at - now() <= timedelta(seconds=300)


def test_a_kind_says_which_arguments_it_knows():
    ran = []
    with handler(lambda run: ran.append(run.attempt), args_version=2):
        made = make_job()
        older, newer = make_job(args_version=1), make_job(args_version=3)
        run_due()
    states = {job.pk: job.state for job in Job.objects.all()}
    assert made.args_version == 2
    assert states == {made.pk: State.DONE, older.pk: State.DONE, newer.pk: State.NEW}
    assert ran == [1, 1]


def test_an_effect_outside_is_written_down_before_it_happens_and_known_when_it_comes_again():
    counters.begin_anew()
    seen = []

    def work(run):
        with run.outside("call") as key:
            seen.append((key, Job.objects.get(pk=run.id).steps))
            if run.attempt == 1:
                raise ConnectionError("no answer")

    job = make_job()
    with handler(work):
        run_due()
        with clock.shift(120):
            run_due()
    job.refresh_from_db()
    key = f"{job.pk}:call"
    assert seen == [(key, {"call": 1}), (key, {"call": 1})]
    assert (job.state, job.steps) == (State.DONE, {"call": 1})
    assert counters.values()["outside_repeats|test.work"] == 1


def test_a_stale_worker_has_no_effect_outside():
    make_job()
    (stale,) = claims.take_due(excluding=True, limit=1)
    with clock.shift(constants.LEASE_SECONDS + 1):
        (fresh,) = claims.take_due(excluding=True, limit=1)
    reached = []

    def work(run):
        with run.outside("call"):
            reached.append(run.attempt)

    with handler(work):
        execute(stale, beats=False)
    fresh.refresh_from_db()
    assert (reached, fresh.state, fresh.steps) == ([], State.RUN, {})


def test_what_ends_is_counted():
    counters.begin_anew()

    def work(run, *, fails):
        if fails:
            raise PermanentError("no")

    make_job(args={"fails": False})
    dead = make_job(args={"fails": True})
    with handler(work):
        for due in claims.take_due(kinds=["test.work"], limit=5):
            execute(due, beats=False)
    found = counters.values()
    assert found["dead|test.work"] == 1
    assert (found["attempts||1"], found["attempts||sum"]) == (2, 2)
    assert sum(value for name, value in found.items() if name.startswith("run_seconds") and "sum" not in name) == 2
    assert Job.objects.get(pk=dead.pk).state == State.DEAD


@pytest.mark.parametrize(
    ("attempt", "seconds"), [(1, 60), (2, 300), (3, 1800), (4, 7200), (5, 21_600), (6, 21_600), (40, 21_600)]
)
def test_pauses_between_attempts(attempt, seconds):
    delays = {retry_delay(attempt).total_seconds() for _ in range(50)}
    assert all(seconds * 0.8 <= delay <= seconds * 1.2 for delay in delays)
    assert len(delays) > 1


def test_the_celery_task_runs_the_job_once():
    ran = []
    job = make_job()
    with handler(lambda run: ran.append(run.attempt)):
        run_job(str(job.pk))
        run_job(str(job.pk))  # a duplicate delivery is refused by the claim
    job.refresh_from_db()
    assert (job.state, ran) == (State.DONE, [1])


@pytest.mark.concurrency
@pytest.mark.django_db(transaction=True)
def test_the_heartbeat_holds_the_lease_until_the_time_limit(monkeypatch):
    monkeypatch.setattr(constants, "HEARTBEAT_SECONDS", 0.05)
    leases = []
    make_job()
    (claimed,) = claims.take_due(excluding=True, limit=1)

    def work(run):
        started = now()
        while len(leases) < 3 and now() - started < timedelta(seconds=10):
            held = Job.objects.values_list("lease_until", flat=True).get()
            if not leases or held > leases[-1]:
                leases.append(held)

    with handler(work):
        execute(claimed)
    assert len(leases) == 3
    assert Job.objects.get().state == State.DONE


@pytest.mark.concurrency
@pytest.mark.django_db(transaction=True)
def test_a_broken_connection_is_replaced_so_that_the_failure_is_told():
    job = make_job()
    (claimed,) = claims.take_due(excluding=True, limit=1)

    def work(run):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with handler(work):
        execute(claimed, beats=False)
    job.refresh_from_db()
    assert (job.state, job.attempts) == (State.NEW, 1)


def test_run_due_says_when_jobs_never_end():
    def work(run):
        with run.effects():
            make_job()

    make_job()
    with handler(work), pytest.raises(RuntimeError, match="keep coming"):
        run_due()
    assert BY.id == "test"
