"""Reading content: one view a kind of address, made for each registered type."""

from typing import Any, ClassVar
from urllib.parse import urlencode

from rest_framework.request import Request
from rest_framework.response import Response

from cms import reading, selectors
from cms.api import caching, listing, query
from cms.registry import ContentType, Singleton
from cms.validators import SLUG
from common import limits
from common.api.views import ApiView
from common.client_ip import caller
from common.errors import NotFound
from common.pagination import page_response, wanted_page
from common.parameters import refuse_unknown


class PublicView(ApiView):
    """Public bytes for everybody: credentials are not even looked at."""

    authentication_classes = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Count the read, where reads are limited."""
        super().initial(request, *args, **kwargs)
        limits.hit("READ", key=caller())


class ContentList(PublicView):
    """A page of a type's rows."""

    content_type: ClassVar[ContentType]

    def get(self, request: Request) -> Response:
        """Answer 200 or 304; at most four queries."""
        kind = self.content_type
        selection = query.list_selection(request, kind)
        if (unchanged := caching.not_modified(request, [kind.tag])) is not None:
            return unchanged
        wanted = wanted_page(request)
        found = listing.of(request, kind, selection).page(wanted.bounds)
        wanted.require(found.total)
        data = reading.finished(found.rows, selection.outputs, selection.includes)
        meta = {"content_version": found.version.number}
        response = page_response(request, wanted, data, total=found.total, meta=meta)
        return caching.with_headers(response, request, found.version, [kind.tag])


class ContentDetail(PublicView):
    """One item by its slug."""

    content_type: ClassVar[ContentType]

    def get(self, request: Request, slug: str) -> Response:
        """Answer 200, 304, 301 for a renamed slug; 410 for what was public, 404 for what never was."""
        kind = self.content_type
        selection = query.detail_selection(request, kind)
        if not SLUG.fullmatch(slug):
            raise NotFound
        tags = [kind.tag, f"{kind.tag}:{slug}"]
        if (unchanged := self._unchanged(request, slug, tags)) is not None:
            return unchanged
        version = selectors.content_version()
        found = reading.detail(kind, slug, outputs=selection.outputs, includes=selection.includes)
        if found is None:
            return self._absent(request, slug)
        return caching.with_headers(Response(found), request, version, tags)

    def _unchanged(self, request: Request, slug: str, tags: list[str]) -> Response | None:
        """Answer 304, but never for an address where nothing is."""
        unchanged = caching.not_modified(request, tags)
        return unchanged if unchanged is not None and self.content_type.live().filter(slug=slug).exists() else None

    def _absent(self, request: Request, slug: str) -> Response:
        try:
            selectors.raise_absent(self.content_type, slug)
        except selectors.Moved as moved:
            given = [(name, value) for name, values in request.GET.lists() for value in values]
            location = f"/api/{self.content_type.path}/{moved.slug}" + (f"?{urlencode(given)}" if given else "")
            headers = {"Location": location, "Cache-Control": caching.REDIRECT_CACHE_CONTROL}
            return Response(status=301, headers=headers)


class SingletonDetail(PublicView):
    """The one row of a type."""

    singleton: ClassVar[Singleton]

    def get(self, request: Request) -> Response:
        """Answer 200 or 304."""
        refuse_unknown(request, ())
        tags = [self.singleton.tag]
        if (unchanged := caching.not_modified(request, tags)) is not None:
            return unchanged
        version = selectors.content_version()
        return caching.with_headers(Response(self.singleton.read()), request, version, tags)
