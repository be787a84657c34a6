"""Jobs of the log: seal it, verify it, forget the names in its old rows."""

from django.db import transaction

from audit import verification
from audit.actions import erasure, sealing, verifying
from audit.constants import SEAL_MINUTES
from audit.verification import Report, Scope
from common.handlers import JobRun, PermanentError, hours, job, minutes

VERIFY_SECONDS = 900


@job("audit.seal", every=minutes(SEAL_MINUTES))
def seal(run: JobRun) -> None:
    """Seal what is not sealed yet."""
    with run.effects():
        sealing.seal(by=run.by)


@job("audit.verify_sample", every=hours(1), time_limit=VERIFY_SECONDS)
def verify_sample(run: JobRun) -> None:
    """Verify the newest seals and some of the older ones; only a fault is worth a row of the log."""
    scope = Scope(sample=True)
    _refuse_faults(run, verification.run(scope), scope)


@job("audit.verify", every=hours(24), time_limit=VERIFY_SECONDS)
def verify(run: JobRun) -> None:
    """Verify the whole log."""
    scope = Scope()
    report = verification.run(scope)
    _refuse_faults(run, report, scope)
    with run.effects():
        verifying.note(report=report, scope=scope, by=run.by)


@job("audit.empty_old", every=hours(24), time_limit=VERIFY_SECONDS)
def empty_old(run: JobRun) -> None:
    """Erase the names from rows that are old enough."""
    with run.effects():
        erasure.empty_old(by=run.by)


def _refuse_faults(run: JobRun, report: Report, scope: Scope) -> None:
    """End the job for good, which raises an alert: trying again would find the same."""
    if report.is_clean:
        return
    with transaction.atomic(durable=True):
        verifying.note(report=report, scope=scope, by=run.by)
    raise PermanentError(report.summary)
