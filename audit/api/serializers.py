"""How events leave the API."""

from typing import Any

from rest_framework import serializers

from audit.models import AuditEvent, Outcome
from common import events
from common.actor import ActorKind
from common.api.serializers import CursorLinksSerializer, CursorMetaSerializer, InstantField


class ActorSerializer(serializers.Serializer[Any]):
    """Who acted; the label is empty once it was erased."""

    kind = serializers.ChoiceField(choices=ActorKind.choices)
    id = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a field that is called like a property


class TargetSerializer(serializers.Serializer[Any]):
    """What it was done to; all empty where it was done to nothing in particular."""

    type = serializers.CharField()
    id = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a field that is called like a property


class AuditEventSerializer(serializers.Serializer[Any]):
    """One event. Secrets are masked, personal values are `[personal]`."""

    id = serializers.IntegerField()
    at = InstantField()
    action = serializers.CharField()
    meaning = serializers.CharField(help_text="The action in words.")
    outcome = serializers.ChoiceField(choices=Outcome.choices)
    actor = ActorSerializer()
    on_behalf_of = serializers.CharField()
    target = TargetSerializer()
    before = serializers.DictField(allow_null=True)
    after = serializers.DictField(allow_null=True)
    meta = serializers.DictField()
    reason = serializers.CharField()
    ip = serializers.IPAddressField(allow_null=True)
    user_agent = serializers.CharField()
    session_id = serializers.CharField()
    request_id = serializers.CharField()
    job_id = serializers.CharField()
    row_hash = serializers.CharField(help_text="SHA-256 in hex.")


class AuditEventListSerializer(serializers.Serializer[Any]):
    """Events, newest first."""

    data = AuditEventSerializer(many=True)  # type: ignore[assignment]  # a field that is called like a property
    meta = CursorMetaSerializer()
    links = CursorLinksSerializer()


def body(event: AuditEvent) -> dict[str, Any]:
    """What the serializer shows."""
    same = ("id", "at", "action", "outcome", "on_behalf_of", "before", "after", "meta", "reason", "ip", "user_agent")
    ids = ("session_id", "request_id", "job_id")
    return {
        **{name: getattr(event, name) for name in (*same, *ids)},
        "meaning": events.registry.get(event.action, event.action),
        "actor": {"kind": event.actor_kind, "id": event.actor_id, "label": event.actor_label},
        "target": {"type": event.target_type, "id": event.target_id, "label": event.target_label},
        "row_hash": bytes(event.row_hash).hex(),
    }
