"""Reading content: one view a kind of address, made for each registered type."""

from typing import Any, ClassVar, cast
from urllib.parse import urlencode

from django.db.models import Count, IntegerField, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from rest_framework.request import Request
from rest_framework.response import Response

from cms import reading, selectors
from cms.api import caching, query
from cms.models import ContentVersion
from cms.registry import ContentType, Singleton
from cms.selectors import Version
from cms.validators import SLUG
from common import limits
from common.api.views import ApiView
from common.client_ip import client_ip
from common.errors import NotFound
from common.pagination import page_list
from common.parameters import refuse_unknown


class PublicView(ApiView):
    """Public bytes for everybody: credentials are not even looked at."""

    authentication_classes = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Count the read, where reads are limited."""
        super().initial(request, *args, **kwargs)
        limits.hit("READ", key=client_ip(request))


class ContentList(PublicView):
    """A page of a type's rows."""

    content_type: ClassVar[ContentType]

    def get(self, request: Request) -> Response:
        """Answer 200 or 304; at most four queries."""
        kind = self.content_type
        selection = query.list_selection(request, kind)
        if (unchanged := caching.not_modified(request, [kind.tag])) is not None:
            return unchanged
        rows = query.filtered(request, kind.live(), kind.filters)
        version, total = version_and_total(rows)
        response = page_list(
            request,
            reading.selected(query.ordered(request, rows, kind), selection.outputs),
            serialize=lambda page: reading.finished(page, selection.outputs, selection.includes),
            meta={"content_version": version.number},
            total=total,
        )
        return caching.with_headers(response, request, version, [kind.tag])


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


def version_and_total(rows: QuerySet[Any]) -> tuple[Version, int]:
    """Return the content version and how many rows there are, by one query."""
    counted = rows.order_by().annotate(_all=Value(1)).values("_all").annotate(_count=Count("*")).values("_count")
    total = Coalesce(Subquery(counted, output_field=IntegerField()), 0)
    found = ContentVersion.objects.filter(pk=1).values_list("number", "changed_at", total).first()
    if found is None:
        return Version(1, None), rows.count()
    number, since, count = cast("tuple[int, Any, int]", found)
    return Version(number, since), count
