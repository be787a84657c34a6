"""Who may call a view; refusals are our own errors, so that their codes are stable."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from common.errors import NotAuthenticated, PermissionDenied
from common.grants import BookingGrant


class IsStaff(BasePermission):
    """A member of staff with a JWT; `needed` is a permission such as `cms.publish_post`, or empty."""

    needed = ""

    def has_permission(self, request: Request, view: Any) -> bool:
        """True, or NotAuthenticated or PermissionDenied."""
        if isinstance(request.auth, BookingGrant):
            raise PermissionDenied
        if not request.user.is_authenticated:
            raise NotAuthenticated
        if self.needed and not request.user.has_perm(self.needed):
            raise PermissionDenied
        return True


def staff(needed: str = "") -> type[IsStaff]:
    """The permission class that wants staff with `needed`."""
    return type("IsStaff", (IsStaff,), {"needed": needed})


class HasGrantOrStaff(BasePermission):
    """The bearer of a booking's token, or staff with `needed`; which booking is for the selector to judge."""

    needed = ""

    def has_permission(self, request: Request, view: Any) -> bool:
        """True, or NotAuthenticated or PermissionDenied."""
        if isinstance(request.auth, BookingGrant):
            return True
        return staff(self.needed)().has_permission(request, view)


def grant_or_staff(needed: str = "") -> type[HasGrantOrStaff]:
    """The permission class that wants a booking's token, or staff with `needed`."""
    return type("HasGrantOrStaff", (HasGrantOrStaff,), {"needed": needed})
