"""The second step of a sign-in, and one's own second factor."""

from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import errors, selectors
from accounts.actions import backup_codes, challenges, reauthentication, second_factor
from accounts.actions.second_factor import EnrollmentBegun
from accounts.api import answers, transport
from accounts.api.base import TAGS, AuthView, VisitorView, session_of
from accounts.api.factor_serializers import (
    AnswerChallengeSerializer,
    BackupCodesSerializer,
    BackupTokensSerializer,
    ConfirmEnrollmentSerializer,
    EmptySerializer,
    EnrolledTokensSerializer,
    EnrollmentBegunSerializer,
    EnrollSerializer,
    SecondFactorSerializer,
)
from accounts.api.parameters import TRANSPORT
from accounts.api.permissions import RecentAppCode, recent
from accounts.api.serializers import TokensSerializer
from accounts.models import Session
from common.actor import actor_of
from common.api.body import parse
from common.api.permissions import staff
from common.api.schema import operation
from common.clock import db_now
from common.errors import LimiterUnavailable, NotAuthenticated, PermissionDenied, RateLimited, ValidationFailed
from common.parameters import refuse_unknown

CHALLENGE_ERRORS = [
    errors.ChallengeInvalid,
    errors.ChallengeExhausted,
    errors.CodeInvalid,
    errors.SecondFactorLocked,
    errors.SigningUnavailable,
    RateLimited,
    LimiterUnavailable,
]
ENROLL_ERRORS = [
    errors.EnrollmentInvalid,
    errors.TwoFactorAlreadyEnabled,
    errors.ReauthRequired,
    NotAuthenticated,
    PermissionDenied,
    RateLimited,
]
CONFIRM_ERRORS = [
    errors.EnrollmentInvalid,
    errors.EnrollmentExpired,
    errors.CodeInvalid,
    errors.SigningUnavailable,
    NotAuthenticated,
    PermissionDenied,
    LimiterUnavailable,
]
CONFIRMED = PolymorphicProxySerializer(
    component_name="EnrollmentConfirmed",
    serializers=[EnrolledTokensSerializer, BackupCodesSerializer],
    resource_type_field_name=None,
)


class VerifySecondFactorView(VisitorView):
    """Answer a challenge by the app."""

    @operation(
        "verifySecondFactor", request=AnswerChallengeSerializer, responses={200: TokensSerializer},
        errors=CHALLENGE_ERRORS, parameters=[TRANSPORT], tags=TAGS,
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Give the app's code; the challenge takes five wrong ones."""
        values = parse(request, AnswerChallengeSerializer)
        pair = challenges.verify(
            token=values["challenge_token"],
            code=values["code"],
            transport=transport.chosen(request),
            by=actor_of(request),
        )
        return answers.tokens(pair)


class VerifyBackupCodeView(VisitorView):
    """Answer a challenge by a backup code."""

    @operation(
        "verifyBackupCode", request=AnswerChallengeSerializer, responses={200: BackupTokensSerializer},
        errors=CHALLENGE_ERRORS, parameters=[TRANSPORT], tags=TAGS,
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Give a backup code, which works once; its user gets a mail."""
        values = parse(request, AnswerChallengeSerializer)
        used = challenges.verify_backup(
            token=values["challenge_token"],
            code=values["code"],
            transport=transport.chosen(request),
            by=actor_of(request),
        )
        left = {"backup_codes_remaining": used.remaining} | ({"backup_codes_low": True} if used.low else {})
        return answers.tokens(used.pair, shape=BackupTokensSerializer, extra=left)


class SecondFactorView(AuthView):
    """One's own second factor."""

    permission_classes = (staff(),)

    @operation(
        "getSecondFactor", responses={200: SecondFactorSerializer}, errors=[ValidationFailed], auth="staff", tags=TAGS
    )
    def get(self, request: Request) -> Response:
        """Whether there is one, and how many backup codes are left; never a code or a secret."""
        refuse_unknown(request, [])
        user = session_of(request).user
        factor = selectors.second_factor(user)
        body = {
            **answers.two_factor(user),
            "backup_codes_remaining": selectors.backup_codes_remaining(user),
            "backup_codes_created_at": factor.backup_codes_created_at if factor else None,
        }
        return Response(SecondFactorSerializer(body).data)


class EnrollmentView(AuthView):
    """For a session, or for the holder of an enrolment token."""

    open_without_second_factor = True

    def session(self, request: Request) -> Session:
        """The session of the request; raises NotAuthenticated, or PermissionDenied for a booking's token."""
        staff()().has_permission(request, self)
        return session_of(request)


class EnrollSecondFactorView(EnrollmentView):
    """Begin to enrol a second factor."""

    @operation(
        "enrollSecondFactor", request=EnrollSerializer, responses={200: EnrollmentBegunSerializer},
        errors=ENROLL_ERRORS, auth="staff_or_none", tags=TAGS, never=[errors.TwoFactorRequired],
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Get a secret for an app; an earlier one that was not confirmed is void."""
        values = parse(request, EnrollSerializer)
        return Response(EnrollmentBegunSerializer(self._begin(request, values)).data)

    def _begin(self, request: Request, values: dict[str, str]) -> EnrollmentBegun:
        by = actor_of(request)
        if "enrollment_token" in values:
            return second_factor.begin_with_token(token=values["enrollment_token"], by=by)
        session = self.session(request)
        reauthentication.demand_for_enrollment(session=session, now=db_now())
        return second_factor.begin(user=session.user, by=by)


class ConfirmSecondFactorView(EnrollmentView):
    """Finish an enrolment."""

    @operation(
        "confirmSecondFactor", request=ConfirmEnrollmentSerializer, responses={200: CONFIRMED}, errors=CONFIRM_ERRORS,
        parameters=[TRANSPORT], auth="staff_or_none", tags=TAGS, never=[errors.TwoFactorRequired],
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Show by a first code that the app holds the secret; with the token this signs in too."""
        values = parse(request, ConfirmEnrollmentSerializer)
        if "enrollment_token" in values:
            return self._confirm_with_token(request, values)
        session = self.session(request)
        codes = second_factor.confirm(user=session.user, session=session, by=actor_of(request), **values)
        return Response(BackupCodesSerializer({"backup_codes": codes}).data)

    def _confirm_with_token(self, request: Request, values: dict[str, Any]) -> Response:
        token = values.pop("enrollment_token")
        codes, pair = second_factor.confirm_with_token(
            token=token, transport=transport.chosen(request), by=actor_of(request), **values
        )
        return answers.tokens(pair, shape=EnrolledTokensSerializer, extra={"backup_codes": codes})


class DisableSecondFactorView(AuthView):
    """Switch the second factor off."""

    permission_classes = (recent(),)

    @operation(
        "disableSecondFactor", request=EmptySerializer, responses={204: None},
        errors=[errors.ReauthRequired, errors.TwoFactorRequiredByPolicy, errors.TwoFactorNotEnabled, RateLimited],
        auth="staff", tags=TAGS,
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Remove app and backup codes, where the policy allows it; other sessions end."""
        parse(request, EmptySerializer)
        session = session_of(request)
        second_factor.disable(user=session.user, session=session, by=actor_of(request))
        return Response(status=204)


class RegenerateBackupCodesView(AuthView):
    """New backup codes."""

    permission_classes = (RecentAppCode,)

    @operation(
        "regenerateBackupCodes", request=EmptySerializer, responses={200: BackupCodesSerializer},
        errors=[errors.ReauthRequired, errors.TwoFactorNotEnabled, RateLimited, LimiterUnavailable], auth="staff",
        tags=TAGS,
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Ten new codes, shown this once; the old ones are dead."""
        parse(request, EmptySerializer)
        codes = backup_codes.regenerate(user=session_of(request).user, by=actor_of(request))
        return Response(BackupCodesSerializer({"backup_codes": codes}).data)
