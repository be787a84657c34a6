"""Tags, categories, technologies and authors."""

from collections.abc import Mapping
from typing import Any, TypeVar

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils.text import slugify

from audit.actions import record
from cms.actions import version
from cms.errors import InUse, SlugTaken
from cms.locks import locked
from cms.models import Author, Category, Tag, Technology
from cms.models.taxonomy import Term
from cms.snapshots import as_json
from common.actor import Actor
from common.errors import FieldError, ValidationFailed
from common.target import Target
from common.validation import check

T = TypeVar("T", Author, Category, Tag, Technology)


@transaction.atomic
def create(*, model: type[T], values: Mapping[str, Any], by: Actor) -> T:
    """Add a term or an author, and return it; a slug that is not given is made from the name.

    Raises SlugTaken, and ValidationFailed for another term's name.
    """
    row = model(**{**values, "slug": values.get("slug") or slugify(str(values.get("name", "")))})
    _write(row, force_insert=True)
    record(action="taxonomy.created", by=by, target=Target.of(row), after=_words(values))
    version.bump(by=by)
    return row


@transaction.atomic
def update(*, row: T, values: Mapping[str, Any], by: Actor) -> T:
    """Change a term or an author, and return it; an empty slug stays as it is.

    Raises as `create` does, and NotFound once it is gone.
    """
    kept = locked(row)
    before = {key: getattr(kept, key) for key in values}
    changed = {key: value for key, value in values.items() if value != before[key] and (value or key != "slug")}
    if not changed:
        return kept
    for key, value in changed.items():
        setattr(kept, key, value)
    _write(kept)
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
    """Remove what nothing uses; InUse otherwise, NotFound once it is gone."""
    kept = locked(row)
    target = Target.of(kept)
    if any(getattr(kept, name).exists() for name in ("posts", "services", "projects") if hasattr(kept, name)):
        raise InUse
    try:
        kept.delete()
    except ProtectedError as fault:
        raise InUse from fault
    record(action="taxonomy.deleted", by=by, target=target)
    version.bump(by=by)


def _write(row: T, **options: Any) -> None:
    """Check and save; whoever else takes the slug or the name at the same moment is found by looking again."""
    _refuse_taken(row)
    check(row)
    try:
        with transaction.atomic():
            row.save(**options)
    except IntegrityError:
        _refuse_taken(row)
        raise


def _refuse_taken(row: T) -> None:
    others = type(row)._default_manager.exclude(pk=row.pk)
    if others.filter(slug=row.slug).exists():
        raise SlugTaken(errors=[FieldError("slug_taken", "Another one has this slug.", "#/slug")])
    if isinstance(row, Term) and others.filter(name__iexact=row.name).exists():
        raise ValidationFailed(errors=[FieldError("unique", "There is one of this name already.", "#/name")])


def _words(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: as_json(value) for key, value in values.items()}
