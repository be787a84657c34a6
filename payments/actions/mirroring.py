"""What our rows only repeat of the provider's: kept fresh in bulk, without the locks of what moves money."""

from collections.abc import Sequence

from django.db import connection

from payments.constants import ERROR_CODE_LENGTH, ERROR_TEXT_LENGTH, Status
from payments.models import Payment
from payments.providers.protocol import Snapshot

# One statement for all rows; a row that changed since it was read is left to whoever changed it.
REFRESH = """
UPDATE payments_payment AS row
SET provider_status = fresh.status, provider_charge_ref = fresh.charge,
    last_error_code = fresh.code, last_error_message = fresh.message
FROM unnest(%s::uuid[], %s::int[], %s::text[], %s::text[], %s::text[], %s::text[])
    AS fresh(id, version, status, charge, code, message)
WHERE row.id = fresh.id AND row.lock_version = fresh.version
"""
Mirror = tuple[str, str, str, str]


def refresh(*, pairs: Sequence[tuple[Payment, Snapshot]]) -> int:
    """Repeat the provider's raw state, charge and error where status and amount agree; returns how many rows changed.

    No query when nothing differs.
    """
    stale = [(row, _fresh(row, one)) for row, one in pairs if _agree(row, one) and _fresh(row, one) != _held(row)]
    if not stale:
        return 0
    columns = zip(*(fresh for _, fresh in stale), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            REFRESH,
            [[row.pk for row, _ in stale], [row.lock_version for row, _ in stale], *(list(one) for one in columns)],
        )
        changed: int = cursor.rowcount
    return changed


def _agree(row: Payment, one: Snapshot) -> bool:
    return (row.provider_ref, row.status, row.amount, row.currency) == (one.ref, one.status, one.amount, one.currency)


def _held(row: Payment) -> Mirror:
    return row.provider_status, row.provider_charge_ref, row.last_error_code, row.last_error_message


def _fresh(row: Payment, one: Snapshot) -> Mirror:
    if one.status == Status.SUCCEEDED:  # its charge is what the ledger knows the money by
        return one.raw_status, row.provider_charge_ref or one.charge_ref, "", ""
    error = one.error_code[:ERROR_CODE_LENGTH], one.error_message[:ERROR_TEXT_LENGTH]
    return one.raw_status, one.charge_ref or row.provider_charge_ref, *error
