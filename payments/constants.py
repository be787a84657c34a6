"""States, kinds and durations of payments. The state table is data: what is not in it is refused."""

from django.db import models
from django.utils.translation import gettext_lazy as _

REF_LENGTH = 255
ERROR_CODE_LENGTH = 64
ERROR_TEXT_LENGTH = 500
NOTE_LENGTH = 500
OFFLINE_REFERENCE_LENGTH = 120
RECEIPT_LENGTH = 120

SYNC_JOB = "payments.sync"
DISPUTE_REMIND_DAYS = 3  # before the bank's deadline
SYNC_AFTER_SECONDS = 5  # a read older than this queues a look at the provider
CALL_STALE_SECONDS = 60  # a call that is `sent` for longer has lost its worker
PROVIDER_KEY_HOURS = 24  # Stripe replays an answer for at least so long; afterwards a key may act again
WAIT_SECONDS = 4.0  # how long a second click waits for the first one's answer
WAIT_STEP_SECONDS = 0.1
RETRY_AFTER_SECONDS = 2
SWEEP_BATCH = 50
PICTURE_TRIES = 4  # looks at the provider before a job gives way to its retry
PAYMENT_PREFIX, PAYOUT_PREFIX, ENTRY_PREFIX = "pi_", "po_", "txn_"  # of ids at the provider
RECONCILER = "reconcile"  # who resolved a difference that no person did
RECONCILE_LEASE = "payments.reconcile:stripe"
RECONCILE_LEASE_SECONDS = 300  # renewed while the run lasts; a killed one keeps others away for so long
RECONCILE_DAYS = 30  # how far back open rows are looked at
UNTIL_LAG_SECONDS = 60  # creates that are under way are no drift
CREATED_MARGIN_SECONDS = 300  # between our clock and the provider's


class Provider(models.TextChoices):
    """Who moves the money."""

    STRIPE = "stripe", _("Card")
    MPESA = "mpesa", _("M-Pesa")
    PAYPAL = "paypal", _("PayPal")
    OFFLINE = "offline", _("By hand")


class Status(models.TextChoices):
    """The states of a payment, in Stripe's words."""

    CREATING = "creating", _("Being created")
    REQUIRES_PAYMENT_METHOD = "requires_payment_method", _("Waits for the customer")
    REQUIRES_ACTION = "requires_action", _("Waits for the customer's bank")
    PROCESSING = "processing", _("In process")
    AUTHORIZED = "authorized", _("Authorized")
    SUCCEEDED = "succeeded", _("Paid")
    FAILED = "failed", _("Failed")
    CANCELED = "canceled", _("Cancelled")


class PaymentState(models.TextChoices):
    """The state of a payment for readers."""

    UNPAID = "unpaid", _("Unpaid")
    PENDING = "pending", _("In process")
    PAID = "paid", _("Paid")
    PARTIALLY_REFUNDED = "partially_refunded", _("Partly refunded")
    REFUNDED = "refunded", _("Refunded")
    DISPUTED = "disputed", _("Disputed")
    CHARGED_BACK = "charged_back", _("Charged back")
    NEEDS_REVIEW = "needs_review", _("To be looked at")


class ReviewReason(models.TextChoices):
    """Why staff must decide about money that arrived."""

    AMOUNT_MISMATCH = "amount_mismatch", _("Another amount was paid than was asked for")
    CURRENCY_MISMATCH = "currency_mismatch", _("Another currency was paid than was asked for")
    DUPLICATE_PAYMENT = "duplicate_payment", _("Paid twice: an earlier attempt succeeded late")
    PAID_AFTER_CLOSE = "paid_after_close", _("Paid after the attempt was closed")
    BOOKING_NOT_CONFIRMED = "booking_not_confirmed", _("The booking could not be confirmed")


class DisputeState(models.TextChoices):
    """Where a dispute about a payment stands."""

    NONE = "", _("None")
    INQUIRY = "inquiry", _("Inquiry of the bank")
    OPEN = "open", _("Open")
    WON = "won", _("Won")
    LOST = "lost", _("Lost")


class DisputeStatus(models.TextChoices):
    """Stripe's states of a dispute. Those of an inquiry begin with `warning_`: they move no money."""

    WARNING_NEEDS_RESPONSE = "warning_needs_response", _("Inquiry: answer it")
    WARNING_UNDER_REVIEW = "warning_under_review", _("Inquiry: the bank reads your answer")
    WARNING_CLOSED = "warning_closed", _("Inquiry: closed")
    NEEDS_RESPONSE = "needs_response", _("Answer it")
    UNDER_REVIEW = "under_review", _("The bank reads your answer")
    WON = "won", _("Won")
    LOST = "lost", _("Lost")
    PREVENTED = "prevented", _("Prevented")


class DisputeFunds(models.TextChoices):
    """Where the money of a dispute is: `none` was taken, it is `withdrawn`, or was given back."""

    NONE = "none", _("Not taken")
    WITHDRAWN = "withdrawn", _("Taken by the bank")
    REINSTATED = "reinstated", _("Given back")


class OfflineMethod(models.TextChoices):
    """How money came that no provider of ours moved."""

    CASH = "cash", _("Cash")
    BANK_TRANSFER = "bank_transfer", _("Bank transfer")
    CARD_TERMINAL = "card_terminal", _("Card terminal")
    MPESA_TILL = "mpesa_till", _("M-Pesa till")


class Operation(models.TextChoices):
    """What we ask a provider to do."""

    CREATE = "create", _("Create")
    CONFIRM = "confirm", _("Confirm")
    CAPTURE = "capture", _("Capture")
    CANCEL = "cancel", _("Cancel")
    REFUND = "refund", _("Refund")
    PUSH = "push", _("Push")
    QUERY = "query", _("Query")


class CallState(models.TextChoices):
    """How far a call to a provider got; `unknown`: sent, and no answer came."""

    PLANNED = "planned", _("Planned")
    SENT = "sent", _("Sent")
    DONE = "done", _("Done")
    FAILED = "failed", _("Refused")
    UNKNOWN = "unknown", _("No answer")


class EventState(models.TextChoices):
    """What became of an event in the inbox."""

    RECEIVED = "received", _("Received")
    PROCESSED = "processed", _("Processed")
    IGNORED = "ignored", _("Ignored")


class RefundState(models.TextChoices):
    """The states of a refund: Stripe's, and `requested` before it has answered."""

    REQUESTED = "requested", _("Requested")
    PENDING = "pending", _("Pending")
    REQUIRES_ACTION = "requires_action", _("Waits for the customer")
    SUCCEEDED = "succeeded", _("Refunded")
    FAILED = "failed", _("Failed")
    CANCELED = "canceled", _("Cancelled")


class RefundReason(models.TextChoices):
    """Stripe's three reasons."""

    DUPLICATE = "duplicate", _("Paid twice")
    FRAUDULENT = "fraudulent", _("Fraud")
    REQUESTED_BY_CUSTOMER = "requested_by_customer", _("Asked for by the customer")


class RefundOrigin(models.TextChoices):
    """Where a refund began."""

    OURS = "ours", _("Here")
    EXTERNAL = "external", _("At the provider")
    MANUAL = "manual", _("By hand")


class Severity(models.TextChoices):
    """How much a difference matters."""

    INFO = "info", _("For information")
    WARNING = "warning", _("Warning")
    CRITICAL = "critical", _("Money is at stake")


class DriftKind(models.TextChoices):
    """How our rows and the provider can differ."""

    STATUS_BEHIND = "status_behind", _("Our state was behind")
    MISSING_LOCAL = "missing_local", _("Missing here")
    MISSING_REMOTE = "missing_remote", _("Missing at the provider")
    AMOUNT_MISMATCH = "amount_mismatch", _("Amounts differ")
    CURRENCY_MISMATCH = "currency_mismatch", _("Currencies differ")
    MODE_MISMATCH = "mode_mismatch", _("Test and live are mixed")
    REFUND_UNKNOWN = "refund_unknown", _("Unknown refund")
    OVER_REFUNDED = "over_refunded", _("Refunded too much")
    DISPUTE_UNKNOWN = "dispute_unknown", _("Unknown dispute")
    DUPLICATE_CHARGE = "duplicate_charge_for_booking", _("Charged twice for one booking")
    PAID_AFTER_CLOSE = "paid_after_close", _("Paid after the attempt was closed")
    FEE_MISSING = "fee_missing", _("Fee not booked")
    PAYOUT_SUM = "payout_sum", _("The payout's sum differs")


class Verdict(models.TextChoices):
    """How a reconciliation ended."""

    RUNNING = "running", _("Running")
    IN_SYNC = "in_sync", _("In sync")
    REPAIRED = "repaired", _("Repaired")
    DRIFT = "drift", _("Differences remain")
    INCOMPLETE = "incomplete", _("Incomplete")


# A payment in one of these keeps others for the same booking and purpose away.
LIVE_STATUSES = (
    Status.CREATING,
    Status.REQUIRES_PAYMENT_METHOD,
    Status.REQUIRES_ACTION,
    Status.PROCESSING,
    Status.AUTHORIZED,
    Status.SUCCEEDED,
)
OPEN_STATUSES = tuple(status for status in LIVE_STATUSES if status != Status.SUCCEEDED)
UNPAID_STATUSES = (Status.REQUIRES_PAYMENT_METHOD, Status.REQUIRES_ACTION)
CANCELABLE_STATUSES = (*UNPAID_STATUSES, Status.AUTHORIZED)
RESUMABLE_CALLS = (CallState.PLANNED, CallState.UNKNOWN)
INQUIRIES = (DisputeStatus.WARNING_NEEDS_RESPONSE, DisputeStatus.WARNING_UNDER_REVIEW, DisputeStatus.WARNING_CLOSED)
CLOSED_DISPUTES = (
    DisputeStatus.WARNING_CLOSED,
    DisputeStatus.WON,
    DisputeStatus.LOST,
    DisputeStatus.PREVENTED,
)
ANSWERABLE_DISPUTES = (DisputeStatus.NEEDS_RESPONSE, DisputeStatus.WARNING_NEEDS_RESPONSE)
OPEN_REFUNDS = (RefundState.REQUESTED, RefundState.PENDING, RefundState.REQUIRES_ACTION)

_UNPAID_MOVES = frozenset({Status.PROCESSING, Status.AUTHORIZED, Status.SUCCEEDED, Status.CANCELED, Status.FAILED})
# From each state to those that may follow it. A state to itself is never a move.
TRANSITIONS: dict[str, frozenset[str]] = {
    Status.CREATING: frozenset(
        {
            Status.REQUIRES_PAYMENT_METHOD,
            Status.REQUIRES_ACTION,
            Status.PROCESSING,
            Status.AUTHORIZED,
            Status.SUCCEEDED,
            Status.FAILED,
            Status.CANCELED,
        }
    ),
    Status.REQUIRES_PAYMENT_METHOD: _UNPAID_MOVES | {Status.REQUIRES_ACTION},
    Status.REQUIRES_ACTION: _UNPAID_MOVES | {Status.REQUIRES_PAYMENT_METHOD},
    Status.PROCESSING: frozenset({Status.SUCCEEDED, Status.REQUIRES_PAYMENT_METHOD, Status.FAILED, Status.CANCELED}),
    Status.AUTHORIZED: frozenset({Status.SUCCEEDED, Status.CANCELED}),
    Status.FAILED: frozenset({Status.SUCCEEDED}),
    Status.CANCELED: frozenset({Status.SUCCEEDED}),
    Status.SUCCEEDED: frozenset(),
}


class Account:
    """Codes of ledger accounts; those of a provider have its name in their code."""

    REVENUE = "revenue:bookings"
    REFUNDS = "refunds"
    DISPUTE_HOLD = "dispute_hold"
    LOSSES = "losses"
    BANK = "bank"
    EXCHANGE = "exchange"
    SUSPENSE = "suspense"

    @staticmethod
    def clearing(provider: str, currency: str) -> str:
        """Money that the provider holds for us; what no provider moves is in the bank at once."""
        return Account.BANK if provider == Provider.OFFLINE else f"clearing:{provider}:{currency}"

    @staticmethod
    def fees(provider: str) -> str:
        """What the provider keeps for its work."""
        return f"fees:{provider}"


class Posting(models.TextChoices):
    """Kinds of ledger transactions; `external_ref` is the provider's id of what is named in brackets.

    capture (charge), refund and refund_reversed (refund), dispute_* (dispute; `:2` and so on behind it where the bank
    changed its amount), payout and payout_reversed (payout), and fee, exchange and suspense (balance transaction).
    """

    CAPTURE = "capture", _("Payment")
    REFUND = "refund", _("Refund")
    REFUND_REVERSED = "refund_reversed", _("Refund that failed")
    FEE = "fee", _("Fee")
    DISPUTE_WITHDRAWN = "dispute_withdrawn", _("Disputed money taken")
    DISPUTE_REINSTATED = "dispute_reinstated", _("Disputed money given back")
    DISPUTE_LOST = "dispute_lost", _("Dispute lost")
    DISPUTE_LOST_REVERSED = "dispute_unlost", _("Lost dispute given back")
    PAYOUT = "payout", _("Payout")
    PAYOUT_REVERSED = "payout_reversed", _("Payout that failed")
    EXCHANGE = "exchange", _("Exchange of currencies")
    SUSPENSE = "suspense", _("Not yet explained")
