"""Where a comparison writes down what it found."""

import logging
import uuid
from collections.abc import Mapping
from typing import Any

from payments.constants import DriftKind, Severity
from payments.models import Payment
from payments.reports import Finding, Report

logger = logging.getLogger(__name__)
REPAIRED, WOULD_REPAIR, NEEDS_PERSON = "repaired", "would_repair", "needs_person"


class Findings:
    """The differences of one run. `seen` holds what no later sweep need compare: open and differing payments.

    `brought_up` are the payments that this run repaired: their fees come with them and are no finding of their own.
    """

    def __init__(self, report: Report) -> None:
        self.report = report
        self.seen: set[str] = set()
        self.brought_up: set[uuid.UUID] = set()

    @property
    def dry_run(self) -> bool:
        """Whether nothing may be written."""
        return self.report.dry_run

    def add(
        self,
        kind: DriftKind,
        severity: Severity,
        *,
        ref: str,
        payment: Payment | None = None,
        local: Mapping[str, Any] | None = None,
        remote: Mapping[str, Any] | None = None,
        action: str = NEEDS_PERSON,
    ) -> None:
        """One difference, and what was done about it."""
        if action == REPAIRED:
            self.report.repaired += 1
            if payment is not None:
                self.brought_up.add(payment.pk)
        finding = Finding(
            kind=kind,
            severity=severity,
            ref=ref,
            payment=str(payment.pk) if payment else "",
            local=dict(local or {}),
            remote=dict(remote or {}),
            action=action,
            human=action == NEEDS_PERSON,
        )
        self.report.drift.append(finding)
        self.seen.add(ref)

    def fault(self, ref: str, error: Exception) -> None:
        """One thing that could not be compared."""
        logger.warning("reconcile_item_failed", extra={"ref": ref, "error": str(error)})
        self.report.errors.append(f"{ref}: {type(error).__name__}")
