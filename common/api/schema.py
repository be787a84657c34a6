"""The OpenAPI description: one decorator names an operation, its answers and every problem code that it may give."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, TypeVar

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from common.errors import (
    DatabaseUnavailable,
    DomainError,
    InternalError,
    MalformedJson,
    MethodNotAllowed,
    NotAcceptable,
    NotAuthenticated,
    PayloadTooLarge,
    PermissionDenied,
    UnsupportedMediaType,
    ValidationFailed,
)

F = TypeVar("F", bound=Callable[..., Any])
Who = Literal["public", "staff", "staff_or_none", "token", "any"]
PROBLEM = "application/problem+json"
SECURITY: dict[str, list[dict[str, list[str]]]] = {
    "public": [{}],
    "staff": [{"staffToken": []}],
    "staff_or_none": [{}, {"staffToken": []}],
    "token": [{"bookingToken": []}, {"staffToken": []}],
    "any": [{}, {"staffToken": []}, {"bookingToken": []}],
}


class Schema(AutoSchema):
    """drf-spectacular's view inspector without guesses at authentication and tags."""

    def get_auth(self) -> list[Any]:
        """Only what `operation` says."""
        return []

    def get_filter_backends(self) -> list[Any]:
        """Parameters are declared by `operation`, not found in filter backends."""
        return []


def operation(
    operation_id: str,
    *,
    request: Any = None,
    responses: Mapping[Any, Any],
    errors: Iterable[type[DomainError]] = (),
    parameters: Iterable[OpenApiParameter] = (),
    auth: Who = "public",
    tags: Iterable[str] = (),
    never: Iterable[type[DomainError]] = (),
) -> Callable[[F], F]:
    """Describe a view method: `responses` by status or (status, media type), `errors` beside those that all have.

    `never` names those of all that this one does not give.
    """
    known = [*errors, InternalError, DatabaseUnavailable, MethodNotAllowed, NotAcceptable]
    parameters = list(parameters)
    if request is not None:
        known += [MalformedJson, ValidationFailed, PayloadTooLarge, UnsupportedMediaType]
    elif any(parameter.location == "query" for parameter in parameters):
        known.append(ValidationFailed)
    if auth in {"staff", "token"}:
        known += [NotAuthenticated, PermissionDenied]
    if auth != "public":
        known += CREDENTIAL_ERRORS
    answers: dict[Any, Any] = dict(responses)
    answers.update(_problems(set(known).difference(never)))
    return extend_schema(
        operation_id=operation_id,
        request=request,
        responses=answers,
        parameters=parameters,
        auth=SECURITY[auth],  # type: ignore[arg-type]  # the stub wants names; requirements are what is used
        tags=list(tags) or [operation_id],
    )


CREDENTIAL_ERRORS: list[type[DomainError]] = []
"""What a bad credential answers in every operation that takes one; `accounts` adds its codes."""


def _problems(errors: Iterable[type[DomainError]]) -> dict[tuple[int, str], OpenApiResponse]:
    """One problem response a status, with its codes as an enum."""
    codes: dict[int, set[str]] = defaultdict(set)
    for error in errors:
        codes[error.status].add(error.code)
    return {
        (status, PROBLEM): OpenApiResponse(
            response={
                "allOf": [
                    {"$ref": "#/components/schemas/Problem"},
                    {"type": "object", "properties": {"code": {"type": "string", "enum": sorted(found)}}},
                ]
            },
            description=", ".join(sorted(found)),
        )
        for status, found in sorted(codes.items())
    }
