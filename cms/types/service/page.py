"""Services on the public site."""

from django.http import HttpRequest, HttpResponse

from cms import selectors
from cms.pages import preview
from cms.pages.answers import of_item, page, public_page

PROJECTS_SHOWN = 3


@public_page
def index(request: HttpRequest) -> HttpResponse:
    """`/services`."""
    return page(request, "services", {"services": selectors.list_rows("service", selectors.live_services())})


@public_page
def detail(request: HttpRequest, slug: str) -> HttpResponse:
    """`/services/{slug}`, with the projects in which it was done; `?preview=` shows another version."""
    seen = preview.of_item(request, "service", slug)
    service = seen.row if seen else selectors.detail("service", slug)
    slugs = [reference["slug"] for reference in service["projects"]]
    related = selectors.live_projects().filter(slug__in=slugs)[:PROJECTS_SHOWN]
    projects = selectors.list_rows("project", related) if slugs else []
    shown = {"service": service, "projects": projects, "preview": seen}
    return page(request, "service", shown | of_item(service))
