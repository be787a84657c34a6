"""Pages that belong to no one type: the start page and contact."""

from django.http import HttpRequest, HttpResponse

from cms import ports, selectors
from cms.pages import preview
from cms.pages.answers import page, public_page

SERVICES, PROJECTS, TESTIMONIALS, POSTS = 6, 4, 3, 3
BOOKABLE = 3


@public_page
def home(request: HttpRequest) -> HttpResponse:
    """`/`: services and work (what is featured first), what clients say, the newest posts.

    `?preview=` shows it under another version of the settings.
    """
    seen = preview.of_settings(request)
    newest = selectors.live_posts().order_by("-published_at", "id")
    return page(
        request,
        "home",
        {
            "services": selectors.list_rows(
                "service", selectors.live_services().order_by("-featured", "position", "id")[:SERVICES]
            ),
            "projects": selectors.list_rows(
                "project", selectors.live_projects().order_by("-featured", "position", "id")[:PROJECTS]
            ),
            "testimonials": selectors.list_rows(
                "testimonial", selectors.live_testimonials().order_by("-featured", "position", "id")[:TESTIMONIALS]
            ),
            "posts": selectors.list_rows("post", newest[:POSTS]),
            **({"preview": seen, "site": seen.row} if seen else {}),
        },
    )


@public_page
def contact(request: HttpRequest) -> HttpResponse:
    """`/contact`: how to reach the studio, when it is open, and what can be booked at once."""
    bookable = ports.only_bookable(selectors.live_services(), True)
    return page(request, "contact", {"bookable": selectors.list_rows("service", bookable[:BOOKABLE])})
