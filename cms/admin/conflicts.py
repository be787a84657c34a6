"""Two people at one draft: what one saved beside what the other typed, field by field."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from cms import cleaning, snapshots
from cms.admin import compared
from cms.constants import RevisionKind
from cms.models import Publishable, Revision
from cms.snapshots import Snapshot
from common.errors import ValidationFailed

FOUND = "_studio_conflict"
KEEP = "keep_theirs"
READ_NUMBER = "read_number"
LONGEST_NUMBER = 10  # digits


@dataclass(frozen=True)
class Choice:
    """One field that differs; `untouched` says that whoever typed did not change it, so that theirs is the guess."""

    change: compared.Sides
    untouched: bool


@dataclass(frozen=True)
class Conflict:
    """Who saved meanwhile, and what differs from what was typed here."""

    by: str
    revision: Revision | None
    choices: list[Choice]


def note(request: HttpRequest) -> None:
    """Remember that this request came too late."""
    setattr(request, FOUND, True)


def kept_of_theirs(request: HttpRequest) -> set[str]:
    """The keys for which the compare was answered with the others' words."""
    return set(request.POST.getlist(KEEP))


def found(request: HttpRequest, item: Publishable, form: Any) -> Conflict | None:
    """The conflict of this request, or None; the form then names the version that was compared.

    `item` was read anew and holds the newest draft; the form is what was sent, and nothing of it is changed.
    """
    if not getattr(request, FOUND, False):
        return None
    theirs, base = snapshots.newest(item), _base(item, request)
    mine = _typed(item, theirs, form)
    form.data = form.data.copy()
    form.data["read_version"] = str(item.lock_version)
    choices = [
        Choice(change, untouched=base is not None and base[change.key] == mine[change.key])
        for change in compared.of(item, theirs, mine, reader=request.user)
    ]
    return Conflict(item.latest_revision.author_label if item.latest_revision else "", item.latest_revision, choices)


def _typed(item: Publishable, newest: Snapshot, form: Any) -> Snapshot:
    """What was typed, as it would be saved."""
    merged = snapshots.merged(type(item), newest, form.draft_values())
    try:
        return cleaning.cleaned(type(item), merged, strict=())
    except ValidationFailed:
        return merged


def read_number(request: HttpRequest, item: Publishable | None) -> str:
    """The number of the version that the form shows, or was made from when it comes back with faults."""
    if request.method == "POST" and not getattr(request, FOUND, False):
        return request.POST.get(READ_NUMBER, "")
    return str(item.latest_revision.number) if item is not None and item.latest_revision else ""


def _base(item: Publishable, request: HttpRequest) -> Mapping[str, Any] | None:
    """What the form showed when it was opened; None where that version is kept no longer."""
    rows = Revision.objects.filter(item_type=item._meta.model_name, item_id=str(item.pk))
    number = request.POST.get(READ_NUMBER, "")
    known = number.isascii() and number.isdecimal() and len(number) < LONGEST_NUMBER
    revision = rows.filter(number=int(number)).exclude(kind=RevisionKind.AUTOSAVE).first() if known else None
    return snapshots.of(type(item), revision) if revision else None
