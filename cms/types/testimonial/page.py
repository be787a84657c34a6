"""Testimonials on the public site."""

from django.http import HttpRequest, HttpResponse

from cms import selectors
from cms.pages import preview
from cms.pages.answers import page, public_page


@public_page
def index(request: HttpRequest) -> HttpResponse:
    """`/testimonials`; with `?preview=` one quote as it would stand there."""
    if seen := preview.of_item(request, "testimonial"):
        return page(request, "testimonials", {"testimonials": [seen.row], "preview": seen})
    rows = selectors.list_rows("testimonial", selectors.live_testimonials())
    return page(request, "testimonials", {"testimonials": rows})
