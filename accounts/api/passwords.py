"""Changing one's password, and setting a new one by a mailed link."""

from rest_framework.request import Request
from rest_framework.response import Response

from accounts import errors
from accounts.actions import password_resets, passwords
from accounts.api.base import TAGS, AuthView, VisitorView, session_of
from accounts.api.serializers import (
    AcceptedSerializer,
    ChangePasswordSerializer,
    ConfirmPasswordResetSerializer,
    RequestPasswordResetSerializer,
)
from common.actor import actor_of
from common.api.body import parse
from common.api.permissions import staff
from common.api.schema import operation
from common.errors import LimiterUnavailable, RateLimited

VISITOR_ERRORS = [RateLimited, LimiterUnavailable]
CONFIRM_ERRORS = [errors.ResetInvalid, errors.ResetExpired, errors.ResetUsed, *VISITOR_ERRORS]


class ChangePasswordView(AuthView):
    """Change the password."""

    permission_classes = (staff(),)

    @operation(
        "changePassword", request=ChangePasswordSerializer, responses={204: None},
        errors=[errors.InvalidCredentials, RateLimited, LimiterUnavailable], auth="staff", tags=TAGS,
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Give the present password and the new one; all other sessions end."""
        values = parse(request, ChangePasswordSerializer)
        session = session_of(request)
        passwords.change(
            user=session.user,
            session=session,
            current=values["current_password"],
            new=values["new_password"],
            by=actor_of(request),
        )
        return Response(status=204)


class RequestPasswordResetView(VisitorView):
    """Ask for a link."""

    @operation(
        "requestPasswordReset", request=RequestPasswordResetSerializer, responses={202: AcceptedSerializer},
        errors=VISITOR_ERRORS, tags=TAGS,
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Mail a link to the address if it has an account; the answer is the same either way."""
        password_resets.request(**parse(request, RequestPasswordResetSerializer), by=actor_of(request))
        return Response(AcceptedSerializer({"status": "accepted"}).data, status=202)


class ConfirmPasswordResetView(VisitorView):
    """Use a link."""

    @operation(
        "confirmPasswordReset", request=ConfirmPasswordResetSerializer, responses={204: None}, errors=CONFIRM_ERRORS,
        tags=TAGS,
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Set the password; this signs nobody in, and everybody with the old password out."""
        password_resets.complete(**parse(request, ConfirmPasswordResetSerializer), by=actor_of(request))
        return Response(status=204)
