"""The one way in which a draft's values are checked and cleaned, wherever they come from."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError

from cms import snapshots
from cms.constants import PARTS_MAX
from cms.models import MediaAsset, Ordered, Publishable
from cms.snapshots import Snapshot
from cms.validators import validate_plain
from cms.walltime import is_sound
from common.errors import FieldError, ValidationFailed
from common.validation import faults

NOWHERE = "It names something that does not exist."
GONE = "The picture is not there any more."


def cleaned(model: type[Publishable], snapshot: Snapshot, *, strict: Collection[str] | None = None) -> Snapshot:
    """Return the snapshot with every value validated and sanitised, or raise ValidationFailed.

    Drafts may be incomplete, so only what is there is judged, and the one name that every item needs. A reference to
    a row that is gone is refused at the keys in `strict` (None: at every key) and taken out elsewhere.
    """
    whole = {**snapshot, **_present(model, snapshot, strict)}
    _check_ordered(model, whole)
    probe = model()
    try:
        snapshots.load(probe, whole)
        probe.clean_fields(exclude={field.name for field in model._meta.fields if not field.editable})
        probe.clean()
        _check_instants(probe)
    except ValidationError as fault:
        raise ValidationFailed(errors=faults(fault)) from fault
    values = {field.name: snapshots.as_json(field.value_from_object(probe)) for field in snapshots.columns(model)}
    return values | {name: whole[name] for name in snapshots.relations(model)}


def _present(model: type[Publishable], snapshot: Snapshot, strict: Collection[str] | None) -> Snapshot:
    """The references of the snapshot, less those to rows that are gone; at the keys in `strict` these are refused."""
    found: Snapshot = {}
    gone: list[FieldError] = []
    for field in (*snapshots.columns(model), *model._meta.many_to_many):
        if field.related_model is None:
            continue
        value = snapshot[field.name]
        found[field.name] = kept = _kept(field, model.ORDERED.get(field.name), value)
        if kept != value and (strict is None or field.name in strict):
            what = GONE if field.related_model is MediaAsset else NOWHERE
            gone.append(FieldError("unknown", what, f"#/{field.name}"))
    if gone:
        raise ValidationFailed(errors=gone)
    return found


def _check_ordered(model: type[Publishable], snapshot: Snapshot) -> None:
    """Check the number of entries of ordered relations, and what is said about each."""
    found: list[FieldError] = []
    for name, ordered in model.ORDERED.items():
        if len(snapshot[name]) > PARTS_MAX:
            found.append(FieldError("max_length", f"Give at most {PARTS_MAX} entries.", f"#/{name}"))
        through = model._meta.apps.get_model(ordered.through)
        for place, entry in enumerate(snapshot[name]):
            for text in ordered.texts:
                try:
                    validate_plain(entry[text])
                    through._meta.get_field(text).run_validators(entry[text])
                except ValidationError as fault:
                    found.append(FieldError("invalid", " ".join(fault.messages), f"#/{name}/{place}/{text}"))
    if found:
        raise ValidationFailed(errors=found)


def _check_instants(probe: Publishable) -> None:
    """Refuse instants so far away that no zone can show them."""
    for field in snapshots.columns(type(probe)):
        value = getattr(probe, field.attname)
        if isinstance(value, datetime) and not is_sound(value):
            raise ValidationError({field.name: "There is no such time."})


def names_itself(item: Publishable, snapshot: Snapshot) -> list[str]:
    """Return the relations in which the snapshot of an item names the item itself."""
    own = str(item.pk)
    others = [field for field in item._meta.many_to_many if field.related_model is type(item)]
    return [field.name for field in others if own in snapshots.targets(type(item), field.name, snapshot[field.name])]


def _kept(field: Any, ordered: Ordered | None, value: Any) -> Any:
    """What of a relation's value leads to a row."""
    if not field.many_to_many:
        return value if value is not None and _known(field.related_model, [value]) else None
    known = _known(field.related_model, [snapshots.target(one, ordered) for one in value])
    return [one for one in value if snapshots.target(one, ordered) in known]


def _known(model: Any, keys: Iterable[str]) -> set[str]:
    """Those of the keys that a row has; none when one of them is no key at all."""
    wanted = set(keys)
    if not wanted:
        return wanted
    try:
        return {str(key) for key in model._default_manager.filter(pk__in=wanted).values_list("pk", flat=True)}
    except ValidationError:
        return set()
