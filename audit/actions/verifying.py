"""Verifying, written down."""

from django.db import transaction

from audit import verification
from audit.actions.recording import record
from audit.events import FAULT_FOUND, VERIFIED
from audit.verification import Report, Scope
from common.actor import Actor


def verify(*, scope: Scope, by: Actor) -> Report:
    """Verify the log and record that it was done; a fault is recorded with its place and its words."""
    report = verification.run(scope)
    with transaction.atomic():
        note(report=report, scope=scope, by=by)
    return report


def note(*, report: Report, scope: Scope, by: Actor) -> None:
    """Record what a verification found, in the caller's transaction."""
    kind = "whole" if scope.is_whole else "sample" if scope.sample else "window"
    meta = {"scope": kind, "seals": report.seals, "rows": report.rows, "unsealed": report.unsealed}
    if report.is_clean:
        record(action=VERIFIED, by=by, meta=meta)
        return
    found = [str(fault) for fault in report.faults]
    record(action=FAULT_FOUND, by=by, meta=meta | {"faults": found}, reason=found[0])
