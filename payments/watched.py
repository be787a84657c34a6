"""Money changes only together with an audit event."""

from common.watched import watch

watch(
    "payments_payment",
    target="payments.payment",
    columns=("booking_id", "amount", "currency", "amount_captured", "amount_refunded", "amount_disputed"),
)
watch("payments_refund", target="payments.refund", columns=("payment_id", "amount", "currency"))
