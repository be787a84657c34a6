"""Invitations."""

import uuid
from typing import Any

from django.conf import settings
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import addresses, errors, password_rule, selectors
from accounts.actions import acceptance, invites
from accounts.api import answers
from accounts.api.base import TAGS, AuthView, VisitorView
from accounts.api.parameters import CURSOR, ID, PER_PAGE, STATUS
from accounts.api.permissions import recent
from accounts.api.serializers import (
    AcceptInviteSerializer,
    CreateInviteSerializer,
    EnrollmentNeededSerializer,
    InspectedInviteSerializer,
    InviteListSerializer,
    InviteSerializer,
    TokenSerializer,
)
from accounts.constants import MAY_INVITE
from accounts.models import Invite
from common.actor import actor_of
from common.api.body import parse
from common.api.permissions import staff
from common.api.schema import operation
from common.clock import db_now
from common.errors import FieldError, LimiterUnavailable, NotFound, RateLimited, ValidationFailed
from common.pagination import cursor_list
from common.parameters import refuse_unknown, single

TOKEN_ERRORS = [errors.InviteInvalid, errors.InviteExpired, errors.InviteRevoked, errors.InviteUsed]
VISITOR_ERRORS = [*TOKEN_ERRORS, RateLimited, LimiterUnavailable]
CREATE_ERRORS = [errors.ReauthRequired, errors.RoleEscalation, errors.UserExists, errors.InvitePending, RateLimited]
RESEND_ERRORS = [*CREATE_ERRORS, errors.InviteNotPending, NotFound]
REVOKE_ERRORS = [errors.ReauthRequired, errors.InviteAlreadyAccepted, NotFound, RateLimited]


class InvitesView(AuthView):
    """Invite, and list invitations."""

    def get_permissions(self) -> list[BasePermission]:
        """Reading needs the permission, inviting a recent sign-in too."""
        return [staff(MAY_INVITE)() if self.request.method == "GET" else recent(MAY_INVITE)()]

    @operation(
        "createInvite", request=CreateInviteSerializer, responses={201: InviteSerializer}, errors=CREATE_ERRORS,
        auth="staff", tags=TAGS,
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Mail a link to a new colleague; the token is in the mail only."""
        values = parse(request, CreateInviteSerializer)
        hours = values.pop("expires_in_hours")
        invite = invites.create(**values, lifetime_hours=hours, by=actor_of(request))
        return Response(_body(invite), status=201)

    @operation(
        "listInvites", responses={200: InviteListSerializer}, parameters=[STATUS, CURSOR, PER_PAGE], auth="staff",
        tags=TAGS,
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """Invitations, newest first."""
        refuse_unknown(request, ["status", "cursor", "per_page"])
        status = _status(request)
        now = db_now()
        return cursor_list(
            request,
            selectors.invites(status=status, now=now),
            name="invites",
            instant="created_at",
            filters={"status": status},
            serialize=lambda rows: list(InviteSerializer(rows, many=True, context={"now": now}).data),
        )


class ResendInviteView(AuthView):
    """Send an invitation again."""

    permission_classes = (recent(MAY_INVITE),)

    @operation(
        "resendInvite",
        responses={200: InviteSerializer},
        errors=RESEND_ERRORS,
        parameters=[ID],
        auth="staff",
        tags=TAGS,
    )
    def post(self, request: Request, id: uuid.UUID) -> Response:  # noqa: A002 - the parameter's public name
        """Mail a new link; the old one is dead."""
        return Response(_body(invites.resend(invite_id=id, by=actor_of(request))))


class RevokeInviteView(AuthView):
    """Withdraw an invitation."""

    permission_classes = (recent(MAY_INVITE),)

    @operation("revokeInvite", responses={204: None}, errors=REVOKE_ERRORS, parameters=[ID], auth="staff", tags=TAGS)
    def post(self, request: Request, id: uuid.UUID) -> Response:  # noqa: A002 - the parameter's public name
        """Withdraw it; again, nothing happens."""
        invites.revoke(invite_id=id, by=actor_of(request))
        return Response(status=204)


class InspectInviteView(VisitorView):
    """Look at an invitation before accepting it."""

    @operation(
        "inspectInvite", request=TokenSerializer, responses={200: InspectedInviteSerializer}, errors=VISITOR_ERRORS,
        tags=TAGS,
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Who invited, until when, and what a password must be."""
        invite = acceptance.inspect(token=parse(request, TokenSerializer)["token"])
        body = {
            "email_masked": addresses.masked(invite.email),
            "expires_at": invite.expires_at,
            "inviter_name": str(invite.invited_by or settings.STUDIO_NAME),
            "password_policy": password_rule.POLICY,
        }
        return Response(InspectedInviteSerializer(body).data)


class AcceptInviteView(VisitorView):
    """Become a user."""

    @operation(
        "acceptInvite", request=AcceptInviteSerializer, responses={201: EnrollmentNeededSerializer},
        errors=[*VISITOR_ERRORS, errors.UserExists, errors.InviteAuthorityLost], tags=TAGS,
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Set a password; this signs nobody in."""
        accepted = acceptance.accept(**parse(request, AcceptInviteSerializer), by=actor_of(request))
        return answers.enrollment_needed(accepted.enrollment, status=201)


def _body(invite: Invite) -> Any:
    return InviteSerializer(invite, context={"now": db_now()}).data


def _status(request: Request) -> str:
    value = single(request, "status") or ""
    if value and value not in Invite.Status.values:
        detail = f"Allowed: {', '.join(Invite.Status.values)}."
        raise ValidationFailed(errors=[FieldError("invalid_choice", detail, parameter="status")])
    return value
