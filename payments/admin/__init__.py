"""The money's part of the admin: everything is read; the few buttons are actions."""

from payments.admin import dispute, event, ledger, payment, reconciliation, refund

__all__ = ["dispute", "event", "ledger", "payment", "reconciliation", "refund"]
