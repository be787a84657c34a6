"""The addresses of content: public to read, for staff to write and to read as drafts.

One view a kind of address, made for each registered type.
"""

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlencode

from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings

from cms import reading, selectors
from cms.api import caching, drafts, listing, query, writes
from cms.api.subjects import Item, TheOne
from cms.registry import ContentType, Singleton
from cms.validators import SLUG
from common import limits
from common.api.permissions import staff
from common.api.serializers import StrictSerializer
from common.api.views import ApiView
from common.client_ip import caller
from common.errors import NotFound
from common.pagination import page_response, wanted_page
from common.parameters import refuse_unknown


class PublicView(ApiView):
    """Public bytes for everybody: credentials are not even looked at."""

    authentication_classes = ()
    for_staff: bool = False

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Count the read, where reads are limited; writes take no parameters."""
        super().initial(request, *args, **kwargs)
        if not self.for_staff:
            limits.hit("READ", key=caller())
        elif request.method not in SAFE_METHODS:
            refuse_unknown(request, ())


class OpenView(PublicView):
    """Public to read; staff sign in to write, and to read drafts.

    `needed` names the permission of each method that staff call, GET's being that of `view=draft`.
    """

    needed: ClassVar[Mapping[str, str]] = {}
    body: ClassVar[type[StrictSerializer]]

    @property
    def for_staff(self) -> bool:  # type: ignore[override]  # a request tells
        """Whether this request is one that only staff may make."""
        asked: Any = getattr(self, "request", None)
        if asked is None:
            return False
        method = "GET" if asked.method == "HEAD" else asked.method
        return method in self.needed and (method != "GET" or asked.GET.getlist("view") == [query.DRAFT])

    def get_authenticators(self) -> list[Any]:
        """Look at credentials only where they matter."""
        classes: Any = api_settings.DEFAULT_AUTHENTICATION_CLASSES
        return [made() for made in classes] if self.for_staff else []

    def get_permissions(self) -> list[Any]:
        """Ask for the method's permission."""
        method = "GET" if self.request.method == "HEAD" else str(self.request.method)
        return [staff(self.needed[method])()] if self.for_staff else []


class ContentList(OpenView):
    """A page of a type's rows."""

    content_type: ClassVar[ContentType]

    def get(self, request: Request) -> Response:
        """Answer 200 or 304; at most four queries. With `view=draft` the newest drafts, for staff."""
        kind = self.content_type
        if query.wants_draft(request):
            return drafts.page(request, kind)
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

    def post(self, request: Request) -> Response:
        """Create a draft: nowhere public yet. A slug that is not given is made from the title."""
        return writes.create(request, Item(self.content_type), self.body)


class ContentDetail(OpenView):
    """One item by its slug."""

    content_type: ClassVar[ContentType]

    def get(self, request: Request, slug: str) -> Response:
        """Answer 200, 304, 301 for a renamed slug; 410 for what was public, 404 for what never was.

        With `view=draft` the newest draft, for staff, by slug or id; with `preview` what a preview link shows.
        """
        kind = self.content_type
        if query.wants_draft(request):
            return drafts.detail(request, kind, slug)
        if "preview" in request.GET:
            return drafts.preview(request, kind, slug)
        selection = query.detail_selection(request, kind)
        if not SLUG.fullmatch(slug):
            raise NotFound
        tags = [kind.tag, f"{kind.tag}:{slug}"]
        if (unchanged := self._unchanged(request, slug, tags)) is not None:
            return unchanged
        found, version = listing.item(kind, slug, selection)
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

    def patch(self, request: Request, slug: str) -> Response:
        """Change the draft: the keys that are given. `If-Match` is required; readers see it once it is published."""
        return writes.update(request, Item(self.content_type), slug, self.body)

    def delete(self, request: Request, slug: str) -> Response:
        """Put what is not public into the trash."""
        return writes.trash(request, Item(self.content_type), slug)


class SingletonDetail(OpenView):
    """The one row of a type."""

    singleton: ClassVar[Singleton]

    def get(self, request: Request) -> Response:
        """Answer 200 or 304. With `view=draft` the newest draft, for staff."""
        if query.wants_draft(request):
            return drafts.the_one(request, self.singleton)
        refuse_unknown(request, ("view",))
        tags = [self.singleton.tag]
        if (unchanged := caching.not_modified(request, tags)) is not None:
            return unchanged
        version = selectors.content_version()
        return caching.with_headers(Response(self.singleton.read()), request, version, tags)

    def patch(self, request: Request) -> Response:
        """Change the draft: the members that are given. `If-Match` is required."""
        return writes.update_the_one(request, TheOne(self.singleton), self.body)
