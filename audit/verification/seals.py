"""Seals by themselves: each follows from the one before, and its signature fits."""

from collections.abc import Iterator

from django.db import connection
from django.db.models import Max

from audit import keys
from audit.models import AuditSeal
from audit.models.seal import FIRST_PREV
from audit.signatures import is_valid
from audit.verification import sql
from audit.verification.report import Fault


def structure() -> Iterator[Fault]:
    """A number that is missing between the seals, and a newest seal that somebody else signed."""
    with connection.cursor() as cursor:
        cursor.execute(sql.GAP)
        missing = cursor.fetchone()[0]
    if missing:
        yield Fault(f"seal {missing}", "it was deleted: later seals are there.")
    newest = AuditSeal.objects.order_by("-n").first()
    if newest is not None and newest.key_id not in keys.ours():
        detail = f"the newest seal is signed with the key {newest.key_id}, which is none of ours."
        yield Fault(f"seal {newest.n}", detail)


def chain(found: list[AuditSeal], known: dict[int, AuditSeal], public: dict[str, bytes]) -> Iterator[Fault]:
    """Check the signature of each of `found`, and that it names the seal before, which `known` holds."""
    for seal in found:
        key = public.get(seal.key_id)
        if key is None:
            yield Fault(f"seal {seal.n}", f"it is signed with the unknown key {seal.key_id}.")
        elif not is_valid(key, bytes(seal.signature), seal.statement):
            yield Fault(f"seal {seal.n}", "it was changed: its signature does not fit.")
        before = known.get(seal.n - 1)
        wanted = before.seal_hash if before else FIRST_PREV if seal.n == 1 else None
        if wanted is not None and wanted != bytes(seal.prev_seal_hash):
            yield Fault(f"seal {seal.n}", f"it does not follow from seal {seal.n - 1}: that one was changed.")


def highest() -> int:
    """The number of the newest seal, 0 without any."""
    return AuditSeal.objects.aggregate(highest=Max("n"))["highest"] or 0
