"""Encrypting a column again once FIELD_KEY has a newer value in front."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from django.db import transaction
from django.db.models import Model, QuerySet

from common.crypto import DecryptionFailed, is_current

Row = TypeVar("Row", bound=Model)


class Rekeyed(NamedTuple):
    """How many rows are under the newest FIELD_KEY since now, and how many no listed one opens."""

    done: int
    unreadable: int


def rekey(rows: QuerySet[Row], *, column: str, sealed_again: Callable[[Row], bytes | None]) -> Rekeyed:
    """Encrypt `column` of these rows again where an older FIELD_KEY sealed it; safe to repeat.

    `sealed_again` opens the column and returns it sealed anew; a row for which it raises DecryptionFailed stays as it
    is. Each row has a transaction of its own, so that work goes on meanwhile.
    """
    sealed = list(rows.exclude(**{column: None}).values_list("pk", flat=True))
    outcomes = [_rekey(rows, pk, column, sealed_again) for pk in sealed]
    return Rekeyed(outcomes.count(True), outcomes.count(None))


def _rekey(rows: QuerySet[Row], pk: Any, column: str, sealed_again: Callable[[Row], bytes | None]) -> bool | None:
    """True when the row was sealed again, False when it need not be, None when no listed key opens it."""
    with transaction.atomic():
        row = rows.select_for_update(no_key=True).filter(pk=pk).first()
        present = getattr(row, column, None)
        if row is None or present is None or is_current(bytes(present)):
            return False
        try:
            setattr(row, column, sealed_again(row))
        except DecryptionFailed:
            return None
        row.save(update_fields=[column])
    return True
