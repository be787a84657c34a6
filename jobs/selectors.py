"""Reads of the job table and of the processes that work it off."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, Max, Min, Q, QuerySet
from django.urls import reverse

from common.attention import Attention
from common.clock import db_now
from common.errors import NotFound
from common.health import Check
from jobs.constants import GONE_SECONDS, SILENT_SECONDS, STALLED_SECONDS
from jobs.models import UNFINISHED, Job, Process, Role, State

WORKING = (Role.RUNNER, Role.RELAY, Role.WORKER)


@dataclass(frozen=True, slots=True)
class Figures:
    """What `/metrics` shows, all of it from the database: the same from whichever process is asked.

    `counters` are the counts of every process, living and gone, by the names of `jobs.engine.counters`.
    """

    jobs: dict[tuple[str, str], int]
    oldest_new_seconds: float
    oldest_due_seconds: float
    slot_seconds: dict[str, float]
    processes: dict[tuple[str, str], float]
    counters: dict[str, float]


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


def unfinished_keys(*, kind: str, keys: Iterable[str]) -> set[str]:
    """Return those of the dedupe keys that a job of the kind carries which still is to end by itself."""
    open_ones = Job.objects.filter(kind=kind, dedupe_key__in=list(keys), state__in=UNFINISHED)
    return set(open_ones.values_list("dedupe_key", flat=True))


def waiting_until(*, kind: str, keys: Iterable[str]) -> dict[str, datetime]:
    """Return when those of the dedupe keys are due whose job of the kind waits for its time."""
    waiting = Job.objects.filter(kind=kind, dedupe_key__in=list(keys), state=State.NEW)
    return dict(waiting.values_list("dedupe_key", "run_at"))


def is_alive(process: Process, now: datetime) -> bool:
    """Whether the process has claimed or polled in the last minute, and said so."""
    return min(process.seen_at, process.active_at) > now - timedelta(seconds=SILENT_SECONDS)


def health() -> Check:
    """Degraded when jobs have been due for a minute, when nobody or not everybody polls, or when jobs are dead."""
    now = db_now()
    dead = Job.objects.filter(state=State.DEAD).count()
    oldest = Job.objects.filter(due_at__lte=now).aggregate(Min("due_at"))["due_at__min"]
    waited = now - oldest if oldest else timedelta()
    processes = list(Process.objects.filter(role__in=WORKING).defer("counters"))
    alive = {process.role for process in processes if is_alive(process, now)}
    silent = sum(not is_alive(process, now) for process in processes)
    details = {
        "oldest_seconds": int(waited.total_seconds()),
        "dead": dead,
        "processes": len(processes) - silent,
        "silent": silent,
    }
    reason = ""
    if waited > timedelta(seconds=STALLED_SECONDS):
        reason = "jobs_stalled"
    elif Role.RUNNER not in alive and not {Role.RELAY, Role.WORKER} <= alive:
        reason = "nobody_works"
    elif dead:
        reason = "jobs_dead"
    return Check("jobs", "degraded" if reason else "ok", reason, details)


def needs_you() -> list[Attention]:
    """Return the dead jobs as something that waits for a person."""
    url = reverse("admin:jobs_job_changelist") + f"?state__exact={State.DEAD}"
    count = Job.objects.filter(state=State.DEAD).count()
    return [Attention("jobs that failed for good", count, url, "jobs.view_job")]


def figures() -> Figures:
    """Return the figures of this moment."""
    now = db_now()
    processes = list(Process.objects.all())
    due = Job.objects.filter(due_at__lte=now).aggregate(new=Min("due_at", filter=Q(state=State.NEW)), any=Min("due_at"))
    slots = Job.objects.filter(slot__isnull=False).values_list("kind").annotate(Max("slot"))
    counters: Counter[str] = Counter()
    for process in processes:
        counters.update(process.counters)
    return Figures(
        jobs={(kind, state): count for kind, state, count in _by_kind_and_state()},
        oldest_new_seconds=_seconds(now, due["new"]),
        oldest_due_seconds=_seconds(now, due["any"]),
        slot_seconds={kind: _seconds(now, slot) for kind, slot in slots},
        processes={
            (process.role, f"{process.host}:{process.pid}"): _seconds(now, min(process.seen_at, process.active_at))
            for process in processes
            if process.role in WORKING and now - process.seen_at < timedelta(seconds=GONE_SECONDS)
        },
        counters=dict(counters),
    )


def _by_kind_and_state() -> QuerySet[Job, tuple[str, str, int]]:
    return Job.objects.order_by().values_list("kind", "state").annotate(Count("id"))


def _seconds(now: datetime, then: datetime | None) -> float:
    return max(0.0, (now - then).total_seconds()) if then else 0.0
