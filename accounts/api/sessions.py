"""Signing in and out, renewing, and the sessions of the user."""

import uuid
from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import errors, selectors
from accounts.actions import reauthentication, refresh, sessions, sign_in
from accounts.actions.challenges import ChallengeIssued
from accounts.actions.sessions import TokenPair
from accounts.api import answers, transport
from accounts.api.authentication import AccessTokenAuthentication
from accounts.api.base import TAGS, AuthView, VisitorView, session_of
from accounts.api.factor_serializers import ChallengeSerializer
from accounts.api.parameters import CURSOR, ID, PER_PAGE, TRANSPORT
from accounts.api.serializers import (
    EnrollmentNeededSerializer,
    LoginSerializer,
    LogoutAllSerializer,
    MeSerializer,
    ReauthenticatedSerializer,
    ReauthenticateSerializer,
    RefreshSerializer,
    RevokedSerializer,
    SessionListSerializer,
    SessionSerializer,
    TokensSerializer,
)
from accounts.tokens import StaffAccessToken
from common import limits
from common.actor import actor_of
from common.api.body import parse
from common.api.permissions import staff
from common.api.schema import operation
from common.client_ip import caller
from common.clock import db_now
from common.errors import CsrfFailed, DomainError, LimiterUnavailable, NotFound, RateLimited
from common.pagination import cursor_list
from common.parameters import refuse_unknown

LOGIN_ANSWER = PolymorphicProxySerializer(
    component_name="LoginAnswer",
    serializers={
        "authenticated": TokensSerializer,
        "2fa_required": ChallengeSerializer,
        "2fa_enrollment_required": EnrollmentNeededSerializer,
    },
    resource_type_field_name="status",
)
LOGIN_ERRORS = [
    errors.InvalidCredentials,
    errors.EnrollmentWindowClosed,
    errors.SigningUnavailable,
    RateLimited,
    LimiterUnavailable,
]
REFRESH_ERRORS = [
    errors.RefreshInvalid,
    errors.RefreshExpired,
    errors.RefreshReused,
    errors.SessionRevoked,
    errors.UserInactive,
    errors.SigningUnavailable,
    CsrfFailed,
    RateLimited,
]
REAUTH_ERRORS = [
    errors.InvalidCredentials,
    errors.CodeInvalid,
    errors.SecondFactorLocked,
    RateLimited,
    LimiterUnavailable,
]


class LoginView(VisitorView):
    """Sign in."""

    @operation(
        "login", request=LoginSerializer, responses={200: LOGIN_ANSWER}, errors=LOGIN_ERRORS, parameters=[TRANSPORT],
        tags=TAGS,
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Give address and password; the answer's `status` says what comes next."""
        values = parse(request, LoginSerializer)
        done = sign_in.log_in(**values, transport=transport.chosen(request), by=actor_of(request))
        if isinstance(done, TokenPair):
            return answers.tokens(done)
        if isinstance(done, ChallengeIssued):
            return answers.challenge(done)
        return answers.enrollment_needed(done, status=200)


class RefreshView(VisitorView):
    """Renew a session."""

    @operation(
        "refresh", request=RefreshSerializer, responses={200: TokensSerializer}, errors=REFRESH_ERRORS, tags=TAGS
    )
    def post(self, request: Request) -> Response:
        """Exchange the refresh token for its successor."""
        raw, way = transport.presented(request, parse(request, RefreshSerializer))
        limits.hit("REFRESH_IP", key=caller())
        return answers.tokens(refresh.rotate(raw=raw, transport=way))


class LogoutView(VisitorView):
    """Sign out."""

    @operation("logout", request=RefreshSerializer, responses={204: None}, errors=[CsrfFailed, RateLimited], tags=TAGS)
    def post(self, request: Request) -> Response:
        """End the session of the refresh token, or of the Bearer; 204 whatever they are worth."""
        raw, way = transport.presented(request, parse(request, RefreshSerializer))
        limits.hit("LOGOUT_IP", key=caller())
        family = refresh.family_of(raw=raw, transport=way) if raw else None
        session_id = family.pk if family else _bearer_session(request)
        if session_id is not None:
            sessions.log_out(session_id=session_id)
        response = Response(status=204)
        transport.take_back(response)
        return response


class LogoutAllView(AuthView):
    """Sign out everywhere."""

    permission_classes = (staff(),)

    @operation(
        "logoutAll", request=LogoutAllSerializer, responses={200: RevokedSerializer}, errors=[RateLimited],
        auth="staff", tags=TAGS,
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """End all of one's sessions, with `keep_current` all others."""
        values = parse(request, LogoutAllSerializer)
        session = session_of(request)
        limits.hit("LOGOUT_ALL_USER", key=str(request.user.pk))
        keep = session.pk if values["keep_current"] else None
        revoked = sessions.log_out_all(user=session.user, keep=keep, by=actor_of(request))
        return Response(RevokedSerializer({"revoked": revoked}).data)


class SessionsView(AuthView):
    """One's own sessions."""

    permission_classes = (staff(),)

    @operation(
        "listSessions", responses={200: SessionListSerializer}, parameters=[CURSOR, PER_PAGE], auth="staff", tags=TAGS
    )
    def get(self, request: Request) -> Response:
        """The sessions that are open, newest first."""
        refuse_unknown(request, ["cursor", "per_page"])
        session = session_of(request)
        seen = {"session_id": str(session.pk)}
        return cursor_list(
            request,
            selectors.live_sessions(session.user, now=db_now()),
            name="sessions",
            instant="created_at",
            filters={"user": str(request.user.pk)},
            serialize=lambda rows: list(SessionSerializer(rows, many=True, context=seen).data),
        )


class SessionView(AuthView):
    """One of one's own sessions."""

    permission_classes = (staff(),)

    @operation(
        "revokeSession", responses={204: None}, errors=[NotFound, RateLimited], parameters=[ID], auth="staff", tags=TAGS
    )
    def delete(self, request: Request, id: uuid.UUID) -> Response:  # noqa: A002 - the parameter's public name
        """End it; its access token dies at once."""
        limits.hit("REVOKE_SESSION_USER", key=str(request.user.pk))
        sessions.revoke(user=session_of(request).user, session_id=id, by=actor_of(request))
        return Response(status=204)


class MeView(AuthView):
    """The user of the token."""

    permission_classes = (staff(),)
    open_without_second_factor = True

    @operation("getMe", responses={200: MeSerializer}, auth="staff", tags=TAGS, never=[errors.TwoFactorRequired])
    def get(self, request: Request) -> Response:
        """Who one is and what one may do."""
        return Response(answers.me_body(session_of(request)))


class ReauthenticateView(AuthView):
    """Confirm the password, and the second factor where there is one."""

    permission_classes = (staff(),)
    open_without_second_factor = True

    @operation(
        "reauthenticate", request=ReauthenticateSerializer, responses={200: ReauthenticatedSerializer},
        errors=REAUTH_ERRORS, auth="staff", tags=TAGS, never=[errors.TwoFactorRequired],
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Give password and code again, before an act that answers `reauth_required`."""
        values = parse(request, ReauthenticateSerializer)
        until = reauthentication.confirm(session=session_of(request), by=actor_of(request), **values)
        return Response(ReauthenticatedSerializer({"reauth_until": until}).data)


def _bearer_session(request: Request) -> Any:
    """The session of a well-signed access token, expired or not; None for anything else."""
    reader = AccessTokenAuthentication()
    try:
        raw = reader.get_raw_token(reader.get_header(request) or b"")
        token: StaffAccessToken | None = reader.get_validated_token(raw) if raw else None
    except DomainError:
        return None
    return uuid.UUID(token.session_id) if token else None
