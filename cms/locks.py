"""Row locks of content. Order: the item, then slug claims, then the content version, then its deliveries.

An endpoint comes before its deliveries, as deleting it takes them along.
"""

from typing import TypeVar

from django.db.models import Model

from cms.models import Delivery, PublishEndpoint
from common.errors import NotFound

T = TypeVar("T", bound=Model)


def locked(item: T) -> T:
    """Return the row of `item`, locked until the transaction ends and read again; raises NotFound once it is gone.

    An item is read without its revisions: what a joined table had is not read again after a wait for the lock, so
    that a newest revision which somebody else has just written would seem to be none.
    """
    row: T | None = type(item)._default_manager.select_for_update().filter(pk=item.pk).first()
    if row is None:
        raise NotFound
    return row


def locked_delivery(delivery_id: str) -> Delivery | None:
    """Return the delivery with its endpoint, locked until the transaction ends; None when it is gone."""
    rows = Delivery.objects.select_for_update(of=("self",), no_key=True).select_related("endpoint")
    return rows.filter(pk=delivery_id).first()


def locked_endpoint(endpoint: PublishEndpoint) -> PublishEndpoint:
    """Return the endpoint, locked until the transaction ends and read again; raises NotFound once it is gone."""
    row = PublishEndpoint.objects.select_for_update(no_key=True).filter(pk=endpoint.pk).first()
    if row is None:
        raise NotFound
    return row
