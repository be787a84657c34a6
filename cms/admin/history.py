"""Every version of an item: who made it and when, what differs between any two, and going back to one."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect

from cms import selectors, snapshots
from cms.actions import history
from cms.admin import compared, words
from cms.constants import COMMENT_MAX
from cms.models import Publishable, Revision
from common.admin import refusals
from common.clock import db_now
from common.errors import DomainError, NotFound

VERSIONS_A_PAGE = 30
MOST_DIGITS = 9


class RestoreForm(forms.Form):
    """A word to colleagues, and the version that was looked at."""

    comment = forms.CharField(label="Comment", required=False, max_length=COMMENT_MAX, help_text="For the history.")
    read_version = forms.IntegerField(widget=forms.HiddenInput)


def timeline(admin: Any, request: HttpRequest, item: Publishable) -> HttpResponse:
    """The versions, newest first; two of them can be chosen to be compared."""
    pages = Paginator(selectors.revisions_of(item).defer("snapshot"), VERSIONS_A_PAGE)
    page, now = pages.get_page(request.GET.get("p")), db_now()
    before, after = _default_pair(item)
    may_restore = admin.has_change_permission(request, item)
    context = {
        "page": page,
        "versions": [_shown(admin, one, item, now) for one in page],
        "after": after,
        "before": before,
        "chip": words.chip(item, now=now),
        "may_restore": may_restore,
        "may_preview": admin.may_preview(request),
    }
    answer: HttpResponse = admin.render_item(request, item, "history", "History", context)
    return answer


def compare(admin: Any, request: HttpRequest, item: Publishable) -> HttpResponse:
    """Two versions side by side; unless asked otherwise the newest beside the live one, or the one before it."""
    before, after = _wanted_pair(request, item)
    now = db_now()
    sides = [snapshots.of(type(item), one) for one in (before, after)]
    context = {
        "before": _shown(admin, before, item, now),
        "after": _shown(admin, after, item, now),
        "changes": compared.of(item, *sides, reader=request.user),
        "may_restore": admin.has_change_permission(request, item),
    }
    title = f"Version {before.number} beside version {after.number}"
    answer: HttpResponse = admin.render_item(request, item, "compare", title, context)
    return answer


def restore(admin: Any, request: HttpRequest, item: Publishable, number: int) -> HttpResponse:
    """Show what going back would change, and do it once that is confirmed."""
    if not admin.has_change_permission(request, item):
        raise PermissionDenied
    revision = _revision(item, number)
    form = RestoreForm(request.POST if request.method == "POST" else None, initial={"read_version": item.lock_version})
    if request.method == "POST" and form.is_valid() and _restored(admin, request, item, number, form):
        return HttpResponseRedirect(admin.item_urls(item)["change"])
    older = snapshots.of(type(item), revision)
    context = {
        "form": form,
        "version": _shown(admin, revision, item, db_now()),
        "changes": compared.of(item, snapshots.newest(item), older, reader=request.user),
    }
    answer: HttpResponse = admin.render_item(request, item, "restore", f"Go back to version {number}", context)
    return answer


def _restored(admin: Any, request: HttpRequest, item: Publishable, number: int, form: RestoreForm) -> bool:
    try:
        history.restore(
            item=type(item)._default_manager.get(pk=item.pk),
            number=number,
            by=admin.actor(request),
            expected_version=form.cleaned_data["read_version"],
            comment=form.cleaned_data["comment"],
        )
    except DomainError as refusal:
        refusals.add_to(form, refusals.Refusal.of(refusal))
        return False
    messages.success(request, f"The draft is version {number} again. Readers see it once it is published.")
    return True


def _default_pair(item: Publishable) -> tuple[int, int]:
    """The numbers of the versions that are compared unless somebody chooses others."""
    newest = item.latest_revision.number if item.latest_revision else 1
    live = item.live_revision.number if item.live_revision else newest
    if live != newest:
        return live, newest
    earlier = selectors.revisions_of(item).filter(number__lt=newest).order_by("-number")
    return earlier.values_list("number", flat=True).first() or newest, newest


def _wanted_pair(request: HttpRequest, item: Publishable) -> tuple[Revision, Revision]:
    """The two versions of the address, the older one first."""
    defaults = _default_pair(item)
    numbers = [_number(request.GET.get(name), default) for name, default in zip(("from", "to"), defaults, strict=True)]
    before, after = (_revision(item, number) for number in sorted(numbers))
    return before, after


def _number(text: str | None, default: int) -> int:
    if not text:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS):
        raise Http404
    return int(text)


def _revision(item: Publishable, number: int) -> Revision:
    try:
        return selectors.revision(item, number)
    except NotFound as absent:
        raise Http404 from absent


def _shown(admin: Any, revision: Revision, item: Publishable, now: Any) -> dict[str, Any]:
    """A version as the pages show it."""
    marks = {"Live": item.live_revision_id, "Newest": item.latest_revision_id, "Planned": item.scheduled_revision_id}
    return {
        "revision": revision,
        "marks": [word for word, key in marks.items() if key == revision.pk],
        "when": words.moment(revision.created_at, now=now),
        "ago": words.distance(revision.created_at, now=now),
        "is_newest": revision.pk == item.latest_revision_id,
        "restore_url": admin.item_url(item, "restore", revision.number),
    }
