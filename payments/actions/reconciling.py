"""Reconciliation: one run at a time, its sweeps, its row and its verdict."""

import logging
import resource
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeVar

from django.db import transaction
from django.db.models import Q

from audit.actions import record
from common.actor import Actor
from common.clock import db_now
from common.target import Target
from idempotency.actions import lease
from jobs.actions import enqueue
from payments import selectors
from payments.actions import alerts
from payments.actions.comparing import Comparison
from payments.constants import (
    OPEN_STATUSES,
    RECONCILE_DAYS,
    RECONCILE_LEASE,
    RECONCILE_LEASE_SECONDS,
    UNTIL_LAG_SECONDS,
    Provider,
    Verdict,
)
from payments.models import Drift, Payment, ReconciliationRun
from payments.providers import get
from payments.providers.errors import ProviderError
from payments.providers.protocol import PaymentProvider
from payments.reports import Report, quiet

logger = logging.getLogger(__name__)
RECONCILE_JOB = "payments.reconcile"
DEFAULT_BATCH = 500
DEFAULT_MAX_ERRORS = 20
LEASE_STEP_SECONDS = 0.25
KIB = 1024
PROVIDER_PREFIX = "pi_"
T = TypeVar("T")


class Busy(Exception):
    """Another reconciliation holds the lease."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to compare. `payment` is our id or the provider's of a single one; then the window does not matter."""

    since: datetime
    until: datetime
    dry_run: bool = False
    payment: str = ""
    batch: int = DEFAULT_BATCH
    max_errors: int = DEFAULT_MAX_ERRORS
    lock_timeout: float = 0


def run_scheduled(*, window_hours: int, by: Actor) -> Report | None:
    """The schedule's run over the last hours; None while another one is under way. Raises NotConfigured."""
    until = db_now() - timedelta(seconds=UNTIL_LAG_SECONDS)
    try:
        return run(options=Options(since=until - timedelta(hours=window_hours), until=until), by=by)
    except Busy:
        return None


def ask(*, window_hours: int, by: Actor) -> None:
    """Queue a run now, written to the audit log; one that waits already is enough."""
    with transaction.atomic():
        enqueue(kind=RECONCILE_JOB, args={"window_hours": window_hours}, by=by, dedupe_key="asked")
        target = Target("payments.reconciliationrun", "", "Stripe")
        record(action="payment.reconcile_asked", by=by, target=target, meta={"hours": window_hours})


def run(*, options: Options, by: Actor, progress: Callable[[int], None] = quiet) -> Report:
    """Compare, repair, and write the run down; with `dry_run` nothing at all is written.

    Raises Busy, NotConfigured, and NotFound for an unknown `payment`.
    """
    provider = get(Provider.STRIPE, background=True)
    report = Report(since=options.since, until=options.until, dry_run=options.dry_run)
    if options.payment and not options.payment.startswith(PROVIDER_PREFIX):
        selectors.payment_by_id(options.payment)
    if options.dry_run:
        _compare(options, provider, report, by=by, progress=progress)
        return report
    deadline = time.monotonic() + options.lock_timeout
    while True:
        with lease(RECONCILE_LEASE, seconds=RECONCILE_LEASE_SECONDS) as taken:
            if taken:
                _recorded(options, provider, report, by=by, progress=progress)
                return report
        if time.monotonic() >= deadline:
            raise Busy
        time.sleep(LEASE_STEP_SECONDS)


def _recorded(
    options: Options, provider: PaymentProvider, report: Report, *, by: Actor, progress: Callable[[int], None]
) -> None:
    row = ReconciliationRun.objects.create(
        provider=provider.name,
        started_by=f"{by.kind.value}:{by.id}"[:120],
        window_from=options.since,
        window_until=options.until,
        flags={"batch": options.batch, "max_errors": options.max_errors, "payment": options.payment},
        started_at=db_now(),
    )
    report.run_id = str(row.pk)
    _compare(options, provider, report, by=by, progress=progress)
    with transaction.atomic():
        _finish(row, report, by=by)


def _compare(
    options: Options, provider: PaymentProvider, report: Report, *, by: Actor, progress: Callable[[int], None]
) -> None:
    began = time.monotonic()
    comparison = Comparison(provider, report, by=by)
    try:
        if options.payment:
            _only(options.payment, comparison)
        else:
            _sweep(options, provider, comparison, progress)
    except ProviderError as error:
        logger.warning("reconcile_incomplete", extra={"error": str(error)})
        report.complete = False
        report.errors.append(f"{type(error).__name__}: the provider's list could not be read to its end")
    report.duration_s = round(time.monotonic() - began, 3)
    report.peak_rss_mb = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB, 1)


def _sweep(
    options: Options, provider: PaymentProvider, comparison: Comparison, progress: Callable[[int], None]
) -> None:
    """A: what was created in the window; B: what was missed in it; C: what is open here."""
    report = comparison.report
    for page in _batches(provider.list_changes(since=options.since, until=options.until), options.batch):
        comparison.batch(page)
        report.scanned["payment_intents"] += len(page)
        progress(report.scanned["payment_intents"])
        _stop_at(options, report)
    for ref in provider.missed(since=options.since, until=options.until):
        report.scanned["events"] += 1
        comparison.event(ref)
        _stop_at(options, report)
    for payment in _open_rows(options):
        report.scanned["local"] += 1
        comparison.local(payment)
        _stop_at(options, report)


def _only(wanted: str, comparison: Comparison) -> None:
    """One payment, by our id or the provider's."""
    payment = Payment.objects.filter(provider_ref=wanted).first()
    if payment is None and not wanted.startswith(PROVIDER_PREFIX):
        payment = selectors.payment_by_id(wanted)
    comparison.report.scanned["local"] += 1
    if payment is None:
        comparison.fetch(wanted, None)
    else:
        comparison.local(payment)


def _open_rows(options: Options) -> Iterator[Payment]:
    oldest = options.until - timedelta(days=RECONCILE_DAYS)
    answered = Q(provider_ref__isnull=False) | Q(created_at__lte=options.until)  # the others may be under way
    rows = Payment.objects.filter(answered, provider=Provider.STRIPE, status__in=OPEN_STATUSES, created_at__gte=oldest)
    return rows.order_by("created_at", "id").iterator(chunk_size=options.batch)


def _stop_at(options: Options, report: Report) -> None:
    if len(report.errors) > options.max_errors:
        raise ProviderError("Too many payments could not be compared.")


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while page := list(islice(iterator, size)):
        yield page


def _finish(row: ReconciliationRun, report: Report, *, by: Actor) -> None:
    now = db_now()
    _keep_drift(row, report, by=by, now=now)
    row.counters, row.verdict, row.exit_code, row.finished_at = report.counters(), report.verdict, report.exit_code, now
    row.save(update_fields=["counters", "verdict", "exit_code", "finished_at"])
    after = {"verdict": report.verdict, "repaired": report.repaired, "drift": len(report.open_drift)}
    record(action="reconciliation.finished", by=by, target=Target.of(row), after=after)
    if report.verdict in {Verdict.DRIFT, Verdict.INCOMPLETE}:
        alerts.alert(
            code=f"reconcile_{report.verdict.value}",
            record=f"{now:%Y-%m-%d}",
            summary=f"Reconciling with Stripe ended as: {report.verdict.label}.",
            path=f"/admin/payments/reconciliationrun/{row.pk}/change/",
            by=by,
        )


def _keep_drift(row: ReconciliationRun, report: Report, *, by: Actor, now: datetime) -> None:
    """One open row a difference, however often it is found; a repaired one is kept as resolved."""
    drifts = [
        Drift(
            run=row,
            kind=one.kind,
            severity=one.severity,
            provider=row.provider,
            provider_ref=one.ref,
            payment_id=one.payment or None,
            local=one.local,
            remote=one.remote,
            action=one.action,
            resolved_by="" if one.human else "reconcile",
            resolved_at=None if one.human else now,
            created_at=now,
        )
        for one in report.drift
    ]
    Drift.objects.bulk_create(drifts, ignore_conflicts=True)
