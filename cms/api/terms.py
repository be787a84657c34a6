"""Writing tags, categories, technologies and authors."""

from collections.abc import Callable
from typing import Any

from django.db.models import Model
from rest_framework.request import Request
from rest_framework.response import Response

from cms.actions import taxonomy
from cms.api import bodies
from cms.api.subjects import private
from cms.models import MediaAsset
from cms.output import Row
from cms.validators import SLUG
from cms.writing import own
from common.actor import actor_of
from common.api.serializers import StrictSerializer
from common.errors import FieldError, NotFound, ValidationFailed
from common.links import absolute

TERM_KEYS = (*own("name"), *own("slug", optional=True))
AUTHOR_KEYS = (*TERM_KEYS, *own("bio", "avatar"))
Show = Callable[[str], Row]


def create(request: Request, model: type[Any], body: type[StrictSerializer], keys: bodies.Keys, show: Show) -> Response:
    """Answer 201 with the new row; a slug that is not given is made from the name."""
    values = _values(request, body, model, keys)
    row = taxonomy.create(model=model, values=values, by=actor_of(request))
    response = private(Response(show(row.slug), status=201))
    response["Location"] = absolute(f"{request.path}/{row.slug}")
    return response


def update(request: Request, row: Any, body: type[StrictSerializer], keys: bodies.Keys, show: Show) -> Response:
    """Answer 200 with the row after the change, which readers see at once."""
    values = _values(request, body, type(row), keys)
    changed = taxonomy.update(row=row, values=values, by=actor_of(request))
    return private(Response(show(changed.slug)))


def _values(request: Request, body: type[StrictSerializer], model: type[Model], keys: bodies.Keys) -> dict[str, Any]:
    """Read the body, with the picture that it names."""
    values = bodies.read(request, body, model, keys)
    if values.get("avatar") is not None:
        values["avatar"] = MediaAsset.objects.filter(pk=values["avatar"]).first()
        if values["avatar"] is None:
            raise ValidationFailed(errors=[FieldError("unknown", "There is no such picture.", "#/avatar")])
    return values


def delete(request: Request, row: Any) -> Response:
    """Answer 204; InUse while other content has it."""
    taxonomy.delete(row=row, by=actor_of(request))
    return private(Response(status=204))


def named(model: type[Model], slug: str) -> Any:
    """Return the row at `slug`; raises NotFound."""
    found = model._default_manager.filter(slug=slug).first() if SLUG.fullmatch(slug) else None
    if found is None:
        raise NotFound
    return found
