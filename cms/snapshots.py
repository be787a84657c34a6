"""An item as JSON, and back: what revisions hold.

A snapshot has one key for each editable column and each many-to-many relation: keys of other rows as text, instants
and days in ISO 8601, ordered relations in their order.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from django.db import models

from cms.models import MediaAsset, Ordered, Publishable, Revision
from cms.walltime import is_sound
from common.errors import FieldError, ValidationFailed

Snapshot = dict[str, Any]
Upgrader = Callable[[str, Snapshot], Snapshot]
SCHEMA_VERSION = 2


def _who_verified(item_type: str, snapshot: Snapshot) -> Snapshot:
    """From 1 to 2: testimonials also say who vouched for them; of the older ones nobody wrote it down."""
    return {**snapshot, "verified_by": ""} if item_type == "testimonial" else snapshot


# What brings a snapshot of the version that is the key to the next one.
UPGRADERS: dict[int, Upgrader] = {1: _who_verified}


def upgraded(item_type: str, snapshot: Mapping[str, Any], schema_version: int) -> Snapshot:
    """Return a stored snapshot of an item type in today's shape; one of a newer release is left as it is."""
    current = dict(snapshot)
    for version in range(schema_version, SCHEMA_VERSION):
        current = UPGRADERS[version](item_type, current)
    return current


def of(model: type[Publishable], revision: Revision) -> Snapshot:
    """Return what a revision holds in today's shape: exactly the keys that the model has now."""
    stored = upgraded(revision.item_type, revision.snapshot, revision.schema_version)
    return {key: stored.get(key, value) for key, value in blank(model).items()}


def columns(model: type[models.Model]) -> list["models.Field[Any, Any]"]:
    """The columns that belong to a draft: those that staff write, and those that are recorded of their writing."""
    recorded = getattr(model, "RECORDED", ())
    return [field for field in model._meta.concrete_fields if field.editable or field.name in recorded]


def relations(model: type[models.Model]) -> list[str]:
    """The names of the many-to-many relations."""
    return [field.name for field in model._meta.many_to_many]


def blank(model: type[Publishable]) -> Snapshot:
    """The snapshot of an item that has only its defaults."""
    fresh = model()
    values = {field.name: as_json(field.value_from_object(fresh)) for field in columns(model)}
    return values | {name: [] for name in relations(model)}


def merged(model: type[Publishable], snapshot: Mapping[str, Any], values: Mapping[str, Any]) -> Snapshot:
    """Return `snapshot` with `values` in place; an unknown key is ValidationFailed.

    A relation to one row takes the row, its key or None; relations to many take any iterable of those, and ordered
    ones with texts take mappings such as `{"media": asset, "caption": "…"}` as well.
    """
    known = {field.name for field in columns(model)} - set(model.RECORDED) | set(relations(model))
    unknown = [
        FieldError("unknown_field", f"{model.__name__} has no such field.", f"#/{key}")
        for key in values
        if key not in known
    ]
    if unknown:
        raise ValidationFailed(errors=unknown)
    ordered = model.ORDERED
    many = set(relations(model))
    changes = {key: _many(value, ordered.get(key)) if key in many else as_json(value) for key, value in values.items()}
    return {**snapshot, **changes}


def _many(value: Iterable[Any], ordered: Ordered | None) -> list[Any]:
    if ordered is None:
        return sorted({str(as_json(one)) for one in value})
    if not ordered.texts:
        return list(dict.fromkeys(str(as_json(one)) for one in value))
    return [_pair(one, ordered) for one in value]


def _pair(one: Any, ordered: Ordered) -> dict[str, str]:
    entry = one if isinstance(one, Mapping) else {ordered.target: one}
    texts = {name: str(entry.get(name, "")) for name in ordered.texts}
    return {ordered.target: str(as_json(entry[ordered.target])), **texts}


def as_json(value: Any) -> Any:
    """Return a column's value as JSON holds it; instants in UTC and whole seconds, as forms and the API have them."""
    if isinstance(value, models.Model):
        value = value.pk
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        told = value.astimezone(UTC) if is_sound(value) else value
        return told.replace(microsecond=0).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, models.Choices) else value


def load(item: Publishable, snapshot: Mapping[str, Any]) -> None:
    """Set the columns of `item` in memory; keys that the snapshot lacks keep their values."""
    for field in columns(type(item)):
        if field.name in snapshot:
            value = snapshot[field.name]
            setattr(item, field.attname, None if value is None else field.to_python(value))
            if field.is_relation:
                item._state.fields_cache.pop(field.name, None)


def fill(item: Publishable, snapshot: Mapping[str, Any]) -> None:
    """Set the columns of `item` in memory, and those that are computed from them."""
    load(item, snapshot)
    item.derive()


def newest(item: Publishable) -> Snapshot:
    """Return the newest draft's values, complete even if its revision is older than a column."""
    return of(type(item), item.latest_revision) if item.latest_revision else blank(type(item))


def pictures(model: type[Publishable]) -> list[str]:
    """The keys that hold pictures, one or many."""
    fields = (*columns(model), *model._meta.many_to_many)
    return [field.name for field in fields if field.related_model is MediaAsset]


def targets(model: type[Publishable], name: str, entries: Iterable[Any]) -> list[str]:
    """The keys of the rows that a snapshot's entries for a many-to-many relation name."""
    return _targets(entries, model.ORDERED.get(name))


def target(entry: Any, ordered: Ordered | None) -> str:
    """The key of the row that one entry of a relation names."""
    return str(entry[ordered.target] if ordered and ordered.texts else entry)


def _targets(entries: Iterable[Any], ordered: Ordered | None) -> list[str]:
    return [target(entry, ordered) for entry in entries]


def write_relations(item: Publishable, snapshot: Mapping[str, Any]) -> None:
    """Make the many-to-many rows of `item` equal to the snapshot."""
    for name in relations(type(item)):
        ordered = type(item).ORDERED.get(name)
        if ordered is None:
            getattr(item, name).set(snapshot[name])
        else:
            _write_ordered(item, ordered, snapshot[name])


def _write_ordered(item: Publishable, ordered: Ordered, entries: Iterable[Any]) -> None:
    through = item._meta.apps.get_model(ordered.through)
    through._default_manager.filter(**{ordered.owner: item}).delete()
    rows = []
    for position, entry in enumerate(entries):
        pair = entry if ordered.texts else {ordered.target: entry}
        texts = {name: pair[name] for name in ordered.texts}
        rows.append(
            through(
                **{ordered.owner: item, f"{ordered.target}_id": pair[ordered.target], "position": position}, **texts
            )
        )
    through._default_manager.bulk_create(rows)


def digest(snapshot: Mapping[str, Any]) -> str:
    """SHA-256 of the snapshot's canonical JSON, in hex."""
    text = json.dumps(snapshot, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
