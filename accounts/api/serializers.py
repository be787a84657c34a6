"""Shapes of requests and answers."""

from typing import Any

from rest_framework import serializers

from accounts import selectors
from accounts.constants import (
    INVITE_LIFETIME_HOURS,
    INVITE_LIFETIME_MAX_HOURS,
    METHOD_BACKUP_CODE,
    METHOD_TOTP,
    NAME_MAX_CHARS,
    ROLES,
)
from accounts.models import Invite, Session
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
