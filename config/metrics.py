"""`/metrics`: Prometheus text for whoever holds METRICS_TOKEN, or for this machine itself when there is no token.

What is about jobs and mails comes from the database, so it is the same whichever process of whichever machine is asked:
states and ages from the rows themselves, counts from the row that each process keeps in `job_process`. The rest, edge
answers and reports of browsers, is counted by each web process for itself.
"""

import hmac
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

import jobs.selectors
import mail.selectors
from common import problems
from common.errors import NotFound
from jobs.constants import SILENT_SECONDS
from jobs.engine import counters
from jobs.selectors import Figures

logger = logging.getLogger(__name__)
LOOPBACK = {"127.0.0.1", "::1"}


def metrics(request: HttpRequest) -> HttpResponse:
    """The figures of this moment; 404 for everybody else, so that the address tells nothing."""
    if not _may_read(request):
        return problems.answer(NotFound(), request)
    body = generate_latest() + generate_latest(from_database())
    return HttpResponse(body, content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})


def _may_read(request: HttpRequest) -> bool:
    given = request.META.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ").encode()
    if settings.METRICS_TOKEN:
        return hmac.compare_digest(given, settings.METRICS_TOKEN.encode())
    return request.META.get("REMOTE_ADDR") in LOOPBACK and "HTTP_X_FORWARDED_FOR" not in request.META


def from_database() -> CollectorRegistry:
    """Return what the database tells; with the database away, that it is away and nothing else."""
    found: list[Metric] = []
    up = GaugeMetricFamily("studio_database_up", "1 while PostgreSQL answers")
    try:
        found += job_metrics(jobs.selectors.figures())
        found.append(
            _gauge("studio_mail_unknown", "Mails that may or may not have left", mail.selectors.count_unknown())
        )
        up.add_metric([], 1)
    except DatabaseError:
        logger.warning("metrics_without_database", exc_info=True)
        found = []
        up.add_metric([], 0)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Ready([up, *found]))
    return registry


def job_metrics(figures: Figures) -> Iterator[Metric]:
    """Yield the figures of the job table: gauges from its rows, then what its processes have counted."""
    jobs_ = GaugeMetricFamily("studio_jobs", "Jobs in the table", labels=["kind", "state"])
    for (kind, state), count in sorted(figures.jobs.items()):
        jobs_.add_metric([kind, state], count)
    yield jobs_
    yield _gauge("studio_jobs_oldest_new_seconds", "How long the oldest new job is due", figures.oldest_new_seconds)
    yield _gauge(
        "studio_jobs_oldest_due_seconds",
        "The same of any job: sent in vain, or its lease over",
        figures.oldest_due_seconds,
    )
    slots = GaugeMetricFamily("studio_jobs_slot_age_seconds", "Age of a schedule's last slot", labels=["kind"])
    for kind, seconds in sorted(figures.slot_seconds.items()):
        slots.add_metric([kind], seconds)
    yield slots
    yield from _processes(figures)
    yield from _counted(figures.counters)


def _processes(figures: Figures) -> Iterator[Metric]:
    silent = GaugeMetricFamily(
        "studio_jobs_process_silent_seconds", "Since the process last claimed or polled", labels=["role", "process"]
    )
    alive = GaugeMetricFamily("studio_jobs_processes_alive", "Processes heard of in the last minute", labels=["role"])
    living = {role.value: 0 for role in jobs.selectors.WORKING}
    for (role, name), seconds in sorted(figures.processes.items()):
        silent.add_metric([role, name], seconds)
        living[role] += seconds < SILENT_SECONDS
    for role, count in living.items():
        alive.add_metric([role], count)
    yield silent
    yield alive


def _counted(values: Mapping[str, float]) -> Iterator[Metric]:
    by_figure: dict[str, dict[tuple[str, ...], float]] = defaultdict(dict)
    for name, value in values.items():
        figure, *labels = name.split(counters.SEPARATOR)
        by_figure[figure][tuple(labels)] = value
    for figure, name, about in (
        (counters.LEASE_EXPIRIES, "studio_jobs_lease_expiries", "Jobs taken over from a worker that fell silent"),
        (counters.DEAD, "studio_jobs_dead", "Jobs that failed for good"),
        (counters.OUTSIDE_REPEATS, "studio_jobs_outside_repeats", "Effects outside that another attempt had begun"),
    ):
        family = CounterMetricFamily(name, about, labels=["kind"])
        for (kind,), value in sorted(by_figure[figure].items()):
            family.add_metric([kind], value)
        yield family
    for figure, name, about in (
        (
            counters.DUPLICATES_REFUSED,
            "studio_jobs_duplicates_refused",
            "Deliveries of jobs done, taken or not yet due",
        ),
        (counters.PUBLISH_FAILURES, "studio_jobs_publish_failures", "Passes of a relay that the broker cut short"),
    ):
        yield CounterMetricFamily(name, about, value=by_figure[figure].get(("",), 0))
    run = "studio_jobs_run_seconds", "Seconds of one attempt"
    yield _histogram(run, ["kind"], by_figure[counters.RUN_SECONDS], counters.RUN_BOUNDS)
    tries = "studio_jobs_attempts", "Attempts of a job that ended"
    yield _histogram(tries, [], by_figure[counters.ATTEMPTS], counters.ATTEMPTS_BOUNDS)
    lag = "studio_jobs_relay_lag_seconds", "From due to the broker"
    yield _histogram(lag, [], by_figure[counters.RELAY_LAG], counters.LAG_BOUNDS)


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(name, about, value=value)


def _histogram(
    name_and_about: tuple[str, str],
    labels: Sequence[str],
    values: Mapping[tuple[str, ...], float],
    bounds: Sequence[float],
) -> Metric:
    """Return a distribution; stored counts belong to one bound each, Prometheus wants those below added up."""
    family = HistogramMetricFamily(*name_and_about, labels=labels)
    steps = [f"{bound:g}" for bound in bounds] + [counters.ABOVE]
    for label in sorted({label for label, _ in values} or ({""} if not labels else set())):
        total, buckets = 0.0, []
        for step in steps:
            total += values.get((label, step), 0)
            buckets.append((step, total))
        family.add_metric([label] if labels else [], buckets, values.get((label, counters.SUM), 0))
    return family


class _Ready(Collector):
    """Hands over what was collected before."""

    def __init__(self, found: Sequence[Metric]) -> None:
        self._found = found

    def collect(self) -> Iterable[Metric]:
        """Yield it."""
        return self._found
