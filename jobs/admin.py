"""Background jobs as staff see them: what failed, why, and the buttons to run it again or call it off."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString

from common.actor import actor_of
from common.admin import ObjectAction, ObjectActionsMixin, ReadOnlyAdmin
from common.admin.shown import NOTHING, as_json, as_text
from jobs.actions import cancel, requeue
from jobs.models import Job, State


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
        ("Origin", {"fields": ("id", "request_id", "actor_kind", "actor_id", "worker", "dedupe_key")}),
    )
    readonly_fields = ("tries", "arguments", "error")
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
