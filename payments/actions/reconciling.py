"""Reconciliation: one run at a time, its row and its verdict."""

import logging
import resource
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from audit.actions import record
from common.actor import Actor
from common.clock import db_now
from common.errors import NotFound
from common.target import Target
from idempotency.actions import Hold, lease
from jobs.actions import alert, enqueue
from payments import selectors
from payments.actions import drifts
from payments.actions.findings import Findings
from payments.actions.sweeps import Sweeps
from payments.constants import (
    PAYMENT_PREFIX,
    RECONCILE_LEASE,
    RECONCILE_LEASE_SECONDS,
    RECONCILER,
    UNTIL_LAG_SECONDS,
    Provider,
    Verdict,
)
from payments.models import Drift, Payment, ReconciliationRun
from payments.providers import get
from payments.providers.errors import NotFound as UnknownToProvider
from payments.providers.errors import ProviderError
from payments.providers.protocol import PaymentProvider
from payments.reports import EXIT_BUG, Options, Progress, Report, quiet

logger = logging.getLogger(__name__)
RECONCILE_JOB = "payments.reconcile"
LEASE_STEP_SECONDS = 0.25
BEATS_A_LEASE = 3
DRIFTS_AT_ONCE = 500
KIB = 1024
Beat = Callable[[], None]


class Busy(Exception):
    """Another reconciliation holds the lease."""


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


def run(*, options: Options, by: Actor, progress: Progress = quiet) -> Report:
    """Compare, repair, and write the run down; with `dry_run` nothing at all is written.

    Raises Busy, NotConfigured, and NotFound for an unknown `payment`.
    """
    provider = get(Provider.STRIPE, background=True)
    report = Report(since=options.since, until=options.until, dry_run=options.dry_run)
    if options.payment:
        _require_known(options.payment, provider)
    if options.dry_run:
        _compare(options, provider, report, by=by, progress=progress, beat=_no_beat)
        return report
    deadline = time.monotonic() + options.lock_timeout
    while True:
        with lease(RECONCILE_LEASE, seconds=RECONCILE_LEASE_SECONDS) as hold:
            if hold:
                _recorded(options, provider, report, by=by, progress=progress, beat=_renewing(hold))
                return report
        if time.monotonic() >= deadline:
            raise Busy
        time.sleep(LEASE_STEP_SECONDS)


def _require_known(wanted: str, provider: PaymentProvider) -> None:
    """Raises NotFound for a payment that neither we know nor the provider; one that is away is asked by the run."""
    if not wanted.startswith(PAYMENT_PREFIX):
        selectors.payment_by_id(wanted)
        return
    if Payment.objects.filter(provider=provider.name, provider_ref=wanted).exists():
        return
    try:
        provider.fetch(wanted)
    except UnknownToProvider as error:
        raise NotFound from error
    except ProviderError as error:
        logger.warning("reconcile_unreachable", extra={"error": str(error)})


def _no_beat() -> None:
    """A dry run holds no lease."""


def _renewing(hold: Hold) -> Beat:
    """Keeps the lease for as long as the run lasts; a run that lost it ends."""
    renewed = time.monotonic()

    def beat() -> None:
        nonlocal renewed
        if time.monotonic() - renewed < hold.seconds / BEATS_A_LEASE:
            return
        if not hold.renew():
            raise ProviderError("Another run took the lease over.")
        renewed = time.monotonic()

    return beat


def _recorded(
    options: Options, provider: PaymentProvider, report: Report, *, by: Actor, progress: Progress, beat: Beat
) -> None:
    _close_killed(provider.name)
    row = ReconciliationRun.objects.create(
        provider=provider.name,
        started_by=by.ref,
        window_from=options.since,
        window_until=options.until,
        flags={"batch": options.batch, "max_errors": options.max_errors, "payment": options.payment},
        started_at=db_now(),
    )
    report.run_id = str(row.pk)
    try:
        _compare(options, provider, report, by=by, progress=progress, beat=beat)
        with transaction.atomic():
            _finish(row, report, by=by)
    except BaseException:
        _break_off(ReconciliationRun.objects.filter(pk=row.pk))
        raise


def _compare(
    options: Options, provider: PaymentProvider, report: Report, *, by: Actor, progress: Progress, beat: Beat
) -> None:
    began = time.monotonic()
    sweeps = Sweeps(options, provider, Findings(report), by=by, progress=progress, beat=beat)
    try:
        if options.payment:
            sweeps.only(options.payment)
        else:
            sweeps.run()
    except ProviderError as error:
        logger.warning("reconcile_incomplete", extra={"error": str(error)})
        report.complete = False
        report.errors.append(f"{type(error).__name__}: {error.message or 'a list could not be read to its end'}")
    report.duration_s = round(time.monotonic() - began, 3)
    report.peak_rss_mb = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB, 1)


def _close_killed(provider: str) -> None:
    """Runs that never came to their end; we hold the lease, so none of them is under way."""
    _break_off(ReconciliationRun.objects.filter(provider=provider))


def _break_off(runs: QuerySet[ReconciliationRun]) -> None:
    runs.filter(finished_at__isnull=True).update(
        verdict=Verdict.INCOMPLETE, exit_code=EXIT_BUG, finished_at=db_now()
    )  # fmt: skip


def _finish(row: ReconciliationRun, report: Report, *, by: Actor) -> None:
    now = db_now()
    _keep_drift(row, report, now=now)
    drifts.close_vanished(drift_ids=report.vanished, by=by, now=now)
    row.counters, row.verdict, row.exit_code, row.finished_at = report.counters(), report.verdict, report.exit_code, now
    row.save(update_fields=["counters", "verdict", "exit_code", "finished_at"])
    after = {"verdict": report.verdict, "repaired": report.repaired, "drift": len(report.open_drift)}
    record(action="reconciliation.finished", by=by, target=Target.of(row), after=after)
    if report.verdict in {Verdict.DRIFT, Verdict.INCOMPLETE}:
        alert(
            code=f"reconcile_{report.verdict.value}",
            record=f"{now:%Y-%m-%d}",
            summary=f"Reconciling with Stripe ended as: {report.verdict.label}.",
            path=f"/admin/payments/reconciliationrun/{row.pk}/change/",
            by=by,
        )


def _keep_drift(row: ReconciliationRun, report: Report, *, now: datetime) -> None:
    """One open row a difference, however often it is found; a repaired one is kept as resolved."""
    rows = [
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
            resolved_by="" if one.human else RECONCILER,
            resolved_at=None if one.human else now,
            created_at=now,
        )
        for one in report.drift
    ]
    Drift.objects.bulk_create(rows, ignore_conflicts=True, batch_size=DRIFTS_AT_ONCE)
