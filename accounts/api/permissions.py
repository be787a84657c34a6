"""Permissions of accounts' own views."""

from typing import Any

from rest_framework.request import Request

from accounts.actions import reauthentication
from accounts.api.base import session_of
from common.api.permissions import IsStaff
from common.clock import db_now


class RecentlySignedIn(IsStaff):
    """Staff who confirmed who they are in the last five minutes, by the second factor where there is one."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """True, or NotAuthenticated, PermissionDenied or ReauthRequired."""
        super().has_permission(request, view)
        reauthentication.demand(session=session_of(request), now=db_now())
        return True


class RecentAppCode(IsStaff):
    """As `RecentlySignedIn`; who has a second factor must have shown it by the app, not by a backup code."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """True, or NotAuthenticated or ReauthRequired."""
        super().has_permission(request, view)
        reauthentication.demand_app_code(session=session_of(request), now=db_now())
        return True


def recent(needed: str = "") -> type[RecentlySignedIn]:
    """The permission class that wants `needed`, where one is named, and a recent sign-in."""
    return type("RecentlySignedIn", (RecentlySignedIn,), {"needed": needed})
