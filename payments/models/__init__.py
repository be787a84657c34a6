"""The tables of payments."""

from payments.models.call import ProviderCall
from payments.models.dispute import Dispute
from payments.models.event import PaymentEvent
from payments.models.ledger import LedgerAccount, LedgerEntry, LedgerTransaction
from payments.models.payment import Payment
from payments.models.reconciliation import Drift, ReconciliationRun
from payments.models.refund import Refund

__all__ = [
    "Dispute",
    "Drift",
    "LedgerAccount",
    "LedgerEntry",
    "LedgerTransaction",
    "Payment",
    "PaymentEvent",
    "ProviderCall",
    "ReconciliationRun",
    "Refund",
]
