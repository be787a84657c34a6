"""Shapes of the staff's answers, for the description."""

from typing import Any

from rest_framework import serializers

from cms.constants import RevisionKind
from cms.drafted import STAFF
from cms.output import Output
from cms.registry import ContentType, Singleton
from common.actor import ActorKind
from common.api.serializers import CursorLinksSerializer, CursorMetaSerializer, InstantField

Shape = type[serializers.Serializer[Any]]


class RevisionAuthorSerializer(serializers.Serializer[Any]):
    """Who made a version."""

    kind = serializers.ChoiceField(choices=ActorKind.values)
    name = serializers.CharField(allow_blank=True)


class RevisionSerializer(serializers.Serializer[Any]):
    """A version of an item."""

    number = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=RevisionKind.values)
    created_at = InstantField()
    author = RevisionAuthorSerializer()
    comment = serializers.CharField(allow_blank=True)
    base = serializers.IntegerField(allow_null=True, help_text="The version that it was made from.")
    live = serializers.BooleanField(help_text="Whether readers see it now.")
    published_at = InstantField(allow_null=True)


class RevisionListSerializer(serializers.Serializer[Any]):
    """The versions of an item, newest first."""

    data = RevisionSerializer(many=True)  # type: ignore[assignment]  # a key of the answer, not the property
    meta = CursorMetaSerializer()
    links = CursorLinksSerializer()


class PreviewLinkSerializer(serializers.Serializer[Any]):
    """A preview link without its address, which nobody knows any more."""

    id = serializers.UUIDField()
    revision = serializers.IntegerField(allow_null=True, help_text="null: the newest draft, whichever it is.")
    author = serializers.CharField(allow_blank=True)
    created_at = InstantField()
    expires_at = InstantField()
    revoked_at = InstantField(allow_null=True)
    opened = serializers.IntegerField()
    last_opened_at = InstantField(allow_null=True)


class PreviewLinkListSerializer(serializers.Serializer[Any]):
    """The preview links of an item, newest first."""

    data = PreviewLinkSerializer(many=True)  # type: ignore[assignment]  # a key of the answer, not the property
    meta = CursorMetaSerializer()
    links = CursorLinksSerializer()


class IssuedPreviewLinkSerializer(serializers.Serializer[Any]):
    """A preview link that was just made."""

    id = serializers.UUIDField()
    url = serializers.URLField()
    expires_at = InstantField()


def _optional(outputs: tuple[Output, ...]) -> dict[str, Any]:
    """The fields of keys that only drafts have, made anew: DRF forgets what is changed in a declared field."""
    more = {"required": False, "help_text": "In drafts, for staff."}
    fields: dict[str, Any] = {output.name: output.schema for output in outputs}
    return {name: type(one)(*one._args, **{**one._kwargs, **more}) for name, one in fields.items()}


def of_item(kind: ContentType, name: str, outputs: tuple[Output, ...]) -> Shape:
    """Return the shape of a row or a detail, public or draft."""
    members = {output.name: output.schema for output in outputs} | _optional((*kind.draft_outputs, *STAFF))
    return type(f"{name}Serializer", (serializers.Serializer,), {**members, "__doc__": None})


def of_the_one(one: Singleton) -> Shape:
    """Return the shape of the answer of a type with one row, public or draft."""
    return type(one.schema.__name__, (one.schema,), {**_optional(STAFF), "__doc__": one.schema.__doc__})


def version_of(name: str, content: Shape) -> Shape:
    """Return the shape of one version with its content."""
    members = {"content": content(), "__doc__": "A version with its content."}
    return type(f"{name}RevisionSerializer", (RevisionSerializer,), members)
