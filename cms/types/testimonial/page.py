"""Testimonials on the public site."""

from django.http import HttpRequest, HttpResponse

from cms import selectors
from cms.pages.answers import page, public_page


@public_page
def index(request: HttpRequest) -> HttpResponse:
    """`/testimonials`."""
    rows = selectors.list_rows("testimonial", selectors.live_testimonials())
    return page(request, "testimonials", {"testimonials": rows})
