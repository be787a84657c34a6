"""Two kinds of lists: pages with a total for content, cursors for whatever grows by use."""

import hashlib
import hmac
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.signing import Signer
from django.db.models import Q, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from common import base64url
from common.errors import FieldError, NotFound, ValidationFailed
from common.links import absolute
from common.parameters import positive_int, single

DEFAULT_PER_PAGE = 20
MOST_PER_PAGE = 100
CURSOR_DIGEST_BYTES = 16
_NO_INSTANT = datetime(1970, 1, 1, tzinfo=UTC)  # stands in the cursors of lists whose order is a number
Serialize = Callable[[Sequence[Any]], list[Any]]


def page_list(
    request: Request,
    queryset: QuerySet[Any],
    *,
    serialize: Serialize,
    meta: Mapping[str, Any] | None = None,
    total: int | None = None,
) -> Response:
    """`{data, meta, links}` of one page with its `Link` header (RFC 8288); a page past the end is NotFound.

    Reads `page` and `per_page`. Costs one count (unless `total` is given) and one query for the rows.
    """
    wanted = wanted_page(request)
    total = queryset.count() if total is None else total
    wanted.require(total)
    return page_response(request, wanted, serialize(list(queryset[wanted.bounds])), total=total, meta=meta)


@dataclass(frozen=True, slots=True)
class WantedPage:
    """The page that a request asks for, which may be past the end."""

    number: int
    size: int

    @property
    def bounds(self) -> slice:
        """Where its rows are."""
        return slice((self.number - 1) * self.size, self.number * self.size)

    def require(self, total: int) -> int:
        """Return how many pages there are; raises NotFound when this one is past the end."""
        pages = max(1, -(-total // self.size))
        if self.number > pages:
            raise NotFound(f"There are {pages} pages.")
        return pages


def wanted_page(request: Request) -> WantedPage:
    """Read `page` and `per_page`; raises ValidationFailed for what is no page."""
    number = positive_int(request, "page", default=1)
    return WantedPage(number, positive_int(request, "per_page", default=DEFAULT_PER_PAGE, maximum=MOST_PER_PAGE))


def page_response(
    request: Request, page: WantedPage, data: list[Any], *, total: int, meta: Mapping[str, Any] | None = None
) -> Response:
    """Return the page-list answer of rows that are there already; raises NotFound for a page past the end."""
    pages = page.require(total)
    links = page_links(request, page=page.number, pages=pages)
    about = {"page": page.number, "per_page": page.size, "total": total, "pages": pages, **(meta or {})}
    return Response({"data": data, "meta": about, "links": links}, headers={"Link": link_header(links)})


def page_links(request: Request, *, page: int, pages: int) -> dict[str, str | None]:
    """Absolute links to this page, the ends and the neighbours, with the other parameters kept."""
    others = [(key, value) for key, values in request.GET.lists() for value in values if key != "page"]

    def link(number: int | None) -> str | None:
        if number is None:
            return None
        query = urlencode([*others, ("page", number)] if number != 1 else others)
        return absolute(request.path) + (f"?{query}" if query else "")

    return {
        "self": link(page),
        "first": link(1),
        "prev": link(page - 1 if page > 1 else None),
        "next": link(page + 1 if page < pages else None),
        "last": link(pages),
    }


def link_header(links: Mapping[str, str | None]) -> str:
    """The header's value; absent neighbours are left out."""
    return ", ".join(f'<{url}>; rel="{rel}"' for rel, url in links.items() if url)


def cursor_list(
    request: Request,
    queryset: QuerySet[Any],
    *,
    name: str,
    instant: str,
    filters: Mapping[str, Any],
    serialize: Serialize,
) -> Response:
    """`{data, meta, links}` by keyset on (`instant`, id), newest first, without a total.

    A cursor is signed and bound to `name` and `filters`; any other is ValidationFailed at parameter `cursor`.
    """
    per_page = positive_int(request, "per_page", default=DEFAULT_PER_PAGE, maximum=MOST_PER_PAGE)
    signer = Signer(salt=f"cursor.{name}.{_fingerprint(filters)}")
    place = _read_cursor(signer, single(request, "cursor"))
    backwards = place is not None and place[0] == "prev"
    order = [instant, "pk"] if backwards else [f"-{instant}", "-pk"]
    rows = list(_after(queryset.order_by(*order), instant, place)[: per_page + 1])
    more, rows = len(rows) > per_page, rows[:per_page]
    if backwards:
        rows.reverse()
    has_next, has_prev = (True, more) if backwards else (more, bool(place))

    def cursor(direction: str, row: Any) -> str:
        return _write_cursor(signer, direction, getattr(row, instant), row.pk)

    links = _cursor_links(
        request,
        following=cursor("next", rows[-1]) if has_next and rows else None,
        preceding=cursor("prev", rows[0]) if has_prev and rows else None,
    )
    return Response({"data": serialize(rows), "meta": {"per_page": per_page}, "links": links})


def numbered_list(
    request: Request,
    queryset: QuerySet[Any],
    *,
    name: str,
    number: str,
    filters: Mapping[str, Any],
    serialize: Serialize,
    meta: Mapping[str, Any],
) -> Response:
    """`{data, meta, links}` by keyset on the unique column `number`, smallest first; else as `cursor_list`."""
    per_page = positive_int(request, "per_page", default=DEFAULT_PER_PAGE, maximum=MOST_PER_PAGE)
    signer = Signer(salt=f"cursor.{name}.{_fingerprint(filters)}")
    place = _read_cursor(signer, single(request, "cursor"))
    backwards = place is not None and place[0] == "prev"
    beyond = {} if place is None else {f"{number}__{'lt' if backwards else 'gt'}": place[2]}
    ordered = queryset.filter(**beyond).order_by(f"-{number}" if backwards else number)
    rows = list(ordered[: per_page + 1])
    more, rows = len(rows) > per_page, rows[:per_page]
    if backwards:
        rows.reverse()
    has_next, has_prev = (True, more) if backwards else (more, place is not None)

    def cursor(direction: str, row: Any) -> str:
        return _write_cursor(signer, direction, _NO_INSTANT, getattr(row, number))

    links = _cursor_links(
        request,
        following=cursor("next", rows[-1]) if has_next and rows else None,
        preceding=cursor("prev", rows[0]) if has_prev and rows else None,
    )
    return Response({"data": serialize(rows), "meta": {"per_page": per_page, **meta}, "links": links})


def _cursor_links(request: Request, *, following: str | None, preceding: str | None) -> dict[str, str | None]:
    others = [(key, value) for key, values in request.GET.lists() for value in values if key != "cursor"]

    def link(cursor: str | None) -> str | None:
        return cursor and f"{absolute(request.path)}?{urlencode([*others, ('cursor', cursor)])}"

    return {"self": absolute(request.get_full_path()), "next": link(following), "prev": link(preceding)}


def _fingerprint(filters: Mapping[str, Any]) -> str:
    text = json.dumps(dict(filters), sort_keys=True, default=str)
    return hmac.digest(settings.SECRET_KEY.encode(), text.encode(), hashlib.sha256)[:CURSOR_DIGEST_BYTES].hex()


def _after(queryset: QuerySet[Any], instant: str, place: tuple[str, datetime, str] | None) -> QuerySet[Any]:
    if place is None:
        return queryset
    direction, when, key = place
    sign = "gt" if direction == "prev" else "lt"
    return queryset.filter(Q(**{f"{instant}__{sign}": when}) | Q(**{instant: when, f"pk__{sign}": key}))


def _write_cursor(signer: Signer, direction: str, when: datetime, key: Any) -> str:
    signed = signer.sign(json.dumps([direction, when.isoformat(), str(key)]))
    return base64url.encode(signed.encode())


def _read_cursor(signer: Signer, raw: str | None) -> tuple[str, datetime, str] | None:
    if raw is None:
        return None
    try:
        signed = base64url.decode(raw).decode()
        direction, when, key = json.loads(signer.unsign(signed))
        return direction, datetime.fromisoformat(when), str(uuid.UUID(key)) if "-" in key else str(int(key))
    except Exception as fault:
        detail = "The cursor is not one of this list with these filters."
        raise ValidationFailed(errors=[FieldError("invalid", detail, parameter="cursor")]) from fault
