"""Celery's settings, each with a reason in `config/celery.py`, and what the web has to do with the broker: nothing."""

import socket
import threading
import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

from common import clock, handlers
from config.celery import TRANSPORT, app
from jobs import constants, locks
from jobs.engine import claims
from jobs.engine import relay as relay_module
from jobs.engine.counters import counters
from jobs.engine.relay import Relay
from jobs.models import Job, State
from jobs.tests.factories import handler, make_job, now

pytestmark = pytest.mark.django_db
HOUR = 3600


KINDS = dict(handlers.registry)


@pytest.fixture(autouse=True)
def _no_counts_and_no_schedule(monkeypatch):
    counters.begin_anew()
    monkeypatch.setattr(handlers, "registry", {})


def test_the_settings_are_those_that_survived():
    conf = app.conf
    assert {
        "acks_late": conf.task_acks_late,
        "reject_on_worker_lost": conf.task_reject_on_worker_lost,
        "prefetch": conf.worker_prefetch_multiplier,
        "publish_retry": conf.task_publish_retry_policy["max_retries"],
        "publish_step": conf.task_publish_retry_policy["interval_step"],
        "limits": (conf.task_soft_time_limit, conf.task_time_limit),
        "ignore_result": conf.task_ignore_result,
        "content": conf.accept_content,
        "serializer": conf.task_serializer,
        "utc": (conf.enable_utc, conf.timezone),
        "child": (conf.worker_max_tasks_per_child, conf.worker_max_memory_per_child),
        "queues": [queue.name for queue in conf.task_queues],
        "result_backend": conf.result_backend,
    } == {
        "acks_late": True,
        "reject_on_worker_lost": False,
        "prefetch": 1,
        "publish_retry": 1,
        "publish_step": 0.1,
        "limits": (100, 120),
        "ignore_result": True,
        "content": ["json"],
        "serializer": "json",
        "utc": (True, "UTC"),
        "child": (200, 300_000),
        "queues": ["default", "mail", "media"],
        "result_backend": None,
    }
    assert conf.broker_transport_options == {
        "visibility_timeout": HOUR,
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 1,
        "socket_timeout": 5,
        "socket_connect_timeout": 1,
        "health_check_interval": 25,
        "global_keyprefix": "studio-jobs:",
    }


def test_no_message_becomes_visible_again_while_its_job_may_run():
    longest = max(one.time_limit for one in KINDS.values())
    assert 0 < longest < app.conf.broker_transport_options["visibility_timeout"]
    assert app.conf.task_time_limit < constants.LEASE_SECONDS
    assert {one.queue for one in KINDS.values()} <= {queue.name for queue in app.conf.task_queues}


def test_no_slot_is_forgotten_before_the_next_one():
    """A slot that was purged could be inserted and run again."""
    longest = max(one.every for one in KINDS.values() if one.every)
    assert longest < timedelta(days=constants.KEEP_DONE_DAYS)


class Silent:
    """A broker that accepts connections and never answers."""

    def __enter__(self):
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.accepted = []
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def _accept(self):
        while True:
            try:
                self.accepted.append(self._server.accept()[0])
            except OSError:
                return

    def __exit__(self, *_):
        self._server.close()
        for one in self.accepted:
            one.close()


def test_enqueueing_opens_no_connection_and_waits_for_nobody(monkeypatch):
    asked = []
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: asked.append(address))
    with Silent() as broker:
        monkeypatch.setitem(app.conf, "broker_url", f"redis://127.0.0.1:{broker.port}/0")
        monkeypatch.setattr(settings, "CELERY_BROKER_URL", f"redis://127.0.0.1:{broker.port}/0")
        began = time.monotonic()
        with transaction.atomic():
            for _ in range(50):
                make_job()
        assert time.monotonic() - began < 2
        assert (asked, broker.accepted) == ([], [])
    assert Job.objects.count() == 50


def test_the_broker_that_is_silent_holds_up_a_relay_for_seconds_only(monkeypatch):
    monkeypatch.setitem(app.conf.broker_transport_options, "socket_timeout", 0.2)
    make_job()
    with Silent() as broker:
        monkeypatch.setitem(app.conf, "broker_url", f"redis://127.0.0.1:{broker.port}/0")
        app._after_fork()
        began = time.monotonic()
        with pytest.raises(OperationalError):
            Relay().step()
        assert time.monotonic() - began < 5
        assert broker.accepted
    app._after_fork()
    assert Job.objects.get().state == State.NEW
    assert counters.values()["publish_failures|"] == 1


def test_what_a_killed_relay_had_taken_is_due_again_at_once():
    job = make_job()
    with transaction.atomic():
        locks.take_for_dispatch(kinds=[], excluding=True, limit=10, now=now())
    with clock.shift(constants.PUBLISH_SECONDS + 0.1), transaction.atomic():
        assert [one.pk for one in locks.take_for_dispatch(kinds=[], excluding=True, limit=10, now=now())] == [job.pk]


def test_what_was_published_is_left_to_the_workers(monkeypatch):
    monkeypatch.setattr(relay_module, "_publish", lambda job, queue: None)
    job = make_job()
    Relay().step()
    wait = Job.objects.get(pk=job.pk).redispatch_at - now()
    assert constants.REDISPATCH_SECONDS - 5 < wait.total_seconds() <= constants.REDISPATCH_SECONDS
    assert counters.values()["relay_lag||0.1"] + counters.values().get("relay_lag||0.25", 0) == 1


def test_a_relay_does_not_send_away_what_a_worker_was_quick_to_take(monkeypatch):
    """Two clocks: published, claimed before the relay has written so, and the lease is the worker's alone."""
    claimed = []
    monkeypatch.setattr(relay_module, "_publish", lambda job, queue: claimed.append(claims.take_one(job.pk)))
    make_job()
    Relay().step()
    row = Job.objects.get()
    assert (row.state, row.redispatch_at, row.lease_until) == (State.RUN, None, claimed[0].lease_until)


def test_a_lease_that_ended_is_sent_again_and_counted(monkeypatch):
    monkeypatch.setattr(relay_module, "_publish", lambda job, queue: None)
    job = make_job()
    claims.take_due(kinds=[job.kind], limit=1)
    with clock.shift(constants.LEASE_SECONDS + 1):
        Relay().step()
    assert Job.objects.get(pk=job.pk).state == State.SENT
    assert counters.values() == {"lease_expiries|test.work": 1}


def test_a_duplicate_delivery_is_counted():
    job = make_job()
    assert claims.take_one(job.pk).pk == job.pk
    assert claims.take_one(job.pk) is None
    assert counters.values() == {"duplicates_refused|": 1}


def test_two_relays_send_each_slot_once(monkeypatch):
    sent = []
    monkeypatch.setattr(relay_module, "_publish", lambda job, queue: sent.append((job.kind, job.slot)))
    relays = [Relay(), Relay()]
    with handler(lambda run: None, "test.sweep", every=handlers.minutes(5)):
        for second in range(0, 601, 30):
            with clock.shift(second):
                for relay in relays:
                    relay.step()
            Job.objects.filter(state=State.SENT).update(state=State.DONE, finished_at=now(), redispatch_at=None)
    assert len(sent) == len(set(sent)) in {2, 3}


def test_a_backlog_waits_in_the_table_and_holds_up_no_other_queue(monkeypatch):
    sent = []
    monkeypatch.setattr(relay_module, "DISPATCH_WINDOW", 2)
    monkeypatch.setattr(relay_module, "_publish", lambda job, queue: sent.append((job.pk, queue)))
    with handler(lambda run: None), handler(lambda run: None, "test.image", queue="media"):
        jobs = [make_job() for _ in range(4)]
        Relay().step()
        image = make_job("test.image")
        for _ in range(2):
            Relay().step()
        assert sent == [(jobs[0].pk, "default"), (jobs[1].pk, "default"), (image.pk, "media")]
        assert claims.take_one(jobs[0].pk)
        Relay().step()
    assert sent[3:] == [(jobs[2].pk, "default")]


def test_the_transport_is_ours_for_redis_only():
    assert TRANSPORT == "jobs.engine.broker:Transport"
    assert app.conf.broker_transport is None  # there is no broker in the tests' settings
