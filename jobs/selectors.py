"""Reads of the job table."""

from datetime import timedelta
from uuid import UUID

from django.db.models import Count, Min, Q, QuerySet
from django.urls import reverse

from common.attention import Attention
from common.clock import db_now
from common.errors import NotFound
from common.health import Check
from jobs.constants import STALLED_SECONDS
from jobs.models import Job, State


def job(job_id: UUID | str) -> Job:
    """Return one job. Raises NotFound."""
    found = Job.objects.filter(pk=job_id).first()
    if found is None:
        raise NotFound("There is no such job.")
    return found


def listed(*, state: str = "", kind: str = "") -> QuerySet[Job]:
    """Return jobs, newest first."""
    jobs = Job.objects.order_by("-created_at", "-id")
    if state:
        jobs = jobs.filter(state=state)
    return jobs.filter(kind=kind) if kind else jobs


def health() -> Check:
    """Degraded when a job has been due for a minute, so that nobody seems to poll, or when jobs are dead."""
    now = db_now()
    dead = Count("id", filter=Q(state=State.DEAD))
    found = Job.objects.aggregate(oldest=Min("due_at", filter=Q(due_at__lte=now)), dead=dead)
    waited = now - found["oldest"] if found["oldest"] else timedelta()
    details = {"oldest_seconds": int(waited.total_seconds()), "dead": found["dead"]}
    if waited > timedelta(seconds=STALLED_SECONDS):
        return Check("jobs", "degraded", "jobs_stalled", details)
    return Check("jobs", "degraded", "jobs_dead", details) if found["dead"] else Check("jobs", "ok", details=details)


def needs_you() -> list[Attention]:
    """Return the dead jobs as something that waits for a person."""
    url = reverse("admin:jobs_job_changelist") + f"?state__exact={State.DEAD}"
    count = Job.objects.filter(state=State.DEAD).count()
    return [Attention("jobs that failed for good", count, url, "jobs.view_job")]
