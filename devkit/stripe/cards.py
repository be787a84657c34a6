"""The test payment methods that the twin knows (https://docs.stripe.com/testing), and two of its own."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Card:
    """How a test card behaves when it is charged.

    ``delivery`` is what happens to the webhooks of that payment, ``dispute`` the status of the dispute that follows at
    once, and ``refund_fails`` says that its refunds succeed and fail a little later.
    """

    last4: str
    decline_code: str = ""
    message: str = ""
    authenticate: bool = False
    delivery: str = ""
    dispute: str = ""
    refund_fails: bool = False


CARDS = {
    "pm_card_visa": Card("4242"),
    "pm_card_chargeDeclined": Card("0002", "generic_decline", "Your card was declined."),
    "pm_card_chargeDeclinedInsufficientFunds": Card("9995", "insufficient_funds", "Your card has insufficient funds."),
    "pm_card_authenticationRequired": Card("3184", authenticate=True),
    "pm_card_createDispute": Card("0259", dispute="needs_response"),
    "pm_card_createDisputeInquiry": Card("1976", dispute="warning_needs_response"),
    "pm_card_refundFail": Card("5126", refund_fails=True),
    "pm_twin_webhookLost": Card("4242", delivery="lost"),
    "pm_twin_webhookTwice": Card("4242", delivery="twice"),
}
