"""Background jobs as staff see them: what failed, why, the buttons to run it again or call it off, and who works."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from common.actor import actor_of
from common.admin import ObjectAction, ObjectActionsMixin, ReadOnlyAdmin
from common.admin.shown import NOTHING, as_json, as_text
from common.clock import db_now
from jobs import selectors
from jobs.actions import cancel, requeue
from jobs.models import Job, Process, Role, State


@admin.register(Job)
class JobAdmin(ObjectActionsMixin, ReadOnlyAdmin):
    """Lists and shows jobs; the two buttons are the only writes."""

    list_display = ("kind", "state", "tries", "created_at", "due_at", "finished_at")
    list_filter = ("state", "kind", "created_at")
    search_fields = ("kind", "=id", "request_id", "last_error")
    search_help_text = "Kind, id, request id or words of the error"
    ordering = ("-created_at", "-id")
    show_full_result_count = False
    list_per_page = 50
    fieldsets = (
        (None, {"fields": ("kind", "state", "tries", "arguments", "error")}),
        ("Times", {"fields": ("created_at", "run_at", "slot", "redispatch_at", "lease_until", "finished_at")}),
        ("Origin", {"fields": ("id", "request_id", "actor_kind", "actor_id", "worker", "dedupe_key", "outside")}),
    )
    readonly_fields = ("tries", "arguments", "error", "outside")
    object_actions = (
        ObjectAction(
            "requeue",
            "Run again",
            "jobs.requeue_job",
            "press_requeue",
            when="may_requeue",
            explain="The job starts over, with all its attempts before it.",
        ),
        ObjectAction(
            "cancel",
            "Cancel",
            "jobs.cancel_job",
            "press_cancel",
            when="may_cancel",
            danger=True,
            explain="The job will not run.",
        ),
    )

    @admin.display(description="Attempts", ordering="attempts")
    def tries(self, job: Job) -> str:
        """Show attempts made of attempts allowed."""
        return f"{job.attempts} of {job.max_attempts}"

    @admin.display(description="Arguments")
    def arguments(self, job: Job) -> SafeString:
        """Show the arguments as JSON."""
        return as_json(job.args)

    @admin.display(description="Last error")
    def error(self, job: Job) -> SafeString | str:
        """Show the last error with its line breaks."""
        return as_text(job.last_error) if job.last_error else NOTHING

    @admin.display(description="Effects outside")
    def outside(self, job: Job) -> SafeString | str:
        """Show the effects outside that attempts have begun, with the first attempt's number."""
        return as_json(job.steps) if job.steps else NOTHING

    def may_requeue(self, job: Job) -> bool:
        """Say whether *Run again* is offered."""
        return job.state in {State.DEAD, State.CANCELLED}

    def may_cancel(self, job: Job) -> bool:
        """Say whether *Cancel* is offered."""
        return job.state in {State.NEW, State.SENT}

    def press_requeue(self, request: HttpRequest, obj: Any) -> str:
        """Run the job again."""
        requeue(job=obj, by=actor_of(request))
        return "The job is in the queue again."

    def press_cancel(self, request: HttpRequest, obj: Any) -> str:
        """Cancel the job."""
        cancel(job=obj, by=actor_of(request))
        return "The job is cancelled."


@admin.register(Process)
class ProcessAdmin(ReadOnlyAdmin):
    """Lists the processes that work the table off; those that end well take their rows away."""

    list_display = ("role", "host", "pid", "alive", "started_at", "seen_at", "active_at")
    list_filter = ("role",)
    ordering = ("role", "-seen_at")
    fieldsets = (
        (None, {"fields": ("role", "host", "pid", "alive")}),
        ("Times", {"fields": ("started_at", "seen_at", "active_at")}),
        ("Counts", {"fields": ("counts",)}),
    )
    readonly_fields = ("alive", "counts")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Process]:
        """Leave out the sum of those that have ended."""
        return super().get_queryset(request).exclude(role=Role.GONE)

    @admin.display(description="Alive", boolean=True)
    def alive(self, process: Process) -> bool | None:
        """Say whether it claimed or polled in the last minute; a worker's child only has to be there."""
        return None if process.role == Role.CHILD else selectors.is_alive(process, db_now())

    @admin.display(description="Counts")
    def counts(self, process: Process) -> SafeString:
        """Show what it has counted."""
        return as_json(process.counters)
