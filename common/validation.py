"""Django's validation of models, refused as the API refuses."""

from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db.models import Model

from common.errors import FieldError, ValidationFailed


def check(row: Model, **options: Any) -> None:
    """Clean the row (`options` are those of `full_clean`); raises ValidationFailed with a pointer to each fault."""
    try:
        row.full_clean(**options)
    except ValidationError as fault:
        raise ValidationFailed(errors=faults(fault)) from fault


def faults(fault: ValidationError) -> list[FieldError]:
    """Django's validation errors as ours, each with a pointer to its field."""
    places = fault.error_dict if hasattr(fault, "error_dict") else {NON_FIELD_ERRORS: fault.error_list}
    return [
        FieldError(error.code or "invalid", " ".join(error.messages), "#" if name == NON_FIELD_ERRORS else f"#/{name}")
        for name, errors in places.items()
        for error in errors
    ]
