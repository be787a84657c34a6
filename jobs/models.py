"""The job table: what is to be done in the background, and what became of it."""

from django.db import models
from django.db.models import Case, F, Q, Value, When

from common.ids import uuid7
from jobs.constants import DEFAULT_MAX_ATTEMPTS


class State(models.TextChoices):
    NEW = "new", "New"
    SENT = "sent", "Sent to a worker"
    RUN = "run", "Running"
    DONE = "done", "Done"
    DEAD = "dead", "Dead"
    CANCELLED = "cancelled", "Cancelled"


UNFINISHED = (State.NEW, State.SENT, State.RUN)


class Job(models.Model):
    """One piece of work. The row is the truth; a message to Celery only says "look".

    Two clocks: `redispatch_at` belongs to the relay, `lease_until` to the worker. `due_at` is whichever of `run_at`
    and these counts in the row's state, and is null once the job is finished, so its index holds open rows only.
    `steps` names the effects outside that attempts have begun, each with the attempt's number.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=100)
    args = models.JSONField(default=dict)
    args_version = models.PositiveSmallIntegerField(default=1)
    dedupe_key = models.CharField(max_length=200, blank=True)
    slot = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, choices=State, default=State.NEW)
    attempts = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=DEFAULT_MAX_ATTEMPTS)
    run_at = models.DateTimeField()
    redispatch_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    worker = models.CharField(max_length=100, blank=True)
    last_error = models.TextField(blank=True)
    steps = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    request_id = models.CharField(max_length=100, blank=True)
    actor_kind = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=100, blank=True)
    due_at = models.GeneratedField(
        expression=Case(
            When(state=State.NEW, then=F("run_at")),
            When(state=State.SENT, then=F("redispatch_at")),
            When(state=State.RUN, then=F("lease_until")),
        ),
        output_field=models.DateTimeField(null=True),
        db_persist=True,
    )

    class Meta:
        db_table = "job"
        default_permissions = ("view",)
        permissions = [("requeue_job", "Can run a job again"), ("cancel_job", "Can cancel a job")]
        indexes = [
            models.Index(fields=["due_at"], name="job_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=["state", "-created_at"], name="job_state"),
            models.Index(fields=["finished_at"], name="job_finished", condition=Q(finished_at__isnull=False)),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "dedupe_key"],
                name="job_one_unfinished",
                condition=Q(state__in=UNFINISHED) & ~Q(dedupe_key=""),
            ),
            models.UniqueConstraint(fields=["kind", "slot"], name="job_one_slot"),
            models.CheckConstraint(name="job_known_state", condition=Q(state__in=State.values)),
            models.CheckConstraint(
                name="job_run_has_lease",
                condition=(Q(state=State.RUN) & Q(lease_until__isnull=False) & ~Q(worker="")) | ~Q(state=State.RUN),
            ),
            models.CheckConstraint(
                name="job_sent_has_redispatch", condition=Q(redispatch_at__isnull=False) | ~Q(state=State.SENT)
            ),
            models.CheckConstraint(
                name="job_finished_has_instant",
                condition=Q(state__in=UNFINISHED, finished_at__isnull=True)
                | (~Q(state__in=UNFINISHED) & Q(finished_at__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class Role(models.TextChoices):
    RUNNER = "runner", "Runner"
    RELAY = "relay", "Relay"
    WORKER = "worker", "Worker"
    CHILD = "child", "Child of a worker"
    GONE = "gone", "Processes that have ended"


class Process(models.Model):
    """One process that works the table off: when it was last heard of, and what it has counted.

    Each process writes its own row and no other, so counting locks nobody. The row `gone` holds the counts of all
    that have ended.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    role = models.CharField(max_length=10, choices=Role)
    host = models.CharField(max_length=100, blank=True)
    pid = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    active_at = models.DateTimeField()
    counters = models.JSONField(default=dict)

    class Meta:
        db_table = "job_process"
        default_permissions = ("view",)
        verbose_name_plural = "processes"
        constraints = [
            models.CheckConstraint(name="job_process_known_role", condition=Q(role__in=Role.values)),
            models.UniqueConstraint(name="job_process_one_gone", fields=["role"], condition=Q(role=Role.GONE)),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()} {self.host}:{self.pid}"
