"""Colleagues: who there is, and what is done for one who lost the second factor or a device."""

import uuid

from rest_framework.request import Request
from rest_framework.response import Response

from accounts import errors, selectors
from accounts.actions import factor_resets, sessions
from accounts.api.base import TAGS, AuthView
from accounts.api.factor_serializers import ColleagueListSerializer, ColleagueSerializer, ResetSecondFactorSerializer
from accounts.api.parameters import CURSOR, ID, PER_PAGE
from accounts.api.permissions import recent
from accounts.api.serializers import RevokedSerializer
from accounts.constants import MAY_RESET_SECOND_FACTOR, MAY_REVOKE_SESSIONS, MAY_VIEW_USERS
from accounts.models import User
from common import limits
from common.actor import actor_of
from common.api.body import parse
from common.api.permissions import staff
from common.api.schema import operation
from common.errors import NotFound, RateLimited
from common.pagination import cursor_list
from common.parameters import refuse_unknown


class UsersView(AuthView):
    """Everyone with an account."""

    permission_classes = (staff(MAY_VIEW_USERS),)

    @operation(
        "listUsers", responses={200: ColleagueListSerializer}, errors=[RateLimited], parameters=[CURSOR, PER_PAGE],
        auth="staff", tags=TAGS,
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """Colleagues, newest first, open accounts and closed ones."""
        refuse_unknown(request, ["cursor", "per_page"])
        limits.hit("LIST_USERS_USER", key=str(request.user.pk))
        return cursor_list(
            request,
            selectors.colleagues(),
            name="users",
            instant="created_at",
            filters={},
            serialize=lambda rows: list(ColleagueSerializer(rows, many=True).data),
        )


class ResetSecondFactorView(AuthView):
    """Help out of a lost second factor."""

    permission_classes = (recent(MAY_RESET_SECOND_FACTOR),)

    @operation(
        "resetSecondFactor", request=ResetSecondFactorSerializer, responses={204: None},
        errors=[errors.ReauthRequired, errors.CannotResetSelf, errors.RoleEscalation, NotFound, RateLimited],
        parameters=[ID], auth="staff", tags=TAGS,
    )  # fmt: skip
    def post(self, request: Request, id: uuid.UUID) -> Response:  # noqa: A002 - the parameter's public name
        """Remove factor, codes and sessions; for 72 hours a new factor can be enrolled by password."""
        reason = parse(request, ResetSecondFactorSerializer)["reason"]
        factor_resets.reset(user=_colleague(id), reason=reason, by=actor_of(request))
        return Response(status=204)


class RevokeUserSessionsView(AuthView):
    """Sign a colleague out."""

    permission_classes = (staff(MAY_REVOKE_SESSIONS),)

    @operation(
        "revokeUserSessions", responses={200: RevokedSerializer}, errors=[NotFound, RateLimited], parameters=[ID],
        auth="staff", tags=TAGS,
    )  # fmt: skip
    def post(self, request: Request, id: uuid.UUID) -> Response:  # noqa: A002 - the parameter's public name
        """End all sessions of a colleague; the access tokens die at once."""
        revoked = sessions.revoke_all_for(user=_colleague(id), by=actor_of(request))
        return Response(RevokedSerializer({"revoked": revoked}).data)


def _colleague(user_id: uuid.UUID) -> User:
    found = selectors.user_by_id(user_id)
    if found is None:
        raise NotFound
    return found
