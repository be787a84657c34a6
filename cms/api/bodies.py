"""Bodies of the write API: a serializer made of a type's writable keys, and the values that it gives to an action."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db.models import Model
from rest_framework.request import Request

from cms import writing
from cms.actions.previews import HOURS as PREVIEW_HOURS
from cms.actions.previews import HOURS_MAX as PREVIEW_HOURS_MAX
from cms.api.fields import Field, camel, field_of, named
from cms.constants import COMMENT_MAX
from cms.fields import PartsField
from cms.validators import validate_plain
from cms.writing import Writable
from common.api.serializers import InstantField, StrictCharField, StrictIntegerField, StrictSerializer, field_errors
from common.errors import DomainError, FieldError, ValidationFailed

Keys = tuple[Writable, ...]


class CommentRequest(StrictSerializer):
    """What is said about a move; no body at all will do too."""

    comment = StrictCharField(
        required=False, allow_blank=True, default="", max_length=COMMENT_MAX, validators=[validate_plain]
    )


class ScheduleRequest(StrictSerializer):
    """When a draft becomes public, and until when it stays so."""

    publish_at = InstantField()
    unpublish_at = InstantField(required=False, allow_null=True, default=None)


class PreviewLinkRequest(StrictSerializer):
    """How long a preview link works."""

    expires_in_hours = StrictIntegerField(
        required=False, default=PREVIEW_HOURS, min_value=1, max_value=PREVIEW_HOURS_MAX
    )


def bodies_of(name: str, model: type[Model], keys: Keys) -> tuple[type[StrictSerializer], type[StrictSerializer]]:
    """Return the serializers of a body that creates a row, and of one that changes it, where no key is required."""
    groups = {key.name: _group(name, model, key) for key in keys if key.is_group}
    made = [
        named(name, {key.name: _field(model, key, groups, partial=partial) for key in keys}, "What may be written.")
        for partial in (False, True)
    ]
    return made[0], made[1]


def _group(name: str, model: type[Model], key: Writable) -> type[StrictSerializer]:
    members = {member: _member(model, key, column) for column, member in key.columns.items()}
    return named(f"{name}{camel(key.name)}", members, f"The value of `{key.name}`.")


def _field(model: type[Model], key: Writable, groups: Mapping[str, type[StrictSerializer]], *, partial: bool) -> Field:
    nullable = key.optional or all(_may_be_empty(model, column) for column in key.columns)
    if key.name in groups:
        group: Field = groups[key.name](required=False, allow_null=nullable)
        return group
    column = next(iter(key.columns))
    required = not (partial or key.optional or _may_be_left_out(model, column))
    return field_of(model, column, required=required, allow_null=nullable)


def _member(model: type[Model], key: Writable, column: str) -> Field:
    if column in key.fields:
        own: Field = key.fields[column]
        return own
    nullable = not key.whole and _may_be_empty(model, column)
    return field_of(model, column, required=key.whole, allow_null=nullable)


def _may_be_empty(model: type[Model], column: str) -> bool:
    about: Any = model._meta.get_field(column)
    return bool(about.blank)


def _may_be_left_out(model: type[Model], column: str) -> bool:
    about: Any = model._meta.get_field(column)
    return bool(about.blank or about.has_default())


def read(
    request: Request,
    body: type[StrictSerializer],
    model: type[Model],
    keys: Keys,
    *,
    item: Any = None,
) -> dict[str, Any]:
    """Return the values of the request's body by column; raises ValidationFailed with a pointer to each fault.

    `item` is the key of the row that is changed, which cannot name itself.
    """
    bound = body(data=request.data, context={"user": request.user, "item": item})
    if not bound.is_valid():
        raise ValidationFailed(errors=field_errors(bound.errors))
    given: dict[str, Any] = bound.validated_data
    values: dict[str, Any] = {}
    for key in keys:
        if key.name in given:
            values |= _values(model, key, given[key.name])
    return values


def _values(model: type[Model], key: Writable, value: Any) -> dict[str, Any]:
    if value is None:
        return {column: _empty(model, column) for column in key.columns}
    if not key.is_group:
        return dict.fromkeys(key.columns, value)
    given: Mapping[str, Any] = value
    found = {column: given[member] for column, member in key.columns.items() if member in given}
    return {column: _empty(model, column) if one is None else one for column, one in found.items()}


def _empty(model: type[Model], column: str) -> Any:
    """What stands for nothing in a column or relation."""
    about: Any = model._meta.get_field(column)
    if about.many_to_many or isinstance(about, PartsField):
        return []
    return None if about.null else ""


@contextmanager
def faults_in_the_body(keys: Keys) -> Iterator[None]:
    """Let refusals point at keys of the body where an action names the model's columns."""
    places = writing.pointers(keys)
    try:
        yield
    except DomainError as fault:
        fault.errors = tuple(_moved(error, places) for error in fault.errors)
        raise


def _moved(error: FieldError, places: Mapping[str, str]) -> FieldError:
    column, slash, rest = error.pointer.removeprefix("#/").partition("/")
    if column not in places:
        return error
    return FieldError(error.code, error.detail, f"#/{places[column]}{slash}{rest}", error.parameter, error.members)
