"""Errors in Stripe's shape: https://docs.stripe.com/api/errors."""

from typing import Any

from devkit.stripe.constants import DOCS_URL


class ApiError(Exception):
    """An answer other than 2xx. ``members`` are further members of the error object, such as ``payment_intent``."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str = "",
        param: str = "",
        members: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.error: dict[str, Any] = {"message": message, "type": kind}
        if code:
            self.error |= {"code": code, "doc_url": DOCS_URL + code.replace("_", "-")}
        if param:
            self.error["param"] = param
        self.error |= members or {}

    def body(self) -> dict[str, Any]:
        """The JSON object that goes over the wire."""
        return {"error": self.error}


def missing(noun: str, object_id: str, *, param: str = "id", status: int = 404) -> ApiError:
    """An object is asked for that does not exist; ``status`` is 400 when a body's parameter named it."""
    return ApiError(f"No such {noun}: '{object_id}'", status=status, code="resource_missing", param=param)
