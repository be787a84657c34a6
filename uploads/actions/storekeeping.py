"""All sweeps by name, for the schedule and for the person at the shell."""

from collections.abc import Callable

from common.actor import Actor
from uploads.actions import reconciliation, sweeps
from uploads.errors import StorageUnavailable
from uploads.reports import Pass, Report

Sweep = Callable[..., Pass]
Progress = Callable[[str, int], None]

ROW_SWEEPS: dict[str, Sweep] = {
    "unconfirmed": sweeps.expire,
    "stuck": sweeps.fail_stuck,
    "removals": sweeps.remove_due,
}
OBJECT_SWEEPS: dict[str, Sweep] = {
    "quarantine": reconciliation.clear_quarantine,
    "partial": reconciliation.abort_partial,
    "missing": reconciliation.find_again,
    "private": reconciliation.compare_private,
    "public": reconciliation.compare_public,
}


def reconcile(*, by: Actor, dry_run: bool, progress: Progress) -> Report:
    """Run every sweep to its end; with `dry_run` nothing is written, deleted or queued.

    A sweep that the store does not answer ends early and leaves the report incomplete; the others go on.
    """
    report = Report(dry_run)
    for name, sweep in (ROW_SWEEPS | OBJECT_SWEEPS).items():
        try:
            _to_its_end(name, sweep, report, by, progress)
        except StorageUnavailable as error:
            report.errors.append(f"{name}: {error.code}")
    return report


def _to_its_end(name: str, sweep: Sweep, report: Report, by: Actor, progress: Progress) -> None:
    report.scanned[name] = 0
    after = ""
    while True:
        one = sweep(by=by, after=after, dry_run=report.dry_run)
        report.add(name, one)
        progress(name, report.scanned[name])
        after = one.after
        if not after:
            return
