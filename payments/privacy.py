"""What happens to each personal field when a person asks to be forgotten."""

from common.privacy import mark

mark("payments.PaymentEvent", payload="keep_until")
mark("payments.Payment", reference="keep_until")
mark("payments.Refund", note="erase")
