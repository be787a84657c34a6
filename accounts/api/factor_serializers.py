"""Shapes of requests and answers of the second factor, and of colleagues."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts import selectors
from accounts.api.serializers import FACTOR_METHODS, CodeField, TokensSerializer, TwoFactorSerializer
from accounts.constants import METHOD_BACKUP_CODE, METHOD_TOTP, REASON_MAX_CHARS
from accounts.models import User
from common.api.serializers import (
    CursorLinksSerializer,
    CursorMetaSerializer,
    InstantField,
    StrictCharField,
    StrictSerializer,
    StrictUUIDField,
)


class AnswerChallengeSerializer(StrictSerializer):
    """Body of verifySecondFactor and verifyBackupCode."""

    challenge_token = StrictCharField()
    code = CodeField()


class EnrollSerializer(StrictSerializer):
    """Body of enrollSecondFactor; the token stands in for a session."""

    enrollment_token = StrictCharField(required=False)


class ConfirmEnrollmentSerializer(StrictSerializer):
    """Body of confirmSecondFactor."""

    enrollment_id = StrictUUIDField()
    code = CodeField()
    enrollment_token = StrictCharField(required=False)


class EmptySerializer(StrictSerializer):
    """A body without members."""


class ResetSecondFactorSerializer(StrictSerializer):
    """Body of resetSecondFactor; the audit log keeps the reason."""

    reason = StrictCharField(max_length=REASON_MAX_CHARS)


class ChallengeSerializer(serializers.Serializer[Any]):
    """The second factor is asked for."""

    status = serializers.ChoiceField(choices=["2fa_required"])
    challenge_token = serializers.CharField()
    methods = serializers.ListField(child=serializers.ChoiceField(choices=FACTOR_METHODS))
    expires_in = serializers.IntegerField()


class EnrollmentBegunSerializer(serializers.Serializer[Any]):
    """A secret for an authenticator app, shown this once."""

    enrollment_id = serializers.UUIDField(source="id")
    secret = serializers.CharField()
    otpauth_uri = serializers.CharField()
    expires_in = serializers.IntegerField()


class BackupCodesSerializer(serializers.Serializer[Any]):
    """A new batch of backup codes, shown this once."""

    backup_codes = serializers.ListField(child=serializers.CharField())


class SecondFactorSerializer(serializers.Serializer[Any]):
    """State of one's own second factor."""

    enabled = serializers.BooleanField()
    methods = serializers.ListField(child=serializers.ChoiceField(choices=FACTOR_METHODS))
    backup_codes_remaining = serializers.IntegerField()
    backup_codes_created_at = InstantField(allow_null=True)


class BackupTokensSerializer(TokensSerializer):
    """The tokens of a session that a backup code opened; `backup_codes_low` is there when few codes are left."""

    backup_codes_remaining = serializers.IntegerField()
    backup_codes_low = serializers.BooleanField(required=False)


class EnrolledTokensSerializer(TokensSerializer):
    """The tokens of a session that an enrolment opened, with the backup codes, shown this once."""

    backup_codes = serializers.ListField(child=serializers.CharField())


class ColleagueSerializer(serializers.Serializer[Any]):
    """A user, as colleagues see it."""

    id = serializers.UUIDField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    email = serializers.CharField()
    roles = serializers.SerializerMethodField()
    is_active = serializers.BooleanField()
    two_factor = serializers.SerializerMethodField()
    last_login_at = InstantField(source="last_login", allow_null=True)

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_roles(self, user: User) -> list[str]:
        """The roles' names, in order."""
        return selectors.roles_of(user)

    @extend_schema_field(TwoFactorSerializer())
    def get_two_factor(self, user: Any) -> dict[str, Any]:
        """As the user sees it; `selectors.colleagues` has looked it up for the whole page."""
        methods = [METHOD_TOTP] * user.has_factor + [METHOD_BACKUP_CODE] * user.has_codes
        return {"enabled": user.has_factor, "methods": methods}


class ColleagueListSerializer(serializers.Serializer[Any]):
    """Colleagues, newest first."""

    data = ColleagueSerializer(many=True)  # type: ignore[assignment]  # a field that is called like a property
    meta = CursorMetaSerializer()
    links = CursorLinksSerializer()
