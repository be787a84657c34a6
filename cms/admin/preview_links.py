"""An item's preview links: those that were made, how often each was opened, and closing them."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.utils.html import format_html

from cms import rights, selectors
from cms.actions import previews
from cms.admin import words
from cms.models import PreviewToken, Publishable
from common.actor import Actor
from common.clock import db_now
from common.errors import DomainError

LINKS_SHOWN = 50
LIFETIMES = ((24, "a day"), (previews.HOURS, "3 days"), (7 * 24, "a week"), (previews.HOURS_MAX, "30 days"))


class LinkForm(forms.Form):
    """How long a link lasts, and which version it shows."""

    hours = forms.TypedChoiceField(label="It works for", choices=LIFETIMES, coerce=int, initial=previews.HOURS)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=1)


def offer(request: HttpRequest, item: Publishable, *, by: Actor, hours: int = previews.HOURS, number: int = 0) -> None:
    """Make a link and show it in the message above the next page: afterwards nobody here knows it."""
    revision = selectors.revision(item, number) if number else item.latest_revision
    made = previews.issue(item=item, by=by, hours=hours, revision=revision)
    messages.success(
        request,
        format_html(
            'Preview of version {}: <a href="{}" target="_blank" rel="noopener">{}</a>. '
            "Whoever has this link sees it until {}; the link is shown only now.",
            revision.number if revision else "",
            made.url,
            made.url,
            words.moment(made.expires_at),
        ),
    )


def page(admin: Any, request: HttpRequest, item: Publishable) -> HttpResponse:
    """The list of links, and the form that makes one."""
    form = LinkForm(request.POST if request.method == "POST" else None, initial={"version": request.GET.get("version")})
    if request.method == "POST":
        if not admin.may_preview(request):
            raise PermissionDenied
        if form.is_valid():
            return _made(admin, request, item, form.cleaned_data)
    now = db_now()
    links = [_shown(admin, link, item, now) for link in selectors.previews_of(item)[:LINKS_SHOWN]]
    context = {"form": form, "links": links, "may_make": admin.may_preview(request), "may_revoke": _may_revoke(request)}
    answer: HttpResponse = admin.render_item(request, item, "previews", "Preview links", context)
    return answer


def revoke(admin: Any, request: HttpRequest, item: Publishable, token_id: UUID) -> HttpResponse:
    """Close one link."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not _may_revoke(request):
        raise PermissionDenied
    try:
        previews.revoke(item=item, token_id=token_id, by=admin.actor(request))
        messages.success(request, "The link is closed: it answers as if it had never been.")
    except DomainError as refusal:
        messages.error(request, refusal.in_one_line)
    return HttpResponseRedirect(admin.item_urls(item)["previews"])


def _made(admin: Any, request: HttpRequest, item: Publishable, wanted: dict[str, Any]) -> HttpResponse:
    try:
        offer(request, item, by=admin.actor(request), hours=wanted["hours"], number=wanted["version"] or 0)
    except DomainError as refusal:
        messages.error(request, refusal.in_one_line)
    return HttpResponseRedirect(admin.item_urls(item)["previews"])


def _may_revoke(request: HttpRequest) -> bool:
    user: Any = request.user
    return bool(user.has_perm(rights.REVOKE_PREVIEW))


def _shown(admin: Any, link: PreviewToken, item: Publishable, now: Any) -> dict[str, Any]:
    """A link as the page shows it."""
    over = "Closed" if link.revoked_at else "Expired" if link.expires_at <= now else ""
    return {
        "link": link,
        "over": over,
        "version": f"Version {link.revision.number}" if link.revision else "The newest version",
        "made": words.moment(link.created_at, now=now),
        "until": f"{words.moment(link.expires_at, now=now)}, {words.distance(link.expires_at, now=now)}",
        "opened": words.times(link.opened),
        "last": words.distance(link.last_opened_at, now=now) if link.last_opened_at else "",
        "revoke_url": admin.item_url(item, "revoke", link.pk),
    }
