"""What happened to public content, in the order of happening, for whoever keeps a copy of it."""

import re
from collections.abc import Sequence
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cms import selectors
from cms.api import caching
from cms.api.views import PublicView
from cms.models import Change
from cms.models.outward import ChangeType
from common.api.serializers import CursorLinksSerializer, CursorMetaSerializer, InstantField
from common.errors import FieldError, ValidationFailed
from common.instants import instant
from common.pagination import DEFAULT_PER_PAGE, MOST_PER_PAGE, numbered_list
from common.parameters import refuse_unknown, single

PARAMETERS = ("since", "cursor", "per_page")
TAG = "changes"
DESCRIBED = (
    OpenApiParameter("since", OpenApiTypes.INT64, required=True, description="The content version already seen."),
    OpenApiParameter("cursor", OpenApiTypes.STR, description="From `links` of another page."),
    OpenApiParameter(
        "per_page", {"type": "integer", "minimum": 1, "maximum": MOST_PER_PAGE, "default": DEFAULT_PER_PAGE}
    ),
)
_VERSION = re.compile(r"\d{1,18}", re.ASCII)


class ChangedSerializer(serializers.Serializer[Any]):
    """What changed: the addresses of the API and the cache tags that are concerned."""

    type = serializers.CharField(help_text="Name of the content type, such as `post`.")
    slug = serializers.CharField(allow_null=True, help_text="null for what has no slug, such as the settings.")
    previous_slug = serializers.CharField(allow_null=True, help_text="The slug of before, when it was renamed.")
    paths = serializers.ListField(child=serializers.CharField())
    tags = serializers.ListField(child=serializers.CharField())


class ChangeSerializer(serializers.Serializer[Any]):
    """One change; `type` and `data` are the body of the publish webhook."""

    version = serializers.IntegerField(help_text="The content version that it made.")
    at = InstantField()
    type = serializers.ChoiceField(choices=ChangeType.values)
    data = ChangedSerializer()  # type: ignore[assignment]  # a key of the answer, not the property


class ChangesMetaSerializer(CursorMetaSerializer):
    """`meta` of the list; ask from `content_version` on next time."""

    content_version = serializers.IntegerField()


class ChangeListSerializer(serializers.Serializer[Any]):
    """Changes, oldest first."""

    data = ChangeSerializer(many=True)  # type: ignore[assignment]  # as above
    meta = ChangesMetaSerializer()
    links = CursorLinksSerializer()


class ChangeList(PublicView):
    """Every change after a content version."""

    def get(self, request: Request) -> Response:
        """Answer 200 or 304; 410 when changes after `since` are no longer kept."""
        refuse_unknown(request, PARAMETERS)
        since = _since(request)
        if (unchanged := caching.not_modified(request, [TAG])) is not None:
            return unchanged
        changes, version = selectors.changes_since(since)
        response = numbered_list(
            request,
            changes,
            name=TAG,
            number="version",
            filters={"since": since},
            serialize=_serialize,
            meta={"content_version": version.number},
        )
        return caching.with_headers(response, request, version, [TAG])


def _since(request: Request) -> int:
    raw = single(request, "since") or ""
    if not _VERSION.fullmatch(raw):
        detail = "Give the content version that you have seen, such as the `content_version` of a list."
        raise ValidationFailed(errors=[FieldError("invalid", detail, parameter="since")])
    return int(raw)


def _serialize(rows: Sequence[Change]) -> list[dict[str, Any]]:
    return [{"version": row.version, "at": instant(row.at), "type": row.type, "data": row.data} for row in rows]
