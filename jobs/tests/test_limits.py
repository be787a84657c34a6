"""Leases of long jobs, and time limits where a job is a thread."""

import os
import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest
from celery.exceptions import SoftTimeLimitExceeded

from common import handlers
from config.celery import app
from jobs import constants
from jobs.engine import heartbeat as heartbeat_module
from jobs.engine.counters import counters
from jobs.engine.heartbeat import Held, soft_limit
from jobs.engine.poll import Stop
from jobs.engine.runner import Lane, Runner
from jobs.models import Job, State
from jobs.tests.factories import handler, make_job, now

pytestmark = [pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]
SECONDS = 15


@pytest.fixture(autouse=True)
def _fast(monkeypatch):
    monkeypatch.setattr(handlers, "registry", {})
    monkeypatch.setattr(heartbeat_module, "TICK_SECONDS", 0.05)
    monkeypatch.setattr(constants, "SOFT_LIMIT_AHEAD_SECONDS", 0)
    counters.begin_anew()


def wait_for(condition):
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


class Running:
    """Some runners in threads, stopped at the end of the block."""

    def __init__(self, count=1, **threads):
        self.runners = [Runner(threads or None) for _ in range(count)]
        self.left = []

    def __enter__(self):
        self.threads = [threading.Thread(target=lambda one=one: self.left.append(one.run())) for one in self.runners]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        for runner in self.runners:
            runner.stop.asked = True
        for thread in self.threads:
            thread.join(SECONDS)
            assert not thread.is_alive()


def test_a_job_that_outlasts_its_lease_runs_once(monkeypatch):
    monkeypatch.setattr(constants, "LEASE_SECONDS", 2)
    monkeypatch.setattr(constants, "HEARTBEAT_SECONDS", 0.2)
    ran = []

    def work(run):
        ran.append(run.attempt)
        time.sleep(4)

    with handler(work), Running(count=2):
        job = make_job()
        wait_for(lambda: Job.objects.get(pk=job.pk).state == State.DONE)
    assert ran == [1]
    assert "lease_expiries|test.work" not in counters.values()


def test_negative_control_without_beats_it_runs_twice(monkeypatch):
    monkeypatch.setattr(constants, "LEASE_SECONDS", 2)
    monkeypatch.setattr(constants, "HEARTBEAT_SECONDS", SECONDS)
    ran = []

    def work(run):
        ran.append(run.attempt)
        time.sleep(4 if run.attempt == 1 else 0)

    with handler(work), Running():
        job = make_job()
        wait_for(lambda: Job.objects.get(pk=job.pk).state == State.DONE)
    assert ran == [1, 2]
    assert counters.values()["lease_expiries|test.work"] == 1


def test_the_soft_limit_is_raised_in_the_handler(monkeypatch):
    monkeypatch.setattr(constants, "SOFT_LIMIT_AHEAD_SECONDS", 119)
    caught = []

    def work(run):
        try:
            while True:
                time.sleep(0.01)
        except SoftTimeLimitExceeded:
            caught.append(run.attempt)
            raise

    with handler(work), Running():
        job = make_job()
        wait_for(lambda: Job.objects.get(pk=job.pk).state == State.NEW and caught)
    row = Job.objects.get(pk=job.pk)
    assert (caught, row.attempts) == ([1], 1)
    assert "SoftTimeLimitExceeded" in row.last_error
    assert row.run_at - now() > timedelta(seconds=40)


TRACED = """
import sys, threading, time
import django
django.setup()
from celery.exceptions import SoftTimeLimitExceeded
from jobs.engine.heartbeat import Held
sys.settrace(lambda *_: None)
held = Held(None, None, None)
warner = threading.Timer(0.1, held.warn)
warner.start()
try:
    while True:
        time.sleep(0.01)
except SoftTimeLimitExceeded:
    held.end()
warner.join()
print("went on")
"""


def test_after_a_soft_limit_a_traced_process_goes_on():
    """Taking an exception back that another thread asked for makes Python 3.11 stand still under a tracer."""
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings_test"}
    done = subprocess.run([sys.executable, "-c", TRACED], env=env, capture_output=True, text=True, timeout=60)
    assert done.stdout == "went on\n", done.stderr


def test_at_the_hard_limit_the_job_is_retried_and_the_thread_replaced(monkeypatch):
    monkeypatch.setattr(Held, "warn", lambda self: None)  # a handler that is deaf, as in a call into C
    release, effects = threading.Event(), []

    def stuck(run):
        release.wait(SECONDS)
        with run.effects():
            effects.append(run.attempt)

    with handler(stuck, "test.stuck", time_limit=1), handler(lambda run: None), Running(default=1) as running:
        job = make_job("test.stuck")
        wait_for(lambda: Job.objects.get(pk=job.pk).state == State.NEW and Job.objects.get(pk=job.pk).attempts == 1)
        other = make_job()
        wait_for(lambda: Job.objects.get(pk=other.pk).state == State.DONE)
        (lane,) = running.runners[0]._lanes
        assert lane.lost == 1
        release.set()
        wait_for(lambda: lane.lost == 0)
    row = Job.objects.get(pk=job.pk)
    assert (row.state, row.last_error) == (State.NEW, "It ran for longer than 1 seconds.")
    assert effects == [1]  # it ran, and what it did was rolled back with its stale finish
    assert running.left == [0]


def test_too_many_lost_threads_end_the_process(monkeypatch, caplog):
    monkeypatch.setattr(constants, "LOST_THREADS", 0)
    monkeypatch.setattr(Held, "warn", lambda self: None)
    ended, release, stop = threading.Event(), threading.Event(), Stop()
    lane = Lane("default", 1, stop=stop, wake=threading.Event(), crowded=ended.set)
    with handler(lambda run: release.wait(SECONDS), time_limit=1):
        make_job()
        lane.start()
        lane.fill()
        assert ended.wait(SECONDS)
        release.set()
        wait_for(lambda: lane.lost == 0)
        assert lane.finish(time.monotonic() + SECONDS) == 0
    assert "too_many_lost_threads" in caplog.text


def test_nothing_is_raised_once_the_job_is_over():
    job = make_job()
    with handler(lambda run: None):
        held = Held(job, handlers.registry["test.work"], overdue=lambda: None)
        held.end()
        held.warn()
        time.sleep(0.05)
    assert (held.over, held.warned) == (True, False)


def test_the_soft_limit_comes_first_and_never_at_once(monkeypatch):
    monkeypatch.setattr(constants, "SOFT_LIMIT_AHEAD_SECONDS", 20)
    with handler(lambda run: None, time_limit=120), handler(lambda run: None, "test.short", time_limit=10):
        assert soft_limit(handlers.registry["test.work"]) == app.conf.task_soft_time_limit == 100
        assert soft_limit(handlers.registry["test.short"]) == 1
