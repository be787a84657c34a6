"""If-Match: a change names the version that its author read."""

import re

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from common.errors import PreconditionFailed, PreconditionRequired

_TAG = re.compile(r'"v(\d{1,10})"', re.ASCII)


def row_etag(version: int) -> str:
    """The strong validator of a row, `"v17"`: the only one that If-Match takes."""
    return f'"v{version}"'


def if_match(request: Request, version: int, *, required: bool = False) -> int | None:
    """Return the version that the action must find, None without the header; `version` is the row's now.

    Raises PreconditionRequired for a missing header, PreconditionFailed for one that does not name this version:
    weak validators never match (RFC 9110 §13.1.1), and `*` names no version.
    """
    given = request.headers.get("If-Match")
    if given is None:
        if required:
            raise PreconditionRequired
        return None
    tags = [one.strip() for one in given.split(",")]
    if not any((match := _TAG.fullmatch(one)) and int(match[1]) == version for one in tags):
        raise PreconditionFailed
    return version


def if_match_header(*, required: bool) -> OpenApiParameter:
    """Describe the header."""
    about = 'The ETag of a staff read, such as `"v17"`.'
    return OpenApiParameter("If-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, required=required, description=about)
