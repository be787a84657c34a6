"""Tags, categories, technologies and authors."""

from collections.abc import Mapping
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import ProtectedError
from django.utils.text import slugify

from audit.actions import record
from cms.actions import version
from cms.errors import InUse
from cms.models import Author, Category, Tag, Technology
from cms.snapshots import as_json
from common.actor import Actor
from common.target import Target
from common.validation import check

T = TypeVar("T", Author, Category, Tag, Technology)


@transaction.atomic
def create(*, model: type[T], values: Mapping[str, Any], by: Actor) -> T:
    """Add a term or an author, and return it; a slug that is not given is made from the name."""
    row = model(**{**values, "slug": values.get("slug") or slugify(str(values.get("name", "")))})
    check(row)
    row.save(force_insert=True)
    record(action="taxonomy.created", by=by, target=Target.of(row), after=_words(values))
    version.bump(by=by)
    return row


@transaction.atomic
def update(*, row: T, values: Mapping[str, Any], by: Actor) -> T:
    """Change a term or an author, and return it."""
    kept: T = type(row)._default_manager.select_for_update().get(pk=row.pk)
    before = {key: getattr(kept, key) for key in values}
    changed = {key: value for key, value in values.items() if value != before[key]}
    if not changed:
        return kept
    for key, value in changed.items():
        setattr(kept, key, value)
    check(kept)
    kept.save()
    record(
        action="taxonomy.updated",
        by=by,
        target=Target.of(kept),
        before=_words({key: before[key] for key in changed}),
        after=_words(changed),
    )
    version.bump(by=by)
    return kept


@transaction.atomic
def delete(*, row: T, by: Actor) -> None:
    """Remove what nothing uses; InUse otherwise."""
    kept: T = type(row)._default_manager.select_for_update().get(pk=row.pk)
    target = Target.of(kept)
    if any(getattr(kept, name).exists() for name in ("posts", "services", "projects") if hasattr(kept, name)):
        raise InUse
    try:
        kept.delete()
    except ProtectedError as fault:
        raise InUse from fault
    record(action="taxonomy.deleted", by=by, target=target)
    version.bump(by=by)


def _words(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: as_json(value) for key, value in values.items()}
