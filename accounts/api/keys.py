"""The public keys that verify access tokens."""

from rest_framework.request import Request
from rest_framework.response import Response

from accounts import errors
from accounts.api.base import TAGS
from accounts.api.serializers import JwksSerializer
from accounts.constants import JWKS_MAX_AGE_SECONDS
from accounts.keys import ring
from common.api.schema import operation
from common.api.views import ApiView
from common.errors import ValidationFailed
from common.parameters import refuse_unknown


class JwksView(ApiView):
    """The key set; empty where tokens are signed with a shared secret."""

    authentication_classes = ()

    @operation(
        "getJwks", responses={200: JwksSerializer}, errors=[errors.SigningUnavailable, ValidationFailed], tags=TAGS
    )
    def get(self, request: Request) -> Response:
        """Every key that signs, will sign, or signed not long ago."""
        refuse_unknown(request, [])
        headers = {"Cache-Control": f"public, max-age={JWKS_MAX_AGE_SECONDS}"}
        return Response({"keys": ring.current().key_set()}, headers=headers)
