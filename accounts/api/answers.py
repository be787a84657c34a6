"""Turning users, sessions and tokens into the bodies of answers."""

from typing import Any

from rest_framework.response import Response

from accounts import selectors
from accounts.actions.enrollment import EnrollmentNeeded
from accounts.actions.sessions import TokenPair
from accounts.api import transport
from accounts.api.serializers import EnrollmentNeededSerializer, MeSerializer, TokensSerializer
from accounts.constants import ACCESS_TTL_SECONDS
from accounts.models import Session, User


def me_body(session: Session) -> dict[str, Any]:
    """The user with the session of the request."""
    return MeSerializer(
        {
            **_user_values(session.user),
            "session_id": session.pk,
            "auth_time": session.auth_time,
            "reauth_until": selectors.reauth_until(session),
        }
    ).data


def tokens(pair: TokenPair) -> Response:
    """The token pair; the refresh token goes into the cookie for a session that uses one."""
    values = {
        "status": "authenticated",
        "access": pair.access,
        "token_type": "Bearer",
        "expires_in": ACCESS_TTL_SECONDS,
        "refresh": pair.refresh,
        "refresh_expires_at": pair.refresh_expires_at,
        "session_id": pair.session.pk,
        "user": _user_values(pair.session.user),
    }
    if pair.session.transport == Session.Transport.COOKIE:
        del values["refresh"]
    response = Response(TokensSerializer(values).data)
    transport.hand_over(response, pair)
    return response


def enrollment_needed(needed: EnrollmentNeeded, *, status: int) -> Response:
    """The way to enrol a second factor first."""
    values = {
        "status": "2fa_enrollment_required",
        "enrollment_token": needed.token,
        "expires_in": needed.expires_in,
    }
    return Response(EnrollmentNeededSerializer(values).data, status=status)


def _user_values(user: User) -> dict[str, Any]:
    return {
        "id": user.pk,
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "roles": selectors.roles_of(user),
        "permissions": sorted(user.get_all_permissions()),
        "two_factor": {"enabled": selectors.has_second_factor(user), "methods": []},
    }
