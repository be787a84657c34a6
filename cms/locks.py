"""Row locks of content. Order: the item, then slug claims, then the content version."""

from typing import TypeVar

from cms.models import Publishable

T = TypeVar("T", bound=Publishable)


def locked(item: T) -> T:
    """Return the row of `item`, locked until the transaction ends and read again."""
    rows = type(item)._default_manager.select_for_update(of=("self",)).select_related("latest_revision")
    row: T = rows.get(pk=item.pk)
    return row
