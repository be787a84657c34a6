"""The demo studio itself."""

from django.db import transaction

from cms.actions import drafts, publishing
from cms.models import SiteSettings
from cms.seeding import planting
from common.actor import Actor


@transaction.atomic
def plant(*, by: Actor) -> None:
    """Publish the settings unless somebody has published theirs."""
    settings = SiteSettings.objects.filter(pk=1).first()
    if settings is not None and settings.is_public:
        return
    values = planting.read(__file__)
    if settings is None:
        settings = drafts.create(model=SiteSettings, values=values, by=by, comment=planting.COMMENT)
    else:
        settings = drafts.save(item=settings, values=values, by=by, comment=planting.COMMENT)
    publishing.publish(item=settings, by=by, comment=planting.COMMENT)
