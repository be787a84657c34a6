"""From a request's body to validated values."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from common.api.serializers import field_errors
from common.errors import ValidationFailed


def parse(request: Request, serializer: type[serializers.Serializer[Any]], *, partial: bool = False) -> dict[str, Any]:
    """The body's validated data; raises ValidationFailed with a pointer to each fault."""
    bound = serializer(data=request.data, partial=partial)
    if not bound.is_valid():
        raise ValidationFailed(errors=field_errors(bound.errors))
    values: dict[str, Any] = bound.validated_data
    return values
