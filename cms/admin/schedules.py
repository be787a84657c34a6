"""When an item goes live and when it goes off again, in the studio's time and in the reader's."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone

from cms import gaps, snapshots, workflow
from cms.actions import publishing
from cms.admin import words
from cms.constants import COMMENT_MAX, State
from cms.models import ContentItem, Publishable
from cms.walltime import instant_of
from common.actor import Actor
from common.admin import refusals
from common.clock import db_now
from common.errors import DomainError

UNSCHEDULE = "_unschedule"
PASSED = "This time has passed. To let readers see it at once, publish it."
PICKER = "%Y-%m-%dT%H:%M"


class WallTimeField(forms.Field):
    """A local time of the studio as the browser's picker sends it; what clocks make of it the action says."""

    widget = forms.DateTimeInput(format=PICKER, attrs={"type": "datetime-local", "data-studio-time": ""})

    def to_python(self, value: Any) -> datetime | None:
        """The naive time, or None."""
        if not value:
            return None
        try:
            return datetime.fromisoformat(str(value).strip()).replace(tzinfo=None, second=0, microsecond=0)
        except ValueError as fault:
            raise forms.ValidationError("Write it as 2026-11-24 09:00.", code="invalid") from fault


class ScheduleForm(forms.Form):
    """The times, and a word to colleagues."""

    publish_at = WallTimeField(label="Goes live")
    unpublish_at = WallTimeField(label="Goes off again", required=False, help_text="Left empty, it stays.")
    comment = forms.CharField(label="Comment", required=False, max_length=COMMENT_MAX, help_text="For the history.")
    read_version = forms.IntegerField(widget=forms.HiddenInput)


def page(admin: Any, request: HttpRequest, item: Publishable) -> HttpResponse:
    """Show the plan, change it, or call it off."""
    may = admin.may_publish(request)
    if request.method == "POST" and not may:
        raise PermissionDenied
    if request.method == "POST" and UNSCHEDULE in request.POST:
        return _called_off(admin, request, item)
    form = _form(item, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and _planned(admin, request, item, form):
        return HttpResponseRedirect(admin.item_urls(item)["change"])
    answer: HttpResponse = admin.render_item(request, item, "schedule", "Schedule", _context(item, form, may))
    return answer


def _form(item: Publishable, data: Any) -> ScheduleForm:
    initial = {"publish_at": _local(item.publish_at), "unpublish_at": _local(item.unpublish_at)}
    form = ScheduleForm(data, initial={**initial, "read_version": item.lock_version})
    if not isinstance(item, ContentItem):
        del form.fields["unpublish_at"]
    return form


def _planned(admin: Any, request: HttpRequest, item: Publishable, form: ScheduleForm) -> bool:
    """Schedule it; a refusal is written into the form."""
    try:
        if instant_of(form.cleaned_data["publish_at"], pointer="#/publish_at") <= db_now():
            form.add_error("publish_at", PASSED)
            return False
        row = _schedule(item, form.cleaned_data, by=admin.actor(request))
    except DomainError as refusal:
        refusals.add_to(form, refusals.Refusal.of(refusal))
        return False
    messages.success(request, f"It is planned: {words.state(row, now=db_now())}.")
    return True


@transaction.atomic
def _schedule(item: Publishable, wanted: Mapping[str, Any], *, by: Actor) -> Publishable:
    """Plan it anew; what was planned before is called off in the same transaction."""
    row, version = type(item)._default_manager.get(pk=item.pk), wanted["read_version"]
    if row.state == State.SCHEDULED:
        row = publishing.unschedule(item=row, by=by, expected_version=version)
        version = row.lock_version
    planned: Publishable = publishing.schedule(
        item=row,
        publish_at=wanted["publish_at"],
        unpublish_at=wanted.get("unpublish_at"),
        by=by,
        comment=wanted["comment"],
        expected_version=version,
    )
    return planned


def _called_off(admin: Any, request: HttpRequest, item: Publishable) -> HttpResponse:
    try:
        publishing.unschedule(item=type(item)._default_manager.get(pk=item.pk), by=admin.actor(request))
        messages.success(request, "The plan is called off: nothing happens by itself.")
    except DomainError as refusal:
        messages.error(request, refusal.in_one_line)
    return HttpResponseRedirect(admin.item_urls(item)["schedule"])


def _context(item: Publishable, form: ScheduleForm, may: bool) -> dict[str, Any]:
    now = db_now()
    return {
        "form": form,
        "may_schedule": may and {"schedule", "unschedule"} & set(workflow.allowed(item)),
        "version": item.latest_revision.number if item.latest_revision else "",
        "may_unschedule": may and "unschedule" in workflow.allowed(item),
        "chip": words.chip(item, now=now),
        "planned": item.publish_at if item.state == State.SCHEDULED else None,
        "missing": gaps.missing(type(item), snapshots.newest(item)),
        "zone": settings.STUDIO_TIME_ZONE,
        "zone_now": words.moment(now),
    }


def _local(value: datetime | None) -> datetime | None:
    """The studio's wall time of an instant."""
    return timezone.make_naive(timezone.localtime(value)) if value else None
