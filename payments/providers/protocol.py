"""What the core asks of every provider. Amounts are our minor units unless a name says otherwise."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of an HTTP answer; zeros and empty texts where there was none."""

    http_status: int = 0
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """What a provider is asked to collect."""

    payment_id: uuid.UUID
    booking_id: uuid.UUID
    purpose: str
    attempt: int
    amount: int
    currency: str
    description: str


class EntryKind(StrEnum):
    """What moved the provider's balance; `OTHER` is a fee by itself, a transfer, a reserve or anything else."""

    CHARGE = "charge"
    REFUND = "refund"
    REFUND_FAILURE = "refund_failure"
    DISPUTE = "dispute"
    DISPUTE_REVERSAL = "dispute_reversal"
    PAYOUT = "payout"
    PAYOUT_REVERSAL = "payout_reversal"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class BalanceEntry:
    """One line of the provider's balance: `net` is `amount` less `fee`, in the currency that the provider settles in.

    `source_ref` names the charge, refund, dispute or payout that it belongs to; empty for none. What the provider's
    figures have beyond whole minor units of ours is in `rest_net` and `rest_fee`: parts of one, of the same sign.
    """

    ref: str
    kind: EntryKind
    amount: int
    fee: int
    net: int
    currency: str
    source_ref: str
    created: datetime
    description: str = ""
    rest_net: Decimal = Decimal()
    rest_fee: Decimal = Decimal()

    @property
    def exact(self) -> bool:
        """Whether our minor units hold all of it."""
        return not self.rest_net and not self.rest_fee


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A payment as the provider shows it. `entry` is what its charge did to the balance, where asked for.

    `status` is one of `payments.constants.Status`; `as_of` is the provider's clock in seconds when it was true, 0 where
    that is unknown, and `created` the second in which it began. `exact` is False when the provider's amount is no
    whole number of our minor units.
    """

    ref: str
    status: str
    raw_status: str
    amount: int
    amount_received: int
    provider_amount: int
    currency: str
    livemode: bool
    exact: bool = True
    metadata: Mapping[str, str] = field(default_factory=dict)
    charge_ref: str = ""
    client_secret: str = ""
    error_code: str = ""
    error_message: str = ""
    as_of: int = 0
    created: int = 0
    entry: BalanceEntry | None = None
    answer: Answer = field(default_factory=Answer)


@dataclass(frozen=True, slots=True)
class RefundSnapshot:
    """A refund as the provider shows it; `state` is one of `payments.constants.RefundState`, `exact` as above."""

    ref: str
    state: str
    amount: int
    currency: str
    payment_ref: str
    exact: bool = True
    reason: str = ""
    failure_reason: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    answer: Answer = field(default_factory=Answer)


@dataclass(frozen=True, slots=True)
class DisputeSnapshot:
    """A dispute as the provider shows it.

    `status` is one of `payments.constants.DisputeStatus`, `funds` one of `DisputeFunds`. `evidence_due_by` is None
    where the bank takes no answer. `entries` are what it did to the balance: nothing, a withdrawal, a reversal. `exact`
    is False when the amount is no whole number of our minor units.
    """

    ref: str
    status: str
    funds: str
    amount: int
    currency: str
    payment_ref: str
    opened_at: datetime
    exact: bool = True
    reason: str = ""
    evidence_due_by: datetime | None = None
    entries: tuple[BalanceEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class PayoutSnapshot:
    """What the provider pays to our bank. `state` is `paid`, `pending`, `in_transit`, `canceled` or `failed`.

    `complete` says that the list of its entries is final; only automatic payouts have such a list. `rest` is what the
    provider's amount has beyond whole minor units of ours.
    """

    ref: str
    state: str
    amount: int
    currency: str
    created: datetime
    complete: bool
    rest: Decimal = Decimal()


@dataclass(frozen=True, slots=True)
class Missed:
    """An event that may have been missed: about which payment, and when the object was made of which it tells.

    `follows` is true where it tells of a refund or dispute, which follow a payment's money.
    """

    payment_ref: str
    created: int
    follows: bool


@dataclass(frozen=True, slots=True)
class InboxEvent:
    """A webhook that was proved genuine; what its payload means is told by the provider's `EventReader`."""

    event_id: str
    type: str
    livemode: bool
    created: int
    api_version: str
    object_id: str
    payload: dict[str, Any]
    secret_id: str


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do; `idempotency` is `key`, `natural` or `none`.

    `places` are the decimals that it writes of a currency, `minimums` its smallest amounts, in its own units, where
    they are known, and `maximum` its largest.
    """

    lists: bool
    partial_refund: bool
    idempotency: str
    currencies: frozenset[str]
    places: Callable[[str], int]
    minimums: Mapping[str, int]
    maximum: int


class PaymentProvider(Protocol):
    """One adapter. Every method raises only what `payments.providers.errors` holds."""

    name: str
    livemode: bool
    capabilities: Capabilities

    def check(self, *, amount: int, currency: str) -> str:
        """Why the amount cannot be charged: a problem code such as `amount_too_small`, or an empty text."""
        ...

    def create(self, order: Order, *, key: str) -> Snapshot:
        """Begin to collect."""
        ...

    def fetch(self, ref: str) -> Snapshot:
        """Read the payment."""
        ...

    def find(self, payment_id: uuid.UUID, *, since: datetime, until: datetime) -> Snapshot | None:
        """Look among what was created in the window for the one that carries our payment's id."""
        ...

    def capture(self, ref: str, *, key: str) -> Snapshot:
        """Take all of what was authorized."""
        ...

    def cancel(self, ref: str, *, key: str) -> Snapshot:
        """Stop collecting."""
        ...

    def refund(
        self, ref: str, *, refund_id: uuid.UUID, amount: int, currency: str, reason: str, key: str
    ) -> RefundSnapshot:
        """Pay back."""
        ...

    def refunds_of(self, ref: str) -> list[RefundSnapshot]:
        """All refunds of a payment."""
        ...

    def disputes_of(self, ref: str) -> list[DisputeSnapshot]:
        """All disputes and inquiries of a payment."""
        ...

    def payout(self, ref: str) -> PayoutSnapshot:
        """Read a payout."""
        ...

    def entries_of_payout(self, ref: str) -> Iterator[BalanceEntry]:
        """What a payout paid out, without the payout's own entry."""
        ...

    def parse_webhook(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> InboxEvent:
        """The event of a genuine webhook; NotConfigured without a secret, InvalidRequest for all else."""
        ...

    def list_changes(self, *, since: datetime, until: datetime) -> Iterator[Snapshot]:
        """Every payment created in the window, newest first, page by page."""
        ...

    def missed(self, *, since: datetime, until: datetime) -> Iterator[Missed]:
        """The events of the window that some endpoint of ours has not answered."""
        ...

    def list_refunds(self, *, since: datetime, until: datetime) -> Iterator[RefundSnapshot]:
        """Every refund made in the window."""
        ...

    def list_disputes(self, *, since: datetime, until: datetime) -> Iterator[DisputeSnapshot]:
        """Every dispute opened in the window."""
        ...

    def list_entries(self, *, since: datetime, until: datetime) -> Iterator[BalanceEntry]:
        """Every line of the balance in the window."""
        ...

    def list_payouts(self, *, since: datetime, until: datetime) -> Iterator[PayoutSnapshot]:
        """Every payout begun in the window."""
        ...


class EventReader(Protocol):
    """What the events of a provider mean. Pure: asks nobody."""

    def handles(self, kind: str) -> bool:
        """Whether events of this type are acted on."""
        ...

    def snapshot(self, *, kind: str, api_version: str, payload: dict[str, Any], created: int) -> Snapshot | None:
        """The payment that the event holds, or None where it does not hold one that can be trusted to be whole."""
        ...

    def payment_ref(self, payload: dict[str, Any]) -> str:
        """The provider's id of the payment that the event is about; empty for none."""
        ...

    def payout_ref(self, payload: dict[str, Any]) -> str:
        """The provider's id of the payout that the event is about; empty for none."""
        ...

    def payout(self, *, api_version: str, payload: dict[str, Any]) -> PayoutSnapshot | None:
        """The payout that the event holds, or None where it holds none that can be trusted to be whole."""
        ...
