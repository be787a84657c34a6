"""Reading drafts: staff by `view=draft`, others by the token of a preview link."""

from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from cms import reading, rights, selectors, snapshots
from cms.actions import previews
from cms.api import query
from cms.api.listing import MOST_ROWS, version_and_total
from cms.api.subjects import TheOne, answer, drafts_of, private
from cms.constants import State
from cms.drafted import only_live
from cms.models import ContentItem
from cms.registry import ContentType, Kind, Singleton
from common.errors import NotFound
from common.pagination import page_response, wanted_page
from common.parameters import refuse_unknown, single


def page(request: Request, kind: ContentType) -> Response:
    """Answer with a page of newest drafts; sorts and filters look at the public values where there are any."""
    selection = query.draft_selection(request, kind, listing=True)
    rows = _wanted(request, kind)
    version, total = version_and_total(rows)
    wanted = wanted_page(request)
    wanted.require(total)
    ordered = query.ordered(request, rows.select_related("latest_revision", "live_revision"), kind)
    items = list(ordered[wanted.bounds]) if wanted.bounds.stop <= MOST_ROWS else []
    data = drafts_of(request.user, items, selection)
    return private(page_response(request, wanted, data, total=total, meta={"content_version": version.number}))


def _wanted(request: Request, kind: ContentType) -> QuerySet[Any]:
    """The rows that this colleague may see, narrowed by the filters of drafts and the type's own."""
    rows = rights.readable(request.user, kind.model).filter(deleted_at__isnull=not query.in_trash(request))
    state = query.draft_state(request)
    if state is not None:  # of an item whose draft is hidden nobody is told more than that it is live
        rows = rows.filter(
            Q(state=state, draft_hidden=False) | Q(draft_hidden=True, live_revision__isnull=state != State.LIVE)
        )
    others = [one for one in kind.filters if one.kind is not Kind.SLUGS]
    slugs = next((one for one in kind.filters if one.kind is Kind.SLUGS and one.name in request.GET), None)
    if slugs is not None:
        names = query.value(request, slugs)
        rows = rows.filter(Q(slug__in=names) | Q(draft_slug__in=names, draft_hidden=False))
    return query.filtered(request, rows, others)


def detail(request: Request, kind: ContentType, name: str) -> Response:
    """Answer with the newest draft of the item at a live slug, a draft's slug or an id."""
    selection = query.draft_selection(request, kind, listing=False)
    item = selectors.item_for(request.user, kind, name)
    return private(Response(drafts_of(request.user, [item], selection)[0]), item)


def the_one(request: Request, one: Singleton) -> Response:
    """Answer with the newest draft of a type with one row.

    What readers get as long as nothing was written, or published for those who may not read drafts.
    """
    refuse_unknown(request, ("view",))
    item = selectors.the_row_of(one)
    if item is None or not (item.is_public or rights.may_see_draft(request.user, item)):
        fresh: Any = one.model()
        return private(Response({**one.read(), **reading.staff_keys(fresh)}), fresh)
    return answer(request, TheOne(one), item)


def preview(request: Request, kind: ContentType, name: str) -> Response:
    """Answer with the version that a preview link shows, as readers would get it; NotFound for a bad token."""
    selection = query.detail_selection(request, kind)
    with transaction.atomic():  # an opening under a foreign name does not count
        item, revision = previews.opened(token=single(request, "preview") or "", kind_name=kind.name)
        snapshot = snapshots.of(type(item), revision)
        if not isinstance(item, ContentItem) or name not in {
            str(item.pk), item.slug, item.draft_slug, snapshot["slug"],
        }:  # fmt: skip
            raise NotFound
    found = reading.drafts([(item, snapshot)], selection.outputs, selection.includes, visible=only_live)
    response = private(Response(found[0]))
    response["X-Robots-Tag"] = "noindex"
    return response
