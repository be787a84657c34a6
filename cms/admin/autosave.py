"""Saving what somebody types while they type; the form's script calls it, and says in words what came of it."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse

from cms.actions import drafts, previews
from cms.admin import words
from cms.models import Publishable
from common.clock import db_now
from common.errors import DomainError, PreconditionFailed

CONFLICT, INVALID = 409, 422
WITH_PREVIEW = "_with_preview"


def save(admin: Any, request: HttpRequest, item: Publishable) -> HttpResponse:
    """Autosave the form that was sent; with `_with_preview` answer a fresh preview link too.

    200 with the version that the form goes on with, 409 when somebody saved meanwhile, 422 when a field is wrong.
    """
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not admin.has_change_permission(request, item):
        return _answer("You may only read this.", status=403)
    form = admin.get_form(request, item, change=True)(request.POST, request.FILES, instance=item)
    if not form.is_valid():
        return _answer(f"Not saved: {_first(form)}", status=INVALID)
    try:
        return _saved(admin, request, item, form)
    except PreconditionFailed:
        return _answer(_who(type(item)._default_manager.select_related("latest_revision").get(pk=item.pk)), CONFLICT)
    except DomainError as refusal:
        return _answer(f"Not saved: {refusal.in_one_line}", status=INVALID)


def _saved(admin: Any, request: HttpRequest, item: Publishable, form: Any) -> HttpResponse:
    row, by = type(item)._default_manager.get(pk=item.pk), admin.actor(request)
    version, was_public = form.cleaned_data["read_version"] or 0, row.is_public
    kept = drafts.autosave(item=row, values=form.draft_values(), by=by, expected_version=version)
    facts: dict[str, Any] = {
        "version": kept.lock_version,
        "number": kept.latest_revision.number if kept.latest_revision else "",
    }
    if WITH_PREVIEW in request.POST and admin.may_preview(request):
        facts["preview"] = previews.issue(item=kept, by=by).url
    taken_off = f". {words.WITHDRAWN}" if was_public and not kept.is_public else ""
    return _answer(f"Draft saved {words.clock_time(db_now())}{taken_off}", **facts)


def _answer(text: str, status: int = 200, **facts: Any) -> JsonResponse:
    return JsonResponse({"words": text, **facts}, status=status)


def _first(form: Any) -> str:
    """The first thing that is wrong."""
    name, faults = next(iter(form.errors.items()))
    return f"{form[name].label}: {faults[0]}" if name in form.fields else str(faults[0])


def _who(item: Publishable) -> str:
    newest = item.latest_revision
    by = newest.author_label if newest else "Somebody"
    return f"{by} changed this meanwhile. Nothing more is saved by itself; what you typed stays here."
