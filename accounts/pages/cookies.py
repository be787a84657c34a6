"""One-time tokens of pages, kept in cookies that only these pages get.

So a token stands neither in the address bar nor in a referrer while someone types a password.
"""

from dataclasses import dataclass
from typing import Literal

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from accounts.constants import (
    CHALLENGE_TTL_SECONDS,
    ENROLLMENT_TOKEN_TTL_SECONDS,
    ENROLLMENT_TTL_SECONDS,
    PASSWORD_RESET_TTL_SECONDS,
)

PATH = "/auth"
INVITE_SECONDS = 3600


@dataclass(frozen=True)
class TokenCookie:
    """`Lax` where a mailed link leads in from another site, `Strict` for steps that follow each other here."""

    key: str
    seconds: int
    same_site: Literal["Lax", "Strict"]

    @property
    def name(self) -> str:
        """The cookie's name; the prefix makes browsers insist on `Secure`."""
        return f"__Secure-{self.key}" if settings.HTTPS else self.key

    def read(self, request: HttpRequest) -> str:
        """The token that the browser holds, or an empty string."""
        return request.COOKIES.get(self.name, "")

    def give(self, response: HttpResponse, token: str) -> None:
        """Hand the token to the browser."""
        response.set_cookie(
            self.name,
            token,
            max_age=self.seconds,
            path=PATH,
            secure=settings.HTTPS,
            httponly=True,
            samesite=self.same_site,
        )

    def take_back(self, response: HttpResponse) -> None:
        """Let the browser forget it."""
        response.delete_cookie(self.name, path=PATH, samesite=self.same_site)


INVITE = TokenCookie("invite", INVITE_SECONDS, "Lax")
RESET = TokenCookie("reset", PASSWORD_RESET_TTL_SECONDS, "Lax")
CHALLENGE = TokenCookie("challenge", CHALLENGE_TTL_SECONDS, "Strict")
ENROLLMENT = TokenCookie("enrollment", ENROLLMENT_TOKEN_TTL_SECONDS, "Strict")
ENROLLING = TokenCookie("enrolling", ENROLLMENT_TTL_SECONDS, "Strict")
"""Which enrolment this browser was shown: nobody is shown a secret that someone else has seen."""
