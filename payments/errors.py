"""What payments refuse, each with its stable code."""

from typing import Any

from common.errors import BadGateway, Conflict, DomainError, Unavailable, Unprocessable


class AlreadyPaid(Conflict):
    """Nothing is left to pay for this purpose."""

    code = "already_paid"
    title = "This is already paid"
    about = "What the request would pay has been paid, perhaps a moment ago. Read the booking to see its money."


class AmountMismatch(Conflict):
    """The client expected another amount; the member `quote` says what is due."""

    code = "amount_mismatch"
    title = "The amount is not what is due"
    about = (
        "The price comes from the booking; `amount` and `currency` are only compared with it. The member `quote` holds "
        "what was agreed and what is due at once. Nothing was sent to the provider."
    )


class PaymentInProgress(Conflict):
    """Another payment for the same purpose is being processed."""

    code = "payment_in_progress"
    title = "A payment is being processed"
    about = "The bank is still deciding on an earlier payment. Wait for its outcome before paying another way."


class BookingNotPayable(Conflict):
    """The booking's state takes no payment."""

    code = "booking_not_payable"
    title = "The booking cannot be paid now"
    about = (
        "The booking is not held or confirmed, its hold has run out, or the deposit comes before the balance. The "
        "member `status` is the booking's present state."
    )


class NothingToPay(Conflict):
    """The booking is free."""

    code = "nothing_to_pay"
    title = "There is nothing to pay"
    about = "The booking costs nothing and was confirmed without a payment."


class NotCancelable(Conflict):
    """The payment is paid, in process or not yet known to the provider."""

    code = "not_cancelable"
    title = "The payment cannot be cancelled"
    about = "Only a payment that still waits for the customer can be cancelled. The member `status` is its state."


class NotCaptured(Conflict):
    """No money has arrived by this payment."""

    code = "not_captured"
    title = "There is nothing to pay back"
    about = "Only a payment that has arrived can be refunded. The member `status` is its state."


class ExceedsRefundable(Conflict):
    """More than what is left of the payment."""

    code = "exceeds_refundable"
    title = "That is more than can be paid back"
    about = (
        "What was refunded, is being refunded or is disputed cannot be paid back again. The member `refundable` says "
        "what is left, in minor units, also where somebody was faster in the provider's dashboard."
    )


class DisputeOpen(Conflict):
    """The customer's bank already holds the money."""

    code = "dispute_open"
    title = "The payment is disputed"
    about = "The customer's bank holds this money until the dispute is decided; a refund would pay it back twice."


class AmountTooSmall(Unprocessable):
    """Below what the provider charges."""

    code = "amount_too_small"
    title = "The amount is too small for this way of paying"
    about = "The provider has a minimum in this currency. Offer another way of paying."


class AmountTooLarge(Unprocessable):
    """Above what the provider charges."""

    code = "amount_too_large"
    title = "The amount is too large for this way of paying"
    about = "The provider has a maximum. Offer another way of paying."


class CurrencyNotSupported(Unprocessable):
    """The provider does not charge in the booking's currency."""

    code = "currency_not_supported"
    title = "The currency is not offered for this way of paying"
    about = "The provider does not charge in the booking's currency. Offer another way of paying."


class AmountNotRepresentable(Unprocessable):
    """The provider cannot charge exactly this amount; it is never rounded."""

    code = "amount_not_representable"
    title = "The amount cannot be charged exactly"
    about = "The provider knows fewer decimal places in this currency, and amounts are never rounded."


class ProviderRejected(BadGateway):
    """The provider refused a request of ours for a reason that no customer can mend."""

    code = "provider_rejected"
    title = "The payment provider refused our request"
    about = "The provider did not accept what this back end sent. People have been told; trying again will not help."


class ProviderUnavailable(Unavailable):
    """The provider did not answer; members `id` and `status` name the payment that a retry resumes."""

    code = "provider_unavailable"
    title = "The payment provider does not answer"
    about = (
        "The provider is away or its answer was lost. Repeat the request after the seconds in Retry-After: it goes on "
        "where this one stopped and never charges twice. The members `id` and `status` name the payment."
    )


class PaymentsNotConfigured(Unavailable):
    """No keys for the provider."""

    code = "payments_not_configured"
    title = "This way of paying is not set up"
    about = "The operator has not configured this provider. Ask `GET /api/payments/config` for those that are offered."

    def __init__(self, detail: str | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("retry_after", 3600)
        super().__init__(detail, **kwargs)


class InvalidSignature(DomainError):
    """A webhook that its sender did not sign with a secret of ours."""

    code = "invalid_signature"
    title = "The signature is not valid"
    about = "The body of the webhook is not signed with a known secret, or was signed more than five minutes ago."
