"""The two processes: threads on the table alone, and the relay to Celery."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from celery.contrib.testing.worker import start_worker
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from kombu import pools
from kombu.exceptions import OperationalError as BrokerAway

from common import handlers
from config.celery import app
from jobs import constants
from jobs.engine import relay as relay_module
from jobs.engine import runner as runner_module
from jobs.engine.poll import Stop, poll
from jobs.engine.presence import Pulse
from jobs.engine.relay import Relay
from jobs.engine.runner import Runner
from jobs.models import Job, State
from jobs.tests.factories import handler, make_job

pytestmark = [pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]
SECONDS = 15


@pytest.fixture(autouse=True)
def _no_schedule(monkeypatch):
    monkeypatch.setattr(handlers, "registry", {})


def wait_for(condition):
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


class Running:
    """A runner in a thread, stopped at the end of the block."""

    def __enter__(self):
        self.runner = Runner()
        self.left = None
        self.thread = threading.Thread(target=self._run)
        self.thread.start()
        return self

    def _run(self):
        self.left = self.runner.run()

    def __exit__(self, *_):
        self.runner.stop.asked = True
        self.thread.join(SECONDS)
        assert not self.thread.is_alive()


def states():
    return list(Job.objects.order_by("id").values_list("state", flat=True))


def test_runner_runs_all_and_stops_cleanly():
    ran = []
    with handler(lambda run: ran.append(run.id)), Running() as running:
        jobs = [make_job() for _ in range(20)]
        wait_for(lambda: Job.objects.filter(state=State.DONE).count() == 20)
    assert sorted(ran) == sorted(job.pk for job in jobs)
    assert running.left == 0


def test_a_slow_queue_holds_up_no_other():
    release = threading.Event()
    with (
        handler(lambda run: release.wait(SECONDS), "test.image", queue="media"),
        handler(lambda run: None, "test.mail", queue="mail"),
        Running(),
    ):
        for _ in range(3):
            make_job("test.image")
        mail = make_job("test.mail")
        wait_for(lambda: Job.objects.get(pk=mail.pk).state == State.DONE)
        assert Job.objects.filter(kind="test.image", state=State.RUN).count() == 1
        release.set()


def test_stopping_waits_for_what_runs_and_claims_nothing_more():
    started, release = threading.Event(), threading.Event()

    def work(run):
        started.set()
        release.wait(SECONDS)

    with handler(work, queue="media"), Running() as running:
        make_job()
        assert started.wait(SECONDS)
        running.runner.stop.asked = True
        make_job()
        time.sleep(2 * constants.POLL_SECONDS)
        release.set()
    assert states() == [State.DONE, State.NEW]


def test_runner_outlives_the_database(monkeypatch, caplog):
    monkeypatch.setattr(constants, "AWAY_SECONDS", 0.05)
    real, failures = runner_module.take_due, iter(range(3))

    def flaky(**kwargs):
        if next(failures, None) is not None:
            raise OperationalError("the server closed the connection")
        return real(**kwargs)

    monkeypatch.setattr(runner_module, "take_due", flaky)
    job = make_job()
    with handler(lambda run: None), Running():
        wait_for(lambda: Job.objects.get(pk=job.pk).state == State.DONE)
    assert caplog.text.count("poll_failed") == 1  # said once, however long it is away


def test_poll_survives_a_killed_connection():
    stop, wake, seen = Stop(), threading.Event(), []

    def step():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            seen.append(cursor.fetchone()[0])
            if len(seen) == 1:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        stop.asked = True

    poll(step, stop=stop, wake=wake, pulse=Pulse())
    assert len(seen) == 2
    assert seen[0] != seen[1]


def test_run_jobs_as_a_process_ends_on_sigterm():
    environment = os.environ | {"DATABASE_URL": _test_database_url(), "DJANGO_SETTINGS_MODULE": _settings_module()}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "run_jobs"], env=environment, stderr=subprocess.PIPE, cwd=settings.BASE_DIR
    )
    try:
        job = make_job("jobs.purge")
        wait_for(lambda: Job.objects.get(pk=job.pk).state == State.DONE)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, errors.decode()
    assert Job.objects.filter(state=State.RUN).count() == 0


def _settings_module():
    return os.environ["DJANGO_SETTINGS_MODULE"]


def _test_database_url():
    values = connection.settings_dict
    host = values["HOST"] or "127.0.0.1"
    return f"postgres://{values['USER']}:{values['PASSWORD']}@{host}:{values['PORT']}/{values['NAME']}"


def test_relay_needs_a_broker():
    with pytest.raises(CommandError, match="use run_jobs instead"):
        call_command("run_relay")


@pytest.fixture
def broker(monkeypatch):
    url = os.environ.get("TEST_REDIS_URL")
    if not url:
        pytest.skip("TEST_REDIS_URL is not set")
    options = app.conf.broker_transport_options
    for name, value in {
        "broker_url": url,
        "broker_transport_options": {**options, "global_keyprefix": f"test-{os.getpid()}:"},
    }.items():
        monkeypatch.setitem(app.conf, name, value)
    app.set_current()
    yield url
    pools.reset()
    app._after_fork()  # forgets the pool of this address


def test_relay_to_a_celery_worker_through_a_real_broker(broker):
    ran = []
    with handler(lambda run: ran.append(run.id)):
        jobs = [make_job() for _ in range(3)]
        Relay().step()
        assert states() == [State.SENT] * 3
        with start_worker(app, perform_ping_check=False, pool="solo", queues=["default"], loglevel="ERROR"):
            wait_for(lambda: Job.objects.filter(state=State.DONE).count() == 3)
    assert sorted(ran) == sorted(job.pk for job in jobs)


def test_a_message_reaches_only_the_queue_that_it_was_sent_to(broker):
    with app.connection_for_write() as link, handler(lambda run: None, "test.image", queue="media"):
        queues = [queue(link.default_channel) for queue in app.amqp.queues.values()]
        for queue in queues:
            queue.declare()
        make_job("test.image")
        Relay().step()
        held = {queue.name: link.default_channel._size(queue.name) for queue in queues}
        for queue in queues:
            queue.purge()
    assert held == {"default": 0, "mail": 0, "media": 1}


def test_jobs_that_the_broker_did_not_get_are_due_again(monkeypatch):
    published = []

    def publish(job, queue):
        if published:
            raise BrokerAway("refused")
        published.append(job.pk)

    monkeypatch.setattr(relay_module, "_publish", publish)
    first, second, third = (make_job() for _ in range(3))
    with pytest.raises(BrokerAway):
        Relay().step()
    assert published == [first.pk]
    assert states() == [State.SENT, State.NEW, State.NEW]
    assert Job.objects.get(pk=third.pk).due_at == third.run_at
    assert second.pk != third.pk


def test_relay_sends_each_kind_to_its_queue_with_its_limits(monkeypatch):
    sent = []
    monkeypatch.setattr(relay_module.run_job, "apply_async", lambda args, **options: sent.append((args, options)))
    with handler(lambda run: None, "test.image", queue="media", time_limit=60):
        image, unknown = make_job("test.image"), make_job("test.unknown")
        Relay().step()
    assert sent == [
        ((str(unknown.pk),), {"queue": "default"}),
        ((str(image.pk),), {"queue": "media", "time_limit": 60, "soft_time_limit": 40}),
    ]
