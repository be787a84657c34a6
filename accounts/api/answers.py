"""Turning users, sessions and tokens into the bodies of answers."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from rest_framework.response import Response

from accounts import selectors, standing
from accounts.actions.challenges import ChallengeIssued
from accounts.actions.enrollment import EnrollmentNeeded
from accounts.actions.sessions import TokenPair
from accounts.api import transport
from accounts.api.factor_serializers import ChallengeSerializer
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


def tokens(
    pair: TokenPair,
    *,
    shape: type[TokensSerializer] = TokensSerializer,
    extra: Mapping[str, Any] = MappingProxyType({}),
) -> Response:
    """The token pair, with what else is told this once; the refresh token goes into the cookie where one is used."""
    values = {
        "status": "authenticated",
        "access": pair.access,
        "token_type": "Bearer",
        "expires_in": ACCESS_TTL_SECONDS,
        "refresh": pair.refresh,
        "refresh_expires_at": pair.refresh_expires_at,
        "session_id": pair.session.pk,
        "user": _user_values(pair.session.user),
        **extra,
    }
    if pair.session.transport == Session.Transport.COOKIE:
        del values["refresh"]
    response = Response(shape(values).data)
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


def challenge(issued: ChallengeIssued) -> Response:
    """The way to the second step."""
    values = {
        "status": "2fa_required",
        "challenge_token": issued.token,
        "methods": issued.methods,
        "expires_in": issued.expires_in,
    }
    return Response(ChallengeSerializer(values).data)


def two_factor(user: User) -> dict[str, Any]:
    """Whether the user has a factor, and how it is proven."""
    return _two_factor(selectors.factor_methods(user))


def _two_factor(methods: list[str]) -> dict[str, Any]:
    return {"enabled": bool(methods), "methods": methods}


def _user_values(user: User) -> dict[str, Any]:
    now = standing.of(user)
    return {
        "id": user.pk,
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "roles": now.roles,
        "permissions": now.permissions,
        "two_factor": _two_factor(now.methods),
    }
