"""Numbers and names of Stripe's API. Sources: docs.stripe.com and the SDK of the locked version."""

CONNECT_TIMEOUT_SECONDS = 3.05
READ_TIMEOUT_SECONDS = 15
REQUEST_RETRIES = 1
JOB_RETRIES = 2
PAGE_SIZE = 100
PAGE_TRIES = 4
BACKOFF_SECONDS = 0.5
BACKOFF_MOST_SECONDS = 30
TOO_MANY, SERVER_ERROR = 429, 500

CHARGE_ENTRY = "latest_charge.balance_transaction"  # expanded, it tells the fee

SIGNATURE_TOLERANCE_SECONDS = 300
SIGNATURE_HEADER_LENGTH = 4096
SIGNATURES_MOST = 16

INTENT_EVENTS = (
    "payment_intent.succeeded",
    "payment_intent.processing",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "payment_intent.requires_action",
    "payment_intent.amount_capturable_updated",
)
REFUND_EVENTS = (
    "charge.refunded",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.refund.updated",
)
DISPUTE_EVENTS = (
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
)
PAYOUT_EVENTS = ("payout.paid", "payout.failed", "payout.reconciliation_completed")
HANDLED_EVENTS = frozenset(INTENT_EVENTS + REFUND_EVENTS + DISPUTE_EVENTS + PAYOUT_EVENTS)
# Asked for when events may have been missed: those about refunds tell the same under several names.
FOLLOWING_EVENTS = ("refund.created", "refund.updated", "refund.failed", *DISPUTE_EVENTS)
MISSABLE_EVENTS = INTENT_EVENTS + FOLLOWING_EVENTS
EVENT_TYPES_MOST = 20  # that GET /v1/events takes at once
