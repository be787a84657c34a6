"""Audit events that this app writes."""

from common.events import register

register(
    "payments",
    {
        "payment.created": "A payment was begun",
        "payment.succeeded": "A payment arrived",
        "payment.failed": "A payment failed for good",
        "payment.canceled": "A payment was cancelled",
        "payment.needs_review": "A payment arrived that staff must look at",
        "payment.reviewed": "Staff decided on a payment that they had to look at",
        "payment.adopted": "A payment that only the provider knew was taken over",
        "payment.superseded": "A closed payment was replaced by a new attempt",
        "payment.synced": "Staff looked a payment up at its provider",
        "payment.reconcile_asked": "Staff started a reconciliation",
        "refund.requested": "A refund was asked for",
        "refund.succeeded": "A refund went out",
        "refund.failed": "A refund failed",
        "refund.reversed": "A refund that had gone out came back",
        "refund.recorded": "A refund that was made at the provider was recorded",
        "reconciliation.finished": "A reconciliation was finished",
        "drift.found": "A difference from the provider was found",
    },
)
