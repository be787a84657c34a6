"""Bodies and answers of the API of files."""

import re
from typing import Any

from rest_framework import serializers

from common.api.serializers import (
    InstantField,
    StrictCharField,
    StrictIntegerField,
    StrictSerializer,
    StrictUUIDField,
)
from common.instants import instant
from uploads import selectors
from uploads.actions.signatures import Signed
from uploads.constants import RULES, TARGET_FIELDS, Purpose, State
from uploads.models import File

LONGEST_RAW_NAME = 1000
LONGEST_TYPE = 100
SHA256_HEX = re.compile(r"[0-9a-fA-F]{64}")


class SignUploadSerializer(StrictSerializer):
    """What the client says of the file that it is about to send."""

    purpose = serializers.ChoiceField(choices=Purpose.choices)
    filename = StrictCharField(max_length=LONGEST_RAW_NAME)
    content_type = StrictCharField(max_length=LONGEST_TYPE)
    size = StrictIntegerField(min_value=1, help_text="Bytes.")
    sha256 = StrictCharField(help_text="64 hexadecimal digits.")
    booking_id = StrictUUIDField(required=False)
    project_id = StrictUUIDField(required=False)

    def validate_content_type(self, value: str) -> str:
        """Types are compared in lower case."""
        return value.lower()

    def validate_sha256(self, value: str) -> str:
        """Bring the digest into lower case."""
        if not SHA256_HEX.fullmatch(value):
            raise serializers.ValidationError("64 hexadecimal digits are wanted.", code="invalid")
        return value.lower()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Take the one target that the purpose demands, and no other."""
        wanted = TARGET_FIELDS.get(RULES[attrs["purpose"]].target_kind)
        faults = {
            name: [serializers.ErrorDetail(f"The purpose {attrs['purpose']} takes no {name}.", code="not_applicable")]
            for name in TARGET_FIELDS.values()
            if name in attrs and name != wanted
        }
        if wanted and wanted not in attrs:
            faults[wanted] = [serializers.ErrorDetail(f"The purpose {attrs['purpose']} needs it.", code="required")]
        if faults:
            raise serializers.ValidationError(faults)
        values = {name: value for name, value in attrs.items() if name not in TARGET_FIELDS.values()}
        return values | {"target_id": attrs[wanted] if wanted else None}


class ConfirmUploadSerializer(StrictSerializer):
    """Which upload is confirmed."""

    file_id = StrictUUIDField()


class UploadHeadersSerializer(serializers.Serializer[Any]):
    """Headers that the PUT has to carry; `Content-Length` is the client's own."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Name the fields as the headers are spelt, which Python could not."""
        return {
            "Content-Type": serializers.CharField(),
            "x-amz-checksum-sha256": serializers.CharField(help_text="base64"),
            "If-None-Match": serializers.CharField(),
        }


class UploadTargetSerializer(serializers.Serializer[Any]):
    """Where and how the bytes are sent."""

    method = serializers.ChoiceField(choices=["PUT"])
    url = serializers.URLField(help_text="Whoever has it may write this one object once.")
    headers = UploadHeadersSerializer()
    expires_at = InstantField()


class SignedUploadSerializer(serializers.Serializer[Any]):
    """The answer of `signUpload`."""

    file_id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=[State.PENDING.value])
    upload = UploadTargetSerializer()
    confirm = serializers.CharField()
    max_bytes = serializers.IntegerField()


class ThumbnailSerializer(serializers.Serializer[Any]):
    """One size of an image."""

    width = serializers.IntegerField()
    height = serializers.IntegerField()
    type = serializers.CharField()
    url = serializers.URLField()


class FileSerializer(serializers.Serializer[Any]):
    """A file; size and type are those of the bytes that arrived, null until they were seen."""

    id = serializers.UUIDField()
    purpose = serializers.ChoiceField(choices=Purpose.choices)
    state = serializers.ChoiceField(choices=State.choices)
    reason = serializers.CharField(help_text="Why it was rejected or failed; else empty.")
    name = serializers.CharField()
    size = serializers.IntegerField(allow_null=True)
    content_type = serializers.CharField(allow_null=True)
    thumbnails = ThumbnailSerializer(many=True)


def file_body(file: File) -> dict[str, Any]:
    """The JSON of a file."""
    return {
        "id": str(file.pk),
        "purpose": file.purpose,
        "state": file.state,
        "reason": file.reason,
        "name": file.name,
        "size": file.observed_size,
        "content_type": file.observed_type or None,
        "thumbnails": [
            {"width": one.width, "height": one.height, "type": one.type, "url": one.url}
            for one in selectors.variants(file)
        ],
    }


def signed_body(signed: Signed, *, confirm_path: str) -> dict[str, Any]:
    """The JSON of a signed upload."""
    return {
        "file_id": str(signed.file.pk),
        "state": State.PENDING.value,
        "upload": {
            "method": "PUT",
            "url": signed.url,
            "headers": signed.headers,
            "expires_at": instant(signed.file.expires_at),
        },
        "confirm": confirm_path,
        "max_bytes": RULES[signed.file.purpose].max_bytes,
    }
