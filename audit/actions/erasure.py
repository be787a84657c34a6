"""Taking people's names out of the log. What is emptied stands outside every hash, so all proofs stay whole."""

from collections.abc import Collection

from django.db import connection, transaction

from audit.actions.recording import record
from audit.constants import RETENTION_ROWS_AT_ONCE
from audit.events import EMPTIED, ERASED
from common.actor import Actor


def erase_person(
    *, actors: Collection[tuple[str, str]], targets: Collection[tuple[str, str]], by: Actor, reason: str = ""
) -> int:
    """Empty the label, address and browser of what a person did, and the label of what was done to them.

    `actors` are (kind, id) such as ("staff", <user id>), `targets` (type, id) such as ("accounts.user", <user id>).
    Returns how many labels were emptied; 0 when it was done before. The ids stay: they are what the proof is about.
    """
    lists = [[one[place] for one in pairs] for pairs in (actors, targets) for place in (0, 1)]
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT audit_event_empty_person(%s::text[], %s::text[], %s::text[], %s::text[])", lists)
            emptied: int = cursor.fetchone()[0]
        if emptied:
            meta = {"emptied": emptied, "people": [":".join(one) for one in actors]}
            record(action=ERASED, by=by, meta=meta, reason=reason)
    return emptied


def empty_old(*, by: Actor) -> int:
    """Empty the same columns of every row older than 24 months; returns how many rows there were."""
    total = 0
    with transaction.atomic():
        while emptied := _empty_some():
            total += emptied
        if total:
            record(action=EMPTIED, by=by, meta={"rows": total})
    return total


def _empty_some() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT audit_event_empty_old(%s)", [RETENTION_ROWS_AT_ONCE])
        emptied: int = cursor.fetchone()[0]
    return emptied
