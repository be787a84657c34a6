"""The same jobs by `run_jobs` alone and by relay, broker and worker: the same results."""

import os
import threading
import time
from contextlib import contextmanager

import pytest
from celery.contrib.testing.worker import start_worker
from kombu import pools

from common import handlers
from common.handlers import PermanentError
from config.celery import app
from jobs import constants
from jobs.actions import cancel, enqueue
from jobs.engine.relay import Relay
from jobs.engine.runner import Runner
from jobs.models import Job, State
from jobs.tests.factories import BY, handler, make_job

pytestmark = [pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]
SECONDS = 20
QUEUES = ["default", "mail", "media"]


@pytest.fixture(autouse=True)
def _no_schedule(monkeypatch):
    monkeypatch.setattr(handlers, "registry", {})


@contextmanager
def looping(one):
    thread = threading.Thread(target=one.run)
    thread.start()
    try:
        yield
    finally:
        one.stop.asked = True
        thread.join(SECONDS)
        assert not thread.is_alive()


@pytest.fixture(params=["without a broker", "with a broker"])
def working(request, monkeypatch):
    """A context manager inside which due jobs are run, one way or the other."""
    if request.param == "without a broker":
        yield lambda: looping(Runner())
        return
    url = os.environ["TEST_REDIS_URL"]
    options = {**app.conf.broker_transport_options, "global_keyprefix": f"both-{os.getpid()}-{time.monotonic_ns()}:"}
    monkeypatch.setitem(app.conf, "broker_url", url)
    monkeypatch.setitem(app.conf, "broker_transport", "jobs.engine.broker:Transport")
    monkeypatch.setitem(app.conf, "broker_transport_options", options)
    app.set_current()

    @contextmanager
    def through_the_broker():
        worker = start_worker(app, perform_ping_check=False, pool="solo", queues=QUEUES, loglevel="ERROR")
        with worker, looping(Relay()):
            yield

    yield through_the_broker
    pools.reset()
    app._after_fork()


def wait_for(condition):
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def open_and_due(job):
    return Job.objects.get(pk=job.pk).due_at is not None


def test_the_same_results(working):
    effects = []

    def flaky(run):
        with run.effects():
            effects.append(("flaky", run.attempt))
            if run.attempt == 1:
                raise ZeroDivisionError("once")

    def permanent(run):
        raise PermanentError("never")

    def parent(run, *, name):
        with run.effects():
            enqueue(kind="test.child", args={"name": name}, by=run.by)

    def child(run, *, name):
        effects.append(("child", name))

    with (
        handler(flaky, "test.flaky"),
        handler(permanent, "test.permanent", queue="mail"),
        handler(parent, "test.parent", queue="media"),
        handler(child, "test.child"),
    ):
        jobs = {
            "flaky": make_job("test.flaky"),
            "permanent": make_job("test.permanent"),
            "parent": enqueue(kind="test.parent", args={"name": "Ana"}, by=BY),
            "unknown": make_job("test.unknown"),
            "newer": make_job("test.child", args_version=2),
            "first": enqueue(kind="test.child", args={"name": "Eve"}, by=BY, dedupe_key="k"),
        }
        assert enqueue(kind="test.child", args={"name": "Eve"}, by=BY, dedupe_key="k") is None
        with working():
            wait_for(lambda: Job.objects.get(pk=jobs["flaky"].pk).attempts == 1)
            wait_for(lambda: Job.objects.filter(pk=jobs["flaky"].pk, state=State.NEW).exists())
            Job.objects.filter(pk=jobs["flaky"].pk).update(run_at=jobs["flaky"].run_at)
            wait_for(lambda: Job.objects.filter(state=State.DONE).count() == 4)
            wait_for(lambda: Job.objects.filter(kind="mail.alert").exists())
    found = {name: Job.objects.values_list("state", "attempts").get(pk=job.pk) for name, job in jobs.items()}
    assert found == {
        "flaky": (State.DONE, 2),
        "permanent": (State.DEAD, 1),
        "parent": (State.DONE, 1),
        "unknown": (State.NEW, 0),
        "newer": (State.NEW, 0),
        "first": (State.DONE, 1),
    }
    assert sorted(effects) == [("child", "Ana"), ("child", "Eve"), ("flaky", 1), ("flaky", 2)]
    assert Job.objects.filter(kind="mail.alert").count() == 1


def test_a_job_longer_than_its_lease_runs_once(working, monkeypatch):
    monkeypatch.setattr(constants, "LEASE_SECONDS", 2)
    monkeypatch.setattr(constants, "HEARTBEAT_SECONDS", 0.2)
    monkeypatch.setattr(constants, "REDISPATCH_SECONDS", 0.3)
    ran = []

    def work(run):
        ran.append(run.attempt)
        time.sleep(4)

    with handler(work), working():
        job = make_job()
        wait_for(lambda: Job.objects.get(pk=job.pk).state == State.DONE)
    assert ran == [1]


def test_many_jobs_each_once(working):
    ran = []
    with handler(lambda run: ran.append(run.id)), working():
        jobs = [make_job() for _ in range(60)]
        wait_for(lambda: Job.objects.filter(state=State.DONE).count() == len(jobs))
    assert sorted(ran) == sorted(job.pk for job in jobs)


def test_a_cancelled_job_does_not_run(working):
    ran = []
    with handler(lambda run: ran.append(run.id)):
        job, other = make_job(), make_job()
        cancel(job=job, by=BY)
        with working():
            wait_for(lambda: Job.objects.get(pk=other.pk).state == State.DONE)
    assert ran == [other.pk]
    assert not open_and_due(job)
