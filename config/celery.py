"""Celery carries the ids of jobs from the relay to workers; it holds nothing that the job table does not.

`celery -A config worker --queues default,mail,media` runs a worker for everything.
"""

import os

from celery import Celery
from celery.signals import setup_logging
from kombu import Exchange, Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.conf import settings

MINUTE = 60
TRANSPORT = "jobs.engine.broker:Transport"

app = Celery("config", include=["jobs.celery_tasks", "jobs.engine.celery_worker"])
app.conf.update(
    broker_url=settings.CELERY_BROKER_URL or None,
    # The same transport with one more sign of life: when this worker last asked its queues (jobs/engine/broker.py).
    broker_transport=TRANSPORT if settings.CELERY_BROKER_URL.startswith(("redis://", "rediss://")) else None,
    # A worker that dies returns its message; the job's lease decides whether it runs again.
    task_acks_late=True,
    # Redelivery after a killed worker has no limit, so a job that kills its worker would come back for ever.
    task_reject_on_worker_lost=False,
    # Messages that a worker took in advance are stranded when it is killed.
    worker_prefetch_multiplier=1,
    broker_transport_options={
        # Longer than the longest task: an unacknowledged message older than this is delivered a second time.
        "visibility_timeout": 60 * MINUTE,
        # kombu looks for such messages every interval times throttle seconds; by default that is 100.
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 1,
        # A broker that accepts and never answers would otherwise hold the relay for ever.
        "socket_timeout": 5,
        "socket_connect_timeout": 1,
        "health_check_interval": 25,
        # The same Redis holds the cache.
        "global_keyprefix": "studio-jobs:",
    },
    # A broker that refuses is asked twice and no more: the relay comes again a second later.
    task_publish_retry_policy={"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.1},
    # Defaults only: the relay sends each kind's own limits. The lease (150 s) outlives both.
    task_time_limit=120,
    task_soft_time_limit=100,
    # The job's row is the result; there is no second store to lose or to fill.
    task_ignore_result=True,
    # Never pickle: whoever writes to the broker must not be able to run code.
    task_serializer="json",
    accept_content=["json"],
    enable_utc=True,
    timezone="UTC",
    # Image libraries keep their peaks; a fresh process gives the memory back. The second value is in KB.
    worker_max_tasks_per_child=200,
    worker_max_memory_per_child=300_000,
    # A slow image must not hold a mail. Each has its own exchange: on a shared one every queue gets every message.
    task_queues=[Queue(name, Exchange(name), routing_key=name) for name in ("default", "mail", "media")],
    task_default_queue="default",
    # A worker may start before its broker does.
    broker_connection_retry_on_startup=True,
)


@setup_logging.connect
def leave_logging_to_django(**_: object) -> None:
    """Keep Django's logging: while this receiver is there, Celery sets up none of its own."""
