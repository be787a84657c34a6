"""Who sends a request: the access token of a live session."""

from typing import Any

from django.conf import settings
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import TokenError

from accounts import selectors
from accounts.constants import AMR_SECOND_FACTOR
from accounts.errors import SessionRevoked, TokenInvalid, TwoFactorRequired, UserInactive
from accounts.models import User
from accounts.tokens import StaffAccessToken

BOOKING_PREFIX = b"bk_"
_SCHEME_AND_TOKEN = 2


class AccessTokenAuthentication(JWTAuthentication):
    """simplejwt's class with one query for session, user and clock; leaves booking tokens to the next class."""

    def authenticate(  # type: ignore[override]  # simplejwt annotates with an unbound type variable
        self, request: Request
    ) -> tuple[User, StaffAccessToken] | None:
        """The user and the token, with its session; None without a Bearer.

        Raises TokenInvalid, TokenExpired, SessionRevoked, UserInactive, TwoFactorRequired.
        """
        raw = self.get_raw_token(self.get_header(request) or b"")
        if raw is None or raw.startswith(BOOKING_PREFIX):
            return None
        token = self.get_validated_token(raw)
        user = self.get_user(token)
        view = (request.parser_context or {}).get("view")
        if needs_second_factor(token) and not getattr(view, "open_without_second_factor", False):
            raise TwoFactorRequired
        return user, token

    def get_raw_token(self, header: bytes) -> bytes | None:
        """The one value after `Bearer`, else TokenInvalid; None for another scheme or no header."""
        parts = header.split()
        if not parts or parts[0].lower() != b"bearer":
            return None
        if len(parts) != _SCHEME_AND_TOKEN:
            raise TokenInvalid
        return parts[1]

    def get_validated_token(self, raw_token: bytes) -> Any:
        """The token, its signature and claims checked; its times are not yet."""
        try:
            return StaffAccessToken(raw_token)  # type: ignore[arg-type]  # simplejwt's annotation names its own class
        except TokenError as fault:
            raise TokenInvalid from fault

    def get_user(self, validated_token: Any) -> User:  # type: ignore[override]  # as above
        """The session's user, when token, session and account are all good."""
        found = selectors.session_now(validated_token.session_id)
        if found is None or str(found.session.user_id) != validated_token["sub"]:
            raise TokenInvalid
        validated_token.check_times(found.now)
        if not found.session.user.is_active:
            raise UserInactive
        if not selectors.is_live(found.session, now=found.now):
            raise SessionRevoked
        validated_token.session = found.session
        return found.session.user


def needs_second_factor(token: StaffAccessToken) -> bool:
    """Whether the policy wants a second factor that the session was opened without."""
    return settings.STAFF_TWO_FACTOR == "required" and AMR_SECOND_FACTOR.isdisjoint(token.session.amr)
