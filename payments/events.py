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
        "payment.offline_recorded": "A payment made by hand was recorded",
        "payment.endpoint_registered": "The address for the provider's events was set at the provider",
        "payment.event_replayed": "A stored event of the provider was applied again",
        "dispute.opened": "A customer's bank disputed a payment or asked about it",
        "dispute.updated": "A dispute changed",
        "dispute.funds_withdrawn": "The bank took the money of a dispute",
        "dispute.funds_reinstated": "The bank gave the money of a dispute back",
        "dispute.closed": "A dispute was decided",
        "dispute.evidence_exported": "Staff downloaded the evidence for a dispute",
        "refund.requested": "A refund was asked for",
        "refund.succeeded": "A refund went out",
        "refund.failed": "A refund failed",
        "refund.canceled": "A refund was given up because the money had gone another way",
        "refund.reversed": "A refund that had gone out came back",
        "refund.recorded": "A refund that was made at the provider was recorded",
        "reconciliation.finished": "A reconciliation was finished",
        "drift.resolved": "Staff said what became of a difference from the provider",
        "drift.vanished": "A difference from the provider was gone when it was compared again",
    },
)
