"""Projects on the public site."""

from django.http import HttpRequest, HttpResponse

from cms import selectors
from cms.pages import preview
from cms.pages.answers import of_item, page, public_page


@public_page
def index(request: HttpRequest) -> HttpResponse:
    """`/projects`."""
    return page(request, "projects", {"projects": selectors.list_rows("project", selectors.live_projects())})


@public_page
def detail(request: HttpRequest, slug: str) -> HttpResponse:
    """`/projects/{slug}`, with what the client says; the gallery's first picture is the cover.

    `?preview=` shows another version.
    """
    seen = preview.of_item(request, "project", slug)
    project = seen.row if seen else selectors.detail("project", slug)
    said = project["testimonial"]
    quotes = selectors.live_testimonials().filter(slug=said["slug"])[:1] if said else None
    testimonial = next(iter(selectors.list_rows("testimonial", quotes)), None) if said else None
    shown = {"project": project, "gallery": project["gallery"][1:], "testimonial": testimonial, "preview": seen}
    return page(request, "project", shown | of_item(project))
