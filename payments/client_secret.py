"""The provider's client secret: encrypted in its row, and gone once the payment closes."""

import uuid

from common.crypto import decrypt, encrypt
from payments.models import Payment


def seal(secret: str, payment_id: uuid.UUID) -> bytes | None:
    """The bytes to store; None for no secret."""
    return encrypt(secret.encode(), aad=_aad(payment_id)) if secret else None


def reveal(payment: Payment) -> str:
    """The secret for the customer's browser; empty when the payment has none (any more)."""
    return decrypt(bytes(payment.client_secret), aad=_aad(payment.pk)).decode() if payment.client_secret else ""


def _aad(payment_id: uuid.UUID) -> str:
    return f"payments.Payment.client_secret:{payment_id}"
