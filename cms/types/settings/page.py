"""The legal texts of the settings on the public site."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext

from cms import rich_text
from cms.models import SiteSettings
from cms.pages.answers import page, public_page


@public_page
def privacy(request: HttpRequest) -> HttpResponse:
    """`/privacy`."""
    return page(request, "legal", {"heading": gettext("Privacy notice"), "text": _published("privacy_text")})


@public_page
def terms(request: HttpRequest) -> HttpResponse:
    """`/terms`."""
    return page(request, "legal", {"heading": gettext("Terms"), "text": _published("terms_text")})


def _published(field: str) -> dict[str, object]:
    html = SiteSettings.objects.filter(live_revision__isnull=False).values_list(field, flat=True).first()
    return rich_text.render(html or "")
