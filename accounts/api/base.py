"""What all views of sign-in share."""

from typing import Any

from django.utils.cache import patch_vary_headers
from rest_framework.request import Request

from accounts.models import Session
from accounts.tokens import StaffAccessToken
from common.api.views import ApiView
from common.errors import NotAuthenticated

TAGS = ["Sign-in"]


class AuthView(ApiView):
    """No cache keeps an answer, and no referrer tells where it came from."""

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Add the headers that every answer of sign-in carries."""
        final = super().finalize_response(request, response, *args, **kwargs)
        final["Referrer-Policy"] = "no-referrer"
        patch_vary_headers(final, ["Origin", "Cookie", "Authorization"])
        return final


class VisitorView(AuthView):
    """For whoever is nobody yet: a credential in the header is not even looked at."""

    authentication_classes = ()


def session_of(request: Request) -> Session:
    """The session of the request's access token; raises NotAuthenticated where there is none."""
    if not isinstance(request.auth, StaffAccessToken):
        raise NotAuthenticated
    return request.auth.session
