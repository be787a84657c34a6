"""The legal texts of the settings on the public site."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext

from cms import rich_text
from cms.models import SiteSettings
from cms.pages import preview
from cms.pages.answers import page, public_page


@public_page
def privacy(request: HttpRequest) -> HttpResponse:
    """`/privacy`; with `?preview=` that of another version."""
    return _legal(request, gettext("Privacy notice"), "privacy_text")


@public_page
def terms(request: HttpRequest) -> HttpResponse:
    """`/terms`; with `?preview=` that of another version."""
    return _legal(request, gettext("Terms"), "terms_text")


def _legal(request: HttpRequest, heading: str, field: str) -> HttpResponse:
    seen = preview.of_settings(request)
    if seen is None:
        return page(request, "legal", {"heading": heading, "text": _published(field)})
    text = rich_text.render(seen.snapshot[field] or "")
    return page(request, "legal", {"heading": heading, "text": text, "preview": seen, "site": seen.row})


def _published(field: str) -> dict[str, object]:
    html = SiteSettings.objects.filter(live_revision__isnull=False).values_list(field, flat=True).first()
    return rich_text.render(html or "")
