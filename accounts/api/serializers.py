"""Shapes of requests and answers."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts import selectors
from accounts.constants import (
    INVITE_LIFETIME_HOURS,
    INVITE_LIFETIME_MAX_HOURS,
    METHOD_BACKUP_CODE,
    METHOD_TOTP,
    NAME_MAX_CHARS,
    REASON_MAX_CHARS,
    ROLES,
)
from accounts.models import Invite, Session, User
from common.api.serializers import (
    CursorLinksSerializer,
    CursorMetaSerializer,
    InstantField,
    StrictBooleanField,
    StrictCharField,
    StrictIntegerField,
    StrictSerializer,
)

EMAIL_INPUT_MAX_CHARS = 1000
FACTOR_METHODS = [METHOD_TOTP, METHOD_BACKUP_CODE]


class PasswordField(StrictCharField):
    """A password: a JSON string, never trimmed; its rules are the action's."""

    def __init__(self, **kwargs: object) -> None:
        super().__init__(trim_whitespace=False, **kwargs)  # type: ignore[arg-type]  # passed through


class CodeField(StrictCharField):
    """A code of an app, or a backup code: a JSON string, never trimmed; what it must look like is the action's."""

    def __init__(self, **kwargs: object) -> None:
        super().__init__(trim_whitespace=False, **kwargs)  # type: ignore[arg-type]  # passed through


class StrictUUIDField(serializers.UUIDField):
    """A UUID in a JSON string."""

    def to_internal_value(self, data: Any) -> Any:
        """The UUID; a number is refused, though one could be read as a UUID."""
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class CreateInviteSerializer(StrictSerializer):
    """Body of createInvite."""

    email = StrictCharField(max_length=EMAIL_INPUT_MAX_CHARS)
    roles = serializers.ListField(child=StrictCharField(), allow_empty=False, help_text=f"Of {', '.join(ROLES)}.")
    first_name = StrictCharField(max_length=NAME_MAX_CHARS, required=False, allow_blank=True, default="")
    last_name = StrictCharField(max_length=NAME_MAX_CHARS, required=False, allow_blank=True, default="")
    expires_in_hours = StrictIntegerField(
        min_value=1, max_value=INVITE_LIFETIME_MAX_HOURS, required=False, default=INVITE_LIFETIME_HOURS
    )


class TokenSerializer(StrictSerializer):
    """Body of inspectInvite."""

    token = StrictCharField()


class AcceptInviteSerializer(StrictSerializer):
    """Body of acceptInvite."""

    token = StrictCharField()
    password = PasswordField()
    first_name = StrictCharField(max_length=NAME_MAX_CHARS, required=False, allow_blank=True, default="")
    last_name = StrictCharField(max_length=NAME_MAX_CHARS, required=False, allow_blank=True, default="")


class LoginSerializer(StrictSerializer):
    """Body of login."""

    email = StrictCharField(max_length=EMAIL_INPUT_MAX_CHARS)
    password = PasswordField()


class RefreshSerializer(StrictSerializer):
    """Body of refresh and logout; empty when the cookie carries the token."""

    refresh = StrictCharField(required=False)


class LogoutAllSerializer(StrictSerializer):
    """Body of logoutAll."""

    keep_current = StrictBooleanField(required=False, default=False)


class ReauthenticateSerializer(StrictSerializer):
    """Body of reauthenticate; `code` is needed of who has a second factor."""

    password = PasswordField()
    code = CodeField(required=False)


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


class ChangePasswordSerializer(StrictSerializer):
    """Body of changePassword."""

    current_password = PasswordField()
    new_password = PasswordField()


class RequestPasswordResetSerializer(StrictSerializer):
    """Body of requestPasswordReset."""

    email = StrictCharField(max_length=EMAIL_INPUT_MAX_CHARS)


class ConfirmPasswordResetSerializer(StrictSerializer):
    """Body of confirmPasswordReset."""

    token = StrictCharField()
    password = PasswordField()


class AcceptedSerializer(serializers.Serializer[Any]):
    """The request was taken; what comes of it is told by mail."""

    status = serializers.ChoiceField(choices=["accepted"])


class InviterSerializer(serializers.Serializer[Any]):
    """Who invited."""

    id = serializers.UUIDField()
    name = serializers.CharField(source="__str__")


class InviteSerializer(serializers.Serializer[Any]):
    """An invitation, never with its token."""

    id = serializers.UUIDField()
    email = serializers.CharField()
    roles = serializers.ListField(child=serializers.CharField())
    status = serializers.SerializerMethodField()
    expires_at = InstantField()
    invited_by = InviterSerializer(allow_null=True)

    def get_status(self, invite: Invite) -> str:
        """`pending` turns into `expired` with its last second; `now` is in the context."""
        return selectors.invite_status(invite, now=self.context["now"])


class PasswordPolicySerializer(serializers.Serializer[Any]):
    """What a password must be; `min_score` is zxcvbn's, 0 to 4."""

    min_length = serializers.IntegerField()
    max_length = serializers.IntegerField()
    min_score = serializers.IntegerField()


class InspectedInviteSerializer(serializers.Serializer[Any]):
    """What the holder of a link may know before accepting."""

    email_masked = serializers.CharField()
    expires_at = InstantField()
    inviter_name = serializers.CharField()
    password_policy = PasswordPolicySerializer()


class EnrollmentNeededSerializer(serializers.Serializer[Any]):
    """A second factor has to be enrolled first."""

    status = serializers.ChoiceField(choices=["2fa_enrollment_required"])
    enrollment_token = serializers.CharField()
    expires_in = serializers.IntegerField()


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


class TwoFactorSerializer(serializers.Serializer[Any]):
    """Whether there is a second factor, and how it is proven."""

    enabled = serializers.BooleanField()
    methods = serializers.ListField(child=serializers.ChoiceField(choices=FACTOR_METHODS))


class UserSerializer(serializers.Serializer[Any]):
    """A user, as the user sees it."""

    id = serializers.UUIDField()
    email = serializers.CharField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    roles = serializers.ListField(child=serializers.CharField())
    permissions = serializers.ListField(child=serializers.CharField())
    two_factor = TwoFactorSerializer()


class MeSerializer(UserSerializer):
    """The user with the session of the request."""

    session_id = serializers.UUIDField()
    auth_time = InstantField()
    reauth_until = InstantField()


class TokensSerializer(serializers.Serializer[Any]):
    """A session's tokens; `refresh` is absent when the cookie carries it."""

    status = serializers.ChoiceField(choices=["authenticated"])
    access = serializers.CharField()
    token_type = serializers.ChoiceField(choices=["Bearer"])
    expires_in = serializers.IntegerField()
    refresh = serializers.CharField(required=False)
    refresh_expires_at = InstantField()
    session_id = serializers.UUIDField()
    user = UserSerializer()


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


class SessionSerializer(serializers.Serializer[Any]):
    """One of one's own sessions."""

    id = serializers.UUIDField()
    created_at = InstantField()
    last_used_at = InstantField()
    ip_last = serializers.CharField(source="ip", allow_null=True)
    user_agent = serializers.CharField()
    current = serializers.SerializerMethodField()
    amr = serializers.ListField(child=serializers.CharField())

    def get_current(self, session: Session) -> bool:
        """Whether it is the session of the request; its id is in the context."""
        return bool(self.context["session_id"] == str(session.pk))


class RevokedSerializer(serializers.Serializer[Any]):
    """How many sessions were ended."""

    revoked = serializers.IntegerField()


class ReauthenticatedSerializer(serializers.Serializer[Any]):
    """Until when the confirmation counts."""

    reauth_until = InstantField()


class JwkSerializer(serializers.Serializer[Any]):
    """A public key (RFC 7517)."""

    kty = serializers.CharField()
    n = serializers.CharField()
    e = serializers.CharField()
    alg = serializers.CharField()
    use = serializers.CharField()
    kid = serializers.CharField()


class JwksSerializer(serializers.Serializer[Any]):
    """The key set."""

    keys = JwkSerializer(many=True)


class InviteListSerializer(serializers.Serializer[Any]):
    """Invitations, newest first."""

    data = InviteSerializer(many=True)  # type: ignore[assignment]  # a field that is called like a property
    meta = CursorMetaSerializer()
    links = CursorLinksSerializer()


class SessionListSerializer(serializers.Serializer[Any]):
    """One's own sessions, newest first."""

    data = SessionSerializer(many=True)  # type: ignore[assignment]  # a field that is called like a property
    meta = CursorMetaSerializer()
    links = CursorLinksSerializer()


class ColleagueListSerializer(serializers.Serializer[Any]):
    """Colleagues, newest first."""

    data = ColleagueSerializer(many=True)  # type: ignore[assignment]  # a field that is called like a property
    meta = CursorMetaSerializer()
    links = CursorLinksSerializer()
