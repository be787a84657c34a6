"""Numbers and names that several modules of the twin share."""

API_VERSION = "2026-10-28.endive"
"""The version that stripe-python 16.1.0 speaks; the default of our imaginary account."""

IDEMPOTENCY_LIFETIME_SECONDS = 24 * 3600
IDEMPOTENCY_KEY_MAX_LENGTH = 255
EVENT_LIFETIME_SECONDS = 30 * 24 * 3600
ROLLED_SECRET_LIFETIME_SECONDS = 24 * 3600
"""How long the old secret of a webhook endpoint signs beside the new one (Stripe's maximum)."""

REFUND_FAILS_AFTER_SECONDS = 5
"""How long after it succeeded a refund to ``pm_card_refundFail`` fails, by the account's clock."""

DISPUTE_RESPONSE_SECONDS = 14 * 24 * 3600
"""How long evidence may be handed in; card networks give between 7 and 21 days."""

MAX_BODY_BYTES = 1024 * 1024
DOCS_URL = "https://docs.stripe.com/error-codes/"
