"""The strict query parameters of public content: whatever is not allowed is refused, with what is."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request

from cms.constants import SLUG_MAX, State
from cms.drafted import STAFF
from cms.output import Output
from cms.registry import ContentType, Filter, Include, Kind
from cms.shared import SLUGS_MAX
from common.errors import FieldError, ValidationFailed
from common.parameters import refuse_unknown, single

PAGING = ("page", "per_page")
SHAPE = ("fields", "include")
DETAIL_PARAMETERS = (*SHAPE, "view", "preview")
LIST_PARAMETERS = (*PAGING, "sort", *SHAPE, "view")
OF_DRAFTS = ("state", "trash")
DRAFT = "draft"
TEXT_MAX = 200
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:Z|[+-]\d{2}:\d{2})", re.ASCII)
_NUMBER = re.compile(r"[1-9]\d{0,8}", re.ASCII)


@dataclass(frozen=True)
class Selection:
    """What an answer holds."""

    outputs: tuple[Output, ...]
    includes: tuple[Include, ...]


def detail_selection(request: Request, content_type: ContentType) -> Selection:
    """Read `fields` and `include` of a detail; nothing else is allowed."""
    refuse_unknown(request, DETAIL_PARAMETERS)
    return _selection(request, content_type.outputs, content_type.outputs.values(), content_type.includes)


def list_selection(request: Request, content_type: ContentType) -> Selection:
    """Read `fields` and `include` of a list, and refuse every parameter that this list does not have."""
    refuse_unknown(request, (*LIST_PARAMETERS, *(one.name for one in content_type.filters)))
    return _selection(request, content_type.outputs, content_type.list_outputs, content_type.includes)


def draft_selection(request: Request, content_type: ContentType, *, listing: bool) -> Selection:
    """Read the same of a list of drafts, or of one; staff may name their own keys too."""
    others = (
        (*LIST_PARAMETERS, *OF_DRAFTS, *(one.name for one in content_type.filters)) if listing else (*SHAPE, "view")
    )
    refuse_unknown(request, others)
    default = content_type.list_outputs if listing else content_type.outputs.values()
    own = (*content_type.draft_outputs, *STAFF)
    known = content_type.outputs | {output.name: output for output in own}
    return _selection(request, known, (*default, *(STAFF if listing else own)), content_type.includes)


def wants_draft(request: Request) -> bool:
    """Whether `view` asks for drafts; raises ValidationFailed for any other view."""
    view = single(request, "view")
    if view is not None and view != DRAFT:
        raise _invalid("view", f"Allowed: {DRAFT}.")
    return view is not None


def _selection(
    request: Request, known: Mapping[str, Output], default: Iterable[Output], possible: Sequence[Include]
) -> Selection:
    names = _words(request, "fields", known)
    includes = {one.key: one for one in possible}
    wanted = _words(request, "include", includes) or []
    keys = names if names is not None else [output.name for output in default]
    keys += [key for key in wanted if key not in keys]
    return Selection(tuple(known[key] for key in keys), tuple(includes[key] for key in wanted))


def _words(request: Request, parameter: str, allowed: Iterable[str]) -> list[str] | None:
    """Split a comma-separated parameter; None when it is absent."""
    raw = single(request, parameter)
    if raw is None:
        return None
    words = list(dict.fromkeys(raw.split(",")))
    if not set(words) <= set(allowed):
        raise _invalid(parameter, f"Allowed: {', '.join(sorted(allowed)) or 'none'}.")
    return words


def ordered(request: Request, queryset: QuerySet[Any], content_type: ContentType) -> QuerySet[Any]:
    """Sort by `sort`, or as the type says, with the id last so that pages are stable."""
    names = _words(request, "sort", content_type.sorts) or [content_type.default_sort]
    columns = [column for name in names for column in content_type.sorts[name]]
    # The id runs the way of the column before it: then one index serves both directions of a sort.
    return queryset.order_by(*columns, "-id" if names[-1].startswith("-") else "id")


def filtered(request: Request, queryset: QuerySet[Any], filters: Sequence[Filter]) -> QuerySet[Any]:
    """Apply every filter that the request names."""
    for one in filters:
        if one.name in request.GET:
            queryset = one.apply(queryset, value(request, one))
    return queryset


def value(request: Request, one: Filter) -> Any:
    """Read the value of a filter as its kind says."""
    if one.kind is Kind.SLUGS:
        values = request.GET.getlist(one.name)
        if len(values) > SLUGS_MAX or any(not 0 < len(value) <= SLUG_MAX for value in values):
            raise _invalid(one.name, f"Give at most {SLUGS_MAX} slugs of at most {SLUG_MAX} characters.")
        return values
    raw = single(request, one.name) or ""
    return _READERS[one.kind](raw, one)


def draft_state(request: Request) -> str | None:
    """Read the filter `state` of drafts."""
    state = single(request, "state")
    if state is not None and state not in State.values:
        raise _invalid("state", f"Allowed: {', '.join(State.values)}.")
    return state


def in_trash(request: Request) -> bool:
    """Read the filter `trash` of drafts: without it the trash stays out."""
    trash = single(request, "trash")
    if trash is not None and trash not in {"true", "false"}:
        raise _invalid("trash", "Allowed: true, false.")
    return trash == "true"


def _slug(raw: str, one: Filter) -> str:
    if not 0 < len(raw) <= SLUG_MAX:
        raise _invalid(one.name, f"A slug of at most {SLUG_MAX} characters is wanted.")
    return raw


def _boolean(raw: str, one: Filter) -> bool:
    if raw not in {"true", "false"}:
        raise _invalid(one.name, "Allowed: true, false.")
    return raw == "true"


def _number(raw: str, one: Filter) -> int:
    if not _NUMBER.fullmatch(raw) or not one.least <= int(raw) <= one.most:
        raise _invalid(one.name, f"A whole number from {one.least} to {one.most} is wanted.")
    return int(raw)


def _text(raw: str, one: Filter) -> str:
    if not 0 < len(raw.strip()) <= TEXT_MAX:
        raise _invalid(one.name, f"Give 1 to {TEXT_MAX} characters.")
    return raw


def _instant(raw: str, one: Filter) -> datetime:
    refusal = _invalid(one.name, "A day (2026-11-22) or an instant with its zone (2026-11-22T09:00:00Z) is wanted.")
    if not _DAY.fullmatch(raw) and not _INSTANT.fullmatch(raw):
        raise refusal
    try:
        instant = datetime.fromisoformat(raw)
    except ValueError as fault:  # 2026-02-30 looks like a day and is none
        raise refusal from fault
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


_READERS = {Kind.SLUG: _slug, Kind.BOOLEAN: _boolean, Kind.NUMBER: _number, Kind.TEXT: _text, Kind.INSTANT: _instant}


def _invalid(parameter: str, detail: str) -> ValidationFailed:
    return ValidationFailed(errors=[FieldError("invalid", detail, parameter=parameter)])
