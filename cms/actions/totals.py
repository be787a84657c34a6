"""How many rows of each type are public: kept beside the content version, so that no page counts a whole table."""

from django.db import transaction

from cms import registry
from cms.actions import version
from cms.models import ContentVersion
from cms.registry import ContentType
from common.actor import Actor


def moved(*, kind: ContentType, step: int, by: Actor) -> int:
    """Note that one row more (1) or fewer (-1) is public, and return the total; call it after `version.bump`.

    The bump holds the row's lock. A total that is not known yet is counted.
    """
    totals = ContentVersion.objects.values_list("totals", flat=True).get(pk=1)
    known = totals.get(kind.name)
    total: int = kind.live().count() if known is None else known + step
    ContentVersion.objects.filter(pk=1).update(totals={**totals, kind.name: total})
    return total


@transaction.atomic
def recount(*, by: Actor) -> dict[str, int]:
    """Count every type anew and return the totals; pages show them at once where one was wrong or unknown.

    For rows that were written past the actions, by hand or in bulk.
    """
    known = ContentVersion.objects.select_for_update().values_list("totals", flat=True).filter(pk=1).first()
    totals = {kind.name: kind.live().count() for kind in registry.all_types()}
    if known is not None and known != totals:
        version.bump(by=by)
        ContentVersion.objects.filter(pk=1).update(totals=totals)
    return totals
